"""Optimizers by name."""

from __future__ import annotations

from typing import Any

from lamina.core.family import Family
from lamina.optimizers.base import Optimizer


def _names() -> dict[str, Any]:
    from lamina import optimizers as here

    classes = {name: thing for name in here.__all__ if isinstance(thing := getattr(here, name), type)}
    return classes | {name.lower(): thing for name, thing in classes.items()}


family = Family("optimizer", "optimizers", _names)


def get(identifier: Any) -> Any:
    """The optimizer behind a name, a config, a class or an object; None stays None.

    Args:
        identifier: What to look up.

    Raises:
        ValueError: if there is none.
    """
    found = family.get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(f"{identifier!r} is not an optimizer.")
    return found


def serialize(optimizer: Any) -> Any:
    """The config of an optimizer."""
    return family.serialize(optimizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The optimizer of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.
    """
    return family.deserialize(config, custom_objects)
