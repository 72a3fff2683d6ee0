"""Sparse tensors of TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.kernel import contract


class Sparse(contract.Sparse):
    """`SparseTensor`, and of gradients `IndexedSlices`, the rows that are not zero."""

    def from_dense(self, x: Any, /) -> Any:
        """A SparseTensor of the entries that are not zero; in a graph x itself, as on jax."""
        return tf.sparse.from_dense(x) if tf.executing_eagerly() else x

    def to_dense(self, x: Any, /) -> Any:
        """In the order of the entries' places, which `to_dense` asks for."""
        if self.holds(x):
            return tf.sparse.to_dense(tf.sparse.reorder(x))
        return tf.convert_to_tensor(x) if isinstance(x, tf.IndexedSlices) else contract.MISSING

    def holds(self, x: Any, /) -> bool:
        """A gradient by rows is none: `ops` never gives one."""
        return isinstance(x, tf.SparseTensor)
