"""SipHash-2-4, the keyed hash by which salted layers put strings and integers into bins.

Reference:
    Aumasson and Bernstein, 2012: SipHash: a fast short-input PRF, https://doi.org/10.1007/978-3-642-34931-7_28
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.layers.preprocessing.packed import Packed
from lamina.layers.preprocessing.words import rotate

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def _turn(x: Any, by: int) -> Any:
    return rotate(x, 64 - by)


def _rounds(state: list[Any], count: int) -> list[Any]:
    a, b, c, d = state
    for _ in range(count):
        a, c = a + b, c + d
        b, d = _turn(b, 13) ^ a, _turn(d, 16) ^ c
        a = _turn(a, 32)
        c, a = c + b, a + d
        b, d = _turn(b, 17) ^ c, _turn(d, 21) ^ a
        c = _turn(c, 32)
    return [a, b, c, d]


def begin(one: Any, key: tuple[int, int]) -> list[Any]:
    """The state before the first word; `one(value)` makes a word of a number."""
    both = (key[0], key[1], key[0], key[1])
    return [one((start ^ k) & 0xFFFFFFFFFFFFFFFF) for start, k in zip(_START, both, strict=True)]


def take(state: list[Any], word: Any) -> list[Any]:
    """The state after one more word of the text."""
    a, b, c, d = state
    a, b, c, d = _rounds([a, b, c, d ^ word], 2)
    return [a ^ word, b, c, d]


def finish(state: list[Any]) -> Any:
    """The hash, after the last word, whose highest byte is the length."""
    a, b, c, d = state
    a, b, c, d = _rounds([a, b, c ^ 0xFF, d], 4)
    return a ^ b ^ c ^ d


def siphash(texts: Packed, key: tuple[int, int]) -> np.ndarray:
    """The SipHash-2-4 of each byte string.

    Args:
        texts: Byte strings.
        key: Two integers of 64 bits.

    Returns:
        A `uint64` array, one number per string.
    """
    return texts.mapped(lambda some: _siphash(some, key))


def _siphash(texts: Packed, key: tuple[int, int]) -> np.ndarray:
    n, lengths = len(texts.starts), texts.lengths
    state = begin(lambda value: np.full(n, value, np.uint64), key)
    words = lengths // 8
    for i in range(int(words.max(initial=0))):
        rows = np.flatnonzero(words > i)
        if rows.size == n:
            state = take(state, texts.eight(8 * i))
            continue
        after = take([s[rows] for s in state], texts.rows(rows).eight(8 * i))
        for s, new in zip(state, after, strict=True):
            s[rows] = new
    return finish(take(state, _last_word(texts)))


def _last_word(texts: Packed) -> np.ndarray:
    """The bytes that fill no word, and the length above them."""
    left = (texts.lengths % 8).astype(np.uint64)
    # the eight bytes that end with the text, shifted so that only its own last ones stay
    tail = texts.eight(-8)
    some = np.where(left > 0, tail >> (np.uint64(64) - np.maximum(left, 1) * np.uint64(8)), 0).astype(
        np.uint64
    )
    return some ^ (texts.length << np.uint64(56))
