"""What moves elements: shapes, joining and splitting, taking and putting by position."""

from __future__ import annotations

import builtins as py
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow._getitem import getitem  # noqa: F401 - one of the functions here
from lamina.backends.tensorflow._support import (
    axes_of,
    dims,
    in_range,
    move_axis,
    scalar,
    size,
    through,
)
from lamina.backends.tensorflow.array import asarray, shape
from lamina.backends.tensorflow.dtensor import mesh_in_force, whole, without_axes

# Manipulation


def broadcast_to(x: Any, shape: Sequence[int]) -> Any:
    # a size that is unknown (None, of a tensor's own `shape`) is the one that x has
    sizes = [size(x, i - len(shape)) if n is None else n for i, n in enumerate(shape)]
    return tf.broadcast_to(x, dims(sizes))


def concat(arrays: Sequence[Any], axis: int) -> Any:
    return tf.concat(list(arrays), axis)


def expand_dims(x: Any, axis: Any) -> Any:
    if isinstance(axis, int):
        return tf.expand_dims(x, axis)
    rank = x.shape.rank + len(axis)
    for position in sorted_axes(axis, rank):
        x = tf.expand_dims(x, position)
    return x


def sorted_axes(axis: Any, rank: int) -> list[int]:
    """The axes counted from the front, in order."""
    return py.sorted([a % rank for a in axis])


def flip(x: Any, axis: Any) -> Any:
    if mesh_in_force() is None:
        return tf.reverse(x, axes_of(x, axis))
    for a in axes_of(x, axis):  # DTensor has no rule for tf.reverse
        x = tf.gather(x, tf.range(size(x, a) - 1, -1, -1), axis=a)
    return x


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    if mode == "constant":
        return through("pad", lambda x: tf.pad(x, widths, constant_values=scalar(value, x.dtype)), x)
    for axis, (low, high) in enumerate(widths):
        if low or high:
            n = size(x, axis)
            x = tf.gather(x, _source(tf.range(-low, n + high), n, mode), axis=axis)
    return x


def _source(positions: Any, n: Any, mode: str) -> Any:
    """Which element of an axis of size n stands at a position, inside or outside of it."""
    if mode == "edge":
        return tf.clip_by_value(positions, 0, n - 1)
    if mode == "reflect":
        return n - 1 - tf.abs(positions % tf.maximum(2 * n - 2, 1) - (n - 1))
    if mode == "symmetric":
        return tf.minimum(positions % (2 * n), 2 * n - 1 - positions % (2 * n))
    raise ValueError(f"Padding modes are constant, reflect, symmetric and edge. Received: mode={mode!r}.")


def permute_dims(x: Any, axes: Sequence[int]) -> Any:
    return tf.transpose(x, axes)


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    n = size(x, axis)
    if isinstance(repeats, int):  # the shape stays known, and the gradient is a sum
        sizes = [size(x, a) for a in range(x.shape.rank)]
        before, after = sizes[:axis], sizes[axis + 1 :]
        wide = tf.broadcast_to(tf.expand_dims(x, axis + 1), dims([*before, n, repeats, *after]))
        return tf.reshape(wide, dims([*before, n * repeats, *after]))
    counts = tf.broadcast_to(asarray(repeats, "int32"), [n])
    if total is None:
        return tf.gather(x, tf.repeat(tf.range(n), counts), axis=axis)
    # with the size known beforehand: cut, or filled with the last element
    positions = tf.searchsorted(tf.cumsum(counts), tf.range(total), "right")
    return tf.gather(x, tf.minimum(positions, n - 1), axis=axis)


def reshape(x: Any, shape: Sequence[int]) -> Any:
    # one size may be unknown (None, of a tensor's own `shape`): it follows from the others, as -1 does
    return tf.reshape(x, dims([-1 if n is None else n for n in shape]))


def roll(x: Any, shift: Any, axis: Any) -> Any:
    if axis is None:
        return tf.reshape(roll(tf.reshape(x, [-1]), shift, 0), dims(shape(x)))
    positions = axes_of(x, axis)
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(positions)
    if mesh_in_force() is None:
        return tf.roll(x, shifts, positions)
    for by, a in zip(shifts, positions, strict=True):  # DTensor has no rule for tf.roll
        x = tf.gather(x, (tf.range(size(x, a)) - by) % size(x, a), axis=a)
    return x


def squeeze(x: Any, axis: Any) -> Any:
    return tf.squeeze(x) if axis is None else without_axes(x, axes_of(x, axis))


def stack(arrays: Sequence[Any], axis: int) -> Any:
    return tf.stack(list(arrays), axis)


def tile(x: Any, repeats: Sequence[int]) -> Any:
    return through("tile", lambda x: tf.tile(x, dims(repeats)), x)


def unstack(x: Any, axis: int) -> list:
    return tf.unstack(x, axis=axis)


def diagonal(x: Any, offset: int, axis1: int, axis2: int) -> Any:
    rank = x.shape.rank
    axis1, axis2 = axis1 % rank, axis2 % rank
    last = tf.transpose(x, [a for a in range(rank) if a not in (axis1, axis2)] + [axis1, axis2])
    if mesh_in_force() is not None:  # DTensor has no rule for it
        rows, columns = size(last, -2), size(last, -1)
        first = py.max(-offset, 0) * columns + py.max(offset, 0)
        count = py.min(rows - py.max(-offset, 0), columns - py.max(offset, 0))
        flat = tf.reshape(last, dims([*shape(last)[:-2], rows * columns]))
        return tf.gather(flat, first + tf.range(count) * (columns + 1), axis=-1)
    return tf.linalg.diag_part(last, k=offset)


