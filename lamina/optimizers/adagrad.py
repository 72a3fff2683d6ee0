"""Adagrad and Adadelta: steps by the gradients' history."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.core.variable import Variable
from lamina.initializers.constant import Constant
from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class Adagrad(Optimizer):
    """Divides the gradient by the root of the sum of all its squares.

    `a <- a + g^2`, `w <- w - rate * g / sqrt(a + epsilon)`.

    Args:
        learning_rate: A number, a schedule or a callable.
        initial_accumulator_value: What the sums begin with.
        epsilon: A small number against division by zero.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Adagrad(0.1).apply([lamina.ops.array([1.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        0.905

    Reference:
        Duchi et al., 2011, Adaptive Subgradient Methods for Online Learning and Stochastic Optimization.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if not isinstance(initial_accumulator_value, int | float):
            raise ValueError(
                f"`initial_accumulator_value` must be a number, got {initial_accumulator_value!r}."
            )
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator",),)

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        return self.add_variable_from_reference(variable, name, Constant(self.initial_accumulator_value))

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        a = slots[0] + k.square(g)
        return p - c * g / k.sqrt(a + self.epsilon), a


class Adadelta(Optimizer):
    """Divides the gradient by its running size, and multiplies it by the running size of the steps.

    `a <- rho a + (1 - rho) g^2`, `d = -sqrt(s + epsilon) / sqrt(a + epsilon) * g`, `s <- rho s + (1 - rho) d^2`,
    `w <- w + rate * d`.

    Args:
        learning_rate: A number, a schedule or a callable; the paper's is 1.
        rho: The share of the running means that stays.
        epsilon: A small number against division by zero.
        **options: See `Optimizer`.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([1.0])
        >>> lamina.optimizers.Adadelta(1.0).apply([lamina.ops.array([1.0])], [w])
        >>> round(float(w.numpy()[0]), 4)
        0.9986

    Reference:
        Zeiler, 2012, ADADELTA: An Adaptive Learning Rate Method.
    """

    @takes_options
    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7, **options: Unpack[Options]
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho, self.epsilon = rho, epsilon

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulated_grad", "accumulated_delta_var"),)

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        a, s = slots
        a = self.rho * a + (1 - self.rho) * k.square(g)
        d = g * k.sqrt((s + self.epsilon) / (a + self.epsilon))
        s = self.rho * s + (1 - self.rho) * k.square(d)
        return p - c * d, a, s
