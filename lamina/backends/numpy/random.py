"""Draws from Philox, a generator that is a function of its key: the seed's 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.backends.numpy.array import DTYPES, wide

_BITS = {
    "float16": 11,
    "bfloat16": 8,
    "float8_e4m3fn": 4,
    "float8_e5m2": 3,
}  # of precision


def generator(seed: Any) -> np.random.Generator:
    """NumPy's generator with this seed."""
    low, high = (int(word) for word in seed)
    return np.random.Generator(np.random.Philox(key=high << 32 | low))


def _drawn(dtype: str) -> Any:
    """The dtype that NumPy draws in."""
    return np.float64 if dtype == "float64" else np.float32


def random_uniform(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    draws = generator(seed).random(tuple(shape), _drawn(dtype))
    if dtype in _BITS:  # cut to the bits that the dtype holds: rounding could give 1
        draws = np.floor(draws * 2 ** _BITS[dtype]) / 2 ** _BITS[dtype]
    return np.asarray(draws, DTYPES[dtype])


def random_normal(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return np.asarray(generator(seed).standard_normal(tuple(shape), _drawn(dtype)), DTYPES[dtype])


def random_integers(seed: Any, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Any:
    return np.asarray(generator(seed).integers(low, high, tuple(shape), np.int64), DTYPES[dtype])


def random_gamma(seed: Any, alpha: Any, shape: Sequence[int], dtype: str) -> Any:
    return np.asarray(generator(seed).standard_gamma(wide(alpha), tuple(shape)), DTYPES[dtype])


def random_binomial(seed: Any, counts: Any, probs: Any, shape: Sequence[int], dtype: str) -> Any:
    draws = generator(seed).binomial(counts.astype(np.int64), wide(probs), tuple(shape))
    return np.asarray(draws, DTYPES[dtype])


def random_categorical(seed: Any, logits: Any, num: int) -> Any:
    batch, classes = logits.shape
    noise = generator(seed).gumbel(size=(batch, num, classes))
    return np.argmax(wide(logits)[:, None] + noise, -1).astype(np.int32)


def random_permutation(seed: Any, n: int) -> Any:
    return generator(seed).permutation(np.arange(n, dtype=np.int32))


def random_truncated(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    draw = generator(seed)
    values = draw.standard_normal(tuple(shape), _drawn(dtype))
    while (outside := np.abs(values) > 2).any():
        values = np.where(outside, draw.standard_normal(tuple(shape), _drawn(dtype)), values)
    return np.asarray(values, DTYPES[dtype])
