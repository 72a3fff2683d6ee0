"""Functions of one tensor, elementwise: signs, powers, exponentials and logarithms, rounding."""

from __future__ import annotations

import math
import operator
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, largest, least, not_bool, wants_bool


@op("x", class_name="Absolute")
def abs(k: Kernel, x: Tensor) -> Output:
    """Absolute value |x|, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype; complex numbers give the float of their parts.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.abs([-1, 2])).tolist()
        [1, 2]
    """
    return x if k.dtype(x) == "bool" or k.dtype(x) in dtypes.UNSIGNED else k.abs(x)


@op("x")
def absolute(k: Kernel, x: Tensor) -> Output:
    """Absolute value |x|, elementwise: the same as `abs`.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype; complex numbers give the float of their parts.

    Example:
        >>> import lamina
        >>> float(lamina.ops.absolute(-2.0))
        2.0
    """
    return abs.op.run(k, x)


@op("x", promote="float")
def fabs(k: Kernel, x: Tensor) -> Output:
    """Absolute value |x| as a float, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> float(lamina.ops.fabs(-3))
        3.0
    """
    return k.abs(x)


@op("x")
def negative(k: Kernel, x: Tensor) -> Output:
    """-x, elementwise.

    Args:
        x: Tensor of any shape, not bool.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        TypeError: for bool.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.negative([1, -2])).tolist()
        [-1, 2]
    """
    wants_bool("negative", k, x)
    return k.negative(x)


@op("x")
def sign(k: Kernel, x: Tensor) -> Output:
    """The sign, elementwise: -1, 0 or 1; NaN stays. For complex numbers x / |x|.

    Args:
        x: Tensor of any shape, not bool.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        TypeError: for bool.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.sign([-3, 0, 5])).tolist()
        [-1, 0, 1]
    """
    wants_bool("sign", k, x)
    return k.sign(x)


@op("x")
def signbit(k: Kernel, x: Tensor) -> Output:
    """Whether the sign bit is set, elementwise (true for -0.0).

    Args:
        x: Tensor of any shape.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.signbit([-0.0, 1.0])).tolist()
        [True, False]
    """
    dtype = k.dtype(x)
    if dtype in dtypes.IS_FLOAT:
        return k.signbit(x)
    if dtype == "bool" or dtype in dtypes.UNSIGNED:
        return k.zeros(k.shape(x), "bool")
    return k.less(x, k.full((), 0, dtype))


@op("x", promote="float")
def reciprocal(k: Kernel, x: Tensor) -> Output:
    """1 / x, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.reciprocal(4))
        0.25
    """
    return 1.0 / x


@op("x")
def square(k: Kernel, x: Tensor) -> Output:
    """x * x, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype (int32 for bool).

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.square([-2, 3])).tolist()
        [4, 9]
    """
    return k.square(not_bool(k, x))


@op("x", promote="float")
def sqrt(k: Kernel, x: Tensor) -> Output:
    """Square root, elementwise; NaN below zero.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.sqrt([4, 9])).tolist()
        [2.0, 3.0]
    """
    return k.sqrt(x)


@op("x", promote="float")
def cbrt(k: Kernel, x: Tensor) -> Output:
    """Real cube root, elementwise.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> round(float(lamina.ops.cbrt(-8.0)), 5)
        -2.0
    """
    size = k.abs(x)
    zero = k.equal(size, k.full((), 0, k.dtype(x)))
    # pow has an infinite gradient at 0, which 0 * inf would turn into NaN: 0 is led around it.
    root = k.pow(k.where(zero, 1.0, size), 1.0 / 3.0)
    # One step of Newton's method: 1/3 is not exact, so the power alone misses the last digits.
    root = k.subtract(
        root, k.divide(k.subtract(root, k.divide(k.where(zero, 1.0, size), k.square(root))), 3.0)
    )
    root = k.where(k.isinf(size), size, root)
    return k.where(zero, x, k.multiply(k.sign(x), root))


@op("x", promote="float")
def exp(k: Kernel, x: Tensor) -> Output:
    """The exponential e^x, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.exp(0))
        1.0
    """
    return k.exp(x)


@op("x", promote="float")
def exp2(k: Kernel, x: Tensor) -> Output:
    """2^x, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.exp2(3.0))
        8.0
    """
    return k.pow(k.full((), 2, k.dtype(x)), x)


@op("x", promote="float")
def expm1(k: Kernel, x: Tensor) -> Output:
    """e^x - 1, elementwise, exact for small x.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.expm1(0.0))
        0.0
    """
    return k.expm1(x)


@op("x", promote="float")
def log(k: Kernel, x: Tensor) -> Output:
    """Natural logarithm, elementwise; -inf at zero, NaN below.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.log(1))
        0.0
    """
    return k.log(x)


