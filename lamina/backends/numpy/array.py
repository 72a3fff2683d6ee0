"""Looking at arrays, making them, and what is computed entry by entry, along axes, or by position."""

from __future__ import annotations

import builtins as py
from collections.abc import Sequence
from typing import Any

import ml_dtypes
import numpy as np

from lamina.backends.numpy import special

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


def like(value: Any, x: np.ndarray) -> Any:
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


def to_numpy(x: Any) -> np.ndarray:
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


def meshgrid(*arrays: Any, indexing: str) -> list:
    return list(np.meshgrid(*arrays, indexing=indexing))


def ones(shape: Sequence[int], dtype: str) -> Any:
    return np.ones(shape, DTYPES[dtype])


def zeros(shape: Sequence[int], dtype: str) -> Any:
    return np.zeros(shape, DTYPES[dtype])


tril = np.tril
triu = np.triu

# Elementwise

abs = np.abs
acos = np.arccos
acosh = np.arccosh
add = np.add
asin = np.arcsin
asinh = np.arcsinh
atan = np.arctan
atan2 = np.arctan2
atanh = np.arctanh
bitwise_and = np.bitwise_and
bitwise_invert = np.invert
bitwise_left_shift = np.left_shift
bitwise_or = np.bitwise_or
bitwise_right_shift = np.right_shift
bitwise_xor = np.bitwise_xor
ceil = np.ceil


def clip(x: Any, low: Any, high: Any) -> Any:
    x = x if low is None else maximum(x, low)
    return x if high is None else minimum(x, high)


conj = np.conjugate
copysign = np.copysign
cos = np.cos
cosh = np.cosh
divide = np.true_divide
equal = np.equal


def erf(x: Any) -> Any:
    return special.erf(wide(x)).astype(x.dtype)


def erfinv(x: Any) -> Any:
    return special.erfinv(wide(x)).astype(x.dtype)


exp = np.exp
expm1 = np.expm1
floor = np.floor
floor_divide = np.floor_divide
greater = np.greater
greater_equal = np.greater_equal
hypot = np.hypot
imag = np.imag
isfinite = np.isfinite
isinf = np.isinf
isnan = np.isnan
less = np.less
less_equal = np.less_equal


def lgamma(x: Any) -> Any:
    return special.lgamma(wide(x)).astype(x.dtype)


log = np.log
log10 = np.log10
log1p = np.log1p
log2 = np.log2
logaddexp = np.logaddexp
logical_and = np.logical_and
logical_not = np.logical_not
logical_or = np.logical_or
logical_xor = np.logical_xor


maximum = np.maximum
minimum = np.minimum
multiply = np.multiply
negative = np.negative
nextafter = np.nextafter
not_equal = np.not_equal
pow = np.power
real = np.real
remainder = np.remainder
round = np.round


def rsqrt(x: Any) -> Any:
    return np.reciprocal(np.sqrt(x))


def sigmoid(x: Any) -> Any:
    tail = np.exp(-np.abs(x))
    return np.where(x >= 0, x.dtype.type(1), tail) / (x.dtype.type(1) + tail)


sign = np.sign
signbit = np.signbit
sin = np.sin
sinh = np.sinh


def softplus(x: Any) -> Any:
    return np.maximum(x, x.dtype.type(0)) + np.log1p(np.exp(-np.abs(x)))


sqrt = np.sqrt
square = np.square
subtract = np.subtract
tan = np.tan
tanh = np.tanh
trunc = np.trunc


def where(condition: Any, x1: Any, x2: Any) -> Any:
    # unlike the functions that NumPy calls universal, this one never asks `Narrow`
    x1, x2 = (like(x1, x2), x2) if isinstance(x2, Tensor) else (x1, like(x2, x1))
    return np.where(condition, x1, x2)


def complex(real: Any, imag: Any) -> Any:
    parts = np.stack(np.broadcast_arrays(real, imag), -1)
    return parts.view("complex64" if parts.dtype == np.float32 else "complex128")[..., 0]


