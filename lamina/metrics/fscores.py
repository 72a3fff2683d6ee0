"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.kernel import dtypes
from lamina.losses._prepare import fits
from lamina.metrics.metric import Metric
from lamina.ops.checks import one_of, shown


class FBetaScore(Metric):
    """Weighted harmonic mean of precision and recall.

    `(1 + beta^2) precision recall / (beta^2 precision + recall)`

    Args:
        average: None (one score per class), "micro" (all classes counted together), "macro" (the mean over classes) or
            "weighted" (the mean weighted by how often classes occur).
        beta: How much more recall counts than precision.
        threshold: Predictions above it count as 1; None: the largest of a row does.
        name, dtype: See `Metric`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.FBetaScore(average="micro", beta=2.0)
        >>> round(float(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])), 4)
        0.5
    """

    _direction = "up"
    true_positives: Any = None

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        metric = type(self).__name__
        self.average = one_of(metric, "average", average, (None, "micro", "macro", "weighted"))
        if not isinstance(beta, float) or not beta > 0:
            raise ValueError(
                f"{metric}: `beta` must be a float above 0, got {beta!r} ({type(beta).__name__})."
            )
        if threshold is not None and (not isinstance(threshold, float) or not 0 < threshold <= 1):
            raise ValueError(
                f"{metric}: `threshold` must be a float above 0 and at most 1, or None, got {threshold!r} "
                f"({type(threshold).__name__})."
            )
        self.beta, self.threshold = beta, threshold
        self.axis = None if average == "micro" else 0

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, classes) of 0 and 1.
            y_pred: Tensor of the same shape.
            sample_weight: Tensor (batch,).

        Raises:
            ValueError: if the shapes do not fit.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        check_columns(type(self).__name__, y_true, y_pred)
        if self.true_positives is None:
            self._build(y_true.shape[-1])
        if self.threshold is None:
            best = ops.max(y_pred, axis=-1, keepdims=True)
            # a row of zeros names no class
            chosen = ops.logical_and(ops.greater_equal(y_pred, best), ops.greater(ops.abs(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        chosen = ops.cast(chosen, self.dtype)
        weight = ops.ones((), self.dtype)
        if sample_weight is not None:
            weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            weight = ops.expand_dims(weight, -1) if len(weight.shape) == 1 else weight
        for name, share in (
            ("true_positives", chosen * y_true),
            ("false_positives", chosen * (1 - y_true)),
            ("false_negatives", (1 - chosen) * y_true),
            ("intermediate_weights", y_true),
        ):
            getattr(self, name).assign_add(ops.sum(share * weight, axis=self.axis))

    def result(self) -> Any:
        """The score: (classes,) without an average, otherwise a scalar."""
        if self.true_positives is None:  # no batch yet, so the number of classes is not known
            return ops.zeros((), dtype=self.dtype)
        hits, missed, wrong, seen = (
            ops.cast(v, dtypes.to_float(self.dtype))
            for v in (
                self.true_positives,
                self.false_negatives,
                self.false_positives,
                self.intermediate_weights,
            )
        )
        tiny = config.epsilon()
        precision, recall = hits / (hits + wrong + tiny), hits / (hits + missed + tiny)
        square = self.beta**2
        score = precision * recall / (square * precision + recall + tiny) * (1.0 + square)
        if self.average == "macro":
            return ops.mean(score)
        if self.average == "weighted":
            return ops.sum(score * seen / (ops.sum(seen) + tiny))
        return score

    false_positives: Any
    false_negatives: Any
    intermediate_weights: Any


def check_columns(metric: str, y_true: Any, y_pred: Any) -> None:
    """That both are (batch, columns).

    Raises:
        ValueError: otherwise.
    """
    if len(y_true.shape) != 2 or not fits(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{metric}: `y_true` and `y_pred` must both have shape (batch, columns), got {shown(y_true.shape)} and "
            f"{shown(y_pred.shape)}. One value per sample needs an axis: reshape to (batch, 1); class numbers must be "
            "made one-hot."
        )


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall.

    `2 precision recall / (precision + recall)`

    Args:
        average: None (one score per class), "micro", "macro" or "weighted": see `FBetaScore`.
        threshold: Predictions above it count as 1; None: the largest of a row does.
        name, dtype: See `Metric`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.F1Score(average="micro")
        >>> round(float(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4]])), 4)
        0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
