"""Single changes of one image, with given or random numbers, as older code calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.legacy.warp import moved, transform_of


def apply_affine_transform(
    x: Any, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1,
    row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest", cval: float = 0.0,
    order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image turned (degrees), moved (pixels), sheared (degrees) and zoomed about its middle.

    Args:
        x: An image of three axes.
        theta, tx, ty, shear, zx, zy: The numbers of the change; `t` and `z` of the rows, then of the columns.
        row_axis, col_axis, channel_axis: Where these axes are.
        fill_mode, cval: What stands outside: "nearest", "constant" (`cval`), "reflect" or "wrap".
        order: 0 for the nearest pixel, 1 for linear, 2 to 5 for splines.
    """
    x = np.asarray(x)
    if {row_axis % 3, col_axis % 3, channel_axis % 3} != {0, 1, 2} or x.ndim != 3:
        raise ValueError(
            f"apply_affine_transform takes an image of three axes: rows, columns and channels; got shape {x.shape} and the "
            f"axes {row_axis}, {col_axis}, {channel_axis}."
        )
    given = {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy}
    axes = (row_axis, col_axis, channel_axis)
    matrix = transform_of(given, x.shape[row_axis], x.shape[col_axis])
    if matrix is None:
        return x
    out = moved(np.transpose(x, axes), matrix, fill_mode, cval, order)
    return np.transpose(out, np.argsort([a % 3 for a in axes]))


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """An image with a number added, within the least and the largest value that it had.

    Args:
        x: An image.
        intensity: The number.
        channel_axis: Has no effect on the result: all channels get the same.
    """
    x = np.asarray(x)
    return np.clip(x + intensity, x.min(), x.max()).astype(x.dtype)


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> np.ndarray:
    """An image made darker (below 1) or brighter (above 1), in the 256 steps of a picture.

    Args:
        x: An image.
        brightness: The factor.
        scale: Whether the result is in 0 to 255; otherwise in the range that the image had.
    """
    x = np.asarray(x)
    low, high = float(x.min()), float(x.max())
    stretched = scale or low < 0 or high > 255
    steps = (x - low) / ((high - low) or 1.0) * 255.0 if stretched else x
    out = np.clip(np.floor(np.asarray(steps, "uint8") * float(brightness)), 0, 255)
    if not scale and stretched:
        out = out / 255.0 * (high - low) + low
    return out.astype(x.dtype if x.dtype.kind == "f" else "float32")


def random_rotation(
    x: Any, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image turned by an angle from -rg to rg degrees; the other arguments are those of `apply_affine_transform`."""
    theta = np.random.uniform(-rg, rg)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shift(
    x: Any, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image moved by up to the parts `wrg` of its width and `hrg` of its height."""
    tx = np.random.uniform(-hrg, hrg) * np.shape(x)[row_axis]
    ty = np.random.uniform(-wrg, wrg) * np.shape(x)[col_axis]
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shear(
    x: Any, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image sheared by an angle from -intensity to intensity degrees."""
    shear = np.random.uniform(-intensity, intensity)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_zoom(
    x: Any, zoom_range: Any, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> np.ndarray:  # fmt: skip
    """An image of which rows and columns are zoomed by factors of their own from the pair `zoom_range`."""
    if np.shape(zoom_range) != (2,):
        raise ValueError(f"random_zoom: `zoom_range` must be two factors (from, to), got {zoom_range!r}.")
    low, high = zoom_range
    zx, zy = (1.0, 1.0) if low == high == 1 else np.random.uniform(low, high, 2)
    axes = (row_axis, col_axis, channel_axis)
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order)


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """An image with a number from -intensity_range to intensity_range added."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: Any, brightness_range: Any, scale: bool = True) -> np.ndarray:
    """An image made brighter or darker by a factor from the pair `brightness_range`."""
    if np.shape(brightness_range) != (2,):
        raise ValueError(
            f"random_brightness: `brightness_range` must be two factors, got {brightness_range!r}."
        )
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)
