"""Operations that XLA compiles better in another form than the composed one, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from lamina.backends.jax._support import compiled


def softmax(k: Any, x: Any, axis: Any = -1) -> Any:
    """A gradient from its output alone, which is two kernels less to compile."""
    return _compiled_softmax(x, tuple(axis) if isinstance(axis, list) else axis) if x.size else x


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _softmax(x: Any, axis: Any) -> Any:
    raised = jnp.exp(x - jnp.max(x, axis, keepdims=True))
    return raised / jnp.sum(raised, axis, keepdims=True)


@_softmax.defjvp
def _(axis: Any, primals: tuple, tangents: tuple) -> Any:
    (x,), (change,) = primals, tangents
    y = _softmax(x, axis)
    return y, y * (change - jnp.sum(y * change, axis, keepdims=True))


_compiled_softmax = compiled("axis")(_softmax)


def relu(k: Any, x: Any) -> Any:
    """As a maximum, which XLA makes in one piece with the convolution before it; `where` stands in the gradient alone."""
    return _compiled_relu(x.astype(jnp.int32) if x.dtype == jnp.bool_ else x)


@jax.custom_jvp
def _relu(x: Any) -> Any:
    return jnp.maximum(x, x.dtype.type(0))


@_relu.defjvp
def _(primals: tuple, tangents: tuple) -> Any:
    (x,), (change,) = primals, tangents
    return jnp.where(x <= 0, 0, x), jnp.where(x <= 0, 0, change)


_compiled_relu = compiled()(_relu)

overrides: dict[str, Callable[..., Any]] = {f.__name__: f for f in (relu, softmax)}
