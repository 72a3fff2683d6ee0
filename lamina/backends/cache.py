"""The folder of compiled programs, so that the second run of a script starts without compiling.

What lies there is run as code, so it must be the user's own folder that nobody else can write or read (mode 0700).

Only what Lamina's backends wrote is ever deleted. Each framework gets a subfolder that Lamina made itself and marked;
in there only files with the names of that framework's programs count. Reading the setting touches nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path
from typing import Any

LIMIT = 1 << 30  # bytes of programs, per framework
MARKER = "CACHEDIR.TAG"  # so that backup programs leave the folder out, too: https://bford.info/cachedir/
_MARK = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Compiled programs, written and pruned by Lamina. Whatever carries another name than theirs is left alone.\n"
)
_PROGRAM = re.compile(r".+-[0-9a-f]{64}-(cache|atime)")  # how jax calls its files
_OFF = ("0", "off", "false", "no")


_choice: str | bool | None = None


def choose(choice: str | bool) -> None:
    """Use this folder from here on; True is the default one, False none.

    Raises:
        ValueError: if the folder cannot be made, or is not private.
    """
    global _choice
    if choice is not False and not _made(_place(choice)):
        raise ValueError(
            f"Compiled programs cannot be kept in {str(_place(choice))!r}: it must be a folder of your own with mode "
            "0700, because what lies there is run as code. Run `chmod 700` on it, or choose another."
        )
    _choice = choice


def folder() -> Path | None:
    """The folder that is in use, or will be: nothing is made, looked through or deleted here.

    What was chosen, or what the environment variable `LAMINA_COMPILE_CACHE` says (a folder, or 0), or the default.

    Returns:
        The folder; None if programs are not to be kept, or cannot be, because the folder is not private.
    """
    choice = os.environ.get("LAMINA_COMPILE_CACHE") or True if _choice is None else _choice
    if choice is False or str(choice).lower() in _OFF:
        return None
    place = _place(choice)
    try:
        return place if _private(place) else None
    except FileNotFoundError:  # made when a backend first keeps a program
        return place
    except OSError:
        return None


def subfolder(place: Path, name: str) -> Path | None:
    """The subfolder for one framework's programs: made, marked and kept below its limit.

    Args:
        place: What `folder` gives.
        name: The framework's name.

    Returns:
        The subfolder; None if it cannot be made, or something that Lamina did not make has its name.
    """
    own = place / f"lamina-{name}"
    try:
        if not _made(place) or not _made(own):
            return None
        if not os.listdir(own):
            (own / MARKER).write_text(_MARK)
        if not _is_ours(own):
            return None
        prune(own, LIMIT)
    except OSError:  # a disk that is full or read only: a cache is not worth an error
        return None
    return own


def _place(choice: Any) -> Path:
    return Path.home() / ".lamina" / "compiled" if choice is True else Path(choice).expanduser()


def _made(place: Path) -> bool:
    """Whether the folder is there, made if it was missing, and private."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _private(place)
    except OSError:
        return False


def _private(place: Path) -> bool:
    found = place.lstat()
    if not hasattr(os, "geteuid"):
        return stat.S_ISDIR(found.st_mode)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _is_ours(own: Path) -> bool:
    """Whether Lamina made this folder: private, no link, and with the mark that is written only at its making."""
    mark = own / MARKER
    try:
        return _private(own) and stat.S_ISREG(mark.lstat().st_mode) and mark.read_text() == _MARK
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def prune(own: Path, limit: int) -> None:
    """Delete the programs that were not used for the longest time until the others fit; nothing but programs."""
    if not _is_ours(own):
        return
    found = []
    with os.scandir(own) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # another process prunes, too
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode) and _PROGRAM.fullmatch(entry.name):
                    found.append((max(facts.st_atime, facts.st_mtime), facts.st_size, entry.path))
    size = sum(bytes_ for _, bytes_, _ in found)
    for _, bytes_, path in sorted(found):
        if size <= limit:
            break
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        size -= bytes_
