"""Global heaps of HDF5 files, where texts of variable length lie, looked over before HDF5 reads one.

A heap whose free space is said to have no size is read by HDF5 for ever, and one long text may be pointed to by many entries.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import h5py

from lamina.errors import SerializationError

_MARK = re.compile(rb"GCOL\x01")
_HEAD = 16  # bytes of the header of a heap, and of each object in it
_LEAST = 4096  # bytes of a heap
_BLOCK = 1 << 20


def largest(file: h5py.File, source: Any, label: str) -> int:
    """The size of the largest heap in a file: no text in it is longer.

    Args:
        file: An open file.
        source: What it was opened from: a path, or a file-like object.
        label: Its name, for errors.

    Raises:
        SerializationError: if the objects of a heap do not follow each other to its end.
    """
    read = _reader(file, source)
    size = file.id.get_filesize()
    found = 0
    for at in _marks(read, size):
        declared = int.from_bytes(read(at + 8, 8), "little")
        if _LEAST <= declared <= size - at:  # of any other size HDF5 says itself that it is none
            _check(read(at, declared), label)
            found = max(found, declared)
    return found


def _reader(file: h5py.File, source: Any) -> Callable[[int, int], bytes]:
    if not hasattr(source, "read"):
        handle = file.id.get_vfd_handle()
        return lambda at, size: os.pread(handle, size, at)

    def read(at: int, size: int) -> bytes:
        source.seek(at)
        return source.read(size)

    return read


def _marks(read: Callable[[int, int], bytes], size: int) -> Iterator[int]:
    for start in range(0, size, _BLOCK):
        for match in _MARK.finditer(read(start, _BLOCK + 4)):
            yield start + match.start()


def _check(heap: bytes, label: str) -> None:
    at = _HEAD
    while at + _HEAD <= len(heap):
        number = int.from_bytes(heap[at : at + 2], "little")
        size = int.from_bytes(heap[at + 8 : at + 16], "little")
        step = size if number == 0 else _HEAD + -(-size // 8) * 8
        if step < _HEAD or at + step > len(heap):
            raise SerializationError(f"{label}: the HDF5 file is damaged (a heap of texts does not hold together).")
        at += step
