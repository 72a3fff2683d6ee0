"""Monitor: what callbacks share that watch one number of the logs."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

from lamina.callbacks.callback import Callback
from lamina.errors import suggestion


class Monitor(Callback):
    """Watches a name in the logs, and knows whether it became better.

    Args:
        monitor: The name.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        min_delta: By how much a value must be better to count.
        best: A value to begin with.
    """

    _kept = ("best",)

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0, best: float | None = None) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: the mode {mode!r} is unknown; 'auto' is used. Use 'min', 'max' or 'auto'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor, self.mode = monitor, mode
        self.min_delta = abs(min_delta)
        self.best = best
        self._up: bool | None = None if mode == "auto" else mode == "max"

    def _forget_direction(self) -> None:
        if self.mode == "auto":
            self._up = None

    @property
    def monitor_op(self) -> Any:
        """The comparison by which a value is better than another; None while the direction is not known."""
        if self._up is None and self.model is not None:
            self._up = self._direction() == "up"
        return None if self._up is None else operator.gt if self._up else operator.lt

    def _better(self, value: float, than: float | None) -> bool:
        """Whether a value beats another one by `min_delta`; anything beats none."""
        if than is None:
            return True
        compare = self.monitor_op
        return bool(compare(value - self.min_delta if self._up else value + self.min_delta, than))

    def _direction(self, logs: Any = ()) -> str:
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return "down"
        named = getattr(self.model, "_named_metrics", None)
        found = (
            dict(named()) if named is not None else {m.name: m for m in getattr(self.model, "metrics", ())}
        )
        metric = found.get(name)
        direction = _known_direction(metric)
        if direction is None:
            known = ", ".join(found) or "none"
            nearest = suggestion(self.monitor, {*logs, *found}) or suggestion(name, found)
            raise ValueError(
                f"{type(self).__name__} watches {self.monitor!r}, but whether it should rise or fall is not known (metrics: "
                f"{known}).{nearest} Pass mode='max' or mode='min'."
            )
        return direction

    def _value(self, logs: Any, what: str) -> float | None:
        """The watched number; None, with a warning, where the logs do not have it."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            if self._up is None:
                self._direction(
                    logs
                )  # a name of which nothing is known is a mistake, and not a metric that is late
            warnings.warn(
                f"{type(self).__name__}: {what} needs the metric {self.monitor!r}, which is not there."
                f"{self._hint(logs)} Available metrics: {', '.join(logs) or 'none'}.",
                stacklevel=4,
            )
            return None
        return float(value)

    def _hint(self, logs: Any) -> str:
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            return " There is no validation: give `validation_data` or `validation_split` to `fit`, or watch a metric of training."
        return suggestion(self.monitor, logs)


def _known_direction(metric: Any) -> str | None:
    """Which way is better, as a metric says itself or as its wrapped function's name tells."""
    direction = getattr(metric, "_direction", None)
    if direction is not None or metric is None:
        return direction
    function = getattr(metric, "_fn", None)
    return getattr(function, "_direction", None)


def is_broken(value: Any) -> bool:
    """Whether a number is NaN or infinite."""
    return value is not None and not math.isfinite(float(value))
