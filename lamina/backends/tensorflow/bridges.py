"""What TFSMLayer needs of TensorFlow."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from lamina.errors import BackendError
from lamina.kernel.context import real_kernel


def require(layer: str) -> None:
    """That this is the current backend."""
    if real_kernel().name != "tensorflow":
        raise BackendError(
            f"{layer} runs a program of TensorFlow, but the backend is {real_kernel().name!r}. Start Python with "
            "LAMINA_BACKEND=tensorflow."
        )


def load(path: str) -> Any:
    """A SavedModel."""
    return tf.saved_model.load(path)


def endpoint(loaded: Any, name: str) -> Any:
    """A function of a SavedModel by name, an attribute or a signature.

    Raises:
        ValueError: if there is none, naming those that are there.
    """
    found = getattr(loaded, name, None)
    if callable(found):
        return found
    if name in loaded.signatures:
        return _positional(loaded.signatures[name])
    raise ValueError(
        f"TFSMLayer: the SavedModel has no endpoint {name!r}. Its signatures: {', '.join(loaded.signatures) or 'none'}."
    )


def _positional(signature: Any) -> Any:
    """A signature takes and gives tensors by name; with one input it takes it as it is."""
    names = list(signature.structured_input_signature[1])

    def call(inputs: Any, **kwargs: Any) -> Any:
        named = inputs if isinstance(inputs, dict) else {names[0]: inputs}
        return signature(**named, **kwargs)

    return call


def variables(loaded: Any) -> list[Any]:
    """The variables that a SavedModel lists."""
    return list(getattr(loaded, "variables", ()) or ())
