"""`keras.preprocessing.sequence`: padding, windows of time series, skip-grams."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from lamina.utils import PyDataset
from lamina.utils import pad_sequences as pad_sequences

__all__ = ["TimeseriesGenerator", "make_sampling_table", "pad_sequences", "skipgrams"]


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series and the value that follows each.

    Args:
        data, targets: Arrays of the same length; the target of a window is the one right behind it.
        length: The size of a window in steps of the series.
        sampling_rate: Every how many steps within a window count.
        stride: Steps between windows.
        start_index, end_index: Which part of the series is used.
        shuffle: Whether windows are drawn at random.
        reverse: Whether windows run backwards.
        batch_size: Windows per batch.

    Raises:
        ValueError: if the lengths differ or the series is too short.

    Example:
        >>> import numpy as np
        >>> from lamina.legacy.sequence import TimeseriesGenerator
        >>> x, y = TimeseriesGenerator(np.arange(6), np.arange(6), length=3, batch_size=2)[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0,
        end_index: int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(data) != len(targets):
            raise ValueError(f"TimeseriesGenerator: {len(data)} steps of data, but {len(targets)} targets.")
        self.data, self.targets, self.length = np.asarray(data), np.asarray(targets), length
        self.sampling_rate, self.stride, self.shuffle, self.reverse = sampling_rate, stride, shuffle, reverse
        self.batch_size, self.start_index = batch_size, start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        if self.start_index > self.end_index:
            raise ValueError(
                f"TimeseriesGenerator: no window of {length} steps fits between {start_index} and {self.end_index}."
            )

    def __len__(self) -> int:
        return -(-(self.end_index - self.start_index + 1) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if self.shuffle:
            rows = np.random.randint(self.start_index, self.end_index + 1, self.batch_size)
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            rows = np.arange(first, last, self.stride)
        windows = np.array([self.data[row - self.length : row : self.sampling_rate] for row in rows])
        return (windows[:, ::-1] if self.reverse else windows), self.targets[rows]


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray:
    """The probability to keep the word of each rank, if words are distributed by Zipf's law.

    `p = min(1, sqrt(s (rank (ln rank + gamma) + 1/2 - 1 / (12 rank))))`

    Args:
        size: The number of words.
        sampling_factor: The smaller, the fewer frequent words are kept.

    Reference:
        Mikolov et al., 2013, Distributed representations of words and phrases and their compositionality.
    """
    rank = np.arange(size).astype("float64")
    rank[0] = 1
    inverse = rank * (np.log(rank) + 0.577) + 0.5 - 1.0 / (12.0 * rank)
    f = sampling_factor * inverse
    return np.minimum(1.0, f / np.sqrt(f))


def skipgrams(
    sequence: Any, vocabulary_size: int, window_size: int = 4, negative_samples: float = 1.0, shuffle: bool = True,
    categorical: bool = False, sampling_table: Any = None, seed: int | None = None,
) -> tuple[list[Any], list[Any]]:  # fmt: skip
    """Pairs of words that stand near each other (label 1), and pairs with random words (label 0).

    Args:
        sequence: Word numbers; 0 is no word.
        vocabulary_size: One above the largest number.
        window_size: How far apart words of a pair may stand.
        negative_samples: Random pairs per true one.
        shuffle: Whether the pairs are shuffled.
        categorical: Whether labels are [0, 1] and [1, 0].
        sampling_table: The probability to keep each word.
        seed: Of the shuffle.

    Returns:
        The pairs and their labels.
    """
    couples, labels = [], []
    for i, word in enumerate(sequence):
        if not word or (sampling_table is not None and sampling_table[word] < random.random()):
            continue
        for j in range(max(0, i - window_size), min(len(sequence), i + window_size + 1)):
            if j != i and sequence[j]:
                couples.append([word, sequence[j]])
                labels.append([0, 1] if categorical else 1)
    if negative_samples > 0:
        words = [c[0] for c in couples]
        random.shuffle(words)
        count = int(len(labels) * negative_samples)
        couples += [[words[i % len(words)], random.randint(1, vocabulary_size - 1)] for i in range(count)]
        labels += [[1, 0] if categorical else 0] * count
    if shuffle:
        order = list(range(len(couples)))
        random.Random(seed).shuffle(order) if seed is not None else random.shuffle(order)
        couples, labels = [couples[i] for i in order], [labels[i] for i in order]
    return couples, labels
