"""Images brought to one size: stretched, or cut."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.layers.augmentation.arguments import filling, size
from lamina.layers.augmentation.base import ImageAugmentation
from lamina.layers.augmentation.geometry import least, most, number
from lamina.ops.checks import one_of

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _ToSize(ImageAugmentation):
    """What layers share whose results have one size."""

    height: int
    width: int

    def _scaled(self, corners: Any, window: Any) -> Any:
        """Boxes seen from a window (top, left, height, width) that becomes the result."""
        top, left, height, width = map(number, window)
        y, x = self.height / height, self.width / width
        parts = [corners[..., 0] - left, corners[..., 1] - top, corners[..., 2] - left, corners[..., 3] - top]
        return ops.stack([p * f for p, f in zip(parts, (x, y, x, y))], -1)

    def _in_window(self, bounding_boxes: Any, window: Any, old: tuple[Any, Any]) -> Any:
        """Boxes of images of size `old`, after the window has become the result."""
        corners = self._corners(bounding_boxes["boxes"], old)
        return self._written(bounding_boxes, self._scaled(corners, window), (self.height, self.width))

    def _resized(self, images: Any, interpolation: str = "bilinear", **more: Any) -> Any:
        return ops.image.resize(
            images, (self.height, self.width), interpolation, data_format=self.data_format, **more
        )

    def _largest(self, old: tuple[Any, Any]) -> tuple[Any, Any, Any, Any]:
        """The largest window of the result's ratio in the middle of an image: (top, left, height, width)."""
        height, width = old
        tall = least(width * self.height // self.width, height)
        wide = least(height * self.width // self.height, width)
        return (height - tall) // 2, (width - wide) // 2, tall, wide

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the images, with the new height and width."""
        if isinstance(input_shape, dict):
            return {**input_shape, "images": self.compute_output_shape(input_shape["images"])}
        shape = list(input_shape)
        height, width, _ = self._axes(len(shape))
        shape[height], shape[width] = self.height, self.width
        return tuple(shape)


class Resizing(_ToSize):
    """Brings images to one size.

    Args:
        height: The new height.
        width: The new width.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: Whether images are first cut in the middle to the ratio of the new size.
        pad_to_aspect_ratio: Whether images are first filled up at their borders to that ratio.
        fill_mode: How to fill up: "constant".
        fill_value: The value to fill up with.
        antialias: Whether all pixels count when images shrink.

    Returns:
        Images of the new size: floats in the compute dtype, integers as integers.

    Example:
        >>> import lamina
        >>> lamina.layers.Resizing(4, 6)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 4, 6, 3)
        True
    """

    _keeps_integers = True
    _draws = False

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0,
        antialias: bool = False, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = size(self, "height", height), size(self, "width", width)
        self.interpolation = one_of("Resizing", "interpolation", interpolation, _INTERPOLATIONS)
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError(
                "Resizing: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True."
            )
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode = one_of("Resizing", "fill_mode", fill_mode, ("constant",))
        self.fill_value, self.antialias = filling(self, fill_value), bool(antialias)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The size of the images: nothing is random here."""
        return self._size_of(data)

    def _fitted(self, images: Any, interpolation: str) -> Any:
        return self._resized(
            images,
            interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
        )

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._fitted(self._images(images), self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self._fitted(segmentation_masks, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        height, width = old = transformation
        window: Any = (0, 0, height, width)
        if self.crop_to_aspect_ratio:
            window = self._largest(old)
        elif self.pad_to_aspect_ratio:
            above = (most(width * self.height // self.width, height) - height) // 2
            beside = (most(height * self.width // self.height, width) - width) // 2
            window = (-above, -beside, height + 2 * above, width + 2 * beside)
        return self._in_window(self._boxes(bounding_boxes), window, old)


class CenterCrop(_ToSize):
    """Cuts the middle out of images. From smaller images: the largest window of the ratio, stretched.

    Args:
        height: The height of the window.
        width: The width of the window.

    Returns:
        Images of the window's size, in the compute dtype.

    Raises:
        ValueError: if a size is below 1.

    Example:
        >>> import lamina
        >>> lamina.layers.CenterCrop(4, 6)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 4, 6, 3)
        True
    """

    _draws = False

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = size(self, "height", height), size(self, "width", width)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The shape of the images: nothing is random here."""
        return self._facts(data)

    def _start(self, old: tuple[Any, Any], transformation: Any) -> tuple[Any, Any]:
        """Where the window begins in images that are large enough."""
        return (old[0] - self.height) // 2, (old[1] - self.width) // 2

    def _window(self, old: tuple[Any, Any], transformation: Any) -> Any:
        """(top, left, height, width) of what is seen, which depends on whether the images are large enough."""
        top, left = self._start(old, transformation)
        fits = (top, left, self.height, self.width)
        large = _both(old[0] >= self.height, old[1] >= self.width)
        if isinstance(large, bool):
            return fits if large else self._largest(old)
        pairs = zip(fits, self._largest(old), strict=True)
        return tuple(ops.where(large, ops.cast(a, "int32"), ops.cast(b, "int32")) for a, b in pairs)

    def _cut(self, images: Any, transformation: Any, interpolation: str) -> Any:
        old = self._size(images)

        def window() -> Any:
            return self._sliced(images, *self._start(old, transformation))

        def stretched() -> Any:
            return self._resized(images, interpolation, crop_to_aspect_ratio=True)

        large = _both(old[0] >= self.height, old[1] >= self.width)
        if isinstance(large, bool):
            return window() if large else stretched()
        return ops.cond(large, window, stretched)

    def _sliced(self, images: Any, top: Any, left: Any) -> Any:
        shape = ops.shape(images)
        height, width, _ = self._axes(4)
        starts: list[Any] = [0, 0, 0, 0]
        sizes = list(shape)
        starts[height], starts[width] = top, left
        sizes[height], sizes[width] = self.height, self.width
        if all(hasattr(s, "__index__") and not hasattr(s, "shape") for s in starts):
            return images[tuple(slice(s, s + n) if n is not shape[i] else slice(None)
                                for i, (s, n) in enumerate(zip(starts, sizes)))]  # fmt: skip
        k = current()
        return k.slice(images, tuple(starts), tuple(sizes))

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._cut(self._images(images), transformation, "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        return self._cut(segmentation_masks, transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        old = self._shape_of(transformation)
        return self._in_window(self._boxes(bounding_boxes), self._window(old, transformation), old)


def _both(a: Any, b: Any) -> Any:
    return ops.logical_and(a, b) if hasattr(a, "shape") or hasattr(b, "shape") else bool(a and b)


class RandomCrop(CenterCrop):
    """Cuts a window out of images during training, at a random place that a batch shares.

    When not training, and from images that are smaller than the window: the largest window of its ratio in the middle,
    stretched to its size.

    Args:
        height: The height of the window.
        width: The width of the window.

    Returns:
        Images of the window's size, in the compute dtype.

    Raises:
        ValueError: if a size is below 1.

    Example:
        >>> import lamina
        >>> lamina.layers.RandomCrop(4, 6, seed=1)(lamina.ops.ones((2, 8, 8, 3))).shape == (2, 4, 6, 3)
        True
    """

    _draws = True

    def __init__(
        self, height: int, width: int, seed: int | None = None, data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(height, width, data_format, seed=seed, name=name, **kwargs)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The window's first row and column."""
        height, width = self._size_of(data)
        if not training:
            return {"window": None, **self._facts(data)}
        draws = self.uniforms_of_batch(2, seed)
        places = []
        for draw, have, want in zip(draws, (height, width), (self.height, self.width), strict=True):
            room = most(have - want + 1, 1)
            places.append(ops.cast(ops.floor(draw * number(room)), "int32"))
        return {"window": tuple(places), **self._facts(data)}

    def _start(self, old: tuple[Any, Any], transformation: Any) -> tuple[Any, Any]:
        return _window_of(transformation)

    def _window(self, old: tuple[Any, Any], transformation: Any) -> Any:
        return super()._window(old, transformation) if _window_of(transformation) else self._largest(old)

    def _cut(self, images: Any, transformation: Any, interpolation: str) -> Any:
        if _window_of(transformation) is None:
            return self._resized(images, interpolation, crop_to_aspect_ratio=True)
        return super()._cut(images, transformation, interpolation)


def _window_of(transformation: Any) -> Any:
    """The first row and column, from what was drawn or from the pair itself."""
    return transformation["window"] if isinstance(transformation, dict) else tuple(transformation)
