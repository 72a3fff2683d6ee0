"""Sparse tensors of TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def from_dense(x: Any) -> Any:
    """A SparseTensor of the entries that are not zero; in a graph x itself, as on jax."""
    return tf.sparse.from_dense(x) if tf.executing_eagerly() else x