@op("x", promote="float")
def log10(k: Kernel, x: Tensor) -> Output:
    """Logarithm to base 10, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.log10(100.0)), 5)
        2.0
    """
    return k.log10(x)


@op("x", promote="float")
def log1p(k: Kernel, x: Tensor) -> Output:
    """log(1 + x), elementwise, exact for small x.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.log1p(0.0))
        0.0
    """
    return k.log1p(x)


@op("x", promote="float")
def log2(k: Kernel, x: Tensor) -> Output:
    """Logarithm to base 2, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.log2(8.0))
        3.0
    """
    return k.log2(x)


@op("x", promote="float")
def ceil(k: Kernel, x: Tensor) -> Output:
    """The least whole number that is not below x, elementwise.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.ceil([-1.5, 1.5])).tolist()
        [-1.0, 2.0]
    """
    return k.ceil(x)


@op("x", promote="float")
def floor(k: Kernel, x: Tensor) -> Output:
    """The greatest whole number that is not above x, elementwise.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.floor([-1.5, 1.5])).tolist()
        [-2.0, 1.0]
    """
    return k.floor(x)


@op("x")
def trunc(k: Kernel, x: Tensor) -> Output:
    """x without its fraction, elementwise: rounded towards zero.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.trunc([-1.5, 1.5])).tolist()
        [-1.0, 1.0]
    """
    return k.trunc(x) if k.dtype(x) in dtypes.IS_FLOAT else x


@op("x")
def round(k: Kernel, x: Tensor, decimals: int = 0) -> Output:
    """x rounded to a number of decimals, elementwise; halves go to the even neighbor.

    Args:
        x: Tensor of any shape, not bool.
        decimals: How many digits after the point stay; negative counts before it.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        TypeError: for bool.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.round([0.5, 1.5, 2.4])).tolist()
        [0.0, 2.0, 2.0]
    """
    wants_bool("round", k, x)
    decimals = operator.index(decimals)
    dtype = k.dtype(x)
    if dtype in dtypes.COMPLEX:
        return k.complex(round.op.run(k, k.real(x), decimals), round.op.run(k, k.imag(x), decimals))
    if decimals == 0:
        return k.round(x) if dtype in dtypes.IS_FLOAT else x
    if dtype in dtypes.IS_INTEGER:
        return x if decimals > 0 else _round_whole(k, x, 10**-decimals)
    # float16 has no room for x * 10^decimals
    y = astype(k, x, "float32") if dtype in ("float16", "bfloat16") else x
    factor = math.pow(10.0, math.fabs(decimals))
    if decimals > 0:
        return astype(k, k.divide(k.round(k.multiply(y, factor)), factor), dtype)
    return astype(k, k.multiply(k.round(k.divide(y, factor)), factor), dtype)


def _round_whole(k: Kernel, x: Any, unit: int) -> Any:
    """Integers rounded to multiples of `unit`, in integer arithmetic."""
    dtype = k.dtype(x)
    if unit > largest(dtype):
        return k.zeros(k.shape(x), dtype)
    one, size = k.full((), 1, dtype), k.full((), unit, dtype)
    count, rest = k.floor_divide(x, size), k.remainder(x, size)
    other = k.subtract(size, rest)  # how far it is to the next multiple
    odd = k.equal(k.remainder(count, k.full((), 2, dtype)), one)
    up = k.logical_or(k.less(other, rest), k.logical_and(k.equal(other, rest), odd))
    return k.multiply(k.where(up, k.add(count, one), count), size)


@op("x")
def nan_to_num(
    k: Kernel, x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Output:
    """x with NaN and infinities replaced by numbers, elementwise.

    Args:
        x: Tensor of any shape.
        nan: What stands in for NaN.
        posinf: What stands in for infinity; None is the largest number of the dtype.
        neginf: What stands in for minus infinity; None is the least number of the dtype.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.nan_to_num([1.0, float("nan")], nan=-1.0)).tolist()
        [1.0, -1.0]
    """
    dtype = k.dtype(x)
    if dtype in dtypes.COMPLEX:
        parts = [nan_to_num.op.run(k, part, nan, posinf, neginf) for part in (k.real(x), k.imag(x))]
        return k.complex(*parts)
    if dtype not in dtypes.IS_FLOAT:
        return x
    infinite, positive = k.isinf(x), k.greater(x, k.full((), 0, dtype))
    x = k.where(k.isnan(x), nan, x)
    x = k.where(k.logical_and(infinite, positive), largest(dtype) if posinf is None else posinf, x)
    return k.where(
        k.logical_and(infinite, k.logical_not(positive)), least(dtype) if neginf is None else neginf, x
    )
