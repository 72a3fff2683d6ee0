"""Images in perspective, and on rubber."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import pair, span
from lamina.layers.augmentation.draws import normals
from lamina.layers.augmentation.geometry import Geometric, least, most, number
from lamina.ops.image.sampling import displaced, homography


class RandomPerspective(Geometric):
    """Shows some images in perspective during training: three corners move to random places.

    Args:
        factor: The range of the probability for an image: a pair, or p for (0, p).
        scale: How far a corner moves at most, as twice the part of its distance from the upper left one.
        fill_value: What lies outside.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomPerspective(scale=0.2, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    _is_affine = False

    def __init__(
        self, factor: Any = 1.0, scale: float = 1.0, interpolation: str = "bilinear", fill_value: float = 0.0,
        seed: int | None = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, interpolation=interpolation, fill_value=fill_value, **kwargs
        )
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        if not isinstance(scale, int | float) or not 0 <= scale <= 1:
            raise ValueError(
                f"RandomPerspective: `scale` must be a number in the range [0, 1], got {scale!r}."
            )
        self.scale = scale

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        least, most = self.factor
        which, draw, *moves = self.uniforms(data, 10, seed)
        y, x = (number(n) - 1.0 for n in self._size_of(data))
        zero = ops.zeros_like(which)
        corners = [zero, zero, zero + x, zero, zero, zero + y, zero + x, zero + y]
        start = ops.reshape(ops.stack(corners, 1), (-1, 4, 2))
        factors = ops.reshape(ops.stack(moves, 1), (-1, 4, 2)) * self.scale + (1.0 - self.scale / 2.0)
        return {
            "apply_perspective": draw < which * (most - least) + least,
            "start_points": start,
            "end_points": start * factors,
            **self._facts(data),
        }

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        start, end = (ops.cast(transformation[n], "float32") for n in ("start_points", "end_points"))
        seen = ops.image.perspective_transform(
            images, start, end, interpolation, self.fill_value, self.data_format
        )
        return ops.where(ops.reshape(transformation["apply_perspective"], (-1, 1, 1, 1)), seen, images)

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        points = (ops.cast(transformation[n], "float32") for n in ("start_points", "end_points"))
        found = homography(current(), *points)
        still = ops.cast([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], "float32")
        return ops.where(ops.reshape(transformation["apply_perspective"], (-1, 1)), found, still)


class RandomElasticTransform(Geometric):
    """Bends some images during training, as if drawn on rubber.

    Each pixel is taken from beside it, by a smoothed random shift whose size and smoothness grow with the distortion.

    Args:
        factor: The range of the probability for an image: a pair, or p for (0, p).
        scale: The range of the distortion, between 0 and 1: a pair, or s for (0, s).

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomElasticTransform(seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True

    Reference:
        Simard et al., 2003: Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis
    """

    _is_affine = False

    def __init__(
        self, factor: Any = 1.0, scale: Any = 1.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, value_range: Any = (0, 255), seed: int | None = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
            **kwargs,
        )  # fmt: skip
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self.scale = span(self, "scale", scale, 0, 1, start=0)
        self.value_range = pair(self, "value_range", value_range)

    def get_elastic_transform_params(self, height: Any, width: Any, factor: Any) -> tuple[Any, Any]:
        """The size of the shifts and their smoothness (a deviation in pixels) for a distortion.

        Args:
            height, width: Of the images.
            factor: The distortion, between 0 and 1.

        Returns:
            (alpha, sigma).
        """
        return most(height, width) * 0.1 * factor, least(height, width) * 0.05 * factor

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        (low, high), (least, most) = self.scale, self.factor
        which, draw, distortion = self.uniforms(data, 3, seed)
        distortion = distortion * (high - low) + low
        height, width = self._size_of(data)
        noise = normals(seed, (self._batch(data), height, width, 2))
        return {
            "apply_transform": draw < which * (most - least) + least,
            "distortion_factor": distortion,
            "shifts": self._smoothed(noise, height, width, distortion),
            **self._facts(data),
        }

    def _smoothed(self, noise: Any, height: Any, width: Any, distortion: Any) -> Any:
        """Shifts (batch, height, width, 2) along rows and columns, in pixels.

        The window has the smoothness of the largest distortion, so that one program serves every draw; a weaker one
        makes the shifts smaller. It is applied as a matrix for each axis: its size may be known only when the program runs.
        """
        height, width = number(height), number(width)
        alpha, sigma = self.get_elastic_transform_params(height, width, self.scale[1])
        sigma = most(sigma, 1e-3)
        share = ops.reshape(distortion / max(self.scale[1], 1e-7), (-1, 1, 1, 1))
        along_rows = ops.matmul(_window(height, sigma), ops.transpose(noise, (0, 3, 1, 2)))
        smooth = ops.transpose(ops.matmul(along_rows, _window(width, sigma)), (0, 2, 3, 1))
        return smooth * (share * (alpha * sigma))

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        seen = displaced(
            current(),
            images,
            transformation["shifts"],
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )
        return ops.where(ops.reshape(transformation["apply_transform"], (-1, 1, 1, 1)), seen, images)

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        size = self._shape_of(transformation)
        corners = self._corners(boxes["boxes"], size)
        shifts = ops.cast(transformation["shifts"], "float32")
        bent = _around(corners, shifts, size)
        chosen = ops.reshape(transformation["apply_transform"], (-1, 1, 1))
        return self._written(boxes, ops.where(chosen, bent, corners), size)


def _window(size: Any, sigma: Any) -> Any:
    """A Gaussian of sum 1, cut at three deviations, as a matrix (size, size); beyond the border lies 0."""
    places = ops.arange(0, size, dtype="float32")
    reach = ops.floor(ops.floor(ops.cast(6.0 * sigma, "float32")) / 2.0)

    def weight(distance: Any) -> Any:
        inside = ops.cast(ops.abs(distance) <= reach, "float32")
        return ops.exp(-ops.square(distance) / (2.0 * sigma * sigma)) * inside

    total = 2.0 * ops.sum(weight(places)) - 1.0  # the middle stands there once
    return weight(ops.expand_dims(places, 1) - ops.expand_dims(places, 0)) / total


def _around(corners: Any, shifts: Any, size: tuple[Any, Any]) -> Any:
    """The boxes around all pixels that are taken from inside of boxes."""
    height, width = size
    y = ops.reshape(ops.arange(0, height, dtype="float32"), (1, 1, -1, 1))
    x = ops.reshape(ops.arange(0, width, dtype="float32"), (1, 1, 1, -1))
    from_y, from_x = (ops.expand_dims(v, 1) + 0.5 for v in (shifts[..., 0] + y[0], shifts[..., 1] + x[0]))
    left, top, right, bottom = (ops.expand_dims(corners[..., i], (2, 3)) for i in range(4))
    inside = ops.logical_and(
        ops.logical_and(from_x >= left, from_x < right), ops.logical_and(from_y >= top, from_y < bottom)
    )
    far = number(height) + number(width)
    ends = [
        ops.min(ops.where(inside, x, far), (2, 3)), ops.min(ops.where(inside, y, far), (2, 3)),
        ops.max(ops.where(inside, x + 1.0, -far), (2, 3)), ops.max(ops.where(inside, y + 1.0, -far), (2, 3)),
    ]  # fmt: skip
    return ops.stack(ends, -1)
