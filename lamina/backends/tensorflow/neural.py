"""Convolution, pooling and the dense product."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow._support import dims, move_axis, size, through
from lamina.backends.tensorflow.dtensor import mesh_in_force
from lamina.backends.tensorflow.linear import product

Pairs = Sequence[tuple[int, int]]
Sizes = Sequence[int]


def conv(
    x: Any, kernel: Any, strides: Sizes, padding: Pairs, dilation: Sizes, groups: int, channels_last: bool
) -> Any:
    def run(x: Any, kernel: Any) -> Any:
        if x.shape[0] == 0:  # the kernels give an empty batch back as it is
            return run(tf.zeros(dims([1, *[size(x, a) for a in range(1, x.shape.rank)]]), x.dtype), kernel)[
                :0
            ]
        if x.shape.rank == 3:  # no kernel: rank 1 is rank 2 with a height of 1
            flat = _conv(
                tf.expand_dims(x, 1),
                tf.expand_dims(kernel, 0),
                (1, *strides),
                ((0, 0), *padding),
                (1, *dilation),
                groups,
            )
            return tf.squeeze(flat, 1)
        return _conv(x, kernel, strides, padding, dilation, groups)

    return _channels_last(lambda x: through("conv", run, x, kernel), x, channels_last)


def _channels_last(f: Callable[[Any], Any], x: Any, channels_last: bool) -> Any:
    """f(x) with the channels last, as the CPU's kernels want them."""
    return f(x) if channels_last else move_axis(f(move_axis(x, 1, -1)), -1, 1)


def _conv(x: Any, kernel: Any, strides: Sizes, padding: Pairs, dilation: Sizes, groups: int) -> Any:
    rank = len(strides)
    dilated = max(dilation) > 1
    if rank == 2 and groups > 1 and kernel.shape[-2] == 1:
        return _depthwise(x, kernel, strides, padding, dilation, groups)
    if groups > 1 and (rank == 3 or not _has_kernel(x.dtype, 1, 2)):
        parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
        return tf.concat([_conv(part, k, strides, padding, dilation, 1) for part, k in parts], -1)
    if dilated and not _has_kernel(x.dtype, 2, 1):
        kernel, dilation = _spread_kernel(kernel, dilation), (1,) * rank
    x, mode = _pad(x, kernel.shape[:rank], strides, padding, dilation, 0)
    native: Any = tf.nn.conv2d if rank == 2 else tf.nn.conv3d
    return native(x, kernel, [1, *strides, 1], mode, dilations=[1, *dilation, 1])


def _depthwise(x: Any, kernel: Any, strides: Sizes, padding: Pairs, dilation: Sizes, channels: int) -> Any:
    """One filter (or several) for each channel; the kernel comes as (height, width, 1, channels * several)."""
    if max(dilation) > 1 and max(strides) > 1:  # no kernel for both at once
        kernel, dilation = _spread_kernel(kernel, dilation), (1, 1)
    if (
        strides[0] != strides[1]
    ):  # no kernel for unequal ones: take what they share, and then every n-th element
        common, whole = math.gcd(*strides), _pad_axes(x, padding, 0)
        y = _depthwise(whole, kernel, (common, common), ((0, 0), (0, 0)), dilation, channels)
        return y[:, :: strides[0] // common, :: strides[1] // common]
    x, mode = _pad(x, kernel.shape[:2], strides, padding, dilation, 0)
    kernel = tf.reshape(kernel, [*kernel.shape[:2], channels, -1])
    return tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], mode, dilations=list(dilation))


@cache
def _has_kernel(dtype: tf.DType, dilation: int, groups: int) -> bool:
    """Whether this machine's TensorFlow differentiates such a convolution: that of oneDNN does for some dtypes."""
    with tf.init_scope():
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=[1, 3, 3, groups], filter=tf.ones([2, 2, 1, groups], dtype),
                out_backprop=tf.ones([1, 3 - dilation, 3 - dilation, groups], dtype),
                strides=[1] * 4, padding="VALID", dilations=[1, dilation, dilation, 1],
            )  # fmt: skip
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            return False
        return True


def _spread_kernel(kernel: Any, dilation: Sizes) -> Any:
    """The kernel with dilation - 1 zeros between its elements."""
    for axis, d in enumerate(dilation):
        if d > 1:
            n = kernel.shape[axis]
            spread = tf.stack([kernel] + [tf.zeros_like(kernel)] * (d - 1), axis + 1)
            merged = tf.reshape(spread, [*kernel.shape[:axis], n * d, *kernel.shape[axis + 1 :]])
            kernel = merged[(slice(None),) * axis + (slice(0, (n - 1) * d + 1),)]
    return kernel


def _pad(
    x: Any, window: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes, value: Any
) -> tuple[Any, str]:
    """x and the padding mode to convolve it with: SAME where that means the same, which spares a copy."""
    if _is_open(padding):
        return _pad_axes(x, padding, value), "VALID"
    if not any(low or high for low, high in padding):
        return x, "VALID"
    same = zip(x.shape[1:-1], window, strides, padding, dilation, strict=True)
    if all(_is_same(*axis) for axis in same):
        return x, "SAME"
    return _pad_axes(x, padding, value), "VALID"


def _is_open(padding: Pairs) -> bool:
    """Whether widths are tensors: of axes whose size only the run knows."""
    return any(isinstance(width, tf.Tensor) for pair in padding for width in pair)


