"""The interpreter in force is an object: a backend, or something derived that stands on one.

class Counting(Interpreter):
    name = "counting"

    def __init__(self, base):
        self.calls = Counter()
        super().__init__(base)

    def wrap(self, name, function):
        def call(*args, **kwargs):
            self.calls[name] += 1
            return function(*args, **kwargs)

        return call

with interpreter(Counting(backends.load("torch"))) as k: ...
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.kernel.contract import Kernel, facts, functions

Contract: Any = Kernel if TYPE_CHECKING else object


class Interpreter(Contract):
    """The kernel language as something else interprets it; what a subclass defines, it interprets itself.

    Every function lies in the object's own dictionary, so `k.exp` is one look-up and gives the framework's function.

    A subclass defines any of the contract's functions as methods (`self.base` is what it stands on), or sees all of
    them in `wrap`. Loops are functions, too: under the shape interpreter the body of `scan`, `while_loop` and `loop` runs
    once, and a subclass that counts multiplies what happens in it by the length. It gives itself a `name`: ops remember
    their body by it. Native bodies of ops (`overrides`) and fused forms (`fused`) are those of the base; to see every
    operation, a subclass sets `overrides = {}` and `fused = Fused()`.

    Args:
        base: A module or an interpreter that has the functions and facts of the contract.
    """

    def __init__(self, base: Any) -> None:
        self.base = base
        for name in facts():
            if not hasattr(type(self), name):
                self.__dict__[name] = getattr(base, name)
        for name in functions():
            own = getattr(type(self), name, None)
            self.__dict__[name] = self.wrap(name, getattr(base if own is None else self, name))

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function of the contract that callers get under this name; this one."""
        return function

    def __repr__(self) -> str:
        return f"<interpreter {self.name!r}>"

    def __copy__(self) -> Interpreter:
        return self

    def __deepcopy__(self, memo: dict) -> Interpreter:
        return self  # what holds an interpreter may be copied; there is one of each
