"""Convolution, pooling and the dense product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.backends.torch._support import is_spread
from lamina.backends.torch.shaping import lowest

Pairs = Sequence[tuple[int, int]]

_CONV = {1: torch.conv1d, 2: torch.conv2d, 3: torch.conv3d}
_CONV_TRANSPOSE = {
    1: torch.conv_transpose1d,
    2: torch.conv_transpose2d,
    3: torch.conv_transpose3d,
}
_MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}

# Windows up to which a convolution on the CPU is one product of matrices, in place of torch's own, which first copies the
# kernel into its order of axes: of one position, and of more where no gradient keeps the patches. On one core, ms:
# 7 x 7 x 2048 -> 512 (1 x 1) 5.0 -> 1.6; 7 x 7 x 512 (3 x 3) 24 -> 3.5; with eight images 14 -> 9 and 29 -> 20. From
# 6,272 windows on both take as long; of 1,568 with 3 x 3 positions patches take 1.3 times as long.
FEW_POSITIONS, FEW_PATCHES = 4096, 512


def conv(
    x: Tensor,
    kernel: Tensor,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    groups: int,
    channels_last: bool,
) -> Tensor:
    if channels_last and groups == 1 and x.device.type == "cpu" and x.dtype.is_floating_point:
        window, dense = kernel.shape[:-2], max(dilation) == 1
        windows = x.shape[0] * math.prod([-(-n // s) for n, s in zip(x.shape[1:-1], strides, strict=True)])
        if math.prod(window) == 1 and windows <= FEW_POSITIONS:
            return _as_product(_padded_last(x, padding)[_strided(strides)], kernel)
        if dense and windows <= FEW_PATCHES and not torch.is_grad_enabled() and not is_spread(x):
            return _as_product(_patches(_padded_last(x, padding), window, strides), kernel)
    x, native = _padded(channels_first(x, channels_last), padding, 0)
    weight = kernel.permute(_kernel_axes(kernel.ndim))
    result = _CONV[x.ndim - 2](x, weight, None, tuple(strides), native, tuple(dilation), groups)
    return channels_back(result, channels_last)


def _as_product(rows: Tensor, kernel: Tensor) -> Tensor:
    """Windows side by side, (batch, *out, what is in a window), times the kernel, which lies in that order."""
    features = kernel.shape[-1]
    product = torch.mm(rows.reshape(-1, rows.shape[-1]), kernel.reshape(-1, features))
    return product.reshape(*rows.shape[:-1], features)


def _strided(strides: Sequence[int]) -> tuple[slice, ...]:
    return (slice(None), *[slice(None, None, s) for s in strides])


def _padded_last(x: Tensor, padding: Pairs) -> Tensor:
    """x, (batch, *sizes, channels), padded with zeros; negative widths cut."""
    widths = [0, 0, *[width for pair in reversed(padding) for width in pair]]
    return F.pad(x, widths) if any(widths) else x


def _patches(x: Tensor, window: Sequence[int], strides: Sequence[int]) -> Tensor:
    """(batch, *out, *window x channels): what lies in each window."""
    rank = len(window)
    for axis, (size, step) in enumerate(zip(window, strides, strict=True)):
        x = x.unfold(axis + 1, size, step)
    x = x.movedim(rank + 1, -1)  # the channels behind the window
    return x.reshape(*x.shape[: rank + 1], -1)


def conv_transpose(
    x: Tensor,
    kernel: Tensor,
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int],
    channels_last: bool,
) -> Tensor:
    x, weight = (
        channels_first(x, channels_last),
        kernel.permute(_kernel_axes(kernel.ndim)),
    )
    # torch counts what is cut from the full result; `padding` counts what is added to the spread input
    reach = [d * (k - 1) for d, k in zip(dilation, kernel.shape, strict=False)]
    cuts = [(r - low, r - high) for r, (low, high) in zip(reach, padding, strict=True)]
    native = [max(min(cut), 0) for cut in cuts]
    result = _CONV_TRANSPOSE[x.ndim - 2](x, weight, None, tuple(strides), native, 0, 1, tuple(dilation))
    rest = [(n - low, n - high) for n, (low, high) in zip(native, cuts, strict=True)]
    return channels_back(_pad_spatial(result, rest, 0), channels_last)


def pool(
    x: Tensor,
    kind: str,
    window: Sequence[int],
    strides: Sequence[int],
    padding: Pairs,
    channels_last: bool,
) -> Tensor:
    x, window, strides = channels_first(x, channels_last), tuple(window), tuple(strides)
    function = _pool_max if kind == "max" else _pool_avg
    if not x.shape[1]:  # torch pools batches of nothing, but no channels that are not there
        one = x.new_zeros(x.shape[0], 1, *x.shape[2:])
        return channels_back(function(one, window, strides, padding)[:, :0], channels_last)
    return channels_back(function(x, window, strides, padding), channels_last)


def _pool_max(x: Tensor, window: tuple, strides: tuple, padding: Pairs) -> Tensor:
    x, native = _padded(x, padding, lowest(x.dtype), [k // 2 for k in window])
    if x.dtype.is_floating_point:
        return _MAX_POOL[len(window)](x, window, strides, native)
    x = _pad_spatial(x, [(n, n) for n in native], lowest(x.dtype))
    for axis, (size, step) in enumerate(zip(window, strides, strict=True)):  # torch pools floats only
        x = torch.amax(x.unfold(axis + 2, size, step), -1)
    return x


def _pool_avg(x: Tensor, window: tuple, strides: tuple, padding: Pairs) -> Tensor:
    if len(window) == 3 and x.dtype in (torch.float16, torch.bfloat16) and x.device.type == "cpu":
        return _pool_avg(x.float(), window, strides, padding).to(x.dtype)  # torch has no kernel for these
    sizes = x.shape[2:]
    x, native = _padded(x, padding, 0, [k // 2 for k in window])
    function = _AVG_POOL[len(window)]
    if any(native) or not any(low or high for low, high in padding):
        return function(x, window, strides, native, count_include_pad=False)
    total = function(x, window, strides) * math.prod(window)
    return total / _counts(sizes, window, strides, padding, x)


def _counts(sizes: Sequence[int], window: tuple, strides: tuple, padding: Pairs, like: Tensor) -> Tensor:
    """How many elements of x lie inside each window; shaped to broadcast over batch and channels."""
    counts = torch.ones((), dtype=like.dtype, device=like.device)
    for size, width, step, (low, high) in zip(sizes, window, strides, padding, strict=True):
        begin = torch.arange(-low, size + high - width + 1, step, device=like.device)
        inside = (begin + width).clamp(max=size) - begin.clamp(min=0)
        counts = counts.unsqueeze(-1) * inside.to(like.dtype)
    return counts


def channels_first(x: Tensor, channels_last: bool) -> Tensor:
    """A view with the channels on axis 1; the memory stays in the order channels_last, which torch computes in."""
    return x.permute(0, x.ndim - 1, *range(1, x.ndim - 1)) if channels_last else x


def channels_back(x: Tensor, channels_last: bool) -> Tensor:
    """The view that undoes `channels_first`."""
    return x.permute(0, *range(2, x.ndim), 1) if channels_last else x


def _kernel_axes(rank: int) -> tuple[int, ...]:
    """(*window, a, b) -> (b, a, *window)."""
    return (rank - 1, rank - 2, *range(rank - 2))


def _padded(x: Tensor, padding: Pairs, value: Any, most: Any = None) -> tuple[Tensor, tuple]:
    """x, and the padding that torch's function can add itself: equal on both sides and at most `most`."""
    even = all(low == high and low >= 0 for low, high in padding)
    if even and (most is None or all(low <= m for (low, _), m in zip(padding, most, strict=True))):
        return x, tuple([low for low, _ in padding])
    return _pad_spatial(x, padding, value), (0,) * len(padding)


def _pad_spatial(x: Tensor, padding: Pairs, value: Any) -> Tensor:
    """Padding after the first two axes; negative widths cut."""
    widths = [width for pair in reversed(padding) for width in pair]
    return F.pad(x, widths, value=value) if any(widths) else x


def linear(x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
    if bias is not None and x.ndim == 2:
        return torch.addmm(bias, x, kernel)  # one kernel for both
    product = torch.matmul(x, kernel)
    return product if bias is None else product + bias
