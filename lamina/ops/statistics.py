"""Quantiles, medians, correlation."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import axes_of, one_of, shown
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.reduce import Axis, reject_empty
from lamina.ops.tensors import astype, count

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op("x", given=("q",), promote="float")
def quantile(
    k: Kernel, x: Tensor, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Output:
    """The values below which given parts of the entries lie.

    The entries are sorted; the quantile stands at place q (n - 1) of them.

    Args:
        x: Tensor of any shape, real.
        q: Parts in [0, 1]: a number, or a tensor of rank 1.
        axis: Axis or axes that disappear; None is all of them.
        method: What to give between two entries: "linear" interpolation, the "lower", the "higher", their "midpoint" or
            the "nearest".
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor; an axis for `q`, if that has one, stands in front. NaN where there is one.

    Raises:
        ValueError: for an axis out of range or given twice, a `q` of higher rank, another method, or nothing to reduce.

    Example:
        >>> float(lamina.ops.quantile([1.0, 2.0, 4.0], 0.5))
        2.0
    """
    return _quantile("quantile", k, x, q, axis, method, keepdims)


@op("x", given=("q",), promote="float")
def nanquantile(
    k: Kernel, x: Tensor, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Output:
    """The values below which given parts of the entries lie, NaN left out.

    Args:
        x: Tensor of any shape, real.
        q: Parts in [0, 1]: a number, or a tensor of rank 1.
        axis: Axis or axes that disappear; None is all of them.
        method: What to give between two entries: "linear" interpolation, the "lower", the "higher", their "midpoint" or
            the "nearest".
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor; an axis for `q`, if that has one, stands in front. NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice, a `q` of higher rank, another method, or nothing to reduce.

    Example:
        >>> float(lamina.ops.nanquantile([1.0, float("nan"), 2.0, 4.0], 0.5))
        2.0
    """
    return _quantile("nanquantile", k, x, q, axis, method, keepdims)


@op("x", given=("q",), promote="float")
def percentile(
    k: Kernel, x: Tensor, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Output:
    """The values below which given percentages of the entries lie: `quantile` with q / 100.

    Args:
        x: Tensor of any shape, real.
        q: Percentages in [0, 100]: a number, or a tensor of rank 1.
        axis: Axis or axes that disappear; None is all of them.
        method: What to give between two entries: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor; an axis for `q`, if that has one, stands in front. NaN where there is one.

    Raises:
        ValueError: for an axis out of range or given twice, a `q` of higher rank, another method, or nothing to reduce.

    Example:
        >>> float(lamina.ops.percentile([1.0, 2.0, 4.0], 50))
        2.0
    """
    return _quantile("percentile", k, x, q, axis, method, keepdims, 100.0)


@op("x", given=("q",), promote="float")
def nanpercentile(
    k: Kernel, x: Tensor, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Output:
    """The values below which given percentages of the entries lie, NaN left out: `nanquantile` with q / 100.

    Args:
        x: Tensor of any shape, real.
        q: Percentages in [0, 100]: a number, or a tensor of rank 1.
        axis: Axis or axes that disappear; None is all of them.
        method: What to give between two entries: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor; an axis for `q`, if that has one, stands in front. NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice, a `q` of higher rank, another method, or nothing to reduce.

    Example:
        >>> float(lamina.ops.nanpercentile([1.0, float("nan"), 2.0, 4.0], 50))
        2.0
    """
    return _quantile("nanpercentile", k, x, q, axis, method, keepdims, 100.0)


@op("x", promote="float")
def median(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """The middle of the sorted entries over axes; the mean of the two middle ones if their number is even.

    Args:
        x: Tensor of any shape, real.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor. NaN where there is one.

    Raises:
        ValueError: for an axis out of range or given twice, or nothing to reduce.

    Example:
        >>> float(lamina.ops.median([1.0, 2.0, 4.0, 9.0]))
        3.0
    """
    return _quantile("median", k, x, 0.5, axis, "linear", keepdims)


@op("x", promote="float")
def nanmedian(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """The middle of the sorted entries over axes, NaN left out.

    Args:
        x: Tensor of any shape, real.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether the axes stay with size 1.

    Returns:
        Float tensor. NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice, or nothing to reduce.

    Example:
        >>> float(lamina.ops.nanmedian([1.0, float("nan"), 4.0, 9.0]))
        4.0
    """
    return _quantile("nanmedian", k, x, 0.5, axis, "linear", keepdims)


def _quantile(
    name: str, k: Kernel, x: Any, q: Any, axis: Any, method: str, keepdims: bool, scale: float = 1.0
) -> Any:
    one_of(name, "method", method, METHODS)
    # Places are found in float32 at least: float16 cannot tell them apart beyond 2048.
    fine = "float64" if k.dtype(x) == "float64" else "float32"
    q = convert(k, q, fine)
    if len(q.shape) > 1:
        raise ValueError(f"{name}: `q` must be a number or of rank 1, got shape {shown(k.shape(q))}.")
    if k.dtype(x) in dtypes.COMPLEX:
        raise TypeError(f"{name}: complex numbers have no order.")
    sizes, axes = k.shape(x), axes_of(name, axis, len(x.shape))
    reject_empty(name, k, x, axes)
    rest = [i for i in range(len(sizes)) if i not in axes]
    kept = tuple([sizes[i] for i in rest])
    lines = k.reshape(k.permute_dims(x, (*rest, *axes)), (*kept, count([sizes[a] for a in axes])))
    parts = k.clip(k.divide(k.reshape(q, (-1,)), scale), 0.0, 1.0)
    out = _between(k, k.sort(lines, -1), parts, method, skip_nan=name.startswith("nan"))
    shape = tuple([1 if i in axes else n for i, n in enumerate(sizes)]) if keepdims else kept
    if not len(q.shape):
        return k.reshape(out, shape)
    order = (len(rest), *range(len(rest)))
    return k.reshape(k.permute_dims(out, order), (k.shape(q)[0], *shape))


def _between(k: Kernel, lines: Any, parts: Any, method: str, skip_nan: bool) -> Any:
    """Quantiles along the last axis of sorted lines, in place of it."""
    dtype, fine = k.dtype(lines), k.dtype(parts)
    here = k.astype(k.logical_not(k.isnan(lines)), fine)
    have = k.sum(here, -1, True)
    all_of_them = k.sum(k.ones((k.shape(lines)[-1],), fine))
    total = have if skip_nan else all_of_them
    parts = k.reshape(parts, (1,) * (len(lines.shape) - 1) + (-1,))
    place = k.maximum(k.multiply(parts, k.subtract(total, 1.0)), 0.0)
    if method == "nearest":
        place = k.ceil(k.subtract(place, 0.5))
    low, high = k.floor(place), k.ceil(place)
    if method in ("lower", "higher"):
        low = high = low if method == "lower" else high
    weight = k.full((), 0.5, fine) if method == "midpoint" else k.subtract(place, low)
    below, above = (k.take_along_axis(lines, k.astype(i, "int32"), -1) for i in (low, high))
    weight = astype(k, weight, dtype)
    mixed = below * (1.0 - weight) + above * weight
    # Where both are the same entry, 0 * inf must not spoil it.
    out = k.where(k.equal(low, high), below, mixed)
    missing = k.equal(have, 0.0) if skip_nan else k.less(have, all_of_them)
    return k.where(missing, float("nan"), out)


@op("x", promote="float")
def corrcoef(k: Kernel, x: Tensor) -> Output:
    """Pearson's correlation of the rows: c[i, j] / sqrt(c[i, i] c[j, j]), where c is their covariance.

    Args:
        x: Tensor of shape (variables, observations), or (observations,) for one variable.

    Returns:
        Tensor of shape (variables, variables), or a scalar for one variable; values in [-1, 1].

    Raises:
        ValueError: for a rank of 0 or above 2.

    Example:
        >>> np.round(lamina.ops.convert_to_numpy(lamina.ops.corrcoef([[1.0, 2.0], [2.0, 1.0]])), 3).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    if len(x.shape) not in (1, 2):
        raise ValueError(f"corrcoef: expected a tensor of rank 1 or 2, got shape {shown(k.shape(x))}.")
    rows = k.reshape(x, (1, -1)) if len(x.shape) == 1 else x
    away = k.subtract(rows, k.mean(rows, 1, True))
    other = k.permute_dims(away, (1, 0))
    is_complex = k.dtype(x) in dtypes.COMPLEX
    products = k.matmul(away, k.conj(other) if is_complex else other)
    width = k.sqrt(k.real(k.diagonal(products, 0, 0, 1)) if is_complex else k.diagonal(products, 0, 0, 1))
    scale = k.multiply(k.expand_dims(width, 0), k.expand_dims(width, 1))
    out = k.divide(products, astype(k, scale, k.dtype(x)))
    if is_complex:
        out = k.complex(k.clip(k.real(out), -1.0, 1.0), k.clip(k.imag(out), -1.0, 1.0))
    else:
        out = k.clip(out, -1.0, 1.0)
    return k.reshape(out, ()) if len(x.shape) == 1 else out
