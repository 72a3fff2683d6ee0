"""Where tensors come from: each source lists them with shapes and dtypes, and reads one when it was compared.

All have the paths of the `.weights.h5` layout, so that one function compares and assigns (`weights.read`).
"""

from __future__ import annotations

import json
import math
import mmap
import pathlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from lamina.backends.memory import aligned
from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.saving import hdf5

_PART = 1 << 20  # bytes


class Meta(NamedTuple):
    """What a file says of a tensor before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


class Source(Protocol):
    """Tensors by path."""

    @property
    def tensors(self) -> Mapping[str, Any]:
        """What has a shape and a dtype, by path."""
        ...

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of a tensor, whose shape was compared before."""
        ...

    def check(self, path: str, shape: tuple[int, ...]) -> None:
        """Raise what `read` would: numbers are read for it only where they are packed or have a checksum."""
        ...

    def below(self, prefix: str) -> Iterator[str]:
        """The paths of the tensors in a group."""
        ...


class _Flat:
    """Tensors of a file without groups: the key `layers/dense/0` is the path `layers/dense/vars/0`."""

    def __init__(self, label: str, found: dict[str, Meta]) -> None:
        self.label = label
        self._keys = {path_of(key): key for key in found}
        self.tensors = {path_of(key): meta for key, meta in found.items()}

    def below(self, prefix: str) -> Iterator[str]:
        start = f"{prefix}/" if prefix else ""
        return (p for p in self.tensors if p.startswith(start))

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    def check(self, path: str, shape: tuple[int, ...]) -> None:
        self.read(path, shape)

    def _checked(self, path: str, shape: tuple[int, ...]) -> str:
        if tuple(self.tensors[path].shape) != tuple(shape):
            raise SerializationError(f"{self.label}: {path}: not of the shape {tuple(shape)}.")
        return self._keys[path]


def path_of(key: str) -> str:
    """The path of a flat key."""
    owner, _, name = key.rpartition("/")
    return f"{owner}/vars/{name}" if owner else f"vars/{name}"


def key_of(path: str) -> str:
    """The flat key of a path."""
    owner, _, name = path.rpartition("/")
    owner = owner.removesuffix("vars").rstrip("/")
    return f"{owner}/{name}" if owner else name


class Safetensors(_Flat):
    """A `.safetensors` file: a header with all places, then numbers.

    Args:
        file: The open file.
        label: Its name, for errors.
        mapped: Whether it is one of the system's that can be mapped into memory, so that a tensor costs its own size and no
            more; else each is read when it is asked for.

    Raises:
        SerializationError: if the header is none, or the tensors do not follow each other to the end of the file.
    """

    def __init__(self, file: Any, label: str, mapped: bool = False) -> None:
        self._file = file
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, in_force().json_bytes):
            raise SerializationError(
                f"{label}: the header of the safetensors file is longer than the file, or too long."
            )
        found, self._begin = {}, {}
        for key, entry in _safetensors_header(file.read(length), label).items():
            found[key], start = _safetensors_entry(key, entry, size - 8 - length, label)
            self._begin[key] = 8 + length + start
        end = 8 + length
        for key in sorted(found, key=lambda key: (self._begin[key], found[key].size)):
            if self._begin[key] != end:
                raise SerializationError(
                    f"{label}: {key}: it does not begin where the tensor before it ends."
                )
            end += found[key].size
        if end != size:
            raise SerializationError(
                f"{label}: {size - end} bytes at the end of the file belong to no tensor."
            )
        super().__init__(label, found)
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if mapped else None

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        begin, meta = self._begin[self._checked(path, shape)], self.tensors[path]
        out = aligned(np.empty, meta.shape, meta.dtype)
        if self._map is not None:
            bytes_of(out)[:] = np.frombuffer(self._map, np.uint8, meta.size, begin)
            return out
        self._file.seek(begin)
        fill(out, self._file, f"{self.label}: {path}")
        return out

    def check(self, path: str, shape: tuple[int, ...]) -> None:
        self._checked(path, shape)  # that all places lie in the file was seen when it was opened


