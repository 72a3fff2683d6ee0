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

from lamina.backends.memory import aligned
from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.kernel import dtypes
from lamina.saving import filters, heaps

MAX_RATIO = 1100  # gzip's own limit is 1032


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


# What open files were opened from, and how long a text in them can be where that was asked for.
_open: dict[int, tuple[Any, int | None]] = {}


@contextmanager
def opened(source: Any, label: str | None = None) -> Iterator[h5py.File]:
    """An HDF5 file for reading.

    Raises:
        SerializationError: if it is none.
    """
    label = label or str(getattr(source, "name", source))
    try:
        file = h5py.File(source, "r")
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except _DAMAGE as error:
        raise SerializationError(f"{label}: not a readable HDF5 file ({error!s:.200}).") from None
    with file:
        with guarded(label):
            number = _number(file)
        _open[number] = source, None
        try:
            yield file
        finally:
            del _open[number]


def _number(group: h5py.Group | h5py.Dataset) -> int:
    """What HDF5 counts its open files by."""
    return h5py.h5o.get_info(group.file.id).fileno  # pyright: ignore[reportAttributeAccessIssue]  # compiled: no stub


def longest_text(group: h5py.Group | h5py.Dataset, label: str) -> int:
    """A bound on the texts of variable length in an open file; to be asked for before one is read.

    Raises:
        SerializationError: if what holds them is damaged, which HDF5 itself may not notice.
    """
    number = _number(group)
    source, longest = _open.get(number, (None, None))
    if longest is None:
        longest = heaps.largest(group.file, source, label)
        _open[number] = source, longest
    return longest


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
        if depth > in_force().group_depth:
            raise self._refuse(prefix, f"groups are nested more than {in_force().group_depth} deep")
        if len(self.groups) + len(self.tensors) > in_force().entries:
            raise self._refuse(prefix, f"more than {in_force().entries} entries")
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
        kind, shape = data.dtype, data.shape  # made anew each time that they are asked for
        if shape is None:
            raise self._refuse(path, "it is a dataset without a place for numbers")
        if kind.kind not in "biufcV" or kind.hasobject or kind.names not in (None, ("r", "i")):
            raise self._refuse(path, f"dtype {kind} is not numeric")
        if kind.kind == "V" and _declared(data, self.label) is None:
            raise self._refuse(path, f"bytes ({kind}) without the attribute that says which numbers they are")
        if (why := filters.refusal(data)) is not None:
            raise self._refuse(path, why)
        return data

    def _found(self, path: str, shape: tuple[int, ...]) -> h5py.Dataset:
        """A tensor whose shape was compared before, and whose numbers the file holds."""
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
            plain = data.chunks is None or not filters.pipeline(data)
            if wanted > 64 and held < (wanted if plain else max(1, wanted // MAX_RATIO)):
                raise self._refuse(path, "it declares numbers that the file does not hold")
            if (why := filters.wrong_part(data)) is not None:
                raise self._refuse(path, why)
        return data

    def read(self, path: str, shape: tuple[int, ...]) -> np.ndarray:
        """The numbers of a tensor, whose shape was compared before.

        Raises:
            SerializationError: if it is not there or has another shape.
        """
        data = self._found(path, shape)
        with guarded(self.label, path):
            declared = _declared(data, self.label)
            numbers = aligned(np.empty, shape, data.dtype)
            if numbers.size:
                data.read_direct(numbers)
            return numbers if declared is None else numbers.view(declared)

    def check(self, path: str, shape: tuple[int, ...]) -> None:
        """Raise what `read` would; numbers in one piece are not read for it, their place in the file is looked at.

        Raises:
            SerializationError: if the tensor is not there, has another shape, or cannot be read.
        """
        data = self._found(path, shape)
        with guarded(self.label, path):
            at = data.id.get_offset()  # of numbers in one piece, without filters
            within = at is not None and at + data.nbytes <= data.file.id.get_filesize()
        if not within:
            self.read(path, shape)

    def below(self, prefix: str) -> Iterator[str]:
        """The paths of the tensors in a group."""
        start = f"{prefix}/" if prefix else ""
        return (path for path in self.tensors if path.startswith(start))


def _declared(data: h5py.Dataset, label: str) -> np.dtype | None:
    """The dtype of narrow floats, which are written as raw bytes with their dtype in an attribute; None for others."""
    if data.dtype.kind != "V" or "dtype" not in data.attrs:
        return None
    longest_text(data, label)
    name: Any = data.attrs["dtype"]
    if name not in ("bfloat16", *dtypes.FLOAT8):
        return None
    import ml_dtypes

    found = np.dtype(getattr(ml_dtypes, name))
    return found if found.itemsize == data.dtype.itemsize else None


@contextmanager
def created(target: Any) -> Iterator[h5py.File]:
    """A new HDF5 file in a path, or in a file that is open for reading and writing.

    It is written through Python: where HDF5 itself finds no room on the disk, it takes the process down with it.
    """
    if hasattr(target, "write"):
        with h5py.File(target, "w") as file:
            yield file
    else:
        with open(target, "w+b") as opened_file, h5py.File(opened_file, "w") as file:
            yield file


def write_tensor(group: h5py.Group, name: str, value: Any) -> None:
    """Write an array; narrow floats as raw bytes with their dtype in an attribute, as Keras writes them."""
    array = np.asarray(value)
    if array.dtype.name in ("bfloat16", *dtypes.FLOAT8):
        data = group.create_dataset(name, data=array.view(np.dtype(f"V{array.dtype.itemsize}")))
        data.attrs["dtype"] = array.dtype.name
    else:
        group.create_dataset(name, data=array)
