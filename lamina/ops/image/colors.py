"""Color spaces."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown
from lamina.ops.image._layout import layout, narrow, wide
from lamina.ops.op import Output, Tensor, op


def _channels(
    op: str, k: Kernel, images: Any, data_format: str | None, floats: bool
) -> tuple[list[Any], int]:
    """The three channels, and where they were.

    Raises:
        ValueError: if there are not three, or the images must be floats and are not.
    """
    place = layout(op, images, data_format).channels
    if images.shape[place] != 3 and type(images.shape[place]) is not Unknown:
        raise ValueError(
            f"{op}: expected 3 channels, got {images.shape[place]} (shape {shown(images.shape)})."
        )
    if floats and k.dtype(images) not in dtypes.FLOATS:
        raise ValueError(f"{op}: expected float images, got {k.dtype(images)}.")
    return [k.take(images, k.full((), i, "int32"), place) for i in range(3)], place


@op("images", module="image", class_name="RGBToGrayscale")
def rgb_to_grayscale(k: Kernel, images: Tensor, data_format: str | None = None) -> Output:
    """Brightness of colors.

    `0.2989 R + 0.5870 G + 0.1140 B`

    Args:
        images: Tensor (height, width, 3) or (batch, height, width, 3); channels in front of height for
            "channels_first". Images of one channel stay as they are.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor with one channel, of the dtype of the images.

    Raises:
        ValueError: if there are not three channels or one, or the rank does not fit.

    Example:
        >>> import lamina
        >>> lamina.ops.image.rgb_to_grayscale(lamina.ops.ones((2, 2, 3))).shape == (2, 2, 1)
        True
    """
    if images.shape[layout("rgb_to_grayscale", images, data_format).channels] == 1:
        return images
    (red, green, blue), place = _channels("rgb_to_grayscale", k, images, data_format, False)
    red, green, blue = wide(k, red), wide(k, green), wide(k, blue)
    gray = 0.2989 * red + 0.5870 * green + 0.1140 * blue
    return k.expand_dims(narrow(k, gray, k.dtype(images), rounded=False), place)


@op("images", module="image", class_name="RGBToHSV")
def rgb_to_hsv(k: Kernel, images: Tensor, data_format: str | None = None) -> Output:
    """Hue, saturation and value of colors.

    `V = max, S = (max - min) / max`, and H the angle on the color circle over 2 pi, all between 0 and 1

    Args:
        images: Float tensor (height, width, 3) or (batch, height, width, 3); channels in front of height for
            "channels_first". Between 0 and 1.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the same shape and dtype.

    Raises:
        ValueError: if the images are not float, have not three channels, or another rank.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.image.rgb_to_hsv([[[0.0, 1.0, 0.0]]])).tolist()[0][0][1:]
        [1.0, 1.0]
    """
    (red, green, blue), place = _channels("rgb_to_hsv", k, images, data_format, True)
    value = k.maximum(k.maximum(red, green), blue)
    span = value - k.minimum(k.minimum(red, green), blue)
    some = span > 0
    share = k.where(some, 1.0 / k.where(some, span * 6.0, 1.0), 0.0)
    saturation = k.where(value > 0, span / k.where(value > 0, value, 1.0), 0.0)
    hue = k.where(
        red == value,
        share * (green - blue),
        k.where(green == value, share * (blue - red) + 2.0 / 6.0, share * (red - green) + 4.0 / 6.0),
    )
    hue = k.where(some, k.where(hue < 0, hue + 1.0, hue), 0.0)
    return k.stack([hue, saturation, value], place)


@op("images", module="image", class_name="HSVToRGB")
def hsv_to_rgb(k: Kernel, images: Tensor, data_format: str | None = None) -> Output:
    """Colors from hue, saturation and value: the inverse of `rgb_to_hsv`.

    Args:
        images: Float tensor (height, width, 3) or (batch, height, width, 3); channels in front of height for
            "channels_first". Between 0 and 1.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor of the same shape and dtype.

    Raises:
        ValueError: if the images are not float, have not three channels, or another rank.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.image.hsv_to_rgb([[[0.0, 1.0, 1.0]]])).tolist()
        [[[1.0, 0.0, 0.0]]]
    """
    (hue, saturation, value), place = _channels("hsv_to_rgb", k, images, data_format, True)
    turns = hue - k.floor(hue)  # an angle: whole turns do not count
    angle = turns * 6.0
    parts = (k.abs(angle - 3.0) - 1.0, 2.0 - k.abs(angle - 2.0), 2.0 - k.abs(angle - 4.0))
    colors = [((1.0 - saturation) + saturation * k.clip(part, 0.0, 1.0)) * value for part in parts]
    return k.stack(colors, place)
