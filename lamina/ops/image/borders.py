"""Borders of images cut off or added."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least
from lamina.ops.image._layout import layout
from lamina.ops.op import Output, Tensor, op


def _three(op: str, names: tuple[str, str, str], size: int, given: tuple[Any, Any, Any], grow: bool) -> tuple:
    """(before, after, target) from the two of them that are given.

    Raises:
        ValueError: if not exactly two are given, or one comes out negative.
    """
    if sum(v is None for v in given) != 1:
        shown_values = ", ".join(f"{n}={v}" for n, v in zip(names, given, strict=True))
        raise ValueError(f"{op}: give exactly two of {', '.join(names)}; got {shown_values}.")
    sign = 1 if grow else -1
    before, after, target = given
    if target is None:
        target = size + sign * (before + after)
    elif before is None:
        before = sign * (target - size) - after
    else:
        after = sign * (target - size) - before
    for name, value in zip(names, (before, after, target), strict=True):
        if type(value) is not Unknown and not hasattr(value, "shape"):  # a size that only the run knows
            at_least(op, name, value, 0)
    return before, after, target


@op("images", module="image")
def crop_images(
    k: Kernel,
    images: Tensor,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Output:
    """Images without parts of their borders. Of top, bottom and height two are given, of left, right and width, too.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        top_cropping: Rows to cut off above.
        left_cropping: Columns to cut off on the left.
        bottom_cropping: Rows to cut off below.
        right_cropping: Columns to cut off on the right.
        target_height: The height that stays.
        target_width: The width that stays.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the dtype of the images.

    Raises:
        ValueError: if too few or too many are given, or a size comes out negative.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((4, 4, 3))
        >>> lamina.ops.image.crop_images(x, 1, 1, target_height=2, target_width=2).shape == (2, 2, 3)
        True
    """
    where = layout("crop_images", images, data_format)
    for axis, names, given in (
        (where.height, ("top_cropping", "bottom_cropping", "target_height"),
         (top_cropping, bottom_cropping, target_height)),
        (where.width, ("left_cropping", "right_cropping", "target_width"),
         (left_cropping, right_cropping, target_width)),
    ):  # fmt: skip
        before, _, target = _three("crop_images", names, k.shape(images)[axis], given, False)
        images = k.getitem(images, (*[slice(None)] * axis, slice(before, before + target)))
    return images


@op("images", module="image")
def pad_images(
    k: Kernel,
    images: Tensor,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Output:
    """Images with zeros around. Of top, bottom and height two are given, of left, right and width, too.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        top_padding: Rows to add above.
        left_padding: Columns to add on the left.
        bottom_padding: Rows to add below.
        right_padding: Columns to add on the right.
        target_height: The height of the result.
        target_width: The width of the result.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the dtype of the images.

    Raises:
        ValueError: if too few or too many are given, or a size comes out negative.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((2, 2, 3))
        >>> lamina.ops.image.pad_images(x, 1, 1, target_height=4, target_width=4).shape == (4, 4, 3)
        True
    """
    where = layout("pad_images", images, data_format)
    widths = [(0, 0)] * len(images.shape)
    for axis, names, given in (
        (where.height, ("top_padding", "bottom_padding", "target_height"),
         (top_padding, bottom_padding, target_height)),
        (where.width, ("left_padding", "right_padding", "target_width"),
         (left_padding, right_padding, target_width)),
    ):  # fmt: skip
        before, after, _ = _three("pad_images", names, k.shape(images)[axis], given, True)
        widths[axis] = (before, after)
    return k.pad(images, widths, "constant", 0)
