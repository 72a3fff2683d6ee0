"""Gradient descent with momentum."""

from __future__ import annotations

import warnings
from typing import Any, Unpack

from lamina.kernel.contract import Fused, Kernel, Unfit
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class SGD(Optimizer):
    r"""Gradient descent, with momentum if wanted.

    `m <- momentum * m - rate * g`, then `w <- w + m`, or with Nesterov's `w <- w + momentum * m - rate * g`.

    Args:
        learning_rate: A number, a schedule or a callable.
        momentum: From 0 to 1; 0 is plain descent.
        nesterov: Whether the step looks ahead by the momentum.
        **options: See `Optimizer`.

    Raises:
        ValueError: for a momentum outside 0 to 1.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.SGD(0.5).apply([lamina.ops.array([1.0])], [w])
        >>> w.numpy().tolist()
        [0.5]

    Reference:
        Sutskever et al., 2013, On the importance of initialization and momentum in deep learning.
    """

    fused = "sgd"

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not isinstance(momentum, int | float) or not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be a number from 0 to 1, got {momentum!r}.")
        if nesterov and not momentum:
            warnings.warn(
                "SGD: `nesterov=True` changes nothing without `momentum`: give one, such as momentum=0.9.",
                stacklevel=4,
            )
        self.momentum, self.nesterov = momentum, nesterov

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum",),) if self.momentum else ()

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        step = g * c
        if not slots:
            return (p - step,)
        m = slots[0] * self.momentum - step
        return (p + (m * self.momentum - step) if self.nesterov else p + m), m

    def run_fused(self, fused: Fused, p: Any, g: Any, slots: Any, c: Any) -> Unfit | None:
        """The rule on all parameters in place."""
        [m] = slots or [[]]
        return fused.sgd(p, g, m, rate=c, momentum=self.momentum, nesterov=self.nesterov)
