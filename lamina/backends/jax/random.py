"""Draws from threefry, keyed by the seed's two words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import random

from lamina.backends.jax import cpu
from lamina.backends.jax.array import int32, real_dtype


def _key(seed: Any) -> Any:
    return random.wrap_key_data(jnp.asarray(seed), impl=cpu.bits.threefry if cpu.on() else "threefry2x32")


def random_uniform(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return random.uniform(_key(seed), tuple(shape), real_dtype(dtype))


def random_normal(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return random.normal(_key(seed), tuple(shape), real_dtype(dtype))


def random_integers(seed: Any, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Any:
    return random.randint(_key(seed), tuple(shape), low, high, real_dtype(dtype))


def random_gamma(seed: Any, alpha: Any, shape: Sequence[int], dtype: str) -> Any:
    return random.gamma(_key(seed), alpha, tuple(shape), real_dtype(dtype))


def random_binomial(seed: Any, counts: Any, probs: Any, shape: Sequence[int], dtype: str) -> Any:
    return random.binomial(_key(seed), counts, probs, tuple(shape), real_dtype(dtype))


def random_categorical(seed: Any, logits: Any, num: int) -> Any:
    return int32(random.categorical(_key(seed), logits, shape=(num, logits.shape[0])).T)


def random_permutation(seed: Any, n: int) -> Any:
    return random.permutation(_key(seed), jnp.arange(n, dtype="int32"))


def random_truncated(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return random.truncated_normal(_key(seed), -2, 2, tuple(shape), real_dtype(dtype))
