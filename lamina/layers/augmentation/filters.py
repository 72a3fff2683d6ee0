"""Blurred and sharpened images."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.color import Color, blended


class RandomGaussianBlur(Color):
    """Blurs some images during training; beyond the border lies 0.

    Args:
        factor: The range of the probability for an image: a pair, or p for (0, p).
        kernel_size: Width and height of the window, odd: two integers, or one for both.
        sigma: The range of the Gaussian's deviation, in pixels: a pair, or s for (0, s).

    Example:
        >>> import lamina
        >>> lamina.layers.RandomGaussianBlur(seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any = 1.0, kernel_size: Any = 3, sigma: Any = 1.0, value_range: Any = (0, 255),
        data_format: str | None = None, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self.kernel_size = self._odd(kernel_size)
        self.sigma = span(self, "sigma", sigma, 0, float("inf"), start=0)
        self._range(value_range)

    def _odd(self, given: Any) -> tuple[int, int]:
        pair = tuple(given) if isinstance(given, list | tuple) else (given, given)
        if len(pair) != 2 or not all(isinstance(n, int) and n > 0 and n % 2 for n in pair):
            raise ValueError(
                f"RandomGaussianBlur: `kernel_size` must be an odd integer or two of them, got {given!r}."
            )
        return pair

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        (low, high), (least, most) = self.sigma, self.factor
        which, draw, x, y = self.uniforms(data, 4, seed)
        sigmas = ops.stack([x * (high - low) + low, y * (high - low) + low], 1)
        return {"should_apply_blur": draw < which * (most - least) + least, "blur_factor": sigmas}

    def _colored(self, images: Any, transformation: Any) -> Any:
        sigmas = ops.cast(ops.reshape(transformation["blur_factor"], (-1, 2)), "float32")
        height, width, _ = self._axes(4)
        out = images
        for axis, size, sigma in (
            (height, self.kernel_size[1], sigmas[:, 1]),
            (width, self.kernel_size[0], sigmas[:, 0]),
        ):
            out = self._along(out, axis, size, sigma)
        chosen = ops.reshape(transformation["should_apply_blur"], (-1, 1, 1, 1))
        return ops.where(chosen, out, images)

    def _along(self, images: Any, axis: int, size: int, sigma: Any) -> Any:
        """One pass: each image has a window of its own, so a sum over the window's few places."""
        places = ops.arange(-(size // 2), size // 2 + 1, dtype="float32")
        # A deviation of 0 leaves the middle alone; so does this one, and nothing is divided by 0.
        windows = ops.exp(-0.5 * ops.square(places / ops.expand_dims(ops.maximum(sigma, 1e-3), 1)))
        windows = windows / ops.sum(windows, 1, keepdims=True)
        widths = [(size // 2, size // 2) if a == axis else (0, 0) for a in range(4)]
        padded, length = ops.pad(images, widths), ops.shape(images)[axis]
        total: Any = None
        for i in range(size):
            part = padded[(*[slice(None)] * axis, slice(i, i + length))]
            part = part * self._each(windows[:, i], images)
            total = part if total is None else total + part
        return total


class RandomSharpness(Color):
    """Sharpens or blurs images during training.

    `y = clip(x' + 2 f (x - x'))`, where x' is smoothed by [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13

    Args:
        factor: The range of f: a pair, or f for (0, f), between -1 and 1. At 0.5 nothing changes, below images become
            smoother, above sharper.

    Example:
        >>> import lamina
        >>> lamina.layers.RandomSharpness(0.5, seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: int | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1, start=0)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        (draw,) = self.uniforms(data, 1, seed)
        return {"factor": draw * (high - low) + low}

    def _colored(self, images: Any, transformation: Any) -> Any:
        smooth = self._smoothed(images)
        share = 2.0 * self._each(transformation["factor"], images)
        return self._clipped(blended(smooth, images, share))

    def _smoothed(self, images: Any) -> Any:
        """The mean of the neighbors, which counts the pixel itself five times; beyond the border lies 0."""
        height, width, _ = self._axes(4)
        sums = ops.pad(images, [(1, 1) if axis in (height, width) else (0, 0) for axis in range(4)])
        for axis in (height, width):
            sums = _three(sums, axis)
        return (sums + 4.0 * images) * (1.0 / 13.0)


def _three(x: Any, axis: int) -> Any:
    """Sums of three neighbors along an axis."""
    before = (slice(None),) * axis
    return x[(*before, slice(0, -2))] + x[(*before, slice(1, -1))] + x[(*before, slice(2, None))]
