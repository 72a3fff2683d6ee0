"""One of two ways of changing variables, decided by a tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.core.stateless import run_pure
from lamina.kernel.context import state
from lamina.kernel.contract import Kernel


def choose(
    k: Kernel, pred: Any, yes: Callable[[], None], no: Callable[[], None], variables: Sequence[Any]
) -> None:
    """Run `yes` or `no`, which assign to `variables` only."""
    if state.scope is None:
        if k.functional:  # outside a scope nothing is traced: the predicate is a number
            (yes if pred else no)()
        else:
            k.cond(pred, lambda: _done(k, yes), lambda: _done(k, no))
        return
    values = [v.value for v in variables]
    new = k.cond(
        pred, lambda: run_pure(yes, variables, values)[1], lambda: run_pure(no, variables, values)[1]
    )
    for variable, value in zip(variables, new, strict=True):
        variable.assign(value)


def _done(k: Kernel, change: Callable[[], None]) -> Any:
    change()
    return k.full((), 0, "int32")  # both branches must give a tensor
