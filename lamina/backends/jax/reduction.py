"""What is computed along axes: reductions, running totals, order."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.scipy import special

from lamina.backends.jax import cpu
from lamina.backends.jax.array import int32

# Reduction


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.all(x, axis, keepdims=keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.any(x, axis, keepdims=keepdims)


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _position(jnp.argmax, cpu.forms.argmax, x, axis, keepdims)


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _position(jnp.argmin, cpu.forms.argmin, x, axis, keepdims)


def _position(plain: Any, lowered: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    if axis is None or not cpu.on():
        return int32(plain(x, axis, keepdims=keepdims))
    return lowered(x, axis % x.ndim, keepdims)


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return special.logsumexp(x, axis, keepdims=keepdims)


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.max(x, axis, keepdims=keepdims)


def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.mean(x, axis, keepdims=keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.min(x, axis, keepdims=keepdims)


def prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.prod(x, axis, x.dtype, keepdims=keepdims)


def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.sum(x, axis, x.dtype, keepdims=keepdims)


def var(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return jnp.var(x, axis, keepdims=keepdims)


def cumulative_prod(x: Any, axis: int) -> Any:
    return jnp.cumprod(x, axis, x.dtype)


def cumulative_sum(x: Any, axis: int) -> Any:
    return jnp.cumsum(x, axis, x.dtype)


def cumulative_max(x: Any, axis: int) -> Any:
    return lax.cummax(x, axis % x.ndim)


# Ordering


def argsort(x: Any, axis: int, descending: bool = False) -> Any:
    return int32(jnp.argsort(x, axis, descending=descending))


def sort(x: Any, axis: int, descending: bool = False) -> Any:
    return jnp.sort(x, axis, descending=descending)


def searchsorted(sorted: Any, values: Any, side: str) -> Any:
    return int32(jnp.searchsorted(sorted, values, side))


def top_k(x: Any, k: int, sorted: bool) -> tuple:
    return tuple(lax.top_k(x, k))


def nonzero(x: Any, size: int | None = None) -> tuple:
    return tuple([int32(axis) for axis in jnp.nonzero(x, size=size)])


def unique(x: Any, size: int | None = None, fill: Any = None) -> tuple:
    values, *positions = jnp.unique(x, True, True, True, size=size, fill_value=fill)
    return (values, *[int32(p) for p in positions])
