"""The one reader of HDF5: plain groups and numeric datasets, nothing else.

HDF5 can point to other files, run filters, loop. Here a path is walked component by component, and whatever is not a
plain group or dataset reached by a hard link is refused before a byte of it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from lamina.errors import SerializationError
from lamina.kernel import dtypes

MAX_DEPTH = 64
MAX_NODES = 1_000_000
MAX_RATIO = 1100  # gzip's own limit is 1032
_FILTERS = {"gzip", "lzf", "szip"}


# What h5py raises of its own for damaged files: each version and each call has another one.
_DAMAGE = (RuntimeError, KeyError, OSError, ValueError, TypeError, AttributeError, IndexError, OverflowError,
           MemoryError, NotImplementedError)  # fmt: skip


@contextmanager
def guarded(label: str, path: str = "") -> Iterator[None]:
    """A block in which whatever h5py makes of a damaged file is raised in Lamina's words."""
    try:
        yield
    except SerializationError:
        raise
    except _DAMAGE as error:
        where = f"{label}: {path}" if path else label
        raise SerializationError(
            f"{where}: the HDF5 file is damaged ({type(error).__name__}: {error!s:.200})."
        ) from None


def opened(source: Any, label: str | None = None) -> h5py.File:
    """An HDF5 file for reading.

    Raises:
        SerializationError: if it is none.
    """
    label = label or str(getattr(source, "name", source))
    try:
        return h5py.File(source, "r")
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except _DAMAGE as error:
        raise SerializationError(f"{label}: not a readable HDF5 file ({error!s:.200}).") from None


class TensorFile:
    """The tensors of an HDF5 file by path, with their shapes and dtypes; numbers are read on demand.

    Args:
        file: An open h5py.File.
        label: The name of the file, for errors.

    Raises:
        SerializationError: if the file holds something else than groups and plain datasets.
    """

    def __init__(self, file: h5py.Group, label: str) -> None:
        self.file, self.label = file, label
        self.tensors: dict[str, h5py.Dataset] = {}
        self.groups: dict[str, h5py.Group] = {}
        with guarded(label):
            self._walk(file, "", set(), 0)

    def _refuse(self, path: str, why: str) -> SerializationError:
        return SerializationError(
            f"{self.label}: {path or '/'}: {why}. Lamina reads plain groups and numeric datasets."
        )

    def _walk(self, group: h5py.Group, prefix: str, above: set[Any], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._refuse(prefix, f"groups are nested more than {MAX_DEPTH} deep")
        if len(self.groups) + len(self.tensors) > MAX_NODES:
            raise self._refuse(prefix, f"more than {MAX_NODES} entries")
        identity = h5py.h5o.get_info(group.id)  # pyright: ignore[reportAttributeAccessIssue]  # compiled: no stub
        key = (identity.fileno, identity.addr)
        if key in above:
            raise self._refuse(prefix, "a group contains itself")
        self.groups[prefix] = group
        names: Any = group  # its stub says that a name may be missing
        links: Any = group.id.links
        hard = h5py.h5l.TYPE_HARD  # pyright: ignore[reportAttributeAccessIssue]  # compiled: no stub
        for name in names:
            path: str = f"{prefix}/{name}" if prefix else name
            # the kind of a link first: what it points to is opened only where it lies in this file
            if links.get_info(name.encode()).type != hard:
                raise self._refuse(path, f"a {type(group.get(name, getlink=True)).__name__} points elsewhere")
            member = group[name]
            if isinstance(member, h5py.Group):
                self._walk(member, path, above | {key}, depth + 1)
            elif isinstance(member, h5py.Dataset):
                self.tensors[path] = self._checked(member, path)
            else:
                raise self._refuse(path, f"a {type(member).__name__} is not a tensor")

    def _checked(self, data: h5py.Dataset, path: str) -> h5py.Dataset:
        if data.external is not None or data.is_virtual:
            raise self._refuse(path, "its numbers lie in another file")
        kind = data.dtype  # made anew each time that it is asked for
        if kind.kind not in "biufcV" or kind.hasobject or kind.names not in (None, ("r", "i")):
            raise self._refuse(path, f"dtype {kind} is not numeric")
        if data.compression is not None and data.compression not in _FILTERS:
            raise self._refuse(path, f"unknown filter {data.compression!r}")
        plist = data.id.get_create_plist()
        for i in range(plist.get_nfilters()):
            code = plist.get_filter(i)[0]
            if code not in (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32,
                            h5py.h5z.FILTER_LZF, h5py.h5z.FILTER_SZIP):  # fmt: skip
                raise self._refuse(path, f"unknown filter number {code}")
        return data

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of a tensor, whose shape was compared before.

        Raises:
            SerializationError: if it is not there or has another shape.
        """
        data = self.tensors.get(path)
        if data is None:
            raise SerializationError(f"{self.label}: there is no tensor {path!r}.")
        if tuple(data.shape) != tuple(shape):
            raise SerializationError(
                f"{self.label}: {path}: shape {tuple(data.shape)}, expected {tuple(shape)}."
            )
        with guarded(self.label, path):
            # filters may be switched on for nothing: what is stored plain must be there in full
            held, wanted = data.id.get_storage_size(), data.nbytes
            plain = data.chunks is None or data.id.get_create_plist().get_nfilters() == 0
            if wanted > 64 and held < (wanted if plain else max(1, wanted // MAX_RATIO)):
                raise self._refuse(path, "it declares numbers that the file does not hold")
        with guarded(self.label, path):
            name = data.attrs.get("dtype") if data.dtype.kind == "V" else None
            return _as_declared(data[()], name)

    def below(self, prefix: str) -> Iterator[str]:
        """The paths of the tensors in a group."""
        start = f"{prefix}/" if prefix else ""
        return (path for path in self.tensors if path.startswith(start))


def _as_declared(array: np.ndarray, name: Any) -> np.ndarray:
    """Narrow floats are written as raw bytes with their dtype in an attribute."""
    if array.dtype.kind != "V" or not isinstance(name, str):
        return array
    import ml_dtypes

    if name not in ("bfloat16", *dtypes.FLOAT8):
        raise SerializationError(f"Unknown dtype {name!r} of a tensor.")
    return array.view(getattr(ml_dtypes, name))


def write_tensor(group: h5py.Group, name: str, value: Any) -> None:
    """Write an array; narrow floats as raw bytes with their dtype in an attribute, as Keras writes them."""
    array = np.asarray(value)
    if array.dtype.name in ("bfloat16", *dtypes.FLOAT8):
        data = group.create_dataset(name, data=array.view(np.dtype(f"V{array.dtype.itemsize}")))
        data.attrs["dtype"] = array.dtype.name
    else:
        group.create_dataset(name, data=array)