def split(x: Any, sections: Sequence[int], axis: int) -> list:
    n = size(x, axis)
    least = tf.minimum if isinstance(n, tf.Tensor) else py.min
    cuts = [0, *[least(cut, n) for cut in sections], n]
    return tf.split(x, [stop - start for start, stop in pairwise(cuts)], axis, len(cuts) - 1)


# Indexing


def take(x: Any, indices: Any, axis: int) -> Any:
    return tf.gather(x, in_range(indices, size(x, axis)), axis=axis)


_FEW = 8  # places in a row that are found by comparing, which makes a tensor so many times as large


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    x, indices = (move_axis(x, axis, -1), in_range(move_axis(indices, axis, -1), size(x, axis)))
    if x.shape[:-1] != indices.shape[:-1] or not x.shape[:-1].is_fully_defined():
        batch = _broadcast_shape(x, indices)
        x = tf.broadcast_to(x, tf.concat([batch, tf.shape(x)[-1:]], 0))
        indices = tf.broadcast_to(indices, tf.concat([batch, tf.shape(indices)[-1:]], 0))
    if mesh_in_force() is not None:
        return move_axis(_chosen(x, indices), -1, axis)
    return move_axis(tf.gather(x, indices, axis=-1, batch_dims=x.shape.rank - 1), -1, axis)


def _chosen(x: Any, indices: Any) -> Any:
    """x at indices of its last axis. DTensor gathers row by row only where all lie in the same way: few by comparing."""
    if indices.shape[-1] is None or indices.shape[-1] > _FEW:
        return whole(tf.gather(whole(x), whole(indices), axis=-1, batch_dims=x.shape.rank - 1))
    if x.dtype.is_bool:
        return tf.cast(_chosen(tf.cast(x, tf.uint8), indices), tf.bool)
    here = indices[..., None] == tf.range(size(x, -1), dtype=indices.dtype)
    return tf.reduce_sum(tf.where(here, x[..., None, :], tf.zeros([], x.dtype)), -1)


def _broadcast_shape(x: Any, y: Any) -> Any:
    """The shape that x and y have together without their last axes."""
    return tf.broadcast_dynamic_shape(tf.shape(x)[:-1], tf.shape(y)[:-1])


_SCATTER = {
    "set": tf.tensor_scatter_nd_update,
    "add": tf.tensor_scatter_nd_add,
    "max": tf.tensor_scatter_nd_max,
    "min": tf.tensor_scatter_nd_min,
}


def scatter(x: Any, indices: Any, updates: Any, reduce: str) -> Any:
    depth = indices.shape[-1]
    sizes = shape(x)[:depth]
    indices = in_range(indices, dims(sizes))
    if reduce == "multiply":  # no TensorScatterMul: the factors of one position are multiplied first
        positions = tf.reduce_sum(indices * _strides(sizes, indices.dtype), -1)
        factors = tf.math.unsorted_segment_prod(updates, positions, math.prod(sizes))
        return x * tf.reshape(factors, dims(shape(x)))
    if reduce == "set":
        return tf.tensor_scatter_nd_update(x, indices, updates)
    return through("extreme", lambda x, u: _SCATTER[reduce](x, indices, u), x, updates)


def _strides(sizes: Sequence[Any], dtype: Any) -> Any:
    """How many elements one step along each axis passes over."""
    return tf.stack([tf.cast(math.prod(sizes[i + 1 :]), dtype) for i in range(len(sizes))])


def slice(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    return tf.slice(x, _inside(x, starts, sizes), dims(sizes))


def _inside(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    """The starts of a block, moved so that it lies inside x."""
    starts = starts if isinstance(starts, tf.Tensor) else tf.stack([tf.cast(s, tf.int32) for s in starts])
    return tf.clip_by_value(tf.cast(starts, tf.int32), 0, tf.shape(x) - dims(sizes))


def slice_update(x: Any, starts: Any, updates: Any) -> Any:
    # not TensorStridedSliceUpdate: it has no gradient
    low = _inside(x, starts, shape(updates))
    widths = tf.stack([low, tf.shape(x) - tf.shape(updates) - low], 1)
    block = tf.pad(tf.ones_like(updates, tf.bool), widths)
    return tf.where(block, tf.ensure_shape(tf.pad(updates, widths), x.shape), x)


_SEGMENT = {
    "sum": tf.math.unsorted_segment_sum,
    "max": tf.math.unsorted_segment_max,
    "min": tf.math.unsorted_segment_min,
    "prod": tf.math.unsorted_segment_prod,
}


def segment(x: Any, ids: Any, num: int, reduce: str) -> Any:
    if ids.dtype not in (tf.int32, tf.int64):  # no kernel
        ids = tf.cast(ids, tf.int32 if ids.dtype.size < 4 else tf.int64)
    ids = tf.where(
        ids < tf.cast(num, ids.dtype), ids, tf.constant(-1, ids.dtype)
    )  # TensorFlow drops negative ones only
    operation = "add_up" if reduce in ("sum", "prod") else "extreme"
    result = through(operation, lambda x: _SEGMENT[reduce](x, ids, num), x)
    if reduce in ("sum", "prod") or not x.dtype.is_floating:
        return result
    # an empty segment holds what changes nothing: an infinity, not the largest number
    empty = tf.math.unsorted_segment_sum(tf.ones_like(ids), ids, num) == 0
    empty = tf.reshape(empty, [-1] + [1] * (x.shape.rank - 1))
    return tf.where(empty, tf.constant(-math.inf if reduce == "max" else math.inf, x.dtype), result)


def one_hot(x: Any, depth: int, axis: int, dtype: str) -> Any:
    position = axis % (x.shape.rank + 1)
    hot = "uint8" if dtype == "bool" else dtype  # no kernel: OneHot to bool
    return tf.cast(tf.one_hot(tf.cast(x, tf.int64), depth, axis=position, dtype=hot), dtype)
