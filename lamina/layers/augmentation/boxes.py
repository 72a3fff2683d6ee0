"""A fixed number of boxes for each image."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.layers.augmentation.arguments import size
from lamina.layers.augmentation.base import ImageAugmentation


class MaxNumBoundingBoxes(ImageAugmentation):
    """Fills up the boxes of images to one number, or leaves out what is above it; all else passes.

    Args:
        max_number: How many boxes each image has afterwards.
        fill_value: What boxes and labels that were not there are filled with.

    Returns:
        The data, with boxes (batch, max_number, 4) and labels (batch, max_number).

    Raises:
        ValueError: if the number is below 1.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
        >>> boxes = {"boxes": lamina.ops.ones((2, 1, 4)), "labels": lamina.ops.ones((2, 1))}
        >>> layer({"images": lamina.ops.ones((2, 8, 8, 3)), "bounding_boxes": boxes})["bounding_boxes"]["labels"].shape
        (2, 3)
    """

    _keeps_integers = True
    _draws = False

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(fill_value, int | float):
            raise ValueError(f"MaxNumBoundingBoxes: `fill_value` must be a number, got {fill_value!r}.")
        self.max_number, self.fill_value = size(self, "max_number", max_number), fill_value

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        return self._images(images)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any, training: bool = True
    ) -> Any:
        bounding_boxes = self._boxes(bounding_boxes)
        return {name: self._filled(x) for name, x in bounding_boxes.items()}

    def _filled(self, x: Any) -> Any:
        kept = x[:, : self.max_number]
        widths = [
            (0, self.max_number - ops.shape(kept)[1]) if axis == 1 else (0, 0) for axis in range(len(x.shape))
        ]
        return ops.pad(kept, widths, constant_values=self.fill_value)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the fill value only where it is not the usual one."""
        config = super().get_config()
        return {n: v for n, v in config.items() if n != "fill_value" or v != -1}
