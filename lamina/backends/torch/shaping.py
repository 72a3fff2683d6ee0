"""What moves elements: shapes, joining and splitting, taking and putting by position."""

from __future__ import annotations

import builtins as py
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.backends.torch._support import DTYPES, INDICES, SIGNED, WIDE, bits, lift, lower
from lamina.backends.torch.array import asarray

# Manipulation

broadcast_to = torch.broadcast_to


concat = torch.cat


def expand_dims(x: Tensor, axis: Any) -> Tensor:
    if isinstance(axis, int):
        return torch.unsqueeze(x, axis)
    for place in sorted([a % (x.ndim + len(axis)) for a in axis]):
        x = torch.unsqueeze(x, place)
    return x


@bits
def flip(x: Tensor, axis: Any) -> Tensor:
    return torch.flip(
        x,
        tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis,
    )


def getitem(x: Tensor, key: Any) -> Tensor:
    entries = key if type(key) is tuple else (key,)
    for entry in entries:
        if type(entry) not in _PLAIN and not _is_forward(entry):
            break
    else:
        return x[key]
    if py.any(_is_backward(k) for k in entries):
        x, entries = _mirrored(x, entries)
    return x[tuple([_index(k) for k in entries])]


_PLAIN = frozenset((int, bool, type(None), type(Ellipsis)))


def _is_forward(k: Any) -> bool:
    return type(k) is py.slice and not _is_backward(k)


def _is_backward(k: Any) -> bool:
    return isinstance(k, py.slice) and isinstance(k.step, int) and k.step < 0


def _index(k: Any) -> Any:
    """One entry of a key as torch reads it: torch takes uint8 for a mask, and not every integer dtype."""
    if isinstance(k, (list, np.ndarray, np.generic)):
        k = asarray(k)
    if isinstance(k, Tensor) and k.dtype is not torch.bool and k.dtype not in INDICES:
        return k.to(torch.int64)
    return k


def _mirrored(x: Tensor, key: tuple) -> tuple[Tensor, tuple]:
    """x flipped where a slice runs backwards, and the key that reads it forwards: torch has no negative steps."""
    new, axis = [], 0
    rest = x.ndim - py.sum(_spanned(k) for k in key if k is not Ellipsis)
    for k in key:
        if _is_backward(k):
            run = range(*k.indices(x.shape[axis]))
            x = flip(x, axis)
            first = x.shape[axis] - 1 - run.start
            k = py.slice(first, first + (len(run) - 1) * -k.step + 1, -k.step) if run else py.slice(0, 0)
        axis += rest if k is Ellipsis else _spanned(k)
        new.append(k)
    return x, tuple(new)


def _spanned(k: Any) -> int:
    """How many axes an entry of a key is about."""
    if k is None or isinstance(k, bool):
        return 0
    is_mask = getattr(k, "dtype", None) in (torch.bool, np.dtype("bool"))
    return k.ndim if is_mask else 1


