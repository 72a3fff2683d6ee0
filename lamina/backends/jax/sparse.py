"""Sparse tensors of jax."""

from __future__ import annotations

from typing import Any

from jax.core import Tracer
from jax.experimental.sparse import BCOO


def from_dense(x: Any) -> Any:
    """A BCOO array of the entries that are not zero; in a trace, where their number is not known, x itself."""
    return x if isinstance(x, Tracer) else BCOO.fromdense(x)
