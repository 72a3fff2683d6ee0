"""Pooling over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from lamina.kernel import settings
from lamina.kernel.contract import Kernel
from lamina.ops.checks import shown, sizes_unknown
from lamina.ops.nn._window import check_reach, explicit_padding, per_axis, spatial
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import count


def _pool(
    k: Kernel, name: str, kind: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: Any
) -> Any:
    last = settings.standardize_data_format(data_format) == "channels_last"
    sizes = spatial(k, name, inputs, last)
    rank = len(sizes)
    window = per_axis(name, "pool_size", pool_size, rank)
    steps = window if strides is None else per_axis(name, "strides", strides, rank)
    pads = explicit_padding(k, name, padding, sizes, window, steps, (1,) * rank)
    check_reach(name, inputs.shape, sizes, pads, window, (1,) * rank)
    if rank <= 3:
        return k.pool(inputs, kind, window, steps, pads, last)
    for i, one in enumerate(zip(window, steps, pads, strict=True)):
        inputs = _along_one(k, kind, inputs, i + (1 if last else 2), *one)
    return inputs


def _along_one(k: Kernel, kind: str, x: Any, axis: int, window: int, step: int, pad: tuple[int, int]) -> Any:
    """One axis pooled. Frameworks pool three axes at most; a maximum, and a mean of what is inside, are separable."""
    sizes = k.shape(x)
    before, behind = sizes[:axis], sizes[axis + 1 :]
    flat = k.reshape(x, (count(before), sizes[axis], count(behind)))
    pooled = k.pool(flat, kind, (window,), (step,), (pad,), True)
    return k.reshape(pooled, (*before, k.shape(pooled)[1], *behind))


@op("inputs", module="nn")
def max_pool(
    k: Kernel,
    inputs: Tensor,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Output:
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


@op("inputs", promote="float", module="nn")
def average_pool(
    k: Kernel,
    inputs: Tensor,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Output:
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


def _adaptive(k: Kernel, name: str, inputs: Any, output_size: Any, data_format: Any, reduce: Any) -> Any:
    """Reduce one spatial axis after the other: both the mean and the maximum of a box are separable."""
    last = settings.standardize_data_format(data_format) == "channels_last"
    sizes = spatial(k, name, inputs, last)
    if not all(isinstance(n, int) for n in sizes):
        raise sizes_unknown(name, inputs)
    if 0 in sizes:
        raise ValueError(f"{name}: there is nothing to pool in an input of shape {shown(inputs.shape)}.")
    outputs = per_axis(name, "output_size", output_size, len(sizes))
    for axis, (size, out) in enumerate(zip(sizes, outputs, strict=True), 1 if last else 2):
        bounds = [(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]
        inputs = reduce(k, inputs, axis, size, bounds)
    return inputs


def _largest(k: Kernel, x: Any, axis: int, size: int, bounds: list[tuple[int, int]]) -> Any:
    longest = max(stop - start for start, stop in bounds)
    # Shorter windows name their last place more than once.
    places = [[min(start + i, stop - 1) for i in range(longest)] for start, stop in bounds]
    return k.max(k.take(x, k.asarray(places, "int32"), axis), axis + 1)


def _mean(k: Kernel, x: Any, axis: int, size: int, bounds: list[tuple[int, int]]) -> Any:
    rows = [[(start <= i < stop) / (stop - start) for start, stop in bounds] for i in range(size)]
    means = k.tensordot(x, k.asarray(rows, k.dtype(x)), ([axis], [0]))
    order = list(range(len(x.shape) - 1))
    return k.permute_dims(means, [*order[:axis], len(order), *order[axis:]])


@op("inputs", promote="float", module="nn")
def adaptive_average_pool(
    k: Kernel, inputs: Tensor, output_size: Any, data_format: str | None = None
) -> Output:
    """Means of windows chosen so that the result has a given size.

    Window i of n reaches from `floor(i size / n)` to `ceil((i + 1) size / n)`.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        output_size: An integer, or one per spatial axis.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor in the layout of the input.

    Raises:
        ValueError: if there is no spatial axis or an argument is unknown.

    Example:
        >>> import lamina
        >>> lamina.ops.adaptive_average_pool(lamina.ops.ones((1, 7, 5, 3)), 2).shape == (1, 2, 2, 3)
        True
    """
    return _adaptive(k, "adaptive_average_pool", inputs, output_size, data_format, _mean)


@op("inputs", module="nn")
def adaptive_max_pool(k: Kernel, inputs: Tensor, output_size: Any, data_format: str | None = None) -> Output:
    """Largest values of windows chosen so that the result has a given size.

    Window i of n reaches from `floor(i size / n)` to `ceil((i + 1) size / n)`.

    Args:
        inputs: Tensor (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
        output_size: An integer, or one per spatial axis.
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor in the layout of the input.

    Raises:
        ValueError: if there is no spatial axis or an argument is unknown.

    Example:
        >>> import lamina
        >>> lamina.ops.adaptive_max_pool(lamina.ops.ones((1, 7, 5, 3)), 2).shape == (1, 2, 2, 3)
        True
    """
    return _adaptive(k, "adaptive_max_pool", inputs, output_size, data_format, _largest)
