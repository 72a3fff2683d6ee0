"""Optimizers by name."""

from __future__ import annotations

from typing import Any

from lamina import optimizers as here
from lamina.core.family import Family
from lamina.core.registry import get_registered_object
from lamina.errors import foreign
from lamina.kernel.tracebacks import folds_frames
from lamina.optimizers.base import Optimizer


def _names() -> dict[str, Any]:
    classes = {name: thing for name in dir(here) if isinstance(thing := getattr(here, name), type)}
    return classes | {name.lower(): thing for name, thing in classes.items()}


family = Family("optimizer", "optimizers", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The optimizer behind a name, a config, a class or an object; None stays None.

    Args:
        identifier: What to look up.

    Returns:
        The optimizer, or None.

    Raises:
        ValueError: if there is none.

    Example:
        >>> import lamina
        >>> lamina.optimizers.get("adam").beta_1
        0.9
    """
    found = deserialize(identifier) if isinstance(identifier, dict) else family.get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise ValueError(f"{identifier!r} is not an optimizer.{foreign(identifier)}")
    return found


def serialize(optimizer: Any) -> Any:
    """The config of an optimizer.

    Args:
        optimizer: The optimizer.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.optimizers.serialize(lamina.optimizers.SGD(0.5))["class_name"]
        'SGD'
    """
    return family.serialize(optimizer)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The optimizer of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The optimizer.

    Example:
        >>> import lamina
        >>> config = lamina.optimizers.serialize(lamina.optimizers.SGD(0.5))
        >>> type(lamina.optimizers.deserialize(config)).__name__
        'SGD'
    """
    if isinstance(config, dict) and "class_name" in config:
        config = _of_today(config, custom_objects or {})
    return family.deserialize(config, custom_objects)


def _of_today(config: dict[str, Any], custom_objects: dict[str, Any]) -> dict[str, Any]:
    """Files of Keras 2 say "Custom>Adam" or "adam"; a class that the user registered under that name comes first."""
    given = str(config["class_name"])
    known = family.table.get(given.split(">")[-1])
    if known is None or get_registered_object(given, custom_objects) is not None:
        return config
    return {**config, "class_name": known.__name__}
