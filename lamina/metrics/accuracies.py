"""How often predictions are right."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.losses._prepare import elementwise, fits
from lamina.metrics.reductions import MeanMetricWrapper
from lamina.ops.checks import shown

_SPARSE = "For one-hot labels use the categorical form; class numbers have the shape of `y_pred` without the classes."
_ONE_HOT = "For labels that are class numbers use the sparse form."


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether predictions equal labels, entry by entry (1.0 or 0.0)."""
    y_true, y_pred = elementwise("accuracy", y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Whether predictions are on the label's side of a threshold.

    `1 if (y_pred > threshold) = y_true else 0`

    Args:
        y_true: Tensor (batch, ...) of 0 and 1.
        y_pred: Tensor of the same shape.
        threshold: Predictions above it count as 1.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.metrics.binary_accuracy([[1.0, 0.0]], [[0.7, 0.6]]).tolist()
        [[1.0, 0.0]]
    """
    y_true, y_pred = elementwise("binary_accuracy", y_true, y_pred)
    positive = ops.cast(ops.greater(y_pred, ops.cast(threshold, y_pred.dtype)), y_true.dtype)
    return ops.cast(ops.equal(y_true, positive), config.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the largest prediction is at the label's class.

    `1 if argmax(y_true) = argmax(y_pred) else 0`

    Args:
        y_true: Tensor (batch, ..., classes): one-hot rows.
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> lamina.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.1, 0.9]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = _one_hot("categorical_accuracy", y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), config.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Whether the largest prediction is at the label's class, for class numbers.

    `1 if y_true = argmax(y_pred) else 0`

    Args:
        y_true: Integer tensor (batch, ...), or with a last axis of size 1.
        y_pred: Tensor (batch, ..., classes).

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.1, 0.9]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = _class_numbers("sparse_categorical_accuracy", y_true, y_pred)
    best = ops.cast(ops.argmax(y_pred, axis=-1), y_true.dtype)
    return ops.cast(ops.equal(y_true, best), config.floatx())


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Whether the label's class is among the k largest predictions.

    `rank of y_pred[argmax(y_true)] <= k`

    Args:
        y_true: Tensor (batch, ..., classes): one-hot rows.
        y_pred: Tensor of the same shape.
        k: How many.

    Returns:
        Tensor (batch, ...) of 0 and 1.

    Raises:
        ValueError: if the shapes differ.

    Example:
        >>> import lamina
        >>> lamina.metrics.top_k_categorical_accuracy([[0, 1, 0]], [[0.5, 0.3, 0.2]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = _one_hot("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """Whether the label's class is among the k largest predictions, for class numbers.

    `rank of y_pred[y_true] <= k`

    Args:
        y_true: Integer tensor (batch, ...), or with a last axis of size 1.
        y_pred: Tensor (batch, ..., classes); or class numbers, the best first, with `from_sorted_ids`.
        k: How many.
        from_sorted_ids: Whether `y_pred` holds sorted class numbers.

    Returns:
        Tensor (batch, ...) of 0 and 1.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.metrics.sparse_top_k_categorical_accuracy([1], [[0.5, 0.3, 0.2]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = _class_numbers("sparse_top_k_categorical_accuracy", y_true, y_pred, from_sorted_ids)
    if not from_sorted_ids:
        return _in_top_k(y_true, y_pred, k)
    listed = ops.equal(ops.expand_dims(ops.cast(y_true, y_pred.dtype), -1), y_pred[..., :k])
    return ops.cast(ops.any(listed, axis=-1), config.floatx())


def _in_top_k(classes: Any, y_pred: Any, k: int) -> Any:
    return ops.cast(ops.in_top_k(ops.cast(classes, "int32"), y_pred, k=k), config.floatx())


def _one_hot(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if not fits(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{name}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}; they must "
            f"be equal. {_ONE_HOT}"
        )
    return y_true, y_pred


def _class_numbers(name: str, y_true: Any, y_pred: Any, any_length: bool = False) -> tuple[Any, Any]:
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1:] == (1,):
        y_true = ops.squeeze(y_true, -1)
    if not fits(y_true.shape, y_pred.shape[:-1]):
        raise ValueError(
            f"{name}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}. {_SPARSE}"
        )
    return y_true, y_pred


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels.

    `mean(y_true == y_pred)`

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.Accuracy()([1, 2, 3, 4], [1, 2, 3, 0]))
        0.75
    """

    _direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on the label's side of a threshold.

    `mean(y_true == (y_pred > threshold))`

    Args:
        name, dtype: See `Metric`.
        threshold: Predictions above it count as 1.

    Raises:
        ValueError: if the threshold is not between 0 and 1.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.BinaryAccuracy()([[1], [0]], [[0.7], [0.6]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        if isinstance(threshold, str | list | tuple | None) or not 0 < threshold < 1:
            raise ValueError(
                f"BinaryAccuracy: `threshold` must be between 0 and 1, exclusive, got {threshold!r}."
            )
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the label's class, for one-hot labels.

    `mean(argmax(y_true) == argmax(y_pred))`

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.2, 0.8], [0.1, 0.9]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the label's class, for class numbers.

    `mean(y_true == argmax(y_pred))`

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.1, 0.9]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label's class is among the k largest predictions, for one-hot labels.

    `mean(rank of y_pred[argmax(y_true)] <= k)`

    Args:
        k: How many.
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.TopKCategoricalAccuracy(k=2)([[0, 1, 0]], [[0.5, 0.3, 0.2]]))
        1.0
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label's class is among the k largest predictions, for class numbers.

    `mean(rank of y_pred[y_true] <= k)`

    Args:
        k: How many.
        name, dtype: See `Metric`.
        from_sorted_ids: Whether predictions are class numbers, the best first.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SparseTopKCategoricalAccuracy(k=2)([1], [[0.5, 0.3, 0.2]]))
        1.0
    """

    _direction = "up"
    _omitted = ("from_sorted_ids",)

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
        self.k = k
        self.from_sorted_ids = bool(from_sorted_ids)
