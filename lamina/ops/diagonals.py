"""Diagonals, triangles, and differences along an axis."""

from __future__ import annotations

import operator
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least, axes_of, axis_of, rank_at_least, shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import count, static, to_float, together


@op("x")
def diag(kernel: Kernel, x: Tensor, k: int = 0) -> Output:
    """The matrix with a given diagonal, or the diagonal of a given matrix.

    Args:
        x: Tensor of rank 1 (gives a matrix) or 2 (gives its diagonal).
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.

    Returns:
        Tensor of rank 2 or 1.

    Raises:
        ValueError: for another rank.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.diag([1, 2])).tolist()
        [[1, 0], [0, 2]]
    """
    if len(x.shape) == 2:
        return diagonal_of(kernel, x, k, 0, 1)
    if len(x.shape) != 1:
        raise ValueError(f"diag: expected a tensor of rank 1 or 2, got shape {shown(kernel.shape(x))}.")
    return _matrix(kernel, x, k)


def _matrix(kernel: Kernel, x: Any, offset: int) -> Any:
    dtype, size = kernel.dtype(x), kernel.shape(x)[0] + abs(offset)
    # Row i holds its entry in every column; the diagonal's place chooses one.
    rows = kernel.pad(x, [(0, offset) if offset > 0 else (-offset, 0)], "constant", 0)
    here = kernel.astype(kernel.eye(size, size, offset, "int32"), "bool")
    return kernel.where(here, kernel.expand_dims(rows, 1), kernel.full((), 0, dtype))


@op("x")
def diagflat(kernel: Kernel, x: Tensor, k: int = 0) -> Output:
    """The matrix whose diagonal holds all entries of a tensor.

    Args:
        x: Tensor of any shape.
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.

    Returns:
        Tensor of rank 2.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.diagflat([[1], [2]])).tolist()
        [[1, 0], [0, 2]]
    """
    return _matrix(kernel, kernel.reshape(x, (count(kernel.shape(x)),)), k)


@op("x")
def diagonal(k: Kernel, x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Output:
    """A diagonal of the matrices in two axes.

    Args:
        x: Tensor of rank 2 or more.
        offset: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.
        axis1: The axis of rows.
        axis2: The axis of columns.

    Returns:
        Tensor without the two axes and with the diagonal as its last.

    Raises:
        ValueError: for a lower rank, or axes out of range or equal.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.diagonal([[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    rank_at_least("diagonal", x, 2)
    rows, columns = axes_of("diagonal", (axis1, axis2), len(x.shape))
    return diagonal_of(k, x, offset, rows, columns)


def diagonal_of(k: Kernel, x: Any, offset: int, rows: int, columns: int) -> Any:
    """A diagonal; one that lies outside is empty, which not every framework knows."""
    sizes = k.shape(x)
    n, m = sizes[rows], sizes[columns]
    if static((n, m)) and not -n < offset < m:
        return k.zeros((*[size for i, size in enumerate(sizes) if i not in (rows, columns)], 0), k.dtype(x))
    return k.diagonal(x, offset, rows, columns)


@op("x")
def tril(kernel: Kernel, x: Tensor, k: int = 0) -> Output:
    """The lower triangle of matrices: what is above a diagonal becomes 0.

    Args:
        x: Tensor of rank 2 or more.
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for a lower rank.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.tril([[1, 2], [3, 4]])).tolist()
        [[1, 0], [3, 4]]
    """
    rank_at_least("tril", x, 2)
    return kernel.tril(x, operator.index(k))


@op("x")
def triu(kernel: Kernel, x: Tensor, k: int = 0) -> Output:
    """The upper triangle of matrices: what is below a diagonal becomes 0.

    Args:
        x: Tensor of rank 2 or more.
        k: Which diagonal: 0 the main one, above it for positive, below it for negative numbers.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for a lower rank.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.triu([[1, 2], [3, 4]])).tolist()
        [[1, 2], [0, 4]]
    """
    rank_at_least("triu", x, 2)
    return kernel.triu(x, operator.index(k))


@op("x")
def vander(k: Kernel, x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:  # noqa: N803
    """Vandermonde matrix: row i holds the powers of x[i].

    Args:
        x: Tensor of rank 1.
        N: Number of columns; None is the size of `x`.
        increasing: Whether the powers rise from left to right.

    Returns:
        Tensor of shape (x.shape[0], N).

    Raises:
        ValueError: for another rank, or a negative `N`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.vander([1, 2, 3], 3)).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    if len(x.shape) != 1:
        raise ValueError(f"vander: expected a tensor of rank 1, got shape {shown(k.shape(x))}.")
    dtype = k.dtype(x)
    columns = k.shape(x)[0] if N is None else at_least("vander", "N", N, 0)
    powers = k.arange(0, columns, 1, "int32") if increasing else k.flip(k.arange(0, columns, 1, "int32"), 0)
    powers, base = k.expand_dims(powers, 0), k.expand_dims(x, 1)
    zeroth = k.equal(powers, k.full((), 0, "int32"))
    # x^0 is put in apart: its gradient is 0 also at x = 0, where the rule 0 * x^-1 gives NaN.
    found = k.pow(k.where(zeroth, k.full((), 1, dtype), base), k.astype(powers, dtype))
    return k.where(zeroth, k.full((), 1, dtype), found)


