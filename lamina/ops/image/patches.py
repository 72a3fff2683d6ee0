"""Windows of images and volumes, with their pixels as channels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from lamina.kernel import settings
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown
from lamina.ops.nn._window import explicit_padding, per_axis
from lamina.ops.op import Output, Tensor, op


def _patches(
    name: str,
    k: Kernel,
    x: Any,
    rank: int,
    size: Any,
    strides: Any,
    dilation: Any,
    padding: str,
    data_format: Any,
) -> Any:
    if len(x.shape) not in (rank + 1, rank + 2):
        raise ValueError(
            f"{name}: expected a tensor of rank {rank + 1} or {rank + 2}, got shape {shown(x.shape)}."
        )
    last = settings.standardize_data_format(data_format) == "channels_last"
    one = len(x.shape) == rank + 1
    x = k.expand_dims(x, 0) if one else x
    window = per_axis(name, "size", size, rank)
    steps = window if strides is None else per_axis(name, "strides", strides, rank)
    gaps = per_axis(name, "dilation_rate", dilation, rank)
    first = 1 if last else 2
    sizes = x.shape[first : first + rank]
    pads = explicit_padding(k, name, padding, sizes, window, steps, gaps)
    if any(p != (0, 0) for p in pads):
        widths = [(0, 0)] * first + pads + [(0, 0)] * (last is True)
        x = k.pad(x, widths, "constant", 0)
    counts = []
    for n, (low, high), w, s, d in zip(sizes, pads, window, steps, gaps, strict=True):
        count = (n + low + high - (w - 1) * d - 1) // s + 1
        if count < 1 and type(count) is not Unknown:
            raise ValueError(f"{name}: a window of {(w - 1) * d + 1} does not fit into {n} pixels.")
        counts.append(count)
    pieces = []
    for places in itertools.product(*map(range, window)):
        starts = [i * d for i, d in zip(places, gaps, strict=True)]
        key = [slice(a, a + (c - 1) * s + 1, s) for a, c, s in zip(starts, counts, steps, strict=True)]
        pieces.append(k.getitem(x, (*[slice(None)] * first, *key)))
    out = k.concat(pieces, -1 if last else 1)
    return k.squeeze(out, 0) if one else out


@op("images", module="image")
def extract_patches(
    k: Kernel,
    images: Tensor,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Output:
    """Windows of images, each as the channels of one pixel. With three sizes (or rank 5): of volumes.

    Args:
        images: Tensor (height, width, channels) or (batch, height, width, channels); channels in front of height
            for "channels_first".
        size: The window: an integer, or two; three for volumes.
        strides: Distance of the windows; None means the size.
        dilation_rate: Distance of the window's pixels.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor (batch, rows, columns, window height * window width * channels), or with the channels first.

    Raises:
        ValueError: if an argument is unknown or no window fits.

    Example:
        >>> import lamina
        >>> lamina.ops.image.extract_patches(lamina.ops.ones((1, 4, 4, 3)), 2).shape == (1, 2, 2, 12)
        True
    """
    # Files name volumes by this op, too: the number of sizes tells, then the rank.
    rank = (
        len(size) if isinstance(size, list | tuple) and len(size) == 3 else 3 if len(images.shape) == 5 else 2
    )
    return _patches("extract_patches", k, images, rank, size, strides, dilation_rate, padding, data_format)


def extract_patches_3d(
    volumes: Tensor,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Output:
    """Windows of volumes, each as the channels of one voxel.

    Args:
        volumes: Tensor (depth, height, width, channels) or (batch, depth, height, width, channels); channels in
            front of depth for "channels_first".
        size: The window: an integer, or three.
        strides: Distance of the windows; None means the size.
        dilation_rate: Distance of the window's voxels.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.

    Returns:
        A tensor (batch, layers, rows, columns, window voxels * channels), or with the channels first.

    Raises:
        ValueError: if an argument is unknown or no window fits.

    Example:
        >>> import lamina
        >>> lamina.ops.image.extract_patches_3d(lamina.ops.ones((1, 4, 4, 4, 1)), 2).shape == (1, 2, 2, 2, 8)
        True
    """
    window = per_axis("extract_patches_3d", "size", size, 3)
    return extract_patches(volumes, window, strides, dilation_rate, padding, data_format)
