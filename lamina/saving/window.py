"""A stretch of a file as a file of its own, and a zip whose first member is written in its place."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from typing import Any

_BLOCK = 1 << 20
_MANY = 0xFFFFFFFF  # stands for a size that the zip64 field has


class Window(io.RawIOBase):
    """A stretch of a file: HDF5 reads from it what it needs and no more, and writes into it.

    Args:
        file: An open file.
        start: Where it begins.
        size: How long it is; None for what reaches to the end of the file, and may be written.
        close: Whether the file is closed with it.
    """

    def __init__(self, file: Any, start: int, size: int | None = None, close: bool = False) -> None:
        super().__init__()
        self._file, self._start, self._size, self._close, self._at = file, start, size, close, 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self._size is None

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def _length(self) -> int:
        return max(0, self._file.seek(0, os.SEEK_END) - self._start) if self._size is None else self._size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, self._length() if whence == os.SEEK_END else 0)[whence]
        self._at = max(0, offset + base)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._size is not None:
            view = view[: max(0, self._size - self._at)]
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view) if hasattr(self._file, "readinto") else 0
        self._at += count
        return count

    def write(self, data: Any, /) -> int:
        if self._size is not None:
            raise io.UnsupportedOperation("This part of the file is only read.")
        self._file.seek(self._start + self._at)
        count = self._file.write(data)
        self._at += count
        return count

    def truncate(self, size: int | None = None, /) -> int:
        end = self._at if size is None else size
        self._file.truncate(self._start + end)
        return end

    def flush(self) -> None:
        if not self._file.closed and self._size is None:
            self._file.flush()

    def close(self) -> None:
        if self._close and not self.closed:
            self._file.close()
        super().close()


def zip_of_one(file: Any, name: str, fill: Callable[[Any], None]) -> None:
    """Write a zip with one member that is stored plain; further ones are appended by `zipfile`.

    The member is written where it stays, so that a large one costs no second copy on the disk.

    Args:
        file: A new file, open for reading and writing.
        name: The name of the member, of ASCII letters.
        fill: Writes the member into the file-like object that it is given.
    """
    text = name.encode("ascii")
    start = 30 + len(text) + 20
    file.write(bytes(start))
    fill(Window(file, start))
    crc, size = _checksum(file, start)
    day = 33  # 1 January 1980: when the model was saved stands in its metadata
    sizes = struct.pack("<2H2Q", 1, 16, size, size)  # the field of zip64
    common = struct.pack("<3H2HI", 45, 0, 0, 0, day, crc)
    file.seek(0)
    file.write(b"PK\x03\x04" + common + struct.pack("<2I2H", _MANY, _MANY, len(text), 20) + text + sizes)
    at = file.seek(0, os.SEEK_END)
    entry = b"PK\x01\x02" + struct.pack("<H", 45) + common + struct.pack("<2I2H", _MANY, _MANY, len(text), 20)
    entry += struct.pack("<3H2I", 0, 0, 0, 0o600 << 16, 0) + text + sizes
    file.write(entry)
    if at > _MANY:  # the directory's own fields of zip64
        file.write(b"PK\x06\x06" + struct.pack("<Q2H2I4Q", 44, 45, 45, 0, 0, 1, 1, len(entry), at))
        file.write(b"PK\x06\x07" + struct.pack("<IQI", 0, at + len(entry), 1))
    file.write(b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(entry), min(at, _MANY), 0))
    file.flush()


def _checksum(file: Any, start: int) -> tuple[int, int]:
    file.seek(start)
    crc = size = 0
    while part := file.read(_BLOCK):
        crc, size = zlib.crc32(part, crc), size + len(part)
    return crc, size
