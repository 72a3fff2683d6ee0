"""Rows in random order, in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np


def split(x: Any, y: Any, test_split: float, seed: int) -> Any:
    """The rows in the order of a seed, the first part for training, the rest for tests.

    Raises:
        ValueError: if the part is not from 0 to 1.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"load_data: `test_split` must be from 0 to 1, got {test_split!r}.")
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])
