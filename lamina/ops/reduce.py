"""Reductions: sums, extremes, truth over axes, and their running forms."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import axes_of, axis_of
from lamina.ops.compare import truth
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, count, not_bool, to_float, together, wants_bool, wide

Axis = int | tuple[int, ...] | None


def over(name: str, x: Any, axis: Any) -> tuple[int, ...] | None:
    """The axes to reduce over, checked; None for all of them."""
    return None if axis is None else axes_of(name, axis, len(x.shape))


def reject_empty(name: str, k: Kernel, x: Any, axes: tuple[int, ...] | None) -> None:
    """That there is something to reduce.

    Raises:
        ValueError: if one of the axes has size 0.
    """
    sizes = k.shape(x)
    if 0 in [sizes[a] for a in (range(len(sizes)) if axes is None else axes) if type(sizes[a]) is int]:
        raise ValueError(
            f"{name}: there is no {name} of nothing: shape {tuple(sizes)} has an axis of size 0."
        )


@op("x")
def sum(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Sum over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor; bool and small integers give 32 bits, other dtypes stay.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.sum([[1, 2], [3, 4]], axis=0)).tolist()
        [4, 6]
    """
    return k.sum(wide(k, x), over("sum", x, axis), keepdims)


@op("x", promote="float")
def mean(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Arithmetic mean over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of an inexact dtype; NaN over nothing.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.mean([[1, 2], [3, 4]]))
        2.5
    """
    return k.mean(x, over("mean", x, axis), keepdims)


@op("x", promote="float")
def var(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Variance over axes: mean(|x - mean(x)|^2).

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of a float dtype.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.var([1.0, 3.0]))
        1.0
    """
    return k.var(x, over("var", x, axis), keepdims)


@op("x", promote="float")
def std(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Standard deviation over axes: the square root of the variance.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of a float dtype.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> float(lamina.ops.std([1.0, 3.0]))
        1.0
    """
    return k.sqrt(k.var(x, over("std", x, axis), keepdims))


@op("x")
def all(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Whether all entries are true, over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Bool tensor; true over nothing.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> bool(lamina.ops.all([True, False]))
        False
    """
    return k.all(truth(k, x), over("all", x, axis), keepdims)


@op("x")
def any(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Whether any entry is true, over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Bool tensor; false over nothing.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> bool(lamina.ops.any([True, False]))
        True
    """
    return k.any(truth(k, x), over("any", x, axis), keepdims)


@op("x")
def max(
    k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False, initial: float | None = None
) -> Output:
    """Largest entry over axes; NaN if there is one.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.
        initial: The least value of the result, and the result over nothing.

    Returns:
        Tensor of the same dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0 without `initial`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.max([[1, 2], [3, 4]], axis=1)).tolist()
        [2, 4]
    """
    return _extreme("max", k, x, axis, keepdims, initial)


@op("x")
def min(
    k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False, initial: float | None = None
) -> Output:
    """Smallest entry over axes; NaN if there is one.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.
        initial: The greatest value of the result, and the result over nothing.

    Returns:
        Tensor of the same dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0 without `initial`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.min([[1, 2], [3, 4]], axis=1)).tolist()
        [1, 3]
    """
    return _extreme("min", k, x, axis, keepdims, initial)


def _extreme(
    name: str, k: Kernel, x: Any, axis: Any, keepdims: bool, initial: Any = None, caller: str | None = None
) -> Any:
    axes = over(caller or name, x, axis)
    if initial is None:
        reject_empty(caller or name, k, x, axes)
        return getattr(k, name)(x, axes, keepdims)
    if isinstance(initial, list | tuple) or len(getattr(initial, "shape", ())):
        raise TypeError(f"{caller or name}: `initial` must be one number, got {initial!r}.")
    bound = k.full((), initial, k.dtype(x))
    # One more entry that holds the bound, so that nothing needs a special case.
    rest = [i for i in range(len(x.shape)) if axes is not None and i not in axes]
    reduced = list(range(len(x.shape))) if axes is None else list(axes)
    sizes = k.shape(x)
    flat = k.reshape(
        k.permute_dims(x, (*rest, *reduced)), (*[sizes[i] for i in rest], count([sizes[i] for i in reduced]))
    )
    bounds = k.broadcast_to(bound, (*[sizes[i] for i in rest], 1))
    out = getattr(k, name)(k.concat([flat, bounds], -1), (-1,), False)
    if not keepdims:
        return out
    return k.reshape(out, tuple([1 if i in reduced else n for i, n in enumerate(sizes)]))


@op("x")
def amax(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Largest entry over axes: `max` under another name.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of the same dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0.

    Example:
        >>> import lamina
        >>> float(lamina.ops.amax([1.0, 3.0]))
        3.0
    """
    return _extreme("max", k, x, axis, keepdims, caller="amax")


