"""Intersection over union of classes, from a matrix of confusions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina import config, ops
from lamina.kernel import dtypes
from lamina.losses._prepare import fits, same_rank
from lamina.metrics.counting import spread
from lamina.metrics.metric import Metric
from lamina.ops.checks import at_least, shown


class _Confusion(Metric):
    """Counts how often each class is taken for each other one."""

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        name: str | None,
        dtype: Any,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__("int32" if dtype is None else dtype, name)
        metric = type(self).__name__
        at_least(metric, "num_classes", num_classes, 1)
        for option, value in (("axis", axis), ("ignore_class", ignore_class)):
            if not isinstance(value, int) and (option == "axis" or value is not None):
                raise ValueError(f"{metric}: `{option}` must be an integer, got {value!r}.")
        self.num_classes, self.ignore_class, self.axis = num_classes, ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        shape = (num_classes, num_classes)
        self.total_confusion_matrix = self.add_variable(shape, "zeros", name="total_confusion_matrix")

    @property
    def total_cm(self) -> Any:
        """The confusion matrix under its short name."""
        return self.total_confusion_matrix

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Class numbers (batch, ...), or one-hot rows.
            y_pred: Class numbers of the same shape, or scores of classes.
            sample_weight: One weight per sample, or per prediction; whole numbers, unless the dtype is a float.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y_true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        y_pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        y_true, y_pred = (
            ops.convert_to_tensor(y_true, dtype="int32"),
            ops.convert_to_tensor(y_pred, dtype="int32"),
        )
        y_true, y_pred = same_rank(y_true, y_pred)
        metric = type(self).__name__
        if not fits(y_true.shape, y_pred.shape):
            raise ValueError(
                f"{metric}: `y_true` and `y_pred` must hold one class number each, got shapes {shown(y_true.shape)} and "
                f"{shown(y_pred.shape)}. For one-hot labels or scores use sparse_y_true=False or sparse_y_pred=False."
            )
        weight = ops.ones_like(y_true, dtype=self.dtype)
        if sample_weight is not None:
            _warn_of_fractions(metric, sample_weight, self.dtype)
            weight = weight * spread(
                metric, "sample_weight", ops.convert_to_tensor(sample_weight, self.dtype), y_true
            )
        self.total_confusion_matrix.assign_add(self._confusions(y_true, y_pred, weight))

    def _confusions(self, y_true: Any, y_pred: Any, weight: Any) -> Any:
        """The matrix of a batch: row for the label, column for the prediction."""
        y_true, y_pred, weight = (ops.reshape(x, (-1,)) for x in (y_true, y_pred, weight))
        n = self.num_classes
        counted = ops.logical_and(_within(y_true, n), _within(y_pred, n))
        if self.ignore_class is not None:
            counted = ops.logical_and(counted, ops.not_equal(y_true, self.ignore_class))
        weight = ops.where(counted, weight, ops.zeros_like(weight))
        place = ops.where(counted, y_true * n + y_pred, 0)
        return ops.reshape(ops.segment_sum(weight, place, num_segments=n * n), (n, n))

    def _mean_over(self, classes: Sequence[int]) -> Any:
        """The mean of intersection / union over the classes that occur."""
        dtype = self._summed_in if self.dtype in dtypes.IS_FLOAT else config.floatx()
        matrix = ops.cast(self.total_confusion_matrix, dtype)
        both = ops.diagonal(matrix)
        either = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - both
        chosen = ops.convert_to_tensor(list(classes), dtype="int32")
        both, either = ops.take(both, chosen, axis=0), ops.take(either, chosen, axis=0)
        occurring = ops.sum(ops.cast(ops.not_equal(either, 0.0), dtype))
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(both, either)), occurring)


def _warn_of_fractions(metric: str, sample_weight: Any, dtype: str) -> None:
    given = sample_weight.dtype if hasattr(sample_weight, "dtype") else np.asarray(sample_weight).dtype.name
    if dtype not in dtypes.IS_FLOAT and dtypes.standardize(given) in dtypes.IS_FLOAT:
        warnings.warn(
            f"{metric}: float `sample_weight`s are cut to whole numbers, since the counts are {dtype}. Make the metric "
            'with dtype="float32" to count fractions.',
            stacklevel=3,
        )


def _within(x: Any, classes: int) -> Any:
    return ops.logical_and(ops.greater_equal(x, 0), ops.less(x, classes))


class IoU(_Confusion):
    """Intersection over union of chosen classes.

    `mean_c tp_c / (tp_c + fp_c + fn_c)` over the chosen classes that occur

    Args:
        num_classes: How many classes there are.
        target_class_ids: The chosen classes.
        name, dtype: See `Metric`; the counts are int32 when `dtype` is None.
        ignore_class: A label that is left out.
        sparse_y_true: Whether labels are class numbers, not one-hot rows.
        sparse_y_pred: Whether predictions are class numbers, not scores.
        axis: The axis of the classes in one-hot rows and scores.

    Raises:
        ValueError: if a chosen class does not exist.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])) > 0.33
        True
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)
        if not target_class_ids or not all(0 <= c < num_classes for c in target_class_ids):
            raise ValueError(
                f"{type(self).__name__}: `target_class_ids` must be classes from 0 to {num_classes - 1}, one at least, got "
                f"{target_class_ids!r}."
            )
        self.target_class_ids = list(target_class_ids)

    def result(self) -> Any:
        """The mean over the chosen classes."""
        return self._mean_over(self.target_class_ids)


