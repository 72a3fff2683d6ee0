"""Looking at arrays, making them, and what is computed entry by entry, along axes, or by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import lax
from jax.scipy import special

from lamina.backends.jax import lowering

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
    return jax.dtypes.canonicalize_dtype(_DTYPES[name])


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


def to_numpy(x: Any) -> np.ndarray:
    return np.asarray(x)


def astype(x: Any, dtype: str) -> Any:
    target = real_dtype(dtype)
    x = x.real if x.dtype.kind == "c" and target.kind != "c" else x
    return x if x.dtype == target else x.astype(target)


def bitcast(x: Any, dtype: str) -> Any:
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

# Elementwise

abs = jnp.abs
acos = jnp.arccos
acosh = jnp.arccosh
add = jnp.add
asin = jnp.arcsin
asinh = jnp.arcsinh
atan = jnp.arctan
atan2 = jnp.arctan2
atanh = jnp.arctanh
bitwise_and = jnp.bitwise_and
bitwise_invert = jnp.invert
bitwise_left_shift = jnp.left_shift
bitwise_or = jnp.bitwise_or
bitwise_right_shift = jnp.right_shift
bitwise_xor = jnp.bitwise_xor
ceil = jnp.ceil


def clip(x: Any, low: Any, high: Any) -> Any:
    return jnp.clip(x, low, high)


conj = jnp.conjugate
copysign = jnp.copysign
cos = jnp.cos
cosh = jnp.cosh
divide = jnp.true_divide
equal = jnp.equal
erf = special.erf
erfinv = special.erfinv
exp = jnp.exp
expm1 = jnp.expm1
floor = jnp.floor
floor_divide = jnp.floor_divide
greater = jnp.greater
greater_equal = jnp.greater_equal
hypot = jnp.hypot
imag = jnp.imag
isfinite = jnp.isfinite
isinf = jnp.isinf
isnan = jnp.isnan
less = jnp.less
less_equal = jnp.less_equal
lgamma = special.gammaln
log = jnp.log
log10 = jnp.log10
log1p = jnp.log1p
log2 = jnp.log2
logaddexp = jnp.logaddexp
logical_and = jnp.logical_and
logical_not = jnp.logical_not
logical_or = jnp.logical_or
logical_xor = jnp.logical_xor
maximum = jnp.maximum
minimum = jnp.minimum
multiply = jnp.multiply
negative = jnp.negative
nextafter = jnp.nextafter
not_equal = jnp.not_equal
pow = jnp.power
real = jnp.real
remainder = jnp.remainder
round = jnp.round
rsqrt = lax.rsqrt
sigmoid = jax.nn.sigmoid
sign = jnp.sign
signbit = jnp.signbit
sin = jnp.sin
sinh = jnp.sinh
softplus = jax.nn.softplus
sqrt = jnp.sqrt
square = jnp.square
subtract = jnp.subtract
tan = jnp.tan
tanh = jnp.tanh
trunc = jnp.trunc
where = jnp.where
complex = lax.complex

# Reduction


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.all(x, axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.any(x, axis, keepdims=keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _position(jnp.argmax, lowering.argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _position(jnp.argmin, lowering.argmin, x, axis, keepdims)


def _position(plain: Any, lowered: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    if axis is None or not lowering.on_cpu():
        return int32(plain(x, axis, keepdims=keepdims))
    return lowered(x, axis % x.ndim, keepdims)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return special.logsumexp(x, axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.max(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.mean(x, axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.min(x, axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.prod(x, axis, x.dtype, keepdims=keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.sum(x, axis, x.dtype, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.var(x, axis, keepdims=keepdims)


def cumulative_prod(x: Any, axis: int) -> Any:
    return jnp.cumprod(x, axis, x.dtype)


def cumulative_sum(x: Any, axis: int) -> Any:
    return jnp.cumsum(x, axis, x.dtype)


def cumulative_max(x: Any, axis: int) -> Any:
    return lax.cummax(x, axis % x.ndim)


# Ordering


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    return int32(jnp.argsort(x, axis, descending=descending))


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return jnp.sort(x, axis, descending=descending)


def searchsorted(sorted: Any, values: Any, side: str) -> Any:
    return int32(jnp.searchsorted(sorted, values, side))


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    return tuple(lax.top_k(x, k))


def nonzero(x: Any, size: int | None = None) -> tuple:
    return tuple([int32(axis) for axis in jnp.nonzero(x, size=size)])


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    values, *places = jnp.unique(x, True, True, True, size=size, fill_value=fill)
    return (values, *[int32(p) for p in places])


# Manipulation

broadcast_to = jnp.broadcast_to
concat = jnp.concatenate
expand_dims = jnp.expand_dims
flip = jnp.flip


def getitem(x: Any, key: Any) -> Any:
    return x[key]


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    return jnp.pad(x, widths, mode, constant_values=value) if mode == "constant" else jnp.pad(x, widths, mode)


permute_dims = jnp.transpose


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    return jnp.repeat(x, repeats, axis, total_repeat_length=total)


reshape = jnp.reshape
roll = jnp.roll
squeeze = jnp.squeeze
stack = jnp.stack
tile = jnp.tile


def unstack(x: Any, axis: int) -> list:
    return list(jnp.unstack(x, axis=axis))


diagonal = jnp.diagonal
split = jnp.split

# Indexing

take = jnp.take


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    few = indices.ndim == x.ndim and indices.shape[axis] == 1 and x.shape[axis] <= _FEW
    if few and jnp.issubdtype(x.dtype, jnp.floating) and lowering.on_cpu():
        return lowering.take_one(x, indices, axis)
    return jnp.take_along_axis(x, indices, axis)


_FEW = 128  # entries along an axis, of which reading all costs less than finding one


def scatter(x: Any, indices: Any, updates: Any, reduce: str) -> Any:
    places = tuple(jnp.moveaxis(indices, -1, 0))
    if reduce == "multiply":
        depth = len(places)
        return _multiplied(x, places, jnp.broadcast_to(updates, (*places[0].shape, *x.shape[depth:])))
    return getattr(x.at[places], reduce)(updates)


@jax.custom_jvp
def _multiplied(x: Any, places: tuple, factors: Any) -> Any:
    return x.at[places].multiply(factors)


@_multiplied.defjvp
def _multiplied_jvp(primals: tuple, tangents: tuple) -> tuple:
    # jax has no rule for places that are given twice: each factor's slope is the product of the others
    x, places, factors = primals
    dx, _, d_factors = tangents
    is_zero = factors == 0
    nonzero = jnp.where(is_zero, 1, factors)
    ones = jnp.ones_like(x)
    product = _multiplied(ones, places, nonzero).at[places].get(mode="fill", fill_value=0)
    zeros = jnp.zeros(x.shape, np.int32).at[places].add(is_zero).at[places].get(mode="fill", fill_value=0)
    others = jnp.where(zeros == is_zero, product / nonzero, 0)
    slope = dx * _multiplied(ones, places, factors) + x * jnp.zeros_like(x).at[places].add(others * d_factors)
    return _multiplied(x, places, factors), slope


def slice(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    return lax.dynamic_slice(x, _not_negative(starts), sizes, allow_negative_indices=False)


def slice_update(x: Any, starts: Any, updates: Any) -> Any:
    return lax.dynamic_update_slice(x, updates, _not_negative(starts), allow_negative_indices=False)


def _not_negative(starts: Any) -> Any:
    """Known starts clamped here: jax refuses negative ones, where it clamps unknown ones."""
    if isinstance(starts, jax.Array):
        return starts
    return [s if isinstance(s, jax.Array) or s > 0 else 0 for s in starts]


def segment(x: Any, ids: Any, num: int, reduce: str) -> Any:
    if reduce == "prod":
        start = jnp.ones((num, *x.shape[1:]), x.dtype)
        return _multiplied(start, (jnp.where(ids < 0, num, ids),), x)
    return _SEGMENT[reduce](x, ids, num)


_SEGMENT = {"sum": jax.ops.segment_sum, "max": jax.ops.segment_max, "min": jax.ops.segment_min}


def one_hot(x: Any, depth: int, axis: int, dtype: str) -> Any:
    return jax.nn.one_hot(x, depth, axis=axis, dtype=real_dtype(dtype))
