"""Losses of probabilities: cross entropies and their relatives."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from lamina import config, ops
from lamina.core.masks import set_mask
from lamina.kernel import dtypes
from lamina.losses._prepare import fits, pair, same_rank
from lamina.ops.checks import shown

_ONE_HOT = (
    "For labels that are class numbers use sparse_categorical_crossentropy, or make them one-hot with "
    "lamina.utils.to_categorical."
)
_BINARY = "Give the last layer as many units as a label has entries, each a yes or no."
_SPARSE = "For one-hot labels use categorical_crossentropy; class numbers have the shape of `y_pred` without the classes."


def _axis(name: str, axis: Any) -> int:
    if type(axis) is not int:  # not a bool, either
        raise ValueError(f"{name}: `axis` must be an integer, got {axis!r}.")
    return axis


def _out_of_range(name: str, axis: int, y_pred: Any) -> ValueError:
    return ValueError(f"{name}: axis {axis} is out of range for `y_pred` of shape {shown(y_pred.shape)}.")


def _of_one_shape(name: str, y_true: Any, y_pred: Any, advice: str) -> None:
    if not fits(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{name}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}; they must "
            f"be equal. {advice}"
        )


def _of_classes(name: str, y_true: Any, y_pred: Any, axis: int) -> tuple[Any, Any]:
    """One-hot labels and predictions.

    Raises:
        ValueError: if they differ in shape.
    """
    _axis(name, axis)
    y_true, y_pred = pair(y_true, y_pred)
    _of_one_shape(name, y_true, y_pred, _ONE_HOT)
    if not -len(y_pred.shape) <= axis < len(y_pred.shape):
        raise _out_of_range(name, axis, y_pred)
    if y_pred.shape and y_pred.shape[-1] == 1:
        warnings.warn(
            f"{name}: `y_pred` has shape {shown(y_pred.shape)}, a single class, so the loss is always 0. For two classes "
            "with one output use binary_crossentropy.",
            SyntaxWarning,
            stacklevel=3,
        )
    return y_true, y_pred


def _of_class_numbers(name: str, y_true: Any, y_pred: Any, axis: int) -> tuple[Any, Any]:
    """Class numbers, without an axis of size 1 at the end, and predictions.

    Raises:
        ValueError: if the shapes do not fit.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    rank = len(y_pred.shape)
    if not -rank <= _axis(name, axis) < rank:
        raise _out_of_range(name, axis, y_pred)
    if len(y_true.shape) == rank and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    rest = [n for place, n in enumerate(y_pred.shape) if place != axis % rank]
    if not fits(y_true.shape, rest):
        raise ValueError(
            f"{name}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}. {_SPARSE}"
        )
    return y_true, y_pred


def _of_yes_or_no(name: str, y_true: Any, y_pred: Any, label_smoothing: float) -> tuple[Any, Any]:
    y_true, y_pred = pair(y_true, y_pred)
    y_true, y_pred = same_rank(y_true, y_pred)
    _of_one_shape(name, y_true, y_pred, _BINARY)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return y_true, y_pred


