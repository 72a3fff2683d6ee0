"""Affine maps of one image in NumPy: what an `ImageDataGenerator` draws."""

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
    """An image (rows, columns, channels) whose places come from where the matrix says, between pixels linearly."""
    if order > 1:
        return _spline(x, matrix, fill_mode, cval, order)
    rows, columns = x.shape[:2]
    grid = np.stack([*np.indices((rows, columns), float), np.ones((rows, columns))])
    row, column = np.tensordot(matrix[:2], grid, 1)
    if order == 0:
        return _at(x, np.rint(row), np.rint(column), fill_mode, cval)
    top, left = np.floor(row), np.floor(column)
    down, right = (row - top)[..., None], (column - left)[..., None]
    corner = lambda i, j: _at(x, top + i, left + j, fill_mode, cval)
    upper = corner(0, 0) * (1 - right) + corner(0, 1) * right
    lower = corner(1, 0) * (1 - right) + corner(1, 1) * right
    return (upper * (1 - down) + lower * down).astype(x.dtype)


def _spline(x: np.ndarray, matrix: np.ndarray, fill_mode: str, cval: float, order: int) -> np.ndarray:
    try:
        from scipy.ndimage import affine_transform
    except ImportError as error:
        raise ImportError(
            f"`interpolation_order={order}` needs SciPy. Install it with `pip install scipy`, or use 0 or 1."
        ) from error
    planes = [
        affine_transform(plane, matrix[:2, :2], matrix[:2, 2], order=order, mode=fill_mode, cval=cval)
        for plane in np.moveaxis(x, -1, 0)
    ]
    return np.stack(planes, -1).astype(x.dtype)


def _at(x: np.ndarray, row: np.ndarray, column: np.ndarray, fill_mode: str, cval: float) -> np.ndarray:
    i, j = (_inside(v.astype(int), n, fill_mode) for v, n in zip((row, column), x.shape[:2], strict=True))
    found = x[i, j]
    if fill_mode == "constant":
        outside = (row < 0) | (row > x.shape[0] - 1) | (column < 0) | (column > x.shape[1] - 1)
        found = np.where(outside[..., None], cval, found)
    return found


def _inside(index: np.ndarray, size: int, fill_mode: str) -> np.ndarray:
    if fill_mode == "wrap":
        return index % size
    if fill_mode == "reflect":  # d c b a | a b c d | d c b a
        index = index % (2 * size)
        return np.minimum(index, 2 * size - 1 - index)
    return index.clip(0, size - 1)
