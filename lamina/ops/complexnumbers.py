"""Complex numbers: their parts, angle and conjugate."""

from __future__ import annotations

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import to_float


@op("x")
def real(k: Kernel, x: Tensor) -> Output:
    """Real part, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape: `x` itself for real dtypes.

    Example:
        >>> float(lamina.ops.real(1 + 2j))
        1.0
    """
    return k.real(x) if k.dtype(x) in dtypes.COMPLEX else x


@op("x")
def imag(k: Kernel, x: Tensor) -> Output:
    """Imaginary part, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape: zeros for real dtypes.

    Example:
        >>> float(lamina.ops.imag(1 + 2j))
        2.0
    """
    return k.imag(x) if k.dtype(x) in dtypes.COMPLEX else k.zeros(k.shape(x), k.dtype(x))


@op("x", class_name="Conjugate")
def conj(k: Kernel, x: Tensor) -> Output:
    """Complex conjugate, elementwise.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> float(lamina.ops.imag(lamina.ops.conj(1 + 2j)))
        -2.0
    """
    return k.conj(x) if k.dtype(x) in dtypes.COMPLEX else x


@op("x")
def conjugate(k: Kernel, x: Tensor) -> Output:
    """Complex conjugate, elementwise: the same as `conj`.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of the same shape and dtype.

    Example:
        >>> import lamina
        >>> complex(lamina.ops.conjugate(1 + 2j))
        (1-2j)
    """
    return conj.op.run(k, x)


@op("x")
def angle(k: Kernel, x: Tensor) -> Output:
    """Angle of complex numbers in the plane, elementwise: 0 or pi for real ones.

    Args:
        x: Tensor of any shape.

    Returns:
        Float tensor of the same shape, in radians in (-pi, pi].

    Example:
        >>> round(float(lamina.ops.angle(1j)), 4)
        1.5708
    """
    if k.dtype(x) in dtypes.COMPLEX:
        return k.atan2(k.imag(x), k.real(x))
    x = to_float(k, x)
    return k.atan2(k.zeros(k.shape(x), k.dtype(x)), x)
