"""How four numbers describe a box."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.errors import suggestion
from lamina.kernel.context import current
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.checks import shown
from lamina.ops.op import convert

FORMATS = (
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
)  # fmt: skip


def known(function: str, parameter: str, value: Any) -> str:
    """A format's name in small letters.

    Raises:
        ValueError: if there is none of this name.
    """
    name = value.lower() if isinstance(value, str) else value
    if name not in FORMATS:
        listed = ", ".join(map(repr, FORMATS))
        raise ValueError(
            f"{function}: `{parameter}` must be one of {listed}, got {value!r}.{suggestion(str(value), FORMATS)}"
        )
    return name


def tensor(function: str, boxes: Any, dtype: str | None = None) -> Any:
    """Boxes as a float tensor.

    Raises:
        ValueError: if the last axis is not of size 4.
    """
    k = current()
    found = convert(k, boxes)
    if not len(found.shape) or found.shape[-1] != 4:
        raise ValueError(
            f"{function}: boxes are four numbers each, so the last axis must have size 4, got shape "
            f"{shown(found.shape)}."
        )
    return ops.cast(found, dtype or "float32")


@folds_frames
def convert_format(
    boxes: Any, source: str, target: str, height: Any = None, width: Any = None, dtype: str = "float32"
) -> Any:
    """Boxes written in another format.

    `xyxy` is left, top, right, bottom, `yxyx` top, left, bottom, right, `xywh` left, top, width, height; in
    `center_xywh` and `center_yxhw` the first two are the center. A format `rel_...` counts in image widths and heights.

    Args:
        boxes: Tensor (..., 4), or a dict with such an entry `"boxes"`.
        source: The format of the boxes.
        target: The format wanted.
        height: The image's height in pixels; needed between relative formats and others. A number, or a tensor that
            broadcasts with the boxes without their last axis.
        width: The image's width in pixels.
        dtype: The result's dtype.

    Returns:
        What was given, with the other numbers.

    Raises:
        ValueError: if a format is unknown, or the size is needed and missing, or the boxes are not four numbers.

    Example:
        >>> import lamina
        >>> boxes = lamina.utils.bounding_boxes.convert_format([[1.0, 2.0, 5.0, 8.0]], "xyxy", "xywh")
        >>> lamina.ops.convert_to_numpy(boxes).tolist()
        [[1.0, 2.0, 4.0, 6.0]]
    """
    name = "convert_format"
    source, target = known(name, "source", source), known(name, "target", target)
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    relative = source.startswith("rel_"), target.startswith("rel_")
    if relative[0] != relative[1] and (height is None or width is None):
        raise ValueError(
            f"{name}: `height` and `width` of the image are needed between {source!r} and {target!r}, got "
            f"height={height}, width={width}."
        )
    found = tensor(name, boxes)
    if source == target:
        return ops.cast(found, dtype)
    parts = _corners([found[..., i] for i in range(4)], source.removeprefix("rel_"))
    if relative[0] != relative[1]:
        tall, wide = (n if isinstance(n, int | float) else ops.cast(n, "float32") for n in (height, width))
        factors = (wide, tall, wide, tall)
        parts = [p * f if relative[0] else p / f for p, f in zip(parts, factors, strict=True)]
    return ops.cast(ops.stack(_written(parts, target.removeprefix("rel_")), -1), dtype)


def _corners(parts: list[Any], form: str) -> list[Any]:
    """Left, top, right, bottom."""
    if form in ("yxyx", "center_yxhw"):
        parts = [parts[1], parts[0], parts[3], parts[2]]
    if form in ("xyxy", "yxyx"):
        return parts
    x, y, w, h = parts
    if form == "xywh":
        return [x, y, x + w, y + h]
    return [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0]


def _written(parts: list[Any], form: str) -> list[Any]:
    """Left, top, right, bottom in another form."""
    left, top, right, bottom = parts
    if form == "xywh":
        parts = [left, top, right - left, bottom - top]
    elif form.startswith("center"):
        parts = [(left + right) / 2.0, (top + bottom) / 2.0, right - left, bottom - top]
    if form in ("yxyx", "center_yxhw"):
        parts = [parts[1], parts[0], parts[3], parts[2]]
    return parts
