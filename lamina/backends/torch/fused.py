"""What torch has a form of its own for beyond single ops: `recurrent.py` and `optimizers.py`."""

from __future__ import annotations

from typing import Any

from lamina.backends.torch import optimizers, recurrent
from lamina.kernel import contract


class Fused(contract.Fused):
    """torch's fused kernels, and its functions of lists of tensors."""

    def lstm(self, *tensors: Any, **how: Any) -> Any:
        return recurrent.lstm(*tensors, **how)

    def gru(self, *tensors: Any, **how: Any) -> Any:
        return recurrent.gru(*tensors, **how)

    def foreach(self, rule: Any, columns: Any, /) -> Any:
        return optimizers.foreach(rule, columns)

    def foreach_in_place(self, rule: Any, state: Any, inputs: Any, /) -> Any:
        return optimizers.foreach_in_place(rule, state, inputs)

    def sgd(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.sgd(*columns, **numbers)

    def rmsprop(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.rmsprop(*columns, **numbers)

    def adam(self, *columns: Any, **numbers: Any) -> Any:
        return optimizers.adam(*columns, **numbers)

    def global_norm(self, gradients: Any, /) -> Any:
        return optimizers.global_norm(gradients)
