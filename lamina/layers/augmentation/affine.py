"""Turned, stretched, moved and sheared images."""

from __future__ import annotations

import math
from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.geometry import Geometric, affine, around_center, number, rows


class RandomRotation(Geometric):
    """Turns images around their centers by random angles during training.

    Args:
        factor: The range of angles as parts of a whole turn: a pair, or f for (-f, f). Positive is
            counter-clockwise.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomRotation(0.1, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: int | None = None,
        fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
            **kwargs,
        )  # fmt: skip
        self.factor = span(self, "factor", factor, -1, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        (draw,) = self.uniforms(data, 1, seed)
        angle = (draw * (high - low) + low) * 360.0
        return {"angle": angle, **self._facts(data)}

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        angle = rows(transformation["angle"]) * (math.pi / 180.0)
        cos, sin = ops.cos(angle), ops.sin(angle)
        return around_center(cos, -sin, sin, cos, size)


class RandomZoom(Geometric):
    """Makes images larger or smaller around their centers during training.

    Args:
        height_factor: The range of the part by which more is seen in height: a pair, or f for (-f, f). -0.3 shows 30%
            less (zooms in), 0.2 shows 20% more.
        width_factor: The same for the width; None keeps the ratio.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomZoom((-0.3, 0.2), seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
        interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
            **kwargs,
        )  # fmt: skip
        self.height_factor, self.width_factor = height_factor, width_factor
        spans = [span(self, "height_factor", height_factor, -1, 1)]
        spans += [] if width_factor is None else [span(self, "width_factor", width_factor, -1, 1)]
        if any(low == -1 for low, _ in spans):
            raise ValueError("RandomZoom: a factor of -1 would show nothing of an image: stay above -1.")
        self._spans = spans

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        draws = self.uniforms(data, len(self._spans), seed)
        zooms = [ops.expand_dims(u * (hi - lo) + (1.0 + lo), 1) for u, (lo, hi) in zip(draws, self._spans)]
        return {"height_zoom": zooms[0], "width_zoom": zooms[-1], **self._facts(data)}

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        return around_center(
            rows(transformation["width_zoom"]), 0.0, 0.0, rows(transformation["height_zoom"]), size
        )

    def get_transformed_x_y(self, x: Any, y: Any, transform: Any) -> tuple[Any, Any]:
        """Where the point (x, y) is taken from by a map `transform` (batch, 8)."""
        return _taken_from(x, y, transform)

    def get_clipped_bbox(
        self, bounding_boxes: Any, h_end: Any, h_start: Any, w_end: Any, w_start: Any
    ) -> Any:
        """The boxes (left, top, right, bottom) inside a window of the image, seen from its corner."""
        left, top, right, bottom = (bounding_boxes["boxes"][..., i] for i in range(4))
        x = [ops.clip(v, w_start, w_end) - w_start for v in (left, right)]
        y = [ops.clip(v, h_start, h_end) - h_start for v in (top, bottom)]
        return {**bounding_boxes, "boxes": ops.stack([x[0], y[0], x[1], y[1]], -1)}


class RandomTranslation(Geometric):
    """Moves images at random during training.

    Args:
        height_factor: The range of the movement downwards as a part of the height: a pair, or f for (-f, f).
        width_factor: The range of the movement to the right as a part of the width.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomTranslation(0.2, (-0.1, 0.3), seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
            **kwargs,
        )  # fmt: skip
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = span(self, "height_factor", height_factor, -1, 1)
        self._right = span(self, "width_factor", width_factor, -1, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        height, width = self._size_of(data)
        down, right = self.uniforms(data, 2, seed)
        x = (right * (self._right[1] - self._right[0]) + self._right[0]) * number(width)
        y = (down * (self._down[1] - self._down[0]) + self._down[0]) * number(height)
        return {"translations": ops.stack([x, y], 1), **self._facts(data)}

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        moved = ops.cast(transformation["translations"], "float32")
        return affine(1.0, 0.0, -moved[:, 0], 0.0, 1.0, -moved[:, 1])

    def get_transformed_x_y(self, x: Any, y: Any, transform: Any) -> tuple[Any, Any]:
        """Where the point (x, y) is taken from by a map `transform` (batch, 8)."""
        return _taken_from(x, y, transform)

    def get_shifted_bbox(self, bounding_boxes: Any, w_shift_factor: Any, h_shift_factor: Any) -> Any:
        """The boxes (left, top, right, bottom) moved by so many pixels."""
        moved = ops.stack([w_shift_factor, h_shift_factor, w_shift_factor, h_shift_factor], -1)
        return {**bounding_boxes, "boxes": bounding_boxes["boxes"] + moved}


class RandomShear(Geometric):
    """Shears images at random during training: pixel (x, y) is taken from (x + s y, y + t x).

    Args:
        x_factor: The range of the size of s, its sign is random: a pair, or f for any from -f to f.
        y_factor: The same for t.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomShear(0.2, 0.1, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, x_factor: Any = 0.0, y_factor: Any = 0.0, interpolation: str = "bilinear", fill_mode: str = "reflect",
        fill_value: float = 0.0, data_format: str | None = None, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            seed=seed, data_format=data_format, fill_mode=fill_mode, interpolation=interpolation, fill_value=fill_value,
            **kwargs,
        )  # fmt: skip
        self.x_factor = self._checked("x_factor", x_factor)
        self.y_factor = self._checked("y_factor", y_factor)

    def _checked(self, name: str, value: Any) -> tuple[float, float]:
        """The range; the one around 0 that configs hold for a single number is taken back."""
        if isinstance(value, list | tuple) and len(value) == 2 and value[0] == -value[1]:
            value = value[1]
        return span(self, name, value, -1 if isinstance(value, int | float) and value >= 0 else 0, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        draws = self.uniforms(data, 4, seed)
        pairs = [
            (u * (high - low) + low) * ops.where(side < 0.5, -1.0, 1.0)
            for u, side, (low, high) in zip(draws[:2], draws[2:], (self.x_factor, self.y_factor))
        ]
        return {"shear_factor": ops.stack(pairs, 1), **self._facts(data)}

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        factors = ops.cast(transformation["shear_factor"], "float32")
        return affine(1.0, factors[:, 0], 0.0, factors[:, 1], 1.0, 0.0)

    def get_transformed_x_y(self, x: Any, y: Any, transform: Any) -> tuple[Any, Any]:
        """Where the point (x, y) is taken from by a map `transform` (batch, 8)."""
        return _taken_from(x, y, transform)

    def get_shifted_bbox(self, bounding_boxes: Any, w_shift_factor: Any, h_shift_factor: Any) -> Any:
        """The boxes (left, top, right, bottom) moved by so many pixels."""
        moved = ops.stack([w_shift_factor, h_shift_factor, w_shift_factor, h_shift_factor], -1)
        return {**bounding_boxes, "boxes": bounding_boxes["boxes"] + moved}


def _taken_from(x: Any, y: Any, transform: Any) -> tuple[Any, Any]:
    a, b, c, d, e, f, g, h = (transform[:, i] for i in range(8))
    w = g * x + h * y + 1.0
    return (a * x + b * y + c) / w, (d * x + e * y + f) / w
