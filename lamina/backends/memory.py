"""Freed memory stays with the process on the CPU.

glibc gives large blocks back to the system when they are freed. A step that allocates 100 MB of intermediate results
then pays for 25,000 fresh pages each time: a fifth of its duration.
"""

from __future__ import annotations

import ctypes
import os
import sys

# mallopt's parameters, from malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8
_kept = False  # whether this process keeps what is freed
_KEPT = 1 << 30  # bytes; what is free beyond them is given back
_STEP = 64 << 20  # bytes by which the heap grows


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
    # Two heaps without mapped blocks. In one, each request searches what a compiler has left (a tenth of a small
    # step); heaps of single threads, which would be more, are unmapped when they are empty.
    global _kept
    settings = {_ARENA_MAX: 2, _MMAP_MAX: 0, _TRIM_THRESHOLD: _KEPT, _TOP_PAD: _STEP}
    _kept = all(libc.mallopt(name, value) == 1 for name, value in settings.items())
    return _kept


def give_back() -> None:
    """Give free pages back once: after a compiler has left many that nobody will use again."""
    if _kept:
        ctypes.CDLL(None).malloc_trim(0)
