"""Brightness and contrast."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.color import Color


class RandomBrightness(Color):
    """Makes images brighter or darker during training: adds one number to all their pixels.

    `y = clip(x + d (high - low))`, d from the range of `factor`

    Args:
        factor: The range of d: a pair, or f for (-f, f), between -1 and 1.

    Returns:
        Images of the same shape: floats in the compute dtype, integers as integers.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomBrightness((0.5, 0.5), seed=1)
        >>> float(lamina.ops.max(layer(lamina.ops.zeros((2, 8, 8, 3)))))
        127.5
    """

    _keeps_integers = True

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        (draw,) = self.uniforms(data, 1, seed)
        delta = (draw * (high - low) + low) * float(self.value_range[1] - self.value_range[0])
        return {"rgb_delta": ops.expand_dims(delta, (1, 2, 3))}

    def _colored(self, images: Any, transformation: Any) -> Any:
        return self._clipped(images + self._each(transformation["rgb_delta"], images))


class RandomContrast(Color):
    """Changes how far pixels are from the mean of their image and channel during training.

    `y = clip(c (x - mean) + mean)`, c from 1 - a to 1 + b

    Args:
        factor: The pair (a, b) between 0 and 1, or f for (0, f).

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomContrast((0.1, 0.2), seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0) if _rising(factor) else self._two(factor)
        self._range(value_range)

    def _two(self, factor: Any) -> tuple[float, float]:
        """A pair whose parts are independent: each a number between 0 and 1."""
        return (
            span(self, "factor", factor[0], 0, 1, start=0)[1],
            span(self, "factor", factor[1], 0, 1, start=0)[1],
        )

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        (draw,) = self.uniforms(data, 1, seed)
        return {"contrast_factor": ops.expand_dims(draw * (high - low) + low, (1, 2, 3))}

    def _colored(self, images: Any, transformation: Any) -> Any:
        mean = ops.mean(images, self._axes(4)[:2], keepdims=True)
        factor = self._each(transformation["contrast_factor"], images)
        return self._clipped(
            images * factor + mean * (1.0 - factor)
        )  # one pass over the images fewer than `blended`


def _rising(factor: Any) -> bool:
    return not (isinstance(factor, list | tuple) and len(factor) == 2 and factor[0] > factor[1])
