"""Images in another size: every interpolation is a matrix of weights per axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.checks import axes_of, one_of, shown
from lamina.ops.image._layout import layout, many, narrow, wide
from lamina.ops.op import Output, Tensor, op


def _triangle(k: Kernel, x: Any) -> Any:
    return k.maximum(1.0 - x, 0.0)


def _cubic(k: Kernel, x: Any) -> Any:
    """Keys's kernel with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return k.where(x < 1, near, k.where(x < 2, far, 0.0))


def _lanczos(radius: float) -> Any:
    def kernel(k: Kernel, x: Any) -> Any:
        inside = x > 1e-3  # below, the quotient is 1 to the last digit
        safe = k.where(inside, x, 1.0)
        wave = (
            k.sin(safe * math.pi) * k.sin(safe * (math.pi / radius)) * (radius / math.pi**2) / (safe * safe)
        )
        return k.where(x < radius, k.where(inside, wave, 1.0), 0.0)

    return kernel


_KERNELS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0)}
_METHODS = {
    **_KERNELS, "linear": _triangle, "trilinear": _triangle, "cubic": _cubic, "tricubic": _cubic,
}  # fmt: skip


def _weights(
    k: Kernel, size: int, out: int, step: Any, shift: Any, kernel: Any, antialias: bool, dtype: str
) -> Any:
    """(size, out): how much each pixel counts for each new one, whose centers lie `step` pixels apart."""
    centers = (k.arange(0, out, 1, dtype) + 0.5) * step - shift - 0.5
    spread = (max(step, 1.0) if isinstance(step, float) else k.maximum(step, 1.0)) if antialias else 1.0
    pixels = k.expand_dims(k.arange(0, size, 1, dtype), 1)
    weights = kernel(k, k.abs(centers - pixels) / spread)
    total = k.sum(weights, 0, True)
    counted = k.abs(total) > 1e-4
    weights = k.where(counted, weights / k.where(counted, total, 1.0), 0.0)
    # A new pixel whose center lies outside the image is 0.
    inside = k.logical_and(centers >= -0.5, centers <= pixels[-1, ...] + 0.5)
    return k.where(inside, weights, 0.0)


def _along(k: Kernel, x: Any, axis: int, weights: Any) -> Any:
    """The weights applied to one axis."""
    moved = k.tensordot(x, weights, ([axis], [0]))
    order = list(range(len(x.shape) - 1))
    return k.permute_dims(moved, (*order[:axis], len(order), *order[axis:]))


def _nearest(k: Kernel, x: Any, axis: int, out: int) -> Any:
    size = k.shape(x)[axis]
    places = k.floor_divide((k.arange(0, out, 1, "int32") * 2 + 1) * size, k.full((), 2 * out, "int32"))
    return k.take(x, places, axis)


