"""Measures and forms of signals."""

from __future__ import annotations

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown
from lamina.ops.op import Output, Tensor, op


@op("x1", "x2", promote="float", module="nn", class_name="PSNR")
def psnr(k: Kernel, x1: Tensor, x2: Tensor, max_val: float) -> Output:
    """Peak signal-to-noise ratio, in decibels.

    `10 log10(max_val^2 / mean((x1 - x2)^2))`

    Args:
        x1: A tensor.
        x2: Tensor of the same shape.
        max_val: The largest value a signal can have.

    Returns:
        A scalar tensor; infinite for equal signals.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> float(lamina.ops.psnr([1.0], [0.0], 10.0))
        20.0
    """
    known = [n == m or Unknown in (type(n), type(m)) for n, m in zip(x1.shape, x2.shape, strict=False)]
    if len(x1.shape) != len(x2.shape) or not all(known):
        raise ValueError(f"psnr: the shapes must be equal, got {shown(x1.shape)} and {shown(x2.shape)}.")
    return k.log10(max_val**2 / k.mean(k.square(x1 - x2))) * 10.0


@op("abs_", "angle", promote="float", module="nn")
def polar(k: Kernel, abs_: Tensor, angle: Tensor) -> Output:
    """Complex numbers from length and angle.

    `abs_ (cos(angle) + i sin(angle))`

    Args:
        abs_: A tensor.
        angle: A tensor, in radians.

    Returns:
        A complex tensor.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.polar([2.0], [0.0])).tolist()
        [(2+0j)]
    """
    return k.complex(abs_ * k.cos(angle), abs_ * k.sin(angle))
