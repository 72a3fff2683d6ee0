"""Folders that `torch.distributed.checkpoint` (DCP) writes, read without torch and without running anything of theirs.

Each process writes its parts of the tensors into a file of its own, each part as a zip of `torch.save`. Which part lies
where says `.metadata`, a pickle that is written last: without it a checkpoint is not finished. Lamina writes
`lamina.json` beside it: what it is, and the model's config.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.core.limits import in_force
from lamina.core.variable import Variable
from lamina.distribution.group import meet
from lamina.errors import SerializationError
from lamina.kernel.context import processes, real_kernel
from lamina.saving import pickles
from lamina.saving.matching import Place
from lamina.saving.orbax import check_files, read_json
from lamina.saving.parts import Part, Parted
from lamina.saving.pickles import Made, Name
from lamina.saving.weights import AT_ONCE
from lamina.saving.window import Window

_MARK, _FACTS = ".metadata", "lamina.json"
_DATA = re.compile(r"__\d+_\d+\.distcp")
_FORMAT = 1

_META = "torch.distributed.checkpoint.metadata."
_INFO = "torch.distributed.checkpoint.filesystem._StorageInfo"
_NUMBERS = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 "
    "float8_e4m3fn float8_e5m2"
)
_DTYPES = {f"torch.{name}": name for name in _NUMBERS.split()}
_STORAGES = {
    "torch.BoolStorage": "bool", "torch.ByteStorage": "uint8", "torch.CharStorage": "int8", "torch.ShortStorage": "int16",
    "torch.IntStorage": "int32", "torch.LongStorage": "int64", "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16", "torch.FloatStorage": "float32", "torch.DoubleStorage": "float64",
    "torch.ComplexFloatStorage": "complex64", "torch.ComplexDoubleStorage": "complex128",
}  # fmt: skip
_IN_METADATA = frozenset(
    [_META + name for name in (
        "Metadata", "TensorStorageMetadata", "BytesStorageMetadata", "TensorProperties", "ChunkStorageMetadata",
        "_MEM_FORMAT_ENCODING", "MetadataIndex", "StorageMeta",
    )]
    + [_INFO, "torch.Size", "torch.serialization._get_layout", "pathlib.PosixPath", "pathlib.WindowsPath", *_DTYPES]
)  # fmt: skip
_REBUILD = ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3")
_UNTYPED = "torch.storage.UntypedStorage"
_IN_TENSORS = frozenset((*_REBUILD, _UNTYPED, "collections.OrderedDict", *_STORAGES, *_DTYPES))


def is_finished(path: pathlib.Path) -> bool:
    """Whether a folder is one checkpoint of Lamina's in this format, wholly written."""
    return (path / _MARK).is_file() and (path / _FACTS).is_file()


