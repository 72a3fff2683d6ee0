"""Layers by config."""

from __future__ import annotations

from typing import Any

from lamina.core import codec
from lamina.core.layer import Layer
from lamina.kernel.tracebacks import folds_frames


def serialize(layer: Any) -> Any:
    """The config of a layer.

    Args:
        layer: A layer.

    Returns:
        What `deserialize` takes.

    Example:
        >>> import lamina
        >>> lamina.layers.serialize(lamina.layers.ReLU())["class_name"]
        'ReLU'
    """
    return codec.serialize(layer)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The layer of a config.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class, for this call only.

    Returns:
        A layer.

    Raises:
        SerializationError: if the config names an unknown class.
        TypeError: if it describes something else.

    Example:
        >>> import lamina
        >>> config = lamina.layers.serialize(lamina.layers.Dense(3))
        >>> lamina.layers.deserialize(config).units
        3
    """
    if isinstance(config, dict) and "module" not in config and "class_name" in config:
        config = {"module": "keras.layers", "registered_name": None, **config}
    layer = codec.deserialize(config, custom_objects)
    if not isinstance(layer, Layer):
        raise TypeError(f"This config describes no layer, but {layer!r}.")
    return layer
