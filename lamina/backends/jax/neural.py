"""Convolution, pooling and the dense product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

Pairs = Sequence[tuple[int, int]]


def conv(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
    channels_last: bool,
) -> Any:
    return conv_plain(x, kernel, strides, padding, dilation, groups, channels_last)


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
    """XLA's own convolution; `spread` is the distance between the entries of x."""
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
    return conv_transpose_plain(x, kernel, strides, padding, dilation, channels_last)


def conv_transpose_plain(
    x: Any,
    kernel: Any,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    channels_last: bool,
) -> Any:
    """XLA's own convolution of the spread x."""
    return conv_plain(
        x, flipped(kernel), (1,) * len(strides), padding, dilation, 1, channels_last, spread=tuple(strides)
    )


def flipped(kernel: Any) -> Any:
    """The kernel of a transposed convolution as that of a convolution: (*window, out, in) to (*window, in, out)."""
    return jnp.swapaxes(jnp.flip(kernel, range(kernel.ndim - 2)), -1, -2)


def pool(
    x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Pairs, channels_last: bool
) -> Any:
    return pool_plain(x, kind, window, strides, padding, channels_last)


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


def least(dtype: Any) -> Any:
    """The least value of a dtype."""
    return dtype.type(-jnp.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min)


def linear(x: Any, kernel: Any, bias: Any) -> Any:
    result = jnp.matmul(x, kernel)
    return result if bias is None else result + bias
