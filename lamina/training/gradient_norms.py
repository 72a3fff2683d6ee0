"""The norms of the gradients, kept by the training step for whoever looks."""

from __future__ import annotations

from typing import Any

from lamina.core.variable import Variable
from lamina.kernel.context import current
from lamina.ops.op import convert
from lamina.optimizers.around import is_multiple
from lamina.optimizers.branch import choose

EVERY = 32  # steps: reading all gradients once more takes a tenth of a small step, so few steps do


class GradientNorms:
    """The Euclidean norm of each weight's gradient at one of the last 32 steps, before any clipping.

    Attributes:
        values: A variable of one norm per trainable weight; None until the step is made.
        paths: The weights' paths, in that order.
    """

    def __init__(self) -> None:
        self.values: Variable | None = None
        self.paths: list[str] = []
        self._count: Any = None

    def variables_for(self, weights: list[Variable]) -> list[Variable]:
        """The variables that the step of a model with these weights changes."""
        paths = [v.path for v in weights]
        if self.values is None or paths != self.paths:
            self.paths = paths
            self.values = Variable(
                [0.0] * len(paths), dtype="float32", trainable=False, name="gradient_norms"
            )
            self._count = Variable(0, dtype="int32", trainable=False, name="steps")
        return self.variables

    @property
    def variables(self) -> list[Variable]:
        """Its variables, which are no part of what training must remember."""
        return [] if self.values is None else [self.values, self._count]

    def update(self, gradients: list[Any], optimizer: Any) -> None:
        """Keep the norms, if it is their turn.

        Args:
            gradients: One per weight; None where there is none.
            optimizer: What scaled the loss that they are of.
        """
        k, kept = current(), self.values
        if kept is None:  # the step is run as it is written, by hand
            return

        def keep() -> None:
            scale = convert(k, optimizer.scale_loss(k.full((), 1.0, "float32")), "float32")
            kept.assign(k.stack([_norm(k, g) for g in gradients], 0) / scale)

        choose(k, is_multiple(k, self._count.value, EVERY), keep, lambda: None, [kept])
        self._count.assign(k.add(self._count.value, k.full((), 1, "int32")))


def _norm(k: Any, gradient: Any) -> Any:
    if gradient is None:
        return k.zeros((), "float32")
    gradient = convert(k, gradient, "float32")
    return k.sqrt(k.sum(k.multiply(gradient, gradient)))
