"""Files are written beside and renamed: a good file survives a crash or a full disk."""

from __future__ import annotations

import os
import pathlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def writing(path: Any, overwrite: bool = True) -> Iterator[pathlib.Path]:
    """A temporary file in the same folder; at the end of the block it takes the place of `path`, or goes.

    Args:
        path: The file to write.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        FileExistsError: if there is one and it may not.
    """
    target = pathlib.Path(path)
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


def _sync_folder(folder: pathlib.Path) -> None:
    """Make the new name last through a power cut, where the system lets folders be synced."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
