"""Texts in the attributes of HDF5 groups, read within a budget: the old formats keep configs and names there."""

from __future__ import annotations

import mmap
from typing import Any

import h5py
import numpy as np

from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.saving.hdf5 import guarded


def text(group: h5py.Group, name: str, label: str) -> str | None:
    """The text in an attribute; None where there is none.

    Raises:
        SerializationError: if it is not a text, or larger than the budget.
    """
    found = strings(group, name, label)
    if found is None:
        return None
    if len(found) != 1:
        raise SerializationError(f"{label}: the attribute {name!r} must be one text, got {len(found)}.")
    return found[0]


def strings(group: h5py.Group, name: str, label: str) -> list[str] | None:
    """The texts in an attribute; long lists lie in parts, `name0`, `name1`, ... None where there are none."""
    with guarded(label, name):
        if name in group.attrs:
            return _strings(group, name, label)
        parts, i = [], 0
        while f"{name}{i}" in group.attrs:
            parts += _strings(group, f"{name}{i}", label)
            i += 1
        return parts if i else None


def _strings(group: h5py.Group, name: str, label: str) -> list[str]:
    attribute = group.attrs.get_id(name)
    count = int(np.prod(attribute.shape, dtype=np.int64)) if attribute.shape is not None else 0
    if count == 0:
        return []
    kind = h5py.check_string_dtype(attribute.dtype)
    if kind is None:
        raise SerializationError(f"{label}: the attribute {name!r} holds {attribute.dtype}, not text.")
    size = kind.length if kind.length is not None else _longest(group.file, count)
    if count * size > in_force().text_bytes:
        raise SerializationError(
            f"{label}: the attribute {name!r} could hold {count * size} bytes of text, more than {in_force().text_bytes}."
        )
    found: Any = group.attrs[name]
    return [_decoded(x, name, label) for x in np.ravel(np.asarray(found, dtype=object))]


def _decoded(value: Any, name: str, label: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise SerializationError(f"{label}: the attribute {name!r} holds {type(value).__name__}, not text.")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise SerializationError(f"{label}: the attribute {name!r} is not UTF-8 text.") from None


def _longest(file: h5py.File, count: int) -> int:
    """A bound on the length of a string of variable length.

    Such strings lie in collections, and many entries may point to one string, so that a small file could unfold into
    gigabytes: no string is longer than the largest collection.
    """
    if count == 1:
        return 0  # no more than the file itself
    largest = 0
    with _bytes_of(file) as data:
        at = data.find(b"GCOL")
        while at >= 0:
            declared = int.from_bytes(data[at + 8 : at + 16], "little")
            largest = max(largest, min(declared, len(data)))
            at = data.find(b"GCOL", at + 4)
    return largest


class _bytes_of:
    """The bytes of an open file, mapped where the file has a descriptor."""

    def __init__(self, file: h5py.File) -> None:
        self._file, self._map = file, None

    def __enter__(self) -> Any:
        if self._file.driver == "fileobj":
            return self._file.id.get_file_image()
        handle = self._file.id.get_vfd_handle()
        self._map = mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
        return self._map

    def __exit__(self, *_: Any) -> None:
        if self._map is not None:
            self._map.close()
