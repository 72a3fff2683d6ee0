"""What moves elements: shapes, joining and splitting, taking and putting by position."""

from __future__ import annotations

import builtins as py
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina.backends.numpy.array import DTYPES

# Manipulation

broadcast_to = np.broadcast_to
concat = np.concatenate
expand_dims = np.expand_dims
flip = np.flip


def getitem(x: Any, key: Any) -> Any:
    return x[key]


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: Any, value: Any) -> Any:
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)


permute_dims = np.transpose


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    return np.repeat(x, repeats, axis)


reshape = np.reshape
roll = np.roll
squeeze = np.squeeze
stack = np.stack
tile = np.tile


def unstack(x: Any, axis: int) -> list:
    return list(np.moveaxis(x, axis, 0))


diagonal = np.diagonal
split = np.split


# Indexing

take = np.take
take_along_axis = np.take_along_axis

_REDUCE = {
    "add": np.add, "sum": np.add, "max": np.maximum, "min": np.minimum, "multiply": np.multiply, "prod": np.multiply,
}  # fmt: skip


def scatter(x: Any, indices: Any, updates: Any, reduce: str) -> Any:
    result, where = np.array(x), tuple(np.moveaxis(indices, -1, 0))
    if reduce == "set":
        result[where] = updates
    else:
        _REDUCE[reduce].at(result, where, updates)
    return result


def slice(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    return x[_block(x, starts, sizes)]


def slice_update(x: Any, starts: Any, updates: Any) -> Any:
    result = np.array(x)
    result[_block(x, starts, updates.shape)] = updates
    return result


def _block(x: Any, starts: Any, sizes: Sequence[int]) -> tuple:
    """The slices of a block, moved inside the array where it would stick out."""
    begins = [py.min(py.max(int(s), 0), n - k) for s, n, k in zip(starts, x.shape, sizes, strict=True)]
    return tuple([py.slice(b, b + k) for b, k in zip(begins, sizes, strict=True)])


def segment(x: Any, ids: Any, num: int, reduce: str) -> Any:
    result = np.full((num, *x.shape[1:]), _identity(reduce, x.dtype), x.dtype)
    inside = (ids >= 0) & (ids < num)
    _REDUCE[reduce].at(result, ids[inside], x[inside])
    return result


def _identity(reduce: str, dtype: np.dtype) -> Any:
    """What an empty segment holds: the value that changes nothing."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    return lowest(dtype) if reduce == "max" else highest(dtype)


def lowest(dtype: np.dtype) -> Any:
    """The least value of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else -np.inf


def highest(dtype: np.dtype) -> Any:
    """The greatest value of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max
    return True if dtype.kind == "b" else np.inf


def one_hot(x: Any, depth: int, axis: int, dtype: str) -> Any:
    hot = np.expand_dims(x, axis)
    positions = np.arange(depth).reshape([-1 if a == axis % hot.ndim else 1 for a in range(hot.ndim)])
    return (hot == positions).astype(DTYPES[dtype])
