"""From indices to one-hot, multi-hot and counted vectors: on the host, and as a program of the backend."""

from __future__ import annotations

from typing import Any

import numpy as np

MODES = ("int", "one_hot", "multi_hot", "count")


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[Any, ...]:
    """The shape of the encoding of indices of this shape.

    A last axis of size 1 goes away in "one_hot"; in the others the last axis is what is counted over.
    """
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        kept = shape[:-1] if shape and shape[-1] == 1 and len(shape) > 1 else shape
        return (*(kept or (1,)), depth)
    return (*shape[:-1], depth)


def encode(k: Any, ids: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Any:
    """The encoding of integer tensors; indices outside the depth leave no trace.

    Args:
        k: The kernel.
        ids: Integers (..., n).
        mode: "int", "one_hot", "multi_hot" or "count".
        depth: The size of the last axis of the result.
        dtype: The result's dtype.
        weights: What each index counts in "count", like ids; 1 by default.
    """
    if mode == "int":
        return k.astype(ids, dtype) if k.dtype(ids) != dtype else ids
    shape = tuple(ids.shape)
    if mode == "one_hot":
        if len(shape) > 1 and type(shape[-1]) is int and shape[-1] == 1:
            ids = k.squeeze(ids, (len(shape) - 1,))
        elif not shape:
            ids = k.reshape(ids, (1,))
        return k.one_hot(ids, depth, -1, dtype)
    if not shape:
        ids, weights = k.reshape(ids, (1,)), None if weights is None else k.reshape(weights, (1,))
    hot = k.one_hot(ids, depth, -1, dtype)
    if mode == "multi_hot":
        return k.max(hot, -2)
    if weights is not None:
        hot = k.multiply(hot, k.expand_dims(k.astype(weights, dtype), -1))
    return k.sum(hot, -2)


def encode_on_host(ids: np.ndarray, mode: str, depth: int, dtype: Any, weights: Any = None) -> np.ndarray:
    """The same of an array, in memory for the result alone."""
    if mode == "int":
        return ids.astype(dtype, copy=False)
    shape = encoded_shape(ids.shape, mode, depth)
    flat = ids.reshape(-1)
    per_row = 1 if mode == "one_hot" else (ids.shape[-1] if ids.shape else 1)
    rows = np.repeat(np.arange(flat.size // per_row if per_row else 0), per_row)
    return scatter(rows, flat, int(np.prod(shape[:-1], dtype=np.int64)), mode, depth, dtype, weights).reshape(
        shape
    )


def scatter(
    rows: np.ndarray, ids: np.ndarray, count: int, mode: str, depth: int, dtype: Any, weights: Any = None
) -> np.ndarray:
    """(count, depth): what each row has of each index, given as pairs of a row and an index."""
    out = np.zeros(count * depth, dtype)
    inside = (ids >= 0) & (ids < depth)
    if not inside.all():
        rows, ids = rows[inside], ids[inside]
        weights = None if weights is None else np.asarray(weights).reshape(-1)[inside]
    places = rows * depth + ids
    if mode != "count":
        out[places] = 1
    elif weights is not None:
        np.add.at(out, places, np.asarray(weights).reshape(-1).astype(dtype))
    else:
        np.add.at(out, places, np.ones((), dtype))
    return out.reshape(count, depth)