class DcpFolder:
    """One checkpoint, opened.

    Args:
        path: Its folder.
        label: What it is called in errors.

    Raises:
        SerializationError: if the folder breaks a rule.
    """

    def __init__(self, path: pathlib.Path, label: str) -> None:
        self.path, self.label = path, label
        check_files(path, label)
        self._facts = read_json((path / _FACTS).read_bytes(), label, _FACTS)
        if self._facts.get("format") != _FORMAT:
            raise SerializationError(f"{label}: not a checkpoint that this version can read.")
        if (path / _MARK).stat().st_size > in_force().json_bytes:
            raise SerializationError(f"{label}: {_MARK} is larger than limits.json_bytes allows.")
        found = pickles.read((path / _MARK).read_bytes(), _IN_METADATA, f"{label}: {_MARK}")
        try:
            self.arrays = self._arrays(_state(found, "Metadata"))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise SerializationError(
                f"{label}: {_MARK} does not describe tensors in parts ({type(error).__name__}: {error!s:.120})."
            ) from None

    def config(self) -> dict[str, Any] | None:
        """The model's config; None where there are weights alone."""
        text = self._facts.get("config")
        return None if text is None else read_json(text, self.label, "the config")

    def read(self, pairs: list[tuple[Variable, Place]]) -> None:
        """Give variables the numbers of these arrays, one after the other: each process reads those of its own devices."""
        if sum(_bytes(self.arrays[place]) for _, place in pairs) < AT_ONCE:
            for _, place in pairs:
                self.arrays[place]()
        for v, place in pairs:
            v.take_parts(self.arrays[place])
            self.arrays[place].forget()

    # -- the metadata --------------------------------------------------------------------------------------------------

    def _arrays(self, metadata: dict[str, Any]) -> dict[Place, Parted]:
        where = {}
        for index, info in metadata["storage_data"].items():
            index, info = _state(index, "MetadataIndex"), _state(info, _INFO)
            if index["offset"] is not None:
                where[index["fqn"], _sizes(index["offset"])] = info
        tensors = {
            name: found
            for name, given in metadata["state_dict_metadata"].items()
            if (found := _state(given, "TensorStorageMetadata", or_none=True)) is not None
        }
        return {tuple(name.split("/")): self._parted(name, found, where) for name, found in tensors.items()}

    def _parted(self, name: str, found: dict[str, Any], where: dict[Any, dict[str, Any]]) -> Parted:
        label = f"{self.label}: {name}"
        dtype = _dtype(_DTYPES[_state(found["properties"], "TensorProperties", kind=tuple)[0]])
        shape = _sizes(found["size"])
        parts = []
        for chunk in found["chunks"]:
            chunk = _state(chunk, "ChunkStorageMetadata")
            offsets, sizes = _sizes(chunk["offsets"]), _sizes(chunk["sizes"])
            fits = len(offsets) == len(sizes) == len(shape) and all(
                a + n <= whole for a, n, whole in zip(offsets, sizes, shape, strict=True)
            )
            if not fits:
                raise ValueError(f"a part of {name} does not lie in it")
            parts.append(Part(offsets, sizes, self._reader(where[name, offsets], label)))
        return Parted(shape, dtype, parts, label)

    def _reader(self, info: dict[str, Any], label: str) -> Callable[[], np.ndarray]:
        file, start, size = info["relative_path"], _count(info["offset"]), _count(info["length"])
        if not isinstance(file, str) or not _DATA.fullmatch(file):
            raise ValueError(f"a part lies in {file!r:.80}")
        if info.get("transform_descriptors"):
            raise ValueError("the parts are packed")
        return lambda: tensor(self.path / file, start, size, label)


def _state(made: Any, of: str, *, or_none: bool = False, kind: type = dict) -> Any:
    """The state of an object of this name."""
    name = of if of.startswith("torch.") else _META + of
    if isinstance(made, Made) and made.of == name and isinstance(made.state, kind):
        return made.state
    if or_none:
        return None
    raise TypeError(f"no {of}")


def _sizes(made: Any) -> tuple[int, ...]:
    if not isinstance(made, Made) or made.of != "torch.Size" or len(made.args) != 1:
        raise TypeError("no torch.Size")
    return tuple(_count(n) for n in made.args[0])


def _count(n: Any) -> int:
    if type(n) is not int or not 0 <= n < 1 << 62:
        raise ValueError(f"{n!r:.40} is no size")
    return n


def _dtype(name: str) -> np.dtype:
    import ml_dtypes

    return np.dtype(getattr(ml_dtypes, name) if name.startswith(("bf", "float8")) else name)


def _bytes(array: Parted) -> int:
    return int(np.prod(array.shape, dtype=object)) * array.dtype.itemsize


# -- one tensor --------------------------------------------------------------------------------------------------------


def tensor(path: pathlib.Path, start: int, size: int, label: str) -> np.ndarray:
    """A tensor that `torch.save` wrote into a stretch of a file.

    Args:
        path: The file.
        start, size: The stretch.
        label: What it is called in errors.

    Raises:
        SerializationError: if it is damaged, or holds anything else than a tensor.
    """
    try:
        if start + size > path.stat().st_size:
            raise ValueError("the file is too short")
        with Window(open(path, "rb"), start, size, close=True) as window, zipfile.ZipFile(window) as archive:  # type: ignore[arg-type]
            return _unpacked(archive, label)
    except SerializationError:
        raise
    except Exception as error:  # noqa: BLE001  # zipfile has several kinds, and damaged pickles any
        raise SerializationError(
            f"{label}: a part in {path.name} is damaged ({type(error).__name__}: {error!s:.120})."
        ) from None


