"""Texts to tokens, by the rules of TensorFlow: letters and blanks of ASCII alone are changed or split at."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lamina.layers.preprocessing.packed import Packed, matrix_of
from lamina.layers.preprocessing.strings import Strings

PUNCTUATION = string.punctuation.encode()
STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLIT = ("whitespace", "character")
_TOGETHER = 1 << 12  # texts that are split at a time
_LETTERS = 1 << 22  # no more letters than these at a time
_BREAK = 10


class Tokenizer:
    """How texts become tokens; tokens are `bytes`.

    Args:
        standardize: One of `STANDARDIZE`, None, or a function of a string that gives a string.
        split: One of `SPLIT`, None (a text is a token), or a function of a string that gives its tokens.
        ngrams: The lengths of the runs of tokens that are tokens of their own; None for single tokens alone.
        encoding: How text becomes bytes.
    """

    def __init__(self, standardize: Any, split: Any, ngrams: tuple[int, ...] | None, encoding: str) -> None:
        self.standardize, self.split, self.ngrams, self.encoding = standardize, split, ngrams, encoding
        lower = standardize in ("lower_and_strip_punctuation", "lower")
        without = PUNCTUATION if standardize in ("lower_and_strip_punctuation", "strip_punctuation") else None
        self._simple = standardize is None or isinstance(standardize, str)
        self._change = _changing(lower, without)
        # whether texts can be split many at a time: their bytes then are those of ASCII where they are ASCII
        self.splits_at_once = (
            self._simple and split == "whitespace" and ngrams is None and "\n".encode(encoding) == b"\n"
        )
        self._table = bytes(_one_blank(i, lower) for i in range(256))
        self._table_of_rows = b" " + self._table[1:]  # where zeros fill rows up
        self._without = without or b""

    def _encode(self, text: Any) -> bytes:
        return text if isinstance(text, bytes) else str(text).encode(self.encoding, "surrogateescape")

    def _decode(self, text: Any) -> str:
        return text.decode(self.encoding, "surrogateescape") if isinstance(text, bytes) else text

    def standardized(self, texts: list[Any]) -> list[bytes]:
        """Each text after the first step."""
        if not self._simple:
            return [self._encode(_value(self.standardize(self._decode(t)))) for t in texts]
        try:
            joined = "\n".join(texts)
        except TypeError:  # bytes among them
            return [self._change(self._encode(t)) for t in texts]
        if joined.count("\n") != len(texts) - 1:
            return [self._change(self._encode(t)) for t in texts]
        return self._change(self._encode(joined)).split(b"\n")  # all at once

    def rows(self, texts: list[Any]) -> list[list[bytes]]:
        """The tokens of each text."""
        if not texts:
            return []
        lines = self.standardized(texts)
        if self.split == "whitespace":
            rows = [line.split() for line in lines]
        elif self.split == "character":
            rows = [[c.encode() for c in line.decode("utf-8", "replace")] for line in lines]
        elif self.split is None:
            rows = [[line] for line in lines]
        else:
            rows = [[self._encode(t) for t in _listed(self.split(self._decode(line)))] for line in lines]
        return rows if self.ngrams is None else [runs(row, self.ngrams) for row in rows]

    def at_once(self, texts: Strings) -> Iterator[tuple[Packed, np.ndarray]]:
        """The tokens of texts where `splits_at_once`, in pieces that stay in the cache.

        Yields:
            The tokens of some texts in one buffer, and how many each text has.
        """
        start = 0
        while start < len(texts):
            some = slice(start, start + self._room(texts, start))
            yield _split(*self._lines(texts, some))
            start = some.stop

    def _room(self, texts: Strings, start: int) -> int:
        """How many texts to split next: fewer if they are long."""
        if texts.array is not None:
            return max(1, min(_TOGETHER, _LETTERS // max(texts.array.itemsize // 4, 1)))
        chosen = texts.flat[start : start + _TOGETHER]
        while len(chosen) > 1 and sum(map(len, chosen)) > _LETTERS:
            chosen = chosen[: len(chosen) // 2]
        return len(chosen)

    def _lines(self, texts: Strings, some: slice) -> tuple[bytes, int]:
        """Standardized texts, a line each, whose blanks are all spaces; and how many there are."""
        if texts.array is not None:
            array = np.ascontiguousarray(texts.array.reshape(-1)[some])
            matrix = matrix_of(array)
            if matrix is not None and _is_filled_up(array, matrix):
                lines = np.empty((len(matrix), matrix.shape[1] + 1), np.uint8)
                lines[:, :-1], lines[:, -1] = matrix, _BREAK
                if _BREAK not in matrix:
                    return lines.tobytes().translate(self._table_of_rows, self._without), len(matrix)
            chosen = array.tolist()
        else:
            chosen = texts.flat[some]
        try:
            joined = "\n".join(chosen)
            data = joined.encode(self.encoding, "surrogateescape")
        except TypeError:  # bytes among them
            data = b"\n".join(map(self._encode, chosen))
        if data.count(b"\n") != len(chosen) - 1:  # breaks inside of texts are blanks like others
            data = b"\n".join(self._encode(t).replace(b"\n", b" ") for t in chosen)
        return (data + b"\n").translate(self._table, self._without), len(chosen)


def _one_blank(byte: int, lower: bool) -> int:
    """What a byte becomes: blanks become a space, but for the one that ends lines."""
    if byte in b"\t\x0b\x0c\r":
        return 32
    return bytes([byte]).lower()[0] if lower else byte


def _is_filled_up(array: np.ndarray, matrix: np.ndarray) -> bool:
    """Whether zeros stand only behind the strings of an array, not inside."""
    return np.count_nonzero(matrix) == int(np.strings.str_len(array).sum())


def _split(lines: bytes, count: int) -> tuple[Packed, np.ndarray]:
    """The tokens of lines, and how many each has."""
    buffer = b"".join((b" " * 8, lines, b" " * 8))
    found = np.frombuffer(buffer, np.uint8)
    ends_lines = found == _BREAK
    blank = (found == 32) | ends_lines
    edges = np.flatnonzero(blank[1:] != blank[:-1]) + 1
    starts = edges[::2]
    until = np.searchsorted(starts, np.flatnonzero(ends_lines))
    lengths = np.diff(until, prepend=0)
    assert len(lengths) == count
    return Packed(buffer, starts, edges[1::2] - starts), lengths


def _changing(lower: bool, without: bytes | None) -> Callable[[bytes], bytes]:
    if without is None:
        return bytes.lower if lower else lambda text: text
    return (
        (lambda text: text.lower().translate(None, without))
        if lower
        else (lambda text: text.translate(None, without))
    )


def _value(made: Any) -> Any:
    """What a function gave for one string, also as an array or tensor."""
    return np.asarray(made).item() if hasattr(made, "__array__") else made


def _listed(made: Any) -> list[Any]:
    if isinstance(made, str | bytes):
        raise TypeError(
            f"TextVectorization: the function given as `split` gave the string {made!r:.40}; it must give a list of tokens."
        )
    return np.asarray(made).tolist() if hasattr(made, "__array__") else list(made)


def runs(tokens: list[bytes], lengths: tuple[int, ...]) -> list[bytes]:
    """All runs of tokens of these lengths, joined by blanks: those of the first length, then of the next."""
    out: list[bytes] = []
    for n in lengths:
        if n == 1:
            out += tokens
        else:
            out += map(b" ".join, zip(*(tokens[i:] for i in range(n)), strict=False))
    return out
