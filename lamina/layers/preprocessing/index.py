"""An exact table from byte strings to numbers that NumPy looks up many at a time, without an object for each."""

from __future__ import annotations

import numpy as np

from lamina.layers.preprocessing.packed import Packed

_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio of 64 bits: its product spreads every bit upwards
_HALF = np.uint64(32)


class Index:
    """Byte strings and the number of each.

    A hash table with open addressing: a string stands in the first free slot from the one its hash names. What is found
    is compared as a whole, so nothing is taken for something else.

    Args:
        keys: Byte strings, each once.
        values: Their numbers, `int64`.
        missing: The number of what is none of them.
    """

    def __init__(self, keys: Packed, values: np.ndarray, missing: int) -> None:
        self.keys, self.values = keys, np.append(values, missing)
        self._first, self._lengths = np.append(keys.word(0), np.uint64(0)), np.append(keys.lengths, -1)
        bits = max(
            4, (4 * len(keys.starts)).bit_length()
        )  # a quarter is taken at most: few steps to a free slot
        self._shift, self._last = np.uint64(64 - bits), (1 << bits) - 1
        self._slots = np.full(1 << bits, -1, np.int32)
        place, waiting = self._place(keys, keys.word(0)), np.arange(len(keys.starts), dtype=np.int32)
        while waiting.size:
            here = place[waiting]
            free = self._slots[here] < 0
            self._slots[here[free]] = waiting[free]  # of several that want one slot the last gets it
            waiting = waiting[self._slots[here] != waiting]
            place[waiting] = (place[waiting] + 1) & self._last

    def _place(self, texts: Packed, first: np.ndarray) -> np.ndarray:
        """The slot where the search for each begins."""
        mixed = first * _FACTOR
        for i, rows in _further(texts.lengths):
            word = texts.rows(rows).word(i)
            mixed[rows] = (mixed[rows] ^ (mixed[rows] >> _HALF) ^ word) * _FACTOR
        return (mixed >> self._shift).astype(np.int64)

    def find(self, texts: Packed) -> np.ndarray:
        """The number of each string."""
        return texts.mapped(self._find)

    def _find(self, texts: Packed) -> np.ndarray:
        first = texts.word(0)
        place = self._place(texts, first)
        found = np.full(len(first), -1, np.int32)
        rows: np.ndarray | None = None  # those that are not decided; at first all
        lengths = texts.lengths
        while True:
            there = self._slots[place]
            same = (self._first[there] == first) & (self._lengths[there] == lengths)
            self._compare_rest(texts, rows, there, same)
            if rows is None:
                found = np.where(same, there, found)
            else:
                found[rows[same]] = there[same]
            left = np.flatnonzero(~same & (there >= 0))
            if not left.size:
                return self.values[found]
            rows = left if rows is None else rows[left]
            place, first, lengths = (place[left] + 1) & self._last, first[left], lengths[left]

    def _compare_rest(
        self, texts: Packed, rows: np.ndarray | None, there: np.ndarray, same: np.ndarray
    ) -> None:
        """Take back that strings are the same where they differ behind their first eight bytes."""
        equal = np.flatnonzero(same)
        asked = texts.rows(equal if rows is None else rows[equal])
        for i, some in _further(asked.lengths):
            differs = asked.rows(some).word(i) != self.keys.rows(there[equal[some]]).word(i)
            same[equal[some[differs]]] = False


def _further(lengths: np.ndarray):
    """For each word behind the first: its place, and the strings that have it."""
    for i in range(1, (int(lengths.max(initial=0)) + 7) // 8):
        yield i, np.flatnonzero(lengths > 8 * i)
