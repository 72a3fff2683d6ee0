"""The two kinds of objects that stand for a tensor without being one of the interpreter's.

They live here so that `ops` can recognise them without knowing the graph and the variables, which are built on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Symbolic:
    """A tensor of a graph under construction (`lamina.KerasTensor`): calling an op on it adds a node."""

    shape: tuple[int | None, ...]
    dtype: str

    @staticmethod
    def apply_op(op: Any, args: tuple, kwargs: dict) -> Any:
        raise NotImplementedError


class Holder:
    """Something that holds a tensor and gives it as `value` (`lamina.Variable`)."""

    value: Any
    dtype: str

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        _kinds.append(cls)
        for meet in _waiting:
            meet(cls)


_kinds: list[type[Holder]] = []
_waiting: list[Callable[[type[Holder]], None]] = []


def on_holders(meet: Callable[[type[Holder]], None]) -> None:
    """Call a function with every class of holders, now and later: for a backend whose functions are to take them."""
    _waiting.append(meet)
    for kind in _kinds:
        meet(kind)
