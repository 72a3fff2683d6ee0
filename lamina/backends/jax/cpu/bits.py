"""threefry's bits in one pass: on the CPU jax loops over the rounds, which takes longer, most of all to compile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backends.jax.cpu.internals import define_prng_impl, threefry_prng_impl

# the generator of lamina.random.portable, in the words of XLA: unsigned, with one shift to the right
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def _bits(key: Any, bit_width: int, shape: Sequence[int]) -> Any:
    """jax's own bits."""
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


# the generator for `jax.random`; by its name jax's own, where jax has no way to define one
threefry: Any = "threefry2x32"
if define_prng_impl is not None:
    threefry = define_prng_impl(
        key_shape=threefry_prng_impl.key_shape,
        seed=threefry_prng_impl.seed,
        split=threefry_prng_impl.split,
        fold_in=threefry_prng_impl.fold_in,
        random_bits=_bits,
        name="unrolled",
        tag="unrolled",
    )
