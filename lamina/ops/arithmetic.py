"""Arithmetic of two tensors, elementwise with broadcasting."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import not_bool, together, wants_bool


@op("x1", "x2", promote=True, scalars=True)
def add(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Sum of two tensors, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype. For bool: logical or.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.add([1, 2], [[10], [20]])).tolist()
        [[11, 12], [21, 22]]
    """
    return k.add(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def subtract(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Difference of two tensors, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: if both are bool.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.subtract([5, 7], 2)).tolist()
        [3, 5]
    """
    wants_bool("subtract", k, x1)
    return k.subtract(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def multiply(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Product of two tensors, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype. For bool: logical and.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.multiply([1.0, 2.0], 3)).tolist()
        [3.0, 6.0]
    """
    return k.multiply(x1, x2)


@op("x1", "x2", promote="float", scalars=True)
def divide(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Quotient of two tensors, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape; integers give floats. Division by zero gives infinity or NaN.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.divide([1, 2], 4)).tolist()
        [0.25, 0.5]
    """
    return k.divide(x1, x2)


@op("x1", "x2", promote="float", scalars=True)
def true_divide(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Quotient of two tensors, elementwise: the same as `divide`.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape; integers give floats.

    Example:
        >>> import lamina
        >>> float(lamina.ops.true_divide(1, 2))
        0.5
    """
    return k.divide(x1, x2)


@op("x1", "x2", promote="float")
def divide_no_nan(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Quotient of two tensors, elementwise, and 0 where the divisor is 0.

    Args:
        x1: Tensor.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Tensor of the broadcast shape; integers give floats. The gradient is 0 where `x2` is 0.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.divide_no_nan([1.0, 2.0], [0.0, 4.0])).tolist()
        [0.0, 0.5]
    """
    zero = k.equal(x2, k.full((), 0, k.dtype(x2)))
    # The divisor is replaced, too: otherwise the gradient through the branch not taken is NaN.
    return k.where(zero, 0.0, k.divide(x1, k.where(zero, 1.0, x2)))


@op("x1", "x2", promote=True, scalars=True)
def power(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 to the power of x2, elementwise.

    Args:
        x1: Tensor of bases.
        x2: Tensor of exponents whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.power([1, 2, 3], 2)).tolist()
        [1, 4, 9]
    """
    return k.pow(*_numbers(k, x1, x2))


def _numbers(k: Kernel, x1: Any, x2: Any) -> list[Any]:
    """A pair of one dtype, as int32 if that is bool."""
    return [not_bool(k, x) if isinstance(x, k.Tensor) else x for x in (x1, x2)]


@op("x1", "x2", promote=True)
def floor_divide(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Quotient rounded towards minus infinity, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.floor_divide([7, -7], 2)).tolist()
        [3, -4]
    """
    return k.floor_divide(*_numbers(k, x1, x2))


@op("x1", "x2", promote=True)
def mod(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Remainder of a floored division, elementwise; it has the sign of the divisor, as Python's `%`.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.mod([7, -7], 3)).tolist()
        [1, 2]
    """
    return k.remainder(*_numbers(k, x1, x2))


@op("x1", "x2", promote=True)
def fmod(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Remainder of a division rounded towards zero, elementwise; it has the sign of the dividend, as in C.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.fmod([7, -7], 3)).tolist()
        [1, -1]
    """
    x1, x2 = _numbers(k, x1, x2)
    rest = k.remainder(x1, x2)
    if k.dtype(rest) in dtypes.UNSIGNED:
        return rest
    zero = k.full((), 0, k.dtype(rest))
    # `rest` has the divisor's sign; where that is not the dividend's, the rounding went one step too far down.
    differ = k.logical_and(k.not_equal(rest, zero), k.not_equal(k.less(x1, zero), k.less(x2, zero)))
    return k.where(differ, k.subtract(rest, x2), rest)


@op("x1", "x2", promote=True, scalars=True)
def maximum(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The larger of two tensors, elementwise; NaN where either is NaN.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.maximum([1, 5], 3)).tolist()
        [3, 5]
    """
    return k.maximum(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def minimum(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The smaller of two tensors, elementwise; NaN where either is NaN.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.minimum([1, 5], 3)).tolist()
        [1, 3]
    """
    return k.minimum(x1, x2)


@op("x1", "x2", promote=True)
def fmax(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The larger of two tensors, elementwise; NaN only where both are NaN.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.fmax([1.0, float("nan")], 3.0)).tolist()
        [3.0, 3.0]
    """
    return _ignoring_nan(k, k.maximum, x1, x2)


@op("x1", "x2", promote=True)
def fmin(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The smaller of two tensors, elementwise; NaN only where both are NaN.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.fmin([1.0, float("nan")], 3.0)).tolist()
        [1.0, 3.0]
    """
    return _ignoring_nan(k, k.minimum, x1, x2)


def _ignoring_nan(k: Kernel, function: Any, x1: Any, x2: Any) -> Any:
    if k.dtype(x1) not in dtypes.IS_INEXACT:
        return function(x1, x2)
    return function(k.where(k.isnan(x1), x2, x1), k.where(k.isnan(x2), x1, x2))


@op("x")
def clip(k: Kernel, x: Tensor, x_min: Any, x_max: Any) -> Output:
    """Values limited to an interval: min(max(x, x_min), x_max).

    Args:
        x: Tensor of any shape.
        x_min: Lower bound: a number, a tensor that broadcasts with `x`, or None for none.
        x_max: Upper bound, likewise.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for bool).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.clip([-2, 0, 5], -1, 3)).tolist()
        [-1, 0, 3]
    """
    x, low, high = together(k, not_bool(k, x), x_min, x_max)
    low, high = (int(v) if type(v) is bool else v for v in (low, high))
    return k.clip(x, low, high)


@op("x1", "x2", promote="float", weak=False)  # so it is in Keras
def arctan2(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The angle of the point (x2, x1), elementwise, in (-pi, pi].

    Args:
        x1: Tensor of ordinates.
        x2: Tensor of abscissas whose shape broadcasts with that of `x1`.

    Returns:
        Tensor of the broadcast shape, in radians.

    Example:
        >>> round(float(lamina.ops.arctan2(1.0, -1.0)), 4)
        2.3562
    """
    return k.atan2(x1, x2)


