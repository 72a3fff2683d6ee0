"""AdamW that needs no schedule."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from lamina.core.variable import Variable
from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least
from lamina.optimizers.adam import rest
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class ScheduleFreeAdamW(Optimizer):
    r"""AdamW that averages its weights in place of a falling rate.

    The variable holds `y = (1 - beta_1) z + beta_1 x`, where the gradient is taken; `z` makes the steps
    `z <- z - rate * g / (sqrt(v / (1 - beta_2^t)) + epsilon)`, and `x` is the mean of all `z`.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the mean in the point where gradients are taken.
        beta_2: The share of the mean of squares that stays.
        epsilon: A small number against division by zero.
        warmup_steps: Over how many updates the rate rises to its full size.
        **options: See `Optimizer`.

    Raises:
        ValueError: for a `beta_1` that is not positive and at most 1, or fewer than no `warmup_steps`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.ScheduleFreeAdamW(0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.9

    Reference:
        Defazio et al., 2024, The Road Less Scheduled.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"`beta_1` must be positive and at most 1, got {beta_1!r}.")
        at_least("ScheduleFreeAdamW", "warmup_steps", warmup_steps, 0)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        first = (
            np.array(variable.numpy()) if name == "momentum" else "zeros"
        )  # z begins where the weights are
        return self.add_variable_from_reference(variable, name, first)

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        if self.warmup_steps:
            rate = rate * k.minimum(step / self.warmup_steps, 1.0)
        return rate, 1 - self.beta_2**step, 1 / step

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        z, v = slots
        rate, bias, share = c
        dtype = k.dtype(p)
        of_z = rest(self.beta_1, dtype)
        x = (p - of_z * z) / self.beta_1
        v = v + (k.square(g) - v) * rest(self.beta_2, dtype)
        z = z - rate * g / (k.sqrt(v / bias) + self.epsilon)
        x = (1 - share) * x + share * z
        return of_z * z + self.beta_1 * x, z, v
