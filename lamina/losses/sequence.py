"""Losses that align: sequences with their labels, embeddings with their classes."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.masks import set_mask
from lamina.kernel import dtypes
from lamina.ops.checks import shown


def ctc(y_true: Any, y_pred: Any) -> Any:
    """Connectionist temporal classification: the cost of a label sequence, over all ways to align it.

    `-log sum over alignments of product over steps of p[step, symbol]`, over all ways to write the labels with blanks and repeats in between.

    Args:
        y_true: Integer tensor (batch, max_length): class numbers from 1; 0 fills the end.
        y_pred: Tensor (batch, steps, classes): logits; class 0 is the blank.

    Returns:
        Tensor (batch,).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.ctc([[1, 2, 0]], lamina.ops.zeros((1, 4, 3))).shape
        (1,)

    Reference:
        Graves et al., 2006: Connectionist Temporal Classification
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            f"ctc: `y_true` must have shape (batch, max_length) and `y_pred` (batch, steps, classes), got "
            f"{shown(y_true.shape)} and {shown(y_pred.shape)}."
        )
    y_true = ops.cast(y_true, "int32")
    label_length = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    steps = ops.sum(ops.ones_like(y_pred[:, :, 0], dtype="int32"), axis=1)
    return ops.ctc_loss(y_true, y_pred, label_length, steps, mask_index=0)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Circle loss: embeddings of one class come together, those of others move apart, the worst pairs first.

    `log(1 + sum_n exp(gamma (s_n + m)+ (s_n - m)) sum_p exp(-gamma (1 + m - s_p)+ (s_p - 1 + m)))`, for cosine
    similarities s_p to embeddings of the same class and s_n to those of others

    Args:
        y_true: Integer tensor (batch,): class numbers.
        y_pred: Tensor (batch, n): embeddings of length 1.
        ref_labels: Integer tensor (references,); `y_true` when None.
        ref_embeddings: Tensor (references, n); `y_pred` when None.
        remove_diagonal: Whether entry i is not compared with reference i.
        gamma: The scale.
        margin: The margin m.

    Returns:
        Tensor (batch,); 0 and masked for an embedding without another of its class.

    Example:
        >>> import lamina
        >>> lamina.losses.circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).shape
        (3,)

    Reference:
        Sun et al., 2020: Circle Loss, https://arxiv.org/abs/2002.10857
    """
    y_pred = ops.convert_to_tensor(y_pred)
    dtype = dtypes.standardize(y_pred.dtype)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    others = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings, dtype)
    same = ops.equal(labels, ops.transpose(others))
    different = ops.logical_not(same)
    if remove_diagonal:
        row, column = (ops.cumsum(ops.ones_like(x), axis=0) for x in (labels, others))
        same = ops.logical_and(same, ops.not_equal(row, ops.transpose(column)))

    similarity = ops.minimum(
        ops.matmul(y_pred, ops.transpose(references)), 1.0
    )  # also if they are longer than 1
    distance = 1.0 - similarity
    positive = gamma * ops.relu(distance + margin) * (distance - margin)
    negative = gamma * ops.relu(similarity + margin) * (similarity - margin)
    nothing = (
        -6e4 if dtype == "float16" else -1e30
    )  # what a row without pairs sums to: softplus leaves 0 of it
    loss = ops.softplus(_log_sum(positive, same, nothing) + _log_sum(negative, different, nothing))
    set_mask(
        loss, ops.any(same, axis=1)
    )  # without another of its class a sample says nothing: no part of means
    return loss


def _log_sum(x: Any, mask: Any, nothing: float) -> Any:
    """log sum exp over the masked entries of each row; `nothing`, or somewhat more, for a row without any."""
    return ops.logsumexp(ops.where(mask, x, nothing), axis=1)
