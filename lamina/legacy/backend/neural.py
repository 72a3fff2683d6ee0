"""`K`: activations, losses, normalization and connectionist temporal classification."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lamina import ops, random
from lamina.config import epsilon as _epsilon
from lamina.config import standardize_data_format


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """x above the threshold (at most `max_value`), `alpha (x - threshold)` below it."""
    above = ops.where(ops.greater_equal(x, threshold), x, ops.zeros_like(x)) if threshold else ops.relu(x)
    if max_value is not None:
        above = ops.minimum(above, max_value)
    if not alpha:
        return above
    return above + ops.where(ops.less(x, threshold), alpha * (x - threshold), ops.zeros_like(x))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """x, or `alpha (exp(x) - 1)` below 0."""
    return ops.elu(x, alpha)


def softmax(x: Any, axis: int = -1) -> Any:
    """Positive numbers with the sum 1."""
    return ops.softmax(x, axis=axis)


def softplus(x: Any) -> Any:
    """log(exp(x) + 1)."""
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """x / (|x| + 1)."""
    return ops.softsign(x)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x))."""
    return ops.sigmoid(x)


def hard_sigmoid(x: Any) -> Any:
    """0.2 x + 0.5 between 0 and 1: the slope of Keras 1 and 2 (in Keras 3 it is 1/6)."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(x)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """A share `level` of the elements becomes 0, the others grow."""
    return random.dropout(x, level, noise_shape=noise_shape, seed=seed)


def l2_normalize(x: Any, axis: Any = None) -> Any:
    """x over its length."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.divide(x, ops.sqrt(ops.maximum(squares, 1e-12)))


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether the target is among the k largest predictions."""
    return ops.in_top_k(ops.cast(targets, "int32"), predictions, k)


# -- losses ------------------------------------------------------------------------------------------------------------


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Any:
    """`-sum target log(output)`."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Any:
    """The same for class numbers; rows of `ignore_class` count 0."""
    target = ops.cast(target, "int32")
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = ops.squeeze(target, -1)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)
    valid = ops.not_equal(target, ignore_class)
    safe = ops.where(valid, target, ops.zeros_like(target))
    loss = ops.sparse_categorical_crossentropy(safe, output, from_logits=from_logits, axis=axis)
    return ops.where(valid, loss, ops.zeros_like(loss))


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """`-target log(output) - (1 - target) log(1 - output)`, element by element."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def binary_focal_crossentropy(
    target: Any, output: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False,
) -> Any:  # fmt: skip
    """Binary cross-entropy times `(1 - p)^gamma`, where p is the probability of the true class."""
    p = ops.sigmoid(output) if from_logits else output
    loss = ops.binary_crossentropy(target, p)
    right = target * p + (1 - target) * (1 - p)
    loss = ops.power(1.0 - right, gamma) * loss
    if apply_class_balancing:
        loss = (target * alpha + (1 - target) * (1 - alpha)) * loss
    return loss


def categorical_focal_crossentropy(
    target: Any,
    output: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    axis: int = -1,
) -> Any:
    """`-sum alpha (1 - output)^gamma target log(output)`."""
    p = ops.softmax(output, axis=axis) if from_logits else output / ops.sum(output, axis=axis, keepdims=True)
    p = ops.clip(p, _epsilon(), 1.0 - _epsilon())
    return ops.sum(alpha * ops.power(1.0 - p, gamma) * -target * ops.log(p), axis=axis)


# -- normalization -----------------------------------------------------------------------------------------------------


def batch_normalization(
    x: Any, mean: Any, var: Any, beta: Any, gamma: Any, axis: int = -1, epsilon: float = 1e-3
) -> Any:
    """`gamma (x - mean) / sqrt(var + epsilon) + beta`; vectors stand along `axis`."""
    rank, axis = len(x.shape), axis % len(x.shape)

    def wide(v: Any) -> Any:
        if v is None or len(v.shape) != 1 or axis == rank - 1:
            return v
        return ops.reshape(v, [-1 if i == axis else 1 for i in range(rank)])

    scale = ops.rsqrt(ops.add(wide(var), epsilon))
    if gamma is not None:
        scale = ops.multiply(scale, wide(gamma))
    out = ops.multiply(ops.subtract(x, wide(mean)), scale)
    return out if beta is None else ops.add(out, wide(beta))


def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3
) -> tuple[Any, Any, Any]:
    """x normalized by its own moments, and its mean and variance over the axes."""
    axes = tuple(reduction_axes)
    mean, var = ops.mean(x, axis=axes), ops.var(x, axis=axes)
    shape = [1 if i in {a % len(x.shape) for a in axes} else x.shape[i] for i in range(len(x.shape))]
    wide = lambda v: None if v is None else ops.reshape(v, shape)
    out = batch_normalization(x, wide(mean), wide(var), wide(beta), wide(gamma), epsilon=epsilon)
    return out, mean, var


def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """x plus a bias along the channels (a vector), or along all axes but the first."""
    if standardize_data_format(data_format) == "channels_first" and len(x.shape) > 2:
        if len(bias.shape) == 1:
            return ops.add(x, ops.reshape(bias, (1, -1) + (1,) * (len(x.shape) - 2)))
        return ops.add(x, ops.expand_dims(ops.moveaxis(bias, -1, 0), 0))
    return ops.add(x, bias)


# -- connectionist temporal classification -----------------------------------------------------------------------------


class Sparse(NamedTuple):
    """A sparse tensor as its parts, which is what the labels of CTC are."""

    indices: Any
    values: Any
    dense_shape: tuple


def ctc_label_dense_to_sparse(labels: Any, label_lengths: Any) -> Sparse:
    """The first `label_lengths` labels of each row, as the parts of a sparse tensor."""
    rows = ops.convert_to_numpy(labels)
    lengths = ops.convert_to_numpy(label_lengths).reshape(-1)
    places = np.argwhere(np.arange(rows.shape[1])[None] < lengths[:, None])
    return Sparse(places, rows[places[:, 0], places[:, 1]], rows.shape)


def is_sparse(tensor: Any) -> bool:
    """Whether it is sparse: only what `ctc_label_dense_to_sparse` gives is."""
    return isinstance(tensor, Sparse)


def to_dense(tensor: Any) -> Any:
    """A tensor with all its elements."""
    if not isinstance(tensor, Sparse):
        return tensor
    full = np.zeros(tensor.dense_shape, np.asarray(tensor.values).dtype)
    full[tuple(np.asarray(tensor.indices).T)] = tensor.values
    return ops.convert_to_tensor(full)


def ctc_batch_cost(y_true: Any, y_pred: Any, input_length: Any, label_length: Any) -> Any:
    """The CTC loss of each row, (batch, 1); the last class is the blank.

    Args:
        y_true: Labels, (batch, labels).
        y_pred: Probabilities, (batch, steps, classes).
        input_length, label_length: How many steps and labels of each row count, (batch, 1).
    """
    logs = ops.log(ops.add(y_pred, _epsilon()))
    flat = lambda n: ops.reshape(ops.cast(n, "int32"), (-1,))
    loss = ops.ctc_loss(
        ops.cast(y_true, "int32"),
        logs,
        flat(label_length),
        flat(input_length),
        mask_index=y_pred.shape[-1] - 1,
    )
    return ops.expand_dims(loss, 1)


def ctc_decode(
    y_pred: Any, input_length: Any, greedy: bool = True, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[Any], Any]:
    """The most likely labels of each row, padded with -1, and the logarithm of their probability.

    Args:
        y_pred: Probabilities, (batch, steps, classes); the last class is the blank.
        input_length: How many steps of each row count, (batch,).
        greedy: Whether to take the best class of each step, instead of a beam search.
        beam_width, top_paths: Of the beam search.

    Returns:
        A list of (batch, labels), and (batch, paths).
    """
    logs = ops.log(ops.add(y_pred, _epsilon()))
    lengths = ops.reshape(ops.cast(input_length, "int32"), (-1,))
    how: dict[str, Any] = {"strategy": "greedy"}
    if not greedy:
        how = {"strategy": "beam_search", "beam_width": beam_width, "top_paths": top_paths}
    paths, scores = ops.ctc_decode(logs, lengths, mask_index=y_pred.shape[-1] - 1, **how)
    return [paths[i] for i in range(paths.shape[0])], scores
