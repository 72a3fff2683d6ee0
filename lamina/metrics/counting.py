"""Right and wrong answers at thresholds: what precision, recall and the curves are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lamina import ops
from lamina.losses._prepare import broadcasts, fits, same_rank
from lamina.ops.checks import shown

LOWEST = -1e10  # stands in for predictions outside the top k; no threshold is below it


class Counts(NamedTuple):
    """Tensors (thresholds,), or (thresholds, labels)."""

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any


def check_thresholds(metric: str, thresholds: Any, default: float) -> list[float]:
    """Thresholds as a list: a number is a list of one, None is the default.

    Raises:
        ValueError: if there are none, or one is not a number from 0 to 1.
    """
    if thresholds is None:
        return [default]
    given = list(thresholds) if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    wrong = [t for t in given if not isinstance(t, int | float | np.number) or not 0 <= t <= 1]
    if wrong or not given:
        raise ValueError(
            f"{metric}: `thresholds` must be a number from 0 to 1 or a list of such numbers, got {thresholds!r}."
        )
    return given


def evenly_spread(thresholds: Sequence[float]) -> bool:
    """Whether thresholds are 0, 1/n, 2/n, ..., 1 for n >= 2."""
    if len(thresholds) < 3:
        return False
    return bool(np.allclose(thresholds, np.linspace(0.0, 1.0, len(thresholds)), atol=1e-7))


def counts(
    metric: str,
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    *,
    dtype: str = "float32",
    even: bool | None = None,
    multi_label: bool = False,
    label_weights: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
) -> Counts:
    """Weighted counts of the four outcomes at each threshold.

    Args:
        metric: Who counts, for errors.
        y_true: Labels (batch, ...); not zero means yes.
        y_pred: Predictions of the same shape. Above a threshold means yes.
        thresholds: The thresholds.
        sample_weight: One weight per sample, or per prediction.
        dtype: The dtype of the counts.
        even: Whether the thresholds are evenly spread from 0 to 1, which is faster; found out when None.
        multi_label: Whether to count each label (the last axis of two) by itself.
        label_weights: Weights of the labels, tensor (labels,).
        top_k: Only the k largest predictions of a sample can be yes.
        class_id: Only this class is counted.

    Raises:
        ValueError: if shapes do not fit.
    """
    y_true, y_pred = _alike(metric, y_true, y_pred, dtype)
    weight = _weights(metric, y_pred, sample_weight, label_weights, dtype)
    if top_k is not None:
        y_pred = _only_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) < 2:
            raise ValueError(
                f"{metric}: with `class_id` predictions must have shape (batch, classes), got {shown(y_pred.shape)}."
            )
        _check_class(metric, class_id, y_pred)
        y_true, y_pred, weight = y_true[..., class_id], y_pred[..., class_id], weight[..., class_id]
    labels = y_pred.shape[-1] if multi_label else 1
    y_true, y_pred, weight = (
        ops.reshape(x, (-1, labels)) for x in (ops.cast(y_true, "bool"), y_pred, weight)
    )
    yes, no = ops.where(y_true, weight, 0.0), ops.where(y_true, 0.0, weight)
    even = evenly_spread(thresholds) if even is None else even
    found = (_by_buckets if even else _by_comparison)(yes, no, y_pred, thresholds, labels)
    return Counts(*found) if multi_label else Counts(*(ops.squeeze(x, -1) for x in found))


def _by_buckets(yes: Any, no: Any, y_pred: Any, thresholds: Sequence[float], labels: int) -> tuple[Any, ...]:
    """Each prediction falls between two thresholds; sums from above give all counts, in time n + thresholds."""
    number = len(thresholds)
    place = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * (number - 1)) - 1.0
    bucket = ops.cast(ops.maximum(place, 0.0), "int32") + number * ops.arange(labels, dtype="int32")

    # a prediction of 0 is above a first threshold below 0 only
    counted = ops.greater_equal(place, -1.0 if thresholds[0] < 0 else 0.0)

    def above(mass: Any) -> Any:
        mass = ops.where(counted, mass, 0.0)
        held = ops.segment_sum(
            ops.reshape(mass, (-1,)), ops.reshape(bucket, (-1,)), num_segments=number * labels
        )
        held = ops.reshape(held, (labels, number))
        return ops.transpose(ops.flip(ops.cumsum(ops.flip(held, axis=1), axis=1), axis=1))

    true_positives, false_positives = above(yes), above(no)
    all_yes, all_no = ops.sum(yes, axis=0), ops.sum(no, axis=0)
    return true_positives, false_positives, all_no - false_positives, all_yes - true_positives


def _by_comparison(
    yes: Any, no: Any, y_pred: Any, thresholds: Sequence[float], labels: int
) -> tuple[Any, ...]:
    bound = ops.reshape(ops.convert_to_tensor(np.asarray(thresholds), dtype=y_pred.dtype), (-1, 1, 1))
    above = ops.greater(y_pred, bound)
    return (
        ops.sum(ops.where(above, yes, 0.0), axis=1),
        ops.sum(ops.where(above, no, 0.0), axis=1),
        ops.sum(ops.where(above, 0.0, no), axis=1),
        ops.sum(ops.where(above, 0.0, yes), axis=1),
    )


def _alike(metric: str, y_true: Any, y_pred: Any, dtype: str) -> tuple[Any, Any]:
    y_true, y_pred = ops.convert_to_tensor(y_true, dtype=dtype), ops.convert_to_tensor(y_pred, dtype=dtype)
    y_true, y_pred = same_rank(y_true, y_pred)
    if not fits(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{metric}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}; they must "
            "be equal. Labels that are class numbers must be made one-hot (lamina.utils.to_categorical)."
        )
    return y_true, y_pred


def _weights(metric: str, y_pred: Any, sample_weight: Any, label_weights: Any, dtype: str) -> Any:
    """One weight per prediction."""
    weight = ops.ones_like(y_pred)
    if sample_weight is not None:
        given = ops.convert_to_tensor(sample_weight, dtype=dtype)
        weight = weight * spread(metric, "sample_weight", given, y_pred)
    if label_weights is not None:
        given = ops.convert_to_tensor(label_weights, dtype=dtype)
        if not fits(given.shape, y_pred.shape[-1:]):
            raise ValueError(
                f"{metric}: `label_weights` has shape {shown(given.shape)} but there are labels of shape "
                f"{shown(y_pred.shape)}: give one weight per entry of the last axis."
            )
        weight = weight * given
    return weight


def spread(metric: str, name: str, weight: Any, values: Any) -> Any:
    """A weight per sample, step or value in a shape that broadcasts to the values.

    Raises:
        ValueError: if it fits no leading axes.
    """
    weight, shape = _squeezed(weight, values), values.shape
    rank = len(weight.shape)
    if rank > len(shape) or not broadcasts(weight.shape, shape[:rank]):
        raise ValueError(
            f"{metric}: `{name}` has shape {shown(weight.shape)} but there are values of shape {shown(shape)}. Give one "
            f"weight per sample, of shape {shown(shape[:1])}, or one per value."
        )
    return ops.reshape(weight, (*ops.shape(weight), *[1] * (len(shape) - rank))) if rank else weight


def _squeezed(weight: Any, values: Any) -> Any:
    deeper = len(weight.shape) == len(values.shape) + 1 and weight.shape[-1] == 1
    return ops.squeeze(weight, -1) if deeper else weight


def _only_top_k(y_pred: Any, top_k: int) -> Any:
    _, places = ops.top_k(y_pred, top_k, sorted=False)
    inside = ops.sum(ops.one_hot(places, y_pred.shape[-1], dtype="int32"), axis=-2)
    return ops.where(ops.greater(inside, 0), y_pred, LOWEST)


def _check_class(metric: str, class_id: int, y_pred: Any) -> None:
    if not isinstance(class_id, int):
        raise ValueError(f"{metric}: `class_id` must be an integer, got {class_id!r}.")
    classes = y_pred.shape[-1] if y_pred.shape else 0
    if type(classes) is int and not 0 <= class_id < classes:
        raise ValueError(
            f"{metric}: `class_id` {class_id} does not exist in predictions of shape {shown(y_pred.shape)}."
        )
