"""What torch has a form of its own for beyond single ops: `recurrent.py` and `optimizers.py`."""

from __future__ import annotations

from typing import Any

from lamina.backends.torch import optimizers, recurrent
from lamina.kernel import contract
from lamina.kernel.context import distribution_in_force

_APART = contract.Unfit("torch has no recurrent kernels for tensors that lie on several devices")

_LISTS = contract.Unfit("torch divides few of its functions of lists")


class Fused(contract.Fused):
    """torch's fused kernels, and its functions of lists of tensors."""

    def lstm(self, *tensors: Any, **how: Any) -> Any:
        return recurrent.lstm(*tensors, **how) if distribution_in_force() is None else _APART

    def gru(self, *tensors: Any, **how: Any) -> Any:
        return recurrent.gru(*tensors, **how) if distribution_in_force() is None else _APART

    def foreach(self, rule: Any, columns: Any, /) -> Any:
        return optimizers.foreach(rule, columns) if distribution_in_force() is None else _LISTS

    def foreach_in_place(self, rule: Any, state: Any, inputs: Any, /) -> Any:
        return optimizers.foreach_in_place(rule, state, inputs) if distribution_in_force() is None else _LISTS

    def sgd(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.sgd(*columns, **numbers)

    def rmsprop(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.rmsprop(*columns, **numbers)

    def adam(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.adam(*columns, **numbers)

    def global_norm(self, gradients: Any, /) -> Any:
        return optimizers.global_norm(gradients)
