"""Looking at arrays and making them."""

from __future__ import annotations

import builtins as py
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

Tensor = (np.ndarray, np.generic)

_EXTRA = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
_NUMBERS = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
)
DTYPES: dict[str, np.dtype] = {name: np.dtype(name) for name in _NUMBERS.split()}
DTYPES |= {name: np.dtype(getattr(ml_dtypes, name)) for name in _EXTRA} | {"string": np.dtype(object)}
_NAMES = {value: name for name, value in DTYPES.items()}
_FOREIGN = {DTYPES[name] for name in _EXTRA}
_NARROW = {DTYPES["float16"], *_FOREIGN}
_DEFAULT = {
    np.dtype("float64"): "float32",
    np.dtype("int64"): "int32",
    np.dtype("complex128"): "complex64",
}


def wide(x: np.ndarray) -> np.ndarray:
    """Halves as float32: NumPy would add them up in their own few bits, or not at all."""
    return np.asarray(x, np.float32) if x.dtype in _NARROW else x


class Narrow(np.ndarray):
    """An array of one of ml_dtypes' types, which do not know that Python scalars are weak: 2.0 * x would be wider."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        inputs = tuple([_plain(like(x, self)) for x in inputs])
        if out is not None:
            kwargs["out"] = tuple([_plain(x) for x in out])
        return narrow(getattr(ufunc, method)(*inputs, **kwargs))

    def __getitem__(self, key: Any) -> Any:
        return narrow(np.asarray(self)[key])


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, Narrow) else x


def narrow(x: Any) -> Any:
    """Results as `Narrow` where their dtype needs it."""
    if isinstance(x, Tensor):
        return np.asarray(x).view(Narrow) if x.dtype in _FOREIGN else _plain(x)
    return type(x)([narrow(y) for y in x]) if type(x) in (tuple, list) else x


def like(value: Any, x: Any) -> Any:
    """A Python scalar in the dtype of x."""
    return x.dtype.type(value) if isinstance(value, (bool, int, float, py.complex)) else value


# Inspection


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    return _NAMES.get(x.dtype) or ("string" if x.dtype.kind in "USO" else x.dtype.name)


def shape(x: Any) -> tuple:
    return x.shape


def asarray(x: Any, dtype: str | None = None) -> Any:
    if dtype is None and not isinstance(x, Tensor):
        x = np.asarray(x)
        dtype = _DEFAULT.get(x.dtype)  # 64 bits appear only where somebody asked for them
    return np.asarray(x, None if dtype is None else DTYPES[dtype])


def to_numpy(x: Any, view: bool = False) -> np.ndarray:
    return np.asarray(x)


def astype(x: Any, dtype: str) -> Any:
    return x.astype(DTYPES[dtype], copy=False)


def bitcast(x: Any, dtype: str) -> Any:
    return np.ascontiguousarray(x).reshape(np.shape(x)).view(DTYPES[dtype])


def copy(x: Any) -> Any:
    return np.array(x)


# Creation


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    return np.arange(start, stop, step).astype(DTYPES[dtype])


def eye(rows: int, columns: int, k: int, dtype: str) -> Any:
    return np.eye(rows, columns, k, DTYPES[dtype])


def full(shape: Sequence[int], value: Any, dtype: str) -> Any:
    return np.full(shape, value, DTYPES[dtype])


def linspace(start: Any, stop: Any, num: int, endpoint: bool, dtype: str) -> Any:
    return np.linspace(start, stop, num, endpoint, dtype=DTYPES[dtype])


def meshgrid(*arrays: Any, indexing: Any) -> list:
    return list(np.meshgrid(*arrays, indexing=indexing))


def ones(shape: Sequence[int], dtype: str) -> Any:
    return np.ones(shape, DTYPES[dtype])


def zeros(shape: Sequence[int], dtype: str) -> Any:
    return np.zeros(shape, DTYPES[dtype])


tril = np.tril
triu = np.triu
