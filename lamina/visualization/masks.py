"""Masks laid over images."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from lamina import config
from lamina.visualization.arrays import as_array, as_images


def draw_segmentation_masks(
    images: Any, segmentation_masks: Any, num_classes: int | None = None, color_mapping: Any = None,
    alpha: float = 0.8, blend: bool = True, ignore_index: int = -1, data_format: str | None = None,
) -> np.ndarray:  # fmt: skip
    """Lay the colors of classes over copies of images.

    `y = (1 - alpha) x + alpha color` where a pixel has a class

    Args:
        images: Batch of images from 0 to 255, (batch, height, width, channels) or with the channels first.
        segmentation_masks: The class of each pixel, (batch, height, width) or with a channel axis of size 1.
        num_classes: How many classes there are; as many as occur by default.
        color_mapping: Class -> three numbers from 0 to 255; colors far from each other by default.
        alpha: How strong the colors are, from 0 to 1.
        blend: Whether to mix them with the images; False shows the colors alone.
        ignore_index: The class that is not drawn.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A uint8 array of the shape of the images.

    Raises:
        ValueError: if shapes do not fit.

    Example:
        >>> import lamina
        >>> masks = np.array([[[0, 1], [-1, 1]]])
        >>> y = lamina.visualization.draw_segmentation_masks(
        ...     np.zeros((1, 2, 2, 3)), masks, color_mapping={0: (10, 0, 0), 1: (0, 20, 0)}, alpha=0.5)
        >>> y[0, 0].tolist(), y[0, 1, 0].tolist()
        ([[5, 0, 0], [0, 10, 0]], [0, 0, 0])
    """
    name = "draw_segmentation_masks"
    x = as_images(name, images, data_format).astype("float32")
    masks = as_array(segmentation_masks)
    if masks.ndim == 4:
        masks = masks[..., 0] if masks.shape[-1] == 1 else masks[:, 0]
    if masks.shape != x.shape[:3]:
        raise ValueError(f"{name}: masks of shape {masks.shape} do not fit images of shape {x.shape}.")
    if not 0 <= alpha <= 1:
        raise ValueError(f"{name}: `alpha` must be from 0 to 1, got {alpha!r}.")
    masks = masks.astype("int64")
    count = int(masks.max()) + 1 if num_classes is None else num_classes
    colors = colors_of(max(count, 1)) if color_mapping is None else color_mapping
    x = x.repeat(3, -1) if x.shape[-1] == 1 else x
    out = x.copy()
    for label in range(count):
        here = masks == label
        if label != ignore_index and label in colors:
            color = np.asarray(colors[label], "float32")
            out[here] = x[here] * (1 - alpha) + color * alpha if blend else color
    out = np.clip(out, 0, 255).astype("uint8")
    return (
        out if config.standardize_data_format(data_format) == "channels_last" else out.transpose(0, 3, 1, 2)
    )


def colors_of(count: int) -> dict[int, tuple[int, int, int]]:
    """Class -> a color, as far apart on the color circle as can be."""
    return {
        i: tuple(round(255 * c) for c in colorsys.hsv_to_rgb(i / count, 1.0, 1.0 - 0.3 * (i % 2)))  # type: ignore[misc]
        for i in range(count)
    }
