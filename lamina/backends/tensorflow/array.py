"""Looking at tensors, making them, and what is computed entry by entry, along axes, or by position."""

from __future__ import annotations

import builtins as py
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backends.tensorflow._getitem import getitem  # noqa: F401 - one of the functions here
from lamina.backends.tensorflow._support import (
    axes_of,
    dims,
    in_range,
    move_axis,
    pair,
    prefixes,
    scalar,
    size,
    through,
)

Tensor = tf.Tensor

# Inspection


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    return x.dtype.name


def shape(x: Any) -> tuple:
    sizes = tuple(x.shape)
    if None not in sizes:
        return sizes
    unknown = tf.shape(x)
    return tuple([unknown[i] if n is None else n for i, n in enumerate(sizes)])


_LARGE = 1 << 20  # bytes from which TensorFlow's second copy matters
_ALIGNED = 256  # bytes, more than any vector instruction asks for: TensorFlow ends the process over less


def asarray(x: Any, dtype: str | None = None) -> Any:
    if isinstance(x, np.ndarray) and x.nbytes >= _LARGE and dtype in (None, x.dtype.name):
        return _copied(x)
    if isinstance(x, (tf.Tensor, tf.Variable)):
        return tf.convert_to_tensor(x) if dtype is None else tf.cast(x, dtype)
    if dtype == "string":
        return tf.convert_to_tensor(x, dtype)
    if dtype is None:
        made = tf.convert_to_tensor(x)
        # 64 bits appear only where somebody asked for them
        wide = made.dtype == tf.complex128 and not isinstance(x, (np.ndarray, np.generic))
        return tf.cast(made, tf.complex64) if wide else made
    if isinstance(x, (bool, int, float)):
        return scalar(x, tf.as_dtype(dtype))
    if isinstance(x, (list, tuple)) and py.any(isinstance(leaf, tf.Tensor) for leaf in tf.nest.flatten(x)):
        return tf.cast(tf.convert_to_tensor(x), dtype)
    return tf.convert_to_tensor(np.asarray(x).astype(tf.as_dtype(dtype).as_numpy_dtype))


def _copied(x: np.ndarray) -> Any:
    """A large array by one copy, where TensorFlow makes two, and holds both for a while."""
    if x.dtype.kind not in "fiu" or not tf.executing_eagerly() or tf.config.list_physical_devices("GPU"):
        return tf.convert_to_tensor(x)
    memory = np.empty(x.nbytes + _ALIGNED, np.uint8)
    start = -memory.ctypes.data % _ALIGNED
    copy = memory[start : start + x.nbytes].view(x.dtype.newbyteorder("=")).reshape(x.shape)
    copy[...] = x
    return tf.experimental.dlpack.from_dlpack(copy.__dlpack__())


def to_numpy(x: Any) -> np.ndarray:
    if not hasattr(x, "numpy"):
        raise TypeError(f"A tensor inside a compiled function has no numbers yet. Received: {x!r}.")
    return np.asarray(x.numpy())


def astype(x: Any, dtype: str) -> Any:
    return tf.cast(x, dtype)


