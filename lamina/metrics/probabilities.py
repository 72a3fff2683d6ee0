"""Metrics of probabilities and margins: means of the losses of the same names."""

from __future__ import annotations

from typing import Any

from lamina import losses
from lamina.metrics.reductions import MeanMetricWrapper


class BinaryCrossentropy(MeanMetricWrapper):
    """Cross entropy of yes/no predictions: `lamina.losses.binary_crossentropy`.

    `mean(-(y_true log y_pred + (1 - y_true) log(1 - y_pred)))` over the axis

    Args:
        name, dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: labels move so far towards 0.5.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.BinaryCrossentropy(from_logits=True)([[1.0, 0.0]], [[1e4, 1e4]]))
        5000.0
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        kwargs = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **kwargs)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


class CategoricalCrossentropy(MeanMetricWrapper):
    """Cross entropy against one-hot labels: `lamina.losses.categorical_crossentropy`.

    `-sum(y_true log y_pred)` over the axis

    Args:
        name, dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        label_smoothing: Between 0 and 1: so much of each label is spread over all classes.
        axis: The axis of the classes.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.CategoricalCrossentropy(from_logits=True)([[0.0, 1.0]], [[1e4, 0.0]]))
        10000.0
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        kwargs = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **kwargs)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Cross entropy against class numbers: `lamina.losses.sparse_categorical_crossentropy`.

    `-log y_pred[y_true]`

    Args:
        name, dtype: See `Metric`.
        from_logits: Whether predictions are logits.
        ignore_class: A label that costs nothing.
        axis: The axis of the classes.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SparseCategoricalCrossentropy(from_logits=True)([1], [[1e4, 0.0]]))
        10000.0
    """

    _direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        kwargs = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **kwargs)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis


class KLDivergence(MeanMetricWrapper):
    """Kullback-Leibler divergence: `lamina.losses.kl_divergence`.

    `sum(y_true log(y_true / y_pred))`, with both kept between epsilon and 1

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    _direction = "down"

    def __init__(self, name: str = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """Poisson loss, of counts: `lamina.losses.poisson`.

    `mean(y_pred - y_true log(y_pred + epsilon))` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.Poisson()([[0.0, 0.0]], [[1.0, 3.0]]))
        2.0
    """

    _direction = "down"

    def __init__(self, name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """What is missing to a margin of 1: `lamina.losses.hinge`.

    `mean(max(1 - y_true y_pred, 0))` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.Hinge()([[1.0, -1.0]], [[0.5, -3.0]]))
        0.25
    """

    _direction = "down"

    def __init__(self, name: str = "hinge", dtype: Any = None) -> None:
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """Squares of what is missing to a margin of 1: `lamina.losses.squared_hinge`.

    `mean(max(1 - y_true y_pred, 0)^2)` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.SquaredHinge()([[1.0, -1.0]], [[0.0, -3.0]]))
        0.5
    """

    _direction = "down"

    def __init__(self, name: str = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """How far the best wrong class comes within 1 of the right one: `lamina.losses.categorical_hinge`.

    `max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0)` over the last axis

    Args:
        name, dtype: See `Metric`.

    Example:
        >>> import lamina
        >>> float(lamina.metrics.CategoricalHinge()([[1.0, 0.0, 0.0]], [[2.0, 1.5, 0.0]]))
        0.5
    """

    _direction = "down"

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype)
