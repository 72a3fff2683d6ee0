"""Metrics of numbers: errors, similarities, correlations."""

from __future__ import annotations

from typing import Any

from lamina import config, losses, ops
from lamina.losses._prepare import elementwise
from lamina.metrics.fscores import check_columns
from lamina.metrics.metric import Metric
from lamina.metrics.reductions import Mean, MeanMetricWrapper
from lamina.ops.checks import one_of


class MeanSquaredError(MeanMetricWrapper):
    """Mean of squared errors: `lamina.losses.mean_squared_error`.

    `mean((y_true - y_pred)^2)` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]))
        2.0
    """

    _direction = "down"

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """Root of the mean of squared errors.

    `sqrt(mean((y_true - y_pred)^2))`

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.RootMeanSquaredError()([[0.0, 0.0]], [[3.0, 3.0]]))
        3.0
    """

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, ...).
            y_pred: Tensor of the same shape.
            sample_weight: One weight per sample, or per value.
        """
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = elementwise("root_mean_squared_error", y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of absolute errors: `lamina.losses.mean_absolute_error`.

    `mean(|y_true - y_pred|)` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]]))
        1.0
    """

    _direction = "down"

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of absolute errors in percent of the label: `lamina.losses.mean_absolute_percentage_error`.

    `100 mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
        25.0
    """

    _direction = "down"

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of squared differences of logarithms: `lamina.losses.mean_squared_logarithmic_error`.

    `mean((log(1 + max(y_true, epsilon)) - log(1 + max(y_pred, epsilon)))^2)` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.MeanSquaredLogarithmicError()([[1.0, 4.0]], [[1.0, 4.0]]))
        0.0
    """

    _direction = "down"

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """Logarithm of the hyperbolic cosine of the error: `lamina.losses.log_cosh`.

    `mean(log(cosh(y_pred - y_true)))` over the last axis: about `e^2 / 2` for small errors, `|e| - log 2` for large ones.

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.LogCoshError()([[1.0, 2.0]], [[1.0, 2.0]]))
        0.0
    """

    _direction = "down"

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        super().__init__(losses.log_cosh, name, dtype)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Cosine of the angle between labels and predictions over an axis; 1 is best."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """Cosine of the angle between labels and predictions; 1 is best.

    `sum(y_true / |y_true| * y_pred / |y_pred|)`

    Args:
        name, dtype: See `Metric`.
        axis: The axis of the vectors.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.CosineSimilarity()([[0.0, 2.0]], [[0.0, 4.0]]))
        1.0
    """

    _direction = "up"
    _omitted = ("axis",)

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Pearson correlation of labels and predictions over an axis.

    `cov(y_true, y_pred) / (std(y_true) std(y_pred))`

    Args:
        y_true: Tensor (batch, n).
        y_pred: Tensor of the same shape.
        axis: The axis of the pairs of values.

    Returns:
        A tensor without the axis, between -1 and 1; not a number where labels or predictions are constant.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> round(float(lamina.metrics.pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = elementwise("pearson_correlation", y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    scale = ops.sqrt(ops.sum(ops.square(y_true), axis=axis) * ops.sum(ops.square(y_pred), axis=axis))
    return ops.sum(y_true * y_pred, axis=axis) / scale


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Concordance correlation: Pearson's, less what means and spreads differ by.

    `2 cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2)`

    Args:
        y_true: Tensor (batch, n).
        y_pred: Tensor of the same shape.
        axis: The axis of the pairs of values.

    Returns:
        A tensor without the axis, between -1 and 1.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> round(float(lamina.metrics.concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = elementwise("concordance_correlation", y_true, y_pred)
    mean_true, mean_pred = (
        ops.mean(y_true, axis=axis, keepdims=True),
        ops.mean(y_pred, axis=axis, keepdims=True),
    )
    y_true, y_pred = y_true - mean_true, y_pred - mean_pred
    covariance = ops.mean(y_true * y_pred, axis=axis)
    shift = ops.squeeze(ops.square(mean_true - mean_pred), axis)
    spread = ops.mean(ops.square(y_true) + ops.square(y_pred), axis=axis) + shift
    return 2.0 * covariance / (spread + config.epsilon())


class PearsonCorrelation(MeanMetricWrapper):
    """Mean of Pearson correlations: `pearson_correlation`.

    `cov(y_true, y_pred) / (std(y_true) std(y_pred))`

    Args:
        name, dtype: See `Metric`.
        axis: The axis of the pairs of values.

    Example:
        >>> import lamina
        >>> round(float(lamina.metrics.PearsonCorrelation()([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]])), 4)
        1.0
    """

    _direction = "up"

    def __init__(self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)
        self.axis = axis


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean of concordance correlations: `concordance_correlation`.

    `2 cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2)`

    Args:
        name, dtype: See `Metric`.
        axis: The axis of the pairs of values.

    Example:
        >>> import lamina
        >>> round(float(lamina.metrics.ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]])), 4)
        1.0
    """

    _direction = "up"

    def __init__(self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
        self.axis = axis


class R2Score(Metric):
    """Coefficient of determination: the share of the variance that is predicted.

    `1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2)`

    Args:
        class_aggregation: "uniform_average" (the mean over columns), "variance_weighted_average", or None (one score per
            column).
        num_regressors: How many variables the predictions come from: the score is adjusted for them; 0: it is not.
        name, dtype: See `Metric`.

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> import lamina
        >>> round(float(lamina.metrics.R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [2.0]])), 4)
        0.5
    """

    _direction = "up"
    count: Any = None
    squared_sum: Any
    sum: Any
    residual: Any

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        known = (None, "uniform_average", "variance_weighted_average")
        self.class_aggregation = one_of("R2Score", "class_aggregation", class_aggregation, known)
        if num_regressors < 0:
            raise ValueError(f"R2Score: `num_regressors` must not be negative, got {num_regressors!r}.")
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", self._summed_in, name="num_samples")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: Tensor (batch, columns).
            y_pred: Tensor of the same shape.
            sample_weight: Tensor (batch,), or one weight per value.

        Raises:
            ValueError: if the shapes do not fit.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        check_columns("R2Score", y_true, y_pred)
        if self.count is None:
            zeros = lambda name: self.add_variable((y_true.shape[-1],), "zeros", self._summed_in, name=name)
            self.squared_sum, self.sum, self.residual = zeros("squared_sum"), zeros("sum"), zeros("residual")
            self.count = zeros("count")
        y_true, y_pred = ops.cast(y_true, self._summed_in), ops.cast(y_pred, self._summed_in)
        weight = ops.ones_like(y_true)
        if sample_weight is not None:
            given = ops.convert_to_tensor(sample_weight, dtype=self._summed_in)
            weight = weight * (ops.expand_dims(given, -1) if len(given.shape) == 1 else given)
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.residual.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.cast(ops.size(y_true), self._summed_in))

    def result(self) -> Any:
        """The score: (columns,) without an aggregation, otherwise a scalar."""
        if self.count is None:  # no batch yet, so the number of columns is not known
            return ops.zeros((), dtype=self._summed_in)
        total = self.squared_sum - self.sum * (self.sum / self.count)
        score = 1.0 - self.residual / total
        score = ops.where(ops.isinf(score), 0.0, score)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(score)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.sum(score * (total / ops.sum(total)))
        if not self.num_regressors:
            return score
        free = self.num_samples - self.num_regressors - 1.0
        adjusted = 1.0 - (1.0 - score) * (self.num_samples - 1.0) / ops.where(
            ops.greater(free, 0.0), free, 1.0
        )
        return ops.where(
            ops.greater(free, 0.0), adjusted, score
        )  # with too few samples it cannot be adjusted
