"""Hue, saturation and grayness."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import span
from lamina.layers.augmentation.color import Color, blended


class _OneFactor(Color):
    """A color layer that draws one factor for each image, from a range."""

    factor: Any

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        (draw,) = self.uniforms(data, 1, seed)
        return {"factor": draw * (high - low) + low}

    def _in_hsv(self, images: Any, change: Any) -> Any:
        """Images whose (hue, saturation, value) in [0, 1] were changed."""
        channels = self._axes(4)[2]
        hsv = ops.image.rgb_to_hsv(self._to_unit(images), self.data_format)
        hue, saturation, value = ops.unstack(hsv, axis=channels)
        hsv = ops.stack([*change(hue, saturation), value], channels)
        return self._clipped(self._from_unit(ops.image.hsv_to_rgb(hsv, self.data_format)))


class RandomHue(_OneFactor):
    """Turns colors around the color circle during training.

    `h' = h + d / 2` of a whole turn; the size of d comes from the range, its sign is random

    Args:
        factor: The range of the size of d: a pair, or f for (0, f), between 0 and 1.

    Raises:
        ValueError: if an argument is out of range; in calls, if images have not three channels.

    Example:
        >>> import lamina
        >>> lamina.layers.RandomHue(0.2, seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: int | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        draw, side = self.uniforms(data, 2, seed)
        return {"factor": (draw * (high - low) + low) * ops.where(side < 0.5, -0.5, 0.5)}

    def _colored(self, images: Any, transformation: Any) -> Any:
        turn = ops.squeeze(self._each(transformation["factor"], images), -1)

        def change(hue: Any, saturation: Any) -> Any:
            turned = hue + turn
            return turned - ops.floor(turned), saturation

        return self._in_hsv(images, change)


class RandomSaturation(_OneFactor):
    """Makes colors stronger or weaker during training.

    `s' = clip(s f / (1 - f), 0, 1)`, f from the range: at 0.5 nothing changes, at 0 all is gray

    Args:
        factor: The range of f: a pair, or f for (-f, f), between -1 and 1. Below 0 all is gray as well.

    Raises:
        ValueError: if an argument is out of range; in calls, if images have not three channels.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomSaturation((0.3, 0.7), seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: int | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        found = super().get_random_transformation(data, training, seed)
        if found is None:
            return None
        factor = found["factor"]
        return {"factor": factor / ops.maximum(1.0 - factor, 1e-7)}  # at 1 colors are as strong as can be

    def _colored(self, images: Any, transformation: Any) -> Any:
        strength = ops.squeeze(self._each(transformation["factor"], images), -1)

        def change(hue: Any, saturation: Any) -> Any:
            return hue, ops.clip(saturation * strength, 0.0, 1.0)

        return self._in_hsv(images, change)


class RandomColorDegeneration(_OneFactor):
    """Moves colors towards gray, or away from it, during training.

    `y = clip(x + f (gray(x) - x))`, f from the range: at 1 all is gray

    Args:
        factor: The range of f: a pair, or f for (-f, f), between -1 and 1.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomColorDegeneration(0.5, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: int | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, -1, 1)
        self._range(value_range)

    def _colored(self, images: Any, transformation: Any) -> Any:
        share = self._each(transformation["factor"], images)
        return self._clipped(blended(images, self._gray(images), share))


class RandomGrayscale(Color):
    """Makes some images gray during training; they keep three channels.

    Args:
        factor: The probability that an image becomes gray.

    Returns:
        Images of the same shape: floats in the compute dtype, integers as integers.

    Raises:
        ValueError: if the probability is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.RandomGrayscale(1.0)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    _keeps_integers = True

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)[1]

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        (draw,) = self.uniforms(data, 1, seed)
        return draw < self.factor

    def _colored(self, images: Any, transformation: Any) -> Any:
        return ops.where(ops.reshape(transformation, (-1, 1, 1, 1)), self._gray(images), images)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the seed only where there is one."""
        config = super().get_config()
        return {n: v for n, v in config.items() if n != "seed" or v is not None}