def _smoothed(y_true: Any, label_smoothing: float, axis: int) -> Any:
    if not label_smoothing:
        return y_true
    classes = ops.shape(y_true)[axis]
    spread = label_smoothing / (max(classes, 1) if isinstance(classes, int) else classes)
    return y_true * (1.0 - label_smoothing) + spread


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Cross entropy of independent yes/no predictions.

    `mean(-(y_true log y_pred + (1 - y_true) log(1 - y_pred)))` over the axis

    Args:
        y_true: Tensor (batch, ..., n), between 0 and 1.
        y_pred: Tensor of the same shape: probabilities, or logits.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Between 0 and 1: labels move so far towards 0.5.
        axis: The axis of the mean.

    Returns:
        A tensor without the axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> lamina.losses.binary_crossentropy([[1.0, 0.0]], [[1e4, 1e4]], from_logits=True).tolist()
        [5000.0]
    """
    y_true, y_pred = _of_yes_or_no("binary_crossentropy", y_true, y_pred, label_smoothing)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Cross entropy of a distribution over classes, against one-hot labels.

    `-sum(y_true log y_pred)` over the axis

    Args:
        y_true: Tensor (batch, ..., classes): one-hot rows or distributions.
        y_pred: Tensor of the same shape: probabilities, or logits.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Between 0 and 1: so much of each label is spread over all classes.
        axis: The axis of the classes.

    Returns:
        A tensor without the axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> lamina.losses.categorical_crossentropy([[0.0, 1.0]], [[1e4, 0.0]], from_logits=True).tolist()
        [10000.0]
    """
    y_true, y_pred = _of_classes("categorical_crossentropy", y_true, y_pred, axis)
    return ops.categorical_crossentropy(_smoothed(y_true, label_smoothing, axis), y_pred, from_logits, axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Cross entropy of a distribution over classes, against class numbers.

    `-log y_pred[y_true]`

    Args:
        y_true: Integer tensor (batch, ...), or with a last axis of size 1.
        y_pred: Tensor (batch, ..., classes): probabilities, or logits.
        from_logits: Whether `y_pred` holds logits.
        ignore_class: A label that costs nothing and is left out of means.
        axis: The axis of the classes.

    Returns:
        A tensor of the shape of `y_pred` without the axis. A class that does not exist costs 0.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.sparse_categorical_crossentropy([1], [[1e4, 0.0]], from_logits=True).tolist()
        [10000.0]
    """
    y_true, y_pred = _of_class_numbers("sparse_categorical_crossentropy", y_true, y_pred, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
    y_true = ops.where(valid, y_true, ops.zeros_like(y_true))
    loss = ops.where(
        valid,
        ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis),
        0.0,
    )
    set_mask(loss, valid)
    return loss


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Binary cross entropy in which what is predicted well counts little.

    `mean((1 - p_t)^gamma * crossentropy)` over the axis, `p_t` being the probability given to the label

    Args:
        y_true: Tensor (batch, ..., n), between 0 and 1.
        y_pred: Tensor of the same shape: probabilities, or logits.
        apply_class_balancing: Whether to weigh label 1 by `alpha` and label 0 by `1 - alpha`.
        alpha: The weight of label 1.
        gamma: How fast the weight falls; 0 gives the plain cross entropy.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Between 0 and 1: labels move so far towards 0.5.
        axis: The axis of the mean.

    Returns:
        A tensor without the axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> float(lamina.losses.binary_focal_crossentropy([[1.0]], [[0.5]], gamma=1.0)[0]) < 0.35
        True

    Reference:
        Lin et al., 2017: Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002
    """
    y_true, y_pred = _of_yes_or_no("binary_focal_crossentropy", y_true, y_pred, label_smoothing)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    p_label = y_true * p + (1.0 - y_true) * (1.0 - p)
    # of a power of 0 the gradient is infinite below gamma 1, and times a loss of 0 not a number
    doubt = ops.maximum(1.0 - p_label, config.epsilon())
    loss = ops.power(doubt, gamma) * ops.binary_crossentropy(y_true, p)
    if apply_class_balancing:
        loss = loss * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(loss, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float | Sequence[float] = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Categorical cross entropy in which what is predicted well counts little.

    `sum(-alpha (1 - y_pred)^gamma y_true log y_pred)` over the axis

    Args:
        y_true: Tensor (batch, ..., classes): one-hot rows or distributions.
        y_pred: Tensor of the same shape: probabilities, or logits.
        alpha: The weight, one number or one per class.
        gamma: How fast the weight falls.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: Between 0 and 1: so much of each label is spread over all classes.
        axis: The axis of the classes.

    Returns:
        A tensor without the axis.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> lamina.losses.categorical_focal_crossentropy([[0.0, 1.0]], [[1.0, 0.0]], alpha=1.0).shape
        (1,)

    Reference:
        Lin et al., 2017: Focal Loss for Dense Object Detection, https://arxiv.org/abs/1708.02002
    """
    y_true, y_pred = _of_classes("categorical_focal_crossentropy", y_true, y_pred, axis)
    y_true = _smoothed(y_true, label_smoothing, axis)
    p = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = p / ops.sum(p, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    weight = ops.power(1.0 - p, gamma) * ops.convert_to_tensor(alpha, dtypes.standardize(p.dtype))
    return ops.sum(-weight * y_true * ops.log(p), axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """Between cross entropy (q towards 0) and absolute error (q towards 1): wrong labels do less harm.

    `(1 - p^q) / q`, `p` being the probability given to the label

    Args:
        y_true: Integer tensor (batch, ...): class numbers.
        y_pred: Tensor (batch, ..., classes): probabilities.
        q: Between 0 and 1, exclusive.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit, or q is out of range.

    Example:
        >>> import lamina
        >>> lamina.losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()
        [1.0]

    Reference:
        Zhang and Sabuncu, 2018: Generalized Cross Entropy Loss, https://arxiv.org/abs/1805.07836
    """
    y_true, y_pred = _of_class_numbers("categorical_generalized_cross_entropy", y_true, y_pred, -1)
    classes = y_pred.shape[-1]
    labels = ops.one_hot(ops.cast(y_true, "int32"), classes, dtype=dtypes.standardize(y_pred.dtype))
    return (1.0 - ops.power(ops.sum(labels * y_pred, axis=-1), check_q(q))) / q


def check_q(q: float) -> float:
    """`q`, which must lie between 0 and 1, exclusive.

    Raises:
        ValueError: otherwise.
    """
    if not 0 < q < 1:
        raise ValueError(
            f"categorical_generalized_cross_entropy: `q` must be between 0 and 1, exclusive, got {q!r}."
        )
    return q
