"""Activations found by name, config or function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import activations
from lamina.activations.functions import linear
from lamina.core.family import Family
from lamina.kernel.tracebacks import folds_frames


def _names() -> dict[str, Any]:
    return {
        n: getattr(activations, n) for n in dir(activations) if n not in ("deserialize", "get", "serialize")
    }


_family = Family("activation function", "activations", _names)


@folds_frames
def get(identifier: Any) -> Callable[..., Any]:
    """The activation function behind a name, a config or a function.

    Args:
        identifier: A name such as "relu", a config, a callable, or None for `linear`.

    Returns:
        A callable.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> lamina.activations.get("relu") is lamina.activations.relu
        True
    """
    if identifier is None:
        return linear
    return _family.get(identifier)


def serialize(activation: Callable[..., Any]) -> Any:
    """The name or config that stands for an activation function in a file.

    Args:
        activation: A function, or a layer that is used as one.

    Returns:
        A name for Lamina's own functions, else a config.

    Example:
        >>> import lamina
        >>> lamina.activations.serialize(lamina.activations.relu)
        'relu'
    """
    return _family.serialize(activation)


@folds_frames
def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation function of a name or config.

    Args:
        config: What `serialize` gives.
        custom_objects: Name -> function, for names of your own.

    Returns:
        A callable.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> lamina.activations.deserialize("relu") is lamina.activations.relu
        True
    """
    return _family.deserialize(config, custom_objects)
