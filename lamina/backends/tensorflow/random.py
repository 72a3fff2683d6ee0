"""Draws as functions of a seed: TensorFlow's stateless generators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from lamina.backends.tensorflow._support import dims, scalar
from lamina.backends.tensorflow.dtensor import as_on_one_device as same


def _pair(seed: Any) -> Any:
    """The seed's 64 bits as the two int32 that TensorFlow takes, both on each device: two may be divided, too."""
    return same(tf.bitcast(seed, tf.int32))


def random_uniform(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return same(tf.random.stateless_uniform(dims(shape), _pair(seed), dtype=dtype))


def random_normal(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return same(tf.random.stateless_normal(dims(shape), _pair(seed), dtype=dtype))


def random_integers(seed: Any, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Any:
    # whole random words, taken modulo the width: bounds may be tensors with axes, and any integer dtype
    low, high = (scalar(bound, tf.int64) for bound in (low, high))
    draw: Any = tf.random.stateless_uniform  # its stub does not know that whole words have no bounds
    words = same(draw(dims(shape), _pair(seed), None, None, tf.uint64))
    return tf.cast(low + tf.cast(words % tf.cast(high - low, tf.uint64), tf.int64), dtype)


def random_gamma(seed: Any, alpha: Any, shape: Sequence[int], dtype: str) -> Any:
    wide = "float32" if dtype in ("bfloat16", "float16") else dtype  # no kernel: gamma of bfloat16
    draws = tf.random.stateless_gamma(dims(shape), _pair(seed), tf.cast(alpha, wide), dtype=wide)
    return tf.cast(same(draws), dtype)


def random_binomial(seed: Any, counts: Any, probs: Any, shape: Sequence[int], dtype: str) -> Any:
    counts, probs = tf.cast(counts, tf.float32), tf.cast(probs, tf.float32)
    draws = tf.random.stateless_binomial(dims(shape), _pair(seed), counts, probs, tf.float32)
    return tf.cast(same(draws), dtype)


def random_categorical(seed: Any, logits: Any, num: int) -> Any:
    return same(tf.random.stateless_categorical(logits, num, _pair(seed), tf.int32))


def random_permutation(seed: Any, n: int) -> Any:
    draw: Any = tf.random
    return same(draw.experimental.stateless_shuffle(tf.range(n), _pair(seed)))  # missing in its stub


def random_truncated(seed: Any, shape: Sequence[int], dtype: str) -> Any:
    return same(tf.random.stateless_truncated_normal(dims(shape), _pair(seed), dtype=dtype))
