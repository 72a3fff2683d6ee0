"""How many answers of each kind: true and false positives and negatives."""

from __future__ import annotations

from typing import Any

from lamina.metrics.counting import check_thresholds, counts
from lamina.metrics.metric import Metric


class Count(Metric):
    """The weighted number of answers of one kind, at each threshold; the base of the four."""

    _kind: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self._thresholds = check_thresholds(type(self).__name__, thresholds, 0.5)
        self.accumulator = self.add_variable(
            (len(self._thresholds),), "zeros", self._counted_in, name="accumulator"
        )

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
            type(self).__name__, y_true, y_pred, self._thresholds, sample_weight, dtype=self._counted_in
        )
        self.accumulator.assign_add(getattr(found, self._kind))

    def result(self) -> Any:
        """The count: a scalar for one threshold, (thresholds,) for more."""
        value = self.accumulator.value
        return value[0] if len(self._thresholds) == 1 else value


class TruePositives(Count):
    """How many labels 1 are predicted 1.

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.TruePositives()([0, 1, 1], [0.9, 0.8, 0.3]))
        1.0
    """

    _kind = "true_positives"


class FalsePositives(Count):
    """How many labels 0 are predicted 1.

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.FalsePositives()([0, 1, 1], [0.9, 0.8, 0.3]))
        1.0
    """

    _kind = "false_positives"


class TrueNegatives(Count):
    """How many labels 0 are predicted 0.

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.TrueNegatives()([0, 0, 1], [0.1, 0.8, 0.3]))
        1.0
    """

    _kind = "true_negatives"


class FalseNegatives(Count):
    """How many labels 1 are predicted 0.

    Args:
        thresholds: A number or a list: predictions above it count as 1; 0.5 when None.
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.FalseNegatives()([0, 1, 1], [0.9, 0.8, 0.3]))
        1.0
    """

    _kind = "false_negatives"
