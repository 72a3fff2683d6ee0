"""Indexing as NumPy does it: basic keys by a strided slice, the rest by gathering."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from lamina.backends.tensorflow._support import in_range, size
from lamina.backends.tensorflow.dtensor import mesh_in_force, without_axes


def getitem(x: Any, key: Any) -> Any:
    """Integers, slices, None, Ellipsis, integer or bool tensors, as NumPy."""
    written = [_entry(e) for e in (key if isinstance(key, tuple) else (key,))]
    entries = _without_ellipsis(written, x.shape.rank)
    if not any(_is_array(e) for e in entries):
        return x[tuple(entries)] if mesh_in_force() is None else _divided(x, entries)
    x, entries = _spread_masks(x, entries)
    positions = [i for i, e in enumerate(entries) if _is_gathered(e)]
    x = _basic(x, entries, positions)
    indices = [in_range(tf.cast(entries[position], tf.int32), size(x, position)) for position in positions]
    return _gather(x, indices, positions, positions[0] if _is_together(written) else 0)


def _divided(x: Any, entries: list) -> Any:
    """A basic key in a program for several devices, where a slice that drops an axis mistakes the axis that is divided."""
    kept, dropped = [], []
    for i, e in enumerate(entries):
        if isinstance(e, int):
            e = slice(e, e + 1 or None)
            dropped.append(i)
        elif isinstance(e, tf.Tensor):
            x = tf.gather(x, in_range(e, size(x, _axis(entries, i)))[None], axis=_axis(entries, i))
            e = slice(None)
            dropped.append(i)
        kept.append(e)
    y = x if all(_is_whole(e) for e in kept) else x[tuple(kept)]
    return without_axes(y, dropped) if dropped else y


def _axis(entries: list, position: int) -> int:
    """The axis that an entry is for: new ones come before it that are none of the tensor's."""
    return position - sum([e is None for e in entries[:position]])


def _is_together(written: list) -> bool:
    """Whether the gathered entries stand side by side; otherwise their axes come first. An empty Ellipsis parts, too."""
    gathered = [i for i, e in enumerate(written) if _is_gathered(e)]
    return gathered == list(range(gathered[0], gathered[-1] + 1))


def _entry(e: Any) -> Any:
    """One part of a key: sequences and arrays as tensors, bounds of slices that are tensors as int32."""
    if isinstance(e, slice):
        return slice(*[_index(b) for b in (e.start, e.stop, e.step)])
    if isinstance(e, (list, np.ndarray)):
        e = tf.convert_to_tensor(np.asarray(e, np.int32) if len(e) == 0 else e)
    if isinstance(e, (bool, np.bool_)):
        return tf.constant(bool(e))
    return _index(e)


def _index(e: Any) -> Any:
    if isinstance(e, np.integer):
        return int(e)
    if isinstance(e, tf.Variable):
        e = e.value()
    return tf.cast(e, tf.int32) if isinstance(e, tf.Tensor) and not e.dtype.is_bool else e


def _is_array(e: Any) -> bool:
    """Whether an entry is a tensor that is gathered by: a mask, or indices with axes."""
    return isinstance(e, tf.Tensor) and (e.dtype.is_bool or e.shape.rank != 0)


def _is_gathered(e: Any) -> bool:
    """Beside an array, integers are indices like any."""
    return isinstance(e, (int, tf.Tensor))


def _is_whole(e: Any) -> bool:
    return isinstance(e, slice) and e.start is None and e.stop is None and e.step is None


def _consumed(e: Any) -> int:
    """How many axes an entry stands for."""
    return 0 if e is None or e is ... else e.shape.rank if isinstance(e, tf.Tensor) and e.dtype.is_bool else 1


def _without_ellipsis(entries: list, rank: int) -> list:
    """The key with whole slices in place of its Ellipsis, or at its end."""
    missing = rank - sum([_consumed(e) for e in entries])
    if missing < 0:
        raise IndexError(f"Too many indices: the tensor has {rank} axes. Received: {len(entries)} indices.")
    position = next((i for i, e in enumerate(entries) if e is ...), None)
    if position is None:
        return entries + [slice(None)] * missing
    return entries[:position] + [slice(None)] * missing + entries[position + 1 :]


def _spread_masks(x: Any, entries: list) -> tuple[Any, list]:
    """Every mask as the indices of its true entries, one tensor per axis; a mask of rank 0 has an axis made for it."""
    spread: list = []
    for e in entries:
        if not (isinstance(e, tf.Tensor) and e.dtype.is_bool):
            spread.append(e)
            continue
        if e.shape.rank == 0:
            x = tf.expand_dims(x, sum([part is not None for part in spread]))
            e = tf.reshape(e, [1])
        spread.extend(tf.unstack(tf.where(e), e.shape.rank, axis=1))
    return x, spread


def _basic(x: Any, entries: list, positions: list[int]) -> Any:
    """x with the slices and new axes done."""
    basic = [slice(None) if i in positions else e for i, e in enumerate(entries)]
    return x if all(_is_whole(e) for e in basic) else x[tuple(basic)]


def _gather(x: Any, indices: list, positions: list[int], target: int) -> Any:
    """x[..., indices, ...]: the axes `positions` give way to those of the indices, which stand at `target`."""
    if len(indices) == 1:
        return tf.gather(x, indices[0], axis=positions[0])
    shape = tf.shape(indices[0])
    for index in indices[1:]:
        shape = tf.broadcast_dynamic_shape(shape, tf.shape(index))
    rank = max([index.shape.rank for index in indices])
    others = [a for a in range(x.shape.rank) if a not in positions]
    rows = tf.stack([tf.broadcast_to(index, shape) for index in indices], -1)
    front = tf.transpose(x, [*positions, *others])
    if 0 in x.shape:  # gather_nd refuses, even where it has nothing to take
        result = tf.zeros(tf.concat([shape, tf.shape(front)[len(positions) :]], 0), x.dtype)
    else:
        result = tf.gather_nd(front, rows)
    before, after = range(rank, rank + target), range(rank + target, result.shape.rank)
    return tf.transpose(result, [*before, *range(rank), *after])
