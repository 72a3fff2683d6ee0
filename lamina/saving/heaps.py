"""Global heaps of HDF5 files, where texts of variable length lie, looked over before HDF5 reads one.

HDF5 believes what a damaged file says here: a heap whose free space has no size is read for ever, a text that is said to be
longer than its place in the heap takes gigabytes, and one long text may be pointed to by many entries.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from lamina.errors import SerializationError

_MARK = re.compile(rb"GCOL\x01")
_HEAD = 16  # bytes of the header of a heap, and of each object in it
_LEAST = 4096  # bytes of a heap
_BLOCK = 1 << 20

Read = Callable[[int, int], bytes]


def largest(file: h5py.File, source: Any, label: str) -> int:
    """The size of the largest heap in a file: no text in it is longer.

    Args:
        file: An open file.
        source: What it was opened from, where that is a file-like object.
        label: Its name, for errors.

    Raises:
        SerializationError: if the objects of a heap do not follow each other to its end, or a text is longer than its own.
    """
    made: Any = file.id.get_create_plist()
    if made.get_sizes() != (8, 8):
        raise SerializationError(f"{label}: an HDF5 file whose addresses have not eight bytes.")
    read = _reader(file, source)
    size = file.id.get_filesize()
    found = 0
    heaps: dict[int, dict[int, int]] = {}
    for at in _marks(read, size):
        declared = int.from_bytes(read(at + 8, 8), "little")
        if _LEAST <= declared <= size - at:  # of any other size HDF5 says itself that it is none
            heaps[at - made.get_userblock()] = _objects(read(at, declared), label)
            found = max(found, declared)
    if heaps:
        _check_lengths(heaps, read, size, label)
    return found


def _reader(file: h5py.File, source: Any) -> Read:
    if not hasattr(source, "read"):
        handle = file.id.get_vfd_handle()
        return lambda at, size: os.pread(handle, size, at)

    def read(at: int, size: int) -> bytes:
        source.seek(at)
        return source.read(size)

    return read


def _marks(read: Read, size: int) -> Iterator[int]:
    for start in range(0, size, _BLOCK):
        for match in _MARK.finditer(read(start, _BLOCK + 4)):
            yield start + match.start()


def _objects(heap: bytes, label: str) -> dict[int, int]:
    """The sizes of the objects in a heap by their numbers."""
    out: dict[int, int] = {}
    at = _HEAD
    while at + _HEAD <= len(heap):
        number = int.from_bytes(heap[at : at + 2], "little")
        size = int.from_bytes(heap[at + 8 : at + 16], "little")
        step = size if number == 0 else _HEAD + -(-size // 8) * 8
        if step < _HEAD or at + step > len(heap):
            raise SerializationError(
                f"{label}: the HDF5 file is damaged (a heap of texts does not hold together)."
            )
        out[number] = size
        at += step
    return out


def _check_lengths(heaps: dict[int, dict[int, int]], read: Read, size: int, label: str) -> None:
    """What points into a heap is (length, address of the heap, number of the object), in 4, 8 and 4 bytes."""
    known = np.array(sorted(heaps), "<u8")
    for start in range(0, size, _BLOCK):
        block = read(start, _BLOCK + 15)  # those that begin in this block, to their ends
        for shift in range(4, 12):
            addresses = np.frombuffer(block[shift : shift + (len(block) - shift) // 8 * 8], "<u8")
            for i in np.flatnonzero(addresses <= known[-1]):
                if int(addresses[i]) not in heaps:
                    continue
                at = shift + 8 * int(i)
                length = int.from_bytes(block[at - 4 : at], "little")
                number = int.from_bytes(block[at + 8 : at + 12], "little")
                held = heaps[int(addresses[i])].get(number)
                if held is not None and length > held:
                    raise SerializationError(
                        f"{label}: the HDF5 file is damaged (a text of {length} bytes is said to lie in {held})."
                    )
