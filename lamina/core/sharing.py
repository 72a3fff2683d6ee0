"""An object that stands in a config more than once stays one object: `shared_object_id`, as Keras 3 writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.kernel.context import state


class Sharing:
    """What one writing or reading of a config has met so far.

    Args:
        always: Whether objects are numbered when first met; by default when they are met again.

    Attributes:
        written: id of an object -> (the object, its config).
        functions: Name -> function or class of the user's, which only whoever reads the config can give.
        lambdas: The names among them that stand for lambdas.
        read: Number -> object.
    """

    def __init__(self, always: bool = False) -> None:
        self.always = always
        self.written: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.configs: dict[int, dict[str, Any]] = {}
        self.read: dict[int, Any] = {}
        self.functions: dict[str, Any] = {}
        self.lambdas: list[str] = []
        self.last = 0

    def note_lambda(self, function: Any, name: str) -> str:
        """The name under which the reader of the config is to give a lambda: this one, numbered where others have it."""
        free, count = name, 0
        while self.functions.get(free, function) is not function:
            count += 1
            free = f"{name}_{count}"
        self.functions[free] = function
        if free not in self.lambdas:
            self.lambdas.append(free)
        return free

    def knows(self, config: dict[str, Any]) -> bool:
        """Whether this very dict is the config of an object."""
        return id(config) in self.configs

    def note(self, obj: Any, config: dict[str, Any]) -> None:
        """Remember the config of an object; if there is one already, both get one number."""
        self.configs[id(config)] = config
        _, first = self.written.setdefault(id(obj), (obj, config))
        if first is not config or self.always:
            if "shared_object_id" not in first:
                self.last += 1
                first["shared_object_id"] = self.last
            config["shared_object_id"] = first["shared_object_id"]


@contextmanager
def sharing(always: bool = False) -> Iterator[Sharing]:
    """The open Sharing of this thread; a new one for the block if none is open."""
    before = state.sharing
    if before is None or (always and not before.always):
        state.sharing = Sharing(always)
    try:
        yield state.sharing
    finally:
        state.sharing = before
