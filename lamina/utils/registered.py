"""The registry of classes and functions that files may name, and the object codec, under the names of Keras."""

from lamina.core.registry import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from lamina.saving.objects import deserialize_keras_object, serialize_keras_object

custom_object_scope = CustomObjectScope

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "register_keras_serializable", "serialize_keras_object",
]  # fmt: skip