@op("x1", "x2", promote="float")
def hypot(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The hypotenuse sqrt(x1^2 + x2^2), elementwise, without overflow on the way.

    Args:
        x1: Tensor.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Example:
        >>> float(lamina.ops.hypot(3.0, 4.0))
        5.0
    """
    return k.hypot(x1, x2)


@op("x1", "x2", promote="float")
def heaviside(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The step function of x1, elementwise: 0 below zero, 1 above, and x2 at zero.

    Args:
        x1: Tensor.
        x2: Tensor of values at zero, whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.heaviside([-1.0, 0.0, 2.0], 0.5)).tolist()
        [0.0, 0.5, 1.0]
    """
    zero = k.full((), 0, k.dtype(x1))
    step = k.where(k.isnan(x1), x1, k.astype(k.greater(x1, zero), k.dtype(x1)))
    return k.where(k.equal(x1, zero), x2, step)


@op("x1", "x2", promote="float", weak=False)  # so it is in Keras
def logaddexp(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """log(exp(x1) + exp(x2)), elementwise, without overflow.

    Args:
        x1: Tensor of logarithms.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Example:
        >>> round(float(lamina.ops.logaddexp(0.0, 0.0)), 4)
        0.6931
    """
    return k.logaddexp(x1, x2)


@op("x1", "x2", promote="float", weak=False)  # so it is in Keras
def logaddexp2(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """log2(2^x1 + 2^x2), elementwise, without overflow.

    Args:
        x1: Tensor of logarithms to base 2.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Example:
        >>> float(lamina.ops.logaddexp2(3.0, 3.0))
        4.0
    """
    ln2 = 0.6931471805599453
    return k.divide(k.logaddexp(k.multiply(x1, ln2), k.multiply(x2, ln2)), ln2)


@op("x1", "x2", promote="float")
def nextafter(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """The next number after x1 in the direction of x2, elementwise.

    Args:
        x1: Tensor.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Example:
        >>> float(lamina.ops.nextafter(1.0, 2.0)) > 1.0
        True
    """
    return k.nextafter(x1, x2)
