"""Windows over the axes between batch and channels: as slices, one for each position in them, or side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backends.jax.cpu import constants, products
from lamina.backends.jax.cpu.internals import set_xla_metadata

Pairs = Sequence[tuple[int, int]]


def pad(x: Any, padding: Pairs, value: Any) -> Any:
    """The axes between batch and channels padded; a negative width cuts."""
    if not any(low or high for low, high in padding):
        return x
    return lax.pad(x, x.dtype.type(value), [(0, 0, 0), *[(low, high, 0) for low, high in padding], (0, 0, 0)])


def slices(x: Any, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> list:
    """For each position in the window, what the windows have there: (batch, *out, channels) each."""
    out, taps = _out(x.shape, window, strides, dilation), []
    for position in product(*map(range, window)):
        start = [p * d for p, d in zip(position, dilation, strict=True)]
        stop = [a + (n - 1) * s + 1 for a, n, s in zip(start, out, strides, strict=True)]
        taps.append(lax.slice(x, (0, *start, 0), (x.shape[0], *stop, x.shape[-1]), (1, *strides, 1)))
    return taps


def _out(
    shape: Sequence[int], window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list:
    rest = zip(shape[1:-1], window, strides, dilation, strict=True)
    return [(n - (w - 1) * d - 1) // s + 1 for n, w, s, d in rest]


def patches(
    x: Any, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int], padding: Pairs
) -> Any:
    """From (batch, *sizes, channels), padded with zeros, the windows with their positions side by side: (batch, *out,
    positions * channels).
    """
    how = {"window": tuple(window), "strides": tuple(strides), "dilation": tuple(dilation)}
    return _patches.bind(x, **how, padding=tuple(map(tuple, padding)))


def _joined(x: Any, *, padding: Pairs, **how: Any) -> Any:
    few = math.prod(how["window"]) <= constants.JOINED and max(how["strides"]) == 1
    taps = _shifted(x, padding, how["window"], how["dilation"]) if few else slices(pad(x, padding, 0), **how)
    return taps[0] if len(taps) == 1 else jnp.concatenate(taps, -1)


def _shifted(x: Any, padding: Pairs, window: Sequence[int], dilation: Sequence[int]) -> list:
    """Slices of a padded x, each padded by itself: fused with what reads it, where the whole would be written first."""
    reach = [(w - 1) * d for w, d in zip(window, dilation, strict=True)]
    return [
        pad(
            x,
            [
                (low - p * d, high - r + p * d)
                for p, d, r, (low, high) in zip(position, dilation, reach, padding, strict=True)
            ],
            0,
        )
        for position in product(*map(range, window))
    ]


def joins_copies(x: Any, window: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether patches are joined of copies: too many for one pass, and too small for a gather."""
    return math.prod(window) > constants.JOINED and not _gathers(x, window, strides)


def _gathers(x: Any, window: Sequence[int], strides: Sequence[int]) -> bool:
    size = math.prod(window) * x.size // math.prod(strides) * x.dtype.itemsize
    return math.prod(window) > constants.JOINED and size >= constants.GATHER_BYTES


def _laid_out(x: Any, **how: Any) -> Any:
    return (_gathered if _gathers(x, how["window"], how["strides"]) else _joined)(x, **how)


def _gathered(
    x: Any, *, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int], padding: Pairs
) -> Any:
    """One gather of pixels."""
    x = pad(x, padding, 0)
    sizes, out = x.shape[1:-1], _out(x.shape, window, strides, dilation)

    def pixels() -> Any:  # which ones, over (*out, *window)
        positions = [lax.broadcasted_iota(np.int32, (*out, *window), i) for i in range(2 * len(window))]
        result = jnp.zeros((), np.int32)
        for i, size in enumerate(sizes):
            result = result * size + positions[i] * strides[i] + positions[len(sizes) + i] * dilation[i]
        return result.reshape(-1)

    # whole before the gather, which would else compute each element anew for each position in the window
    flat = _apart(lambda x: x.reshape(x.shape[0], math.prod(sizes), x.shape[-1]), x)
    found = jnp.take(flat, _apart(pixels), axis=1, mode="clip")
    return found.reshape(x.shape[0], *out, math.prod(window) * x.shape[-1])


def _apart(function: Callable, *xs: Any) -> Any:
    """A function's result as a call that XLA leaves one, so that nothing is fused across its border."""
    with set_xla_metadata(inlineable="false"):
        return jax.jit(function)(*xs)


def _scattered(g: Any, x: Any, **how: Any) -> list:
    """The sum of the padded parts of g, fused: not the gather's own, which would add element by element."""
    return jax.linear_transpose(partial(_joined, **how), x.aval)(g)


_patches = products.linear(
    "lamina_patches", _laid_out, _scattered, ("window", "strides", "dilation", "padding")
)
