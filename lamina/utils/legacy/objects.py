"""Configs of Keras 2 under their older address."""

from lamina.legacy.saving.objects import deserialize_keras_object, serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