def pad(x: Tensor, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Tensor:
    if mode != "constant":
        return _pad_from_inside(x, widths, mode)
    flat = [width for pair in reversed(widths) for width in pair]
    if isinstance(value, Tensor):
        inside = F.pad(torch.ones_like(x, dtype=torch.bool), flat)
        return torch.where(inside, F.pad(x, flat), value)
    return F.pad(x, flat, value=0 if value is None else value)


def _pad_from_inside(x: Tensor, widths: Sequence[tuple[int, int]], mode: str) -> Tensor:
    for axis, (low, high) in enumerate(widths):
        if low or high:  # torch reflects the last axes only, and once
            n = x.shape[axis]
            positions = torch.arange(-low, n + high, device=x.device)
            x = select(x, axis, _fold(positions, n, mode))
    return x


def _fold(positions: Tensor, n: int, mode: str) -> Tensor:
    """Positions outside 0..n-1 folded back inside."""
    if mode == "edge":
        return torch.clamp(positions, 0, n - 1)
    period = py.max(2 * (n - 1), 1) if mode == "reflect" else 2 * n
    turned = torch.remainder(positions, period)
    return torch.minimum(turned, (period if mode == "reflect" else period - 1) - turned)


permute_dims = torch.permute


def repeat(x: Tensor, repeats: Any, axis: int, total: int | None = None) -> Tensor:
    if not isinstance(repeats, (int, Tensor)):
        repeats = torch.as_tensor(np.asarray(repeats), device=x.device)
    if isinstance(repeats, Tensor):
        repeats = repeats.to(torch.int64).expand(x.shape[axis])
    return torch.repeat_interleave(x, repeats, axis, output_size=total)


reshape = torch.reshape


def roll(x: Tensor, shift: Any, axis: Any) -> Tensor:
    if isinstance(shift, Tensor):  # torch wants numbers: reading them would stop a trace
        return _roll_by_tensor(x, shift, axis)
    if axis is None:
        return torch.roll(x, shift)
    shifts = (shift,) if isinstance(shift, int) else tuple(shift)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return torch.roll(
        x,
        shifts * (len(axes) if len(shifts) == 1 else 1),
        axes * (len(shifts) if len(axes) == 1 else 1),
    )


def _roll_by_tensor(x: Tensor, shift: Tensor, axis: Any) -> Tensor:
    if axis is None:
        return _roll_by_tensor(x.reshape(-1), shift, 0).reshape(x.shape)
    axes = (axis,) if isinstance(axis, int) else axis
    for a, by in zip(axes, shift.expand(len(axes)), strict=True):
        positions = torch.arange(x.shape[a], device=x.device) - by
        x = take(x, torch.remainder(positions, x.shape[a]), a)
    return x


def squeeze(x: Tensor, axis: Any) -> Tensor:
    return torch.squeeze(x) if axis is None else torch.squeeze(x, axis)


stack = torch.stack
tile = torch.tile


def unstack(x: Tensor, axis: int) -> list[Tensor]:
    return list(torch.unbind(x, axis))


def diagonal(x: Tensor, offset: int, axis1: int, axis2: int) -> Tensor:
    return torch.diagonal(x, offset, axis1, axis2)


def split(x: Tensor, sections: Sequence[int], axis: int) -> list[Tensor]:
    return list(torch.tensor_split(x, tuple(sections), axis))


# Indexing


def _positions(indices: Tensor, n: int) -> Tensor:
    """Indices, negative ones counted from the end."""
    return torch.where(indices < 0, indices + n, indices)


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    indices = _positions(indices, x.shape[axis])
    if indices.ndim == 1:
        return select(x, axis, indices)
    rows = select(
        x, axis, indices.reshape(-1)
    )  # its gradient is several times faster than that of x[indices]
    return _unflatten(rows, axis % x.ndim, tuple(indices.shape))


@bits
def select(x: Tensor, axis: int, positions: Tensor) -> Tensor:
    """x at these positions of an axis, all of them counted from the start."""
    return torch.index_select(x, axis, positions)


def _unflatten(x: Tensor, axis: int, sizes: tuple) -> Tensor:
    return x.reshape((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]))