def _unpacked(archive: zipfile.ZipFile, label: str) -> np.ndarray:
    members = {info.filename.partition("/")[2]: info for info in archive.infolist()}
    if any(i.compress_type != zipfile.ZIP_STORED or i.file_size > i.compress_size for i in members.values()):
        raise ValueError("packed members")
    if "byteorder" in members and archive.read(members["byteorder"]) != b"little":
        raise ValueError("numbers of a machine with another order of bytes")
    made = pickles.read(archive.read(members["data.pkl"]), _IN_TENSORS, label)
    if not isinstance(made, Made) or made.of not in _REBUILD:
        raise ValueError("no tensor")
    (storage,) = made.args[0].args
    kind, of, key, _, _ = storage
    if kind != "storage" or not isinstance(of, Name):
        raise ValueError("no storage")
    dtype = _dtype(_DTYPES[made.args[6]] if of == _UNTYPED else _STORAGES[of])
    numbers = np.frombuffer(archive.read(members[f"data/{key}"]), dtype)
    first, shape, strides = _count(made.args[1]), *[tuple(map(_count, made.args[i])) for i in (2, 3)]
    return _strided(numbers[first:], shape, strides)


def _strided(numbers: np.ndarray, shape: tuple[int, ...], strides: tuple[int, ...]) -> np.ndarray:
    if 0 in shape:
        return np.zeros(shape, numbers.dtype)
    last = sum((n - 1) * by for n, by in zip(shape, strides, strict=True))
    if last >= numbers.size:
        raise ValueError("the tensor is larger than its numbers")
    steps = [by * numbers.itemsize for by in strides]
    return np.lib.stride_tricks.as_strided(numbers, shape, steps, writeable=False)


# -- writing -----------------------------------------------------------------------------------------------------------


_pending: dict[
    pathlib.Path, DcpKeeper
] = {}  # what writes to a folder now, also of a run that was interrupted


class DcpKeeper:
    """Writes a folder of checkpoints, each process the parts that it holds. Of what is there only its own kind is removed.

    Args:
        directory: The folder; it is made when missing.
        max_to_keep: How many checkpoints stay; None for all.
    """

    value_format = "backend_tensor"

    def __init__(self, directory: str, max_to_keep: int | None) -> None:
        self._folder, self._most = pathlib.Path(directory), max_to_keep
        self._first = processes()[0] == 0
        self._wait: Callable[[], None] | None = None
        if self._folder in _pending:
            _pending[self._folder].wait()
        if self._first:
            self._folder.mkdir(parents=True, exist_ok=True)
            for left in self._ours(finished=False):  # by a run that was killed while it wrote
                _remove(left)
        meet("the folder of checkpoints")
        numbers = [int(p.name) for p in self._folder.iterdir() if p.name.isdecimal()]
        self.next = max(numbers, default=-1) + 1
        meet("the folder of checkpoints")  # nobody writes before all have looked

    def _ours(self, finished: bool) -> list[pathlib.Path]:
        """The folders of Lamina's checkpoints, the latest last."""
        found = [
            p
            for p in self._folder.iterdir()
            if p.name.isdecimal() and not p.is_symlink() and (p / _FACTS).is_file()
            and is_finished(p) == finished
        ]  # fmt: skip
        return sorted(found, key=lambda p: int(p.name))

    def save(self, number: int, tree: dict[str, Any], config: str | None, background: bool) -> None:
        """Write a checkpoint, once the last one is written.

        Args:
            number: Its number.
            tree: The state, in `value_format`.
            config: The model's config as JSON; None for weights alone.
            background: Whether to return before it is written.
        """
        self.wait()
        folder = self._folder / str(number)
        if self._first:
            folder.mkdir()
            with open(folder / _FACTS, "w") as file:
                json.dump({"format": _FORMAT, "config": config}, file)
                file.flush()
                os.fsync(file.fileno())
        self._wait = real_kernel().spread.write_parts(str(folder), dict(_by_path(tree)))
        _pending[self._folder] = self
        if not background:
            self.wait()

    def wait(self) -> None:
        """Until everything is written; then what is too much goes."""
        wait, self._wait = self._wait, None
        if wait is None:
            return
        _pending.pop(self._folder, None)
        wait()
        if self._first and self._most is not None:
            for old in self._ours(finished=True)[: -self._most]:
                _remove(old)

    def close(self) -> None:
        """Until everything is written, by all processes."""
        self.wait()
        meet("the folder of checkpoints")


def _by_path(tree: dict[str, Any], above: str = "") -> Any:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _by_path(value, f"{above}{key}/")
        else:
            yield f"{above}{key}", value


def _remove(folder: pathlib.Path) -> None:
    """Remove the files of a checkpoint, and its folder if nobody else has put anything there."""
    (folder / _MARK).unlink(missing_ok=True)  # from here on it is not finished
    for file in folder.iterdir():
        if _DATA.fullmatch(file.name) or file.name == f"{_MARK}.tmp":
            file.unlink()
    (folder / _FACTS).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
