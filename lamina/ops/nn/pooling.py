"""Pooling over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from lamina import config
from lamina.ops._op import Tensor, op
from lamina.ops.nn._window import explicit_padding, per_axis, spatial


def _pool(
    k: Any, name: str, kind: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: Any
) -> Any:
    last = config.standardize_data_format(data_format) == "channels_last"
    sizes = spatial(name, inputs, last)
    rank = len(sizes)
    window = per_axis(name, "pool_size", pool_size, rank)
    steps = window if strides is None else per_axis(name, "strides", strides, rank)
    pads = explicit_padding(name, padding, sizes, window, steps, (1,) * rank)
    return k.pool(inputs, kind, window, steps, pads, last)


@op(module="nn")
def max_pool(
    k,
    inputs: Tensor,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The largest value in each window.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        pool_size: The window: an integer, or one per spatial axis.
        strides: An integer, or one per spatial axis; None means the window.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor in the layout of the input.

    Raises:
        ValueError: if there is no spatial axis or an argument is unknown.

    Example:
        >>> import lamina
        >>> lamina.ops.max_pool(lamina.ops.ones((1, 4, 4, 3)), 2).shape == (1, 2, 2, 3)
        True
    """
    return _pool(k, "max_pool", "max", inputs, pool_size, strides, padding, data_format)


@op(promote="float", module="nn")
def average_pool(
    k,
    inputs: Tensor,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The mean of each window; places outside the input do not count.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        pool_size: The window: an integer, or one per spatial axis.
        strides: An integer, or one per spatial axis; None means the window.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor in the layout of the input.

    Raises:
        ValueError: if there is no spatial axis or an argument is unknown.

    Example:
        >>> import lamina
        >>> lamina.ops.average_pool(lamina.ops.ones((1, 4, 4, 3)), 2).shape == (1, 2, 2, 3)
        True
    """
    return _pool(k, "average_pool", "avg", inputs, pool_size, strides, padding, data_format)
