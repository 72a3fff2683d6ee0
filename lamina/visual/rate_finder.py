"""The learning-rate finder: the loss at rates that grow from step to step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lamina.callbacks import Callback
from lamina.callbacks.figures import grid
from lamina.core.seeds import random_state, set_random_state


class RateCurve:
    """The losses at growing learning rates: what `find_learning_rate` gives.

    Args:
        rates: The rates.
        losses: The smoothed loss of the step that was made with each.

    Attributes:
        suggestion: The rate where the loss falls most steeply, as Smith and fastai take it; None where it never falls.

    Example:
        >>> import lamina
        >>> lamina.visual.RateCurve([0.001, 0.01, 0.1, 1.0], [1.0, 0.9, 0.4, 3.0]).suggestion
        0.01
    """

    def __init__(self, rates: list[float], losses: list[float]) -> None:
        self.rates, self.losses = list(rates), list(losses)
        self.suggestion = self._steepest()

    def _steepest(self) -> float | None:
        if len(self.rates) < 2:
            return None
        # over single steps, and where few of them are averaged yet, noise between batches is the steepest
        apart, first = max(1, len(self.rates) // 10), min(10, len(self.rates) // 4)
        logs, losses = np.log(self.rates), np.array(self.losses)
        slopes = ((losses[apart:] - losses[:-apart]) / (logs[apart:] - logs[:-apart]))[first:]
        best = int(np.argmin(slopes))
        return self.rates[first + best + apart // 2] if slopes[best] < 0 else None

    def plot(self) -> Any:
        """The loss over the rate as a `matplotlib.figure.Figure`, with the suggestion.

        Raises:
            ImportError: if matplotlib is missing, with the line that installs it.
        """
        figure, (axes,) = grid(1, 1, 5.0, 3.2)
        axes.plot(self.rates, self.losses)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        if self.suggestion is not None:
            at = self.rates.index(self.suggestion)
            axes.plot([self.suggestion], [self.losses[at]], "o", label=f"suggestion {self.suggestion:.2g}")
            axes.legend()
        return figure

    def __repr__(self) -> str:
        found = "none" if self.suggestion is None else f"{self.suggestion:.2g}"
        return f"<RateCurve of {len(self.rates)} steps, suggestion: {found}>"


def find_learning_rate(
    model: Any, x: Any, y: Any = None, *, sample_weight: Any = None, batch_size: int | None = None,
    lowest: float = 1e-6, highest: float = 1.0, steps: int = 100, smoothing: float = 0.9, stop: float = 4.0,
) -> RateCurve:  # fmt: skip
    """Train for some steps at a rate that grows, and give the model back as it was.

    `rate_i = lowest (highest / lowest)^(i / (steps - 1))`, and the loss is smoothed: `s_i = (1 - b) sum_j b^(i-j) l_j / (1 - b^(i+1))`

    Args:
        model: A compiled model whose optimizer has a number as its rate.
        x, y, sample_weight, batch_size: As for `fit`.
        lowest, highest: The first and the last rate.
        steps: How many steps.
        smoothing: The share b of the steps before in the smoothed loss, from 0 to below 1.
        stop: It ends where the smoothed loss is this many times its least value, or not finite.

    Returns:
        A RateCurve, which suggests a rate and plots itself. Weights, optimizer, metrics, random draws and history of the
        model are as they were before.

    Raises:
        ValueError: if the model is not compiled, or a number is out of range.
        TypeError: if the optimizer's rate is a schedule.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> curve = lamina.visual.find_learning_rate(model, np.ones((32, 4)), np.ones((32, 1)), steps=10, batch_size=8)
        >>> len(curve.rates), float(model.optimizer.learning_rate)
        (10, 0.009999999776482582)

    Reference:
        Smith, Cyclical Learning Rates for Training Neural Networks, 2017.
    """
    if not 0 < lowest < highest:
        raise ValueError(f"`lowest` must be above 0 and below `highest`, got {lowest!r} and {highest!r}.")
    if steps < 2 or not 0 <= smoothing < 1 or stop <= 1:
        raise ValueError(
            f"find_learning_rate needs 2 `steps` or more, `smoothing` from 0 to below 1 and `stop` above 1, got {steps!r}, "
            f"{smoothing!r} and {stop!r}."
        )
    probe = _Growing(np.geomspace(lowest, highest, steps).tolist(), smoothing, stop)
    _build(model, x, y, batch_size)
    with _as_it_was(model):
        # passes over the data go on until the steps are made, or a source has no more
        model.fit(x, y, batch_size, epochs=steps, sample_weight=sample_weight, callbacks=[probe], verbose=0)
    return RateCurve(probe.rates[: len(probe.losses)], probe.losses)


class _Growing(Callback):
    """Sets each step's rate, and notes the loss of that step alone."""

    def __init__(self, rates: list[float], smoothing: float, stop: float) -> None:
        super().__init__()
        self.rates, self.smoothing, self.stop = rates, smoothing, stop
        self.losses: list[float] = []
        self._average = 0.0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = self.rates[min(len(self.losses), len(self.rates) - 1)]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.model.reset_metrics()  # so that the next loss is that of its batch
        self._average = self.smoothing * self._average + (1 - self.smoothing) * logs["loss"]
        smoothed = self._average / (1 - self.smoothing ** (len(self.losses) + 1))
        if not math.isfinite(smoothed) or smoothed > self.stop * min([*self.losses, smoothed]):
            self.model.stop_training = True
            return
        self.losses.append(smoothed)
        self.model.stop_training = len(self.losses) == len(self.rates)


def _build(model: Any, x: Any, y: Any, batch_size: int | None) -> None:
    """What is given back must be there: a model is built from what it is trained on."""
    model._require_training("find_learning_rate")
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet: call it on data, or `build(input_shape)`.")
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


@contextmanager
def _as_it_was(model: Any) -> Iterator[None]:
    """Give variables, random draws and the history back afterwards."""
    variables = {
        id(v): v for v in (*model.variables, *model.optimizer.variables, *model.metrics_variables)
    }.values()
    values, history, draws = [v.numpy().copy() for v in variables], model.history, random_state()
    try:
        yield
    finally:
        for v, value in zip(variables, values, strict=True):
            v.assign(value)
        set_random_state(draws)
        model.history, model.stop_training = history, False
