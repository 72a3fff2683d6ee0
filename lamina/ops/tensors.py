"""Small helpers that op bodies share: dtypes of anything, common dtypes, sizes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.op import convert

WIDE = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


def astype(k: Kernel, x: Any, dtype: str) -> Any:
    """`x` in `dtype`, untouched where it is already."""
    return x if k.dtype(x) == dtype else k.astype(x, dtype)


def to_float(k: Kernel, x: Any) -> Any:
    """`x` in the inexact dtype that mathematics on it is done in."""
    return astype(k, x, dtypes.to_float(k.dtype(x)))


def in_floats(k: Kernel, x: Any, dtype: str) -> Any:
    """`x` in `dtype` if it is no float: what is learned of whole numbers would be cut to whole numbers."""
    return x if k.dtype(x) in dtypes.IS_INEXACT else k.astype(x, dtype)


def not_bool(k: Kernel, x: Any) -> Any:
    """`x`, as int32 if it is bool."""
    return k.astype(x, "int32") if k.dtype(x) == "bool" else x


def wide(k: Kernel, x: Any) -> Any:
    """`x` in the dtype that sums of it have: small integers become 32 bits wide."""
    dtype = k.dtype(x)
    return k.astype(x, WIDE[dtype]) if dtype in WIDE else x


def together(k: Kernel, *values: Any) -> list[Any]:
    """The values in one dtype by the lattice. Python numbers stay numbers, None stays None."""
    names = [dtypes.of_scalar(v) if type(v) in (bool, int, float, complex) else None for v in values]
    out = [v if v is None or n else convert(k, v) for v, n in zip(values, names, strict=True)]
    target = dtypes.join(*[n or k.dtype(v) for v, n in zip(out, names, strict=True) if v is not None])
    return [v if v is None or n else astype(k, v, target) for v, n in zip(out, names, strict=True)]


def same_shape(k: Kernel, x1: Any, x2: Any) -> tuple[Any, Any]:
    """Both in their broadcast shape."""
    if tuple(k.shape(x1)) == tuple(k.shape(x2)):
        return x1, x2
    return k.add(x1, k.zeros(k.shape(x2), k.dtype(x1))), k.add(x2, k.zeros(k.shape(x1), k.dtype(x2)))


def move(k: Kernel, x: Any, source: int, destination: int) -> Any:
    """`x` with one axis in another place; both count from the front."""
    order = [i for i in range(len(x.shape)) if i != source]
    order.insert(destination, source)
    return k.permute_dims(x, order)


def wants_bool(op: str, k: Kernel, x: Any) -> None:
    """That `x` is not bool, for operations that have no meaning on truth values.

    Raises:
        TypeError: if it is.
    """
    if k.dtype(x) == "bool":
        raise TypeError(
            f"{op}: not defined for bool tensors. Cast to an integer dtype, or use a logical operation."
        )


def known(n: Any) -> bool:
    """Whether a size is a plain number."""
    return type(n) is int


def count(shape: Sequence[Any]) -> Any:
    """How many entries a tensor of this shape has."""
    total: Any = 1
    for n in shape:
        total = total * n
    return total


def static(shape: Sequence[Any]) -> bool:
    """Whether every size is a plain number."""
    return all(type(n) is int for n in shape)


def is_unknown(n: Any) -> bool:
    """Whether a size is a stand-in of the shape interpreter."""
    return type(n) is Unknown


def largest(dtype: str) -> Any:
    """The largest finite number of a real dtype."""
    if dtype in dtypes.IS_INTEGER:
        bits = int(dtype.lstrip("uint"))
        return (1 << (bits - (dtype in dtypes.SIGNED))) - 1
    return _FLOAT_MAX[dtype]


def least(dtype: str) -> Any:
    """The least finite number of a real dtype."""
    if dtype in dtypes.IS_INTEGER:
        return -largest(dtype) - 1 if dtype in dtypes.SIGNED else 0
    return -_FLOAT_MAX[dtype]


_FLOAT_MAX = {
    "float8_e4m3fn": 448.0,
    "float8_e5m2": 57344.0,
    "float16": 65504.0,
    "bfloat16": (2.0 - 2.0**-7) * 2.0**127,
    "float32": (2.0 - 2.0**-23) * 2.0**127,
    "float64": sys.float_info.max,
}


def bits(dtype: str) -> int:
    """The width of a dtype."""
    special = {"bool": 8, "bfloat16": 16, "float8_e4m3fn": 8, "float8_e5m2": 8}
    return special.get(dtype) or int("".join(c for c in dtype if c.isdigit()))
