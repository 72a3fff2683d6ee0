"""Objects to configs of Keras 2 and back: `{"class_name", "config"}`, looked up in tables that the caller gives."""

from __future__ import annotations

from typing import Any

from lamina.core import registry
from lamina.errors import suggestion


def serialize_keras_object(instance: Any) -> Any:
    """The config of an object in the form of Keras 2.

    Args:
        instance: An object with `get_config`, a function, or None.

    Returns:
        A dict of `class_name` and `config`; the registered name of a function; None for None.

    Raises:
        ValueError: if the object is none of these.

    Example:
        >>> import lamina
        >>> lamina.legacy.saving.serialize_keras_object(lamina.regularizers.L2(0.5))
        {'class_name': 'L2', 'config': {'l2': 0.5}}
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        return {"class_name": registry.get_registered_name(type(instance)), "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        public = (name for (_, name), known in registry.functions().items() if known is instance)
        return next(public, None) or registry.get_registered_name(instance)
    raise ValueError(
        f"serialize_keras_object: {instance!r} ({type(instance).__name__}) has neither `get_config` nor a name. Give the "
        "class a `get_config` method that returns its arguments."
    )


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object of a config in the form of Keras 2, or of a name.

    Args:
        identifier: A dict of `class_name` and `config`, a name, a function, or None.
        module_objects: Name -> class or function: what a name may mean.
        custom_objects: More of these; they come first, as do registered objects and those of open scopes.
        printable_module_name: What the object is called in errors.

    Returns:
        The object; for the name of a class, an instance; None for None.

    Raises:
        ValueError: if the config has another form, or the name is unknown.

    Example:
        >>> import lamina
        >>> table = {"L2": lamina.regularizers.L2}
        >>> read = lamina.legacy.saving.deserialize_keras_object
        >>> read({"class_name": "L2", "config": {"l2": 0.5}}, module_objects=table).l2
        0.5
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        if not {"class_name", "config"} <= identifier.keys():
            raise ValueError(
                f"The config of a {printable_module_name} must be a dict with `class_name` and `config`, got {identifier!r:.200}."
            )
        cls = _known(identifier["class_name"], module_objects, custom_objects, printable_module_name)
        config = identifier["config"]
        with registry.CustomObjectScope(custom_objects or {}):
            return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)
    if isinstance(identifier, str):
        found = _known(identifier, module_objects, custom_objects, printable_module_name)
        return found() if isinstance(found, type) else found
    if callable(identifier):
        return identifier
    raise ValueError(
        f"Cannot make a {printable_module_name} of {identifier!r} ({type(identifier).__name__}): give a config, a name or "
        "a function."
    )


def _known(name: Any, module_objects: Any, custom_objects: Any, kind: str) -> Any:
    found = (custom_objects or {}).get(name)
    if found is None:
        found = registry.get_registered_object(name, module_objects=module_objects)
    if found is None:
        known = [*(custom_objects or {}), *(module_objects or {}), *registry.get_custom_objects()]
        raise ValueError(
            f"Unknown {kind} {name!r}.{suggestion(str(name), known)} Pass it with `custom_objects`, or register it with "
            "lamina.saving.register_keras_serializable."
        )
    return found
