"""Convolution, pooling and the dense product: XLA's own (`*_plain`), or the forms of `cpu`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamina.backends.jax import cpu
from lamina.backends.jax._support import least

Pairs = Sequence[tuple[int, int]]


def _channels_last(f: Callable, x: Any, channels_last: bool) -> Any:
    """f(x) in the layout that those forms know."""
    return f(x) if channels_last else jnp.moveaxis(f(jnp.moveaxis(x, 1, -1)), -1, 1)


def _hashable(*options: Sequence[Any]) -> tuple:
    """Numbers and pairs of numbers as the tuples that select a compiled program."""
    return tuple([tuple([v if isinstance(v, int) else tuple(v) for v in values]) for values in options])


def conv(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
    channels_last: bool,
) -> Any:
    # of three axes, or of single channels, XLA's own takes four times as long also then
    alone = cpu.forward_only() and x.ndim <= 4 and (groups == 1 or kernel.shape[-2] > 1)
    if alone and channels_last and groups == 1:
        alone = not cpu.forms.is_one_product(x, kernel, strides)
    if alone or not cpu.on():
        return conv_plain(x, kernel, strides, padding, dilation, groups, channels_last)
    fixed = _hashable(strides, padding, dilation)
    return _channels_last(lambda x: cpu.forms.conv(x, kernel, *fixed, groups), x, channels_last)


def conv_plain(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
    channels_last: bool,
    spread: Sequence[int] | None = None,
) -> Any:
    """XLA's own convolution; `spread` is the distance between the elements of x."""
    return lax.conv_general_dilated(
        x,
        kernel,
        tuple(strides),
        tuple(padding),
        lhs_dilation=spread,
        rhs_dilation=tuple(dilation),
        dimension_numbers=_dimensions(x.ndim - 2, channels_last),
        feature_group_count=groups,
    )


def _dimensions(rank: int, channels_last: bool) -> tuple[str, str, str]:
    window = "XYZ"[:rank]
    data = f"N{window}C" if channels_last else f"NC{window}"
    return data, f"{window}IO", data


def conv_transpose(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    channels_last: bool,
) -> Any:
    if not cpu.on():
        return conv_transpose_plain(x, kernel, strides, padding, dilation, channels_last)
    fixed = _hashable(strides, padding, dilation)
    return _channels_last(lambda x: cpu.forms.conv_transpose(x, kernel, *fixed), x, channels_last)


def conv_transpose_plain(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    channels_last: bool,
) -> Any:
    """XLA's own convolution of the spread x with the flipped kernel, (*window, in, out)."""
    flipped = jnp.swapaxes(jnp.flip(kernel, range(kernel.ndim - 2)), -1, -2)
    ones = (1,) * len(strides)
    return conv_plain(x, flipped, ones, padding, dilation, 1, channels_last, spread=tuple(strides))


def pool(
    x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool
) -> Any:
    if not cpu.on() or (kind == "max" and cpu.forward_only()):
        return pool_plain(x, kind, window, strides, padding, channels_last)
    fixed = _hashable(window, strides, padding)
    return _channels_last(lambda x: cpu.forms.pool(x, kind, *fixed), x, channels_last)


def pool_plain(
    x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool
) -> Any:
    """XLA's own window reduction."""
    window, strides = _full(window, 1, channels_last), _full(strides, 1, channels_last)
    padding = _full(padding, (0, 0), channels_last)

    def reduce(x: Any, start: Any, combine: Any) -> Any:
        return lax.reduce_window(x, start, combine, window, strides, padding)

    if kind == "max":
        return reduce(x, least(x.dtype), lax.max)
    total = reduce(x, x.dtype.type(0), lax.add)
    return total / reduce(jnp.ones((1, *x.shape[1:]), x.dtype), x.dtype.type(0), lax.add)


def _full(values: Sequence[Any], other: Any, channels_last: bool) -> tuple:
    """One value per axis: `other` for the batch and the channels."""
    return (other, *values, other) if channels_last else (other, other, *values)


def linear(x: Any, kernel: Any, bias: Any) -> Any:
    return (cpu.forms.linear if cpu.on() else linear_plain)(x, kernel, bias)


@jax.jit
def linear_plain(x: Any, kernel: Any, bias: Any) -> Any:
    """A product over however many axes x has."""
    result = jnp.matmul(x, kernel)
    return result if bias is None else result + bias
