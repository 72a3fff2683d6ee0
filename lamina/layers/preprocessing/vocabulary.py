"""A vocabulary: tokens in their order, tables from tokens to indices, and how one is counted and kept in a file."""

from __future__ import annotations

import heapq
import pathlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lamina.layers.preprocessing.index import Index
from lamina.layers.preprocessing.packed import Packed, pack

_NEW = 5000  # tokens that are counted one by one before a table is made of them


class Table(dict):
    """Token -> index; what is not in it has index `missing`."""

    missing = -1

    def __missing__(self, key: Any) -> int:
        return self.missing


class Vocabulary:
    """Tokens and their indices.

    Args:
        tokens: The tokens without special ones: `str`, or integers.
        first: The index of the first of them.
        special: More tokens with their indices, such as the mask.
        missing: The index of what is no token; -1 where that is to be found out later.
    """

    def __init__(self, tokens: list[Any], first: int, special: dict[Any, int], missing: int) -> None:
        self.tokens, self.first, self.special, self.missing = tokens, first, special, missing
        self._tables: dict[str, Table] = {}
        self._indexes: dict[str, Index] = {}
        self._sorted: Any = None

    def table(self, encoding: str | None = None) -> Table:
        """The table of tokens as they are, or of their bytes."""
        key = encoding or ""
        if key not in self._tables:
            of = (lambda t: t.encode(encoding, "surrogateescape")) if encoding else (lambda t: t)
            made = Table((of(t), i) for i, t in enumerate(self.tokens, self.first))
            made.update((of(t), i) for t, i in self.special.items())
            made.missing = self.missing
            self._tables[key] = made
        return self._tables[key]

    def indices(self, tokens: Iterable[Any], count: int, encoding: str | None = None) -> np.ndarray:
        """The index of each token."""
        return np.fromiter(map(self.table(encoding).__getitem__, tokens), np.int64, count)

    def find(self, texts: Packed, encoding: str) -> np.ndarray:
        """The index of each byte string, many at a time."""
        if encoding not in self._indexes:
            table = self.table(encoding)
            values = np.fromiter(table.values(), np.int64, len(table))
            self._indexes[encoding] = Index(pack(list(table)), values, self.missing)
        return self._indexes[encoding].find(texts)

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """Integer tokens in their order as numbers, and the index of each."""
        if self._sorted is None:
            table = self.table()
            keys = np.fromiter(table.keys(), np.int64, len(table))
            order = np.argsort(keys, kind="stable")
            self._sorted = keys[order], np.fromiter(table.values(), np.int64, len(table))[order]
        return self._sorted


# -- counting ----------------------------------------------------------------------------------------------------------


class Counts:
    """How often tokens were seen, and, where asked for, in how many documents.

    Args:
        documents: Whether to count documents.
    """

    def __init__(self, documents: bool) -> None:
        self.tokens: Counter[Any] = Counter()
        self._seen: Index | None = (
            None  # those that were seen before, and how often: counted without an object for each
        )
        self._times = np.zeros(0, np.int64)
        self.within: Counter[Any] | None = Counter() if documents else None
        self.documents = 0

    def add(self, tokens: Iterable[Any]) -> None:
        """Tokens of any number of documents."""
        self.tokens.update(tokens)

    def add_packed(self, tokens: Packed) -> None:
        """Byte strings in one buffer."""
        if self._seen is not None:
            places = self._seen.find(tokens)
            new = np.flatnonzero(places < 0)
            self._times += np.bincount(places + 1, minlength=len(self._times) + 1)[1:]
            tokens = tokens.rows(new)
        self.tokens.update(tokens.texts())
        if len(self.tokens) > max(_NEW, len(self._times)):
            self._learn()

    def _learn(self) -> None:
        """Put what was counted one by one into the table."""
        fresh = pack(list(self.tokens))
        times = np.fromiter(self.tokens.values(), np.int64, len(self.tokens))
        keys = fresh if self._seen is None else self._seen.keys.beside(fresh)
        self._times = np.concatenate([self._times, times])
        self._seen = Index(keys, np.arange(len(self._times)), -1)
        self.tokens = Counter()

    def _all(self) -> Iterator[tuple[Any, int]]:
        """Each token and how often it was seen."""
        yield from self.tokens.items()
        if self._seen is not None:
            yield from zip(self._seen.keys.texts(), self._times.tolist(), strict=True)

    def add_documents(self, rows: Iterable[Sequence[Any]]) -> None:
        """The tokens of each document."""
        rows = list(rows)
        self.documents += len(rows)
        for row in rows:
            self.tokens.update(row)
            if self.within is not None:
                self.within.update(set(row))

    def most_frequent(self, count: int | None, without: set[Any], order: Any) -> list[Any]:
        """The tokens by their count, then by `order`, both from the highest down."""
        items = ((n, order(t), t) for t, n in self._all() if t not in without)
        found = sorted(items, reverse=True) if count is None else heapq.nlargest(count, items)
        return [t for _, _, t in found]

    def idf(self, tokens: Sequence[Any]) -> np.ndarray:
        """log(1 + documents / (1 + documents with the token))."""
        assert self.within is not None
        within = np.array([self.within[t] for t in tokens], np.float64)
        return np.log(1 + self.documents / (1 + within)).astype(np.float32)


# -- files -------------------------------------------------------------------------------------------------------------


def read_file(path: Any, encoding: str, where: str) -> list[str]:
    """The tokens of a text file, one a line.

    Raises:
        ValueError: if there is no such file.
    """
    place = pathlib.Path(path)
    if not place.is_file():
        raise ValueError(f"{where}: there is no vocabulary file {str(path)!r}.")
    return from_bytes(place.read_bytes(), encoding)


def from_bytes(data: bytes, encoding: str) -> list[str]:
    """The tokens of a vocabulary file's bytes."""
    lines = data.decode(encoding, "surrogateescape").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines] if b"\r\n" in data else lines


def to_bytes(tokens: Iterable[Any], encoding: str, where: str) -> bytes:
    """A vocabulary file: one token a line.

    Raises:
        ValueError: if a token holds a line break.
    """
    lines = [str(t) for t in tokens]
    for line in lines:
        if "\n" in line:
            raise ValueError(
                f"{where}: the token {line!r:.60} holds a line break, which a vocabulary file cannot. Leave line breaks out "
                "of the tokens, as by splitting, or pass the vocabulary to the layer's constructor."
            )
    return "\n".join(lines).encode(encoding, "surrogateescape")


def repeated(tokens: Sequence[Any]) -> list[Any]:
    """The tokens that occur more than once."""
    return [t for t, n in Counter(tokens).items() if n > 1] if len(set(tokens)) != len(tokens) else []
