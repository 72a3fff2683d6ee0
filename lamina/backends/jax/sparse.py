"""Sparse tensors of jax. Their module is imported with the first one: few programs have any."""

from __future__ import annotations

from typing import Any

from jax.core import Tracer

from lamina.kernel import contract


class Sparse(contract.Sparse):
    """`BCOO`, and what else of the kind a program hands over."""

    def from_dense(self, x: Any, /) -> Any:
        """A BCOO array of the entries that are not zero; in a trace, where their number is not known, x itself."""
        from jax.experimental.sparse import BCOO

        return x if isinstance(x, Tracer) else BCOO.fromdense(x)

    def to_dense(self, x: Any, /) -> Any:
        """Also in a trace."""
        return x.todense() if self.holds(x) else contract.MISSING

    def holds(self, x: Any, /) -> bool:
        """Nothing is imported to see that x is none."""
        if not hasattr(type(x), "todense"):
            return False
        from jax.experimental.sparse import JAXSparse

        return isinstance(x, JAXSparse)
