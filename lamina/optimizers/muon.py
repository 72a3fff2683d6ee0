"""Momentum made orthogonal, for the matrices of hidden layers."""

from __future__ import annotations

import math
from typing import Any, Unpack

from lamina.core import patterns
from lamina.core.variable import Variable
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import OtherOptions
from lamina.optimizers.signature import takes_options


class Muon(Optimizer):
    r"""Momentum, made orthogonal, for matrices; Adam for everything else.

    `m <- momentum m + g`, `o = orthogonal(g + momentum m)`, `w <- w - rate * rms_rate * sqrt(max(rows, columns)) * o`,
    where `orthogonal` takes `ns_steps` of the Newton-Schulz iteration `x <- a x + (b A + c A A) x`, `A = x x^T`.

    Args:
        learning_rate: A number, a schedule or a callable.
        adam_beta_1: The share of the mean that stays, in Adam.
        adam_beta_2: The share of the mean of squares that stays, in Adam.
        adam_weight_decay: The weight decay of the variables that Adam changes.
        epsilon: A small number against division by zero.
        weight_decay: The weight decay of the matrices.
        exclude_layers: Texts (regular expressions) in the paths of variables that Adam shall change.
        exclude_embeddings: Whether Adam changes the variables with "embedding" in their path.
        muon_a: The iteration's factor of x.
        muon_b: The iteration's factor of A x.
        muon_c: The iteration's factor of A A x.
        adam_lr_ratio: Adam's rate over that of the matrices.
        momentum: The share of the momentum that stays.
        ns_steps: How many iterations.
        nesterov: Whether the step looks ahead by the momentum.
        rms_rate: The size of the steps, as compared with Adam's; None leaves their size as it comes.
        **options: See `Optimizer`.

    Raises:
        ValueError: for one text in the place of a list of them.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> lamina.optimizers.Muon(0.1).apply([lamina.ops.eye(2)], [w])

    Reference:
        Jordan et al., 2024, Muon: An optimizer for hidden layers in neural networks. Liu et al., 2025, Muon is
        Scalable for LLM Training.
    """

    elementwise = False

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Any = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Unpack[OtherOptions],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        if isinstance(exclude_layers, str):
            raise ValueError(f"Muon: `exclude_layers` must be a list of texts, got {exclude_layers!r}.")
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or []), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate

    def _is_for_adam(self, variable: Variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(patterns.search(pattern, variable.path) for pattern in self.exclude_layers)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("momentum", "velocity"),)

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        if name == "velocity" and not self._is_for_adam(variable):
            return None
        return super().make_slot(variable, name)

    def decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._is_for_adam(variable) else self.weight_decay

    def coefficients(self, k: Kernel, rate: Any, step: Any) -> Any:
        bias = k.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        return rate, rate * self.adam_lr_ratio, bias

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        rate, adam_rate, bias = c
        if len(slots) == 1:
            m = slots[0] * self.momentum + g
            step = self.zeropower_via_newtonschulz5(
                g + self.momentum * m if self.nesterov else m, self.ns_steps
            )
            return p - rate * self.lr_adjust(step), m
        m, v = slots
        m = m + (g - m) * (1 - self.adam_beta_1)
        v = v + (k.square(g) - v) * (1 - self.adam_beta_2)
        return p - adam_rate * bias * m / (k.sqrt(v) + self.epsilon), m, v

    def transpose_last_axis(self, X: Any) -> Any:
        """The last two axes exchanged."""
        k = current()
        axes = (*range(len(X.shape) - 2), -1, -2)
        return k.permute_dims(X, tuple(a % len(X.shape) for a in axes))

    def lr_adjust(self, x: Any) -> Any:
        """A step scaled by the shape of its matrix, so that it is of the size of Adam's."""
        return x if self.rms_rate is None else x * (self.rms_rate * math.sqrt(max(x.shape[-2:])))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """The nearest orthogonal matrix, about: all singular values become about 1.

        Args:
            x: `(..., rows, columns)`.
            steps: How many iterations.
        """
        k = current()
        wide = x.shape[-2] <= x.shape[-1]
        x = x if wide else self.transpose_last_axis(x)
        x = x / (k.sqrt(k.sum(k.square(x), (-2, -1), True)) + 1e-7)
        for _ in range(steps):
            a = k.matmul(x, self.transpose_last_axis(x))
            x = self.muon_a * x + k.matmul(self.muon_b * a + self.muon_c * k.matmul(a, a), x)
        return x if wide else self.transpose_last_axis(x)
