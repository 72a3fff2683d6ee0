"""Files from the network in a folder of their own, checked, and archives unpacked with care."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from lamina.errors import LaminaError

_BLOCK = 1 << 20
_MEMBERS = 1_000_000  # what an archive may hold
_GROWTH = 200  # how much larger than the archive its contents may be; text shrinks to a tenth
_SMALL = 1 << 26  # below so many bytes nothing is suspicious


class ArchiveError(LaminaError, ValueError):
    """An archive that would write outside its folder, holds links, or is out of proportion."""


def cache_folder(cache_dir: Any = None) -> Path:
    """Where downloads lie: `cache_dir`, else `$KERAS_HOME`, else `~/.keras`, as Keras keeps them."""
    return Path(cache_dir or os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()


def get_file(
    fname: str | None = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None,
    file_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto",
    extract: bool = False, archive_format: Any = "auto", cache_dir: Any = None, force_download: bool = False,
) -> str:  # fmt: skip
    """The path of a file, which is downloaded if it is not there yet.

    A download is written beside its place, checked, and renamed: what lies there is whole. Archives are unpacked into
    a fresh folder: regular files and folders only, none of them outside of it.

    Args:
        fname: The file's name in the cache; by default that of the address.
        origin: The address (http, https, ftp or file).
        untar: Older name of `extract` for tar archives.
        md5_hash: Older name of `file_hash` for MD5.
        file_hash: What the file's hash must be; a file that is there with another one is loaded anew.
        cache_subdir: The folder in the cache, or an absolute one.
        hash_algorithm: "auto" (by length), "md5" or "sha256".
        extract: Whether to unpack the archive beside it.
        archive_format: "auto", "tar", "zip", a list of them, or None.
        cache_dir: The cache; `$KERAS_HOME` or `~/.keras` by default.
        force_download: Whether to load what is there once more.

    Returns:
        The file's path; that of the folder with the contents if it was unpacked.

    Raises:
        ValueError: if an argument is missing or a name leads out of the cache, or the hash differs.
        ArchiveError: if the archive is not safe to unpack.
        OSError: if the download fails.

    Example:
        >>> import lamina, pathlib
        >>> n = pathlib.Path("note.txt").write_text("hello")
        >>> address = pathlib.Path("note.txt").absolute().as_uri()
        >>> path = lamina.utils.get_file(origin=address, cache_dir="cache")
        >>> pathlib.Path(path).read_text()
        'hello'
    """
    if origin is None:
        raise ValueError('get_file: give the address: `origin="https://..."`.')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    scheme = urllib.parse.urlsplit(origin).scheme
    if scheme not in ("http", "https", "ftp", "file"):
        raise ValueError(f"get_file: `origin` must be an http, https, ftp or file address, got {origin!r}.")
    name = fname or os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(origin).path))
    folder = cache_folder(cache_dir) / cache_subdir
    target = _inside(folder, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    known = target.is_file() and not force_download
    if not known or (file_hash and not _matches(target, file_hash, hash_algorithm)):
        _download(origin, target, file_hash, hash_algorithm)
    if not (extract or untar):
        return str(target)
    formats = ["tar"] if untar else archive_format
    return _extracted(target, formats, fresh=not known)


def _inside(folder: Path, name: str) -> Path:
    """A place in the folder.

    Raises:
        ValueError: if the name leads out of it.
    """
    place = Path(os.path.normpath(folder / name))
    if (
        not name
        or place == Path(os.path.normpath(folder))
        or not place.is_relative_to(os.path.normpath(folder))
    ):
        raise ValueError(f"get_file: the file name {name!r} leads out of the cache folder {str(folder)!r}.")
    return place


def _download(origin: str, target: Path, file_hash: str | None, algorithm: str) -> None:
    handle, partial = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(origin) as response:
            shutil.copyfileobj(response, out, _BLOCK)
        if file_hash and not _matches(Path(partial), file_hash, algorithm):
            raise ValueError(
                f"get_file: {origin} has another hash than the {file_hash} that was asked for: the file is damaged or "
                "was exchanged."
            )
        os.replace(partial, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise


def _matches(path: Path, wanted: str, algorithm: str) -> bool:
    if algorithm == "auto":
        algorithm = "sha256" if len(wanted) == 64 else "md5"
    if algorithm not in ("md5", "sha256"):
        raise ValueError(f"get_file: `hash_algorithm` must be 'auto', 'md5' or 'sha256', got {algorithm!r}.")
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest() == wanted.lower()


# -- archives ----------------------------------------------------------------------------------------------------------


def _extracted(path: Path, formats: Any, fresh: bool) -> str:
    """The folder beside an archive with what it holds."""
    stem = path.name.split(".")[0] if path.name[0] != "." else path.name[1:]
    folder = path.with_name(f"{stem}_extracted" if path.name == stem or "." in path.name else stem)
    if folder.is_dir() and not fresh:
        return str(folder)
    extract_archive(path, folder, formats)
    return str(folder)


def extract_archive(path: Any, folder: Any, formats: Any = "auto") -> None:
    """Unpack a tar or zip archive into a new folder, which takes the place of one that is there.

    Args:
        path: The archive.
        folder: Where its contents go.
        formats: "auto", "tar", "zip" or a list of them.

    Raises:
        ArchiveError: if a member lies outside, is no regular file or folder, or the contents are out of proportion.
        ValueError: if it is no such archive.
    """
    wanted = (
        ["tar", "zip"]
        if formats == "auto"
        else [formats]
        if isinstance(formats, str)
        else list(formats or ())
    )
    path, folder = Path(path), Path(folder)
    budget = _Budget(max(_SMALL, _GROWTH * path.stat().st_size))
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        if "tar" in wanted and tarfile.is_tarfile(path):
            _untar(path, temporary, budget)
        elif "zip" in wanted and zipfile.is_zipfile(path):
            _unzip(path, temporary, budget)
        else:
            raise ValueError(f"{str(path)!r} is no archive of the kind {' or '.join(wanted) or 'none'}.")
        if folder.exists():  # of an earlier extraction, in the cache
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


class _Budget:
    """How many members and bytes may still come."""

    def __init__(self, size: int) -> None:
        self.size, self.members = size, 0

    def place(self, folder: Path, name: str) -> Path:
        """Where a member goes."""
        self.members += 1
        if self.members > _MEMBERS:
            raise ArchiveError(f"The archive holds more than {_MEMBERS} members.")
        found = Path(os.path.normpath(folder / name))
        if (
            name.startswith(("/", "\\"))
            or ":" in name.split("/")[0]
            or "\\" in name
            or not found.is_relative_to(folder)
        ):
            raise ArchiveError(f"The archive's member {name!r} leads out of its folder.")
        return found

    def copy(self, source: BinaryIO, place: Path, name: str) -> None:
        """The bytes that are there, whatever size was declared."""
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as out:
            while block := source.read(_BLOCK):
                self.size -= len(block)
                if self.size < 0:
                    raise ArchiveError(
                        f"The archive's contents are out of proportion to its size (at member {name!r})."
                    )
                out.write(block)


def _untar(path: Path, folder: Path, budget: _Budget) -> None:
    with tarfile.open(path) as archive:
        for member in archive:
            place = budget.place(folder, member.name)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif member.isreg() and not member.issparse():
                source = archive.extractfile(member)
                if source is not None:
                    budget.copy(source, place, member.name)  # type: ignore[arg-type]
            else:
                raise ArchiveError(f"The archive's member {member.name!r} is no regular file or folder.")


def _unzip(path: Path, folder: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            place = budget.place(folder, member.filename)
            if (member.external_attr >> 16) & 0o170000 == 0o120000:
                raise ArchiveError(f"The archive's member {member.filename!r} is a link.")
            if member.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                with archive.open(member) as source:
                    budget.copy(source, place, member.filename)  # type: ignore[arg-type]
