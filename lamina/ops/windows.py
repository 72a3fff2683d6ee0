"""Window functions of signal processing, and the Bessel function behind one of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.tensors import astype


def _length(k: Kernel, x: Any) -> int:
    """The number of points: windows have as many entries as `x` says."""
    return int(x) if isinstance(x, int | float) else int(k.to_numpy(convert(k, x)))


def _window(k: Kernel, x: Any, shape: Callable[[Any], Any]) -> Any:
    """`shape` of angles from 0 to 2 pi in as many points as `x` says; 1 for a single point."""
    dtype, n = dtypes.standardize(None), _length(k, x)
    if n <= 1:
        return k.ones((max(n, 0),), dtype)
    steps = k.arange(0, n, 1, "float64" if dtype == "float64" else "float32")
    return astype(k, shape(k.multiply(steps, 2.0 * math.pi / (n - 1))), dtype)


@op()
def bartlett(k: Kernel, x: Any) -> Output:
    """Triangular window, zero at both ends.

    w[n] = 1 - |2 n / (x - 1) - 1|

    Args:
        x: The number of points: an integer, or a scalar tensor (then this cannot be compiled).

    Returns:
        Tensor of shape (x,) of the default float.

    Example:
        >>> np.round(lamina.ops.convert_to_numpy(lamina.ops.bartlett(3)), 2).tolist()
        [0.0, 1.0, 0.0]
    """
    return _window(k, x, lambda t: 1.0 - k.abs(t / math.pi - 1.0))


@op()
def hanning(k: Kernel, x: Any) -> Output:
    """Hann window, a raised cosine.

    w[n] = 0.5 - 0.5 cos(2 pi n / (x - 1))

    Args:
        x: The number of points: an integer, or a scalar tensor (then this cannot be compiled).

    Returns:
        Tensor of shape (x,) of the default float.

    Example:
        >>> np.round(lamina.ops.convert_to_numpy(lamina.ops.hanning(3)), 2).tolist()
        [0.0, 1.0, 0.0]
    """
    return _window(k, x, lambda t: 0.5 - 0.5 * k.cos(t))


@op()
def hamming(k: Kernel, x: Any) -> Output:
    """Hamming window, a raised cosine that does not reach zero.

    w[n] = 0.54 - 0.46 cos(2 pi n / (x - 1))

    Args:
        x: The number of points: an integer, or a scalar tensor (then this cannot be compiled).

    Returns:
        Tensor of shape (x,) of the default float.

    Example:
        >>> [round(float(w), 2) for w in lamina.ops.hamming(3)]
        [0.08, 1.0, 0.08]
    """
    return _window(k, x, lambda t: 0.54 - 0.46 * k.cos(t))


@op()
def blackman(k: Kernel, x: Any) -> Output:
    """Blackman window, of two cosines.

    w[n] = 0.42 - 0.5 cos(2 pi n / (x - 1)) + 0.08 cos(4 pi n / (x - 1))

    Args:
        x: The number of points: an integer, or a scalar tensor (then this cannot be compiled).

    Returns:
        Tensor of shape (x,) of the default float.

    Example:
        >>> np.round(lamina.ops.convert_to_numpy(lamina.ops.blackman(3)), 2).tolist()
        [-0.0, 1.0, -0.0]
    """

    return _window(k, x, lambda t: 0.42 - 0.5 * k.cos(t) + 0.08 * k.cos(2.0 * t))


@op()
def kaiser(k: Kernel, x: Any, beta: float) -> Output:
    """Kaiser window, whose shape a parameter sets.

    w[n] = i0(beta sqrt(1 - (2 n / (x - 1) - 1)^2)) / i0(beta)

    Args:
        x: The number of points: an integer, or a scalar tensor (then this cannot be compiled).
        beta: The shape: 0 is a rectangle, larger numbers are narrower.

    Returns:
        Tensor of shape (x,) of the default float.

    Example:
        >>> [round(float(w), 2) for w in lamina.ops.kaiser(3, 2.0)]
        [0.44, 1.0, 0.44]
    """
    beta = beta if isinstance(beta, int | float) else float(k.to_numpy(convert(k, beta)))

    def shape(t: Any) -> Any:
        inside = 1.0 - k.square(t / math.pi - 1.0)
        bent = i0.op.run(k, k.multiply(k.sqrt(k.maximum(inside, 0.0)), float(beta)))
        return k.divide(bent, i0.op.run(k, k.full((), float(beta), k.dtype(t))))

    return _window(k, x, shape)


_SERIES = 40  # terms of the power series that leave nothing of float64 up to _FAR
_ASYMPTOTIC = 26  # terms of the asymptotic series that do so from there
_FAR = 20.0


@op("x", promote="float")
def i0(k: Kernel, x: Tensor) -> Output:
    """Modified Bessel function of the first kind and order zero, elementwise.

    I0(x) = sum over n of (x^2 / 4)^n / (n!)^2

    Args:
        x: Tensor of any shape, real.

    Returns:
        Float tensor of the same shape.

    Example:
        >>> float(lamina.ops.i0(0.0))
        1.0

    Reference:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 9.6.12 and 9.7.1.
    """
    size = k.abs(x)
    far = k.greater(size, k.full((), _FAR, k.dtype(x)))
    # Each series sees only numbers that it is made for, so that no gradient overflows.
    near, away = k.where(far, 0.0, size), k.where(far, size, 2.0 * _FAR)
    quarter = k.multiply(k.square(near), 0.25)
    below = k.ones(k.shape(x), k.dtype(x))
    for n in range(_SERIES, 0, -1):
        below = below * quarter * (1.0 / (n * n)) + 1.0
    above = k.ones(k.shape(x), k.dtype(x))
    for n in range(_ASYMPTOTIC, 0, -1):
        above = above / away * ((2 * n - 1) ** 2 / (8.0 * n)) + 1.0
    half = k.exp(k.multiply(away, 0.5))  # squared below: exp(x) alone overflows before the result does
    above = half * (above / k.sqrt(2.0 * math.pi * away)) * half
    return k.where(far, above, below)
