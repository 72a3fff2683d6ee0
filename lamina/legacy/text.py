"""`keras.preprocessing.text`: words, their numbers, and matrices of counts."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

__all__ = ["Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json"]

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(
    text: str, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[str]:
    """The words of a text.

    Args:
        text: The text.
        filters: Characters that count as separators.
        lower: Whether to write all in lower case.
        split: What separates words.

    Example:
        >>> from lamina.legacy.text import text_to_word_sequence
        >>> text_to_word_sequence("The cat. The hat!")
        ['the', 'cat', 'the', 'hat']
    """
    text = text.lower() if lower else text
    text = text.translate({ord(c): split for c in filters})
    return [word for word in text.split(split) if word]


def hashing_trick(
    text: str, n: int, hash_function: Any = None, filters: str = FILTERS, lower: bool = True, split: str = " ",
    analyzer: Callable[[str], Iterable[str]] | None = None,
) -> list[int]:  # fmt: skip
    """Words as numbers from 1 to n - 1, by a hash; different words may meet.

    Args:
        text: The text.
        n: One above the largest number.
        hash_function: None is Python's `hash` (another one in each process), "md5", or a function.
        filters, lower, split: As for `text_to_word_sequence`.
        analyzer: Splits the text instead.
    """
    if hash_function is None:
        hash_function = hash
    elif hash_function == "md5":
        hash_function = lambda word: int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)
    words = analyzer(text) if analyzer else text_to_word_sequence(text, filters, lower, split)
    return [hash_function(word) % (n - 1) + 1 for word in words]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Any = None,
) -> list[int]:
    """`hashing_trick` with Python's `hash`."""
    return hashing_trick(input_text, n, None, filters, lower, split, analyzer)


class Tokenizer:
    """Gives words numbers, the most frequent word 1.

    Args:
        num_words: Only the `num_words - 1` most frequent words are kept.
        filters, lower, split: As for `text_to_word_sequence`.
        char_level: Whether characters take the place of words.
        oov_token: The word that stands for unknown ones; they are left out when it is None.
        document_count: How many texts were seen.
        analyzer: Splits texts instead.

    Example:
        >>> from lamina.legacy.text import Tokenizer
        >>> tokenizer = Tokenizer(num_words=3)
        >>> tokenizer.fit_on_texts(["the cat", "the hat", "the cat sat"])
        >>> tokenizer.texts_to_sequences(["the hat and the cat"])
        [[1, 1, 2]]
    """

    def __init__(
        self, num_words: int | None = None, filters: str = FILTERS, lower: bool = True, split: str = " ",
        char_level: bool = False, oov_token: str | None = None, document_count: int = 0, analyzer: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        num_words = kwargs.pop("nb_words", num_words)
        if kwargs:
            raise TypeError(f"Tokenizer got unknown arguments: {', '.join(kwargs)}.")
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, document_count
        self.analyzer = analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if isinstance(text, list) or (self.char_level and self.analyzer is None):
            return [w.lower() for w in text] if self.lower else list(text)
        if self.analyzer is not None:
            return list(self.analyzer(text))
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of texts (strings, or lists of words) and number them."""
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=lambda w: -self.word_counts[w])
        if self.oov_token is not None:
            ranked = [self.oov_token, *(w for w in ranked if w != self.oov_token)]
        self.word_index = {word: i for i, word in enumerate(ranked, 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Any]) -> None:
        """Count numbered words."""
        for sequence in sequences:
            self.document_count += 1
            for i in set(sequence):
                self.index_docs[i] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """The same, one text after the other."""
        unknown = self.word_index.get(self.oov_token) if self.oov_token is not None else None
        for text in texts:
            numbers = (self.word_index.get(word) for word in self._words(text))
            known = (unknown if i is None or (self.num_words and i >= self.num_words) else i for i in numbers)
            yield [i for i in known if i is not None]

    def sequences_to_texts(self, sequences: Iterable[Any]) -> list[str]:
        """The words of the numbers, with blanks between."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Any]) -> Iterator[str]:
        """The same, one text after the other."""
        for sequence in sequences:
            kept = ((self.index_word.get(i), i) for i in sequence)
            words = (
                self.oov_token if w is None or (self.num_words and i >= self.num_words) else w
                for w, i in kept
            )
            yield " ".join(w for w in words if w is not None)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """One row per text, one column per word: see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """One row per sequence, one column per word.

        Args:
            sequences: Numbers of words.
            mode: "binary", "count", "freq" (share of the row), or "tfidf": `(1 + ln c) ln(1 + n / (1 + d))` for c times
                in the row and d of n documents.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"Tokenizer: unknown mode {mode!r}. Use 'binary', 'count', 'freq' or 'tfidf'.")
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: give `num_words`, or call `fit_on_texts` first.")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: call `fit_on_texts` or `fit_on_sequences` before mode 'tfidf'.")
        columns = self.num_words or len(self.word_index) + 1
        out = np.zeros((len(sequences), columns))
        for row, sequence in zip(out, sequences, strict=True):
            for i in sequence:
                if i < columns:
                    row[i] += 1
            if mode == "freq" and sequence:
                row /= len(sequence)
            elif mode == "binary":
                row[:] = row > 0
            elif mode == "tfidf":
                documents = np.array([self.index_docs.get(i, 0) for i in range(columns)])
                rare = np.log(1 + self.document_count / (1 + documents))
                row[:] = np.where(row > 0, (1 + np.log(np.maximum(row, 1))) * rare, 0)
        return out

    def get_config(self) -> dict[str, Any]:
        """All that it knows, with the tables as JSON texts."""
        plain = ("num_words", "filters", "lower", "split", "char_level", "oov_token", "document_count")
        tables = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {n: getattr(self, n) for n in plain} | {n: json.dumps(getattr(self, n)) for n in tables}

    def to_json(self, **kwargs: Any) -> str:
        """All that it knows as JSON text, which `tokenizer_from_json` reads."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **kwargs)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """A Tokenizer from the text that `to_json` gave."""
    config = json.loads(json_string)["config"]
    tables = {
        n: json.loads(config.pop(n))
        for n in ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
    }
    made = Tokenizer(**config)
    made.word_counts = OrderedDict(tables["word_counts"])
    made.word_docs.update(tables["word_docs"])
    made.index_docs.update({int(k): v for k, v in tables["index_docs"].items()})
    made.word_index = tables["word_index"]
    made.index_word = {int(k): v for k, v in tables["index_word"].items()}
    return made
