"""Images convolved with fixed windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel.contract import Kernel
from lamina.ops.checks import shown
from lamina.ops.image._layout import batched, known, layout, narrow, single, two, wide
from lamina.ops.op import Output, Tensor, op


def _gaussian(size: int, sigma: float) -> np.ndarray:
    places = np.arange(size) - (size - 1) / 2
    window = np.exp(-0.5 * (places / sigma) ** 2)
    return window / window.sum()


def blurred(
    k: Kernel,
    x: Any,
    size: tuple[int, int],
    sigma: tuple[float, float],
    channels_last: bool,
    same: bool = True,
) -> Any:
    """A Gaussian over height and width of float images (rank 4): one pass along each, which is the same."""
    channels = x.shape[-1 if channels_last else 1]
    for axis in (0, 1):
        n = size[axis]
        window = k.asarray(_gaussian(n, float(sigma[axis])), k.dtype(x))
        shape = (n, 1) if axis == 0 else (1, n)
        kernel = k.broadcast_to(k.reshape(window, (*shape, 1, 1)), (*shape, 1, channels))
        pads = [(0, 0), (0, 0)]
        if same:
            pads[axis] = ((n - 1) // 2, n - 1 - (n - 1) // 2)
        x = k.conv(x, kernel, (1, 1), pads, (1, 1), channels, channels_last)
    return x


def _deviations(op: str, sigma: Any) -> tuple[float, float]:
    pair = (sigma, sigma) if isinstance(sigma, int | float) else tuple(sigma)
    if len(pair) != 2 or not all(isinstance(s, int | float) and s > 0 for s in pair):
        raise ValueError(f"{op}: `sigma` must be two numbers above 0, got {sigma!r}.")
    return pair


@op("images", module="image")
def gaussian_blur(
    k: Kernel,
    images: Tensor,
    kernel_size: Any = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: str | None = None,
) -> Output:
    """Images smoothed by a Gaussian window; beyond the border lies 0.

    `w[i, j] ~ exp(-i^2 / (2 s_y^2) - j^2 / (2 s_x^2))`, of sum 1

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        kernel_size: Width and height of the window, in this order.
        sigma: The deviations (s_x, s_y), in pixels.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the shape and dtype of the images.

    Raises:
        ValueError: if a size or deviation is out of range, or the rank does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.image.gaussian_blur(lamina.ops.ones((4, 4, 3))).shape == (4, 4, 3)
        True
    """
    size, sigma = two("gaussian_blur", "kernel_size", kernel_size), _deviations("gaussian_blur", sigma)
    where = layout("gaussian_blur", images, data_format)
    x, was_single = batched(k, wide(k, images))
    out = blurred(k, x, (size[1], size[0]), (sigma[1], sigma[0]), where.channels_last)
    return narrow(k, single(k, out, was_single), k.dtype(images))


@op("images", module="image")
def sobel_edges(k: Kernel, images: Tensor, data_format: str | None = None) -> Output:
    """How brightness changes downwards and to the right, by Sobel's windows; beyond the border lies 0.

    `dy = [1 2 1]^T x [-1 0 1]` transposed, `dx = [1 2 1]^T x [-1 0 1]`

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor with a last axis more: (dy, dx).

    Raises:
        ValueError: if the rank does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.image.sobel_edges(lamina.ops.ones((1, 4, 4, 3))).shape == (1, 4, 4, 3, 2)
        True

    Reference:
        Sobel and Feldman, 1968: A 3x3 Isotropic Gradient Operator for Image Processing
    """
    where = layout("sobel_edges", images, data_format)
    rows, columns = where.height, where.width
    widths = [(1, 1) if axis in (rows, columns) else (0, 0) for axis in range(len(images.shape))]
    x = k.pad(images, widths, "constant", 0)
    dy = _smooth(k, _difference(k, x, rows), columns)
    dx = _smooth(k, _difference(k, x, columns), rows)
    return k.stack([dy, dx], -1)


def _part(k: Kernel, x: Any, axis: int, start: int, stop: int | None) -> Any:
    return k.getitem(x, (*[slice(None)] * axis, slice(start, stop)))


def _difference(k: Kernel, x: Any, axis: int) -> Any:
    return _part(k, x, axis, 2, None) - _part(k, x, axis, 0, -2)


def _smooth(k: Kernel, x: Any, axis: int) -> Any:
    middle = _part(k, x, axis, 1, -1)
    return _part(k, x, axis, 0, -2) + middle + middle + _part(k, x, axis, 2, None)


@op("image1", "image2", promote="float", module="image", class_name="SSIM")
def ssim(
    k: Kernel,
    image1: Tensor,
    image2: Tensor,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Output:
    """Structural similarity of images.

    `(2 m1 m2 + c1) (2 s12 + c2) / ((m1^2 + m2^2 + c1) (s1^2 + s2^2 + c2))` with local means m, variances s^2 and
    covariance s12 under a Gaussian window, `c = (k max_val)^2`; the mean over the image.

    Args:
        image1: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        image2: Tensor of the same shape.
        max_val: The largest value a pixel can have.
        filter_size: The size of the window.
        filter_sigma: Its deviation, in pixels.
        k1: Keeps the first quotient finite.
        k2: Keeps the second quotient finite.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor (batch,), or a scalar for one image; 1 for equal images.

    Raises:
        ValueError: if the shapes differ or are smaller than the window.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((16, 16, 3))
        >>> float(lamina.ops.image.ssim(x, x))
        1.0

    Reference:
        Wang et al., 2004: Image Quality Assessment, https://doi.org/10.1109/TIP.2003.819861
    """
    where = layout("ssim", image1, data_format)
    pairs = zip(image1.shape, image2.shape, strict=False)
    if len(image1.shape) != len(image2.shape) or any(n != m and known(n, m) for n, m in pairs):
        raise ValueError(
            f"ssim: the shapes must be equal, got {shown(image1.shape)} and {shown(image2.shape)}."
        )
    size = two("ssim", "filter_size", filter_size)
    for axis in (where.height, where.width):
        if known(image1.shape[axis]) and image1.shape[axis] < filter_size:
            raise ValueError(
                f"ssim: the window of {filter_size} is larger than the images {shown(image1.shape)}."
            )
    sigma, dtype = _deviations("ssim", filter_sigma), k.dtype(image1)
    x, was_single = batched(k, wide(k, image1))
    y, _ = batched(k, wide(k, image2))

    def local(z: Any) -> Any:
        return blurred(k, z, size, sigma, where.channels_last, same=False)

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mean_x, mean_y = local(x), local(y)
    squares, product = k.square(mean_x) + k.square(mean_y), mean_x * mean_y
    light = (2.0 * product + c1) / (squares + c1)
    contrast = (2.0 * (local(x * y) - product) + c2) / (local(k.square(x) + k.square(y)) - squares + c2)
    return k.astype(single(k, k.mean(light * contrast, (1, 2, 3)), was_single), dtype)
