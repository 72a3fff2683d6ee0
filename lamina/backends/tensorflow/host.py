"""Python on the host from inside a graph, and ragged tensors: what text in `tf.data` needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from lamina.kernel import contract


class Host(contract.Host):
    """What TensorFlow's graphs can do beside tensors."""

    def call(
        self, function: Callable[..., Any], inputs: Sequence[Any], dtype: str, shape: Sequence[int | None], /
    ) -> Any:
        """A node that runs `function` on NumPy arrays."""
        out = tf.numpy_function(function, list(inputs), tf.as_dtype(dtype), stateful=False)
        out.set_shape([n if isinstance(n, int) else None for n in shape])
        return out

    def ragged(self, flat: Any, lengths: Any, /) -> Any:
        """A ragged tensor from all values and the length of each row."""
        kind: Any = tf.RaggedTensor
        return kind.from_row_lengths(flat, lengths)
