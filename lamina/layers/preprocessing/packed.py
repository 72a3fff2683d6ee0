"""Many byte strings in one buffer: what NumPy can hash at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_PADDING = 8  # bytes around the buffer: eight are read at any place of it
_CHUNK = 1 << 15  # twice as fast as a million at once
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # the lowest n bytes of a word


class Packed:
    """Byte strings, one after the other.

    Args:
        buffer: Their bytes (anything with that interface), with `_PADDING` bytes in front and behind.
        starts: Where each begins.
        lengths: How many bytes each has.
    """

    def __init__(self, buffer: Any, starts: np.ndarray, lengths: np.ndarray) -> None:
        self.buffer, self.starts, self.lengths = buffer, starts, lengths
        self.length = lengths.astype(np.uint64)
        # views with a step of one byte: eight (four) bytes read from any place
        self._eights = np.ndarray((len(buffer) - 7,), "<u8", buffer, strides=(1,))
        self._fours = np.ndarray((len(buffer) - 3,), "<u4", buffer, strides=(1,))
        self._bytes = np.frombuffer(buffer, np.uint8)

    def rows(self, rows: np.ndarray | slice) -> Packed:
        """Some of the strings."""
        return Packed(self.buffer, self.starts[rows], self.lengths[rows])

    def beside(self, other: Packed) -> Packed:
        """These and other strings in one buffer."""
        buffer = b"".join((self.buffer, other.buffer))
        starts = np.concatenate([self.starts, other.starts + len(self.buffer)])
        return Packed(buffer, starts, np.concatenate([self.lengths, other.lengths]))

    def mapped(self, function: Callable[[Packed], np.ndarray]) -> np.ndarray:
        """A number for each string, from a function of some of them at a time: as many as stay in the cache."""
        count = len(self.starts)
        if count <= _CHUNK:
            return function(self)
        return np.concatenate([function(self.rows(slice(i, i + _CHUNK))) for i in range(0, count, _CHUNK)])

    def _places(self, offset: Any) -> np.ndarray:
        if isinstance(offset, int) and offset < 0:
            return self.starts + self.lengths + offset
        return self.starts + offset

    def eight(self, offset: int) -> np.ndarray:
        """Eight bytes of each as `uint64`, from the front or, below 0, from the end."""
        return self._eights[self._places(offset)]

    def four(self, offset: int) -> np.ndarray:
        """Four bytes of each."""
        return self._fours[self._places(offset)].astype(np.uint64)

    def word(self, i: int) -> np.ndarray:
        """The i-th eight bytes of each, with zeros where it has ended."""
        left = np.clip(self.lengths - 8 * i, 0, 8)
        return self._eights[self.starts + 8 * i] & _MASKS[left]

    def texts(self) -> list[bytes]:
        """All of them as `bytes`."""
        data, ends = bytes(self.buffer), (self.starts + self.lengths).tolist()
        return [data[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]

    def byte(self, offset: Any) -> np.ndarray:
        """One byte of each; the offset may differ from string to string."""
        return self._bytes[self._places(offset)].astype(np.uint64)


def joined(texts: Sequence[Any]) -> str | None:
    """Strings with line breaks between; None if there is anything else among them."""
    try:
        return "\n".join(texts)
    except TypeError:
        return None


def pack(texts: Sequence[Any], encoding: str = "utf-8", together: str | None = None) -> Packed:
    """Strings or byte strings in one buffer.

    Args:
        texts: A list of `str` (whose bytes are those of `encoding`) or `bytes`; both may be mixed.
        encoding: How text becomes bytes.
        together: What `joined` makes of them, if that is known.
    """
    together = joined(texts) if together is None else together
    if together is not None and together.isascii():
        return _lines(together.encode(), texts)
    texts = [t.encode(encoding, "surrogateescape") if isinstance(t, str) else t for t in texts]
    return _lines(b"\n".join(texts), texts)


def _lines(data: bytes, texts: Sequence[Any]) -> Packed:
    """Texts that stand in `data` with a line break between: their lengths are found there, if they have none inside."""
    buffer = b"".join((b"\0" * _PADDING, data, b"\0" * _PADDING))
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    if len(breaks) == len(texts) - 1:
        starts = np.concatenate([[0], breaks + 1])
        return Packed(buffer, starts + _PADDING, np.append(breaks, len(data)) - starts)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return Packed(buffer, np.cumsum(lengths + 1) - lengths - 1 + _PADDING, lengths)


def matrix_of(array: np.ndarray) -> np.ndarray | None:
    """The bytes of an array of ASCII strings (`U`) or of bytes (`S`), a row each, with zeros behind; None for others."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "S":
        return flat.view(np.uint8).reshape(len(flat), flat.itemsize)
    points = flat.view(flat.dtype.byteorder.replace("=", "<") + "u4").reshape(len(flat), flat.itemsize // 4)
    return None if points.max(initial=0) > 127 else points.astype(np.uint8)


def pack_array(array: np.ndarray) -> Packed | None:
    """The strings of an array (`U` or `S`) in one buffer, without an object for each; None if some are not ASCII."""
    matrix = matrix_of(array)
    if matrix is None:
        return None
    count, width = matrix.shape
    buffer = np.zeros(count * width + 2 * _PADDING, np.uint8)
    buffer[_PADDING : len(buffer) - _PADDING] = matrix.reshape(-1)
    lengths = np.strings.str_len(np.ascontiguousarray(array).reshape(-1)).astype(np.int64)
    return Packed(buffer.data, np.arange(count) * width + _PADDING, lengths)
