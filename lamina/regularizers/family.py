"""Regularizers by name."""

from __future__ import annotations

from typing import Any

from lamina import regularizers as here
from lamina.core.family import Family
from lamina.kernel.tracebacks import folds_frames


def _names() -> dict[str, Any]:
    return {name: thing for name in dir(here) if isinstance(thing := getattr(here, name), type)} | {
        "l1l2": here.L1L2
    }


family = Family("regularizer", "regularizers", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The regularizer behind a name, a config, a class or an object; None stays None.

    Args:
        identifier: What to look up.

    Returns:
        The regularizer, or None.

    Raises:
        ValueError: if there is none.

    Example:
        >>> import lamina
        >>> lamina.regularizers.get("l2").l2
        0.01
    """
    return family.get(identifier)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer.

    Args:
        regularizer: The regularizer.

    Returns:
        A dict of plain values, as files hold it.

    Example:
        >>> import lamina
        >>> lamina.regularizers.serialize(lamina.regularizers.L2(0.1))["class_name"]
        'L2'
    """
    return family.serialize(regularizer)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The regularizer of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        The regularizer.

    Example:
        >>> import lamina
        >>> config = lamina.regularizers.serialize(lamina.regularizers.L2(0.1))
        >>> type(lamina.regularizers.deserialize(config)).__name__
        'L2'
    """
    return family.deserialize(config, custom_objects)
