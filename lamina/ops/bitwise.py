"""Operations on the bits of integers, and on integers as multiples."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, not_bool


def _whole(name: str, k: Kernel, *tensors: Any, bool_too: bool = True) -> None:
    for x in tensors:
        dtype = k.dtype(x)
        if dtype not in dtypes.IS_INTEGER and not (bool_too and dtype == "bool"):
            raise TypeError(f"{name}: expected integers{' or bool' if bool_too else ''}, got {dtype}.")


@op("x", "y", promote=True)
def bitwise_and(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits that are set in both, elementwise.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_and(6, 3))
        2
    """
    _whole("bitwise_and", k, x, y)
    return k.bitwise_and(x, y)


@op("x", "y", promote=True)
def bitwise_or(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits that are set in at least one, elementwise.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_or(6, 3))
        7
    """
    _whole("bitwise_or", k, x, y)
    return k.bitwise_or(x, y)


@op("x", "y", promote=True)
def bitwise_xor(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits that are set in exactly one, elementwise.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_xor(6, 3))
        5
    """
    _whole("bitwise_xor", k, x, y)
    return k.bitwise_xor(x, y)


@op("x")
def bitwise_invert(k: Kernel, x: Tensor) -> Output:
    """All bits exchanged, elementwise; logical not for bool.

    Args:
        x: Tensor of integers or bool.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_invert(5))
        -6
    """
    _whole("bitwise_invert", k, x)
    return k.logical_not(x) if k.dtype(x) == "bool" else k.bitwise_invert(x)


@op("x")
def bitwise_not(k: Kernel, x: Tensor) -> Output:
    """All bits exchanged, elementwise: the same as `bitwise_invert`.

    Args:
        x: Tensor of integers or bool.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        TypeError: for floats.

    Example:
        >>> import lamina
        >>> int(lamina.ops.bitwise_not(5))
        -6
    """
    return bitwise_invert.op.run(k, x)


@op("x", "y", promote=True)
def bitwise_left_shift(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits moved up by y places, elementwise: x * 2^y.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_left_shift(3, 2))
        12
    """
    _whole("bitwise_left_shift", k, x, y)
    return k.bitwise_left_shift(not_bool(k, x), not_bool(k, y))


@op("x", "y", promote=True)
def left_shift(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits moved up by y places, elementwise: x * 2^y (the same as `bitwise_left_shift`).

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.left_shift(3, 2))
        12
    """
    return bitwise_left_shift.op.run(k, x, y)


@op("x", "y", promote=True)
def bitwise_right_shift(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits moved down by y places, elementwise: floor(x / 2^y); the sign stays.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.bitwise_right_shift(-8, 1))
        -4
    """
    _whole("bitwise_right_shift", k, x, y)
    return k.bitwise_right_shift(not_bool(k, x), not_bool(k, y))


@op("x", "y", promote=True)
def right_shift(k: Kernel, x: Tensor, y: Tensor) -> Output:
    """Bits moved down by y places, elementwise: the same as `bitwise_right_shift`.

    Args:
        x: Tensor of integers or bool.
        y: Tensor of integers or bool whose shape broadcasts with that of `x`.

    Returns:
        Tensor of the broadcast shape and common dtype (int32 for two bools).

    Raises:
        TypeError: for floats.

    Example:
        >>> int(lamina.ops.right_shift(-8, 1))
        -4
    """
    return bitwise_right_shift.op.run(k, x, y)


@op("x1", "x2", promote=True)
def gcd(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Greatest common divisor, elementwise, by Euclid's algorithm; it is not negative.

    Args:
        x1: Tensor of integers.
        x2: Tensor of integers whose shape broadcasts with that of `x1`.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: for bool and floats.

    Example:
        >>> int(lamina.ops.gcd(12, 18))
        6
    """
    _whole("gcd", k, x1, x2, bool_too=False)
    dtype = k.dtype(x1)
    zero = k.full((), 0, dtype)
    a, b = (x if dtype in dtypes.UNSIGNED else k.abs(x) for x in (x1, x2))
    a = k.add(a, k.multiply(b, zero))  # the loop keeps shapes: both take the broadcast one
    b = k.add(b, k.multiply(a, zero))

    def unfinished(a: Any, b: Any) -> Any:
        return k.any(k.not_equal(b, zero))

    def step(a: Any, b: Any) -> tuple[Any, Any]:
        done = k.equal(b, zero)
        rest = k.remainder(a, k.where(done, k.full((), 1, dtype), b))
        return k.where(done, a, b), k.where(done, b, rest)

    return k.while_loop(unfinished, step, (a, b), None)[0]


@op("x1", "x2", promote=True)
def lcm(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """Least common multiple, elementwise; it is not negative, and 0 where one of the two is.

    Args:
        x1: Tensor of integers.
        x2: Tensor of integers whose shape broadcasts with that of `x1`.

    Returns:
        Tensor of the broadcast shape and common dtype.

    Raises:
        TypeError: for bool and floats.

    Example:
        >>> int(lamina.ops.lcm(4, 6))
        12
    """
    _whole("lcm", k, x1, x2, bool_too=False)
    dtype = k.dtype(x1)
    divisor = gcd.op.run(k, x1, x2)
    safe = k.maximum(divisor, k.full((), 1, dtype))
    a, b = (x if dtype in dtypes.UNSIGNED else k.abs(x) for x in (x1, x2))
    return k.multiply(k.floor_divide(a, safe), b)


@op("x1", "x2", promote="float", only=("x1",))
def ldexp(k: Kernel, x1: Tensor, x2: Tensor) -> Output:
    """x1 * 2^x2, elementwise.

    Args:
        x1: Tensor of factors.
        x2: Tensor of integer exponents whose shape broadcasts with that of `x1`.

    Returns:
        Float tensor of the broadcast shape.

    Raises:
        TypeError: if `x2` is not of integers.

    Example:
        >>> float(lamina.ops.ldexp(1.5, 3))
        12.0
    """
    _whole("ldexp", k, x2, bool_too=False)
    dtype = k.dtype(x1)
    exponent = k.astype(x2, "int32")
    half = k.floor_divide(exponent, k.full((), 2, "int32"))
    # In two steps, because 2^x2 alone may overflow where the product does not.
    base = k.full((), 2, dtype)
    first, second = (k.pow(base, astype(k, n, dtype)) for n in (half, k.subtract(exponent, half)))
    return k.multiply(k.multiply(x1, first), second)
