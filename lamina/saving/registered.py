"""The registry of classes and functions that files may name, under the names of Keras."""

from lamina.core.registry import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

custom_object_scope = CustomObjectScope

__all__ = [
    "CustomObjectScope", "custom_object_scope", "get_custom_objects",
    "get_registered_name", "get_registered_object", "register_keras_serializable",
]  # fmt: skip
