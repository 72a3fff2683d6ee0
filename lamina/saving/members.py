"""The parts of a `.keras` model: members of a zip, or files of a folder. They are read, never extracted."""

from __future__ import annotations

import io
import json
import os
import pathlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.saving.sources import damaged_zip

WEIGHTS = "model.weights.h5"
NAMES = frozenset(("metadata.json", "config.json", WEIGHTS))


class Members:
    """What both kinds have in common: the budgets, and JSON.

    Args:
        label: The name of the file, for errors.
        names: What there is.
    """

    def __init__(self, label: str, names: list[str]) -> None:
        self.label, self._names = label, names
        unknown = [n for n in names if n not in NAMES and not n.startswith("assets/")]
        if unknown or len(set(names)) != len(names) or len(names) > in_force().members:
            raise SerializationError(
                f"{label}: the archive holds unexpected members: {unknown[:5] or names[:5]}."
            )
        if "config.json" not in names:
            hint = " It holds weights alone: use `model.load_weights`." if WEIGHTS in names else ""
            raise SerializationError(
                f"{label}: the archive has no config.json, so it is not a .keras file.{hint}"
            )

    def namelist(self) -> list[str]:
        """The names of all members."""
        return list(self._names)

    def read(self, name: str) -> bytes:
        """A member's bytes, within the budgets."""
        raise NotImplementedError

    def weights(self) -> Any:
        """The weights as a file that can be read at any place, without being read as a whole."""
        raise NotImplementedError

    def json(self, name: str) -> Any:
        """A member that holds JSON.

        Raises:
            SerializationError: if it does not.
        """
        try:
            return json.loads(self.read(name))
        except SerializationError:
            raise
        except (ValueError, RecursionError) as error:
            raise SerializationError(f"{self.label}: {name} is not valid JSON ({error!s:.200}).") from None


class ZipMembers(Members):
    """The members of a zip."""

    def __init__(self, archive: zipfile.ZipFile, source: Any, label: str) -> None:
        super().__init__(label, archive.namelist())
        self._archive, self._source = archive, source

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise SerializationError(f"{self.label}: the archive has no {name}.") from None
        if info.flag_bits & 1:
            raise SerializationError(f"{self.label}: {name} is encrypted.")
        limit = (
            max(info.compress_size * in_force().unpack_ratio, 1 << 20)
            if info.compress_type
            else info.compress_size
        )
        if info.file_size > limit or (name.endswith(".json") and info.file_size > in_force().json_bytes):
            raise SerializationError(
                f"{self.label}: {name} would unpack to {info.file_size} bytes, more than its size allows."
            )
        return info

    def read(self, name: str) -> bytes:
        info = self._info(name)
        with damaged_zip(self.label, name), self._archive.open(info) as file:
            data = file.read(info.file_size + 1)
        if len(data) > info.file_size:
            raise SerializationError(f"{self.label}: {name} is longer than it declares.")
        return data

    def weights(self) -> Any:
        info = self._info(WEIGHTS)
        if info.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.read(WEIGHTS))
        with damaged_zip(self.label, WEIGHTS):
            with self._archive.open(info) as file:  # compares the checksum at its end
                while file.read(1 << 20):
                    pass
            handle = self._source if hasattr(self._source, "read") else open(self._source, "rb")  # noqa: SIM115
            handle.seek(info.header_offset + 26)
            lengths = handle.read(4)
            start = (
                info.header_offset
                + 30
                + int.from_bytes(lengths[:2], "little")
                + int.from_bytes(lengths[2:], "little")
            )
        return Window(handle, start, info.file_size, close=handle is not self._source)


class FolderMembers(Members):
    """The files of a folder; no link is followed."""

    def __init__(self, folder: pathlib.Path) -> None:
        names = []
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise SerializationError(f"{folder.name}: {path.name} is not a plain file.")
            if path.is_file():
                names.append(path.relative_to(folder).as_posix())
            if len(names) > in_force().members:
                break
        super().__init__(folder.name, names)
        self._folder = folder

    def read(self, name: str) -> bytes:
        if name not in self._names:
            raise SerializationError(f"{self.label}: the folder has no {name}.")
        path = self._folder / name
        if name.endswith(".json") and path.stat().st_size > in_force().json_bytes:
            raise SerializationError(f"{self.label}: {name} has more than {in_force().json_bytes} bytes.")
        return path.read_bytes()

    def weights(self) -> Any:
        return open(self._folder / WEIGHTS, "rb")


class Window(io.RawIOBase):
    """A stretch of a file, as a file of its own: HDF5 reads from it what it needs and no more."""

    def __init__(self, file: Any, start: int, size: int, close: bool) -> None:
        super().__init__()
        self._file, self._start, self._size, self._close, self._at = file, start, size, close, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._size - self._at)]
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view) if hasattr(self._file, "readinto") else 0
        self._at += count
        return count

    def close(self) -> None:
        if self._close and not self.closed:
            self._file.close()
        super().close()


@contextmanager
def opened(source: Any, label: str) -> Iterator[Members]:
    """The members of a zip file, a file-like object, or a folder.

    Raises:
        SerializationError: if it is none, or has members that do not belong.
    """
    if isinstance(source, pathlib.Path) and source.is_dir():
        yield FolderMembers(source)
        return
    try:
        archive = zipfile.ZipFile(source)
    except (FileNotFoundError, PermissionError):
        raise
    except (
        zipfile.BadZipFile,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        raise SerializationError(
            f"{label}: not a readable .keras file ({_kind(source)}{error!s:.200})."
        ) from None
    with archive:
        yield ZipMembers(archive, source, label)


_KINDS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file", b"\x93NUMPY": "a NumPy array", b"%PDF": "a PDF document", b"\x1f\x8b": "a gzip file",
    b"PK\x03\x04": "a zip file, perhaps cut off", b"<": "a page of HTML or XML, perhaps of a failed download",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself", b"{": "a JSON text", b"\x80": "a pickle",
}  # fmt: skip


def kind_of(data: bytes) -> str:
    """What a file is by its first bytes."""
    if not data:
        return "an empty file"
    return next((kind for start, kind in _KINDS.items() if data.startswith(start)), "unknown data")


def _kind(source: Any) -> str:
    if hasattr(source, "read"):
        source.seek(0)
        return f"{kind_of(source.read(32))}: "
    with open(source, "rb") as file:
        return f"{kind_of(file.read(32))}: "
