"""Images with a part missing."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.color import Color
from lamina.layers.augmentation.draws import normals
from lamina.layers.augmentation.geometry import number


class RandomErasing(Color):
    """Erases a rectangle of some images during training.

    Args:
        factor: The range of the probability for an image: a pair, or p for (0, p).
        scale: The range of the squares of the rectangle's height and width, as parts of the image's: a pair, or s for
            (0, s). Both are drawn on their own.
        fill_value: What stands there: a number, or None for normal noise in the value range.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomErasing(fill_value=0.0, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True

    Reference:
        Zhong et al., 2017: Random Erasing Data Augmentation, https://arxiv.org/abs/1708.04896
    """

    def __init__(
        self, factor: Any = 1.0, scale: Any = (0.02, 0.33), fill_value: float | None = None,
        value_range: Any = (0, 255), seed: int | None = None, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self.scale = span(self, "scale", scale, 0, 1, start=0)
        self.fill_value = fill_value
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        seed = self._next(seed)
        images = data["images"] if isinstance(data, dict) else data
        low, high = self.scale
        least, most = self.factor
        which, draw, tall, wide, top, left = self.uniforms(data, 6, seed)
        sides = [ops.sqrt(u * (high - low) + low) for u in (tall, wide)]
        mask = rectangles(self._size(images), sides, (top, left))
        mask = ops.expand_dims(mask, self._axes(4)[2])
        return {
            "apply_erasing": draw < which * (most - least) + least,
            "batch_masks": ops.logical_and(mask, ops.ones_like(_rank_4(images), dtype="bool")),
            "fill_value": self._filling(_rank_4(images), seed),
        }

    def _filling(self, images: Any, seed: Any) -> Any:
        if self.fill_value is not None:
            return ops.full_like(images, self.fill_value, dtype="float32")
        low, high = self.value_range
        shape = ops.shape(images)
        noise = ops.clip(normals(seed, shape) * float(high), float(low), float(high))
        return noise

    def _colored(self, images: Any, transformation: Any) -> Any:
        chosen = ops.reshape(transformation["apply_erasing"], (-1, 1, 1, 1))
        there = ops.logical_and(chosen, transformation["batch_masks"])
        return ops.where(there, ops.cast(transformation["fill_value"], self.compute_dtype), images)


def _rank_4(images: Any) -> Any:
    return ops.expand_dims(images, 0) if len(images.shape) == 3 else images


def rectangles(size: tuple[Any, Any], sides: Any, places: Any) -> Any:
    """Rectangles inside images, (batch, height, width) bool.

    Args:
        size: Height and width of the images.
        sides: Height and width of the rectangles as parts of the images', each (batch,).
        places: Where they lie, from 0 (at the upper or left border) to 1, each (batch,).
    """
    found = []
    for n, side, place in zip(size, sides, places, strict=True):
        pixels = ops.expand_dims(ops.arange(0, n, dtype="float32") + 0.5, 0)
        length = ops.expand_dims(side * number(n), 1)
        start = ops.expand_dims(place, 1) * (number(n) - length)
        found.append(ops.logical_and(pixels >= start, pixels < start + length))
    return ops.logical_and(ops.expand_dims(found[0], 2), ops.expand_dims(found[1], 1))
