"""Looking at arrays and making them."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax
from jax.experimental import multihost_utils

from lamina.kernel.settings import SETTINGS

Tensor = jax.Array

_EXTRA = ("bfloat16", "float8_e4m3fn", "float8_e5m2")
_NUMBERS = (
    "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 complex64 complex128"
)
_DTYPES: dict[str, np.dtype] = {name: np.dtype(name) for name in _NUMBERS.split()}
_DTYPES |= {name: np.dtype(getattr(ml_dtypes, name)) for name in _EXTRA}
_NAMES = {value: name for name, value in _DTYPES.items()}
_INT32 = _DTYPES["int32"]


def real_dtype(name: str) -> np.dtype:
    """The dtype that jax keeps for a name: 32 bits for 64 unless jax_enable_x64 is set."""
    if name not in _DTYPES:
        raise ValueError(f"The jax backend has no tensors of dtype {name!r}. Use NumPy arrays for text.")
    kept = jax.dtypes.canonicalize_dtype(_DTYPES[name])
    if name == "float64" == SETTINGS["floatx"] and kept.itemsize < 8:
        _warn_of_narrow_floats()
    return kept


@functools.cache
def _warn_of_narrow_floats() -> None:
    warnings.warn(
        "The default float is float64, but jax computes with 32 bits: it has 64 only behind a switch of its own. Set it "
        "before anything else: `jax_enable_x64` in jax.config, or the environment variable JAX_ENABLE_X64=1.",
        stacklevel=3,
    )


def int32(x: Any) -> Any:
    """Positions as int32, also where jax_enable_x64 makes them int64."""
    return x if x.dtype == _INT32 else x.astype(_INT32)


# Inspection


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    return _NAMES.get(x.dtype) or str(x.dtype)


def shape(x: Any) -> tuple:
    return x.shape


def asarray(x: Any, dtype: str | None = None) -> Any:
    if dtype is not None:
        return jnp.asarray(x, real_dtype(dtype))
    x = jnp.asarray(x)
    # jax marks tensors made of Python scalars as weak, which would show in the dtypes of later results
    return lax.convert_element_type(x, x.dtype) if x.weak_type else x


def to_numpy(x: Any, view: bool = False) -> np.ndarray:
    if isinstance(x, Tensor) and not x.is_fully_addressable:  # parts of it lie on devices of other processes
        return _from_all(x)
    return np.asarray(x)


def _from_all(x: Any) -> np.ndarray:
    """What is not whole here is collected from all processes, each of which must ask for it."""
    if x.is_fully_replicated:
        return np.asarray(x.addressable_data(0))
    return np.asarray(multihost_utils.process_allgather(x, tiled=True))


def astype(x: Any, dtype: str) -> Any:
    target = real_dtype(dtype)
    x = x.real if x.dtype.kind == "c" and target.kind != "c" else x
    return x if x.dtype == target else x.astype(target)


def bitcast(x: Any, dtype: str) -> Any:
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        x = jax.random.key_data(x)
    target = real_dtype(dtype)
    before, after = x.dtype.itemsize, target.itemsize
    if after > before:
        x = x.reshape(*x.shape[:-1], -1, after // before)
    result = lax.bitcast_convert_type(x, target)
    return result.reshape(*result.shape[:-2], -1) if after < before else result


def copy(x: Any) -> Any:
    return jnp.array(x)


# Creation


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    return jnp.arange(start, stop, step, real_dtype(dtype))


def eye(rows: int, columns: int, k: int, dtype: str) -> Any:
    return jnp.eye(rows, columns, k, real_dtype(dtype))


def full(shape: Sequence[int], value: Any, dtype: str) -> Any:
    return jnp.full(shape, value, real_dtype(dtype))


def linspace(start: Any, stop: Any, num: int, endpoint: bool, dtype: str) -> Any:
    return jnp.linspace(start, stop, num, endpoint, dtype=real_dtype(dtype))


def meshgrid(*arrays: Any, indexing: str) -> list:
    return list(jnp.meshgrid(*arrays, indexing=indexing))


def ones(shape: Sequence[int], dtype: str) -> Any:
    return jnp.ones(shape, real_dtype(dtype))


def zeros(shape: Sequence[int], dtype: str) -> Any:
    return jnp.zeros(shape, real_dtype(dtype))


tril = jnp.tril
triu = jnp.triu
