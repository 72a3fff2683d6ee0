"""Trigonometric and hyperbolic functions, elementwise."""

from __future__ import annotations

import math

from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op


@op("x", promote="float")
def sin(k: Kernel, x: Tensor) -> Output:
    """Sine, elementwise.

    Args:
        x: Tensor of any shape, in radians.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.sin(0.0))
        0.0
    """
    return k.sin(x)


@op("x", promote="float")
def cos(k: Kernel, x: Tensor) -> Output:
    """Cosine, elementwise.

    Args:
        x: Tensor of any shape, in radians.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.cos(0.0))
        1.0
    """
    return k.cos(x)


@op("x", promote="float")
def tan(k: Kernel, x: Tensor) -> Output:
    """Tangent, elementwise.

    Args:
        x: Tensor of any shape, in radians.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.tan(0.0))
        0.0
    """
    return k.tan(x)


@op("x", promote="float")
def arcsin(k: Kernel, x: Tensor) -> Output:
    """Inverse sine, elementwise; NaN outside [-1, 1].

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype, in radians in [-pi/2, pi/2].

    Example:
        >>> round(float(lamina.ops.arcsin(1.0)), 4)
        1.5708
    """
    return k.asin(x)


@op("x", promote="float")
def arccos(k: Kernel, x: Tensor) -> Output:
    """Inverse cosine, elementwise; NaN outside [-1, 1].

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype, in radians in [0, pi].

    Example:
        >>> round(float(lamina.ops.arccos(-1.0)), 4)
        3.1416
    """
    return k.acos(x)


@op("x", promote="float")
def arctan(k: Kernel, x: Tensor) -> Output:
    """Inverse tangent, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype, in radians in [-pi/2, pi/2].

    Example:
        >>> round(float(lamina.ops.arctan(1.0)), 4)
        0.7854
    """
    return k.atan(x)


@op("x", promote="float")
def sinh(k: Kernel, x: Tensor) -> Output:
    """Hyperbolic sine, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.sinh(0.0))
        0.0
    """
    return k.sinh(x)


@op("x", promote="float")
def cosh(k: Kernel, x: Tensor) -> Output:
    """Hyperbolic cosine, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.cosh(0.0))
        1.0
    """
    return k.cosh(x)


@op("x", promote="float")
def tanh(k: Kernel, x: Tensor) -> Output:
    """Hyperbolic tangent, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.tanh(0.0))
        0.0
    """
    return k.tanh(x)


@op("x", promote="float")
def arcsinh(k: Kernel, x: Tensor) -> Output:
    """Inverse hyperbolic sine, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.arcsinh(1.0)), 4)
        0.8814
    """
    return k.asinh(x)


@op("x", promote="float")
def arccosh(k: Kernel, x: Tensor) -> Output:
    """Inverse hyperbolic cosine, elementwise; NaN below 1.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.arccosh(2.0)), 4)
        1.317
    """
    return k.acosh(x)


@op("x", promote="float")
def arctanh(k: Kernel, x: Tensor) -> Output:
    """Inverse hyperbolic tangent, elementwise; NaN outside [-1, 1].

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.arctanh(0.5)), 4)
        0.5493
    """
    return k.atanh(x)


@op("x", promote="float")
def deg2rad(k: Kernel, x: Tensor) -> Output:
    """Degrees to radians, elementwise: x * pi / 180.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.deg2rad(180.0)), 4)
        3.1416
    """
    return k.multiply(x, math.pi / 180.0)


@op("x", promote="float")
def rad2deg(k: Kernel, x: Tensor) -> Output:
    """Radians to degrees, elementwise: x * 180 / pi.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> round(float(lamina.ops.rad2deg(3.14159265)), 2)
        180.0
    """
    return k.multiply(x, 180.0 / math.pi)


@op("x", promote="float")
def sinc(k: Kernel, x: Tensor) -> Output:
    """sin(pi x) / (pi x), elementwise, and 1 at zero.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape, of an inexact dtype.

    Example:
        >>> float(lamina.ops.sinc(0.0))
        1.0
    """
    zero = k.equal(x, k.full((), 0, k.dtype(x)))
    angle = k.multiply(k.where(zero, 1.0, x), math.pi)
    return k.where(zero, 1.0, k.divide(k.sin(angle), angle))
