"""Tensors from nothing: constants, ranges, grids."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, axis_of, number, one_of, shown
from lamina.ops.manipulate import shape_of
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.tensors import astype, is_unknown, move, same_shape, to_float


def _size(name: str, n: Any) -> Any:
    return n if is_unknown(n) else at_least(name, "size", n, 0)


@op()
def zeros(k: Kernel, shape: Sequence[int] | int, dtype: str | None = None) -> Output:
    """A tensor of zeros.

    Args:
        shape: The sizes.
        dtype: Its dtype; None is the default float.

    Returns:
        Tensor of this shape.

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.zeros((2, 2))).tolist()
        [[0.0, 0.0], [0.0, 0.0]]
    """
    return k.zeros(shape_of("zeros", k, shape), dtypes.standardize(dtype))


@op()
def ones(k: Kernel, shape: Sequence[int] | int, dtype: str | None = None) -> Output:
    """A tensor of ones.

    Args:
        shape: The sizes.
        dtype: Its dtype; None is the default float.

    Returns:
        Tensor of this shape.

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.ones((3,), dtype="int32")).tolist()
        [1, 1, 1]
    """
    return k.ones(shape_of("ones", k, shape), dtypes.standardize(dtype))


@op()
def empty(k: Kernel, shape: Sequence[int] | int, dtype: str | None = None) -> Output:
    """A tensor whose values do not matter (zeros, in fact).

    Args:
        shape: The sizes.
        dtype: Its dtype; None is the default float.

    Returns:
        Tensor of this shape.

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.shape(lamina.ops.empty((2, 3)))
        (2, 3)
    """
    return k.zeros(shape_of("empty", k, shape), dtypes.standardize(dtype))


@op("fill_value")
def full(k: Kernel, shape: Sequence[int] | int, fill_value: Tensor, dtype: str | None = None) -> Output:
    """A tensor of one value.

    Args:
        shape: The sizes.
        fill_value: The value, or a tensor that broadcasts to the shape.
        dtype: Its dtype; None is the default float.

    Returns:
        Tensor of this shape.

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.full((2, 2), 7.0)).tolist()
        [[7.0, 7.0], [7.0, 7.0]]
    """
    return k.broadcast_to(astype(k, fill_value, dtypes.standardize(dtype)), shape_of("full", k, shape))


@op("x")
def zeros_like(k: Kernel, x: Tensor, dtype: str | None = None) -> Output:
    """Zeros in the shape of another tensor.

    Args:
        x: Tensor.
        dtype: The result's dtype; None is that of `x`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.zeros_like([1, 2])).tolist()
        [0, 0]
    """
    return k.zeros(k.shape(x), k.dtype(x) if dtype is None else dtypes.standardize(dtype))


@op("x")
def ones_like(k: Kernel, x: Tensor, dtype: str | None = None) -> Output:
    """Ones in the shape of another tensor.

    Args:
        x: Tensor.
        dtype: The result's dtype; None is that of `x`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.ones_like([5, 6])).tolist()
        [1, 1]
    """
    return k.ones(k.shape(x), k.dtype(x) if dtype is None else dtypes.standardize(dtype))


@op("x")
def empty_like(k: Kernel, x: Tensor, dtype: str | None = None) -> Output:
    """A tensor in the shape of another whose values do not matter (zeros, in fact).

    Args:
        x: Tensor.
        dtype: The result's dtype; None is that of `x`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> lamina.ops.shape(lamina.ops.empty_like([1, 2]))
        (2,)
    """
    return k.zeros(k.shape(x), k.dtype(x) if dtype is None else dtypes.standardize(dtype))


@op("x", "fill_value")
def full_like(k: Kernel, x: Tensor, fill_value: Tensor, dtype: str | None = None) -> Output:
    """One value in the shape of another tensor.

    Args:
        x: Tensor.
        fill_value: The value, or a tensor that broadcasts to the shape of `x`.
        dtype: The result's dtype; None is that of `x`.

    Returns:
        Tensor of the shape of `x`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.full_like([1, 2], 9)).tolist()
        [9, 9]
    """
    value = astype(k, fill_value, k.dtype(x) if dtype is None else dtypes.standardize(dtype))
    return k.broadcast_to(value, k.shape(x))


@op()
def arange(k: Kernel, start: Any, stop: Any = None, step: Any = None, dtype: str | None = None) -> Output:
    """Evenly spaced values: start, start + step, ... below stop.

    Args:
        start: The first value; when given alone, it is `stop`, and the first value is 0.
        stop: The end, which is left out.
        step: The distance, 1 by default, not 0.
        dtype: The result's dtype; None takes it from the arguments (int32 for integers, else a float).

    Returns:
        Tensor of shape (ceil((stop - start) / step),).

    Raises:
        ValueError: if `step` is 0.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.arange(1, 7, 2)).tolist()
        [1, 3, 5]
    """
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if not isinstance(step, k.Tensor) and step == 0:
        raise ValueError("arange: `step` must not be 0.")
    if dtype is None:
        dtype = dtypes.join(*[_weak(k, v) for v in (start, stop, step)])
        dtype = "int32" if dtype == "bool" else dtype
    return k.arange(start, stop, step, dtypes.standardize(dtype))


def _weak(k: Kernel, value: Any) -> str:
    if type(value) in (bool, int, float):
        return dtypes.of_scalar(value)
    if type(value) is Unknown:
        return "int"
    return k.dtype(value) if isinstance(value, k.Tensor) else k.dtype(convert(k, value))


@op()
def eye(kernel: Kernel, N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Tensor:  # noqa: N803
    """Ones on a diagonal, zeros elsewhere.

    Args:
        N: Number of rows.
        M: Number of columns; None is `N`.
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.
        dtype: The result's dtype; None is the default float.

    Returns:
        Tensor of shape (N, M).

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.eye(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    rows = _size("eye", N)
    return kernel.eye(
        rows, rows if M is None else _size("eye", M), operator.index(k), dtypes.standardize(dtype)
    )


@op()
def identity(k: Kernel, n: int, dtype: str | None = None) -> Output:
    """The identity matrix.

    Args:
        n: Number of rows and columns.
        dtype: The result's dtype; None is the default float.

    Returns:
        Tensor of shape (n, n).

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.identity(2)).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return k.eye(_size("identity", n), n, 0, dtypes.standardize(dtype))


@op()
def tri(kernel: Kernel, N: int, M: int | None = None, k: int = 0, dtype: str | None = None) -> Tensor:  # noqa: N803
    """Ones at and below a diagonal, zeros above.

    Args:
        N: Number of rows.
        M: Number of columns; None is `N`.
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.
        dtype: The result's dtype; None is the default float.

    Returns:
        Tensor of shape (N, M).

    Raises:
        ValueError: for a negative size.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.tri(2)).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    rows = _size("tri", N)
    ones = kernel.ones((rows, rows if M is None else _size("tri", M)), dtypes.standardize(dtype))
    return kernel.tril(ones, operator.index(k))


