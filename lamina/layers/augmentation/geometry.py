"""Maps of the plane, and the layers that see images through them.

A map has eight numbers `a b c d e f g h`: the pixel at column x and row y of the result is taken from
`((a x + b y + c) / w, (d x + e y + f) / w)` with `w = g x + h y + 1`. Affine maps have g = h = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import filling, modes
from lamina.layers.augmentation.base import ImageAugmentation


def rows(value: Any) -> Any:
    """A parameter as one number for each image, (batch,)."""
    return ops.reshape(ops.cast(value, "float32"), (-1,))


def affine(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """(batch, 8) from tensors (batch,) and numbers."""
    like = next(v for v in (a, b, c, d, e, f) if hasattr(v, "shape"))
    zero = ops.zeros_like(like)
    return ops.stack(
        [v if hasattr(v, "shape") else zero + float(v) for v in (a, b, c, d, e, f)] + [zero, zero], -1
    )


def around_center(a: Any, b: Any, d: Any, e: Any, size: Sequence[Any]) -> Any:
    """The linear map [[a, b], [d, e]] that leaves the center of an image of this size where it is."""
    y, x = ((number(n) - 1.0) / 2.0 for n in size)
    return affine(a, b, x - a * x - b * y, d, e, y - d * x - e * y)


def number(n: Any) -> Any:
    """A size that computes with floats: it may be known only when the program runs."""
    return ops.cast(n, "float32") if hasattr(n, "shape") else float(n)


def least(a: Any, b: Any) -> Any:
    """The smaller of two sizes, which may be known only when the program runs."""
    return ops.minimum(a, b) if hasattr(a, "shape") or hasattr(b, "shape") else min(a, b)


def most(a: Any, b: Any) -> Any:
    """The larger of two sizes."""
    return ops.maximum(a, b) if hasattr(a, "shape") or hasattr(b, "shape") else max(a, b)


def seen_through(corners: Any, maps: Any) -> Any:
    """The boxes around boxes that are seen through a map.

    Args:
        corners: Tensor (batch, boxes, 4): left, top, right, bottom.
        maps: Tensor (batch, 8).

    Returns:
        A tensor like `corners`.
    """
    a, b, c, d, e, f, g, h = (ops.expand_dims(maps[:, i], (1, 2)) for i in range(8))
    # The numbers of a map speak of pixels' centers, boxes of their borders.
    left, top, right, bottom = (corners[..., i] - 0.5 for i in range(4))
    x, y = ops.stack([left, right, left, right], -1), ops.stack([top, top, bottom, bottom], -1)
    # Where points go is the inverse map, up to a factor the adjugate of [[a, b, c], [d, e, f], [g, h, 1]].
    w = (d * h - e * g) * x + (b * g - a * h) * y + (a * e - b * d)
    new_x = ((e - f * h) * x + (c * h - b) * y + (b * f - c * e)) / w + 0.5
    new_y = ((f * g - d) * x + (a - c * g) * y + (c * d - a * f)) / w + 0.5
    return ops.stack([ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)], -1)


class Spatial(ImageAugmentation):
    """A layer that treats images and masks alike (`_through`), and moves boxes (`_boxes_through`)."""

    interpolation = "bilinear"

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        """Images or masks (rank 4) under a transformation."""
        raise NotImplementedError

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        """Boxes under a transformation."""
        raise NotImplementedError

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        images = self._images(images)
        if not training or transformation is None:
            return images
        return self._through(images, transformation, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any, training: bool = True
    ) -> Any:
        if not training or transformation is None:
            return segmentation_masks
        return self._through(segmentation_masks, transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        bounding_boxes = self._boxes(bounding_boxes)
        if not training or transformation is None:
            return bounding_boxes
        return self._boxes_through(bounding_boxes, transformation)


class Geometric(Spatial):
    """A layer that sees images through a map of the plane; a subclass says through which (`_maps`, or `_through`)."""

    _is_affine = True

    def __init__(
        self, *, fill_mode: str = "constant", interpolation: str = "bilinear", fill_value: float = 0.0, **kwargs: Any
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        modes(self, fill_mode, interpolation)
        filling(self, fill_value)
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _maps(self, transformation: Any, size: tuple[Any, Any]) -> Any:
        """The map of each image, (batch, 8)."""
        raise NotImplementedError

    def _through(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return ops.image.affine_transform(
            images,
            self._maps(transformation, self._size(images)),
            interpolation,
            self.fill_mode,
            self.fill_value,
            self.data_format,
        )

    def _boxes_through(self, boxes: dict[str, Any], transformation: Any) -> dict[str, Any]:
        size = self._shape_of(transformation)
        corners = self._corners(boxes["boxes"], size)
        return self._written(boxes, seen_through(corners, self._maps(transformation, size)), size)
