"""Convolution, pooling and the dense product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.backends.numpy.array import wide
from lamina.backends.numpy.shaping import lowest

Pairs = Sequence[tuple[int, int]]


def conv(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
    channels_last: bool,
) -> Any:
    x = x if channels_last else np.moveaxis(x, 1, -1)
    rank = x.ndim - 2
    spread = _spread(wide(kernel), dilation, range(rank))
    views = _windows(_pad(wide(x), padding, 0), spread.shape[:rank], strides)
    # views: (batch, *out, channels, *window); one product per group of channels
    axes = (list(range(rank + 2, 2 * rank + 2)) + [rank + 1], list(range(rank + 1)))
    parts = zip(np.split(views, groups, rank + 1), np.split(spread, groups, -1), strict=True)
    result = np.concatenate([np.tensordot(v, k, axes) for v, k in parts], -1).astype(x.dtype, copy=False)
    return result if channels_last else np.moveaxis(result, -1, 1)


def conv_transpose(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    channels_last: bool,
) -> Any:
    rank = x.ndim - 2
    first = 1 if channels_last else 2
    spread = _spread(x, strides, range(first, first + rank))
    flipped = np.swapaxes(np.flip(kernel, tuple(range(rank))), -1, -2)
    return conv(spread, flipped, (1,) * rank, padding, dilation, 1, channels_last)


def pool(
    x: Any,
    kind: str,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Pairs,
    channels_last: bool,
) -> Any:
    x = x if channels_last else np.moveaxis(x, 1, -1)
    axes = tuple(range(-len(window), 0))
    if kind == "max":
        result = np.max(_windows(_pad(x, padding, lowest(x.dtype)), window, strides), axes)
    else:
        inside = _windows(
            _pad(np.ones((1, *x.shape[1:-1], 1), np.float32), padding, 0),
            window,
            strides,
        )
        total = np.sum(_windows(_pad(wide(x), padding, 0), window, strides), axes)
        result = (total / np.sum(inside, axes)).astype(x.dtype)
    return result if channels_last else np.moveaxis(result, -1, 1)


def _pad(x: Any, padding: Pairs, value: Any) -> Any:
    """The axes between batch and channels padded; a negative width cuts."""
    cuts = [
        slice(max(0, -low), n - max(0, -high)) for (low, high), n in zip(padding, x.shape[1:-1], strict=True)
    ]
    widths = [(max(0, low), max(0, high)) for low, high in padding]
    return np.pad(x[:, *cuts], [(0, 0), *widths, (0, 0)], constant_values=value)


def _windows(x: Any, window: Sequence[int], strides: Sequence[int]) -> Any:
    """(batch, *out, channels, *window), without copying."""
    views = np.lib.stride_tricks.sliding_window_view(x, tuple(window), tuple(range(1, x.ndim - 1)))
    return views[:, *[slice(None, None, s) for s in strides]]


def _spread(x: Any, steps: Sequence[int], axes: Any) -> Any:
    """x with steps - 1 zeros between its elements along the axes."""
    shape, positions = list(x.shape), [slice(None)] * x.ndim
    for step, axis in zip(steps, axes, strict=True):
        shape[axis] = (shape[axis] - 1) * step + 1 if shape[axis] else 0
        positions[axis] = slice(None, None, step)
    result = np.zeros(shape, x.dtype)
    result[tuple(positions)] = x
    return result


def linear(x: Any, kernel: Any, bias: Any) -> Any:
    result = np.matmul(wide(x), wide(kernel)).astype(x.dtype, copy=False)
    return result if bias is None else result + bias
