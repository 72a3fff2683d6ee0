"""Losses of overlap, for segmentation."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.losses._prepare import elementwise


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """One minus the Dice coefficient of two sets.

    `1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + epsilon)`

    Args:
        y_true: Tensor (batch, ...): memberships, 0 to 1.
        y_pred: Tensor of the same shape: probabilities.
        axis: The axes of the sums; None means all, batch included.

    Returns:
        A tensor without these axes.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> round(float(lamina.losses.dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """
    y_true, y_pred = elementwise("dice", y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1.0 - 2.0 * both / (total + config.epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """One minus the Tversky index: Dice with a price for each kind of error.

    `1 - tp / (tp + alpha fn + beta fp + epsilon)`

    Args:
        y_true: Tensor (batch, ...): memberships, 0 to 1.
        y_pred: Tensor of the same shape: probabilities.
        alpha: The price of false negatives.
        beta: The price of false positives.
        axis: The axes of the sums; None means all, batch included.

    Returns:
        A tensor without these axes.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> round(float(lamina.losses.tversky([[1.0, 0.0]], [[1.0, 1.0]], beta=1.0)), 4)
        0.5

    Reference:
        Salehi et al., 2017: Tversky loss function, https://arxiv.org/abs/1706.05721
    """
    y_true, y_pred = elementwise("tversky", y_true, y_pred)
    hits = ops.sum(y_true * y_pred, axis=axis)
    false_positives = ops.sum((1.0 - y_true) * y_pred, axis=axis)
    false_negatives = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    return 1.0 - hits / (hits + alpha * false_negatives + beta * false_positives + config.epsilon())