class MeanIoU(_Confusion):
    """Intersection over union, the mean over all classes.

    `mean_c tp_c / (tp_c + fp_c + fn_c)` over the classes that occur

    Args:
        num_classes: How many classes there are.
        name, dtype: See `Metric`; the counts are int32 when `dtype` is None.
        ignore_class: A label that is left out.
        sparse_y_true: Whether labels are class numbers, not one-hot rows.
        sparse_y_pred: Whether predictions are class numbers, not scores.
        axis: The axis of the classes in one-hot rows and scores.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])) > 0.33
        True
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def result(self) -> Any:
        """The mean over all classes."""
        return self._mean_over(range(self.num_classes))


class BinaryIoU(IoU):
    """Intersection over union of two classes, for predictions between 0 and 1.

    `true positives / (true positives + false positives + false negatives)`, for each class

    Args:
        target_class_ids: Which classes: 0, 1 or both.
        threshold: Predictions of at least this count as class 1.
        name, dtype: See `Metric`; the counts are int32 when `dtype` is None.

    Raises:
        ValueError: if a chosen class does not exist, or the threshold is no number.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])) > 0.33
        True
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        if not isinstance(threshold, int | float | np.number):
            raise ValueError(f"BinaryIoU: `threshold` must be a number, got {threshold!r}.")
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch: labels 0 and 1, predictions between 0 and 1."""
        above = ops.greater_equal(ops.convert_to_tensor(y_pred), self.threshold)
        super().update_state(y_true, ops.cast(above, "int32"), sample_weight)


class OneHotIoU(IoU):
    """Intersection over union of chosen classes, for one-hot labels.

    `true positives / (true positives + false positives + false negatives)`, for each class

    Args:
        num_classes: How many classes there are.
        target_class_ids: The chosen classes.
        name, dtype: See `Metric`; the counts are int32 when `dtype` is None.
        ignore_class: A label that is left out.
        sparse_y_pred: Whether predictions are class numbers, not scores.
        axis: The axis of the classes.

    Raises:
        ValueError: if a chosen class does not exist.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
        >>> float(metric([[1, 0], [0, 1]], [[0.3, 0.7], [0.4, 0.6]]))
        0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """Intersection over union for one-hot labels, the mean over all classes.

    `true positives / (true positives + false positives + false negatives)`, for each class

    Args:
        num_classes: How many classes there are.
        name, dtype: See `Metric`; the counts are int32 when `dtype` is None.
        ignore_class: A label that is left out.
        sparse_y_pred: Whether predictions are class numbers, not scores.
        axis: The axis of the classes.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.OneHotMeanIoU(num_classes=2)
        >>> float(metric([[1, 0], [0, 1]], [[0.7, 0.3], [0.4, 0.6]]))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
