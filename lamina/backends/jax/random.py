"""Draws from threefry, keyed by the seed's two words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax, random
from jax.extend.random import define_prng_impl, threefry_prng_impl

from lamina.backends.jax.array import int32, real_dtype
from lamina.backends.jax.lowering import on_cpu

# the generator of lamina.random.portable, in the words of XLA: unsigned, with one shift to the right
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def _key(seed: Any) -> Any:
    return random.wrap_key_data(jnp.asarray(seed), impl=_unrolled if on_cpu() else "threefry2x32")


def _bits(key: Any, bit_width: int, shape: Sequence[int]) -> Any:
    """JAX's own bits in one pass: on the CPU it loops over the rounds, which takes longer, most of all to compile."""
    if bit_width != 32 or math.prod(shape) >= 1 << 32:
        return threefry_prng_impl.random_bits(key, bit_width, shape)
    keys = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    y = lax.iota(np.uint32, math.prod(shape)).reshape(shape) + keys[1]
    x = jnp.broadcast_to(keys[0], y.shape)
    for i in range(5):
        for by in _ROTATIONS[i % 2]:
            x = x + y
            y = x ^ ((y << np.uint32(by)) | (y >> np.uint32(32 - by)))
        x, y = x + keys[(i + 1) % 3], y + keys[(i + 2) % 3] + np.uint32(i + 1)
    # kept from fusion: what masks a tensor would draw anew wherever the mask is used
    return lax.optimization_barrier(x ^ y)


_unrolled = define_prng_impl(
    key_shape=threefry_prng_impl.key_shape,
    seed=threefry_prng_impl.seed,
    split=threefry_prng_impl.split,
    fold_in=threefry_prng_impl.fold_in,
    random_bits=_bits,
    name="unrolled",
    tag="unrolled",
)


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