@op("a")
def diff(k: Kernel, a: Tensor, n: int = 1, axis: int = -1) -> Output:
    """Differences of neighbors along an axis: a[i + 1] - a[i], n times over.

    Args:
        a: Tensor of rank 1 or more.
        n: How many times.
        axis: The axis.

    Returns:
        Tensor that is shorter by `n` along the axis; for bool, whether the neighbors differ.

    Raises:
        ValueError: for an axis out of range, or a negative `n`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.diff([1, 4, 9])).tolist()
        [3, 5]
    """
    at_least("diff", "n", n, 0)
    rank_at_least("diff", a, 1)
    place = axis_of("diff", axis, len(a.shape))
    minus = k.not_equal if k.dtype(a) == "bool" else k.subtract
    for _ in range(n):
        later, sooner = _neighbors(k, a, place)
        a = minus(later, sooner)
    return a


def _neighbors(k: Kernel, x: Any, axis: int) -> tuple[Any, Any]:
    """All but the first, and all but the last along an axis."""
    front = (slice(None),) * axis
    return k.getitem(x, (*front, slice(1, None))), k.getitem(x, (*front, slice(None, -1)))


@op("y", "x")
def trapezoid(k: Kernel, y: Tensor, x: Tensor = None, dx: float = 1.0, axis: int = -1) -> Output:
    """Integral by the trapezoidal rule: sum of (x[i + 1] - x[i]) (y[i + 1] + y[i]) / 2.

    Args:
        y: Tensor of values of the function, of rank 1 or more.
        x: Where they were taken: a tensor of the shape of `y`, or of rank 1; None for distances of `dx`.
        dx: The distance, when `x` is None.
        axis: The axis.

    Returns:
        Tensor of an inexact dtype, without the axis.

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> float(lamina.ops.trapezoid([1.0, 2.0, 3.0]))
        4.0
    """
    place = axis_of("trapezoid", axis, len(y.shape))
    if x is None:
        y = to_float(k, y)
        later, sooner = _neighbors(k, y, place)
        return k.multiply(k.sum(k.add(later, sooner), place), 0.5 * dx)
    y, x = (to_float(k, v) for v in together(k, y, x))
    if len(x.shape) == 1:
        x = k.reshape(x, tuple([-1 if i == place else 1 for i in range(len(y.shape))]))
    later, sooner = _neighbors(k, y, place)
    steps = k.subtract(*_neighbors(k, x, place))
    return k.multiply(k.sum(k.multiply(steps, k.add(later, sooner)), place), 0.5)
