"""A loss scale that finds its own size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lamina.core.variable import Variable
from lamina.initializers.constant import Constant
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.ops.op import convert
from lamina.optimizers import deserialize
from lamina.optimizers.base import Optimizer
from lamina.optimizers.branch import choose


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss, so that small gradients do not vanish in float16, and divides the gradients again.

    A step with a gradient that is not finite is left out and halves the scale; `dynamic_growth_steps` finite steps
    in a row double it.

    Args:
        inner_optimizer: The optimizer that makes the steps.
        initial_scale: The scale at the beginning.
        dynamic_growth_steps: How many finite steps double the scale.
        name: A name.

    Raises:
        TypeError: if `inner_optimizer` is not an optimizer.
        ValueError: for options that belong to the inner optimizer, or numbers that are not positive.

    Example:
        >>> import lamina
        >>> scaled = lamina.optimizers.LossScaleOptimizer(lamina.optimizers.SGD(0.5), initial_scale=4.0)
        >>> w = lamina.Variable([1.0])
        >>> scaled.apply([lamina.ops.array([4.0])], [w])
        >>> w.numpy().tolist()
        [0.5]

    Reference:
        Micikevicius et al., 2018, Mixed Precision Training.
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 32768.0,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(inner_optimizer, dict):
            inner_optimizer = deserialize(inner_optimizer)
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(f"`inner_optimizer` must be an Optimizer, got {inner_optimizer!r}.")
        if kwargs:
            raise ValueError(
                f"LossScaleOptimizer does not take {', '.join(kwargs)}: give that to `inner_optimizer`."
            )
        if not initial_scale > 0 or not dynamic_growth_steps > 0:
            raise ValueError(
                "`initial_scale` and `dynamic_growth_steps` must be positive, got "
                f"{initial_scale!r} and {dynamic_growth_steps!r}."
            )
        super().__init__(0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.initial_scale, self.dynamic_growth_steps = initial_scale, dynamic_growth_steps
        self.step_counter = self.add_variable((), "zeros", "int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), Constant(initial_scale), "float32", name="dynamic_scale")

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def build(self, variables: Iterable[Variable]) -> None:
        if self.built:
            return
        variables = list(variables)
        self.inner_optimizer.build(variables)
        self._trainable_variables = variables
        self._index = {id(v): i for i, v in enumerate(variables)}
        self.built = True

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale as it is now."""
        k = current()
        loss = convert(k, loss)
        return self.inner_optimizer.scale_loss(loss * k.astype(self.dynamic_scale.value, k.dtype(loss)))

    def check_finite(self, grads: Sequence[Any]) -> Any:
        """Whether all gradients are finite: a boolean tensor."""
        k = current()
        found = [k.all(k.isfinite(g)) for g in grads if g is not None]
        return k.all(k.stack(found, 0)) if found else k.full((), True, "bool")

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None) -> None:
        grads = list(grads)
        if not grads:
            return
        variables = self._matching(grads, trainable_variables)
        k = current()
        grads = [None if g is None else convert(k, g, v.dtype) for g, v in zip(grads, variables, strict=True)]
        choose(
            k,
            self.check_finite(grads),
            lambda: self._finite(k, grads, variables),
            lambda: self._overflown(k),
            [*self.variables, *variables],
        )

    def _finite(self, k: Kernel, grads: list[Any], variables: list[Variable]) -> None:
        scale = self.dynamic_scale.value
        unscaled = [None if g is None else g / k.astype(scale, k.dtype(g)) for g in grads]
        self.inner_optimizer.apply(unscaled, variables)
        count = self.step_counter.value
        grows = k.equal(count, k.full((), self.dynamic_growth_steps - 1, "int32"))
        self.step_counter.assign(k.where(grows, 0, count + 1))
        self.dynamic_scale.assign(k.where(grows, scale * 2, scale))

    def _overflown(self, k: Kernel) -> None:
        self.step_counter.assign(k.zeros((), "int32"))
        self.dynamic_scale.assign(self.dynamic_scale.value / 2)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)
