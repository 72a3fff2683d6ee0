"""An interpreter for tests: the standard's functions from `array_api_strict`, the rest from the NumPy backend.

Its tensors refuse what the Array API standard does not have, so an operation that runs here uses nothing outside the
contract. It is also what a new backend looks like at its smallest: everything that is not written here is borrowed.
"""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Callable
from typing import Any

import array_api_strict as xp
import numpy as np
import optree

from lamina import backends
from lamina.backends.numpy import array as numpy_array
from lamina.kernel import contract

numpy = backends.load("numpy")

name = "strict"
Tensor = type(xp.zeros(()))
abstract = False
functional = False
in_place = False
differentiable = False
overrides: dict[str, Callable[..., Any]] = {}
fused = contract.Fused()
spread = contract.Spread()
sparse = contract.Sparse()
host = contract.Host()

DTYPES = {d: getattr(xp, d) for d in numpy_array.DTYPES if hasattr(xp, d)}
NAMES = {value: key for key, value in DTYPES.items()}


# Borrowing from NumPy: tensors are converted at the border, those that pass through callbacks as well


def inward(tree: Any) -> Any:
    return optree.tree_map(_to_numpy, tree)


def outward(tree: Any) -> Any:
    return optree.tree_map(_from_numpy, tree)


def _to_numpy(x: Any) -> Any:
    if isinstance(x, Tensor):
        return np.asarray(x)
    return _translated(x, outward, inward) if callable(x) else x


def _from_numpy(x: Any) -> Any:
    if isinstance(x, np.ndarray | np.generic):
        return xp.asarray(np.asarray(x))
    return _translated(x, inward, outward) if callable(x) else x


def _translated(f: Callable, arguments: Callable, result: Callable) -> Callable:
    return lambda *args, **kwargs: result(f(*arguments(args), **arguments(kwargs)))


def borrowed(name: str) -> Callable:
    return _translated(getattr(numpy, name), inward, outward)


# What the standard has under the same name, with the same arguments by position

SAME = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "ceil",
    "clip",
    "copysign",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "floor",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "negative",
    "nextafter",
    "not_equal",
    "pow",
    "remainder",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "trunc",
    "where",
    "abs",
    "matmul",
    "permute_dims",
    "tile",
]

# What it has with its options as keywords: the contract's order of them

KEYWORDS = {
    "all": ("axis", "keepdims"), "any": ("axis", "keepdims"), "max": ("axis", "keepdims"), "min": ("axis", "keepdims"),
    "mean": ("axis", "keepdims"), "var": ("axis", "keepdims"), "tril": ("k",), "triu": ("k",), "concat": ("axis",),
    "flip": ("axis",), "roll": ("shift", "axis"), "stack": ("axis",), "unstack": ("axis",),
    "take": ("indices", "axis"), "take_along_axis": ("indices", "axis"), "sort": ("axis", "descending"),
    "tensordot": ("x2", "axes"),
}  # fmt: skip
POSITIONAL = {"roll": 2, "take": 2, "take_along_axis": 2, "tensordot": 2}


def standard(name: str) -> Callable:
    function, first = getattr(xp, name), POSITIONAL.get(name, 1)
    options = KEYWORDS[name][first - 1 :]

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args[:first], **dict(zip(options, args[first:], strict=False)), **kwargs)

    return call


for _name in contract.functions():
    globals()[_name] = borrowed(_name)
for _name in SAME:
    globals()[_name] = getattr(xp, _name)
globals()["meshgrid"] = lambda *arrays, indexing: list(xp.meshgrid(*arrays, indexing=indexing))
for _name in KEYWORDS:
    globals()[_name] = standard(_name)
for _name in ("det", "inv", "slogdet", "solve"):
    globals()[_name] = getattr(xp.linalg, _name)
for _name in ("fft", "ifft"):
    globals()[_name] = getattr(xp.fft, _name)


# The contract has these for more than the standard: for bool, or in more dimensions


def wider(name: str, beyond: Callable[..., bool]) -> Callable:
    """The standard's function, NumPy's for the arguments that are beyond the standard."""
    inside, outside = globals()[name], borrowed(name)
    return lambda *args, **kwargs: (outside if beyond(*args, **kwargs) else inside)(*args, **kwargs)


def _clips_beyond(x: Any, low: Any, high: Any) -> bool:
    """Bounds of another shape, or crossed."""
    return isinstance(low, Tensor) or isinstance(high, Tensor) or (None not in (low, high) and low > high)


for _name in ("greater", "greater_equal", "less", "less_equal", "max", "min", "sort"):
    globals()[_name] = wider(_name, lambda x, *_, **__: getattr(x, "dtype", None) == xp.bool)
globals()["clip"] = wider("clip", _clips_beyond)
globals()["take"] = wider("take", lambda x, indices, axis: indices.ndim != 1)
globals()["var"] = wider("var", lambda x, *_, **__: _is_complex(x))
globals()["meshgrid"] = wider("meshgrid", lambda *arrays, indexing: len({a.dtype for a in arrays}) > 1)


