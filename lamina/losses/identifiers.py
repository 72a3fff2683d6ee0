"""Losses by name or config."""

from __future__ import annotations

from typing import Any

from lamina import losses
from lamina.core.codec import serialize as write
from lamina.core.family import Family
from lamina.kernel.tracebacks import folds_frames


def _names() -> dict[str, Any]:
    listed = {
        name: getattr(losses, name) for name in dir(losses) if name not in ("get", "serialize", "deserialize")
    }
    short = {
        "mse": losses.mean_squared_error,
        "mae": losses.mean_absolute_error,
        "mape": losses.mean_absolute_percentage_error,
        "msle": losses.mean_squared_logarithmic_error,
        "bce": losses.binary_crossentropy,
        "kld": losses.kl_divergence,
    }
    return listed | short | {name.upper(): function for name, function in short.items()}


_FAMILY = Family("loss", "losses", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The loss behind a name, a config, a class or an object.

    Args:
        identifier: A name ("mse", "MeanSquaredError"), a config from `serialize`, an object or a callable; None stays None.

    Returns:
        A `Loss`, or a function `(y_true, y_pred) -> values`.

    Raises:
        ValueError: if the name is unknown; the nearest known one is named.

    Example:
        >>> import lamina
        >>> lamina.losses.get("mse") is lamina.losses.mean_squared_error
        True
    """
    return _FAMILY.get(identifier)


def serialize(loss: Any) -> Any:
    """The config of a loss, or the name of a function.

    Args:
        loss: A `Loss` or a function.

    Returns:
        What `deserialize` takes.

    Example:
        >>> import lamina
        >>> lamina.losses.serialize(lamina.losses.Poisson())["class_name"]
        'Poisson'
    """
    return function_config(loss)


def function_config(thing: Any) -> Any:
    """What `serialize` gives, with a function as a dict: the form in which Keras's losses and metrics read one."""
    written = write(thing)
    if not isinstance(written, str) or not callable(thing):
        return written
    return {"module": "builtins", "class_name": "function", "config": written, "registered_name": "function"}


@folds_frames
def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """The loss of a config or name.

    Args:
        name: What `serialize` gave.
        custom_objects: Name -> class or function, for this call.

    Returns:
        A `Loss` or a function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> lamina.losses.deserialize("mae") is lamina.losses.mean_absolute_error
        True
    """
    return _FAMILY.deserialize(name, custom_objects)
