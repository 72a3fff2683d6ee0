"""The SHA-256 of a file, compared before anything in it is read."""

from __future__ import annotations

import hashlib
import pathlib
from typing import Any

from lamina.errors import SerializationError


def sha256(source: Any) -> str:
    """The checksum of a path or of a file-like object (whose position stays)."""
    if hasattr(source, "read"):
        at = source.tell()
        source.seek(0)
        digest = hashlib.sha256()
        while part := source.read(1 << 20):
            digest.update(part)
        source.seek(at)
        return digest.hexdigest()
    with open(source, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_sha256(source: Any, expected: str | None) -> None:
    """Compare a file's checksum with the one that the caller knows; None compares nothing.

    Raises:
        SerializationError: if they differ.
        FileNotFoundError: if there is no such file.
    """
    if expected is None:
        return
    label = getattr(source, "name", "the file")
    if isinstance(source, pathlib.Path):
        if source.is_dir():
            raise ValueError(f"{source}: `sha256` is that of one file; a folder has none.")
        if not source.is_file():
            raise FileNotFoundError(f"There is no file {source}.")
    found = sha256(source)
    if found != str(expected).strip().lower():
        raise SerializationError(
            f"{label}: the SHA-256 is {found}, expected {expected}: the file is not the one you mean, or is damaged."
        )
