"""Variables where jax takes arrays: `jax.jit(step)(model.trainable_variables)`, `jnp.dot(x, layer.kernel)`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamina.backends.jax.cpu.internals import take_as_arrays
from lamina.kernel.symbolic import Holder, on_holders


def array_of(holder: Any) -> jax.Array:
    """The array that a variable holds, or that stands for it in a scope; a copy where another backend has it."""
    value = holder.value
    return value if isinstance(value, jax.Array) else jnp.asarray(holder.numpy())


def _meet(kind: type[Holder]) -> None:
    kind.__jax_array__ = array_of  # type: ignore[attr-defined]
    take_as_arrays(kind, array_of)


on_holders(_meet)
