"""What is done to each value on its own, or to an image's range of values."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import size, span
from lamina.layers.augmentation.color import Color


class RandomInvert(Color):
    """Inverts the colors of some images during training: `y = high + low - x`.

    Args:
        factor: The range of the probability for an image: a pair, or p for (0, p).

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomInvert((1.0, 1.0))
        >>> float(lamina.ops.max(layer(lamina.ops.zeros((2, 8, 8, 3)))))
        255.0
    """

    def __init__(
        self, factor: Any = 1.0, value_range: Any = (0, 255), seed: int | None = None,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 0, 1, start=0)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        return {"apply_inversion": self._chosen(data, seed)}

    def _colored(self, images: Any, transformation: Any) -> Any:
        low, high = self.value_range
        chosen = ops.reshape(transformation["apply_inversion"], (-1, 1, 1, 1))
        return ops.where(chosen, float(high + low) - images, images)


class RandomPosterization(Color):
    """Keeps few bits of the values during training.

    Args:
        factor: The range of the number of bits: a pair of integers from 1 to 8 whose second is not included, or b for
            (1, b).

    Example:
        >>> import lamina
        >>> layer = lamina.layers.RandomPosterization((1, 2))
        >>> float(lamina.ops.max(layer(lamina.ops.full((2, 8, 8, 3), 255.0))))
        128.0
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None, seed: int | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = span(self, "factor", factor, 1, 8, start=1)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        low, high = self.factor
        (draw,) = self.uniforms(data, 1, seed)
        bits = ops.floor(draw * max(high - low, 1)) + low
        return {"shift_factor": ops.cast(8 - bits, "uint8")}

    def _colored(self, images: Any, transformation: Any) -> Any:
        k = current()
        step = ops.power(2.0, ops.cast(self._each(transformation["shift_factor"], images), k.dtype(images)))
        bytes_ = ops.floor(ops.clip(self._to_unit(images) * 255.0, 0.0, 255.0))
        return self._from_unit(ops.floor(bytes_ / step) * step * (1.0 / 255.0))


class Solarization(Color):
    """Inverts values above a threshold, after something was added, during training.

    `x' = clip(x + a 255)`, then `y = x'` below `t 255`, else `255 - x'`; on the scale of 0 to 255

    Args:
        addition_factor: The range of a: a pair, or f for (0, f), between 0 and 1.
        threshold_factor: The range of t.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.Solarization(0.1, 0.5, seed=1)
        >>> layer(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 8, 8, 3)
        True
    """

    def __init__(
        self, addition_factor: Any = 0.0, threshold_factor: Any = 0.0, value_range: Any = (0, 255),
        seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = span(self, "addition_factor", addition_factor, 0, 1, start=0)
        self.threshold_factor = span(self, "threshold_factor", threshold_factor, 0, 1, start=0)
        self._range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        if not training:
            return None
        draws = self.uniforms(data, 2, seed)
        found = [
            ops.expand_dims((u * (high - low) + low) * 255.0, (1, 2, 3))
            for u, (low, high) in zip(draws, (self.addition_factor, self.threshold_factor), strict=True)
        ]
        return {"additions": found[0], "thresholds": found[1]}

    def _colored(self, images: Any, transformation: Any) -> Any:
        x = self._to_unit(images) * 255.0
        x = ops.clip(x + self._each(transformation["additions"], images), 0.0, 255.0)
        x = ops.where(x < self._each(transformation["thresholds"], images), x, 255.0 - x)
        return self._from_unit(x * (1.0 / 255.0))


class AutoContrast(Color):
    """Stretches the values of each channel of each image over the whole range.

    `y = (x - min) (high - low) / (max - min) + low`

    Returns:
        Images of the same shape, in the compute dtype; channels of one value alone stay as they are.

    Raises:
        ValueError: if the range is none.

    Example:
        >>> import lamina
        >>> y = lamina.layers.AutoContrast()(lamina.ops.reshape(lamina.ops.arange(4.0), (2, 2, 1)))
        >>> float(lamina.ops.max(y))
        255.0
    """

    _draws = False

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._range(value_range)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        axes = self._axes(4)[:2]
        low, high = ops.min(images, axes, keepdims=True), ops.max(images, axes, keepdims=True)
        some = high > low
        scale = float(self.value_range[1] - self.value_range[0]) / ops.where(some, high - low, 1.0)
        stretched = (images - low) * scale + float(self.value_range[0])
        return ops.where(some, self._clipped(stretched), images)


class Equalization(Color):
    """Spreads the values of each channel of each image evenly over the range.

    `y = (cdf(x) - cdf_min) / (1 - cdf_min)` of the range, where cdf is the share of pixels up to a value's bin

    Args:
        bins: How many values are told apart.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Equalization()(lamina.ops.reshape(lamina.ops.arange(4.0), (2, 2, 1)))
        >>> lamina.ops.convert_to_numpy(y).ravel().tolist()
        [0.0, 85.0, 170.0, 255.0]
    """

    _draws = False

    def __init__(
        self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.bins = size(self, "bins", bins)
        self._range(value_range)

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        k = current()
        shape = ops.shape(images)
        x = images if self.data_format == "channels_last" else ops.transpose(images, (0, 2, 3, 1))
        batch, height, width, channels = ops.shape(x)
        line = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (batch * channels, height * width))
        places = binned(line, self.value_range, self.bins)
        counts = histograms(places, self.bins)
        table = ops.cumsum(counts, 1)
        first = ops.min(ops.where(counts > 0, table, table[:, -1:]), 1, keepdims=True)
        total = table[:, -1:]
        room = ops.maximum(total - first, 1.0)
        table = ops.round((table - first) / room * 255.0) * (1.0 / 255.0)  # in steps of bytes
        out = ops.take_along_axis(table, places, 1)
        out = ops.where(total > first, self._from_unit(out), line)
        out = ops.transpose(ops.reshape(out, (batch, channels, height, width)), (0, 2, 3, 1))
        out = out if self.data_format == "channels_last" else ops.transpose(out, (0, 3, 1, 2))
        return ops.reshape(k.astype(out, k.dtype(images)), shape)


def binned(x: Any, value_range: Any, bins: int) -> Any:
    """The bin of each value, int32."""
    low, high = value_range
    places = ops.floor((x - float(low)) * ((bins - 1) / (high - low)))
    return ops.cast(ops.clip(places, 0.0, float(bins - 1)), "int32")


def histograms(places: Any, bins: int) -> Any:
    """How often each bin occurs in each row, (rows, bins) float32: one sum over bins, no loop over rows."""
    k, rows = current(), ops.shape(places)[0]
    ids = ops.reshape(places + ops.expand_dims(ops.arange(0, rows, dtype="int32") * bins, 1), (-1,))
    counts = k.segment(ops.ones_like(ids, dtype="float32"), ids, rows * bins, "sum")
    return ops.reshape(counts, (rows, bins))
