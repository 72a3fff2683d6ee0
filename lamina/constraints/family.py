"""Constraints by name."""

from __future__ import annotations

from typing import Any

from lamina import constraints as here
from lamina.core.family import Family
from lamina.kernel.tracebacks import folds_frames


def _names() -> dict[str, Any]:
    return {name: thing for name in dir(here) if isinstance(thing := getattr(here, name), type)}


family = Family("constraint", "constraints", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The constraint behind a name, a config, a class or an object; None stays None.

    Args:
        identifier: What to look up.

    Returns:
        The constraint, or None.

    Raises:
        ValueError: if there is none.

    Example:
        >>> import lamina
        >>> lamina.constraints.get("max_norm").max_value
        2
    """
    return family.get(identifier)


def serialize(constraint: Any) -> Any:
    """The config of a constraint.

    Args:
        constraint: The constraint.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.constraints.serialize(lamina.constraints.NonNeg())["class_name"]
        'NonNeg'
    """
    return family.serialize(constraint)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The constraint of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The constraint.

    Example:
        >>> import lamina
        >>> config = lamina.constraints.serialize(lamina.constraints.NonNeg())
        >>> type(lamina.constraints.deserialize(config)).__name__
        'NonNeg'
    """
    return family.deserialize(config, custom_objects)
