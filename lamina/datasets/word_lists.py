"""Lists of word numbers, as IMDB and Reuters have them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from lamina.datasets.sources import fetch


def shuffled(x: Any, y: Any, random: np.random.RandomState) -> tuple[Any, Any]:
    """Both in one random order."""
    order = np.arange(len(x))
    random.shuffle(order)
    return x[order], y[order]


def prepared(
    lists: Any, labels: Any, num_words: int | None, skip_top: int, maxlen: int | None, start_char: int | None,
    oov_char: int | None, index_from: int, name: str,
) -> tuple[list[list[int]], Any]:  # fmt: skip
    """The lists with a sign at their beginning, and others for rare and for frequent words.

    Args:
        lists, labels: What was read.
        num_words: How many of the most frequent words are kept.
        skip_top: How many of the most frequent ones are left out.
        maxlen: How long a list may be; longer ones are left out.
        start_char: The number at the beginning of each list, or None.
        oov_char: The number for words that are left out; None drops them.
        index_from: By how much numbers of words are raised.
        name: Who asks, for messages.

    Raises:
        ValueError: if nothing is left.
    """
    if start_char is not None:
        made = [[start_char] + [w + index_from for w in x] for x in lists]
    else:
        made = [[w + index_from for w in x] for x in lists] if index_from else [list(x) for x in lists]
    if maxlen:
        kept = [i for i, x in enumerate(made) if len(x) < maxlen]
        made, labels = [made[i] for i in kept], np.asarray(labels)[kept]
        if not made:
            raise ValueError(f"{name}: with maxlen={maxlen} no list is left: choose a larger one.")
    top = num_words or max(max(x) for x in made)  # so the last word counts as left out, as in Keras
    if oov_char is not None:
        return [[w if skip_top <= w < top else oov_char for w in x] for x in made], labels
    return [[w for w in x if skip_top <= w < top] for x in made], labels


def as_objects(lists: list[list[int]]) -> np.ndarray:
    """An array of lists."""
    out = np.empty(len(lists), dtype=object)
    out[:] = lists
    return out


def word_index(path: str, file_hash: str) -> dict[str, int]:
    """Word -> number, of a JSON file."""
    with open(fetch(path, file_hash, cache_subdir="datasets"), encoding="utf-8") as file:
        return json.load(file)
