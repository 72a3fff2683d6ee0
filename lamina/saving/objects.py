"""The object codec under its public names."""

from __future__ import annotations

from typing import Any

from lamina.core import codec
from lamina.core.registry import get_registered_object
from lamina.errors import SerializationError, suggestion


def serialize_keras_object(obj: Any) -> Any:
    """An object in a form that JSON can hold.

    Args:
        obj: A layer, model, loss, metric, optimizer, function, array, or a structure of them.

    Returns:
        Nested dicts, lists, strings and numbers.

    Raises:
        SerializationError: if there is no safe way to write it.

    Example:
        >>> import lamina
        >>> lamina.saving.serialize_keras_object(lamina.regularizers.L1(0.5))["class_name"]
        'L1'
    """
    return codec.serialize(obj)


def deserialize_keras_object(
    config: Any,
    custom_objects: Any = None,
    safe_mode: bool = True,
    module_objects: Any = None,
    printable_module_name: str = "object",
    **kwargs: Any,
) -> Any:
    """The object that a config describes; never runs code from it.

    Args:
        config: What `serialize_keras_object` gave.
        custom_objects: Name -> class or function, for this call.
        safe_mode: Kept for Keras: loading is always safe here; False raises an error.
        module_objects: Name -> class or function of the caller's own module, looked up last; with it `config` may be a name:
            of a function, or of a class whose object is made without arguments.
        printable_module_name: What such an object is called in errors.

    Returns:
        The object.

    Raises:
        SerializationError: if it names something that is not in the table of classes.

    Example:
        >>> import lamina
        >>> config = lamina.saving.serialize_keras_object(lamina.layers.Dense(3))
        >>> lamina.saving.deserialize_keras_object(config).units
        3
    """
    if kwargs:
        raise TypeError(f"deserialize_keras_object got unknown arguments: {', '.join(kwargs)}.")
    if not safe_mode:
        raise ValueError(
            "`safe_mode=False` would run code from the config, which Lamina never does. Pass the functions that it "
            "needs with `custom_objects`."
        )
    if module_objects is None:
        return codec.deserialize(config, custom_objects)
    if isinstance(config, str):
        found = get_registered_object(config, custom_objects, module_objects)
        if found is None:
            known = {**module_objects, **(custom_objects or {})}
            raise SerializationError(
                f"Unknown {printable_module_name}: {config!r}.{suggestion(config, known)}"
            )
        return found() if isinstance(found, type) else found
    return codec.deserialize(
        config, {**module_objects, **(custom_objects or {})}, where=printable_module_name
    )
