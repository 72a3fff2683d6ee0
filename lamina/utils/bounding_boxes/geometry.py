"""Boxes cut, moved and turned."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.ops.op import convert
from lamina.utils.bounding_boxes.formats import convert_format, known, tensor


def _parts(boxes: Any) -> list[Any]:
    return [boxes[..., i] for i in range(4)]


def _in_pixels(function: str, boxes: Any, form: str, height: Any = None, width: Any = None) -> Any:
    known(function, "bounding_box_format", form)
    return convert_format(tensor(function, boxes), form, "xyxy", height, width)


def clip_to_image_size(
    bounding_boxes: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes without what lies outside of the image; the labels of boxes of which nothing is left become -1.

    Args:
        bounding_boxes: A dict with `"boxes"` (..., boxes, 4) and `"labels"` (..., boxes), or the boxes alone.
        height: The image's height; not needed for relative formats.
        width: The image's width.
        bounding_box_format: How the boxes are written.

    Returns:
        What was given, with the other numbers.

    Raises:
        ValueError: if the format is unknown or a size is missing.

    Example:
        >>> import lamina
        >>> boxes = lamina.utils.bounding_boxes.clip_to_image_size([[-1.0, 2.0, 5.0, 20.0]], 10, 10)
        >>> lamina.ops.convert_to_numpy(boxes).tolist()
        [[0.0, 2.0, 5.0, 10.0]]
    """
    name = "clip_to_image_size"
    form = known(name, "bounding_box_format", bounding_box_format)
    relative = form.startswith("rel_")
    if relative:
        height = width = 1.0  # the image is its own unit
    elif height is None or width is None:
        raise ValueError(f"{name}: `height` and `width` of the image are needed for {bounding_box_format!r}.")
    given = bounding_boxes if isinstance(bounding_boxes, dict) else {"boxes": bounding_boxes}
    inner = form.removeprefix("rel_")
    left, top, right, bottom = _parts(convert_format(tensor(name, given["boxes"]), inner, "xyxy"))
    left, right = (ops.clip(v, 0.0, width) for v in (left, right))
    top, bottom = (ops.clip(v, 0.0, height) for v in (top, bottom))
    boxes = convert_format(ops.stack([left, top, right, bottom], -1), "xyxy", inner)
    if not isinstance(bounding_boxes, dict):
        return boxes
    k, out = current(), {**given, "boxes": boxes}
    if "labels" in given:
        labels = convert(k, given["labels"])
        gone = ops.logical_or(right <= left, bottom <= top)
        out["labels"] = k.where(gone, k.full((), -1, k.dtype(labels)), labels)
    return out


def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Any:
    """Boxes as seen in a window of the image, cut at its border.

    Args:
        boxes: Tensor (..., 4).
        top, left: The window's first row and column.
        height, width: Its size.
        bounding_box_format: How the boxes are written; no relative format, for the image's size is not known here.

    Returns:
        A tensor like the boxes.

    Raises:
        ValueError: if the format is unknown or relative.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.utils.bounding_boxes.crop([[1.0, 2.0, 5.0, 8.0]], 1, 2, 6, 7)).tolist()
        [[0.0, 1.0, 3.0, 6.0]]
    """
    parts = _parts(_in_pixels("crop", boxes, bounding_box_format))
    x, y = ([ops.clip(p - start, 0.0, size) for p in pair]
            for pair, start, size in ((parts[::2], left, width), (parts[1::2], top, height)))  # fmt: skip
    return convert_format(ops.stack([x[0], y[0], x[1], y[1]], -1), "xyxy", bounding_box_format)


