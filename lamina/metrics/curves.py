"""AUC: the area under a curve of rates over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import config, ops
from lamina.metrics.counting import Counts, check_thresholds, counts, evenly_spread
from lamina.metrics.metric import Metric
from lamina.ops.checks import one_of, shown


class AUC(Metric):
    """Area under the ROC, precision-recall or precision-recall-gain curve.

    `sum_i (x_i - x_{i+1}) height(y_i, y_{i+1})` over thresholds; x, y are false and true positive rate ("ROC"), recall and
    precision ("PR"), or their gains ("PRGAIN")

    Args:
        num_thresholds: How many thresholds, at least 2, evenly from 0 to 1.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: The height between two points: their mean ("interpolation"; on PR curves the exact
            interpolation), the lower ("minoring") or the higher ("majoring").
        name, dtype: See `Metric`.
        thresholds: Thresholds between 0 and 1 in place of `num_thresholds`; the two ends are added.
        multi_label: Whether each label (the last axis of two) has a curve of its own; the result is the mean of areas.
        num_labels: How many labels; found at the first update when None.
        label_weights: One weight per label: for the mean of areas with `multi_label`, otherwise for the counts.
        from_logits: Whether predictions are logits.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.6, 0.7, 0.9]))
        0.75

    Reference:
        Davis and Goadrich, 2006 (interpolation of PR curves); Flach and Kull, 2015 (gains)
    """

    _direction = "up"
    true_positives: Any = None
    false_positives: Any = None
    true_negatives: Any = None
    false_negatives: Any = None

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = one_of("AUC", "curve", curve, ("ROC", "PR", "PRGAIN"))
        methods = ("interpolation", "minoring", "majoring")
        self.summation_method = one_of("AUC", "summation_method", summation_method, methods)
        if num_labels is not None and not multi_label:
            raise ValueError(f"AUC: `num_labels` must be None unless multi_label=True, got {num_labels!r}.")
        self.multi_label, self.num_labels = multi_label, num_labels
        if label_weights is not None and not np.ndim(label_weights):
            raise ValueError(f"AUC: `label_weights` must be one number per label, got {label_weights!r}.")
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float32").tolist()
        self.from_logits = from_logits
        self._inner = self._choose(num_thresholds, thresholds)
        self._even = evenly_spread([0.0, *self._inner, 1.0])
        # the ends lie outside, so that predictions of exactly 0 and 1 are above the first and below the last
        self._thresholds = [-config.epsilon(), *self._inner, 1.0 + config.epsilon()]
        self.num_thresholds = len(self._thresholds)
        if not multi_label or num_labels is not None:
            self._build(num_labels)

    @staticmethod
    def _choose(number: int, thresholds: Any) -> list[float]:
        """The thresholds between the ends."""
        if thresholds is not None:
            return sorted(check_thresholds("AUC", thresholds, 0.5)) if len(thresholds) else []
        if not isinstance(number, int) or number < 2:
            raise ValueError(f"AUC: `num_thresholds` must be an integer of at least 2, got {number!r}.")
        return [i / (number - 1) for i in range(1, number - 1)]

    def _build(self, labels: int | None) -> None:
        shape = (self.num_thresholds,) if labels is None else (self.num_thresholds, labels)
        for kind in Counts._fields:
            setattr(self, kind, self.add_variable(shape, "zeros", self._counted_in, name=kind))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, the two ends included."""
        return self._thresholds

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, ...) of 0 and 1; (batch, labels) with `multi_label`.
            y_pred: Tensor of the same shape: probabilities, or logits.
            sample_weight: One weight per sample, or per prediction.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y_pred = ops.convert_to_tensor(y_pred, dtype=self._counted_in)
        if self.multi_label:
            self._check_labels(y_pred.shape)
        found = counts(
            "AUC",
            y_true,
            ops.sigmoid(y_pred) if self.from_logits else y_pred,
            self._thresholds,
            sample_weight,
            dtype=self._counted_in,
            even=self._even,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )
        for kind, value in found._asdict().items():
            getattr(self, kind).assign_add(value)

    def _check_labels(self, shape: Any) -> None:
        if len(shape) != 2:
            raise ValueError(
                f"AUC: with multi_label=True `y_pred` must be (batch, labels), got {shown(shape)}."
            )
        if self.true_positives is None:
            self._build(shape[-1])
        counts: Any = self.true_positives
        labels = counts.shape[-1]
        if type(shape[-1]) is int and shape[-1] != labels:
            raise ValueError(
                f"AUC: `y_pred` has shape {shown(shape)} but the metric was made for {labels} labels."
            )
        if self.label_weights is not None and len(self.label_weights) != labels:
            raise ValueError(
                f"AUC: {len(self.label_weights)} `label_weights` were given, but there are {labels} labels."
            )

    def result(self) -> Any:
        """The area."""
        if self.true_positives is None:  # no batch yet, so the number of labels is not known
            return ops.zeros((), dtype=self._counted_in)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._points()
        heights = {
            "interpolation": lambda: (y[:-1] + y[1:]) / 2.0,
            "minoring": lambda: ops.minimum(y[:-1], y[1:]),
            "majoring": lambda: ops.maximum(y[:-1], y[1:]),
        }[self.summation_method]()
        return self._over_labels(ops.sum((x[:-1] - x[1:]) * heights, axis=0))

    def _points(self) -> tuple[Any, Any]:
        """x and y of the curve at each threshold."""
        hits, false, right, missed = (getattr(self, kind).value for kind in Counts._fields)
        recall = ops.divide_no_nan(hits, hits + missed)
        if self.curve == "ROC":
            return ops.divide_no_nan(false, false + right), recall
        if self.curve == "PR":
            return recall, ops.divide_no_nan(hits, hits + false)
        # gains put 0 where an answer of always yes stands: 1 - positives / negatives * errors / hits
        odds = ops.divide_no_nan(hits + missed, false + right)
        precision_gain = 1.0 - odds * ops.divide_no_nan(false, hits)
        recall_gain = ops.maximum(1.0 - odds * ops.divide_no_nan(missed, hits), 0.0)
        return ops.where(ops.greater(hits, 0.0), recall_gain, 0.0), precision_gain

    def interpolate_pr_auc(self) -> Any:
        """The area under the PR curve, with true positives linear in predicted positives between thresholds."""
        hits, false, _, missed = (getattr(self, kind).value for kind in Counts._fields)
        gained = hits[:-1] - hits[1:]
        positive = hits + false
        slope = ops.divide_no_nan(gained, ops.maximum(positive[:-1] - positive[1:], 0.0))
        intercept = hits[1:] - slope * positive[1:]
        both = ops.logical_and(ops.greater(positive[:-1], 0.0), ops.greater(positive[1:], 0.0))
        ratio = ops.where(both, ops.divide_no_nan(positive[:-1], ops.maximum(positive[1:], 0.0)), 1.0)
        area = slope * (gained + intercept * ops.log(ratio))
        return self._over_labels(
            ops.sum(ops.divide_no_nan(area, ops.maximum(hits[1:] + missed[1:], 0.0)), axis=0)
        )

    def _over_labels(self, areas: Any) -> Any:
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, dtype=self._counted_in)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `thresholds` only where they were given, without the ends."""
        written = super().get_config()
        given = written.pop("thresholds")
        return written if given is None else written | {"thresholds": [float(t) for t in self._inner]}