def bitcast(x: Any, dtype: str) -> Any:
    source, target = x.dtype, tf.as_dtype(dtype)
    if source == target:
        return x
    if source.is_bool:  # no kernel: Bitcast of bool, whose bytes are 0 and 1
        return bitcast(tf.cast(x, tf.uint8), dtype)
    if target.is_bool:
        return tf.cast(bitcast(x, "uint8"), tf.bool)
    if source.size == target.size:
        return tf.bitcast(x, target)
    *rest, last = shape(x)
    if source.size > target.size:
        return tf.reshape(tf.bitcast(x, target), dims([*rest, last * (source.size // target.size)]))
    ratio = target.size // source.size
    return tf.bitcast(tf.reshape(x, dims([*rest, last // ratio, ratio])), target)


def copy(x: Any) -> Any:
    return tf.identity(x)


# Creation


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    target = tf.as_dtype(dtype)
    if py.any(isinstance(v, tf.Tensor) for v in (start, stop, step)):
        start, stop, step = (
            scalar(v, tf.float64 if target.is_floating else tf.int64) for v in (start, stop, step)
        )
        count = tf.cast(tf.math.ceil(tf.math.divide(stop - start, step)), tf.int32)
    else:
        count = py.max(0, math.ceil((stop - start) / step))
    # not tf.range(start, stop, step): it adds the step up, and with it the rounding
    wide = tf.int64 if isinstance(start + step, int) or not target.is_floating else tf.float64
    places = tf.cast(tf.range(count), wide)
    return tf.cast(scalar(start, wide) + places * scalar(step, wide), target)


def eye(rows: int, columns: int, k: int, dtype: str) -> Any:
    return tf.cast(tf.range(rows)[:, None] + k == tf.range(columns), dtype)


def full(shape: Sequence[int], value: Any, dtype: str) -> Any:
    if dtype == "string":
        return tf.fill(dims(shape), value)
    entry = asarray(value, dtype)
    return entry if not shape and entry.shape.rank == 0 else tf.broadcast_to(entry, dims(shape))


def linspace(start: Any, stop: Any, num: int, endpoint: bool, dtype: str) -> Any:
    target = tf.as_dtype(dtype)
    wide = tf.complex128 if target.is_complex else tf.float64
    start, stop = tf.cast(start, wide), tf.cast(stop, wide)
    places = tf.cast(tf.range(num), wide) / tf.cast(py.max(num - 1 if endpoint else num, 1), wide)
    places = tf.reshape(places, [num] + [1] * start.shape.rank)
    values = start * (1 - places) + stop * places  # exact at both ends
    return tf.cast(tf.floor(values) if target.is_integer else values, target)


def meshgrid(*arrays: Any, indexing: str) -> list:
    if indexing == "xy" and len(arrays) > 1:
        second, first, *rest = meshgrid(arrays[1], arrays[0], *arrays[2:], indexing="ij")
        return [first, second, *rest]
    sizes = dims([size(a, 0) for a in arrays])
    places = [[-1 if i == j else 1 for j in range(len(arrays))] for i in range(len(arrays))]
    return [tf.broadcast_to(tf.reshape(a, place), sizes) for a, place in zip(arrays, places, strict=True)]


def ones(shape: Sequence[int], dtype: str) -> Any:
    return tf.ones(dims(shape), dtype)


def zeros(shape: Sequence[int], dtype: str) -> Any:
    return tf.zeros(dims(shape), dtype)


def tril(x: Any, k: int) -> Any:
    return tf.where(_column_minus_row(x) <= k, x, tf.zeros([], x.dtype))


def triu(x: Any, k: int) -> Any:
    return tf.where(_column_minus_row(x) >= k, x, tf.zeros([], x.dtype))


def _column_minus_row(x: Any) -> Any:
    return tf.range(size(x, -1)) - tf.range(size(x, -2))[:, None]


# Elementwise


def abs(x: Any) -> Any:
    return x if x.dtype.is_unsigned or x.dtype.is_bool else tf.abs(x)


acos = tf.math.acos
acosh = tf.math.acosh


def add(x1: Any, x2: Any) -> Any:
    return tf.logical_or(x1, x2) if x1.dtype.is_bool else tf.add(x1, x2)


asin = tf.math.asin
asinh = tf.math.asinh
atan = tf.math.atan
atan2 = tf.math.atan2
atanh = tf.math.atanh


def bitwise_and(x1: Any, x2: Any) -> Any:
    return tf.logical_and(x1, x2) if x1.dtype.is_bool else tf.bitwise.bitwise_and(x1, x2)


def bitwise_invert(x: Any) -> Any:
    return tf.logical_not(x) if x.dtype.is_bool else tf.bitwise.invert(x)


bitwise_left_shift = tf.bitwise.left_shift


def bitwise_or(x1: Any, x2: Any) -> Any:
    return tf.logical_or(x1, x2) if x1.dtype.is_bool else tf.bitwise.bitwise_or(x1, x2)


bitwise_right_shift = tf.bitwise.right_shift


def bitwise_xor(x1: Any, x2: Any) -> Any:
    return tf.math.logical_xor(x1, x2) if x1.dtype.is_bool else tf.bitwise.bitwise_xor(x1, x2)


ceil = tf.math.ceil


def clip(x: Any, low: Any, high: Any) -> Any:
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


def conj(x: Any) -> Any:
    return tf.math.conj(x) if x.dtype.is_complex else x


def copysign(x1: Any, x2: Any) -> Any:
    return tf.where(signbit(x1) == signbit(x2), x1, -x1)


cos = tf.math.cos
cosh = tf.math.cosh
divide = tf.math.divide
equal = tf.math.equal
erf = tf.math.erf


def erfinv(x: Any) -> Any:
    return through("erfinv", tf.math.erfinv, x)


exp = tf.math.exp
expm1 = tf.math.expm1
floor = tf.math.floor


def floor_divide(x1: Any, x2: Any) -> Any:
    if x1.dtype.is_integer:
        return _by_nonzero(tf.math.floordiv, x1, x2)
    return through("floor_divide", _floor_divide, x1, x2)


def _floor_divide(x1: Any, x2: Any) -> Any:
    # not floor(x1 / x2): the quotient may round up to the next integer, and infinity has no quotient
    rest = tf.truncatemod(x1, x2)
    below = (rest != 0) & ((rest < 0) != (x2 < 0))
    quotient = tf.math.rint((x1 - rest) / x2) - tf.cast(below, x1.dtype)
    return tf.where(x2 == 0, x1 / x2, quotient)


def _by_nonzero(f: Any, x1: Any, x2: Any) -> Any:
    """f where x2 is not 0, and 0 there, as in NumPy: TensorFlow would stop the program instead."""
    zero, one = tf.zeros([], x2.dtype), tf.ones([], x2.dtype)
    return tf.where(x2 == zero, zero, f(x1, tf.where(x2 == zero, one, x2)))


def greater(x1: Any, x2: Any) -> Any:
    return through("compare", tf.math.greater, x1, x2)


def greater_equal(x1: Any, x2: Any) -> Any:
    return through("compare", tf.math.greater_equal, x1, x2)


def hypot(x1: Any, x2: Any) -> Any:
    x1, x2 = tf.abs(x1), tf.abs(x2)
    large, small = tf.maximum(x1, x2), tf.minimum(x1, x2)
    plain = (large > 0) & tf.math.is_finite(large)
    ratio = tf.where(plain, small, tf.zeros([], x1.dtype)) / tf.where(plain, large, tf.ones([], x1.dtype))
    result = large * tf.sqrt(1 + ratio * ratio)
    infinite = tf.math.is_inf(x1) | tf.math.is_inf(x2)  # even beside NaN
    return tf.where(infinite, tf.constant(math.inf, x1.dtype), result)


def imag(x: Any) -> Any:
    return tf.math.imag(x) if x.dtype.is_complex else tf.zeros_like(x)


def isfinite(x: Any) -> Any:
    return (
        tf.logical_and(*_parts(tf.math.is_finite, x))
        if x.dtype.is_complex
        else _of_floats(tf.math.is_finite, x, True)
    )


def isinf(x: Any) -> Any:
    return (
        tf.logical_or(*_parts(tf.math.is_inf, x))
        if x.dtype.is_complex
        else _of_floats(tf.math.is_inf, x, False)
    )


def isnan(x: Any) -> Any:
    return (
        tf.logical_or(*_parts(tf.math.is_nan, x))
        if x.dtype.is_complex
        else _of_floats(tf.math.is_nan, x, False)
    )


def _parts(f: Any, x: Any) -> tuple:
    return f(tf.math.real(x)), f(tf.math.imag(x))


def _of_floats(f: Any, x: Any, otherwise: bool) -> Any:
    return f(x) if x.dtype.is_floating else tf.fill(tf.shape(x), otherwise)


def less(x1: Any, x2: Any) -> Any:
    return through("compare", tf.math.less, x1, x2)


def less_equal(x1: Any, x2: Any) -> Any:
    return through("compare", tf.math.less_equal, x1, x2)


def lgamma(x: Any) -> Any:
    return through("lgamma", tf.math.lgamma, x)


log = tf.math.log


def log10(x: Any) -> Any:
    return tf.math.log(x) / tf.constant(math.log(10), x.dtype)


log1p = tf.math.log1p


def log2(x: Any) -> Any:
    return tf.math.log(x) / tf.constant(math.log(2), x.dtype)


def logaddexp(x1: Any, x2: Any) -> Any:
    first = x1 >= x2
    large = tf.where(first, x1, x2)
    both_infinite = (x1 == x2) & tf.math.is_inf(x1)
    # one choice for both terms, so that the gradient at x1 == x2 is a half each
    gap = tf.where(both_infinite, tf.zeros([], x1.dtype), tf.where(first, x2 - x1, x1 - x2))
    return large + tf.math.log1p(tf.exp(gap))


logical_and = tf.math.logical_and
logical_not = tf.math.logical_not
logical_or = tf.math.logical_or
logical_xor = tf.math.logical_xor


def maximum(x1: Any, x2: Any) -> Any:
    x1, x2 = pair(x1, x2)
    return tf.logical_or(x1, x2) if x1.dtype.is_bool else tf.maximum(x1, x2)


def minimum(x1: Any, x2: Any) -> Any:
    x1, x2 = pair(x1, x2)
    return tf.logical_and(x1, x2) if x1.dtype.is_bool else tf.minimum(x1, x2)


def multiply(x1: Any, x2: Any) -> Any:
    return tf.logical_and(x1, x2) if x1.dtype.is_bool else tf.multiply(x1, x2)


def negative(x: Any) -> Any:
    return tf.zeros([], x.dtype) - x if x.dtype.is_unsigned else tf.negative(x)


def nextafter(x1: Any, x2: Any) -> Any:
    if x1.dtype.size > 2:
        return tf.math.nextafter(x1, x2)
    # no kernel: NextAfter of halves. Their bits, read as an integer, are in order on either side of zero.
    towards = tf.where((x2 > x1) == (x1 > 0), tf.constant(1, tf.int16), tf.constant(-1, tf.int16))
    least = tf.bitcast(
        tf.where(signbit(x2), tf.constant(-32767, tf.int16), tf.constant(1, tf.int16)), x1.dtype
    )
    step = tf.where(x1 == 0, least, tf.bitcast(tf.bitcast(x1, tf.int16) + towards, x1.dtype))
    step = tf.where(x1 == x2, x2, step)
    return tf.where(tf.math.is_nan(x1) | tf.math.is_nan(x2), x1 + x2, step)


not_equal = tf.math.not_equal


def pow(x1: Any, x2: Any) -> Any:
    return through("pow", tf.math.pow, *pair(x1, x2))


def real(x: Any) -> Any:
    return tf.math.real(x) if x.dtype.is_complex else x


def remainder(x1: Any, x2: Any) -> Any:
    return _by_nonzero(tf.math.floormod, x1, x2) if x1.dtype.is_integer else tf.math.floormod(x1, x2)


def round(x: Any) -> Any:
    return through("round", tf.math.rint, x)


rsqrt = tf.math.rsqrt
sigmoid = tf.math.sigmoid


def sign(x: Any) -> Any:
    return tf.cast(x != 0, x.dtype) if x.dtype.is_unsigned else tf.sign(x)


_BITS = {2: tf.int16, 4: tf.int32, 8: tf.int64}  # the integer as wide as a float


def signbit(x: Any) -> Any:
    if x.dtype.is_floating:
        x = tf.bitcast(x, _BITS[x.dtype.size])
    return less(x, tf.zeros([], x.dtype))


sin = tf.math.sin
sinh = tf.math.sinh
softplus = tf.math.softplus
sqrt = tf.math.sqrt
square = tf.math.square
subtract = tf.math.subtract
tan = tf.math.tan
tanh = tf.math.tanh


def trunc(x: Any) -> Any:
    return tf.where(x < 0, tf.math.ceil(x), tf.math.floor(x))


def where(condition: Any, x1: Any, x2: Any) -> Any:
    return tf.where(condition, *pair(x1, x2))


complex = tf.dtypes.complex

# Reduction

all = tf.math.reduce_all
any = tf.math.reduce_any


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _argument(tf.math.argmax, x, -1, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _argument(tf.math.argmin, x, 1, axis, keepdims)


_MANY = 1 << 20  # entries of which a copy costs more than a branch


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
    bits = tf.bitcast(plain, _BITS[x.dtype.size])
    return tf.where(bits < 0, tf.bitwise.bitwise_xor(bits, tf.constant(bits.dtype.max, bits.dtype)), bits)


def _largest(key: Any, k: Any, sorted: bool) -> Any:
    """The places of the k largest along the last axis; equal ones in their order."""
    return tf.math.top_k(key, k, sorted).indices


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    key = move_axis(_sort_key(x), axis, -1)
    order = _largest(key if descending else tf.bitwise.invert(key), size(key, -1), True)
    return move_axis(order, -1, axis)


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return take_along_axis(x, argsort(x, axis, descending), axis)


def searchsorted(sorted: Any, values: Any, side: str) -> Any:
    find = lambda s, v: tf.searchsorted(s, tf.reshape(v, [-1]), side, tf.int32)
    return tf.reshape(through("extreme", find, sorted, values), dims(shape(values)))


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    order = _largest(_sort_key(x), k, sorted)
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
    for place in sorted_axes(axis, rank):
        x = tf.expand_dims(x, place)
    return x


def sorted_axes(axis: Any, rank: int) -> list[int]:
    """The axes counted from the front, in order."""
    return py.sorted([a % rank for a in axis])


def flip(x: Any, axis: Any) -> Any:
    return tf.reverse(x, axes_of(x, axis))


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    if mode == "constant":
        return through("pad", lambda x: tf.pad(x, widths, constant_values=scalar(value, x.dtype)), x)
    for axis, (low, high) in enumerate(widths):
        if low or high:
            n = size(x, axis)
            x = tf.gather(x, _source(tf.range(-low, n + high), n, mode), axis=axis)
    return x


def _source(places: Any, n: Any, mode: str) -> Any:
    """Which entry of an axis of size n stands at a place, inside or outside of it."""
    if mode == "edge":
        return tf.clip_by_value(places, 0, n - 1)
    if mode == "reflect":
        return n - 1 - tf.abs(places % tf.maximum(2 * n - 2, 1) - (n - 1))
    if mode == "symmetric":
        return tf.minimum(places % (2 * n), 2 * n - 1 - places % (2 * n))
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
    # with the size known beforehand: cut, or filled with the last entry
    places = tf.searchsorted(tf.cumsum(counts), tf.range(total), "right")
    return tf.gather(x, tf.minimum(places, n - 1), axis=axis)


def reshape(x: Any, shape: Sequence[int]) -> Any:
    # one size may be unknown (None, of a tensor's own `shape`): it follows from the others, as -1 does
    return tf.reshape(x, dims([-1 if n is None else n for n in shape]))


def roll(x: Any, shift: Any, axis: Any) -> Any:
    if axis is None:
        return tf.reshape(tf.roll(tf.reshape(x, [-1]), shift, 0), dims(shape(x)))
    places = axes_of(x, axis)
    shifts = list(shift) if isinstance(shift, (tuple, list)) else [shift] * len(places)
    return tf.roll(x, shifts, places)


def squeeze(x: Any, axis: Any) -> Any:
    return tf.squeeze(x) if axis is None else tf.squeeze(x, axes_of(x, axis))


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
    return tf.linalg.diag_part(last, k=offset)


def split(x: Any, sections: Sequence[int], axis: int) -> list:
    n = size(x, axis)
    least = tf.minimum if isinstance(n, tf.Tensor) else py.min
    cuts = [0, *[least(cut, n) for cut in sections], n]
    return tf.split(x, [stop - start for start, stop in pairwise(cuts)], axis, len(cuts) - 1)


# Indexing


def take(x: Any, indices: Any, axis: int) -> Any:
    return tf.gather(x, in_range(indices, size(x, axis)), axis=axis)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    x, indices = (move_axis(x, axis, -1), in_range(move_axis(indices, axis, -1), size(x, axis)))
    if x.shape[:-1] != indices.shape[:-1] or not x.shape[:-1].is_fully_defined():
        batch = _broadcast_shape(x, indices)
        x = tf.broadcast_to(x, tf.concat([batch, tf.shape(x)[-1:]], 0))
        indices = tf.broadcast_to(indices, tf.concat([batch, tf.shape(indices)[-1:]], 0))
    return move_axis(tf.gather(x, indices, axis=-1, batch_dims=x.shape.rank - 1), -1, axis)


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
    if reduce == "multiply":  # no TensorScatterMul: the factors of one place are multiplied first
        places = tf.reduce_sum(indices * _strides(sizes, indices.dtype), -1)
        factors = tf.math.unsorted_segment_prod(updates, places, math.prod(sizes))
        return x * tf.reshape(factors, dims(shape(x)))
    if reduce == "set":
        return tf.tensor_scatter_nd_update(x, indices, updates)
    return through("extreme", lambda x, u: _SCATTER[reduce](x, indices, u), x, updates)


def _strides(sizes: Sequence[Any], dtype: Any) -> Any:
    """How many entries one step along each axis passes over."""
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
    place = axis % (x.shape.rank + 1)
    hot = "uint8" if dtype == "bool" else dtype  # no kernel: OneHot to bool
    return tf.cast(tf.one_hot(tf.cast(x, tf.int64), depth, axis=place, dtype=hot), dtype)
