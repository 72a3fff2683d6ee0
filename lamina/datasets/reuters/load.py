"""Loads the news."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.datasets.sources import fetch
from lamina.datasets.unpickling import arrays_of
from lamina.datasets.word_lists import as_objects, prepared, shuffled, word_index

_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship cotton carcass "
    "crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin strategic-metal livestock retail ipi "
    "iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz", num_words: int | None = None, skip_top: int = 0, maxlen: int | None = None,
    test_split: float = 0.2, seed: int = 113, start_char: int | None = 1, oov_char: int | None = 2,
    index_from: int = 3,
) -> Any:  # fmt: skip
    """News as lists of word numbers: the more frequent a word, the smaller its number.

    Args:
        path: The file's name in the cache, or a path.
        num_words: How many of the most frequent words are kept.
        skip_top: How many of the most frequent ones are left out.
        maxlen: Longer news are left out.
        test_split: The part that is for tests.
        seed: Of the order.
        start_char: The number at the beginning of each.
        oov_char: The number for words that are left out.
        index_from: Words begin above this number.

    Returns:
        ((x_train, y_train), (x_test, y_test)): arrays of lists, and of topics.

    Raises:
        ValueError: if nothing is left.
        OSError: if it has to be downloaded, and cannot.
        UnsafeDataError: if the file holds anything but plain values.
    """
    found = arrays_of(fetch(path, _HASH, cache_subdir="datasets"))
    x, y = shuffled(found["x"], found["y"], np.random.RandomState(seed))
    lists, labels = prepared(
        x, y, num_words, skip_top, maxlen, start_char, oov_char, index_from, "reuters.load_data"
    )
    count, whole = int(len(lists) * (1 - test_split)), as_objects(lists)
    return (whole[:count], labels[:count]), (whole[count:], labels[count:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The numbers of the words, before `index_from` is added.

    Args:
        path: The file's name in the cache, or a path.

    Returns:
        Word -> number.

    Raises:
        OSError: if it has to be downloaded, and cannot.
    """
    return word_index(path, "4d44cc38712099c9e383dc6e5f11a921")


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics.

    Returns:
        A tuple of names.

    Example:
        >>> import lamina
        >>> len(lamina.datasets.reuters.get_label_names())
        46
    """
    return tuple(_TOPICS.split())
