"""Boxes drawn into images."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import config
from lamina.utils.bounding_boxes import convert_format
from lamina.utils.images import pillow
from lamina.visualization.arrays import as_array, as_images


def draw_bounding_boxes(
    images: Any, bounding_boxes: dict[str, Any], bounding_box_format: str, class_mapping: dict[int, str] | None = None,
    color: Any = (128, 128, 128), line_thickness: int = 2, text_thickness: int = 1, font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray:  # fmt: skip
    """Draw boxes, with their classes and confidences, into copies of images.

    Args:
        images: Batch of images from 0 to 255, (batch, height, width, channels) or with the channels first.
        bounding_boxes: A dict of `"boxes"` (batch, boxes, 4), `"labels"` (batch, boxes) and, if wanted, `"confidence"`.
            Boxes with label -1 are none.
        bounding_box_format: How the boxes are written.
        class_mapping: Label -> what to write.
        color: Three numbers from 0 to 255.
        line_thickness: Of the boxes, in pixels.
        text_thickness: Of the letters' strokes, in pixels.
        font_scale: How large letters are; 1 is a dozen pixels.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A uint8 array of the shape of the images.

    Raises:
        ImportError: without Pillow.
        ValueError: if shapes or names do not fit.

    Example:
        >>> import lamina
        >>> boxes = {"boxes": [[[1.0, 1, 6, 6]]], "labels": [[0]]}
        >>> y = lamina.visualization.draw_bounding_boxes(np.zeros((1, 8, 8, 3)), boxes, "xyxy", line_thickness=1)
        >>> y[0, 1, 3].tolist()
        [128, 128, 128]
    """
    name = "draw_bounding_boxes"
    image_module = pillow(name)
    from PIL import ImageDraw, ImageFont

    x = as_images(name, images, data_format)
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= bounding_boxes.keys():
        raise ValueError(f"{name}: `bounding_boxes` must be a dict with entries 'boxes' and 'labels'.")
    boxes = as_array(convert_format(bounding_boxes["boxes"], bounding_box_format, "xyxy", *x.shape[1:3]))
    labels = as_array(bounding_boxes["labels"])
    confidence = bounding_boxes.get("confidence")
    scores = None if confidence is None else as_array(confidence)
    color = tuple(int(c) for c in color)
    drawn = []
    for i, image in enumerate(np.clip(x, 0, 255).astype("uint8")):
        canvas = image_module.fromarray(image.repeat(3, -1) if image.shape[-1] == 1 else image)
        pen = ImageDraw.Draw(canvas)
        font = ImageFont.load_default(size=max(1, round(12 * font_scale)))
        for j, (left, top, right, bottom) in enumerate(boxes[i]):
            if labels[i, j] == -1 or right <= left or bottom <= top:
                continue
            pen.rectangle((left, top, right - 1, bottom - 1), outline=color, width=line_thickness)
            if text := _text(
                int(labels[i, j]), class_mapping, None if scores is None else float(scores[i, j])
            ):
                pen.text((left + 2, max(0, top - 14 * font_scale)), text, fill=color, font=font,
                         stroke_width=max(0, (text_thickness or 1) - 1))  # fmt: skip
        drawn.append(np.asarray(canvas))
    out = np.stack(drawn)
    return (
        out if config.standardize_data_format(data_format) == "channels_last" else out.transpose(0, 3, 1, 2)
    )


def _text(label: int, class_mapping: Any, score: float | None) -> str:
    if class_mapping is None:
        return ""
    named = str(class_mapping.get(label, label))
    return named if score is None else f"{named} | {score:.2f}"
