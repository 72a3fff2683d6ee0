"""Losses of margins: the right side must win by 1."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.losses._prepare import elementwise


def _signs(y_true: Any) -> Any:
    """Labels of 0 and 1 as -1 and 1; other labels as they are."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2.0 * y_true - 1.0, y_true)


def _margin(name: str, y_true: Any, y_pred: Any) -> Any:
    y_true, y_pred = elementwise(name, y_true, y_pred)
    return ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of what is missing to a margin of 1.

    `mean(max(1 - y_true y_pred, 0))` over the last axis

    Args:
        y_true: Tensor (batch, ..., n) of -1 and 1; if all labels are 0 or 1, 0 means -1.
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.hinge([[1.0, -1.0]], [[0.5, -3.0]]).tolist()
        [0.25]
    """
    return ops.mean(_margin("hinge", y_true, y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of squares of what is missing to a margin of 1.

    `mean(max(1 - y_true y_pred, 0)^2)` over the last axis

    Args:
        y_true: Tensor (batch, ..., n) of -1 and 1; if all labels are 0 or 1, 0 means -1.
        y_pred: Tensor of the same shape.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.squared_hinge([[1.0, -1.0]], [[0.0, -3.0]]).tolist()
        [0.5]
    """
    return ops.mean(ops.square(_margin("squared_hinge", y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """How far the best wrong class comes within 1 of the right one.

    `max(max((1 - y_true) y_pred) - sum(y_true y_pred) + 1, 0)` over the last axis

    Args:
        y_true: Tensor (batch, ..., classes): one-hot rows.
        y_pred: Tensor of the same shape: scores.

    Returns:
        Tensor (batch, ...).

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> import lamina
        >>> lamina.losses.categorical_hinge([[1.0, 0.0, 0.0]], [[2.0, 1.5, 0.0]]).tolist()
        [0.5]
    """
    y_true, y_pred = elementwise("categorical_hinge", y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1.0, 0.0)
