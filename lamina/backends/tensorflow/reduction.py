"""What is computed along axes: reductions, running totals, order."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow._support import (
    BITS,
    dims,
    move_axis,
    prefixes,
    scalar,
    size,
    through,
)
from lamina.backends.tensorflow.array import shape
from lamina.backends.tensorflow.dtensor import mesh_in_force
from lamina.backends.tensorflow.shaping import take_along_axis

# Reduction

all = tf.math.reduce_all
any = tf.math.reduce_any


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _argument(tf.math.argmax, x, -1, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _argument(tf.math.argmin, x, 1, axis, keepdims)


_MANY = 1 << 20  # elements of which a copy costs more than a branch


def _argument(f: Any, x: Any, worst: int, axis: int | None, keepdims: bool) -> Any:
    rank = x.shape.rank
    if axis is None:
        x = tf.reshape(x, [-1])

    def find(x: Any) -> Any:
        return through("extreme", lambda x: f(x, 0 if axis is None else axis, tf.int32), x)

    def find_nan() -> Any:  # TensorFlow skips it, the other backends find it
        return find(tf.where(tf.math.is_nan(x), tf.constant(-worst * math.inf, x.dtype), x))

    if not x.dtype.is_floating:
        found = find(x)
    elif (x.shape.num_elements() or 0) < _MANY:
        found = find_nan()
    else:  # a sum with NaN is NaN: it writes nothing, where the replacement is a copy
        found = tf.cond(tf.math.is_nan(tf.reduce_sum(x)), find_nan, lambda: find(x))
    if not keepdims:
        return found
    return tf.reshape(found, [1] * rank) if axis is None else tf.expand_dims(found, axis)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("add_up", lambda x: tf.math.reduce_logsumexp(x, axis, keepdims), x)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("extreme", lambda x: tf.math.reduce_max(x, axis, keepdims), x)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("add_up", lambda x: tf.math.reduce_mean(x, axis, keepdims), x)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("extreme", lambda x: tf.math.reduce_min(x, axis, keepdims), x)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("add_up", lambda x: tf.math.reduce_prod(x, axis, keepdims), x)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("add_up", lambda x: tf.math.reduce_sum(x, axis, keepdims), x)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return through("add_up", lambda x: _variance(x, axis, keepdims), x)


def _variance(x: Any, axis: Any, keepdims: bool) -> Any:
    away = x - tf.math.reduce_mean(x, axis, keepdims=True)
    squares = tf.math.real(away * tf.math.conj(away)) if x.dtype.is_complex else away * away
    return tf.math.reduce_mean(squares, axis, keepdims)


def cumulative_prod(x: Any, axis: int) -> Any:
    if x.dtype.is_integer:
        return tf.math.cumprod(x, axis)
    # not tf.math.cumprod: its gradient divides by x, and is NaN where x is 0
    return through("add_up", lambda x: prefixes(lambda a, b: [a[0] * b[0]], [x], axis)[0], x)


def cumulative_sum(x: Any, axis: int) -> Any:
    return through("add_up", lambda x: tf.math.cumsum(x, axis), x)


def cumulative_max(x: Any, axis: int) -> Any:
    return through("extreme", lambda x: prefixes(lambda a, b: [tf.maximum(a[0], b[0])], [x], axis)[0], x)


# Ordering


def _sort_key(x: Any) -> Any:
    """Integers in the order of x: NaN the greatest, -0.0 equal to 0.0 (TensorFlow's own sort mixes NaN in)."""
    if x.dtype.is_bool:
        return tf.cast(x, tf.uint8)
    if not x.dtype.is_floating:
        return x
    plain = tf.where(tf.math.is_nan(x), tf.constant(math.nan, x.dtype), x + tf.zeros([], x.dtype))
    bits = tf.bitcast(plain, BITS[x.dtype.size])
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, tf.constant(bits.dtype.max, bits.dtype)), bits)


def _largest(key: Any, k: Any, sorted: bool) -> Any:
    """The positions of the k largest along the last axis; equal ones in their order."""
    return tf.math.top_k(key, k, sorted).indices


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    key = move_axis(_sort_key(x), axis, -1)
    order = _largest(key if descending else tf.bitwise.invert(key), size(key, -1), True)
    return move_axis(order, -1, axis)


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return take_along_axis(x, argsort(x, axis, descending), axis)


def searchsorted(sorted: Any, values: Any, side: str) -> Any:
    if mesh_in_force() is not None:  # DTensor has no rule for a search: those that lie before are counted
        before = tf.less_equal if side == "right" else tf.less
        count = lambda s, v: tf.reduce_sum(tf.cast(before(s, v[..., None]), tf.int32), -1)
        return through("extreme", count, sorted, values)
    find = lambda s, v: tf.searchsorted(s, tf.reshape(v, [-1]), side, tf.int32)
    return tf.reshape(through("extreme", find, sorted, values), dims(shape(values)))


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    order = _largest(_sort_key(x), k, sorted)
    if mesh_in_force() is not None:
        return take_along_axis(x, order, -1), order
    return tf.gather(x, order, axis=-1, batch_dims=x.shape.rank - 1), order


def nonzero(x: Any, size: int | None = None) -> tuple:
    found = tf.cast(tf.where(x if x.dtype.is_bool else x != 0), tf.int32)
    columns = tf.unstack(found, x.shape.rank, axis=1)
    return tuple(columns if size is None else [_resize(column, size, 0) for column in columns])


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    order = argsort(x, 0)
    key = tf.gather(_sort_key(x), order)
    starts = tf.concat([tf.ones_like(key[:1], tf.bool), key[1:] != key[:-1]], 0)
    groups = tf.cumsum(tf.cast(starts, tf.int32)) - 1
    first = tf.boolean_mask(order, starts)
    values = tf.gather(x, first)
    inverse = tf.scatter_nd(order[:, None], groups, tf.shape(order))
    counts = tf.math.unsorted_segment_sum(tf.ones_like(groups), groups, tf.shape(first)[0])
    if size is not None:
        values = _resize(values, size, values[0] if fill is None else fill)
        first, counts = _resize(first, size, first[0]), _resize(counts, size, 0)
    return values, first, inverse, counts


def _resize(x: Any, size: int, fill: Any) -> Any:
    """A 1-d tensor cut or filled up to a size."""
    x = x[:size]
    filling = tf.fill([size - tf.shape(x)[0]], scalar(fill, x.dtype))
    return tf.ensure_shape(tf.concat([x, filling], 0), [size])
