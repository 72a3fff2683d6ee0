"""What moves elements: shapes, joining and splitting, taking and putting by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backends.jax import cpu
from lamina.backends.jax.array import real_dtype

# Manipulation

broadcast_to = jnp.broadcast_to
concat = jnp.concatenate
expand_dims = jnp.expand_dims
flip = jnp.flip


def getitem(x: Any, key: Any) -> Any:
    return x[key]


def pad(x: Any, widths: Sequence[tuple[int, int]], mode: str, value: Any) -> Any:
    return jnp.pad(x, widths, mode, constant_values=value) if mode == "constant" else jnp.pad(x, widths, mode)


permute_dims = jnp.transpose


def repeat(x: Any, repeats: Any, axis: int, total: int | None = None) -> Any:
    return jnp.repeat(x, repeats, axis, total_repeat_length=total)


reshape = jnp.reshape
roll = jnp.roll
squeeze = jnp.squeeze
stack = jnp.stack
tile = jnp.tile


def unstack(x: Any, axis: int) -> list:
    return list(jnp.unstack(x, axis=axis))


diagonal = jnp.diagonal
split = jnp.split


# Indexing


def take(x: Any, indices: Any, axis: int) -> Any:
    if x.size or indices.size:
        return jnp.take(x, indices, axis)
    place = axis % x.ndim  # nothing of nothing: jax gives it the shape of x
    return jnp.zeros((*x.shape[:place], *indices.shape, *x.shape[place + 1 :]), x.dtype)


def take_along_axis(x: Any, indices: Any, axis: int) -> Any:
    few = indices.ndim == x.ndim and indices.shape[axis] == 1 and x.shape[axis] <= cpu.constants.TAKE_MOST
    if few and jnp.issubdtype(x.dtype, jnp.floating) and cpu.on():
        return cpu.forms.take_one(x, indices, axis)
    return jnp.take_along_axis(x, indices, axis)


def scatter(x: Any, indices: Any, updates: Any, reduce: str) -> Any:
    positions = tuple(jnp.moveaxis(indices, -1, 0))
    if reduce == "multiply":
        depth = len(positions)
        return _multiplied(x, positions, jnp.broadcast_to(updates, (*positions[0].shape, *x.shape[depth:])))
    return getattr(x.at[positions], reduce)(updates)


@jax.custom_jvp
def _multiplied(x: Any, positions: tuple, factors: Any) -> Any:
    return x.at[positions].multiply(factors)


@_multiplied.defjvp
def _multiplied_jvp(primals: tuple, tangents: tuple) -> tuple:
    # jax has no rule for positions that are given twice: each factor's slope is the product of the others
    x, positions, factors = primals
    dx, _, d_factors = tangents
    is_zero = factors == 0
    nonzero = jnp.where(is_zero, 1, factors)
    ones = jnp.ones_like(x)
    product = _multiplied(ones, positions, nonzero).at[positions].get(mode="fill", fill_value=0)
    zeros = (
        jnp.zeros(x.shape, np.int32).at[positions].add(is_zero).at[positions].get(mode="fill", fill_value=0)
    )
    others = jnp.where(zeros == is_zero, product / nonzero, 0)
    slope = dx * _multiplied(ones, positions, factors) + x * jnp.zeros_like(x).at[positions].add(
        others * d_factors
    )
    return _multiplied(x, positions, factors), slope


def slice(x: Any, starts: Any, sizes: Sequence[int]) -> Any:
    return lax.dynamic_slice(x, _not_negative(starts), sizes, allow_negative_indices=False)


def slice_update(x: Any, starts: Any, updates: Any) -> Any:
    return lax.dynamic_update_slice(x, updates, _not_negative(starts), allow_negative_indices=False)


def _not_negative(starts: Any) -> Any:
    """Known starts clamped here: jax refuses negative ones, where it clamps unknown ones."""
    if isinstance(starts, jax.Array):
        return starts
    return [s if isinstance(s, jax.Array) or s > 0 else 0 for s in starts]


def segment(x: Any, ids: Any, num: int, reduce: str) -> Any:
    if reduce == "prod":
        start = jnp.ones((num, *x.shape[1:]), x.dtype)
        return _multiplied(start, (jnp.where(ids < 0, num, ids),), x)
    return _SEGMENT[reduce](x, ids, num)


_SEGMENT = {"sum": jax.ops.segment_sum, "max": jax.ops.segment_max, "min": jax.ops.segment_min}


def one_hot(x: Any, depth: int, axis: int, dtype: str) -> Any:
    return jax.nn.one_hot(x, depth, axis=axis, dtype=real_dtype(dtype))
