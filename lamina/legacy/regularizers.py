"""`keras.regularizers`: names that Keras 3 has no more."""

from __future__ import annotations

from typing import Any

from lamina.regularizers import L1, L1L2, L2
from lamina.regularizers import Regularizer as Regularizer

__all__ = ["WeightRegularizer", "activity_l1", "activity_l1l2", "activity_l2", "l1", "l1_l2", "l1l2", "l2"]

WeightRegularizer = L1L2
l1_l2 = L1L2


def l1(l: float = 0.01, **kwargs: Any) -> L1:  # noqa: E741 - its name in Keras 2
    """`l sum |w|`."""
    return L1(kwargs.get("l1", l))


def l2(l: float = 0.01, **kwargs: Any) -> L2:  # noqa: E741
    """`l sum w^2`."""
    return L2(kwargs.get("l2", l))


activity_l1, activity_l2 = l1, l2


def l1l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """`l1 sum |w| + l2 sum w^2`."""
    return L1L2(l1, l2)


activity_l1l2 = l1l2
