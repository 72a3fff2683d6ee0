"""Tensors without numbers: a shape and a dtype, and sizes that are not known yet."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from lamina.kernel import dtypes


class Unknown(int):
    """A stand-in for a size that is not known: arithmetic with it stays unknown.

    It is a number, so that bodies can compute with it. Where the mark is lost on the way (`max`, `int`, NumPy),
    the second run of `infer` finds out.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "?"


def _tainted(name: str) -> Any:
    plain = getattr(int, name)

    def method(self: Any, other: Any) -> Any:
        out = plain(self, other)
        return Unknown(out) if type(out) is int and not (out == 0 and "mul" in name) else out

    method.__name__ = name
    return method


for _name in ("add", "sub", "mul", "floordiv", "mod", "pow"):
    for _prefix in ("__", "__r"):
        setattr(Unknown, f"{_prefix}{_name}__", _tainted(f"{_prefix}{_name}__"))
Unknown.__neg__ = lambda self: Unknown(int.__neg__(self))  # type: ignore[method-assign]


class NeedsNumbers(TypeError):
    """A program asked a tensor without numbers for its numbers."""


class Spec:
    """A tensor of the shape interpreter."""

    __slots__ = ("__weakref__", "_keras_mask", "dtype", "shape")

    def __init__(self, shape: Any, dtype: str) -> None:
        self.shape = shape if type(shape) is tuple else tuple(shape)
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size = size * n
        return size

    @property
    def T(self) -> Spec:
        return Spec(self.shape[::-1], self.dtype)

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype})"

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("A tensor without axes has no length.")
        return self.shape[0]

    def __iter__(self) -> Any:
        return iter([Spec(self.shape[1:], self.dtype)] * len(self))

    def __getitem__(self, key: Any) -> Spec:
        return Spec(index_shape(self.shape, key), self.dtype)

    def _no_numbers(self, *_: Any, **__: Any) -> Any:
        raise NeedsNumbers(
            f"The value of a tensor of shape {self.shape} was asked for while only shapes are known (a model is "
            "being built). Use lamina.ops on it in place of NumPy, float() or `if`, or, in a layer, define "
            "`compute_output_shape`."
        )

    __bool__ = __int__ = __float__ = __index__ = __array__ = item = numpy = tolist = _no_numbers

    def _arithmetic(self, other: Any) -> Spec:
        return combine(self, other)

    def _comparison(self, other: Any) -> Any:
        return combine(self, other, compare=True)

    def _unary(self) -> Spec:
        return Spec(self.shape, self.dtype)

    __add__ = __sub__ = __mul__ = __floordiv__ = __mod__ = __pow__ = _arithmetic
    __radd__ = __rsub__ = __rmul__ = __rfloordiv__ = __rmod__ = __rpow__ = _arithmetic
    __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = __lshift__ = __rshift__ = _arithmetic
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _comparison
    __neg__ = __pos__ = __abs__ = __invert__ = _unary
    __hash__ = object.__hash__  # by identity, although == is elementwise

    def _division(self, other: Any) -> Spec:
        out = combine(self, other)
        return Spec(out.shape, dtypes.to_float(out.dtype))

    __truediv__ = __rtruediv__ = _division

    def __matmul__(self, other: Any) -> Spec:
        other = spec(other)
        return Spec(matmul_shape(self.shape, other.shape), dtypes.join(self.dtype, other.dtype))

    def __rmatmul__(self, other: Any) -> Spec:
        return spec(other) @ self


def spec(x: Any) -> Spec:
    """The shape and dtype of anything that has them; numbers and sequences as NumPy sees them."""
    if isinstance(x, Spec):
        return x
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return Spec(tuple(x.shape), dtypes.standardize(x.dtype))
    if isinstance(x, bool | int | float | complex):
        return Spec(
            (), {bool: "bool", int: "int32", float: "float32", complex: "complex64"}.get(type(x), "int32")
        )
    if isinstance(x, list | tuple) and any(isinstance(e, Spec) for e in x):
        first = next(spec(e) for e in x if isinstance(e, Spec))
        return Spec((len(x), *first.shape), first.dtype)
    array = np.asarray(x)
    narrow = {"int64": "int32", "float64": "float32"}  # Python numbers are 32 bits wide here
    return Spec(array.shape, narrow.get(array.dtype.name, array.dtype.name))


