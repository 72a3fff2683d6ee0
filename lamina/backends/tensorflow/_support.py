"""What the files here share: sizes, Python scalars beside tensors, and the dtypes that TensorFlow has no kernel for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

_SMALL = {"uint8": "int32", "uint16": "int32", "int8": "int32", "int16": "int32"}
_UNSIGNED = {"uint8": "int32", "uint16": "int32", "uint32": "int64", "uint64": "int64"}
_PRODUCTS = {**_UNSIGNED, "int8": "int32", "int16": "int32"}
_HALVES = {"float16": "float32", "bfloat16": "float32"}
_ALL_INTEGERS = dict.fromkeys((*_PRODUCTS, "int32", "int64"), "float64")

# operation -> {dtype: the dtype it is computed in}. Wrapping around comes out the same, as casts keep the low bits.
WIDER: dict[str, dict[str, str]] = {
    "add_up": _HALVES,  # kernels exist, but add in the few bits of the halves
    "compare": {"bool": "uint8"},  # no kernel: bool in Less and its like
    "conv": _ALL_INTEGERS,  # no kernel: integers
    "erfinv": _HALVES,  # no kernel: Ndtri of halves
    "extreme": {"bool": "uint8"},  # no kernel: Max, Min, ArgMax, TopK, Cum of bool
    "fft": _HALVES,  # no kernel: RFFT of halves
    "floor_divide": _HALVES,  # no kernel: TruncateMod and Rint of halves
    "gamma": _HALVES,  # no kernel: StatelessRandomGammaV3 of bfloat16; float16 overflows in it
    "lgamma": {"bfloat16": "float32"},  # no kernel: Lgamma of bfloat16
    "linalg": _HALVES,  # no kernel: factorisations of halves
    "one_hot": {"bool": "uint8"},  # no kernel: OneHot to bool
    "pad": {"bool": "uint8"},  # no kernel: PadV2 of bool
    "pool_average": _ALL_INTEGERS,  # no kernel: AvgPool of integers
    "pool_max": {
        "uint32": "int64",
        "uint64": "int64",
        **_SMALL,
    },  # no kernel: MaxPool of large unsigned integers
    "pow": _UNSIGNED,  # no kernel: Pow of unsigned integers
    "product": _PRODUCTS,  # no kernel: matrix products of integers other than int32 and int64
    "round": _HALVES,  # no kernel: Rint of halves
    "tile": {"uint16": "int32"},  # no kernel: Tile of uint16
}

BITS = {2: tf.int16, 4: tf.int32, 8: tf.int64}  # the integer as wide as a float


def through(operation: str, f: Callable[..., Any], *tensors: Any) -> Any:
    """f(*tensors), computed in a dtype that has a kernel and cast back where this one has none or a poor one."""
    dtype = tensors[0].dtype
    wide = WIDER[operation].get(dtype.name)
    if wide is None:
        return f(*tensors)
    result = f(*[tf.cast(x, wide) for x in tensors])
    return tf.cast(result, dtype) if result.dtype.name == wide else result


def scalar(value: Any, dtype: tf.DType) -> Any:
    """A Python scalar (or anything else that is no tensor) as a tensor of this dtype."""
    if isinstance(value, tf.Tensor):
        return tf.cast(value, dtype)
    if isinstance(value, (bool, int, float)):
        value = bool(value) if dtype.is_bool else int(value) if dtype.is_integer else value + 0
    return tf.constant(value, dtype)


def pair(x1: Any, x2: Any) -> tuple[Any, Any]:
    """Two operands, of which one may be a Python scalar."""
    if not isinstance(x1, tf.Tensor):
        return scalar(x1, x2.dtype), x2
    return x1, x2 if isinstance(x2, tf.Tensor) else scalar(x2, x1.dtype)


def size(x: Any, axis: int) -> Any:
    """The size along one axis: an integer where it is known, otherwise a scalar tensor."""
    known = x.shape[axis]
    return tf.shape(x)[axis] if known is None else known


def dims(shape: Sequence[Any]) -> Any:
    """A shape as TensorFlow takes it: integers, or one tensor when a size is a tensor."""
    if any(isinstance(n, tf.Tensor) for n in shape):
        return tf.stack([tf.cast(n, tf.int32) for n in shape])
    return list(shape)


def axes_of(x: Any, axis: Any) -> list[int]:
    """The axes that `axis` means, counted from the front."""
    rank = x.shape.rank
    if axis is None:
        return list(range(rank))
    return [a % rank for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]


def along(x: Any, axis: int, start: Any, stop: Any) -> Any:
    """x[start:stop] along one axis."""
    return x[(slice(None),) * (axis % x.shape.rank) + (slice(start, stop),)]


def move_axis(x: Any, source: int, target: int) -> Any:
    """The axis at another position, the others in their order."""
    rank = x.shape.rank
    source, target = source % rank, target % rank
    if source == target:
        return x
    order = [a for a in range(rank) if a != source]
    order.insert(target, source)
    return tf.transpose(x, order)


def in_range(indices: Any, n: Any) -> Any:
    """Indices counted from the front: negative ones count from the end."""
    return tf.where(indices < 0, indices + tf.cast(n, indices.dtype), indices)


def prefixes(f: Callable[[list, list], list], leaves: list, axis: int) -> list:
    """f over all beginnings of the axis, in log2(n) rounds, each over whole tensors (Hillis and Steele)."""

    def join(distance: Any, *xs: Any) -> list:
        n = size(xs[0], axis)
        joined = f([along(x, axis, 0, n - distance) for x in xs], [along(x, axis, distance, n) for x in xs])
        return [tf.concat([along(x, axis, 0, distance), y], axis) for x, y in zip(xs, joined, strict=True)]

    n = leaves[0].shape[axis]
    if n is not None:
        distance = 1
        while distance < n:
            leaves, distance = join(distance, *leaves), 2 * distance
        return leaves
    shapes = [x.shape for x in leaves]

    def turn(distance: Any, *xs: Any) -> list:
        return [
            2 * distance,
            *[tf.ensure_shape(y, s) for y, s in zip(join(distance, *xs), shapes, strict=True)],
        ]

    n = size(leaves[0], axis)
    invariants = [tf.TensorShape([]), *shapes]
    return list(tf.while_loop(lambda d, *_: d < n, turn, [tf.constant(1), *leaves], invariants))[1:]
