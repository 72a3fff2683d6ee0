"""Constraints by name."""

from __future__ import annotations

from typing import Any

from lamina.core.family import Family


def _names() -> dict[str, Any]:
    from lamina import constraints as here

    return {name: thing for name in here.__all__ if isinstance(thing := getattr(here, name), type)}


family = Family("constraint", "constraints", _names)


def get(identifier: Any) -> Any:
    """The constraint behind a name, a config, a class or an object; None stays None.

    Args:
        identifier: What to look up.

    Raises:
        ValueError: if there is none.
    """
    return family.get(identifier)


def serialize(constraint: Any) -> Any:
    """The config of a constraint."""
    return family.serialize(constraint)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The constraint of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.
    """
    return family.deserialize(config, custom_objects)
