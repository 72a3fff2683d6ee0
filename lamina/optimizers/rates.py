"""What may stand for a learning rate: a number, a schedule, or a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lamina.optimizers.schedules import deserialize
from lamina.optimizers.schedules.base import LearningRateSchedule


def moves(rate: Any) -> bool:
    """Whether the rate depends on the step: a schedule or a function (tensors may be callable, too)."""
    return isinstance(rate, LearningRateSchedule) or (callable(rate) and not hasattr(rate, "dtype"))


def checked(rate: Any) -> Any:
    """The rate as a number, or the schedule or function.

    Raises:
        ValueError: if it is neither.
    """
    if isinstance(rate, dict):
        return deserialize(rate)
    if moves(rate):
        return rate
    if isinstance(rate, bool) or not (isinstance(rate, int | float) or hasattr(rate, "dtype")):
        raise ValueError(
            f"`learning_rate` must be a number, a LearningRateSchedule or a callable, got {rate!r}."
        )
    return float(rate)


def call(rate: Callable[..., Any], count: Any) -> Any:
    """What a schedule, or a function with or without an argument, gives."""
    if isinstance(rate, LearningRateSchedule):
        return rate(count)
    try:
        wants = [
            p for p in inspect.signature(rate).parameters.values() if p.default is p.empty and p.kind < 2
        ]
    except (TypeError, ValueError):  # a builtin tells nothing
        wants = []
    return rate(count) if wants else rate()
