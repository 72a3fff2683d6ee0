"""Affine maps of one image on the host: what an `ImageDataGenerator` draws."""

from __future__ import annotations

from typing import Any

import numpy as np


def transform_of(p: dict[str, Any], rows: int, columns: int) -> np.ndarray | None:
    """The matrix of a rotation, shift, shear and zoom about the middle; None if nothing moves.

    It leads from a place (row, column) of the result to the place it comes from. As in Keras, the numbers speak of columns
    first, while the middle is that of rows first: images that are not square turn about a place beside their middle.
    """
    theta, shear = np.deg2rad(p.get("theta", 0.0)), np.deg2rad(p.get("shear", 0.0))
    zx, zy = p.get("zx", 1.0), p.get("zy", 1.0)
    shift = np.array([p.get("tx", 0.0), p.get("ty", 0.0)])
    if not theta and not shear and zx == zy == 1 and not shift.any():
        return None
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    linear = turn @ np.array([[1, -np.sin(shear)], [0, np.cos(shear)]]) @ np.diag([zx, zy])
    middle = np.array([rows / 2 - 0.5, columns / 2 - 0.5])
    matrix = np.eye(3)
    matrix[:2, :2] = linear[::-1, ::-1]
    matrix[:2, 2] = (middle + turn @ shift - linear @ middle)[::-1]
    return matrix


def moved(x: np.ndarray, matrix: np.ndarray, fill_mode: str, cval: float, order: int = 1) -> np.ndarray:
    """An image (rows, columns, channels) whose places come from where the matrix says, by splines of an order.

    SciPy does it, so what stands outside is what it was in Keras: "wrap" repeats after one pixel less than there are.
    """
    try:
        from scipy.ndimage import affine_transform  # JAX brings it
    except ImportError as error:
        raise ImportError("Moving images needs SciPy. Install it with `pip install scipy`.") from error
    offset: Any = matrix[:2, 2]
    planes = [
        affine_transform(plane, matrix[:2, :2], offset, order=order, mode=fill_mode, cval=cval)
        for plane in np.moveaxis(x, -1, 0)
    ]
    return np.stack(planes, -1).astype(x.dtype)
