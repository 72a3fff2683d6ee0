"""Freed memory stays with the process on the CPU.

glibc gives large blocks back to the system when they are freed. A step that allocates 100 MB of intermediate results
then pays for 25,000 fresh pages each time: a fifth of its duration.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

# mallopt's parameters, from malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_kept = False  # whether this process keeps what is freed
_KEPT = 1 << 30  # bytes; what is free beyond them is given back
_STEP = 64 << 20  # bytes by which the heap grows
_HEADER = 16  # bytes before each block
_LARGE_GAPS = [1 << n for n in range(23, 19, -1)]  # sizes in bytes: 8 MB to 1 MB
_SMALL_GAPS = [1 << n for n in range(19, 13, -1)]  # 512 KB to 16 KB, which are set aside
_MOST = 256 << 20  # bytes of all gaps of a size
_POINTER = ctypes.c_void_p
_aside: list[int] = []  # blocks that fill gaps of the heap
_opened = False  # whether they were given free for a compiler


_ALIGNED = 256  # bytes, more than any vector instruction asks for


def aligned(make: Callable[..., np.ndarray], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array by `np.zeros` or `np.empty` where frameworks take it without a copy: TensorFlow ends the process over
    one that lies elsewhere, and XLA copies it.
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    memory = make(size + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    return memory[start : start + size].view(kind).reshape(shape)


def keep_pages() -> bool:
    """Make malloc keep what is freed, for this process; before threads of a framework start.

    Left as it is without glibc, or where the environment says how malloc should behave (`MALLOC_*` or
    `GLIBC_TUNABLES`), or with `LAMINA_KEEP_MEMORY=0`.

    Returns:
        Whether malloc was set.
    """
    chosen = any(name.startswith("MALLOC_") for name in os.environ) or "GLIBC_TUNABLES" in os.environ
    if sys.platform != "linux" or chosen or os.environ.get("LAMINA_KEEP_MEMORY") == "0":
        return False
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return False
    # One heap without mapped blocks: heaps of single threads are unmapped when they are empty.
    global _kept
    settings = {_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: _KEPT, _TOP_PAD: _STEP}
    _kept = all(libc.mallopt(name, value) == 1 for name, value in settings.items())
    return _kept


def give_back() -> None:
    """Give free pages back once: after a compiler has left many that nobody will use again.

    The small gaps between what it still holds are set aside: a step would be served from them, each request from
    another place that is not in the cache, and take a tenth longer.
    """
    global _opened
    if not _kept:
        return
    open_gaps()
    libc = _libc()
    libc.malloc_trim(0)
    # the large ones for a moment only, so that small blocks find the small gaps
    large = [block for size in _LARGE_GAPS for block in _gaps(libc, size)]
    _aside.extend(block for size in _SMALL_GAPS for block in _gaps(libc, size))
    _free(libc, large)
    _opened = False


def open_gaps() -> None:
    """Before a compiler: what it keeps goes into the gaps that were set aside, not into the room of the steps."""
    global _aside, _opened
    blocks, _aside = _aside, []
    if blocks:  # nothing ever is where malloc is not glibc's
        _opened = True
        _free(_libc(), blocks)


def close_gaps() -> None:
    """After a compiler: set aside again, if gaps were opened."""
    if _opened:
        give_back()


def _libc() -> Any:
    libc = ctypes.PyDLL(None)  # which keeps Python's lock: blocks of other threads would come between
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = _POINTER, [ctypes.c_size_t], [_POINTER]
    return libc


def _gaps(libc: Any, size: int) -> list[int]:
    """Blocks of a size in the gaps of the heap: all that malloc gives until four follow each other at its end."""
    found: list[int] = []
    while not (len(found) >= 4 and all(b - a == size + _HEADER for a, b in pairwise(found[-4:]))):
        block = libc.malloc(size) if len(found) * size < _MOST else None
        if not block:  # no memory, or a malloc that is not glibc's and lays blocks out in another way
            _free(libc, found)
            return []
        found.append(block)
    _free(libc, found[-4:])
    return found[:-4]


def _free(libc: Any, blocks: list[int]) -> None:
    for block in blocks:
        libc.free(block)