@op("start", "stop", promote=True)
def linspace(
    k: Kernel,
    start: Tensor,
    stop: Tensor,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: str | None = None,
    axis: int = 0,
) -> Any:
    """`num` evenly spaced values from start to stop.

    Args:
        start: First value, a tensor of any shape.
        stop: Last value (or the one after the last), whose shape broadcasts with that of `start`.
        num: How many, not negative.
        endpoint: Whether `stop` is the last value.
        retstep: Whether to give the distance between values, too.
        dtype: The result's dtype; None is a float by the arguments.
        axis: Where the new axis of size `num` stands.

    Returns:
        Tensor with one more axis; with `retstep` a pair of it and the distance.

    Raises:
        ValueError: for a negative `num`, or an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.linspace(0.0, 1.0, 5)).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    axis = _points("linspace", k, start, stop, num, axis)
    start, stop = same_shape(k, to_float(k, start), to_float(k, stop))
    inexact = k.dtype(start)
    out = k.linspace(start, stop, num, endpoint, inexact)
    out = astype(
        k,
        out if axis == 0 else move(k, out, 0, axis),
        inexact if dtype is None else dtypes.standardize(dtype),
    )
    if not retstep:
        return out
    gaps = num - 1 if endpoint else num
    step = k.divide(k.subtract(stop, start), float(gaps) if gaps > 0 else float("nan"))
    return out, astype(k, step, k.dtype(out)) if k.dtype(out) in dtypes.IS_INEXACT else step


def _points(name: str, k: Kernel, start: Any, stop: Any, num: Any, axis: int) -> int:
    at_least(name, "num", num, 0)
    return axis_of(name, axis, max(len(start.shape), len(stop.shape)) + 1)


@op("start", "stop", promote=True)
def logspace(
    k: Kernel,
    start: Tensor,
    stop: Tensor,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: str | None = None,
    axis: int = 0,
) -> Output:
    """`num` values from base^start to base^stop, whose logarithms are evenly spaced.

    Args:
        start: First exponent, a tensor of any shape.
        stop: Last exponent, whose shape broadcasts with that of `start`.
        num: How many, not negative.
        endpoint: Whether base^stop is the last value.
        base: The base.
        dtype: The result's dtype; None is a float by the arguments.
        axis: Where the new axis of size `num` stands.

    Returns:
        Tensor with one more axis.

    Raises:
        ValueError: for a negative `num`, or an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.logspace(0.0, 3.0, 4, base=2.0)).tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    number("logspace", "base", base)
    axis = _points("logspace", k, start, stop, num, axis)
    exponents = linspace.op.run(k, start, stop, num, endpoint, False, None, axis)
    out = k.pow(k.full((), base, k.dtype(exponents)), exponents)
    return out if dtype is None else astype(k, out, dtypes.standardize(dtype))


