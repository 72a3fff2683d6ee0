"""Sizes of sliding windows: what convolutions, pooling and patches share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, one_of, shown


def per_axis(op: str, parameter: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """One integer per spatial axis, from one for all or a sequence.

    Raises:
        ValueError: for another length, or a value below `least`.
    """
    values = tuple(value) if isinstance(value, list | tuple) else (value,) * rank
    if len(values) != rank:
        raise ValueError(f"{op}: `{parameter}` must be an integer or {rank} integers, got {value!r}.")
    for v in values:
        at_least(op, parameter, v, least)
    return values


def spatial(k: Kernel, op: str, x: Any, channels_last: bool, least: int = 3) -> tuple:
    """The sizes between batch and channels; a tensor where only the run knows one (in a graph of TensorFlow).

    Raises:
        ValueError: if there are none.
    """
    if len(x.shape) < least:
        raise ValueError(
            f"{op}: expected an input of shape (batch, *spatial, channels) or (batch, channels, *spatial), "
            f"got {shown(x.shape)}."
        )
    sizes = k.shape(x)
    return tuple(sizes[1:-1] if channels_last else sizes[2:])


def check_reach(
    op: str, shape: Any, sizes: Sequence[int], pads: Sequence[tuple[int, int]], window: Sequence[int],
    dilation: Sequence[int],
) -> None:  # fmt: skip
    """That at least one window fits into the padded input. Frameworks differ: an error, size 0, or foreign memory.

    Raises:
        ValueError: if an axis is shorter than the window, or the window has no place.
    """
    if any(type(w) is int and w < 1 for w in window):
        raise ValueError(f"{op}: the window must have sizes of at least 1, got {tuple(window)}.")
    for size, (before, after), w, d in zip(sizes, pads, window, dilation, strict=True):
        if Unknown in (type(size), type(w), type(before), type(after)) or type(size) is not int:
            continue
        reach = (w - 1) * d + 1
        if size + before + after < reach:
            dilated = f" (dilated: {reach} places)" if reach > w else ""
            raise ValueError(
                f"{op}: a window of size {w}{dilated} does not fit into an axis of size {size}, so the output would be "
                f"empty; the input has shape {shown(shape)}, the window is {tuple(window)}. Use a smaller window, "
                'padding="same", or a larger input.'
            )


def explicit_padding(
    k: Kernel, op: str, padding: str, sizes: Sequence[int], window: Sequence[int], strides: Sequence[int],
    dilation: Sequence[int], causal: bool = False,
) -> list[tuple[int, int]]:  # fmt: skip
    """(before, after) per spatial axis for "valid", "same" and, where allowed, "causal".

    "same" gives ceil(size / stride) windows, and pads one more behind than in front where the number is odd.

    Raises:
        ValueError: for another padding.
    """
    name = padding.lower() if isinstance(padding, str) else padding
    one_of(op, "padding", name, ("valid", "same", "causal") if causal else ("valid", "same"))
    if name == "valid":
        return [(0, 0)] * len(sizes)
    if name == "causal":
        return [((w - 1) * d, 0) for w, d in zip(window, dilation, strict=True)]
    pads = []
    for size, w, stride, d in zip(sizes, window, strides, dilation, strict=True):
        reach = (w - 1) * d + 1
        total = (-(-size // stride) - 1) * stride + reach - size if stride != 1 else reach - 1
        if not isinstance(total, int):
            total = k.maximum(total, 0)
        elif total < 0 and type(total) is not Unknown:
            total = 0
        pads.append((total // 2, total - total // 2))
    return pads