# Reduction


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.all(x, axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.any(x, axis, keepdims=keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return np.argmax(x, axis, keepdims=keepdims).astype(np.int32)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return np.argmin(x, axis, keepdims=keepdims).astype(np.int32)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    peak = np.max(wide(x), axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(peak), peak, 0).astype(peak.dtype)
    result = np.log(np.sum(np.exp(wide(x) - shift), axis, keepdims=True)) + shift
    return (result if keepdims else np.squeeze(result, axis)).astype(x.dtype)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.mean(wide(x), axis, keepdims=keepdims).astype(x.dtype)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(x, axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.prod(wide(x), axis, wide(x).dtype, keepdims=keepdims).astype(x.dtype)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(wide(x), axis, wide(x).dtype, keepdims=keepdims).astype(x.dtype)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    result = np.var(wide(x), axis, keepdims=keepdims)
    return result if x.dtype.kind == "c" else result.astype(x.dtype)


def cumulative_prod(x: Any, axis: int) -> Any:
    return np.cumprod(wide(x), axis, wide(x).dtype).astype(x.dtype)


def cumulative_sum(x: Any, axis: int) -> Any:
    return np.cumsum(wide(x), axis, wide(x).dtype).astype(x.dtype)


def cumulative_max(x: Any, axis: int) -> Any:
    return np.maximum.accumulate(x, axis)


# Ordering


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    if not descending:
        return np.argsort(x, axis, stable=True).astype(np.int32)
    # sorting the mirror image and mirroring back keeps equal entries in their order
    order = np.flip(np.argsort(np.flip(x, axis), axis, stable=True), axis)
    return (x.shape[axis] - 1 - order).astype(np.int32)


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return np.flip(np.sort(x, axis), axis) if descending else np.sort(x, axis)


def searchsorted(sorted: Any, values: Any, side: str) -> Any:
    return np.searchsorted(sorted, values, side).astype(np.int32)


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    order = argsort(x, -1, descending=True)[..., :k]
    return np.take_along_axis(x, order, -1), order


def nonzero(x: Any, size: int | None = None) -> tuple:
    found = [axis.astype(np.int32) for axis in np.nonzero(x)]
    return tuple(found if size is None else [_resize(axis, size, 0) for axis in found])


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    values, first, inverse, counts = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    if size is not None:
        values = _resize(values, size, values[0] if fill is None else fill)
        first, counts = _resize(first, size, first[0]), _resize(counts, size, 0)
    return (
        values,
        first.astype(np.int32),
        inverse.astype(np.int32),
        counts.astype(np.int32),
    )


def _resize(x: Any, size: int, fill: Any) -> Any:
    """A 1-d array cut or filled up to a size."""
    return np.concatenate([x[:size], np.full(py.max(0, size - len(x)), fill, x.dtype)])


# Manipulation

broadcast_to = np.broadcast_to
concat = np.concatenate
expand_dims = np.expand_dims
flip = np.flip


def getitem(x: Any, key: Any) -> Any:
    return x[key]


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    return np.pad(x, widths, mode, constant_values=value) if mode == "constant" else np.pad(x, widths, mode)


permute_dims = np.transpose


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    return np.repeat(x, repeats, axis)


reshape = np.reshape
roll = np.roll
squeeze = np.squeeze
stack = np.stack
tile = np.tile


def unstack(x: Any, axis: int) -> list:
    return list(np.moveaxis(x, axis, 0))


diagonal = np.diagonal
split = np.split

# Indexing

take = np.take
take_along_axis = np.take_along_axis

_REDUCE = {
    "add": np.add, "sum": np.add, "max": np.maximum, "min": np.minimum, "multiply": np.multiply, "prod": np.multiply,
}  # fmt: skip


def scatter(x: Any, indices: Any, updates: Any, reduce: str) -> Any:
    result, where = np.array(x), tuple(np.moveaxis(indices, -1, 0))
    if reduce == "set":
        result[where] = updates
    else:
        _REDUCE[reduce].at(result, where, updates)
    return result


def slice(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    return x[_block(x, starts, sizes)]


def slice_update(x: Any, starts: Any, updates: Any) -> Any:
    result = np.array(x)
    result[_block(x, starts, updates.shape)] = updates
    return result


def _block(x: Any, starts: Any, sizes: Sequence[int]) -> tuple:
    """The slices of a block, moved inside the array where it would stick out."""
    begins = [py.min(py.max(int(s), 0), n - k) for s, n, k in zip(starts, x.shape, sizes, strict=True)]
    return tuple([py.slice(b, b + k) for b, k in zip(begins, sizes, strict=True)])


def segment(x: Any, ids: Any, num: int, reduce: str) -> Any:
    result = np.full((num, *x.shape[1:]), _identity(reduce, x.dtype), x.dtype)
    inside = (ids >= 0) & (ids < num)
    _REDUCE[reduce].at(result, ids[inside], x[inside])
    return result


def _identity(reduce: str, dtype: np.dtype) -> Any:
    """What an empty segment holds: the value that changes nothing."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    return lowest(dtype) if reduce == "max" else highest(dtype)


def lowest(dtype: np.dtype) -> Any:
    """The least value of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min
    return False if dtype.kind == "b" else -np.inf


def highest(dtype: np.dtype) -> Any:
    """The greatest value of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).max
    return True if dtype.kind == "b" else np.inf


def one_hot(x: Any, depth: int, axis: int, dtype: str) -> Any:
    hot = np.expand_dims(x, axis)
    places = np.arange(depth).reshape([-1 if a == axis % hot.ndim else 1 for a in range(hot.ndim)])
    return (hot == places).astype(DTYPES[dtype])
