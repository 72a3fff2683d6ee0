"""Precision and recall, and the best of one rate where another is good enough."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.metrics.counting import LOWEST, check_thresholds, counts
from lamina.metrics.metric import Metric


class _Rate(Metric):
    """`true positives / (true positives + errors)` at thresholds, for one kind of errors."""

    _direction = "up"
    _errors: str

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.top_k, self.class_id = top_k, class_id
        # with top_k alone, being among the k largest is what makes a prediction a yes
        self._thresholds = check_thresholds(type(self).__name__, thresholds, 0.5 if top_k is None else LOWEST)
        shape = (len(self._thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", self._counted_in, name="true_positives")
        setattr(self, self._errors, self.add_variable(shape, "zeros", self._counted_in, name=self._errors))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds, as a list."""
        return self._thresholds

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, ...) of 0 and 1.
            y_pred: Tensor of the same shape; above the threshold means 1.
            sample_weight: One weight per sample, or per prediction.
        """
        found = counts(
            type(self).__name__,
            y_true,
            y_pred,
            self._thresholds,
            sample_weight,
            dtype=self._counted_in,
            top_k=self.top_k,
            class_id=self.class_id,
        )
        self.true_positives.assign_add(found.true_positives)
        getattr(self, self._errors).assign_add(getattr(found, self._errors))

    def result(self) -> Any:
        """The rate: a scalar for one threshold, (thresholds,) for more; 0 where nothing was counted."""
        value = ops.divide_no_nan(self.true_positives, self.true_positives + getattr(self, self._errors))
        return value[0] if len(self._thresholds) == 1 else value


class Precision(_Rate):
    """Which share of the predictions 1 is right.

    `true positives / (true positives + false positives)`

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        top_k: Count only the k largest predictions of a sample as 1.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a threshold is not between 0 and 1.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.Precision()([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.3])) > 0.66
        True
    """

    _errors = "false_positives"


class Recall(_Rate):
    """Which share of the labels 1 is found.

    `true positives / (true positives + false negatives)`

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        top_k: Count only the k largest predictions of a sample as 1.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a threshold is not between 0 and 1.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.Recall()([0, 1, 1, 1], [0.9, 0.8, 0.7, 0.3])) > 0.66
        True
    """

    _errors = "false_negatives"


class _BestRate(Metric):
    """The largest value of one rate over all thresholds at which another reaches a value."""

    _direction = "up"

    def __init__(
        self, parameter: str, value: float, num_thresholds: int, class_id: Any, name: Any, dtype: Any
    ) -> None:
        super().__init__(dtype, name)
        metric = type(self).__name__
        if not 0 <= value <= 1:
            raise ValueError(f"{metric}: `{parameter}` must be between 0 and 1, got {value!r}.")
        if not isinstance(num_thresholds, int) or num_thresholds < 1:
            raise ValueError(
                f"{metric}: `num_thresholds` must be an integer of at least 1, got {num_thresholds!r}."
            )
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        last = num_thresholds - 1
        self.thresholds = [i / last for i in range(num_thresholds)] if last else [0.5]
        for kind in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, kind, self.add_variable((num_thresholds,), "zeros", self._counted_in, name=kind))

    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, ...) of 0 and 1.
            y_pred: Tensor of the same shape, between 0 and 1.
            sample_weight: One weight per sample, or per prediction.
        """
        found = counts(
            type(self).__name__,
            y_true,
            y_pred,
            self.thresholds,
            sample_weight,
            dtype=self._counted_in,
            class_id=self.class_id,
        )
        for kind, value in found._asdict().items():
            getattr(self, kind).assign_add(value)

    def _sensitivity(self) -> Any:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _specificity(self) -> Any:
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)

    def _precision(self) -> Any:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _best(self, wanted: Any, constrained: Any) -> Any:
        """The largest wanted rate where the other is at least the value; 0 where it never is (rates are not below)."""
        return ops.max(ops.where(ops.greater_equal(constrained, self.value), wanted, 0.0))


class SensitivityAtSpecificity(_BestRate):
    """The best sensitivity (recall) at which the specificity reaches a value.

    `max tp / (tp + fn)` over thresholds with `tn / (tn + fp) >= specificity`

    Args:
        specificity: The value to reach, 0 to 1.
        num_thresholds: How many thresholds are tried.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a value is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SensitivityAtSpecificity(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]))
        1.0
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Any:
        """The best sensitivity."""
        return self._best(self._sensitivity(), self._specificity())


class SpecificityAtSensitivity(_BestRate):
    """The best specificity at which the sensitivity (recall) reaches a value.

    `max tn / (tn + fp)` over thresholds with `tp / (tp + fn) >= sensitivity`

    Args:
        sensitivity: The value to reach, 0 to 1.
        num_thresholds: How many thresholds are tried.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a value is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SpecificityAtSensitivity(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]))
        1.0
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Any:
        """The best specificity."""
        return self._best(self._specificity(), self._sensitivity())


class PrecisionAtRecall(_BestRate):
    """The best precision at which the recall reaches a value.

    `max tp / (tp + fp)` over thresholds with `tp / (tp + fn) >= recall`

    Args:
        recall: The value to reach, 0 to 1.
        num_thresholds: How many thresholds are tried.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a value is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.PrecisionAtRecall(0.5)([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]))
        1.0
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Any:
        """The best precision."""
        return self._best(self._precision(), self._sensitivity())


class RecallAtPrecision(_BestRate):
    """The best recall at which the precision reaches a value.

    `max tp / (tp + fn)` over thresholds with `tp / (tp + fp) >= precision`

    Args:
        precision: The value to reach, 0 to 1.
        num_thresholds: How many thresholds are tried.
        class_id: Look at this class only (of the last axis).
        name, dtype: See `Metric`.

    Raises:
        ValueError: if a value is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.RecallAtPrecision(0.9)([0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9]))
        0.5
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Any:
        """The best recall."""
        return self._best(self._sensitivity(), self._precision())
