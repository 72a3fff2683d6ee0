"""Metrics by name or config."""

from __future__ import annotations

from typing import Any

from lamina import metrics
from lamina.core.family import Family
from lamina.core.names import to_snake_case
from lamina.kernel.tracebacks import folds_frames
from lamina.losses.identifiers import function_config


def _names() -> dict[str, Any]:
    public = {name: getattr(metrics, name) for name in dir(metrics)}
    classes = {name: thing for name, thing in public.items() if isinstance(thing, type)}
    taken = {to_snake_case(name) for name in classes} | {"get", "serialize", "deserialize"}
    functions = {name: thing for name, thing in public.items() if name not in classes and name not in taken}
    short = {
        "mse": metrics.MeanSquaredError,
        "mae": metrics.MeanAbsoluteError,
        "mape": metrics.MeanAbsolutePercentageError,
        "msle": metrics.MeanSquaredLogarithmicError,
        "bce": metrics.BinaryCrossentropy,
    }
    return classes | functions | short | {name.upper(): cls for name, cls in short.items()}


_FAMILY = Family("metric", "metrics", _names)


@folds_frames
def get(identifier: Any) -> Any:
    """The metric behind a name, a config, a class or an object.

    Args:
        identifier: A name ("mse", "AUC"), a config from `serialize`, an object or a callable; None stays None.

    Returns:
        A `Metric`, or a function `(y_true, y_pred) -> values`.

    Raises:
        ValueError: if the name is unknown; the nearest known one is named.

    Example:
        >>> import lamina
        >>> lamina.metrics.get("mse").name
        'mean_squared_error'
    """
    return _FAMILY.get(identifier)


def serialize(metric: Any) -> Any:
    """The config of a metric or function.

    Args:
        metric: A `Metric` or a function.

    Returns:
        What `deserialize` takes.

    Example:
        >>> import lamina
        >>> lamina.metrics.serialize(lamina.metrics.Poisson())["class_name"]
        'Poisson'
    """
    return function_config(metric)


@folds_frames
def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The metric of a config or name.

    Args:
        config: What `serialize` gave.
        custom_objects: Name -> class or function, for this call.

    Returns:
        A `Metric` or a function.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> lamina.metrics.deserialize("mae").name
        'mean_absolute_error'
    """
    return _FAMILY.deserialize(config, custom_objects)
