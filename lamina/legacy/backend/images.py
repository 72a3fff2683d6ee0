"""`K`: convolutions, pooling, padding and resizing."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.config import standardize_data_format


def conv1d(
    x: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:  # fmt: skip
    """A convolution over one axis; padding may be "causal"."""
    data_format = standardize_data_format(data_format)
    if padding == "causal":
        left = (kernel.shape[0] - 1) * (dilation_rate if isinstance(dilation_rate, int) else dilation_rate[0])
        widths = (
            [(0, 0), (left, 0), (0, 0)] if data_format == "channels_last" else [(0, 0), (0, 0), (left, 0)]
        )
        x, padding = ops.pad(x, widths), "valid"
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution over two axes."""
    return ops.conv(x, kernel, strides, padding, standardize_data_format(data_format), dilation_rate)


def conv3d(
    x: Any, kernel: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:  # fmt: skip
    """A convolution over three axes."""
    return ops.conv(x, kernel, strides, padding, standardize_data_format(data_format), dilation_rate)


def conv2d_transpose(
    x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """The transpose of a convolution, with outputs of `output_shape` (with the batch axis)."""
    data_format = standardize_data_format(data_format)
    first = 1 if data_format == "channels_last" else 2
    pairs = lambda v: (v, v) if isinstance(v, int) else tuple(v)
    extra = []
    for i, (stride, dilation) in enumerate(zip(pairs(strides), pairs(dilation_rate), strict=True)):
        size, wanted = x.shape[first + i], output_shape[first + i]
        span = (kernel.shape[i] - 1) * dilation + 1
        if size is None or not isinstance(wanted, int):
            extra.append(None)
            continue
        usual = size * stride if padding == "same" else size * stride + max(span - stride, 0)
        extra.append(None if wanted == usual else _beyond(size, stride, span, padding, wanted))
    output_padding = None if extra == [None, None] else tuple(extra)
    return ops.conv_transpose(x, kernel, strides, padding, output_padding, data_format, dilation_rate)


def _beyond(size: int, stride: int, span: int, padding: str, wanted: int) -> int:
    least = (size - 1) * stride + span - (2 * (span // 2) if padding == "same" else 0)
    if not 0 <= wanted - least < stride:
        raise ValueError(
            f"K.conv2d_transpose: {size} inputs, stride {stride}, kernel {span} and padding {padding!r} give between "
            f"{least} and {least + stride - 1} outputs, not {wanted}."
        )
    return wanted - least


def depthwise_conv2d(
    x: Any, depthwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution of each channel by itself."""
    data_format = standardize_data_format(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = (1, 1), padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = (1, 1),
) -> Any:  # fmt: skip
    """A convolution of each channel by itself, then one of size 1 over all."""
    return ops.separable_conv(
        x,
        depthwise_kernel,
        pointwise_kernel,
        strides,
        padding,
        standardize_data_format(data_format),
        dilation_rate,
    )


def pool2d(
    x: Any, pool_size: Any, strides: Any = (1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:  # fmt: skip
    """The largest element or the mean of windows over two axes."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any, pool_size: Any, strides: Any = (1, 1, 1), padding: str = "valid", data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:  # fmt: skip
    """The largest element or the mean of windows over three axes."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def _pool(x: Any, size: Any, strides: Any, padding: str, data_format: str | None, mode: str) -> Any:
    if mode not in ("max", "avg"):
        raise ValueError(f"`pool_mode` must be 'max' or 'avg', got {mode!r}.")
    pool = ops.max_pool if mode == "max" else ops.average_pool
    return pool(x, size, strides, padding, standardize_data_format(data_format))


def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: str | None = None
) -> Any:
    """A convolution whose kernel differs from place to place.

    Args:
        inputs: (batch, steps, channels).
        kernel: (new steps, size of the window x channels, filters).
        kernel_size, strides: In one-element tuples.
        data_format: Where the channels are.
    """
    return _local(inputs, kernel, kernel_size, strides, (kernel.shape[0],), data_format)


def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Any,
    strides: Any,
    output_shape: Any,
    data_format: str | None = None,
) -> Any:
    """The same over two axes: the kernel is (new rows x new columns, window x channels, filters)."""
    return _local(inputs, kernel, kernel_size, strides, tuple(output_shape), data_format)


def _local(x: Any, kernel: Any, size: Any, strides: Any, places: tuple, data_format: str | None) -> Any:
    channels_first = standardize_data_format(data_format) == "channels_first"
    if channels_first:
        x = ops.moveaxis(x, 1, -1)
    rank, channels = len(places), x.shape[-1]
    taps = [()]
    for width in size:
        taps = [(*t, i) for t in taps for i in range(width)]
    windows = []
    for tap in taps:  # the elements at one offset of all windows
        index = [slice(None)] + [
            slice(o, o + s * (n - 1) + 1, s) for o, s, n in zip(tap, strides, places, strict=True)
        ]
        windows.append(x[tuple(index)])
    stacked = ops.stack(windows, axis=-2)  # (batch, *places, window, channels)
    count = 1
    for n in places:
        count *= n
    flat = ops.reshape(stacked, (-1, count, len(taps) * channels))
    out = ops.reshape(ops.einsum("bpk,pkf->bpf", flat, kernel), (-1, *places, kernel.shape[-1]))
    return ops.moveaxis(out, -1, 1) if channels_first and rank else out


def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Zeros before and behind the middle axis."""
    return ops.pad(x, [(0, 0), tuple(padding), (0, 0)])


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros around the rows and columns."""
    return _pad(x, padding, data_format)


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Any:
    """Zeros around three axes."""
    return _pad(x, padding, data_format)


def _pad(x: Any, padding: Any, data_format: str | None) -> Any:
    inner = [tuple(p) for p in padding]
    if standardize_data_format(data_format) == "channels_first":
        return ops.pad(x, [(0, 0), (0, 0), *inner])
    return ops.pad(x, [(0, 0), *inner, (0, 0)])


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: str | None = None,
    interpolation: str = "nearest",
) -> Any:
    """Images larger by whole factors."""
    data_format = standardize_data_format(data_format)
    rows = 1 if data_format == "channels_last" else 2
    if interpolation == "nearest":
        return ops.repeat(ops.repeat(x, height_factor, axis=rows), width_factor, axis=rows + 1)
    size = (x.shape[rows] * height_factor, x.shape[rows + 1] * width_factor)
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str | None = None
) -> Any:
    """Volumes larger by whole factors."""
    first = 1 if standardize_data_format(data_format) == "channels_last" else 2
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), first):
        x = ops.repeat(x, factor, axis=axis)
    return x