@op("x")
def amin(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Smallest entry over axes: `min` under another name.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of the same dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0.

    Example:
        >>> import lamina
        >>> float(lamina.ops.amin([1.0, 3.0]))
        1.0
    """
    return _extreme("min", k, x, axis, keepdims, caller="amin")


@op("x")
def ptp(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False) -> Output:
    """Range of the values over axes: max - min.

    Args:
        x: Tensor of any shape, not bool.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.

    Returns:
        Tensor of the same dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or an axis of size 0.
        TypeError: for bool.

    Example:
        >>> int(lamina.ops.ptp([3, 9, 4]))
        6
    """
    wants_bool("ptp", k, x)
    least, most = (_extreme(kind, k, x, axis, keepdims, caller="ptp") for kind in ("min", "max"))
    return k.subtract(most, least)


@op("x")
def prod(k: Kernel, x: Tensor, axis: Axis = None, keepdims: bool = False, dtype: str | None = None) -> Output:
    """Product over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        keepdims: Whether they stay with size 1.
        dtype: The result's dtype; None is that of `x`, and 32 bits for bool and small integers.

    Returns:
        Tensor; 1 over nothing.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> int(lamina.ops.prod([2, 3, 4]))
        24
    """
    x = wide(k, x) if dtype is None else astype(k, x, dtypes.standardize(dtype))
    return k.prod(x, over("prod", x, axis), keepdims)


@op("x")
def argmax(k: Kernel, x: Tensor, axis: int | None = None, keepdims: bool = False) -> Output:
    """Index of the largest entry along an axis; the first of equals.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        keepdims: Whether the axis stays with size 1.

    Returns:
        int32 tensor.

    Raises:
        ValueError: for an axis out of range or of size 0.

    Example:
        >>> int(lamina.ops.argmax([1, 7, 3]))
        1
    """
    return _position("argmax", k, x, axis, keepdims)


@op("x")
def argmin(k: Kernel, x: Tensor, axis: int | None = None, keepdims: bool = False) -> Output:
    """Index of the smallest entry along an axis; the first of equals.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        keepdims: Whether the axis stays with size 1.

    Returns:
        int32 tensor.

    Raises:
        ValueError: for an axis out of range or of size 0.

    Example:
        >>> int(lamina.ops.argmin([4, 7, 3]))
        2
    """
    return _position("argmin", k, x, axis, keepdims)


def _position(name: str, k: Kernel, x: Any, axis: Any, keepdims: bool) -> Any:
    place = None if axis is None else axis_of(name, axis, len(x.shape))
    reject_empty(name, k, x, None if place is None else (place,))
    if k.dtype(x) == "bool":
        x = k.astype(x, "int32")
    return getattr(k, name)(x, place, keepdims)


@op("x")
def count_nonzero(k: Kernel, x: Tensor, axis: Axis = None) -> Output:
    """How many entries are not 0, over axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.

    Returns:
        int32 tensor.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> int(lamina.ops.count_nonzero([0, 3, 0, 5]))
        2
    """
    return k.sum(k.astype(truth(k, x), "int32"), over("count_nonzero", x, axis))


@op("x", "weights")
def average(k: Kernel, x: Tensor, axis: Axis = None, weights: Tensor = None) -> Output:
    """Weighted mean over axes: sum(w x) / sum(w).

    Args:
        x: Tensor of any shape.
        axis: Axis or axes that disappear; None is all of them.
        weights: Tensor of the shape of `x`, or of size `x.shape[axis]`; None weighs all alike.

    Returns:
        Tensor of an inexact dtype.

    Raises:
        ValueError: for an axis out of range or given twice, or weights of another shape.

    Example:
        >>> float(lamina.ops.average([1.0, 4.0], weights=[2.0, 1.0]))
        2.0
    """
    axes = over("average", x, axis)
    if weights is None:
        return k.mean(to_float(k, x), axes)
    x, weights = (to_float(k, v) for v in together(k, x, weights))
    if len(weights.shape) != len(x.shape):
        if axes is None or len(axes) != 1 or len(weights.shape) != 1:
            raise ValueError(
                f"average: weights of shape {tuple(weights.shape)} need one `axis` of `x`, whose shape is "
                f"{tuple(x.shape)}, or the same shape."
            )
        weights = k.reshape(weights, tuple([-1 if i in axes else 1 for i in range(len(x.shape))]))
    total = k.sum(k.broadcast_to(weights, k.shape(x)), axes)
    return k.divide(k.sum(k.multiply(x, weights), axes), total)


@op("x")
def cumsum(k: Kernel, x: Tensor, axis: int | None = None, dtype: str | None = None) -> Output:
    """Running sums along an axis.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        dtype: The result's dtype; None is that of `x` (int32 for bool).

    Returns:
        Tensor of the same shape (of rank 1 without `axis`).

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.cumsum([1, 2, 3])).tolist()
        [1, 3, 6]
    """
    return running("cumsum", k, k.cumulative_sum, x, axis, dtype)


@op("x")
def cumprod(k: Kernel, x: Tensor, axis: int | None = None, dtype: str | None = None) -> Output:
    """Running products along an axis.

    Args:
        x: Tensor of any shape.
        axis: The axis; None takes the flattened tensor.
        dtype: The result's dtype; None is that of `x` (int32 for bool).

    Returns:
        Tensor of the same shape (of rank 1 without `axis`).

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.cumprod([1, 2, 3])).tolist()
        [1, 2, 6]
    """
    return running("cumprod", k, k.cumulative_prod, x, axis, dtype)


def running(name: str, k: Kernel, function: Any, x: Any, axis: Any, dtype: Any) -> Any:
    """A running reduction along an axis, or over the flattened tensor."""
    x = not_bool(k, x) if dtype is None else astype(k, x, dtypes.standardize(dtype))
    if axis is None:
        return function(k.reshape(x, (-1,)), 0)
    return function(x, axis_of(name, axis, len(x.shape)))