def pad(
    boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None, bounding_box_format: str = "xyxy"
) -> Any:
    """Boxes as seen in an image that got rows above and columns on the left.

    Args:
        boxes: Tensor (..., 4).
        top, left: How many rows and columns.
        height, width: The size of the image before; needed for relative formats alone, whose result counts in the size
            of an image with the new rows and columns.
        bounding_box_format: How the boxes are written.

    Returns:
        A tensor like the boxes.

    Raises:
        ValueError: if the format is unknown, or the size is needed and missing.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.utils.bounding_boxes.pad([[1.0, 2.0, 5.0, 8.0]], 1, 2)).tolist()
        [[3.0, 3.0, 7.0, 9.0]]
    """
    x1, y1, x2, y2 = _parts(_in_pixels("pad", boxes, bounding_box_format, height, width))
    moved = ops.stack([x1 + left, y1 + top, x2 + left, y2 + top], -1)
    sizes = (None, None) if height is None or width is None else (height + top, width + left)
    return convert_format(moved, "xyxy", bounding_box_format, *sizes)


def affine_transform(
    boxes: Any, angle: Any, translate_x: Any, translate_y: Any, scale: Any, shear_x: Any, shear_y: Any,
    height: Any, width: Any, center_x: Any = None, center_y: Any = None, bounding_box_format: str = "xyxy",
) -> Any:  # fmt: skip
    """The boxes around turned, moved, scaled and sheared boxes.

    A point (x, y) goes to `c + A (x, y)`-wise: shear, turn and scale around the center, then translate. With
    `R = scale [[cos(a - s_y) / cos s_y, -cos(a - s_y) tan s_x / cos s_y - sin a], [sin(a - s_y) / cos s_y,
    -sin(a - s_y) tan s_x / cos s_y + cos a]]` the inverse map is applied to the corners, as images are drawn.

    Args:
        boxes: Tensor (batch, boxes, 4).
        angle: Degrees, (batch,) or a number.
        translate_x, translate_y: Pixels.
        scale: A factor.
        shear_x, shear_y: Degrees.
        height, width: The size of the images.
        center_x, center_y: What stays; by default the middle of the image.
        bounding_box_format: How the boxes are written.

    Returns:
        A tensor like the boxes.

    Raises:
        ValueError: if the format is unknown.

    Example:
        >>> import lamina
        >>> move = lamina.utils.bounding_boxes.affine_transform
        >>> y = move([[[1.0, 2.0, 5.0, 8.0]]], 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 10, 10)
        >>> lamina.ops.convert_to_numpy(lamina.ops.round(y)).tolist()
        [[[2.0, 2.0, 6.0, 8.0]]]
    """
    corners = _in_pixels("affine_transform", boxes, bounding_box_format, height, width)
    x1, y1, x2, y2 = _parts(corners)

    def each(v: Any) -> Any:
        return ops.reshape(ops.cast(convert(current(), v), "float32"), (-1, 1, 1))

    to_radians = 3.141592653589793 / 180.0
    a, sx, sy = (each(v) * to_radians for v in (angle, shear_x, shear_y))
    tx, ty, s = each(translate_x), each(translate_y), each(scale)
    cx = width * 0.5 if center_x is None else center_x
    cy = height * 0.5 if center_y is None else center_y
    # the matrix of a turn by a, sheared; then the factor
    m00 = ops.cos(a - sy) / ops.cos(sy) * s
    m01 = (-ops.cos(a - sy) * ops.tan(sx) / ops.cos(sy) - ops.sin(a)) * s
    m10 = ops.sin(a - sy) / ops.cos(sy) * s
    m11 = (-ops.sin(a - sy) * ops.tan(sx) / ops.cos(sy) + ops.cos(a)) * s
    x, y = ops.stack([x1, x2, x1, x2], -1) - cx, ops.stack([y1, y1, y2, y2], -1) - cy
    new_x, new_y = m00 * x + m01 * y + cx + tx, m10 * x + m11 * y + cy + ty
    ends = [ops.min(new_x, -1), ops.min(new_y, -1), ops.max(new_x, -1), ops.max(new_y, -1)]
    return convert_format(ops.stack(ends, -1), "xyxy", bounding_box_format, height, width)
