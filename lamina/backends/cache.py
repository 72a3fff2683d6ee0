"""The folder of compiled programs, so that the second run of a script starts without compiling.

What lies there is run as code, so it must be the user's own folder that nobody else can write or read (mode 0700).
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

LIMIT = 1 << 30  # bytes
_OFF = ("0", "off", "false", "no")


_choice: str | bool | None = None


def choose(choice: str | bool) -> None:
    """Use this folder from here on; True is the default one, False none.

    Raises:
        ValueError: if the folder cannot be made, or is not private.
    """
    global _choice
    if choice is not False and _usable(choice) is None:
        raise ValueError(
            f"Compiled programs cannot be kept in {str(_place(choice))!r}: it must be a folder of your own with mode "
            "0700, because what lies there is run as code. Run `chmod 700` on it, or choose another."
        )
    _choice = choice


def folder() -> Path | None:
    """The folder in force, kept below its limit.

    What was chosen, or what the environment variable `LAMINA_COMPILE_CACHE` says (a folder, or 0), or the default.

    Returns:
        The folder; None if programs are not to be kept, or cannot be: no folder can be made, or it is not private.
    """
    choice = os.environ.get("LAMINA_COMPILE_CACHE") or True if _choice is None else _choice
    return _usable(choice)


def _place(choice: str | bool) -> Path:
    return Path.home() / ".lamina" / "compiled" if choice is True else Path(choice).expanduser()


def _usable(choice: str | bool) -> Path | None:
    if choice is False or str(choice).lower() in _OFF:
        return None
    place = _place(choice)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _private(place):
            return None
        prune(place, LIMIT)
    except OSError:  # a home that cannot be written: a cache is not worth an error
        return None
    return place


def _private(place: Path) -> bool:
    found = place.lstat()
    if not hasattr(os, "geteuid"):
        return stat.S_ISDIR(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def prune(place: Path, limit: int) -> None:
    """Delete the files that were not used for the longest time until the rest fits."""
    found = []
    for path in place.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process prunes, too
            facts = path.lstat()
            if stat.S_ISREG(facts.st_mode):
                found.append((max(facts.st_atime, facts.st_mtime), facts.st_size, path))
    size = sum(bytes_ for _, bytes_, _ in found)
    for _, bytes_, path in sorted(found, key=lambda one: one[0]):
        if size <= limit:
            break
        path.unlink(missing_ok=True)
        size -= bytes_
