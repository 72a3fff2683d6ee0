"""Convolutions over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes, settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import one_of, shown
from lamina.ops.nn._window import check_reach, explicit_padding, per_axis, spatial
from lamina.ops.op import Output, Tensor, op


def _in_floats(k: Kernel, convolve: Any, x: Any, kernel: Any, *args: Any) -> Any:
    """Integers are convolved as floats: frameworks have few kernels for them."""
    dtype = k.dtype(x)
    if dtype in dtypes.IS_INEXACT:
        return convolve(x, kernel, *args)
    return k.astype(convolve(k.astype(x, "float32"), k.astype(kernel, "float32"), *args), dtype)


def _layout(k: Kernel, op: str, inputs: Any, kernel: Any, data_format: str | None) -> tuple[bool, tuple, Any]:
    """Whether channels come last, the spatial sizes, the number of channels.

    Raises:
        ValueError: if the ranks of input and kernel do not fit.
    """
    last = settings.standardize_data_format(data_format) == "channels_last"
    sizes = spatial(k, op, inputs, last)
    if len(kernel.shape) != len(sizes) + 2:
        raise ValueError(
            f"{op}: an input of shape {shown(inputs.shape)} needs a kernel of {len(sizes) + 2} axes, "
            f"got shape {shown(kernel.shape)}."
        )
    return last, sizes, inputs.shape[-1 if last else 1]


@op("inputs", "kernel", promote=True, module="nn")
def conv(
    k: Kernel,
    inputs: Tensor,
    kernel: Tensor,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Output:
    """Convolution (cross-correlation) over 1, 2, 3 or more spatial axes.

    `y[n, p, o] = sum_{w, c} x[n, p s + w d, c] kernel[w, c, o]`

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        kernel: Tensor (*window, channels / groups, outputs); the number of groups follows from the channels.
        strides: An integer, or one per spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis: a result sees only earlier inputs).
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: An integer, or one per spatial axis.

    Returns:
        A tensor in the layout of the input, with `outputs` channels.

    Raises:
        ValueError: if shapes do not fit or an argument is unknown.

    Example:
        >>> import lamina
        >>> x, kernel = lamina.ops.ones((1, 4, 1)), lamina.ops.ones((3, 1, 2))
        >>> lamina.ops.conv(x, kernel).shape == (1, 2, 2)
        True
    """
    last, sizes, channels = _layout(k, "conv", inputs, kernel, data_format)
    rank, inner = len(sizes), kernel.shape[-2]
    strides = per_axis("conv", "strides", strides, rank)
    dilation = per_axis("conv", "dilation_rate", dilation_rate, rank)
    groups = 1
    if Unknown not in (type(channels), type(inner)):
        groups = channels // inner if inner else 0
        uneven = type(kernel.shape[-1]) is not Unknown and groups > 0 and kernel.shape[-1] % groups
        if groups * inner != channels or groups < 1 or uneven:
            raise ValueError(
                f"conv: the input has {channels} channels (shape {shown(inputs.shape)}), which a kernel of shape "
                f"{shown(kernel.shape)} cannot take: the channels must be a multiple of its next to last size, "
                "and its last size a multiple of the quotient."
            )
    window = kernel.shape[:-2]
    pads = explicit_padding(k, "conv", padding, sizes, window, strides, dilation, causal=rank == 1)
    check_reach("conv", inputs.shape, sizes, pads, window, dilation)
    return _in_floats(k, k.conv, inputs, kernel, strides, pads, dilation, groups, last)


def _grouped(k: Kernel, name: str, inputs: Any, kernel: Any, strides: Any, padding: str, data_format: str | None,
             dilation_rate: Any) -> Any:  # fmt: skip
    """A convolution of each channel by itself; the kernel is (*window, channels, multiplier)."""
    last, sizes, channels = _layout(k, name, inputs, kernel, data_format)
    rank = len(sizes)
    *window, inner, multiplier = kernel.shape
    if inner != channels and Unknown not in (type(inner), type(channels)):
        raise ValueError(
            f"{name}: the input has {channels} channels (shape {shown(inputs.shape)}), the kernel of shape "
            f"{shown(kernel.shape)} is for {inner}."
        )
    strides = per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation_rate, rank)
    pads = explicit_padding(k, name, padding, sizes, window, strides, dilation, causal=rank == 1)
    check_reach(name, inputs.shape, sizes, pads, window, dilation)
    flat = k.reshape(kernel, (*window, 1, inner * multiplier))
    return _in_floats(k, k.conv, inputs, flat, strides, pads, dilation, inner, last)


@op("inputs", "kernel", promote=True, module="nn")
def depthwise_conv(
    k: Kernel,
    inputs: Tensor,
    kernel: Tensor,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Output:
    """Convolution of each channel by itself.

    `y[n, p, c m + j] = sum_w x[n, p s + w d, c] kernel[w, c, j]` with m = multiplier

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        kernel: Tensor (*window, channels, multiplier).
        strides: An integer, or one per spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis).
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: An integer, or one per spatial axis.

    Returns:
        A tensor in the layout of the input, with channels * multiplier channels.

    Raises:
        ValueError: if shapes do not fit or an argument is unknown.

    Example:
        >>> import lamina
        >>> x, kernel = lamina.ops.ones((1, 4, 2)), lamina.ops.ones((3, 2, 2))
        >>> lamina.ops.depthwise_conv(x, kernel).shape == (1, 2, 4)
        True
    """
    return _grouped(k, "depthwise_conv", inputs, kernel, strides, padding, data_format, dilation_rate)


@op("inputs", "depthwise_kernel", "pointwise_kernel", promote=True, module="nn")
def separable_conv(
    k: Kernel,
    inputs: Tensor,
    depthwise_kernel: Tensor,
    pointwise_kernel: Tensor,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Output:
    """A depthwise convolution, and a mixing of its channels at each place.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        depthwise_kernel: Tensor (*window, channels, multiplier).
        pointwise_kernel: Tensor (*ones, channels * multiplier, outputs).
        strides: An integer, or one per spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis).
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: An integer, or one per spatial axis.

    Returns:
        A tensor in the layout of the input, with `outputs` channels.

    Raises:
        ValueError: if shapes do not fit or an argument is unknown.

    Example:
        >>> import lamina
        >>> ones = lamina.ops.ones
        >>> lamina.ops.separable_conv(ones((1, 4, 2)), ones((3, 2, 2)), ones((1, 4, 5))).shape == (1, 2, 5)
        True
    """
    mixed = _grouped(
        k, "separable_conv", inputs, depthwise_kernel, strides, padding, data_format, dilation_rate
    )
    return conv.op.run(k, mixed, pointwise_kernel, data_format=data_format)


@op("inputs", "kernel", promote=True, module="nn")
def conv_transpose(
    k: Kernel,
    inputs: Tensor,
    kernel: Tensor,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Output:
    """Transposed convolution: the gradient of `conv`, used to enlarge.

    `y[n, p s + w d - f, o] += sum_c x[n, p, c] kernel[w, o, c]`, where f is what "same" cuts off in front.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        kernel: Tensor (*window, outputs, channels).
        strides: An integer, or one per spatial axis.
        padding: "valid" (every place reached) or "same" (size times stride).
        output_padding: How much longer than the least size the result is: an integer, one per axis, or None.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: An integer, or one per spatial axis.

    Returns:
        A tensor in the layout of the input, with `outputs` channels.

    Raises:
        ValueError: if shapes do not fit or an argument is unknown.

    Example:
        >>> import lamina
        >>> x, kernel = lamina.ops.ones((1, 4, 1)), lamina.ops.ones((3, 2, 1))
        >>> lamina.ops.conv_transpose(x, kernel, strides=2, padding="same").shape == (1, 8, 2)
        True
    """
    name = "conv_transpose"
    last, sizes, channels = _layout(k, name, inputs, kernel, data_format)
    rank, inner = len(sizes), kernel.shape[-1]
    if channels != inner and Unknown not in (type(channels), type(inner)):
        raise ValueError(
            f"{name}: the input has {channels} channels (shape {shown(inputs.shape)}), the kernel of shape "
            f"{shown(kernel.shape)} is for {inner} (its last size)."
        )
    strides = per_axis(name, "strides", strides, rank)
    dilation = per_axis(name, "dilation_rate", dilation_rate, rank)
    extra = (
        (None,) * rank
        if output_padding is None
        else per_axis(name, "output_padding", output_padding, rank, 0)
    )
    one_of(name, "padding", padding, ("valid", "same"))
    pads = []
    for w, stride, d, more in zip(kernel.shape[:-2], strides, dilation, extra, strict=True):
        if more is not None and more >= stride:
            raise ValueError(f"{name}: `output_padding` {more} must be less than the stride {stride}.")
        pads.append(_transposed(padding, (w - 1) * d + 1, stride, more))
    return _in_floats(k, k.conv_transpose, inputs, kernel, strides, pads, dilation, last)


def _transposed(padding: str, reach: int, stride: int, extra: int | None) -> tuple[int, int]:
    """Padding around the spread input, for a result of (size - 1) * stride + span."""
    if padding == "valid":
        span, front = (max(reach, stride) if extra is None else reach + extra), 0
    else:
        span = stride if extra is None else reach % 2 + extra
        front = max(reach - span, 0) // 2
    return reach - 1 - front, span - 1 + front
