"""Sums and means over all batches, of values or of a function's values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import ops
from lamina.core.masks import get_mask
from lamina.core.numeric import check_numbers
from lamina.kernel.namespaces import is_ours
from lamina.losses import _prepare
from lamina.losses.identifiers import function_config
from lamina.metrics import identifiers
from lamina.metrics.metric import Metric


def per_sample(
    what: str, values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: str
) -> tuple[Any, Any]:
    """Weighted values and weights, one per sample.

    Values have more axes than weights: the rest is reduced first. Otherwise both are reduced over all but the first.

    Args:
        what: What is computed, for errors.
        values: Tensor (batch, ...); its mask counts as weights of 0.
        sample_weight: Tensor that broadcasts to the values, or None.
        reduce: `ops.mean` or `ops.sum`.
        dtype: The dtype of the results.

    Returns:
        The values times the weights, and the weights or None.

    Raises:
        ValueError: if the shapes do not fit.
    """
    mask = get_mask(values)
    values = ops.convert_to_tensor(values, dtype=dtype)
    if sample_weight is None:
        return (
            reduce(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values
        ), None
    sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    sample_weight = _prepare.masked_weight(sample_weight, mask, dtype, keep_mean=False)
    values, sample_weight = _prepare.same_rank(values, sample_weight)
    shared = len(sample_weight.shape)
    if len(values.shape) > shared:
        values = reduce(values, axis=tuple(range(shared, len(values.shape))))
    values, sample_weight = _prepare.weighted(what, values, sample_weight)
    if tuple(sample_weight.shape) != tuple(values.shape):  # each value counts with its weight
        sample_weight = ops.broadcast_to(sample_weight, ops.shape(values))
    if len(values.shape) > 1:
        rest = tuple(range(1, len(values.shape)))
        sample_weight = reduce(sample_weight, axis=rest)
        values = reduce(values, axis=rest)
    return values, sample_weight


class Sum(Metric):
    """Sum of all values.

    `sum(weight * value)`

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.Sum()
        >>> metric.update_state([1.0, 3.0])
        >>> float(metric.result())
        4.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take in values.

        Args:
            values: Tensor (batch, ...), or a scalar.
            sample_weight: One weight per sample, or per value.
        """
        values, _ = per_sample(self.name, values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        """The sum."""
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """Mean of all values.

    `sum(weight * value) / sum(weight)`; each sample's value is the mean over its axes. 0 without samples.

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> metric.update_state([5.0])
        >>> float(metric.result())
        3.0
    """

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Take in values.

        Args:
            values: Tensor (batch, ...), or a scalar.
            sample_weight: One weight per sample, or per value.
        """
        values, weight = per_sample(self.name, values, sample_weight, ops.mean, self.dtype)
        count = _prepare.size(values) if weight is None else ops.sum(weight)
        self._add(ops.sum(values), ops.cast(count, self.dtype))

    def _add(self, total: Any, count: Any) -> None:
        """Take in a sum of values that is known already, and of how many it is: scalars of the metric's dtype."""
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self) -> Any:
        """The mean."""
        return ops.divide_no_nan(self.total, ops.cast(self.count, self.dtype))


class MeanMetricWrapper(Mean):
    """Mean of a function's values.

    `sum(weights * values) / sum(weights)`

    Args:
        fn: A function `(y_true, y_pred, **kwargs)` that gives one value per sample.
        name, dtype: See `Metric`.
        **kwargs: Further arguments of `fn`.

    Example:
        >>> import lamina
        >>> metric = lamina.metrics.MeanMetricWrapper(lamina.losses.huber, delta=2.0)
        >>> metric.update_state([[0.0]], [[1.0]])
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name, dtype)  # type: ignore[arg-type]
        self._fn = _function(fn)
        if is_ours(self._fn):
            check_numbers(type(self).__name__, self._fn, kwargs)
        self._fn_kwargs = kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Args:
            y_true: The labels.
            y_pred: The predictions; their mask leaves entries out.
            sample_weight: One weight per sample, or per value of the function.
        """
        mask = get_mask(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        sample_weight = _prepare.masked_weight(sample_weight, mask, self.dtype, keep_mean=False)
        super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold."""
        written = super().get_config()
        return written | {"fn": function_config(self._fn)} if "fn" in written else written


def _function(fn: Any) -> Any:
    """A function, also by name."""
    return identifiers.get(fn) if isinstance(fn, str) else fn
