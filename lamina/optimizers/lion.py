"""The sign of a momentum."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a momentum.

    `w <- w - rate * sign(beta_1 m + (1 - beta_1) g)`, `m <- beta_2 m + (1 - beta_2) g`. Rates are three to ten times
    smaller than Adam's, and weight decay larger by as much.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the momentum in the step; positive, up to 1.
        beta_2: The share of the momentum that stays.
        **options: See `Optimizer`.

    Raises:
        ValueError: for a `beta_1` out of its range.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Lion(0.5).apply([lamina.ops.array([7.0])], [w])
        >>> w.numpy().tolist()
        [0.5]

    Reference:
        Chen et al., 2023, Symbolic Discovery of Optimization Algorithms.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not 0 < beta_1 <= 1:
            raise ValueError(
                f"`beta_1` must be positive and at most 1, got {beta_1!r}: 0 is descent by the sign alone."
            )
        self.beta_1, self.beta_2 = beta_1, beta_2

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),)

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        m = slots[0]
        step = c * k.sign(m * self.beta_1 + g * (1 - self.beta_1))
        return p - step, m * self.beta_2 + g * (1 - self.beta_2)
