"""One rule on many variables: a loop, or one call of a backend that works on lists of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.core.variable import Variable
from lamina.kernel.context import state
from lamina.kernel.contract import Kernel, Unfit

Rule = Callable[..., tuple[Any, ...]]


def change(
    k: Kernel, rule: Rule, variables: Sequence[Sequence[Variable]], inputs: Sequence[Sequence[Any]] = ()
) -> None:
    """Give variables the values `rule(k, *values, *inputs)`, row by row.

    Args:
        k: The kernel.
        rule: Gives as many tensors as there are lists of variables. Each number must change by itself.
        variables: Lists of equal length.
        inputs: Lists of tensors, as long.
    """
    if state.scope is None and k.fused.offers("foreach_in_place"):
        done = k.fused.foreach_in_place(rule, [[v.value for v in column] for column in variables], inputs)
        if not isinstance(done, Unfit):
            return
    for row in zip(*variables, *inputs, strict=True):
        owners = row[: len(variables)]
        new = rule(k, *[v.value for v in owners], *row[len(variables) :])
        for variable, value in zip(owners, new, strict=True):
            variable.assign(value)


def mapped(k: Kernel, rule: Callable[..., Any], *inputs: list[Any]) -> list[Any]:
    """`[rule(k, *row) for row in inputs]`."""
    found = k.fused.foreach(rule, inputs)
    if not isinstance(found, Unfit):
        return list(found)
    return [rule(k, *row) for row in zip(*inputs, strict=True)]
