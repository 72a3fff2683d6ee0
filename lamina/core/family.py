"""One mechanism for "name, config or object": what activations, losses, optimizers and the others share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core.codec import deserialize, serialize
from lamina.core.names import to_snake_case
from lamina.core.registry import custom_objects as scope
from lamina.core.registry import get_registered_object
from lamina.errors import suggestion


class Family:
    """The objects of one kind, found by name.

    Args:
        kind: What they are called in errors ("activation function").
        module: The namespace ("activations").
        names: Gives the table of names: classes and functions of the family, aliases included.
    """

    def __init__(self, kind: str, module: str, names: Callable[[], dict[str, Any]]) -> None:
        self.kind, self.module, self._names = kind, module, names
        self._table: dict[str, Any] | None = None

    @property
    def table(self) -> dict[str, Any]:
        """Names (as given, and in snake case) -> class or function."""
        if self._table is None:
            listed = self._names()
            self._table = {to_snake_case(n): t for n, t in listed.items() if isinstance(t, type)} | listed
        return self._table

    def get(self, identifier: Any) -> Any:
        """The object behind a name, a config, a class or an object; None stays None.

        Raises:
            ValueError: if the name is unknown (naming the nearest one), or the thing is of no use here.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = get_registered_object(identifier)
            found = self.table.get(identifier) if found is None else found
            if found is None:
                raise ValueError(self._unknown(identifier))
            return found() if isinstance(found, type) else found
        if isinstance(identifier, dict):
            return self.deserialize(identifier)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        raise ValueError(
            f"Cannot use {identifier!r} as {self.kind}: give a name, a config, an object or a callable."
        )

    def _unknown(self, name: str) -> str:
        return (
            f"Unknown {self.kind}: {name!r}.{suggestion(name, self.table)} Use a name from `lamina.{self.module}`, an "
            "object or a function; your own needs `@lamina.saving.register_keras_serializable()`."
        )

    def serialize(self, obj: Any) -> Any:
        """The name or config of an object."""
        return serialize(obj)

    def deserialize(self, config: Any, custom_objects: Any = None) -> Any:
        """The object of a name or config."""
        with scope(custom_objects):
            if isinstance(config, str):
                return self.get(config)
            if isinstance(config, dict) and "module" not in config and "class_name" in config:
                config = {"module": f"keras.{self.module}", "registered_name": None, **config}
            return deserialize(config)
