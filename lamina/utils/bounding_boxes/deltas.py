"""Boxes as differences from anchors, which detectors predict."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.kernel.context import current
from lamina.ops.checks import one_of
from lamina.ops.op import convert
from lamina.utils.bounding_boxes.formats import convert_format

_FORMS = ("center_xywh", "center_yxhw")


def _variances(function: str, variance: Any) -> Any:
    if variance is None:
        return None
    found = ops.cast(convert(current(), variance), "float32")
    if tuple(found.shape) != (4,):
        raise ValueError(f"{function}: `variance` must be four numbers, got {variance!r}.")
    return found


def _sizes(image_shape: Any) -> tuple[Any, Any]:
    return (None, None) if image_shape is None else (image_shape[0], image_shape[1])


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """Boxes as differences from anchors.

    `((center - anchor's) / anchor's size, log(size / anchor's size)) / variance`

    Args:
        anchors: Tensor (boxes, 4).
        boxes: Tensor (boxes, 4) or (batch, boxes, 4).
        anchor_format: How the anchors are written.
        box_format: How the boxes are written.
        encoding_format: The order of the result: "center_yxhw" or "center_xywh".
        variance: Four numbers to divide by.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        A tensor like the boxes.

    Raises:
        ValueError: if a format is unknown, or four numbers are not four.

    Example:
        >>> import lamina
        >>> encode = lamina.utils.bounding_boxes.encode_box_to_deltas
        >>> d = encode([[0.0, 0, 4, 4]], [[1.0, 1, 5, 5]], "xyxy", "xyxy")
        >>> lamina.ops.convert_to_numpy(d).tolist()
        [[0.25, 0.25, 0.0, 0.0]]
    """
    name = "encode_box_to_deltas"
    one_of(name, "encoding_format", encoding_format, _FORMS)
    variance, sizes = _variances(name, variance), _sizes(image_shape)
    a = convert_format(anchors, anchor_format, encoding_format, *sizes)
    b = convert_format(boxes, box_format, encoding_format, *sizes)
    tiny = 1e-7
    a_size, b_size = ops.maximum(a[..., 2:], tiny), ops.maximum(b[..., 2:], tiny)
    out = ops.concatenate([(b[..., :2] - a[..., :2]) / a_size, ops.log(b_size / a_size)], -1)
    return out if variance is None else out / variance


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """Boxes from their differences from anchors: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: Tensor (boxes, 4), or a dict of them.
        boxes_delta: Tensor (boxes, 4) or (batch, boxes, 4), or a dict with the same keys.
        anchor_format: How the anchors are written.
        box_format: How to write the boxes.
        encoded_format: The order of the differences: "center_yxhw" or "center_xywh".
        variance: Four numbers that they were divided by.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        A tensor like the differences, or a dict of them.

    Raises:
        ValueError: if a format is unknown, or four numbers are not four.

    Example:
        >>> import lamina
        >>> decode = lamina.utils.bounding_boxes.decode_deltas_to_boxes
        >>> boxes = decode([[0.0, 0, 4, 4]], [[0.25, 0.25, 0, 0]], "xyxy", "xyxy")
        >>> lamina.ops.convert_to_numpy(boxes).tolist()
        [[1.0, 1.0, 5.0, 5.0]]
    """
    name = "decode_deltas_to_boxes"
    one_of(name, "encoded_format", encoded_format, _FORMS)
    if isinstance(anchors, dict):
        if not isinstance(boxes_delta, dict) or anchors.keys() != boxes_delta.keys():
            raise ValueError(
                f"{name}: with a dict of anchors, `boxes_delta` must be a dict with the same keys."
            )
        rest = (anchor_format, box_format, encoded_format, variance, image_shape)
        return {key: decode_deltas_to_boxes(anchors[key], boxes_delta[key], *rest) for key in boxes_delta}
    variance, sizes = _variances(name, variance), _sizes(image_shape)
    a = convert_format(anchors, anchor_format, encoded_format, *sizes)
    d = ops.cast(convert(current(), boxes_delta), "float32")
    d = d if variance is None else d * variance
    out = ops.concatenate([d[..., :2] * a[..., 2:] + a[..., :2], ops.exp(d[..., 2:]) * a[..., 2:]], -1)
    return convert_format(out, encoded_format, box_format, *sizes)
