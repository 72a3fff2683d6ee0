"""Initializers by name."""

from __future__ import annotations

from typing import Any

from lamina import initializers as here
from lamina.core.family import Family
from lamina.initializers.constant import Constant
from lamina.kernel.tracebacks import folds_frames


def _names() -> dict[str, Any]:
    return {name: thing for name in dir(here) if isinstance(thing := getattr(here, name), type)}| {
        "uniform": here.RandomUniform, "normal": here.RandomNormal, "one": here.Ones, "zero": here.Zeros,
    }  # fmt: skip


family = Family("initializer", "initializers", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The initializer behind a name, a config, a class, an object or an array; None stays None.

    Args:
        identifier: What to look up.

    Returns:
        The initializer, or None.

    Raises:
        ValueError: if there is none.

    Example:
        >>> import lamina
        >>> lamina.initializers.get("he_normal").get_config()["seed"] is None
        True
    """
    if hasattr(identifier, "shape") and hasattr(identifier, "dtype"):
        return Constant(identifier)
    return family.get(identifier)


def serialize(initializer: Any) -> Any:
    """The config of an initializer.

    Args:
        initializer: The initializer.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.initializers.serialize(lamina.initializers.Ones())["class_name"]
        'Ones'
    """
    return family.serialize(initializer)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The initializer of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The initializer.

    Example:
        >>> import lamina
        >>> config = lamina.initializers.serialize(lamina.initializers.Ones())
        >>> type(lamina.initializers.deserialize(config)).__name__
        'Ones'
    """
    return family.deserialize(config, custom_objects)
