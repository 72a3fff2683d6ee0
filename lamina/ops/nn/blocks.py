"""Windows and blocks of pixels moved into channels, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel import settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, shown
from lamina.ops.nn._window import per_axis
from lamina.ops.op import Output, Tensor, op


def _image(op: str, x: Any) -> tuple:
    if len(x.shape) != 4:
        raise ValueError(f"{op}: expected a batch of images (rank 4), got shape {shown(x.shape)}.")
    return tuple(x.shape)


def _divisible(op: str, size: int, by: int, what: str, shape: Any) -> None:
    if type(size) is not Unknown and size % by:
        raise ValueError(f"{op}: {what} must be a multiple of {by}, got {size} (input shape {shown(shape)}).")


@op("x", module="nn")
def space_to_depth(k: Kernel, x: Tensor, block_size: int, data_format: str = "channels_last") -> Output:
    """Each block of pixels becomes one pixel with more channels.

    Args:
        x: Tensor (batch, height, width, channels), or (batch, channels, height, width) for "channels_first".
        block_size: Height and width b of a block.
        data_format: "channels_last" or "channels_first".

    Returns:
        A tensor (batch, height / b, width / b, b * b * channels), or with the channels first.

    Raises:
        ValueError: if the rank is not 4 or a size is no multiple of the block.

    Example:
        >>> import lamina
        >>> lamina.ops.space_to_depth(lamina.ops.ones((1, 4, 4, 3)), 2).shape == (1, 2, 2, 12)
        True
    """
    name, b = "space_to_depth", at_least("space_to_depth", "block_size", block_size, 1)
    shape = _image(name, x)
    last = settings.standardize_data_format(data_format) == "channels_last"
    n, height, width, channels = shape if last else (shape[0], *shape[2:], shape[1])
    _divisible(name, height, b, "the height", shape)
    _divisible(name, width, b, "the width", shape)
    rows, columns = height // b, width // b
    if last:
        blocks = k.permute_dims(k.reshape(x, (n, rows, b, columns, b, channels)), (0, 1, 3, 2, 4, 5))
        return k.reshape(blocks, (n, rows, columns, b * b * channels))
    blocks = k.permute_dims(k.reshape(x, (n, channels, rows, b, columns, b)), (0, 1, 3, 5, 2, 4))
    return k.reshape(blocks, (n, b * b * channels, rows, columns))


@op("x", module="nn")
def depth_to_space(k: Kernel, x: Tensor, block_size: int, data_format: str = "channels_last") -> Output:
    """Channels of one pixel become a block of pixels: the inverse of `space_to_depth`.

    Args:
        x: Tensor (batch, height, width, channels), or (batch, channels, height, width) for "channels_first".
        block_size: Height and width b of a block.
        data_format: "channels_last" or "channels_first".

    Returns:
        A tensor (batch, height * b, width * b, channels / (b * b)), or with the channels first.

    Raises:
        ValueError: if the rank is not 4 or the channels are no multiple of the block's pixels.

    Example:
        >>> import lamina
        >>> lamina.ops.depth_to_space(lamina.ops.ones((1, 2, 2, 12)), 2).shape == (1, 4, 4, 3)
        True

    Reference:
        Shi et al., 2016: Real-Time Super-Resolution Using a Sub-Pixel CNN, https://arxiv.org/abs/1609.05158
    """
    name, b = "depth_to_space", at_least("depth_to_space", "block_size", block_size, 1)
    shape = _image(name, x)
    last = settings.standardize_data_format(data_format) == "channels_last"
    n, rows, columns, channels = shape if last else (shape[0], *shape[2:], shape[1])
    _divisible(name, channels, b * b, "the number of channels", shape)
    inner = channels // (b * b)
    if last:
        blocks = k.permute_dims(k.reshape(x, (n, rows, columns, b, b, inner)), (0, 1, 3, 2, 4, 5))
        return k.reshape(blocks, (n, rows * b, columns * b, inner))
    blocks = k.permute_dims(k.reshape(x, (n, inner, b, b, rows, columns)), (0, 1, 4, 2, 5, 3))
    return k.reshape(blocks, (n, inner, rows * b, columns * b))


def _windows(op: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> list[tuple[int, ...]]:
    return [
        per_axis(op, "kernel_size", kernel_size, 2),
        per_axis(op, "dilation", dilation, 2),
        per_axis(op, "padding", padding, 2, 0),
        per_axis(op, "stride", stride, 2),
    ]


def _steps(op: str, sizes: Any, window: Any, dilation: Any, padding: Any, stride: Any) -> list[int]:
    """How many windows fit along each axis."""
    counts = []
    for n, w, d, p, s in zip(sizes, window, dilation, padding, stride, strict=True):
        count = (n + 2 * p - (w - 1) * d - 1) // s + 1
        if count < 1 and type(count) is not Unknown:
            raise ValueError(f"{op}: a window of {(w - 1) * d + 1} does not fit into {n} + 2 * {p} pixels.")
        counts.append(count)
    return counts


@op("x", module="nn")
def unfold(
    k: Kernel, x: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Output:
    """All windows of images, each as a column.

    Args:
        x: Tensor (batch, channels, height, width).
        kernel_size: The window: an integer, or two.
        dilation: Distance of the window's pixels: an integer, or two.
        padding: Zeros on each side: an integer, or two.
        stride: Distance of the windows: an integer, or two.

    Returns:
        A tensor (batch, channels * window pixels, windows).

    Raises:
        ValueError: if the rank is not 4 or no window fits.

    Example:
        >>> import lamina
        >>> lamina.ops.unfold(lamina.ops.ones((1, 3, 4, 4)), 2).shape == (1, 12, 9)
        True
    """
    n, channels, *sizes = _image("unfold", x)
    window, dilation, padding, stride = _windows("unfold", kernel_size, dilation, padding, stride)
    counts = _steps("unfold", sizes, window, dilation, padding, stride)
    if any(padding):
        x = k.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)], "constant", 0)
    spans = [(c - 1) * s + 1 for c, s in zip(counts, stride, strict=True)]
    pieces = []
    for row in range(window[0]):
        for column in range(window[1]):
            top, left = row * dilation[0], column * dilation[1]
            key = (slice(None), slice(None), slice(top, top + spans[0], stride[0]),
                   slice(left, left + spans[1], stride[1]))  # fmt: skip
            pieces.append(k.getitem(x, key))
    stacked = k.stack(pieces, 2)  # (batch, channels, window pixels, rows, columns)
    return k.reshape(stacked, (n, channels * len(pieces), counts[0] * counts[1]))


@op("x", module="nn")
def fold(
    k: Kernel,
    x: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Output:
    """Images from windows: where windows overlap, they add up.

    Args:
        x: Tensor (batch, channels * window pixels, windows), as `unfold` gives it.
        output_size: Height and width of the images: an integer, or two.
        kernel_size: The window: an integer, or two.
        dilation: Distance of the window's pixels: an integer, or two.
        padding: Zeros that `unfold` added on each side: an integer, or two.
        stride: Distance of the windows: an integer, or two.

    Returns:
        A tensor (batch, channels, height, width).

    Raises:
        ValueError: if the rank is not 3 or a size does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.fold(lamina.ops.ones((1, 12, 9)), 4, 2).shape == (1, 3, 4, 4)
        True
    """
    if len(x.shape) != 3:
        raise ValueError(f"fold: expected a tensor of rank 3, got shape {shown(x.shape)}.")
    n, (_, rows, columns) = k.shape(x)[0], x.shape
    sizes = per_axis("fold", "output_size", output_size, 2)
    window, dilation, padding, stride = _windows("fold", kernel_size, dilation, padding, stride)
    counts = _steps("fold", sizes, window, dilation, padding, stride)
    pixels = window[0] * window[1]
    _divisible("fold", rows, pixels, "the second size", x.shape)
    if columns != counts[0] * counts[1] and type(columns) is not Unknown:
        raise ValueError(
            f"fold: {counts[0]} x {counts[1]} windows fit into images of {sizes[0]} x {sizes[1]}, "
            f"but the input has {columns} (shape {shown(x.shape)})."
        )
    channels = rows // pixels
    padded = [size + 2 * p for size, p in zip(sizes, padding, strict=True)]
    line = [
        np.arange(w)[:, None] * d + np.arange(c) * s
        for w, d, c, s in zip(window, dilation, counts, stride, strict=True)
    ]
    # place[window row, window column, image row, image column] in the flat padded image
    place = line[0][:, None, :, None] * padded[1] + line[1][None, :, None, :]
    values = k.reshape(x, (n, channels, pixels * counts[0] * counts[1]))
    values = k.permute_dims(values, (2, 0, 1))
    flat = k.zeros((padded[0] * padded[1], n, channels), k.dtype(x))
    flat = k.scatter(flat, k.asarray(place.reshape(-1, 1), "int32"), values, "add")
    images = k.reshape(k.permute_dims(flat, (1, 2, 0)), (n, channels, *padded))
    (top, left), (height, width) = padding, sizes
    return k.getitem(images, (slice(None), slice(None), slice(top, top + height), slice(left, left + width)))
