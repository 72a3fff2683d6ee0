"""An object that stands in a config more than once stays one object: `shared_object_id`, as Keras 3 writes it."""

from __future__ import annotations

import json
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
        unnumbered: Configs of layers without a number, and what was made of them.
        alike: The same by the text of the config, as soon as anybody asks.
    """

    def __init__(self, always: bool = False) -> None:
        self.always = always
        self.written: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.configs: dict[int, dict[str, Any]] = {}
        self.read: dict[int, Any] = {}
        self.unnumbered: list[tuple[dict[str, Any], Any]] = []
        self.alike: dict[str, list[Any]] = {}
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

    def met_before(self, config: dict[str, Any], cls: type) -> Any:
        """The object that a numbered config stands for, if it was read before; else None.

        Keras numbers a layer when it meets it again, and not where it stands first: an unknown number is that of the one
        layer that was read before with the same config and no number.
        """
        number = config["shared_object_id"]
        if number not in self.read and _is_layer(cls):
            for first, obj in self.unnumbered:
                self.alike.setdefault(_text(first), []).append(obj)
            self.unnumbered.clear()
            found = self.alike.get(_text(config), ())
            if len(found) == 1:
                self.read[number] = found[0]
        found = self.read.get(number)
        return found if type(found) is cls else None

    def note_read(self, config: dict[str, Any], obj: Any) -> None:
        """Remember what was made of a config."""
        number = config.get("shared_object_id")
        if isinstance(number, int):
            self.read[number] = obj
        elif _is_layer(type(obj)):
            self.unnumbered.append((config, obj))


def _is_layer(cls: type) -> bool:
    return getattr(cls, "_tracked_as", None) == "layer"


def _text(config: dict[str, Any]) -> str:
    """A config as a text that is the same with and without numbers, and wherever its layer stands in a graph."""
    return json.dumps([config["class_name"], _unnumbered(config["config"])], sort_keys=True)


def _unnumbered(config: Any) -> Any:
    if isinstance(config, dict):
        return {key: _unnumbered(part) for key, part in config.items() if key != "shared_object_id"}
    return [_unnumbered(part) for part in config] if isinstance(config, list) else config


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
