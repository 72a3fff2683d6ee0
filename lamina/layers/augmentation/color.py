"""The base of layers that change colors and leave everything in its place, and what they compute with."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import pair
from lamina.layers.augmentation.base import ImageAugmentation
from lamina.ops.checks import shown

WEIGHTS = (0.2989, 0.5870, 0.1140)  # of red, green and blue in brightness (ITU-R BT.601)


class Color(ImageAugmentation):
    """A layer that changes colors; boxes, masks and labels stay.

    A subclass says how images (floats, rank 4) change (`_colored`). Integer images come out as floats, or as integers
    if `_keeps_integers`.
    """

    value_range: Any = (0, 255)

    def _colored(self, images: Any, transformation: Any) -> Any:
        raise NotImplementedError

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        if not training or transformation is None:
            return images
        k = current()
        dtype = k.dtype(images)
        if dtype not in dtypes.IS_INTEGER:
            return self._colored(images, transformation)
        return k.astype(self._colored(k.astype(images, self.compute_dtype), transformation), dtype)

    def _range(self, value_range: Any) -> Any:
        self.value_range = pair(self, "value_range", value_range)
        return self.value_range

    def _clipped(self, images: Any) -> Any:
        low, high = self.value_range
        return ops.clip(images, float(low), float(high))

    def _each(self, value: Any, images: Any) -> Any:
        """A parameter of each image, so that it broadcasts with them."""
        return ops.cast(ops.reshape(value, (-1, 1, 1, 1)), current().dtype(images))

    def _to_unit(self, images: Any) -> Any:
        """The value range mapped to [0, 1]."""
        low, high = self.value_range
        return (images - float(low)) * (1.0 / (high - low))

    def _from_unit(self, images: Any) -> Any:
        low, high = self.value_range
        return images * float(high - low) + float(low)

    def _gray(self, images: Any) -> Any:
        """The brightness, (batch, height, width, 1) or with the channel first; images of one channel as they are."""
        channels = self._axes(4)[2]
        if color_channels(self, images) == 1:
            return images
        k = current()
        red, green, blue = (k.take(images, k.full((1,), i, "int32"), channels) for i in range(3))
        return red * WEIGHTS[0] + green * WEIGHTS[1] + blue * WEIGHTS[2]


def color_channels(layer: ImageAugmentation, images: Any) -> int:
    """How many channels images have: three colors, or gray alone.

    Raises:
        ValueError: if it is another number.
    """
    count = images.shape[layer._axes(4)[2]]
    if count not in (1, 3) and type(count) is int:
        raise ValueError(
            f"{type(layer).__name__}: images must have 3 channels, or 1 if they are gray, got shape "
            f"{shown(images.shape)} for data_format {layer.data_format!r}."
        )
    return count


def blended(a: Any, b: Any, share: Any) -> Any:
    """`a` where the share is 0, `b` where it is 1, between and beyond on the line through both."""
    return a + (b - a) * share
