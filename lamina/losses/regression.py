"""Losses on numbers: distances between labels and predictions, over the last axis."""

from __future__ import annotations

import math
from typing import Any

from lamina import config, ops
from lamina.losses._prepare import elementwise


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of squared errors.

    `mean((y_true - y_pred)^2)` over the last axis

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [2.0]
    """
    y_true, y_pred = elementwise("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of absolute errors.

    `mean(|y_true - y_pred|)` over the last axis

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [1.0]
    """
    y_true, y_pred = elementwise("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of absolute errors in percent of the label.

    `100 mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).tolist()
        [25.0]
    """
    y_true, y_pred = elementwise("mean_absolute_percentage_error", y_true, y_pred)
    share = ops.abs(y_true - y_pred) / ops.maximum(ops.abs(y_true), config.epsilon())
    return 100.0 * ops.mean(share, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of squared differences of logarithms.

    `mean((log(1 + max(y_true, epsilon)) - log(1 + max(y_pred, epsilon)))^2)` over the last axis

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.mean_squared_logarithmic_error([[1.0, 3.0]], [[1.0, 3.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = elementwise("mean_squared_logarithmic_error", y_true, y_pred)
    first, second = (ops.log(ops.maximum(y, config.epsilon()) + 1.0) for y in (y_pred, y_true))
    return ops.mean(ops.square(first - second), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Cosine of the angle between labels and predictions, negated: -1 is best.

    `-sum(y_true / |y_true| * y_pred / |y_pred|)`

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.
        axis: The axis of the vectors.

    Returns:
        A tensor without the axis, between -1 and 1; 0 where a vector is zero.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.cosine_similarity([[0.0, 2.0]], [[0.0, 4.0]]).tolist()
        [-1.0]
    """
    y_true, y_pred = elementwise("cosine_similarity", y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Squares of small errors, absolute values of large ones.

    `mean(e^2 / 2 if |e| <= delta else delta (|e| - delta / 2))` over the last axis, for `e = y_true - y_pred`

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.
        delta: Where squares turn into absolute values.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
        [1.5]

    Reference:
        Huber, 1964: Robust Estimation of a Location Parameter
    """
    y_true, y_pred = elementwise("huber", y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    return ops.mean(
        ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta * delta),
        axis=-1,
    )


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Logarithm of the hyperbolic cosine of the error.

    `mean(log(cosh(y_pred - y_true)))` over the last axis: about `e^2 / 2` for small errors, `|e| - log 2` for large ones.

    Args:
        y_true: Tensor (batch, ..., n).
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.log_cosh([[1.0, 2.0]], [[1.0, 2.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = elementwise("log_cosh", y_true, y_pred)
    error = y_pred - y_true
    # log cosh e = e + log(1 + exp(-2e)) - log 2: nothing overflows
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Kullback-Leibler divergence of distributions over the last axis.

    `sum(y_true log(y_true / y_pred))`, with both kept between epsilon and 1

    Args:
        y_true: Tensor (batch, ..., n): probabilities.
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
        [0.0]
    """
    y_true, y_pred = elementwise("kl_divergence", y_true, y_pred)
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1.0) for y in (y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Poisson loss: the negative logarithm of the likelihood of counts, up to a constant.

    `mean(y_pred - y_true log(y_pred + epsilon))` over the last axis

    Args:
        y_true: Tensor (batch, ..., n): counts.
        y_pred: Tensor of the same shape: expected counts, not negative.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.poisson([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
        [2.0]
    """
    y_true, y_pred = elementwise("poisson", y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)
