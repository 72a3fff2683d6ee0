"""Comparisons, truth values, and tests on numbers."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op


@op("x1", "x2", promote=True, scalars=True)
def equal(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 == x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.equal([1, 2], 2)).tolist()
        [False, True]
    """
    return k.equal(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def not_equal(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 != x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.not_equal([1, 2], 2)).tolist()
        [True, False]
    """
    return k.not_equal(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def greater(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 > x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.greater([1, 2, 3], 2)).tolist()
        [False, False, True]
    """
    return k.greater(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def greater_equal(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 >= x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.greater_equal([1, 2, 3], 2)).tolist()
        [False, True, True]
    """
    return k.greater_equal(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def less(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 < x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.less([1, 2, 3], 2)).tolist()
        [True, False, False]
    """
    return k.less(x1, x2)


@op("x1", "x2", promote=True, scalars=True)
def less_equal(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 <= x2, elementwise.

    Args:
        x1: Tensor, or a number.
        x2: Tensor whose shape broadcasts with that of `x1`, or a number.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.less_equal([1, 2, 3], 2)).tolist()
        [True, True, False]
    """
    return k.less_equal(x1, x2)


@op("x1", "x2")
def logical_and(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Both true, elementwise.

    Args:
        x1: Tensor; a number counts as true unless it is 0.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.logical_and([True, False], True)).tolist()
        [True, False]
    """
    return k.logical_and(truth(k, x1), truth(k, x2))


@op("x1", "x2")
def logical_or(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """At least one true, elementwise.

    Args:
        x1: Tensor; a number counts as true unless it is 0.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.logical_or([True, False], True)).tolist()
        [True, True]
    """
    return k.logical_or(truth(k, x1), truth(k, x2))


@op("x1", "x2")
def logical_xor(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Exactly one true, elementwise.

    Args:
        x1: Tensor; a number counts as true unless it is 0.
        x2: Tensor whose shape broadcasts with that of `x1`.

    Returns:
        Bool tensor of the broadcast shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.logical_xor([True, False], True)).tolist()
        [False, True]
    """
    return k.logical_xor(truth(k, x1), truth(k, x2))


def truth(k: Kernel, x: Any) -> Any:
    """`x` as bool: not 0."""
    dtype = k.dtype(x)
    return x if dtype == "bool" else k.not_equal(x, 0)


@op("x")
def logical_not(k: Kernel, x: Tensor) -> Output:
    """The other truth value, elementwise.

    Args:
        x: Tensor of any shape; a number counts as true unless it is 0.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.logical_not([True, False])).tolist()
        [False, True]
    """
    return k.logical_not(truth(k, x))


@op("x")
def isnan(k: Kernel, x: Tensor) -> Output:
    """Whether x is NaN, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isnan([1.0, float("nan")])).tolist()
        [False, True]
    """
    return k.isnan(x) if k.dtype(x) in dtypes.IS_INEXACT else k.zeros(k.shape(x), "bool")


@op("x")
def isinf(k: Kernel, x: Tensor) -> Output:
    """Whether x is infinity or minus infinity, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isinf([1.0, float("-inf")])).tolist()
        [False, True]
    """
    return k.isinf(x) if k.dtype(x) in dtypes.IS_INEXACT else k.zeros(k.shape(x), "bool")


@op("x")
def isfinite(k: Kernel, x: Tensor) -> Output:
    """Whether x is neither infinite nor NaN, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isfinite([1.0, float("nan")])).tolist()
        [True, False]
    """
    return k.isfinite(x) if k.dtype(x) in dtypes.IS_INEXACT else k.ones(k.shape(x), "bool")


@op("x")
def isposinf(k: Kernel, x: Tensor) -> Output:
    """Whether x is infinity, elementwise.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isposinf([float("inf"), float("-inf")])).tolist()
        [True, False]
    """
    return _infinite(k, "isposinf", x, float("inf"))


@op("x")
def isneginf(k: Kernel, x: Tensor) -> Output:
    """Whether x is minus infinity, elementwise.

    Args:
        x: Tensor of any shape, real.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isneginf([float("inf"), float("-inf")])).tolist()
        [False, True]
    """
    return _infinite(k, "isneginf", x, float("-inf"))


def _infinite(k: Kernel, op: str, x: Any, value: float) -> Any:
    dtype = k.dtype(x)
    if dtype in dtypes.COMPLEX:
        raise TypeError(f"{op}: complex numbers have no order. Use it on the real or the imaginary part.")
    return k.equal(x, k.full((), value, dtype)) if dtype in dtypes.IS_FLOAT else k.zeros(k.shape(x), "bool")


@op("x1", "x2", given=("rtol", "atol"), promote=True)
def isclose(
    k: Kernel, x1: Tensor, x2: Tensor, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False
) -> Output:
    """|x1 - x2| <= atol + rtol |x2|, elementwise.

    Args:
        x1: Tensor.
        x2: Tensor whose shape broadcasts with that of `x1`.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        equal_nan: Whether NaN is close to NaN.

    Returns:
        Bool tensor of the broadcast shape. Infinities are close to themselves only.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isclose([1.0, 2.0], [1.0, 2.1])).tolist()
        [True, False]
    """
    if k.dtype(x1) not in dtypes.IS_INEXACT:
        x1, x2 = k.astype(x1, "float32"), k.astype(x2, "float32")
    bound = k.add(k.multiply(k.abs(x2), rtol), atol)
    near = k.less_equal(k.abs(k.subtract(x1, x2)), bound)
    near = k.logical_and(near, k.logical_and(k.isfinite(x1), k.isfinite(x2)))
    close = k.logical_or(near, k.equal(x1, x2))
    return k.logical_or(close, k.logical_and(k.isnan(x1), k.isnan(x2))) if equal_nan else close


@op("x1", "x2", promote=True, class_name="AllClose")
def allclose(
    k: Kernel, x1: Tensor, x2: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Output:
    """Whether all entries are close (see `isclose`).

    Args:
        x1: Tensor.
        x2: Tensor whose shape broadcasts with that of `x1`.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        equal_nan: Whether NaN is close to NaN.

    Returns:
        Bool scalar.

    Example:
        >>> bool(lamina.ops.allclose([1.0, 2.0], [1.0, 2.1]))
        False
    """
    return k.all(isclose.op.run(k, x1, x2, rtol, atol, equal_nan))


@op("x1", "x2", promote=True, class_name="IsIn")
def isin(k: Kernel, x1: Tensor, x2: Tensor, assume_unique: bool = False, invert: bool = False) -> Output:
    """Whether each entry of x1 is among those of x2.

    Args:
        x1: Tensor of any shape.
        x2: Tensor of any shape: the values looked for.
        assume_unique: Promise that neither holds a value twice; the result is the same without it.
        invert: Whether to tell the opposite.

    Returns:
        Bool tensor of the shape of `x1`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isin([1, 2, 3], [3, 1])).tolist()
        [True, False, True]
    """
    found = k.any(k.equal(k.expand_dims(x1, -1), k.reshape(x2, (-1,))), -1)
    return k.logical_not(found) if invert else found


@op("x")
def isreal(k: Kernel, x: Tensor) -> Output:
    """Whether the imaginary part is 0, elementwise; true for real dtypes.

    Args:
        x: Tensor of any shape.

    Returns:
        Bool tensor of the same shape.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.isreal([1.0, 2.0])).tolist()
        [True, True]
    """
    if k.dtype(x) not in dtypes.COMPLEX:
        return k.ones(k.shape(x), "bool")
    part = k.imag(x)
    return k.equal(part, k.full((), 0, k.dtype(part)))
