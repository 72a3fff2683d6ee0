"""Follow the regularized leader."""

from __future__ import annotations

from typing import Any, Unpack

from lamina.core.variable import Variable
from lamina.initializers.constant import Constant
from lamina.kernel.contract import Kernel
from lamina.optimizers.base import Optimizer
from lamina.optimizers.options import Options
from lamina.optimizers.signature import takes_options


class Ftrl(Optimizer):
    r"""Follow the regularized leader: linear models with many zeros.

    With `a' = a + g^2` and `h = g + 2 shrinkage w`: `z <- z + h - (a'^-power - a^-power) / rate * w`,
    `q = a'^-power / rate + 2 l2 + beta / rate`, `w <- (clip(z, -l1, l1) - z) / q`.

    Args:
        learning_rate: A number, a schedule or a callable.
        learning_rate_power: How the rate falls with the squares of gradients; 0 or negative.
        initial_accumulator_value: What the sums of squares begin with; 0 or positive.
        l1_regularization_strength: Pulls small weights to zero; 0 or positive.
        l2_regularization_strength: Pulls all weights towards zero; 0 or positive.
        l2_shrinkage_regularization_strength: The same through the gradient; 0 or positive.
        beta: Added to the root of the sum of squares.
        **options: See `Optimizer`.

    Raises:
        ValueError: for a number out of its range.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([0.0])
        >>> lamina.optimizers.Ftrl(0.1).apply([lamina.ops.array([1.0])], [w])
        >>> round(float(w.numpy()[0]), 3)
        -0.095

    Reference:
        McMahan et al., 2013, Ad Click Prediction: a View from the Trenches.
    """

    @takes_options
    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(learning_rate, **options)
        if learning_rate_power > 0:
            raise ValueError(f"`learning_rate_power` must be 0 or negative, got {learning_rate_power!r}.")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        for name in (
            "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):  # fmt: skip
            if getattr(self, name) < 0:
                raise ValueError(f"`{name}` must be 0 or positive, got {getattr(self, name)!r}.")

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        return (("accumulator", "linear"),)

    def make_slot(self, variable: Variable, name: str) -> Variable | None:
        first = self.initial_accumulator_value if name == "accumulator" else 0.0
        return self.add_variable_from_reference(variable, name, Constant(first))

    def rule(self, k: Kernel, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
        a, z = slots
        l1, shrinkage = self.l1_regularization_strength, self.l2_shrinkage_regularization_strength
        before, after = k.pow(a, -self.learning_rate_power), k.pow(a + k.square(g), -self.learning_rate_power)
        shrunk = g + 2 * shrinkage * p if shrinkage else g
        z = z + shrunk - (after - before) / c * p
        q = (after + self.beta) / c + 2 * self.l2_regularization_strength
        return (k.clip(z, -l1, l1) - z) / q, a + k.square(g), z