@op("start", "stop", promote=True)
def geomspace(
    k: Kernel,
    start: Tensor,
    stop: Tensor,
    num: int = 50,
    endpoint: bool = True,
    dtype: str | None = None,
    axis: int = 0,
) -> Output:
    """`num` values from start to stop, each the same multiple of the one before.

    Args:
        start: First value, a tensor of any shape, not 0.
        stop: Last value, of the same sign, whose shape broadcasts with that of `start`.
        num: How many, not negative.
        endpoint: Whether `stop` is the last value.
        dtype: The result's dtype; None is a float by the arguments.
        axis: Where the new axis of size `num` stands.

    Returns:
        Tensor with one more axis.

    Raises:
        ValueError: for a negative `num`, or an axis out of range.

    Example:
        >>> np.round(lamina.ops.convert_to_numpy(lamina.ops.geomspace(1.0, 1000.0, 4)), 2).tolist()
        [1.0, 10.0, 100.0, 1000.0]
    """
    axis = _points("geomspace", k, start, stop, num, axis)
    start, stop = same_shape(k, to_float(k, start), to_float(k, stop))
    sign = k.sign(start)
    low, high = k.log10(k.multiply(start, sign)), k.log10(k.multiply(stop, sign))
    exponents = k.linspace(low, high, num, endpoint, k.dtype(start))
    out = k.multiply(k.pow(k.full((), 10, k.dtype(start)), exponents), sign)
    out = out if axis == 0 else move(k, out, 0, axis)
    return out if dtype is None else astype(k, out, dtypes.standardize(dtype))


@op("*x")
def meshgrid(k: Kernel, *x: Tensor, indexing: str = "xy") -> list[Tensor]:
    """Grids of coordinates from vectors of them.

    Args:
        *x: Tensors of rank 1 (or 0), of sizes N1, N2, ...
        indexing: "xy" for grids of shape (N2, N1, ...), "ij" for (N1, N2, ...).

    Returns:
        List of as many tensors as were given.

    Raises:
        ValueError: for another `indexing`, or a tensor of higher rank.

    Example:
        >>> [g.shape for g in map(lamina.ops.convert_to_numpy, lamina.ops.meshgrid([1, 2, 3], [4, 5]))]
        [(2, 3), (2, 3)]
    """
    one_of("meshgrid", "indexing", indexing, ("xy", "ij"))
    for a in x:
        if len(a.shape) > 1:
            raise ValueError(f"meshgrid: expected tensors of rank 1, got shape {shown(k.shape(a))}.")
    sizes = [k.shape(a)[0] if len(a.shape) else 1 for a in x]
    places = list(range(len(x)))
    if indexing == "xy":
        places[:2] = places[1::-1]
    shape = tuple([sizes[place] for place in places])  # `places` is its own inverse
    lines = [
        k.reshape(a, tuple([-1 if i == places[n] else 1 for i in range(len(x))])) for n, a in enumerate(x)
    ]
    return [k.broadcast_to(line, shape) for line in lines]
