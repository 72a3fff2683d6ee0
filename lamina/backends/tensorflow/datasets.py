"""Data sets of Lamina as TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


def from_batches(data: Any, ragged: bool = False) -> Any:
    """A `tf.data.Dataset` that reads batches of a data set when they are asked for.

    Args:
        data: An iterable of arrays, or tuples of them; its first batch tells the shapes.
        ragged: Whether the first part is a list of arrays of different lengths.
    """
    first = data[0]
    single = data.batch_size is None
    one = not isinstance(first, tuple)

    def spec(x: Any, place: int) -> Any:
        if ragged and place == 0:
            return tf.RaggedTensorSpec((None, None, *np.shape(x[0])[1:]), tf.float32, ragged_rank=1)
        x = np.asarray(x)
        rest = x.shape if single else x.shape[1:]
        free = getattr(data, "free_axes", ())
        rest = tuple(None if i in free and place == 0 else n for i, n in enumerate(rest))
        return tf.TensorSpec(
            rest if single else (None, *rest), tf.string if x.dtype.kind in "OU" else x.dtype
        )

    def tensor(x: Any, place: int) -> Any:
        if ragged and place == 0:
            lengths = [len(v) for v in x]
            return tf.RaggedTensor.from_row_lengths(np.concatenate(x), lengths)  # pyright: ignore[reportAttributeAccessIssue]  # the stub lacks it
        return x

    def read() -> Any:
        for batch in data:
            rows = (batch,) if one else batch
            made = tuple(tensor(x, i) for i, x in enumerate(rows))
            yield made[0] if one else made

    signature = spec(first, 0) if one else tuple(spec(x, i) for i, x in enumerate(first))
    made = tf.data.Dataset.from_generator(read, output_signature=signature)
    return made.apply(tf.data.experimental.assert_cardinality(len(data))).prefetch(tf.data.AUTOTUNE)