def _is_same(n: int | None, window: int, stride: int, padding: tuple[int, int], dilation: int) -> bool:
    """Whether this padding of an axis of size n is what TensorFlow calls SAME."""
    reach = (window - 1) * dilation
    if stride == 1:
        return tuple(padding) == (reach // 2, reach - reach // 2)
    if n is None:
        return False
    total = max((math.ceil(n / stride) - 1) * stride + reach + 1 - n, 0)
    return tuple(padding) == (total // 2, total - total // 2)


def _pad_axes(x: Any, padding: Pairs, value: Any) -> Any:
    """The axes between batch and channels padded; a negative width cuts."""
    if _is_open(padding):
        return tf.pad(x, tf.stack([(0, 0), *padding, (0, 0)]), constant_values=value)
    if any(low < 0 or high < 0 for low, high in padding):
        cuts = [slice(max(0, -low), -max(0, -high) or None) for low, high in padding]
        x = x[(slice(None), *cuts)]
    widths = [(0, 0), *[(max(0, low), max(0, high)) for low, high in padding], (0, 0)]
    return tf.pad(x, widths, constant_values=value)


def conv_transpose(
    x: Any, kernel: Any, strides: Sizes, padding: Pairs, dilation: Sizes, channels_last: bool
) -> Any:
    def run(x: Any, kernel: Any) -> Any:
        if x.shape.rank == 3:
            flat = _conv_transpose(
                tf.expand_dims(x, 1),
                tf.expand_dims(kernel, 0),
                (1, *strides),
                ((0, 0), *padding),
                (1, *dilation),
            )
            return tf.squeeze(flat, 1)
        return _conv_transpose(x, kernel, strides, padding, dilation)

    return _channels_last(lambda x: through("conv", run, x, kernel), x, channels_last)


def _conv_transpose(x: Any, kernel: Any, strides: Sizes, padding: Pairs, dilation: Sizes) -> Any:
    rank = len(strides)
    if max(dilation) > 1:
        kernel, dilation = _spread_kernel(kernel, dilation), (1,) * rank
    window = kernel.shape[:rank]
    # the whole gradient first (padding reaches over the window), then what the asked padding leaves of it
    reach = [(size(x, a + 1) - 1) * s + w for a, (s, w) in enumerate(zip(strides, window, strict=True))]
    full = dims([size(x, 0), *reach, kernel.shape[-2]])
    native = tf.nn.conv2d_transpose if rank == 2 else tf.nn.conv3d_transpose
    y = native(x, kernel, full, [1, *strides, 1], "VALID")
    return _pad_axes(
        y, [(low - w + 1, high - w + 1) for (low, high), w in zip(padding, window, strict=True)], 0
    )


def pool(x: Any, kind: str, window: Sizes, strides: Sizes, padding: Pairs, channels_last: bool) -> Any:
    run = _pool_max if kind == "max" else _pool_average

    def spatial(x: Any) -> Any:
        if x.shape.rank == 3:
            return tf.squeeze(run(tf.expand_dims(x, 1), (1, *window), (1, *strides), ((0, 0), *padding)), 1)
        return run(x, window, strides, padding)

    operation = "pool_max" if kind == "max" else "pool_average"
    return _channels_last(lambda x: through(operation, spatial, x), x, channels_last)


def _pool_max(x: Any, window: Sizes, strides: Sizes, padding: Pairs) -> Any:
    least = tf.constant(-math.inf if x.dtype.is_floating else x.dtype.min, x.dtype)
    x, mode = _pad(x, window, strides, padding, (1,) * len(window), least)
    return _windows(tf.nn.max_pool2d, tf.nn.max_pool3d, x, window, strides, mode)


def _pool_average(x: Any, window: Sizes, strides: Sizes, padding: Pairs) -> Any:
    padded, mode = _pad(x, window, strides, padding, (1,) * len(window), 0)
    mean = _windows(tf.nn.avg_pool2d, tf.nn.avg_pool3d, padded, window, strides, mode)
    if padded is x:  # nothing outside, or SAME, which counts only what lies inside
        return mean
    inside = tf.ones([1, *[size(x, a) for a in range(1, x.shape.rank - 1)], 1], x.dtype)
    part = _windows(tf.nn.avg_pool2d, tf.nn.avg_pool3d, _pad_axes(inside, padding, 0), window, strides, mode)
    return mean / part


def _windows(flat: Callable, deep: Callable, x: Any, window: Sizes, strides: Sizes, mode: str) -> Any:
    """Windows of rank 2 or 3 reduced by TensorFlow's kernels."""
    if len(window) == 2:
        return flat(x, list(window), list(strides), mode)
    if x.dtype == tf.float32 or x.dtype == tf.bfloat16:
        return deep(x, list(window), list(strides), mode)
    # no kernel: rank 3 of other dtypes. First over depth and height, with the width among the channels, then over it.
    b, d, h, w, c = (size(x, a) for a in range(5))
    y = flat(tf.reshape(x, dims([b, d, h, w * c])), list(window[:2]), list(strides[:2]), mode)
    d, h = size(y, 1), size(y, 2)
    y = tf.reshape(y, dims([b, d * h, w, c]))
    y = flat(y, [1, window[2]], [1, strides[2]], mode)
    return tf.reshape(y, dims([b, d, h, size(y, 2), c]))


def linear(x: Any, kernel: Any, bias: Any) -> Any:
    if bias is None:
        return product(x, kernel)
    if x.dtype.is_integer or (x.shape.rank > 2 and mesh_in_force() is not None):
        return product(x, kernel) + bias
    # bias_add on a matrix is fused with the product, and its gradient has a kernel of its own
    flat = x if x.shape.rank == 2 else tf.reshape(x, [-1, size(kernel, 0)])
    y = tf.nn.bias_add(tf.matmul(flat, kernel), bias)
    return (
        y
        if x.shape.rank == 2
        else tf.reshape(y, dims([*[size(x, a) for a in range(x.shape.rank - 1)], size(kernel, 1)]))
    )