def combine(a: Any, b: Any, *, compare: bool = False) -> Spec:
    """What a binary operation on `a` and `b` gives."""
    if type(a) is Spec and type(b) is Spec:
        dtype = a.dtype if a.dtype == b.dtype else dtypes.join(a.dtype, b.dtype)
        return Spec(broadcast(a.shape, b.shape), "bool" if compare else dtype)
    weak = {bool: "bool", int: "int", float: "float", complex: "complex", Unknown: "int"}
    names = [weak.get(type(x)) or spec(x).dtype for x in (a, b)]
    return Spec(broadcast(spec(a).shape, spec(b).shape), "bool" if compare else dtypes.join(*names))


def broadcast(*shapes: tuple) -> tuple:
    """The common shape; a known size above 1 wins over an unknown one.

    Raises:
        ValueError: if the shapes do not broadcast.
    """
    first = shapes[0]
    kinds = tuple(map(type, first))  # a known size may equal the one that stands in for an unknown one
    if all(s == first and tuple(map(type, s)) == kinds for s in shapes[1:]):
        return first
    rank = max(len(s) for s in shapes)
    out = []
    for axis in range(-rank, 0):
        size: Any = 1
        for shape in shapes:
            n = shape[axis] if -axis <= len(shape) else 1
            if (n == 1 and type(n) is not Unknown) or n is size:
                continue
            if (size == 1 and type(size) is not Unknown) or type(size) is Unknown:
                size = n
            elif type(n) is not Unknown and n != size:
                shown = " and ".join(str(_show(s)) for s in shapes)
                raise ValueError(f"Shapes {shown} do not broadcast: axis {axis} has sizes {size} and {n}.")
        out.append(size)
    return tuple(out)


def _show(shape: tuple) -> tuple:
    return tuple(None if type(n) is Unknown else n for n in shape)


def matmul_shape(a: tuple, b: tuple) -> tuple:
    """NumPy's rule for `a @ b`.

    Raises:
        ValueError: if the inner sizes differ.
    """
    if not a or not b:
        raise ValueError(
            f"matmul needs at least one axis on both sides, got shapes {_show(a)} and {_show(b)}."
        )
    inner = (a[-1], b[max(len(b) - 2, 0)])
    if inner[0] != inner[1] and Unknown not in map(type, inner):
        raise ValueError(f"Shapes {_show(a)} and {_show(b)} do not multiply: {inner[0]} is not {inner[1]}.")
    rows = a[-2:-1] if len(a) > 1 else ()
    columns = b[-1:] if len(b) > 1 else ()
    return (*broadcast(a[:-2], b[:-2]), *rows, *columns)


def index_shape(shape: tuple, key: Any) -> tuple:
    """The shape of `x[key]` by NumPy's rules."""
    keys = key if isinstance(key, tuple) else (key,)
    if all(
        k is None or k is Ellipsis or (isinstance(k, int | slice) and not isinstance(k, bool)) for k in keys
    ):
        return _basic_index(shape, keys)
    dummy = np.broadcast_to(np.empty((), "bool"), shape)
    return dummy[tuple(_dummy_key(k) for k in keys)].shape


def _dummy_key(key: Any) -> Any:
    if isinstance(key, Spec):
        return np.zeros(key.shape, "bool" if key.dtype == "bool" else "int64")
    if isinstance(key, slice) or key is None or key is Ellipsis:
        return key
    array = np.asarray(key)
    return array if array.dtype == bool else np.zeros(array.shape, "int64")


def _basic_index(shape: tuple, keys: tuple) -> tuple:
    used = sum(1 for k in keys if k is not None and k is not Ellipsis)
    if used > len(shape):
        raise IndexError(f"{used} indices for a tensor of rank {len(shape)} (shape {_show(shape)}).")
    if Ellipsis not in [k if k is Ellipsis else None for k in keys]:
        keys = (*keys, Ellipsis)
    out, axis = [], 0
    for k in keys:
        if k is None:
            out.append(1)
        elif k is Ellipsis:
            rest = len(shape) - used
            out.extend(shape[axis : axis + rest])
            axis += rest
        elif isinstance(k, slice):
            out.append(_sliced(shape[axis], k))
            axis += 1
        else:
            if type(shape[axis]) is not Unknown and not -shape[axis] <= k < shape[axis]:
                raise IndexError(f"Index {k} is out of range for axis {axis} of size {shape[axis]}.")
            axis += 1
    return tuple(out)


def _sliced(n: int, key: slice) -> int:
    if key == slice(None):
        return n
    bounds = slice(*(None if k is None else operator.index(k) for k in (key.start, key.stop, key.step)))
    size = len(range(*bounds.indices(n)))
    return Unknown(size) if Unknown in map(type, (n, key.start, key.stop)) else size  # n may be below `stop`
