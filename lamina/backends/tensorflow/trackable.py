"""A layer as a `Trackable` of TensorFlow: `tf.train.Checkpoint` and `tf.saved_model.save` find its variables.

`tf.Module.variables` of a module around a layer does not: it asks for attributes that are `tf.Variable`s.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.kernel.context import real_kernel
from lamina.kernel.guests import Guest, offer


class LayerTrackable(tf.__internal__.tracking.Trackable):
    """A base of `Layer` while TensorFlow is loaded. Its constructor never runs."""

    _self_setattr_tracking = False

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """The layer's variables and the layers inside it, by name."""
        if real_kernel().name != "tensorflow" or "_variables" not in self.__dict__:
            return {}
        layer: Any = self
        children: dict[str, Any] = {}
        for thing in (*layer._own_weights(), *layer._layers):
            name, count = thing.name, 0
            while name in children:
                count += 1
                name = f"{thing.name}_{count}"
            children[name] = _storage(thing) if hasattr(thing, "_stored") else thing
        return children


def _storage(variable: Any) -> Any:
    """The tf.Variable that holds the value."""
    variable._own(real_kernel())
    return variable._stored.tensor


class _Nothing:
    """No object of TensorFlow is wrapped."""


offer(Guest(LayerTrackable, _Nothing, lambda x: x))