@bits
def take_along_axis(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    return torch.take_along_dim(x, _positions(indices, x.shape[axis]).to(torch.int64), axis)


_SCATTER = {
    "max": "amax",
    "min": "amin",
    "multiply": "prod",
    "prod": "prod",
    "add": "sum",
    "sum": "sum",
}


def scatter(x: Tensor, indices: Tensor, updates: Tensor, reduce: str) -> Tensor:
    depth = indices.shape[1]
    rows = torch.zeros_like(indices[:, 0], dtype=torch.int64)
    for axis in range(depth):
        rows = rows * x.shape[axis] + _positions(indices[:, axis], x.shape[axis])
    flat = x.reshape(math.prod(x.shape[:depth]), *x.shape[depth:])
    updates = updates.expand(rows.shape[0], *x.shape[depth:])
    return _scatter_rows(flat, rows, updates, reduce).reshape(x.shape)


def _scatter_rows(x: Tensor, rows: Tensor, updates: Tensor, reduce: str) -> Tensor:
    """A copy of x with x[rows[i]] set to, or combined with, updates[i]."""
    if reduce == "set":
        if x.dtype in SIGNED:
            signed = SIGNED[x.dtype]
            return x.view(signed).index_copy(0, rows, updates.view(signed)).view(x.dtype)
        return x.index_copy(0, rows, updates)
    if x.dtype in WIDE or x.dtype is torch.bool:
        ordered = reduce in ("max", "min")
        lifted = lift(x, x.dtype, ordered), rows, lift(updates, x.dtype, ordered)
        return lower(_scatter_rows(*lifted, reduce), x.dtype, ordered)
    if reduce in ("add", "sum"):
        return x.index_add(0, rows, updates)
    positions = rows.reshape(-1, *[1] * (x.ndim - 1)).expand(updates.shape)
    return x.scatter_reduce(0, positions, updates, _SCATTER[reduce])


def slice(x: Tensor, starts: Any, sizes: Sequence[int]) -> Tensor:
    starts = _starts(x, starts, sizes)
    if not isinstance(starts[0] if starts else 0, Tensor):
        return x[tuple([py.slice(s, s + n) for s, n in zip(starts, sizes, strict=True)])]
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        if size != x.shape[axis]:
            x = take(x, start + torch.arange(size, device=x.device), axis)
    return x


def slice_update(x: Tensor, starts: Any, updates: Tensor) -> Tensor:
    starts = _starts(x, starts, updates.shape)
    result = x.clone()
    if not isinstance(starts[0] if starts else 0, Tensor):
        result[tuple([py.slice(s, s + n) for s, n in zip(starts, updates.shape, strict=True)])] = updates
        return result
    grid = torch.meshgrid(*[torch.arange(n, device=x.device) for n in updates.shape], indexing="ij")
    rows = torch.stack([(g + s).reshape(-1) for g, s in zip(grid, starts, strict=True)], 1)
    return scatter(x, rows, updates.reshape(-1), "set")


def _starts(x: Tensor, starts: Any, sizes: Sequence[int]) -> list:
    """Where the block begins on each axis, moved inside: all integers, or all tensors (then nothing is read)."""
    room = [n - size for n, size in zip(x.shape, sizes, strict=True)]
    if isinstance(starts, Tensor) or py.any(isinstance(s, Tensor) for s in starts):
        device = x.device
        return [torch.as_tensor(s, device=device).clamp(0, r) for s, r in zip(starts, room, strict=True)]
    return [py.min(py.max(int(s), 0), r) for s, r in zip(starts, room, strict=True)]


def segment(x: Tensor, ids: Tensor, num: int, reduce: str) -> Tensor:
    start = torch.full(
        (num + 1, *x.shape[1:]),
        _identity(reduce, x.dtype),
        dtype=x.dtype,
        device=x.device,
    )
    rows = torch.where((ids < 0) | (ids >= num), num, ids).to(
        torch.int64
    )  # the last row collects what is dropped
    return _scatter_rows(start, rows, x, reduce)[:num]


def _identity(reduce: str, dtype: torch.dtype) -> Any:
    """What an empty segment holds: the value that changes nothing."""
    if reduce in ("sum", "prod"):
        return 0 if reduce == "sum" else 1
    return lowest(dtype) if reduce == "max" else highest(dtype)


def lowest(dtype: torch.dtype) -> Any:
    """The least value of a dtype."""
    if dtype.is_floating_point:
        return -math.inf
    return False if dtype is torch.bool else torch.iinfo(dtype).min


def highest(dtype: torch.dtype) -> Any:
    """The greatest value of a dtype."""
    if dtype.is_floating_point:
        return math.inf
    return True if dtype is torch.bool else torch.iinfo(dtype).max


def one_hot(x: Tensor, depth: int, axis: int, dtype: str) -> Tensor:
    hot = torch.unsqueeze(x, axis)
    sizes = [1] * hot.ndim
    sizes[axis] = depth
    positions = torch.arange(depth, device=x.device).reshape(sizes)
    return (hot == positions.to(x.dtype)).to(DTYPES[dtype])
