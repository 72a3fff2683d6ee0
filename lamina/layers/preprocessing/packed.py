"""Many byte strings in one buffer: what NumPy can hash at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

_PADDING = 8  # bytes around the buffer: eight are read at any place of it
PIECE = (
    1 << 15
)  # strings that are hashed at a time: they stay in the cache, twice as fast as a million at once
_MASKS = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # the lowest n bytes of a word


class Packed:
    """Byte strings, one after the other.

    Args:
        buffer: Their bytes (anything with that interface), with `_PADDING` bytes in front and behind.
        starts: Where each begins.
        lengths: How many bytes each has.
        step: How far each start is from the one before, where that is one number: bytes then are read without looking
            places up, four times as fast.
    """

    def __init__(self, buffer: Any, starts: np.ndarray, lengths: np.ndarray, step: int | None = None) -> None:
        self.buffer, self.starts, self.lengths, self.step = buffer, starts, lengths, step
        # views with a step of one byte: eight (four) bytes read from any place
        self._eights = np.ndarray((len(buffer) - 7,), "<u8", buffer, strides=(1,))
        self._fours = np.ndarray((len(buffer) - 3,), "<u4", buffer, strides=(1,))
        self._bytes = np.frombuffer(buffer, np.uint8)

    @cached_property
    def length(self) -> np.ndarray:
        """The lengths as words."""
        return self.lengths.astype(np.uint64)

    def rows(self, rows: np.ndarray | slice) -> Packed:
        """Some of the strings."""
        step = self.step if isinstance(rows, slice) and rows.step is None else None
        return Packed(self.buffer, self.starts[rows], self.lengths[rows], step)

    def beside(self, other: Packed) -> Packed:
        """These and other strings in one buffer."""
        buffer = b"".join((self.buffer, other.buffer))
        starts = np.concatenate([self.starts, other.starts + len(self.buffer)])
        return Packed(buffer, starts, np.concatenate([self.lengths, other.lengths]))

    def mapped(self, function: Callable[[Packed], np.ndarray]) -> np.ndarray:
        """A number for each string, from a function of some of them at a time: as many as stay in the cache."""
        count = len(self.starts)
        if count <= PIECE:
            return function(self)
        return np.concatenate([function(self.rows(slice(i, i + PIECE))) for i in range(0, count, PIECE)])

    @cached_property
    def _same_length(self) -> bool:
        return bool((self.lengths == self.lengths[0]).all())

    def _read(self, view: np.ndarray, offset: Any) -> np.ndarray:
        """What stands at an offset of each, from the front or, below 0, from the end."""
        from_end = isinstance(offset, int) and offset < 0
        if self.step and isinstance(offset, int) and self.starts.size and (not from_end or self._same_length):
            first = int(self.starts[0]) + offset + (int(self.lengths[0]) if from_end else 0)
            return view[first : first + self.step * (len(self.starts) - 1) + 1 : self.step].copy()
        return view[(self.starts + self.lengths if from_end else self.starts) + offset]

    def eight(self, offset: int) -> np.ndarray:
        """Eight bytes of each as `uint64`, from the front or, below 0, from the end."""
        return self._read(self._eights, offset)

    def four(self, offset: int) -> np.ndarray:
        """Four bytes of each."""
        return self._read(self._fours, offset).astype(np.uint64)

    def word(self, i: int) -> np.ndarray:
        """The i-th eight bytes of each, with zeros where it has ended."""
        left = np.clip(self.lengths - 8 * i, 0, 8)
        return self.eight(8 * i) & _MASKS[left]

    def texts(self) -> list[bytes]:
        """All of them as `bytes`."""
        data, ends = bytes(self.buffer), (self.starts + self.lengths).tolist()
        return [data[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]

    def byte(self, offset: Any) -> np.ndarray:
        """One byte of each; the offset may differ from string to string."""
        return self._read(self._bytes, offset).astype(np.uint64)


def joined(texts: Any) -> list[str] | None:
    """Strings with line breaks between, `PIECE` of them at a time; None if there is anything else among them.

    Args:
        texts: A list, or an array of Python objects with one axis.
    """
    try:
        return ["\n".join(_listed(texts[i : i + PIECE])) for i in range(0, len(texts), PIECE)]
    except TypeError:
        return None


def _listed(some: Any) -> Any:
    return some.tolist() if isinstance(some, np.ndarray) else some


def pack(texts: Any, encoding: str = "utf-8", together: str | None = None) -> Packed:
    """Strings or byte strings in one buffer.

    Args:
        texts: `str` (whose bytes are those of `encoding`) or `bytes`, also mixed: a list, or an array of objects.
        encoding: How text becomes bytes.
        together: Text with line breaks between, if that was made already.
    """
    if together is None:
        texts = _listed(texts)
        try:
            together = "\n".join(texts)
        except TypeError:  # bytes among them
            together = None
    if together is not None and (together.isascii() or encoding == "utf-8"):
        packed = _lines(together.encode("utf-8", "surrogateescape"), len(texts))
        if packed is not None:
            return packed
    texts = [t.encode(encoding, "surrogateescape") if isinstance(t, str) else t for t in _listed(texts)]
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    return Packed(_padded(b"".join(texts)), np.cumsum(lengths) - lengths + _PADDING, lengths)


def _padded(data: bytes) -> bytes:
    return b"".join((b"\0" * _PADDING, data, b"\0" * _PADDING))


def _lines(data: bytes, count: int) -> Packed | None:
    """So many texts that stand in `data` with a line break between; None if they have some inside."""
    ends = np.flatnonzero(np.frombuffer(data + b"\n", np.uint8) == 10)
    if len(ends) != count:
        return None
    starts = np.zeros(count, np.int64)
    np.add(ends[:-1], 1, out=starts[1:])
    lengths, step = ends - starts, (len(data) + 1) // max(count, 1)
    even = bool((lengths == step - 1).all())
    return Packed(_padded(data), starts + _PADDING, lengths, step if even else None)


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
    return Packed(buffer.data, np.arange(count) * width + _PADDING, lengths, width)
