"""Texts to tokens, by the rules of TensorFlow: letters and blanks of ASCII alone are changed or split at."""

from __future__ import annotations

import string
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

PUNCTUATION = string.punctuation.encode()
STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLIT = ("whitespace", "character")


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

    def all_tokens(self, texts: list[Any]) -> Any:
        """The tokens of all texts, one after the other."""
        if self._simple and self.split == "whitespace" and self.ngrams is None:
            # blanks end tokens anyway, so nothing needs to be kept apart
            return self._change(b"\n".join(map(self._encode, texts))).split()
        return chain.from_iterable(self.rows(texts))


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
