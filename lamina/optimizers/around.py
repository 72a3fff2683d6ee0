"""What is done to gradients before the rule, and to weights beside it: clipping, decay, averages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from lamina.core.stateless import value_of
from lamina.core.variable import Variable
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.ops.op import convert
from lamina.optimizers import clipping
from lamina.optimizers.lists import change, mapped
from lamina.optimizers.state import OptimizerState


class Around(OptimizerState):
    """Clipping, weight decay and the average of the weights."""

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    weight_decay: float | None
    ema_momentum: float
    ema_overwrite_frequency: int | None
    iterations: Any

    def _clip(self, k: Kernel, grads: list[Any]) -> list[Any]:
        norm, value = self.clipnorm, self.clipvalue
        if norm is not None:
            return mapped(k, lambda k, g: clipping.by_norm(k, g, norm), grads)
        if self.global_clipnorm is not None:
            return clipping.by_global_norm(k, grads, self.global_clipnorm)
        if value is not None:
            return mapped(k, lambda k, g: k.clip(g, -value, value), grads)
        return grads

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of weight decay.

        Args:
            var_list: Variables.
            var_names: Texts (regular expressions) found in the names of variables.
        """
        self._undecayed |= {id(v) for v in var_list or ()}
        self._undecayed_names += list(var_names or ())

    def _decays(self, variable: Variable) -> bool:
        if id(variable) in self._undecayed:
            return False
        return not any(re.search(name, variable.name) for name in self._undecayed_names)

    def decay_of(self, variable: Variable) -> float | None:
        """The weight decay of a variable that is not excluded from it."""
        return self.weight_decay

    def _decay(self, k: Kernel, variables: list[Variable], rate: Any) -> None:
        groups: dict[tuple[str, float], list[Variable]] = {}
        for variable in variables:
            decay = self.decay_of(variable)
            if decay is not None and self._decays(variable):
                groups.setdefault((variable.dtype, decay), []).append(variable)
        for (dtype, decay), members in groups.items():
            share = k.astype(rate, dtype) * decay
            change(k, lambda k, p, share=share: (p - p * share,), [members])

    def _average(self, k: Kernel, variables: list[Variable]) -> None:
        count = convert(k, value_of(self.iterations))
        overwrite = is_multiple(k, count + 1, self.ema_overwrite_frequency)
        for (dtype, _), members in alike(variables).items():
            owners = [variables[i] for i in members]
            averages = [self._averages[self._index[id(v)]] for v in owners]
            # the first update sets the average, later ones move it
            stays = k.astype(k.not_equal(count, k.full((), 0, "int32")), dtype) * self.ema_momentum
            values = [v.value for v in owners]
            change(k, lambda k, a, p, stays=stays: (a * stays + p * (1 - stays),), [averages], [values])
            if overwrite is not None:
                moved = [a.value for a in averages]
                change(k, lambda k, p, a: (k.where(overwrite, a, p),), [owners], [moved])

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """With `use_ema`, give the variables their averages; `fit` calls it at its end.

        Args:
            var_list: The variables.
        """
        k = current()
        for variable in var_list if self.use_ema and self.built else ():
            if id(variable) in self._index:
                average = self._averages[self._index[id(variable)]]
                variable.assign(k.copy(average.value))  # each owns its memory


def is_multiple(k: Kernel, count: Any, of: int | None) -> Any:
    """Whether `count` is a multiple of `of`, as a tensor; None if `of` is."""
    if not of:
        return None
    return k.equal(k.remainder(count, k.full((), of, "int32")), k.full((), 0, "int32"))


def alike(variables: list[Variable]) -> dict[tuple[str, float], list[int]]:
    """The places of the variables by (dtype, multiplier of the learning rate)."""
    found: dict[tuple[str, float], list[int]] = {}
    for i, variable in enumerate(variables):
        key = (variable.dtype, getattr(variable, "learning_rate_multiplier", 1.0))
        found.setdefault(key, []).append(i)
    return found
