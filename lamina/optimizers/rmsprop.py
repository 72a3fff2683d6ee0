"""Gradients divided by their running size."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.kernel.contract import Fused, Kernel, Unfit
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class RMSprop(Optimizer):
    """Divides the gradient by a running mean of its size.

    `v <- rho * v + (1 - rho) * g^2`, `w <- w - rate * g / sqrt(v + epsilon)`.

    Args:
        learning_rate: A number, a schedule or a callable.
        rho: The share of the running mean that stays.
        momentum: From 0 to 1; of the steps.
        epsilon: A small number against division by zero.
        centered: Whether the running mean's square is taken away, so that `v` is a variance.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.RMSprop(0.1).apply([lamina.ops.array([1.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.684

    Reference:
        Tieleman and Hinton, 2012, Lecture 6.5 of Neural Networks for Machine Learning.
    """

    fused = "rmsprop"

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon, self.centered = (rho, momentum, epsilon, centered)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (
            ("velocity",),
            *((("momentum",),) if self.momentum > 0 else ()),
            *((("average_gradient",),) if self.centered else ()),
        )

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        v, *rest = slots
        v = self.rho * v + (1 - self.rho) * k.square(g)
        size, new = v, [v]
        if self.centered:
            mean = self.rho * rest[-1] + (1 - self.rho) * g
            size = v - k.square(mean)
            rest[-1] = mean
        step = c * g / k.sqrt(size + self.epsilon)
        if self.momentum > 0:
            step = rest[0] = self.momentum * rest[0] + step
        return p - step, *new, *rest

    def run_fused(self, fused: Fused, p: Any, g: Any, slots: Any, c: Any) -> Unfit | None:
        """The rule on all parameters in place."""
        v, *others = slots
        m = others[0] if self.momentum > 0 else []
        mean = others[-1] if self.centered else []
        numbers = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon}
        return fused.rmsprop(p, g, v, m, mean, rate=c, **numbers)
