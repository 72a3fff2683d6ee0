"""Adam with steps as long as the weights ask for."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class Lamb(Optimizer):
    r"""Adam, each variable's step scaled to the variable's length: for large batches.

    `r = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)`, `w <- w - rate * |w| / |r| * r`; the ratio is 1
    where a length is zero.

    Args:
        learning_rate: A number, a schedule or a callable.
        beta_1: The share of the mean that stays.
        beta_2: The share of the mean of squares that stays.
        epsilon: A small number against division by zero.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Lamb(0.1).apply([lamina.ops.array([5.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.9

    Reference:
        You et al., 2020, Large Batch Optimization for Deep Learning: Training BERT in 76 minutes.
    """

    elementwise = False

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        return rate, 1 - self.beta_1**step, 1 - self.beta_2**step

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        m, v = slots
        rate, bias_1, bias_2 = c
        m = m + (g - m) * (1 - self.beta_1)
        v = v + (k.square(g) - v) * (1 - self.beta_2)
        r = m / bias_1 / (k.sqrt(v / bias_2) + self.epsilon)
        return p - trust(k, p, r) * rate * r, m, v


def trust(k: Kernel, p: Any, r: Any) -> Any:
    """The length of `p` over that of `r`, or 1 where either is zero."""
    zero = k.zeros((), k.dtype(p))
    long, step = k.sqrt(k.sum(k.square(p))), k.sqrt(k.sum(k.square(r)))
    usable = k.logical_and(k.greater(long, zero), k.greater(step, zero))
    return k.where(usable, long / k.where(usable, step, 1.0), 1.0)
