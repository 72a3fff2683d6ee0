"""What is computed element by element."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow._support import (
    BITS,
    pair,
    through,
)
from lamina.backends.tensorflow.dtensor import mesh_in_force, select


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


def signbit(x: Any) -> Any:
    if x.dtype.is_floating:
        x = tf.bitcast(x, BITS[x.dtype.size])
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
    x1, x2 = pair(x1, x2)
    rows = condition.shape
    if mesh_in_force() is not None:
        return select(condition, x1, x2)
    if rows.rank and rows[0] is not None and rows.rank == x1.shape.rank and set(rows[1:]) == {1}:
        if rows[0] == x1.shape[0] and x1.shape.is_fully_defined() and x1.shape == x2.shape:
            return tf.raw_ops.Select(condition=tf.reshape(condition, (-1,)), x=x1, y=x2)  # copies whole rows
    return tf.where(condition, x1, x2)


complex = tf.dtypes.complex
