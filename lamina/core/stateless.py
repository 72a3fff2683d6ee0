"""Scopes that stand in for the values of variables: how stateful code becomes a pure function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.kernel.context import state
from lamina.kernel.symbolic import Holder


class StatelessScope:
    """Inside it, variables read and write values of the scope instead of their own.

    Args:
        state_mapping: Pairs of (variable, value) to begin with; a variable as a value stands for its own.
        collect_losses: Whether `add_loss` goes to the scope (`scope.losses`).
        initialize_variables: Kept for Keras: variables are made when first read, so there is nothing to do.

    Example:
        >>> import lamina
        >>> v = lamina.Variable([1.0, 2.0])
        >>> with lamina.StatelessScope(state_mapping=[(v, lamina.ops.zeros(2))]) as scope:
        ...     v.assign_add([1.0, 1.0])
        >>> v.numpy().tolist(), lamina.ops.convert_to_numpy(scope.get_current_value(v)).tolist()
        ([1.0, 2.0], [1.0, 1.0])
    """

    def __init__(
        self, state_mapping: Any = None, collect_losses: bool = False, initialize_variables: bool = True
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        self.values: dict[int, Any] = {}
        self.written: dict[int, Any] = {}  # id -> Variable, of those assigned to inside
        self.outer: Any = None
        for variable, value in state_mapping or ():
            if tuple(variable.shape) != tuple(value.shape):
                raise ValueError(
                    f"The value for {variable.path!r} has shape {tuple(value.shape)}, expected {tuple(variable.shape)}."
                )
            self.values[id(variable)] = value_of(value)

    def add_loss(self, loss: Any) -> None:
        """Collect a loss."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Any, Any]) -> None:
        """Set the value of a variable inside the scope; `update` is (variable, value)."""
        variable, value = update
        self.values[id(variable)] = value
        self.written[id(variable)] = variable

    def get_current_value(self, variable: Any) -> Any:
        """The variable's value inside the scope; None if it has none here."""
        value = self.values.get(id(variable))
        if value is None and self.outer is not None:
            return self.outer.get_current_value(variable)
        return value

    def __enter__(self) -> StatelessScope:
        self.outer = state.scope
        state.scope = self
        return self

    def __exit__(self, *_: Any) -> None:
        state.scope = self.outer


def in_stateless_scope() -> bool:
    """Whether variables read their values from a scope."""
    return state.scope is not None


def run_pure(
    function: Callable[..., Any], variables: Sequence[Any], values: Sequence[Any], args: tuple = ()
) -> tuple[Any, list[Any], StatelessScope]:
    """`function(*args)` with `values` in place of the variables' own.

    Returns:
        What it gives, the variables' values afterwards, and the scope (for losses and other writes).
    """
    scope = StatelessScope(collect_losses=True)
    scope.values = {id(v): value_of(value) for v, value in zip(variables, values, strict=True)}
    with scope:
        out = function(*args)
    return out, [scope.values[id(v)] for v in variables], scope


def value_of(value: Any) -> Any:
    """A variable that is given as a value, as its value outside: inside the scope it would stand for itself."""
    return value.value if isinstance(value, Holder) else value
