"""Schedules that fall smoothly, in steps, or in waves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.ops.op import convert
from lamina.optimizers.schedules.base import LearningRateSchedule


def _float(step: Any) -> tuple[Any, Any]:
    """The kernel, and the step as a float tensor."""
    k = current()
    return k, convert(k, step, "float32")


def _number(value: Any, name: str) -> Any:
    if isinstance(value, str | list | tuple | None):
        raise ValueError(f"`{name}` must be a number, got {value!r}.")
    return value


def _positive(value: Any, name: str) -> Any:
    if isinstance(value, str | list | tuple | None) or not value > 0:
        raise ValueError(f"`{name}` must be positive, got {value!r}.")
    return value


class ExponentialDecay(LearningRateSchedule):
    """`initial * rate^(step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: Over how many steps the rate falls once by `decay_rate`.
        decay_rate: A factor.
        staircase: Whether the rate falls at whole multiples of `decay_steps` only.
        name: A name.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.schedules.ExponentialDecay(1.0, 10, 0.5)(20))
        0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = (
            _number(initial_learning_rate, "initial_learning_rate"),
            _positive(decay_steps, "decay_steps"),
        )
        self.decay_rate = _number(decay_rate, "decay_rate")
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        p = step / self.decay_steps
        return self.initial_learning_rate * k.pow(
            k.full((), self.decay_rate, "float32"), k.floor(p) if self.staircase else p
        )


class InverseTimeDecay(LearningRateSchedule):
    """`initial / (1 + rate * step / decay_steps)`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: How many steps count as one.
        decay_rate: How fast the rate falls.
        staircase: Whether the rate falls at whole multiples of `decay_steps` only.
        name: A name.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.schedules.InverseTimeDecay(1.0, 10, 1.0)(10))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = (
            _number(initial_learning_rate, "initial_learning_rate"),
            _positive(decay_steps, "decay_steps"),
        )
        self.decay_rate = _number(decay_rate, "decay_rate")
        self.staircase, self.name = staircase, name

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        p = step / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (k.floor(p) if self.staircase else p))


class PiecewiseConstantDecay(LearningRateSchedule):
    """One value up to and with each boundary, the last one behind them.

    Args:
        boundaries: Growing step numbers.
        values: One more than boundaries.
        name: A name.

    Raises:
        ValueError: if the lengths do not fit, or the boundaries do not grow.

    Example:
        >>> import lamina
        >>> rate = lamina.optimizers.schedules.PiecewiseConstantDecay([100], [1.0, 0.5])
        >>> float(rate(100)), float(rate(101))
        (1.0, 0.5)
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"PiecewiseConstantDecay needs one value more than boundaries, got {len(values)} values for "
                f"{len(boundaries)} boundaries."
            )
        if any(b <= a for a, b in itertools.pairwise(boundaries)):
            raise ValueError(f"`boundaries` must grow, got {list(boundaries)}.")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        rate = k.full((), self.values[0], "float32")
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            beyond = k.greater(step, k.full((), boundary, "float32"))
            rate = k.where(beyond, k.full((), value, "float32"), rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """`(initial - end) * (1 - step / decay_steps)^power + end`.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: At which step the end is reached.
        end_learning_rate: The rate at the end.
        power: 1 is a straight line.
        cycle: Whether, beyond the end, the rate begins anew with twice, three times, ... as many steps.
        name: A name.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> import lamina
        >>> float(lamina.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)(5))
        0.5
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps = (
            _number(initial_learning_rate, "initial_learning_rate"),
            _positive(decay_steps, "decay_steps"),
        )
        self.end_learning_rate = _number(end_learning_rate, "end_learning_rate")
        self.power, self.cycle, self.name = _number(power, "power"), cycle, name

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        total = self.decay_steps
        if self.cycle:
            p = step / (total * k.maximum(k.ceil(step / total), 1.0))
        else:
            p = k.minimum(step, float(total)) / total
        span = self.initial_learning_rate - self.end_learning_rate
        return span * k.pow(1 - p, self.power) + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """`initial * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`, after a linear warm-up if wanted.

    Args:
        initial_learning_rate: The rate at step 0.
        decay_steps: Over how many steps the rate falls.
        alpha: The share of the highest rate that is left at the end.
        name: A name.
        warmup_target: The rate at the end of the warm-up, from which it falls; None is no warm-up.
        warmup_steps: Over how many steps the rate rises.

    Raises:
        ValueError: if `decay_steps` is not positive.

    Example:
        >>> import lamina
        >>> rate = lamina.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=1.0, warmup_steps=10)
        >>> float(rate(5)), float(rate(10))
        (0.5, 1.0)

    Reference:
        Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate, self.decay_steps = (
            _number(initial_learning_rate, "initial_learning_rate"),
            _positive(decay_steps, "decay_steps"),
        )
        self.alpha, self.name = _number(alpha, "alpha"), name
        self.warmup_target = None if warmup_target is None else _number(warmup_target, "warmup_target")
        self.warmup_steps = warmup_steps

    def _fallen(self, k: Kernel, step: Any, highest: float) -> Any:
        p = k.clip(step / self.decay_steps, 0.0, 1.0)
        return highest * ((1 - self.alpha) * 0.5 * (1 + k.cos(math.pi * p)) + self.alpha)

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        if self.warmup_target is None:
            return self._fallen(k, step, self.initial_learning_rate)
        fallen = self._fallen(k, step - self.warmup_steps, self.warmup_target)
        if not self.warmup_steps:
            return fallen
        first = self.initial_learning_rate
        risen = first + (self.warmup_target - first) * (step / self.warmup_steps)
        return k.where(k.less(step, k.full((), self.warmup_steps, "float32")), risen, fallen)


class CosineDecayRestarts(LearningRateSchedule):
    """A cosine that falls, and begins anew over `t_mul` times as many steps from `m_mul` times the rate.

    Args:
        initial_learning_rate: The rate at step 0.
        first_decay_steps: How many steps the first fall takes.
        t_mul: The factor of the steps at every restart.
        m_mul: The factor of the rate at every restart.
        alpha: The share of the rate that is left at the end of a fall.
        name: A name.

    Raises:
        ValueError: if `first_decay_steps` is not positive.

    Example:
        >>> import lamina
        >>> rate = lamina.optimizers.schedules.CosineDecayRestarts(1.0, 10, m_mul=0.5)
        >>> float(rate(0)), float(rate(10))
        (1.0, 0.5)

    Reference:
        Loshchilov and Hutter, 2017, SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = _number(initial_learning_rate, "initial_learning_rate")
        self.first_decay_steps = _positive(first_decay_steps, "first_decay_steps")
        self.t_mul, self.m_mul = _positive(t_mul, "t_mul"), _number(m_mul, "m_mul")
        self.alpha, self.name = _number(alpha, "alpha"), name

    def __call__(self, step: Any) -> Any:
        k, step = _float(step)
        done = step / self.first_decay_steps  # in units of the first fall
        if self.t_mul == 1.0:
            restarts = k.floor(done)
            part = done - restarts
        else:
            # a geometric series: after n falls, (t_mul^n - 1) / (t_mul - 1) units are over
            restarts = k.floor(k.log(1 - done * (1 - self.t_mul)) / math.log(self.t_mul))
            grown = k.pow(k.full((), self.t_mul, "float32"), restarts)
            part = (done - (1 - grown) / (1 - self.t_mul)) / grown
        height = (1 - self.alpha) * k.pow(k.full((), self.m_mul, "float32"), restarts)
        return self.initial_learning_rate * (height * 0.5 * (1 + k.cos(math.pi * part)) + self.alpha)