# What needs a word in between


def is_tensor(x: Any) -> bool:
    return isinstance(x, Tensor)


def dtype(x: Any) -> str:
    return NAMES[x.dtype]


def shape(x: Any) -> tuple:
    return x.shape


def asarray(x: Any, dtype: str | None = None) -> Any:
    return xp.asarray(np.asarray(numpy.asarray(inward(x), dtype)))


def to_numpy(x: Any, view: bool = False) -> np.ndarray:
    return np.asarray(x)


def astype(x: Any, dtype: str) -> Any:
    return xp.astype(x, DTYPES[dtype], copy=False)


def copy(x: Any) -> Any:
    return xp.asarray(x, copy=True)


def arange(start: Any, stop: Any, step: Any, dtype: str) -> Any:
    start, stop, step = (np.asarray(x).item() if isinstance(x, Tensor) else x for x in (start, stop, step))
    return xp.arange(start, stop, step, dtype=DTYPES[dtype])


def eye(rows: int, columns: int, k: int, dtype: str) -> Any:
    return xp.eye(rows, columns, k=k, dtype=DTYPES[dtype])


def full(shape: Any, value: Any, dtype: str) -> Any:
    return xp.full(tuple(shape), value, dtype=DTYPES[dtype])


def ones(shape: Any, dtype: str) -> Any:
    return xp.ones(tuple(shape), dtype=DTYPES[dtype])


def zeros(shape: Any, dtype: str) -> Any:
    return xp.zeros(tuple(shape), dtype=DTYPES[dtype])


def broadcast_to(x: Any, shape: Any) -> Any:
    return xp.broadcast_to(x, tuple(shape))


def reshape(x: Any, shape: Any) -> Any:
    return xp.reshape(x, tuple(shape))


def cholesky(x: Any, upper: bool) -> Any:
    return xp.linalg.cholesky(x, upper=upper)


def _is_complex(x: Any) -> bool:
    return xp.isdtype(x.dtype, "complex floating")


def add(x1: Any, x2: Any) -> Any:
    return xp.logical_or(x1, x2) if x1.dtype == xp.bool else xp.add(x1, x2)


def multiply(x1: Any, x2: Any) -> Any:
    return xp.logical_and(x1, x2) if x1.dtype == xp.bool else xp.multiply(x1, x2)


def conj(x: Any) -> Any:
    return xp.conj(x) if _is_complex(x) else x


def real(x: Any) -> Any:
    return xp.real(x) if _is_complex(x) else x


def imag(x: Any) -> Any:
    return xp.imag(x) if _is_complex(x) else xp.zeros_like(x)


def rsqrt(x: Any) -> Any:
    return xp.reciprocal(xp.sqrt(x))


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.sum(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return xp.prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return astype(xp.argmax(x, axis=axis, keepdims=keepdims), "int32")


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return astype(xp.argmin(x, axis=axis, keepdims=keepdims), "int32")


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    return astype(xp.argsort(x, axis=axis, descending=descending), "int32")


def cumulative_sum(x: Any, axis: int) -> Any:
    return xp.cumulative_sum(x, axis=axis, dtype=x.dtype)


def cumulative_prod(x: Any, axis: int) -> Any:
    return xp.cumulative_prod(x, axis=axis, dtype=x.dtype)


def expand_dims(x: Any, axis: Any) -> Any:
    axes = sorted(a % (x.ndim + len(axis)) for a in axis) if isinstance(axis, tuple | list) else [axis]
    for a in axes:
        x = xp.expand_dims(x, axis=a)
    return x


def squeeze(x: Any, axis: Any) -> Any:
    axis = tuple(i for i, n in enumerate(x.shape) if n == 1) if axis is None else axis
    return xp.squeeze(x, axis=axis)


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    return xp.repeat(x, repeats, axis=axis)


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    if size is not None:
        return borrowed("unique")(x, size, fill)
    values, *places = xp.unique_all(x)
    return (values, *[astype(p, "int32") for p in places])


def split(x: Any, sections: Any, axis: int) -> list:
    cuts, before = [0, *sections, x.shape[axis]], (builtins.slice(None),) * (axis % x.ndim)
    return [x[(*before, builtins.slice(a, b), ...)] for a, b in itertools.pairwise(cuts)]


def sigmoid(x: Any) -> Any:
    tail = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1.0, tail) / (1.0 + tail)


def softplus(x: Any) -> Any:
    return xp.maximum(x, 0.0) + xp.log1p(xp.exp(-xp.abs(x)))


def rfft(x: Any, n: int) -> Any:
    return xp.fft.rfft(x, n=n)


def irfft(x: Any, n: int) -> Any:
    return xp.fft.irfft(x, n=n)
