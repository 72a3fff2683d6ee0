"""What the files here share."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


def compiled(*static: str) -> Any:
    """jit, so that an eager call is one program instead of dozens; `static` are hashable and select it."""
    return partial(jax.jit, static_argnames=static, inline=True)


def on_cpu() -> bool:
    """Whether programs are compiled for the CPU."""
    return jax.default_backend() == "cpu"


def least(dtype: Any) -> Any:
    """The least value of a dtype."""
    return dtype.type(-jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min)
