"""Integers and strings into bins by their hash: on the host at once, and integers inside compiled programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.layers.preprocessing import fingerprint, siphash
from lamina.layers.preprocessing.packed import Packed, pack
from lamina.layers.preprocessing.words import Word, where

_LIMIT = 1 << 63


def checked_salt(layer: Any, salt: Any) -> list[int] | None:
    """The two halves of a key; one integer stands for both.

    Raises:
        ValueError: if it is neither an integer nor a pair of integers.
    """
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) and not isinstance(salt, bool) else salt
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(s, int) for s in pair):
        raise ValueError(
            f"{type(layer).__name__}: `salt` must be an integer or a pair of integers; got {salt!r}."
        )
    return list(pair)


def bins_of_texts(texts: list[Any], count: int, salt: Any = None, encoding: str = "utf-8") -> np.ndarray:
    """The bin of each string, as `int64`.

    Args:
        texts: `str` or `bytes`.
        count: How many bins there are.
        salt: A key of two integers, or None.
        encoding: How text becomes bytes.
    """
    return bins_of_packed(pack(texts, encoding), count, salt)


def bins_of_packed(packed: Packed, count: int, salt: Any = None) -> np.ndarray:
    """The bin of each of the byte strings in a buffer, as `int64`."""
    hashes = fingerprint.fingerprint64(packed) if salt is None else siphash.siphash(packed, _key(salt))
    return (hashes % np.uint64(count)).astype(np.int64)


def bins_of_integers(x: np.ndarray, count: int, salt: Any = None) -> np.ndarray:
    """The bin of each integer, which is that of its decimal digits."""
    flat = x.reshape(-1)
    values, back = (flat, None) if flat.size < 1000 else np.unique(flat, return_inverse=True)
    found = bins_of_texts([str(v) for v in values.tolist()], count, salt)
    return (found if back is None else found[back]).reshape(x.shape)


def _key(salt: Any) -> tuple[int, int]:
    return int(salt[0]) % (1 << 64), int(salt[1]) % (1 << 64)


# -- inside a compiled program -----------------------------------------------------------------------------------------


class _Digits:
    """The decimal text of integers, as a program of the backend; what `fingerprint.Texts` asks for."""

    def __init__(self, k: Any, x: Any) -> None:
        self.k = k
        self.width = 20 if k.dtype(x) == "int64" else 11
        negative = k.less(x, k.full((), 0, k.dtype(x)))
        digits, rest = (
            [],
            k.where(negative, x, k.negative(x)),
        )  # not positive: the least integer has no opposite
        ten = k.full((), 10, k.dtype(x))
        for i in range(self.width - 1):
            upper = k.floor_divide(rest, k.negative(ten)) if i == 0 else k.floor_divide(rest, ten)
            left = (
                k.negative(k.add(rest, k.multiply(upper, ten)))
                if i == 0
                else k.subtract(rest, k.multiply(upper, ten))
            )
            digits.append(k.astype(left, "int32"))
            rest = upper
        # how many digits: the place of the highest that is not 0
        count: Any = k.full((), 1, "int32")
        for i, digit in enumerate(digits):
            count = k.where(digit > 0, k.full((), i + 1, "int32"), count)
        self.count = k.add(count, k.astype(negative, "int32"))
        minus, zero = k.full((), ord("-"), "int32"), k.full((), ord("0"), "int32")
        columns = [k.add(d, zero) for d in reversed(digits)]
        columns.insert(0, k.zeros(tuple(k.shape(x)), "int32"))
        text = k.stack(columns, -1)  # right-aligned
        place = k.add(
            k.arange(0, self.width + 16, 1, "int32"),
            k.expand_dims(k.subtract(self._full(self.width), self.count), -1),
        )
        inside = place < self.width
        left = k.take_along_axis(text, k.where(inside, place, k.full((), 0, "int32")), -1)
        first = k.equal(k.arange(0, self.width + 16, 1, "int32"), k.full((), 0, "int32"))
        left = k.where(k.logical_and(k.expand_dims(negative, -1), first), minus, left)
        self.text = k.where(inside, left, k.full((), 0, "int32"))
        self.length = Word(k, k.multiply(self.count, k.full((), 0, "int32")), self.count)

    def _full(self, value: int) -> Any:
        return self.k.full((), value, "int32")

    def byte(self, offset: Any) -> Word:
        """One byte at an offset from the front, a number or one for each text."""
        k = self.k
        if isinstance(offset, int):
            found = self.text[..., offset]
        else:
            offset = k.where(offset < 0, self._full(0), offset)
            found = k.squeeze(
                k.take_along_axis(self.text, k.expand_dims(offset, -1), -1), (len(self.text.shape) - 1,)
            )
        return Word(k, k.multiply(found, self._full(0)), found)

    def _some(self, offset: int, count: int) -> Word:
        start = offset if offset >= 0 else self.k.add(self.count, self._full(offset))
        out = None
        for i in range(count):
            at = start + i if isinstance(start, int) else self.k.add(start, self._full(i))
            word = self.byte(at) << (8 * i)
            out = word if out is None else out ^ word
        assert out is not None
        return out

    def eight(self, offset: int) -> Word:
        """Eight bytes; texts that are too short give other ones, which nobody uses."""
        return self._some(offset, 8)

    def four(self, offset: int) -> Word:
        """Four bytes."""
        return self._some(offset, 4)


def bins_in_program(k: Any, x: Any, count: int, salt: Any = None) -> Any:
    """The bin of each integer of a tensor, as int32.

    Args:
        k: The kernel.
        x: Integers.
        count: How many bins there are, fewer than 2^30.
        salt: A key of two integers, or None.
    """
    if k.dtype(x) not in ("int32", "int64"):
        x = k.astype(x, "int64" if k.dtype(x) in ("uint32", "uint64") else "int32")
    s = _Digits(k, x)
    return (_fingerprint(k, s) if salt is None else _siphash(k, s, _key(salt))).remainder(count)


def _fingerprint(k: Any, s: _Digits) -> Word:
    at_least = lambda n: k.greater_equal(s.count, k.full((), n, "int32"))
    half = k.bitwise_right_shift(s.count, k.full((), 1, "int32"))
    last = k.subtract(s.count, k.full((), 1, "int32"))
    found = fingerprint.upto_3(s.byte(0), s.byte(half), s.byte(last), s.length)
    found = where(at_least(4), fingerprint.upto_7(s), found)
    found = where(at_least(8), fingerprint.upto_16(s), found)
    return where(at_least(17), fingerprint.upto_32(s), found) if s.width > 16 else found


def _siphash(k: Any, s: _Digits, key: tuple[int, int]) -> Word:
    blank = s.length ^ s.length
    state = siphash.begin(lambda value: blank ^ value, key)
    for i in range(s.width // 8):
        more = k.greater_equal(s.count, k.full((), 8 * (i + 1), "int32"))
        after = siphash.take(state, s.eight(8 * i))
        state = [where(more, new, old) for new, old in zip(after, state, strict=True)]
    tail = s.eight(8 * (s.width // 8))
    for i in reversed(range(s.width // 8)):
        here = k.less(s.count, k.full((), 8 * (i + 1), "int32"))
        tail = where(here, s.eight(8 * i), tail)
    return siphash.finish(siphash.take(state, tail ^ (s.length << 56)))