def _safetensors_header(text: bytes, label: str) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{label}: the header is not valid JSON ({error!s:.200}).") from None
    if not isinstance(header, dict):
        raise SerializationError(f"{label}: the header of a safetensors file must be a dict.")
    header.pop("__metadata__", None)
    if len(header) > in_force().entries:
        raise SerializationError(f"{label}: more than {in_force().entries} entries.")
    return header


def bytes_of(array: np.ndarray) -> np.ndarray:
    """The memory of an array in one piece."""
    return array.reshape(-1).view(np.uint8)


def fill(array: np.ndarray, file: Any, what: str) -> None:
    """Read the bytes of an array from a file, a part at a time: some files read into memory of their own first.

    Raises:
        SerializationError: if there are fewer.
    """
    memory = bytes_of(array).data
    at = 0
    while at < len(memory):
        part = file.read(min(_PART, len(memory) - at))
        if not part:
            raise SerializationError(f"{what}: the file ends in it.")
        memory[at : at + len(part)] = part
        at += len(part)


def _safetensors_entry(key: str, entry: Any, size: int, label: str) -> tuple[Meta, int]:
    """Shape, dtype and first byte of a tensor, if they agree with each other and with the size of the data."""
    shape, offsets = (_naturals(entry, k) for k in ("shape", "data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise SerializationError(f"{label}: {key}: not the description of a tensor: {entry!r:.80}.")
    meta = Meta(tuple(shape), _safetensors_dtype(str(entry.get("dtype")), label))
    start, end = offsets
    if end > size or end - start != meta.size:
        raise SerializationError(
            f"{label}: {key}: {shape} of {meta.dtype} does not lie at the bytes {start} to {end}."
        )
    return meta, start


def _naturals(entry: Any, key: str) -> list[int] | None:
    """A list of whole numbers from 0 on in a dict; None if it is none."""
    found = entry.get(key) if isinstance(entry, dict) else None
    good = isinstance(found, list) and all(type(n) is int and n >= 0 for n in found)
    return found if good else None


SAFETENSORS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2",
}  # fmt: skip


def _safetensors_dtype(name: str, label: str) -> np.dtype:
    if str(name) not in SAFETENSORS:
        raise SerializationError(f"{label}: tensors of dtype {name} are not supported.")
    return dtype_of(str(name))


def dtype_of(word: str) -> np.dtype:
    """The dtype behind a word of the safetensors format."""
    import ml_dtypes

    name = SAFETENSORS[word]
    return np.dtype(getattr(ml_dtypes, name) if name.startswith(("bf", "float8")) else name)


class Npz(_Flat):
    """A `.npz` file: plain arrays, never a pickle; headers are compared before any number is read."""

    def __init__(self, archive: zipfile.ZipFile, label: str) -> None:
        self._archive = archive
        found = {}
        for info in archive.infolist():
            if not info.filename.endswith(".npy") or info.flag_bits & 1:
                raise SerializationError(f"{label}: {info.filename!r} is not an array of an .npz file.")
            key = info.filename.removesuffix(".npy")
            if key in found:
                raise SerializationError(f"{label}: {key!r} stands in the file twice.")
            with damaged_zip(label, info.filename), archive.open(info) as member:
                found[key] = _npy_header(member, info, label)
        super().__init__(label, found)

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        key, meta = self._checked(path, shape), self.tensors[path]
        with damaged_zip(self.label, key), self._archive.open(f"{key}.npy") as member:
            turned = _npy_start(member)[1]
            out = aligned(np.empty, meta.shape[::-1] if turned else meta.shape, meta.dtype)
            fill(out, member, f"{self.label}: {path}")
            member.read(1)  # the checksum is compared at the end
            return out.T if turned else out


def _npy_start(member: Any) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether the first axis is the one that runs fastest, and dtype."""
    version = np.lib.format.read_magic(member)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"unknown version {version} of .npy")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return header(member)


def _npy_header(member: Any, info: zipfile.ZipInfo, label: str) -> Meta:
    shape, _, dtype = _npy_start(member)
    if dtype.hasobject or dtype.kind not in "biufc":
        raise SerializationError(
            f"{label}: {info.filename}: dtype {dtype} is not numeric (pickles are never read)."
        )
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > info.file_size:
        raise SerializationError(f"{label}: {info.filename} declares numbers that the file does not hold.")
    if info.file_size > max(info.compress_size * hdf5.MAX_RATIO, 1 << 20):
        raise SerializationError(f"{label}: {info.filename} would unpack to {info.file_size} bytes.")
    return Meta(tuple(shape), dtype)


@contextmanager
def damaged_zip(label: str, name: str) -> Iterator[None]:
    """A block in which whatever zip and npy readers make of damage is raised in Lamina's words."""
    import struct
    import tokenize  # NumPy tries to mend headers with it
    import zlib

    try:
        yield
    except SerializationError:
        raise
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, TypeError, KeyError, SyntaxError,
        NotImplementedError, RuntimeError, OverflowError, MemoryError, IndexError, AttributeError, tokenize.TokenError,
    ) as error:  # fmt: skip
        raise SerializationError(
            f"{label}: {name} is damaged ({type(error).__name__}: {error!s:.200})."
        ) from None


