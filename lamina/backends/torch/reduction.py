"""What is computed along axes: reductions, running totals, order."""

from __future__ import annotations

import builtins as py
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.backends.torch._support import WIDE, is_hidden, lift, lower, wide
from lamina.backends.torch.array import dtype, full
from lamina.backends.torch.shaping import take, take_along_axis

# Reduction


def _reduction(f: Callable, ordered: bool = False) -> Callable:
    """f(x, axis, keepdims) for the wide dtypes, too, and for no axes (which torch takes for all of them)."""

    def reduce(x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
        if axis == ():
            return reduce(x.unsqueeze(-1), -1, False)
        if x.dtype in WIDE:
            return lower(f(lift(x, x.dtype, ordered), axis, bool(keepdims)), x.dtype, ordered)
        return f(x, axis, bool(keepdims))  # torch takes no 1 for True

    return reduce


def _sum(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    if x.dtype.is_floating_point:
        return torch.sum(x, axis, keepdims)
    return torch.sum(x, axis, keepdims, dtype=x.dtype)  # torch would widen integers to int64


def _prod(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    if axis is None:
        axis = tuple(range(x.ndim))
    elif isinstance(axis, int):
        axis = (axis,)
    for place in sorted([a % x.ndim for a in axis], reverse=True):  # torch takes one axis at a time
        x = torch.prod(x, place, keepdims, dtype=x.dtype)
    return x


def _logsumexp(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdims)


def _var(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """Written out, because torch's own takes ten times as long over several axes; half precision is summed wide there."""
    if x.dtype not in (torch.float32, torch.float64):
        return torch.var(x, axis, correction=0, keepdim=keepdims)
    centred = x - torch.mean(x, axis, True)
    return torch.mean(centred * centred, axis, keepdims)


all = _reduction(torch.all)
any = _reduction(torch.any)


def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return torch.argmax(_comparable(x), axis, bool(keepdims)).to(torch.int32)


def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return torch.argmin(_comparable(x), axis, bool(keepdims)).to(torch.int32)


def _comparable(x: Tensor) -> Tensor:
    """x, or integers in the same order where torch does not search the dtype."""
    return lift(x, x.dtype, True) if x.dtype in WIDE or x.dtype is torch.bool else x


logsumexp = _reduction(_logsumexp)
max = _reduction(torch.amax, ordered=True)
mean = _reduction(torch.mean)
min = _reduction(torch.amin, ordered=True)
prod = _reduction(_prod)
sum = _reduction(_sum)
var = _reduction(_var)


@wide
def cumulative_prod(x: Tensor, axis: int) -> Tensor:
    return torch.cumprod(x, axis, dtype=x.dtype)


@wide
def cumulative_sum(x: Tensor, axis: int) -> Tensor:
    return torch.cumsum(x, axis, dtype=x.dtype)


def cumulative_max(x: Tensor, axis: int) -> Tensor:
    return lower(torch.cummax(_comparable(x), axis)[0], x.dtype, True)


# Ordering


def argsort(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    return torch.sort(x, dim=axis, descending=descending, stable=True)[1].to(torch.int32)


def sort(x: Tensor, axis: int, descending: bool = False) -> Tensor:
    return torch.sort(x, dim=axis, descending=descending)[0]


def searchsorted(sorted: Tensor, values: Tensor, side: str) -> Tensor:
    return torch.searchsorted(_comparable(sorted), _comparable(values), side=side, out_int32=True)


def top_k(x: Tensor, k: int, sorted: bool) -> tuple[Tensor, Tensor]:
    # torch.topk takes equals in any order, the contract's other readings the first ones: with equals, sort
    values, order = torch.topk(_comparable(x), py.min(k + 1, x.shape[-1]))
    if is_hidden(x) or bool((values[..., 1:] == values[..., :-1]).any()):
        order = torch.sort(x, descending=True, stable=True)[1]
    order = order[..., :k]
    return take_along_axis(x, order, -1), order.to(torch.int32)


def nonzero(x: Tensor, size: int | None = None) -> tuple[Tensor, ...]:
    x = x != 0
    positions = torch.nonzero(x) if size is None else torch.nonzero_static(x, size=size, fill_value=0)
    return positions.to(torch.int32).unbind(1)


def unique(x: Tensor, size: int | None = None, fill: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    # torch.unique gives no first indices, keeps every NaN apart, and cannot promise a size
    ordered, order = torch.sort(x, stable=True)
    is_new = (ordered[1:] != ordered[:-1]) & ~(_is_nan(ordered[1:]) & _is_nan(ordered[:-1]))
    group = F.pad(torch.cumsum(is_new, 0), (1, 0))[: x.shape[0]]
    inverse = torch.empty_like(order).scatter(0, order, group)
    if size is None:
        size = int(group[-1]) + 1 if x.shape[0] else 0
    groups = torch.arange(size, device=x.device)
    first = torch.searchsorted(group, groups)
    counts = torch.searchsorted(group, groups, right=True) - first
    first = torch.where(counts > 0, first, 0)
    values = take(ordered, first, 0)
    if fill is not None:
        values = torch.where(counts > 0, values, full((), fill, dtype(x)))
    return (
        values,
        order[first].to(torch.int32),
        inverse.to(torch.int32),
        counts.to(torch.int32),
    )


def _is_nan(x: Tensor) -> Tensor:
    return (
        torch.isnan(x)
        if x.dtype.is_floating_point or x.dtype.is_complex
        else torch.zeros_like(x, dtype=torch.bool)
    )
