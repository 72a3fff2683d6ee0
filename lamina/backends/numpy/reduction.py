"""What is computed along axes: reductions, running totals, order."""

from __future__ import annotations

import builtins as py
from typing import Any

import numpy as np

from lamina.backends.numpy.array import wide

# Reduction


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.all(x, axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.any(x, axis, keepdims=keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return np.argmax(x, axis, keepdims=keepdims).astype(np.int32)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return np.argmin(x, axis, keepdims=keepdims).astype(np.int32)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    peak = np.max(wide(x), axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(peak), peak, 0).astype(peak.dtype)
    result = np.log(np.sum(np.exp(wide(x) - shift), axis, keepdims=True)) + shift
    return (result if keepdims else np.squeeze(result, axis)).astype(x.dtype)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.mean(wide(x), axis, keepdims=keepdims).astype(x.dtype)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(x, axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.prod(wide(x), axis, wide(x).dtype, keepdims=keepdims).astype(x.dtype)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(wide(x), axis, wide(x).dtype, keepdims=keepdims).astype(x.dtype)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    result = np.var(wide(x), axis, keepdims=keepdims)
    return result if x.dtype.kind == "c" else result.astype(x.dtype)


def cumulative_prod(x: Any, axis: int) -> Any:
    return np.cumprod(wide(x), axis, wide(x).dtype).astype(x.dtype)


def cumulative_sum(x: Any, axis: int) -> Any:
    return np.cumsum(wide(x), axis, wide(x).dtype).astype(x.dtype)


def cumulative_max(x: Any, axis: int) -> Any:
    return np.maximum.accumulate(x, axis)


# Ordering


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    if not descending:
        return np.argsort(x, axis, stable=True).astype(np.int32)
    # sorting the mirror image and mirroring back keeps equal elements in their order
    order = np.flip(np.argsort(np.flip(x, axis), axis, stable=True), axis)
    return (x.shape[axis] - 1 - order).astype(np.int32)


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


def searchsorted(sorted: Any, values: Any, side: Any) -> Any:
    return np.searchsorted(sorted, values, side).astype(np.int32)


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    order = argsort(x, -1, descending=True)[..., :k]
    return np.take_along_axis(x, order, -1), order


def nonzero(x: Any, size: int | None = None) -> tuple:
    found = [axis.astype(np.int32) for axis in np.nonzero(x)]
    return tuple(found if size is None else [_resize(axis, size, 0) for axis in found])


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    if size is not None:
        values = _resize(values, size, values[0] if fill is None else fill)
        first, counts = _resize(first, size, first[0]), _resize(counts, size, 0)
    return (
        values,
        first.astype(np.int32),
        inverse.astype(np.int32),
        counts.astype(np.int32),
    )


def _resize(x: Any, size: int, fill: Any) -> Any:
    """A 1-d array cut or filled up to a size."""
    return np.concatenate([x[:size], np.full(py.max(0, size - len(x)), fill, x.dtype)])
