"""FarmHash's Fingerprint64, the hash by which TensorFlow, and so Keras, puts strings and integers into bins.

The formulas for each class of lengths take anything with the operators of 64-bit unsigned numbers: `numpy.uint64`
arrays, and `words.Word` inside compiled models.

Reference:
    FarmHash, Fingerprint64: https://github.com/google/farmhash
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from lamina.layers.preprocessing.packed import Packed
from lamina.layers.preprocessing.words import rotate

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_CAT = 0xC6A4A7935BD1E995
CROSSING_SEED = 0xDECAFCAFFE  # what a cross of no columns has


class Texts(Protocol):
    """Byte strings of one class of lengths; offsets are from the front, or, when negative, from the end."""

    length: Any  # as words

    def eight(self, offset: int) -> Any:
        "Eight bytes, the lowest first, as words."

    def four(self, offset: int) -> Any:
        "Four bytes as words."


def _fold(x: Any) -> Any:
    return x ^ (x >> 47)


def _mixed(u: Any, v: Any, factor: Any) -> Any:
    a = _fold((u ^ v) * factor)
    return _fold((v ^ a) * factor) * factor


def upto_3(first: Any, middle: Any, last: Any, length: Any) -> Any:
    """Of 1 to 3 bytes, from three of them (that may be the same)."""
    y = first + (middle << 8)
    z = length + (last << 2)
    return _fold((y * _K2) ^ (z * _K0)) * _K2


def upto_7(s: Texts) -> Any:
    """Of 4 to 7 bytes."""
    return _mixed((s.four(0) << 3) + s.length, s.four(-4), s.length * 2 + _K2)


def upto_16(s: Texts) -> Any:
    """Of 8 to 16 bytes."""
    factor = s.length * 2 + _K2
    a, b = s.eight(0) + _K2, s.eight(-8)
    return _mixed(rotate(b, 37) * factor + a, (rotate(a, 25) + b) * factor, factor)


def upto_32(s: Texts) -> Any:
    """Of 17 to 32 bytes."""
    factor = s.length * 2 + _K2
    a, b = s.eight(0) * _K1, s.eight(8)
    c, d = s.eight(-8) * factor, s.eight(-16) * _K2
    return _mixed(rotate(a + b, 43) + rotate(c, 30) + d, a + rotate(b + _K2, 18) + c, factor)


def upto_64(s: Texts) -> Any:
    """Of 33 to 64 bytes."""
    factor = s.length * 2 + _K2
    a, b = s.eight(0) * _K2, s.eight(8)
    c, d = s.eight(-8) * factor, s.eight(-16) * _K2
    y = rotate(a + b, 43) + rotate(c, 30) + d
    z = _mixed(y, a + rotate(b + _K2, 18) + c, factor)
    e, f = s.eight(16) * factor, s.eight(24)
    g, h = (y + s.eight(-32)) * factor, (z + s.eight(-24)) * factor
    return _mixed(rotate(e + f, 43) + rotate(g, 30) + h, e + rotate(f + a, 18) + g, factor)


def _weak(words: list[Any], a: Any, b: Any) -> tuple[Any, Any]:
    """A pair from 32 bytes and two seeds."""
    w, x, y, z = words
    a = a + w
    b = rotate(b + a + z, 21)
    c = a + x + y
    return c + z, b + rotate(c, 44) + a


def _round(block: Any, state: list[Any], factor: Any, last: bool) -> list[Any]:
    """One block of 64 bytes; the last one weighs two of the words."""
    x, y, z, v0, v1, w0, w1 = state
    at = [block(8 * i) for i in range(8)]
    weight = 9 if last else 1
    x = rotate(x + y + v0 + at[1], 37) * factor
    y = rotate(y + v1 + at[6], 42) * factor
    x = x ^ (w1 * weight)
    y = y + v0 * weight + at[5]
    z = rotate(z + w0, 33) * factor
    v0, v1 = _weak(at[:4], v1 * factor, x + w0)
    w0, w1 = _weak(at[4:], z + w1, y + at[2])
    return [z, y, x, v0, v1, w0, w1]


def _long(texts: Packed) -> np.ndarray:
    """Of more than 64 bytes, each block for all the texts that have it."""
    n, lengths = len(texts.starts), texts.lengths.astype(np.int64)
    fixed = lambda value: np.full(n, value & 0xFFFFFFFFFFFFFFFF, np.uint64)
    y = 81 * _K1 + 113 & 0xFFFFFFFFFFFFFFFF
    state = [texts.eight(0) + fixed(81 * _K2), fixed(y), _fold(fixed(y * _K2 + 113)) * fixed(_K2)]
    state += [fixed(0) for _ in range(4)]
    blocks = (lengths - 1) // 64
    for i in range(int(blocks.max())):
        rows = np.flatnonzero(blocks > i)
        part = texts.rows(rows)
        after = _round(
            lambda o, p=part, i=i: p.eight(64 * i + o), [s[rows] for s in state], fixed(_K1)[rows], False
        )
        for s, new in zip(state, after, strict=True):
            s[rows] = new
    x, y, z, v0, v1, w0, w1 = state
    factor = fixed(_K1) + ((z & np.uint64(0xFF)) << np.uint64(1))
    w0 = w0 + ((lengths - 1) & 63).astype(np.uint64)
    v0 = v0 + w0
    w0 = w0 + v0
    x, y, z, v0, v1, w0, w1 = _round(lambda o: texts.eight(o - 64), [x, y, z, v0, v1, w0, w1], factor, True)
    first = _mixed(v0, w0, factor) + _fold(y) * _K0 + z
    return _mixed(first, _mixed(v1, w1, factor) + x, factor)


def _short(texts: Packed) -> np.ndarray:
    """Of 1 to 3 bytes."""
    half = texts.lengths >> 1
    return upto_3(texts.byte(0), texts.byte(half), texts.byte(-1), texts.length)


_CLASSES = (
    (1, 4, _short),
    (4, 8, upto_7),
    (8, 17, upto_16),
    (17, 33, upto_32),
    (33, 65, upto_64),
    (65, None, _long),
)


def fingerprint64(texts: Packed) -> np.ndarray:
    """The Fingerprint64 of each byte string.

    Args:
        texts: Byte strings.

    Returns:
        A `uint64` array, one number per string.
    """
    return texts.mapped(_by_class)


def _by_class(texts: Packed) -> np.ndarray:
    out = np.full(len(texts.starts), _K2, np.uint64)  # of an empty string
    lengths = texts.lengths
    shortest, longest = int(lengths.min(initial=64)), int(lengths.max(initial=0))
    for low, high, formula in _CLASSES:
        if longest < low or (high is not None and shortest >= high):
            continue
        rows = np.flatnonzero(lengths >= low if high is None else (lengths >= low) & (lengths < high))
        if rows.size:
            out[rows] = formula(texts if rows.size == len(lengths) else texts.rows(rows))
    return out


def joined(a: Any, b: Any) -> Any:
    """FingerprintCat64: the fingerprint of a cross from that of its columns so far and of one more."""
    result = a ^ _CAT
    result = (result ^ (_fold(b * _CAT) * _CAT)) * _CAT
    return _fold(_fold(result) * _CAT)
