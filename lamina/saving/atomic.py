"""Files are written beside and renamed: a good file survives a crash or a full disk.

Of several processes the first one writes. The others make the same values, since each may hold a part of them, and wait
until the file is there: so every process saves, as it runs every other line of the script.
"""

from __future__ import annotations

import os
import pathlib
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.distribution.group import gather
from lamina.errors import ProcessError
from lamina.kernel.context import processes


def may_replace(path: Any, overwrite: bool) -> None:
    """Ask before a file is replaced, where the caller wants that and somebody can answer.

    Raises:
        FileExistsError: if there is one and it stays.
    """
    if not overwrite and pathlib.Path(path).exists():
        answer = input(f"{path} exists. Replace it? [y/n] ") if sys.stdin and sys.stdin.isatty() else "n"
        if answer.strip().lower() not in ("y", "yes"):
            raise FileExistsError(f"{path} exists already. Pass overwrite=True to replace it.")


@contextmanager
def writing(path: Any, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """A temporary file in the same folder; at the end of the block it takes the place of `path`, or goes.

    Args:
        path: The file to write.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileExistsError: if there is one and it may not.
    """
    with _by_the_first(path):
        if processes()[0]:
            with tempfile.TemporaryDirectory() as folder:
                yield pathlib.Path(folder) / pathlib.Path(path).name
        else:
            with _replacing(pathlib.Path(path), overwrite) as temporary:
                yield temporary


@contextmanager
def _replacing(target: pathlib.Path, overwrite: bool) -> Iterator[pathlib.Path]:
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} exists already. Pass overwrite=True to replace it.")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; give the name of a file in it.")
    if not target.parent.exists():
        raise FileNotFoundError(f"The folder {target.parent} does not exist: make it first.")
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    # made by the system with the user's own permissions: asking for the umask would change it for a moment
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
        _sync_folder(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _by_the_first(path: Any) -> Iterator[None]:
    """The others wait until the first one has written; where it cannot, they hear why, and all go on alike."""
    if processes()[1] == 1:
        yield
        return
    place = f"the saving of {pathlib.Path(path).name}"  # by its name: each may have a folder of its own, as under Ray
    try:
        yield
    except Exception as error:
        if not isinstance(error, ProcessError):  # of a group that has ended
            gather(place, f"{type(error).__name__}: {error}")
        raise
    failed = [(rank, text) for rank, text in enumerate(gather(place, "")) if text]
    if failed:
        raise OSError(f"Process {failed[0][0]} could not save {path}: {failed[0][1]}")


@contextmanager
def writing_folder(path: Any, ours: frozenset[str]) -> Iterator[pathlib.Path]:
    """A temporary folder beside `path`; at the end of the block it takes its place, or goes.

    Args:
        path: The folder to write.
        ours: The names that such a folder may hold: one that has others is not replaced.

    Raises:
        FileExistsError: if `path` is something else than a folder of this kind.
    """
    with _by_the_first(path):
        if processes()[0]:
            with tempfile.TemporaryDirectory() as folder:
                made = pathlib.Path(folder) / "model"
                made.mkdir()
                yield made
        else:
            with _replacing_folder(pathlib.Path(path), ours) as temporary:
                yield temporary


@contextmanager
def _replacing_folder(target: pathlib.Path, ours: frozenset[str]) -> Iterator[pathlib.Path]:
    if not target.parent.exists():
        raise FileNotFoundError(f"The folder {target.parent} does not exist: make it first.")
    if target.exists():
        foreign = [] if not target.is_dir() or target.is_symlink() else [p.name for p in target.iterdir()]
        foreign = [name for name in foreign if name not in ours]
        if not target.is_dir() or target.is_symlink() or foreign:
            raise FileExistsError(
                f"{target} is not a folder that holds a model alone ({foreign[:3]}): choose another name."
            )
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                with open(file, "rb") as opened:
                    os.fsync(opened.fileno())
        if not target.exists():
            os.rename(temporary, target)
        elif not _exchanged(temporary, target):
            os.rename(target, old)  # for a moment there is none; the old one is there until the new one is
            os.rename(temporary, target)
        _sync_folder(target.parent)
    finally:
        if old.exists() and not target.exists():
            os.rename(old, target)
        for left in (temporary, old):
            if left.exists():
                shutil.rmtree(left)


def _exchanged(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Let two folders change their names in one step, so that a crash finds one of them there; False where none can."""
    if sys.platform != "linux":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)  # no function of Python does that
    here, exchange = -100, 2
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def _sync_folder(folder: pathlib.Path) -> None:
    """Make the new name last through a power cut, where the system lets folders be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
