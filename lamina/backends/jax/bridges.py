"""What JaxLayer and FlaxLayer need of jax."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamina.errors import BackendError
from lamina.kernel.context import real_kernel


def require(layer: str) -> None:
    """That this is the current backend."""
    if real_kernel().name != "jax":
        raise BackendError(
            f"{layer} runs code of jax, but the backend is {real_kernel().name!r}. Start Python with LAMINA_BACKEND=jax."
        )


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """The leaves of a tree, and its form."""
    return jax.tree_util.tree_flatten(tree)


def unflatten(form: Any, leaves: list[Any]) -> Any:
    """The tree of this form."""
    return jax.tree_util.tree_unflatten(form, leaves)


def sample(shape: tuple, dtype: str) -> Any:
    """A tensor to find shapes with; unknown sizes are 1."""
    return jnp.zeros([1 if n is None else n for n in shape], dtype)


def key(seed: Any) -> Any:
    """A random key from a (2,) uint32 tensor: the form that jax, Flax and Haiku all take."""
    return jnp.asarray(seed)
