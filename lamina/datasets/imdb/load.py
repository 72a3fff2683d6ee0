"""Loads the film reviews."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.datasets.sources import fetch
from lamina.datasets.unpickling import arrays_of
from lamina.datasets.word_lists import as_objects, prepared, shuffled, word_index

_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"


def load_data(
    path: str = "imdb.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2, index_from: int = 3, **kwargs: Any,
) -> Any:  # fmt: skip
    """Film reviews as lists of word numbers: the more frequent a word, the smaller its number.

    Args:
        path: The file's name in the cache, or a path.
        num_words: How many of the most frequent words are kept.
        skip_top: How many of the most frequent ones are left out.
        maxlen: Longer reviews are left out.
        seed: Of the order.
        start_char: The number at the beginning of each review.
        oov_char: The number for words that are left out.
        index_from: Words begin above this number.
        **kwargs: `nb_words`, the older name of `num_words`.

    Returns:
        ((x_train, y_train), (x_test, y_test)): arrays of lists, and of 0 (bad) and 1 (good).

    Raises:
        ValueError: if no review is left.
        OSError: if it has to be downloaded, and cannot.
        UnsafeDataError: if the file holds anything but plain values.

    Reference:
        Maas et al., 2011: Learning Word Vectors for Sentiment Analysis
    """
    num_words = kwargs.pop("nb_words", num_words)
    if kwargs:
        raise TypeError(f"imdb.load_data got unknown arguments: {', '.join(kwargs)}.")
    found = arrays_of(fetch(path, _HASH, cache_subdir="datasets"))
    random = np.random.RandomState(seed)
    x, y = shuffled(found["x_train"], found["y_train"], random)
    u, v = shuffled(found["x_test"], found["y_test"], random)
    lists, labels = prepared(
        [*x, *u],
        np.concatenate([y, v]),
        num_words,
        skip_top,
        maxlen,
        start_char,
        oov_char,
        index_from,
        "imdb.load_data",
    )
    count = len(x) if not maxlen else sum(len(s) + (start_char is not None) < maxlen for s in x)
    whole = as_objects(lists)
    return (whole[:count], labels[:count]), (whole[count:], labels[count:])


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The numbers of the words, before `index_from` is added.

    Args:
        path: The file's name in the cache, or a path.

    Returns:
        Word -> number.

    Raises:
        OSError: if it has to be downloaded, and cannot.
    """
    return word_index(path, "bfafd718b763782e994055a2d397834f")
