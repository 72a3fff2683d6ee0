"""Images between files, Pillow and arrays. Pillow is an extra: `pip install lamina[image]`."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from lamina import config, ops
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.checks import one_of

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(function: str) -> Any:
    """The Pillow library.

    Raises:
        ImportError: saying how to install it.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(f"{function} needs Pillow. Install it with `pip install lamina[image]`.") from error
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read an image file.

    Args:
        path: A path, or a file-like object of bytes.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: (height, width) to resize to, or None.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: Whether the image is cut in the middle to the ratio of the target first.

    Returns:
        A Pillow image.

    Raises:
        ImportError: without Pillow.
        ValueError: if an argument is unknown.

    Example:
        >>> import lamina
        >>> lamina.utils.save_img("one.png", np.zeros((4, 6, 3)))
        >>> lamina.utils.load_img("one.png", target_size=(2, 3)).size
        (3, 2)
    """
    image_module = pillow("load_img")
    one_of("load_img", "color_mode", color_mode, _MODES)
    one_of("load_img", "interpolation", interpolation, INTERPOLATIONS)
    if isinstance(path, io.IOBase) or hasattr(path, "read"):
        image = image_module.open(path)
    elif isinstance(path, str | bytes | os.PathLike):
        with open(path, "rb") as file:
            image = image_module.open(io.BytesIO(file.read()))
    else:
        raise TypeError(f"load_img: `path` must be a path or a file, got {type(path).__name__}.")
    wide = color_mode == "grayscale" and image.mode in ("I;16", "I", "L")  # 16 and 32 bits stay
    image = image if wide or image.mode == _MODES[color_mode] else image.convert(_MODES[color_mode])
    if target_size is None:
        return image
    height, width = target_size
    box = _middle(image.size, width, height) if keep_aspect_ratio else None
    if image.size == (width, height):
        return image
    return image.resize((width, height), getattr(image_module.Resampling, interpolation.upper()), box=box)


def _middle(size: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """The largest part in the middle with the ratio width : height."""
    wide, tall = min(size[0], size[1] * width // height), min(size[1], size[0] * height // width)
    left, top = (size[0] - wide) // 2, (size[1] - tall) // 2
    return left, top, left + wide, top + tall


@folds_frames
def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """An array of a Pillow image.

    Args:
        img: The image.
        data_format: "channels_last", "channels_first" or None for the default.
        dtype: The array's dtype; the default float when None.

    Returns:
        An array (height, width, channels), or with the channels first.

    Raises:
        ValueError: if it is no image.

    Example:
        >>> import lamina
        >>> image = lamina.utils.array_to_img(np.zeros((4, 6, 3)))
        >>> lamina.utils.img_to_array(image).shape
        (4, 6, 3)
    """
    last = config.standardize_data_format(data_format) == "channels_last"
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        return x[..., None] if last else x[None]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: expected an image of rank 2 or 3, got shape {x.shape}.")
    return x if last else x.transpose(2, 0, 1)


@folds_frames
def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """A Pillow image of an array.

    Args:
        x: Array (height, width, channels) or with the channels first; 1, 3 or 4 channels.
        data_format: "channels_last", "channels_first" or None for the default.
        scale: Whether the values are stretched to 0 .. 255.
        dtype: The dtype to compute in; the default float when None.

    Returns:
        A Pillow image.

    Raises:
        ImportError: without Pillow.
        ValueError: if the shape is none of an image.

    Example:
        >>> import lamina
        >>> lamina.utils.array_to_img(np.zeros((4, 6, 3))).size
        (6, 4)
    """
    image_module = pillow("array_to_img")
    x = np.asarray(x, dtype=dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: expected one image of rank 3, got shape {x.shape}.")
    x = x if config.standardize_data_format(data_format) == "channels_last" else x.transpose(1, 2, 0)
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1.0) * 255
    channels = x.shape[-1]
    if channels in (3, 4):
        return image_module.fromarray(x.astype("uint8"), "RGB" if channels == 3 else "RGBA")
    if channels != 1:
        raise ValueError(f"array_to_img: an image has 1, 3 or 4 channels, got {channels} (shape {x.shape}).")
    gray = x[..., 0]
    return image_module.fromarray(gray.astype("int32"), "I") if gray.max() > 255 else image_module.fromarray(
        gray.astype("uint8"), "L"
    )  # fmt: skip


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to an image file.

    Args:
        path: A path or a file-like object.
        x: Array (height, width, channels) or with the channels first.
        data_format: "channels_last", "channels_first" or None for the default.
        file_format: "png", "jpeg" and the like; by default what the path's ending says.
        scale: Whether the values are stretched to 0 .. 255.
        **kwargs: For Pillow's `Image.save`.

    Raises:
        ImportError: without Pillow.
        ValueError: if the shape is none of an image.

    Example:
        >>> import lamina
        >>> lamina.utils.save_img("two.png", np.zeros((4, 6, 3)))
    """
    image = array_to_img(x, data_format, scale)
    kind = (file_format or Path(str(path)).suffix[1:]).lower()
    if image.mode == "RGBA" and kind in ("jpg", "jpeg"):  # which has no place for transparency
        image = image.convert("RGB")
    image.save(path, format=None if file_format is None else ("jpeg" if kind == "jpg" else kind), **kwargs)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last", **kwargs: Any
) -> Any:
    """Images in another size, cut in the middle to its ratio first.

    Args:
        x: Tensor or array (height, width, channels) or a batch of them, or with the channels first.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        data_format: "channels_last" or "channels_first".
        **kwargs: `backend_module` of older code, which is not needed.

    Returns:
        The resized images: an array if an array came in, else a tensor.

    Raises:
        ValueError: if an argument is unknown or the rank does not fit.

    Example:
        >>> import lamina
        >>> lamina.utils.smart_resize(np.ones((8, 4, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise TypeError(f"smart_resize got unknown arguments: {', '.join(kwargs)}.")
    out = ops.image.resize(x, tuple(size), interpolation, crop_to_aspect_ratio=True, data_format=data_format)
    return ops.convert_to_numpy(out) if isinstance(x, np.ndarray) else out