class Shards:
    """Weights in several HDF5 files beside a JSON index."""

    def __init__(self, files: list[hdf5.TensorFile], label: str) -> None:
        self.label = label
        self.tensors: dict[str, Any] = {}
        self._of: dict[str, hdf5.TensorFile] = {}
        for file in files:
            for path, data in file.tensors.items():
                if path in self.tensors:
                    raise SerializationError(
                        f"{label}: {path} stands in two shards, the second is {file.label}."
                    )
                self.tensors[path], self._of[path] = data, file

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        return self._of[path].read(path, shape)

    def check(self, path: str, shape: tuple[int, ...]) -> None:
        self._of[path].check(path, shape)

    def below(self, prefix: str) -> Iterator[str]:
        start = f"{prefix}/" if prefix else ""
        return (p for p in self.tensors if p.startswith(start))


@contextmanager
def opened_shards(path: pathlib.Path) -> Iterator[Shards]:
    """The shards that an index names. Only files of its own name with a number, in its own folder, are opened.

    Raises:
        SerializationError: if it is not an index, or names another file.
    """
    names = shard_names(path)
    with ExitStack() as open_files:
        files = []
        for name in names:
            part = path.with_name(name)
            if part.is_symlink() or not part.is_file():
                raise SerializationError(f"{path.name}: the shard {name} is missing.")
            file = open_files.enter_context(hdf5.opened(part, name))
            files.append(hdf5.TensorFile(file, name))
        yield Shards(files, path.name)


def shard_names(path: pathlib.Path) -> list[str]:
    """The files that an index names, checked."""
    if path.stat().st_size > in_force().json_bytes:
        raise SerializationError(f"{path.name}: the index is larger than {in_force().json_bytes} bytes.")
    try:
        index = json.loads(path.read_bytes())
        names = {
            name
            for part in index["weight_map"].values()
            for name in ([part] if isinstance(part, str) else part)
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise SerializationError(f"{path.name}: not the index of sharded weights ({error!s:.200}).") from None
    stem = path.name.removesuffix(".json").removesuffix(".weights")
    wrong = [
        n
        for n in names
        if not (isinstance(n, str) and re.fullmatch(re.escape(stem) + r"_\d{5}\.weights\.h5", n))
    ]
    if wrong or len(names) > in_force().shards:
        raise SerializationError(
            f"{path.name}: the index names {wrong[:3] or len(names)}; shards are called {stem}_00000.weights.h5 and so on, in "
            "the same folder."
        )
    return sorted(names)
