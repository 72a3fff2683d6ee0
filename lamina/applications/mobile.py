"""What the three MobileNets share: widths, paddings, and for which sizes weights are published."""

from __future__ import annotations

import warnings
from typing import Any

from lamina import config, layers
from lamina.applications.common import Request


def divisible(value: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor` that is not more than a tenth below `value`.

    Args:
        value: A number of filters.
        divisor: What it shall be a multiple of; also the smallest result.
    """
    nearest = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


def padding_of(x: Any, kernel: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding with which a "valid" convolution of stride 2 sees what "same" saw where the weights were trained."""
    first = config.image_data_format() == "channels_first"
    sizes = x.shape[2:4] if first else x.shape[1:3]
    half = kernel // 2
    top, left = (half - (1 if n is None or n % 2 == 0 else 0) for n in sizes)
    return (top, half), (left, half)


def relu6(x: Any, name: str | None = None) -> Any:
    """Rectified linear units that end at 6."""
    return layers.ReLU(6.0, name=name)(x)


def rows_of(request: Request, sizes: tuple[int, ...]) -> int | None:
    """The height of images that stands in the name of the model and of its file of weights.

    Args:
        request: What was asked for.
        sizes: The sizes of square images for which weights are published, the default last.
    """
    shape, default = request.given_shape(), sizes[-1]
    rows, columns = (default, default) if request.include_top else (None, None)
    if isinstance(shape, list | tuple) and len(shape) == 3:
        rows, columns = shape[1:] if config.image_data_format() == "channels_first" else shape[:2]
    if request.imagenet and (rows != columns or rows not in sizes):
        if rows is not None:
            warnings.warn(
                f"{request.kind}: ImageNet weights are published for square images of "
                f"{', '.join(map(str, sizes))} pixels, got {rows} x {columns}. Those for {default} are loaded.",
                stacklevel=4,
            )
        return default
    return rows


def unknown_width(kind: str, given: str, widths: tuple[float, ...]) -> ValueError:
    """The error where no weights are published for a network of this width."""
    return ValueError(
        f"{kind}: ImageNet weights are published for alpha {', '.join(map(str, widths))}, got {given}. Use one of "
        "these, or `weights=None`."
    )
