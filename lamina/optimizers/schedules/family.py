"""Schedules to configs and back."""

from __future__ import annotations

from typing import Any

from lamina.core.family import Family
from lamina.optimizers import schedules as here


def _names() -> dict[str, Any]:
    return {name: thing for name in dir(here) if isinstance(thing := getattr(here, name), type)}


family = Family("learning rate schedule", "optimizers.schedules", _names)


def serialize(learning_rate_schedule: Any) -> Any:
    """The config of a schedule.

    Args:
        learning_rate_schedule: The schedule.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.optimizers.schedules.serialize(lamina.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))["class_name"]
        'ExponentialDecay'
    """
    return family.serialize(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The schedule of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The schedule.

    Example:
        >>> import lamina
        >>> config = lamina.optimizers.schedules.serialize(lamina.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
        >>> type(lamina.optimizers.schedules.deserialize(config)).__name__
        'ExponentialDecay'
    """
    return family.deserialize(config, custom_objects)
