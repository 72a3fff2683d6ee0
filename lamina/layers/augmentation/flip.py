"""Mirrored images."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.geometry import Spatial, affine, number, rows
from lamina.ops.checks import one_of

HORIZONTAL, VERTICAL, BOTH = "horizontal", "vertical", "horizontal_and_vertical"


class RandomFlip(Spatial):
    """Mirrors each image with probability 1/2 during training.

    Args:
        mode: "horizontal" (left and right change places), "vertical", or "horizontal_and_vertical" (both at once).

    Raises:
        ValueError: if the mode is unknown.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomFlip("horizontal", seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    _is_affine = True

    def __init__(
        self, mode: str = BOTH, seed: int | None = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = one_of("RandomFlip", "mode", mode, (HORIZONTAL, VERTICAL, BOTH))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        (draw,) = self.uniforms(data, 1, seed)
        return {"flips": ops.expand_dims(draw <= 0.5, (1, 2, 3)), **self._facts(data)}

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        height, width, _ = self._axes(4)
        axes = tuple(a for a, other in ((height, HORIZONTAL), (width, VERTICAL)) if self.mode != other)
        return ops.where(ops.reshape(transformation["flips"], (-1, 1, 1, 1)), ops.flip(images, axes), images)

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        """The map of each image, (batch, 8), for who sees through several at once."""
        flips = rows(transformation["flips"])
        height, width = (number(n) - 1.0 for n in size)
        one, zero = ops.ones_like(flips), ops.zeros_like(flips)
        x, left = (one, zero) if self.mode == VERTICAL else (1.0 - 2.0 * flips, flips * width)
        y, top = (one, zero) if self.mode == HORIZONTAL else (1.0 - 2.0 * flips, flips * height)
        return affine(x, 0.0, left, 0.0, y, top)

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        height, width = self._shape_of(transformation)
        flips = ops.reshape(transformation["flips"], (-1, 1))
        corners = self._corners(boxes["boxes"], (height, width))
        left, top, right, bottom = (corners[..., i] for i in range(4))
        if self.mode != VERTICAL:
            left, right = ops.where(flips, width - right, left), ops.where(flips, width - left, right)
        if self.mode != HORIZONTAL:
            top, bottom = ops.where(flips, height - bottom, top), ops.where(flips, height - top, bottom)
        return self._written(boxes, ops.stack([left, top, right, bottom], -1), (height, width))
