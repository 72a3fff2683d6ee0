"""Reductions that leave NaN out."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import axis_of
from lamina.ops.op import Output, Tensor, op
from lamina.ops.reduce import Axis, argmax, argmin, over, reject_empty, running
from lamina.ops.tensors import astype, wide


def _filled(k: Kernel, x: Any, value: float) -> Any:
    """`x` with a number in place of NaN."""
    return k.where(k.isnan(x), value, x) if k.dtype(x) in dtypes.IS_INEXACT else x


@op("x")
def nansum(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Sum over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor; bool and small integers give 32 bits.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.nansum([1.0, float("nan"), 3.0]))
        4.0
    """
    return k.sum(wide(k, _filled(k, x, 0.0)), over("nansum", x, axis), keepdims)


@op("x")
def nanprod(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Product over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor; bool and small integers give 32 bits.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.nanprod([1.0, float("nan"), 3.0]))
        3.0
    """
    return k.prod(wide(k, _filled(k, x, 1.0)), over("nanprod", x, axis), keepdims)


@op("x", promote="float")
def nanmean(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Mean over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of an inexact dtype; NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.nanmean([1.0, float("nan"), 3.0]))
        2.0
    """
    axes = over("nanmean", x, axis)
    total = k.sum(_filled(k, x, 0.0), axes, keepdims)
    return k.divide(total, _counted(k, x, axes, keepdims))


def _counted(k: Kernel, x: Any, axes: Any, keepdims: bool) -> Any:
    """How many entries are not NaN, in the dtype of `x`."""
    # Counted as integers: float16 cannot count beyond 2048.
    total = k.sum(k.astype(k.logical_not(k.isnan(x)), "int32"), axes, keepdims)
    return astype(k, total, k.dtype(x))


@op("x", promote="float")
def nanvar(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Variance over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Float tensor; NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.nanvar([1.0, float("nan"), 3.0]))
        1.0
    """
    axes = over("nanvar", x, axis)
    # NaN is replaced before the arithmetic, not after it: no gradient may pass through NaN.
    away = k.where(k.isnan(x), 0.0, k.subtract(_filled(k, x, 0.0), nanmean.op.run(k, x, axes, True)))
    total = k.sum(k.square(k.abs(away) if k.dtype(x) in dtypes.COMPLEX else away), axes, keepdims)
    return k.divide(total, astype(k, _counted(k, x, axes, keepdims), k.dtype(total)))


@op("x", promote="float")
def nanstd(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Standard deviation over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Float tensor; NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.nanstd([1.0, float("nan"), 3.0]))
        1.0
    """
    return k.sqrt(nanvar.op.run(k, x, over("nanstd", x, axis), keepdims))


@op("x")
def nanmax(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Largest entry over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of the same dtype; NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0.

    Example:
        >>> float(lamina.ops.nanmax([1.0, float("nan"), 3.0]))
        3.0
    """
    return _extreme("nanmax", k, k.max, x, axis, keepdims)


@op("x")
def nanmin(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Smallest entry over axes, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of the same dtype; NaN where nothing is left.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0.

    Example:
        >>> float(lamina.ops.nanmin([1.0, float("nan"), 3.0]))
        1.0
    """
    return _extreme("nanmin", k, k.min, x, axis, keepdims)


def _extreme(name: str, k: Kernel, function: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    axes = over(name, x, axis)
    reject_empty(name, k, x, axes)
    if k.dtype(x) not in dtypes.IS_INEXACT:
        return function(x, axes, keepdims)
    missing = k.isnan(x)
    worst = float("-inf") if name == "nanmax" else float("inf")
    out = function(k.where(missing, worst, x), axes, keepdims)
    return k.where(k.all(missing, axes, keepdims), float("nan"), out)


@op("x")
def nanargmax(k: Kernel, x: Tensor, axis: int | None = None, keepdims: bool = False) -> Output:
    """Index of the largest entry along an axis, NaN left out; the first of equals.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        keepdims: Whether the axis stays with size 1.

    Returns:
        int32 tensor; -1 where everything is NaN.

    Raises:
        ValueError: for an axis out of range or of size 0.

    Example:
        >>> int(lamina.ops.nanargmax([float("nan"), 5.0, 7.0]))
        2
    """
    return _position("nanargmax", k, argmax.op.run, x, axis, keepdims, float("-inf"))


@op("x")
def nanargmin(k: Kernel, x: Tensor, axis: int | None = None, keepdims: bool = False) -> Output:
    """Index of the smallest entry along an axis, NaN left out; the first of equals.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        keepdims: Whether the axis stays with size 1.

    Returns:
        int32 tensor; -1 where everything is NaN.

    Raises:
        ValueError: for an axis out of range or of size 0.

    Example:
        >>> int(lamina.ops.nanargmin([float("nan"), 5.0, 7.0]))
        1
    """
    return _position("nanargmin", k, argmin.op.run, x, axis, keepdims, float("inf"))


def _position(name: str, k: Kernel, body: Any, x: Any, axis: Any, keepdims: bool, worst: float) -> Any:
    axis = None if axis is None else axis_of(name, axis, len(x.shape))
    if k.dtype(x) not in dtypes.IS_INEXACT:
        return body(k, x, axis, keepdims)
    missing = k.isnan(x)
    found = body(k, k.where(missing, worst, x), axis, keepdims)
    nothing = k.all(missing, axis, keepdims)
    return k.where(nothing, k.full((), -1, "int32"), found)


@op("x")
def nancumsum(k: Kernel, x: Tensor, axis: int | None = None, dtype: str | None = None) -> Output:
    """Running sums along an axis, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        dtype: The result's dtype; None is that of `x` (int32 for bool).

    Returns:
        Tensor of the same shape (of rank 1 without `axis`).

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.nancumsum([1.0, float("nan"), 3.0])).tolist()
        [1.0, 1.0, 4.0]
    """
    return running("nancumsum", k, k.cumulative_sum, _filled(k, x, 0.0), axis, dtype)


@op("x")
def nancumprod(k: Kernel, x: Tensor, axis: int | None = None, dtype: str | None = None) -> Output:
    """Running products along an axis, NaN left out.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        dtype: The result's dtype; None is that of `x` (int32 for bool).

    Returns:
        Tensor of the same shape (of rank 1 without `axis`).

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.nancumprod([1.0, float("nan"), 3.0])).tolist()
        [1.0, 1.0, 3.0]
    """
    return running("nancumprod", k, k.cumulative_prod, _filled(k, x, 1.0), axis, dtype)
