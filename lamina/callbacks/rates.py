"""Callbacks that change the learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.callbacks.callback import Callback
from lamina.callbacks.message import say
from lamina.callbacks.monitor import Monitor


def _optimizers(optimizer: Any) -> list[Any]:
    """Those that have a rate of their own: of a MultiOptimizer each one, of a LossScaleOptimizer the inner one."""
    inner = getattr(optimizer, "inner_optimizer", None)
    parts = getattr(optimizer, "optimizers", None)
    if inner is not None:
        return _optimizers(inner)
    return [optimizer] if parts is None else [one for part in parts for one in _optimizers(part)]


def _log_rates(model: Any, logs: Any) -> None:
    """Put the rate into the logs; of several optimizers each one's, by the optimizer's name."""
    found = _optimizers(model.optimizer)
    for one in found:
        logs["learning_rate" if len(found) == 1 else f"learning_rate_{one.name}"] = float(one.learning_rate)


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch; of a MultiOptimizer, that of each optimizer.

    Args:
        schedule: A function of the epoch's number and the present rate, or of the epoch's number alone.
        verbose: 1 says the rate.

    Raises:
        ValueError: if the function gives no number.

    Example:
        >>> import lamina
        >>> halve = lamina.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _arguments(schedule) != 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the rate."""
        for optimizer in _optimizers(self.model.optimizer):
            self._set(epoch, optimizer)

    def _set(self, epoch: int, optimizer: Any) -> None:
        before = float(optimizer.learning_rate)
        rate = self.schedule(epoch, before) if self._takes_rate else self.schedule(epoch)
        if not isinstance(rate, float | int | np.floating) and getattr(rate, "shape", None) != ():
            raise ValueError(f"The `schedule` of LearningRateScheduler must give a number, got {rate!r}.")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            say(f"Epoch {epoch + 1}: the learning rate is set to {float(rate):g}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Put the rate into the logs."""
        if logs is not None:
            _log_rates(self.model, logs)


def _arguments(function: Callable[..., Any]) -> int:
    """How many arguments a function takes by position; 2 where that cannot be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2
    kinds = inspect.Parameter
    if any(p.kind is kinds.VAR_POSITIONAL for p in parameters):
        return 2
    return sum(p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) for p in parameters)


class ReduceLROnPlateau(Monitor):
    """Makes the learning rate smaller when a number of the logs no longer becomes better.

    Of a MultiOptimizer it makes each optimizer's smaller.

    Args:
        monitor: The name in the logs.
        factor: What the rate is multiplied by, below 1.
        patience: How many epochs without a better value it waits.
        verbose: 1 says when it changes the rate.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        min_delta: By how much a value must be better to count.
        cooldown: How many epochs to wait after a change before counting again.
        min_lr: The least rate.

    Raises:
        ValueError: if `factor` is not below 1.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=3)
    """

    _kept = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau got unknown arguments: {', '.join(kwargs)}.")
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau does not support a factor >= 1.0, got factor={factor}.")
        self.factor, self.min_lr = factor, min_lr
        self.patience, self.verbose, self.cooldown = patience, verbose, cooldown
        self._begin()

    def _begin(self) -> None:
        self.best = None
        self.cooldown_counter = self.wait = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew, so that an instance can be used again."""
        self._begin()
        self._forget_direction()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best one, and put the rate into the logs."""
        logs = {} if logs is None else logs
        _log_rates(self.model, logs)
        value = self._value(logs, "a change of the learning rate")
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        rates = [(one, float(one.learning_rate)) for one in _optimizers(self.model.optimizer)]
        high = [(one, rate) for one, rate in rates if rate > np.float32(self.min_lr)]
        for optimizer, rate in high:
            smaller = max(rate * self.factor, self.min_lr)
            optimizer.learning_rate = smaller
            if self.verbose > 0:
                say(f"Epoch {epoch + 1}: ReduceLROnPlateau reduces the learning rate to {smaller:g}.")
        if not high:
            return
        self.cooldown_counter, self.wait = self.cooldown, 0

    def in_cooldown(self) -> bool:
        """Whether it waits after a change."""
        return self.cooldown_counter > 0
