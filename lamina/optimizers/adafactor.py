"""Adam's mean of squares in the memory of its rows and columns."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.core.variable import Variable
from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class Adafactor(Optimizer):
    r"""Divides the gradient by the root of a mean of squares that is kept by rows and columns.

    With `b = 1 - t^beta_2_decay` and `s = g^2 + epsilon_1`: `r <- b r + (1 - b) mean_columns(s)`, `c` by rows alike,
    `v = r c / mean(r)` (vectors keep `v` itself), `u = g / sqrt(v)` with its root mean square cut at
    `clip_threshold`, `w <- w - max(epsilon_2, rms(w)) * min(rate, 1 / sqrt(t)) * u`.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_2_decay: How fast the mean of squares grows long; negative.
        epsilon_1: Added to the squares.
        epsilon_2: The least size of a weight that steps are scaled by.
        clip_threshold: The greatest root mean square of a step before the rate.
        relative_step: Whether the rate is at most `1 / sqrt(t)`.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([[1.0, 1.0]])
        >>> lamina.optimizers.Adafactor(0.1).apply([lamina.ops.array([[5.0, 5.0]])], [w])
        >>> round(float(w.numpy()[0, 0]), 3)
        0.9

    Reference:
        Shazeer and Stern, 2018, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost.
    """

    elementwise = False

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("rows", "columns", "velocity"),)

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        shape = variable.shape
        if name == "velocity":
            return self.add_variable_from_reference(variable, name)
        label = f"{variable.path.replace('/', '_')}_{name}"
        if len(shape) < 2:  # a place that is not used, for the order of files
            return self.add_variable((), "zeros", "int32", name=label)
        kept = shape[:-1] if name == "rows" else (*shape[:-2], shape[-1])
        return self.add_variable(kept, "zeros", variable.dtype, name=label)

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        return (k.minimum(rate, k.rsqrt(step)) if self.relative_step else rate), 1 - k.pow(
            step, self.beta_2_decay
        )

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        r, s, v = slots
        rate, beta = c
        square = k.square(g) + self.epsilon_1
        if len(p.shape) < 2:
            v = beta * v + (1 - beta) * square
        else:
            r = beta * r + (1 - beta) * k.mean(square, -1)
            s = beta * s + (1 - beta) * k.mean(square, -2)
            share = r / k.mean(r, -1, True)
            v = k.expand_dims(share, -1) * k.expand_dims(s, -2)
        u = g * k.rsqrt(v)
        u = u / k.maximum(rms(k, u) / self.clip_threshold, 1.0)
        return p - rate * k.maximum(rms(k, p), self.epsilon_2) * u, r, s, v


def rms(k: Kernel, x: Any) -> Any:
    """The root of the mean of squares."""
    return k.sqrt(k.mean(k.square(x)))
