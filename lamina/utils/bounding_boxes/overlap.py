"""How much boxes have in common."""

from __future__ import annotations

import math
from typing import Any

from lamina import ops
from lamina.ops.checks import shown
from lamina.utils.bounding_boxes.formats import convert_format, known, tensor


def _corners(function: str, boxes: Any, form: str, image_shape: Any) -> Any:
    form = known(function, "bounding_box_format", form)
    found = tensor(function, boxes)
    if not form.startswith("rel_"):
        return convert_format(found, form, "xyxy")
    if image_shape is None:
        raise ValueError(
            f"{function}: `image_shape` (height, width, channels) is needed for the format {form!r}, got None."
        )
    return convert_format(found, form, "xyxy", *image_shape[:2])


def _area(box: Any) -> Any:
    return (box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1])


def _common(a: Any, b: Any) -> Any:
    """The area of the intersection."""
    low, high = ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])
    sides = ops.maximum(high - low, 0.0)
    return sides[..., 0] * sides[..., 1]


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: int = -1,
    image_shape: Any = None,
) -> Any:
    """Intersection over union of each box with each other.

    `iou = |A and B| / |A or B|`

    Args:
        boxes1: Tensor (n, 4) or (batch, n, 4).
        boxes2: Tensor (m, 4) or (batch, m, 4).
        bounding_box_format: How the boxes are written.
        use_masking: Whether boxes with a negative coordinate count as none.
        mask_val: What stands for them in the result.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        A tensor (n, m) or (batch, n, m).

    Raises:
        ValueError: if the format is unknown, a rank does not fit, or `image_shape` is needed and missing.

    Example:
        >>> import lamina
        >>> iou = lamina.utils.bounding_boxes.compute_iou([[0.0, 0, 2, 2]], [[1.0, 0, 3, 2], [0, 0, 2, 2]], "xyxy")
        >>> lamina.ops.convert_to_numpy(iou).round(3).tolist()
        [[0.333..., 1.0]]
    """
    name = "compute_iou"
    a, b = (_corners(name, x, bounding_box_format, image_shape) for x in (boxes1, boxes2))
    for x, parameter in ((a, "boxes1"), (b, "boxes2")):
        if len(x.shape) not in (2, 3):
            raise ValueError(
                f"{name}: `{parameter}` must have shape (boxes, 4) or (batch, boxes, 4), got {shown(x.shape)}."
            )
    both = len(a.shape) == 2 == len(b.shape)
    a, b = (ops.expand_dims(x, 0) if len(x.shape) == 2 else x for x in (a, b))
    rows, columns = ops.expand_dims(a, 2), ops.expand_dims(b, 1)
    common = _common(rows, columns)
    union = _area(rows) + _area(columns) - common
    iou = ops.where(union > 0, common / ops.where(union > 0, union, 1.0), 0.0)
    if use_masking:
        masked = ops.logical_or(ops.min(rows, -1) < 0, ops.min(columns, -1) < 0)
        iou = ops.where(masked, float(mask_val), iou)
    return ops.squeeze(iou, 0) if both else iou


def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Any:
    """Complete intersection over union of pairs of boxes: less for distant centers and other proportions.

    `ciou = iou - d^2 / c^2 - a v`, d the distance of the centers, c the diagonal of the box around both,
    `v = 4 / pi^2 (atan(w2 / h2) - atan(w1 / h1))^2` and `a = v / (v - iou + 1)`

    Args:
        boxes1: Tensor (..., 4).
        boxes2: Tensor of the same shape.
        bounding_box_format: How the boxes are written.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        A tensor (...).

    Raises:
        ValueError: if the format is unknown, the shapes differ, or `image_shape` is needed and missing.

    Example:
        >>> import lamina
        >>> float(lamina.utils.bounding_boxes.compute_ciou([0.0, 0, 2, 2], [0.0, 0, 2, 2], "xyxy")) > 0.999
        True

    Reference:
        Zheng et al., 2020: Distance-IoU Loss, https://arxiv.org/abs/1911.08287
    """
    a, b = (_corners("compute_ciou", x, bounding_box_format, image_shape) for x in (boxes1, boxes2))
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"compute_ciou: boxes come in pairs, so the shapes must be equal, got {shown(a.shape)} and {shown(b.shape)}."
        )
    tiny = 1e-7
    common = _common(a, b)
    iou = common / (_area(a) + _area(b) - common + tiny)
    outer = ops.maximum(a[..., 2:], b[..., 2:]) - ops.minimum(a[..., :2], b[..., :2])
    apart = (b[..., :2] + b[..., 2:] - a[..., :2] - a[..., 2:]) / 2.0
    distance = ops.sum(ops.square(apart), -1) / (ops.sum(ops.square(outer), -1) + tiny)
    angles = [ops.arctan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1] + tiny)) for x in (a, b)]
    v = ops.square(angles[1] - angles[0]) * (4.0 / math.pi**2)
    return iou - distance - v * v / (v - iou + (1.0 + tiny))
