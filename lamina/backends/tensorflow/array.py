"""Looking at tensors and making them."""

from __future__ import annotations

import builtins as py
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backends.memory import aligned
from lamina.backends.tensorflow import dtensor
from lamina.backends.tensorflow._support import (
    dims,
    scalar,
    size,
)
from lamina.errors import NoValue

Tensor = tf.Tensor

# Inspection


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    return x.dtype.name


def shape(x: Any) -> tuple:
    sizes = tuple(x.shape)
    if None not in sizes:
        return sizes
    unknown = tf.shape(x)
    return tuple([unknown[i] if n is None else n for i, n in enumerate(sizes)])


_LARGE = 1 << 20  # bytes from which TensorFlow's second copy matters


def asarray(x: Any, dtype: str | None = None) -> Any:
    if isinstance(x, np.ndarray) and x.dtype.isnative and dtype in (None, x.dtype.name):
        return _copied(x) if x.nbytes >= _LARGE else tf.convert_to_tensor(x)
    if isinstance(x, (tf.Tensor, tf.Variable)):
        return tf.convert_to_tensor(x) if dtype is None else tf.cast(x, dtype)
    if dtype == "string":
        return tf.convert_to_tensor(x, dtype)
    if dtype is None:
        made = tf.convert_to_tensor(x)
        # 64 bits appear only where somebody asked for them
        wide = made.dtype == tf.complex128 and not isinstance(x, (np.ndarray, np.generic))
        return tf.cast(made, tf.complex64) if wide else made
    if isinstance(x, (bool, int, float)):
        return scalar(x, tf.as_dtype(dtype))
    if isinstance(x, (list, tuple)) and py.any(isinstance(leaf, tf.Tensor) for leaf in tf.nest.flatten(x)):
        return tf.cast(tf.convert_to_tensor(x), dtype)
    return tf.convert_to_tensor(np.asarray(x).astype(tf.as_dtype(dtype).as_numpy_dtype))


def _copied(x: np.ndarray) -> Any:
    """A large array by one copy, where TensorFlow makes two, and holds both for a while."""
    if not takes_memory(x):
        return tf.convert_to_tensor(x)
    copy = aligned(np.empty, x.shape, x.dtype.newbyteorder("="))
    copy[...] = x
    return tf.experimental.dlpack.from_dlpack(copy.__dlpack__())


def takes_memory(x: np.ndarray) -> bool:
    """Whether TensorFlow can make a tensor of an array's own memory, if that is aligned."""
    return x.dtype.kind in "fiu" and tf.executing_eagerly() and not tf.config.list_physical_devices("GPU")


def to_numpy(x: Any, view: bool = False) -> np.ndarray:
    if not hasattr(x, "numpy"):
        raise NoValue(
            f"A tensor inside a compiled function has no numbers yet, got {x!r}. Use lamina.ops on it; to look at values "
            "while debugging, compile the model with run_eagerly=True."
        )
    if dtensor.is_spread(x):
        return dtensor.to_numpy(x)
    return np.asarray(x if view else x.numpy())


def astype(x: Any, dtype: str) -> Any:
    return tf.cast(x, dtype)


def bitcast(x: Any, dtype: str) -> Any:
    source, target = x.dtype, tf.as_dtype(dtype)
    if source == target:
        return x
    if source.is_bool:  # no kernel: Bitcast of bool, whose bytes are 0 and 1
        return bitcast(tf.cast(x, tf.uint8), dtype)
    if target.is_bool:
        return tf.cast(bitcast(x, "uint8"), tf.bool)
    if source.size == target.size:
        return tf.bitcast(x, target)
    *rest, last = shape(x)
    if source.size > target.size:
        return tf.reshape(tf.bitcast(x, target), dims([*rest, last * (source.size // target.size)]))
    ratio = target.size // source.size
    return tf.bitcast(tf.reshape(x, dims([*rest, last // ratio, ratio])), target)


def copy(x: Any) -> Any:
    return tf.identity(x)


# Creation


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    target = tf.as_dtype(dtype)
    if py.any(isinstance(v, tf.Tensor) for v in (start, stop, step)):
        start, stop, step = (
            scalar(v, tf.float64 if target.is_floating else tf.int64) for v in (start, stop, step)
        )
        count = tf.cast(tf.math.ceil(tf.math.divide(stop - start, step)), tf.int32)
    else:
        count = py.max(0, math.ceil((stop - start) / step))
    # not tf.range(start, stop, step): it adds the step up, and with it the rounding
    wide = tf.int64 if isinstance(start + step, int) or not target.is_floating else tf.float64
    positions = tf.cast(tf.range(count), wide)
    return tf.cast(scalar(start, wide) + positions * scalar(step, wide), target)


def eye(rows: int, columns: int, k: int, dtype: str) -> Any:
    return tf.cast(tf.range(rows)[:, None] + k == tf.range(columns), dtype)


def full(shape: Sequence[int], value: Any, dtype: str) -> Any:
    if dtype == "string":
        return tf.fill(dims(shape), value)
    element = asarray(value, dtype)
    return element if not shape and element.shape.rank == 0 else tf.broadcast_to(element, dims(shape))


def linspace(start: Any, stop: Any, num: int, endpoint: bool, dtype: str) -> Any:
    target = tf.as_dtype(dtype)
    wide = tf.complex128 if target.is_complex else tf.float64
    start, stop = tf.cast(start, wide), tf.cast(stop, wide)
    positions = tf.cast(tf.range(num), wide) / tf.cast(py.max(num - 1 if endpoint else num, 1), wide)
    positions = tf.reshape(positions, [num] + [1] * start.shape.rank)
    values = start * (1 - positions) + stop * positions  # exact at both ends
    return tf.cast(tf.floor(values) if target.is_integer else values, target)


def meshgrid(*arrays: Any, indexing: str) -> list:
    if indexing == "xy" and len(arrays) > 1:
        second, first, *rest = meshgrid(arrays[1], arrays[0], *arrays[2:], indexing="ij")
        return [first, second, *rest]
    sizes = dims([size(a, 0) for a in arrays])
    positions = [[-1 if i == j else 1 for j in range(len(arrays))] for i in range(len(arrays))]
    return [
        tf.broadcast_to(tf.reshape(a, position), sizes) for a, position in zip(arrays, positions, strict=True)
    ]


def ones(shape: Sequence[int], dtype: str) -> Any:
    return tf.ones(dims(shape), dtype)


def zeros(shape: Sequence[int], dtype: str) -> Any:
    return tf.zeros(dims(shape), dtype)


def tril(x: Any, k: int) -> Any:
    return dtensor.select(_column_minus_row(x) <= k, x, tf.zeros([], x.dtype))


def triu(x: Any, k: int) -> Any:
    return dtensor.select(_column_minus_row(x) >= k, x, tf.zeros([], x.dtype))


def _column_minus_row(x: Any) -> Any:
    return tf.range(size(x, -1)) - tf.range(size(x, -2))[:, None]