@op("images", module="image")
def resize(
    k: Kernel,
    images: Tensor,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Output:
    """Images in another size.

    `y[i] = sum_j w(|c_i - j|) x[j] / sum_j w(|c_i - j|)` per axis, with `c_i = (i + 1/2) size_in / size_out - 1/2`

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        size: The new height and width.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        antialias: Whether the weights widen when an image shrinks, so that all pixels count.
        crop_to_aspect_ratio: Whether the image is first cut in the middle to the ratio of the new size.
        pad_to_aspect_ratio: Whether the image is first filled up at its borders to that ratio.
        fill_mode: How to fill up: "constant".
        fill_value: The value to fill up with.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the dtype of the images; integers are rounded.

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.ops.image.resize(lamina.ops.ones((1, 4, 4, 3)), (2, 6)).shape == (1, 2, 6, 3)
        True

    Reference:
        Keys, 1981: Cubic Convolution Interpolation for Digital Image Processing
    """
    one_of("resize", "interpolation", interpolation, ("nearest", *_KERNELS))
    one_of("resize", "fill_mode", fill_mode, ("constant",))
    target = many("resize", "size", size, 2)
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True.")
    where = layout("resize", images, data_format)
    axes, dtype = (where.height, where.width), k.dtype(images)
    if crop_to_aspect_ratio or pad_to_aspect_ratio:
        images = _fitted(k, images, axes, target, crop_to_aspect_ratio, fill_value)
    if tuple(images.shape[a] for a in axes) == target:
        return images
    if interpolation == "nearest":
        for axis, out in zip(axes, target, strict=True):
            images = _nearest(k, images, axis, out)
        return images
    x = wide(k, images)
    for axis, out in zip(axes, target, strict=True):
        old = k.shape(x)[axis]
        step = old / out if isinstance(old, int) else k.astype(old, k.dtype(x)) / out
        x = _along(
            k, x, axis, _weights(k, old, out, step, 0.0, _KERNELS[interpolation], antialias, k.dtype(x))
        )
    return narrow(k, x, dtype)


def _fitted(k: Kernel, x: Any, axes: Any, target: Any, crop: bool, value: float) -> Any:
    """Cut or filled up in the middle to the ratio of the target."""
    sizes = [k.shape(x)[a] for a in axes]
    wanted = [sizes[1] * target[0] // target[1], sizes[0] * target[1] // target[0]]
    for axis, have, want in zip(axes, sizes, wanted, strict=True):
        # Else only the run knows which of them is larger.
        known = isinstance(have, int) and isinstance(want, int)
        if crop and (not known or want < have):
            want = want if known else k.minimum(want, have)
            start = (have - want) // 2
            x = k.getitem(x, (*[slice(None)] * axis, slice(start, start + want)))
        elif not crop and (not known or want > have):
            border = ((want if known else k.maximum(want, have)) - have) // 2
            widths = [(0, 0)] * len(x.shape)
            widths[axis] = (border, border)
            x = k.pad(x, widths, "constant", value)
    return x


@op("images", "scale", "translation", given=("output_shape",), module="image")
def scale_and_translate(
    k: Kernel,
    images: Tensor,
    output_shape: Any,
    scale: Tensor,
    translation: Tensor,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Output:
    """Arrays stretched and moved along some of their axes.

    `y[i] = sum_j w(|c_i - j|) x[j] / sum_j w(|c_i - j|)` with `c_i = (i + 1/2 - translation) / scale - 1/2`

    Args:
        images: A tensor.
        output_shape: The result's shape.
        scale: Tensor (axes,): how much longer each axis becomes.
        translation: Tensor (axes,): by how many new pixels it moves.
        spatial_dims: The axes.
        method: "linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3" or "lanczos5".
        antialias: Whether the weights widen when an axis shrinks.

    Returns:
        A tensor of `output_shape`; 0 where nothing lies below.

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((4, 4))
        >>> y = lamina.ops.image.scale_and_translate(x, (2, 2), [0.5, 0.5], [0.0, 0.0], (0, 1), "linear")
        >>> y.shape == (2, 2)
        True
    """
    name = "scale_and_translate"
    one_of(name, "method", method, _METHODS)
    axes = axes_of(name, tuple(spatial_dims), len(images.shape))
    if len(output_shape) != len(images.shape):
        raise ValueError(
            f"{name}: `output_shape` {tuple(output_shape)} must have the rank of the input {shown(images.shape)}."
        )
    for value, parameter in ((scale, "scale"), (translation, "translation")):
        if tuple(value.shape) != (len(axes),):
            raise ValueError(
                f"{name}: `{parameter}` must have shape ({len(axes)},), got {shown(value.shape)}."
            )
    x, dtype = wide(k, images), k.dtype(images)
    step = 1.0 / k.astype(scale, k.dtype(x))
    shift = k.astype(translation, k.dtype(x)) * step
    for i, axis in enumerate(axes):
        weights = _weights(
            k, x.shape[axis], output_shape[axis], step[i], shift[i], _METHODS[method], antialias, k.dtype(x)
        )
        x = _along(k, x, axis, weights)
    return narrow(k, k.broadcast_to(x, tuple(output_shape)), dtype)
