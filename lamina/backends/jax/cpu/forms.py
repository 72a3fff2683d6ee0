"""What XLA compiles well on the CPU, in place of what it has for the purpose.

Its convolution reaches a quarter of the speed of its matrix product. Inside `scan` or `while` the gradients of a
convolution are a hundred times slower still: XLA's pass that brings convolutions to the layout of its fast kernels
(ConvCanonicalization) walks the element computation only, so in the body of a loop they run as plain loops. The gradient
of its window reduction is slow likewise. These forms are made of slices, products and sums, so their derivatives are,
too. All are channels-last; each has a plain form in `neural.py` that tests compare it with.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from functools import lru_cache, partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamina.backends.jax._support import compiled, least
from lamina.backends.jax.cpu import constants, products, windows
from lamina.backends.jax.cpu.windows import Pairs


@compiled("strides", "padding", "dilation", "groups")
def conv(
    x: Any, kernel: Any, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int
) -> Any:
    """Convolution as products of matrices."""
    if groups > 1 and kernel.shape[-2] == 1:
        return _conv_depthwise(x, kernel, strides, padding, dilation)

    if groups == 1 and _splits(x, kernel, strides, padding, dilation):
        return _conv_split(x, kernel, padding, dilation)

    def part(x: Any) -> Any:
        return _conv_patches(x, kernel, strides, padding, dilation, groups)

    chunk = _chunk_size(x, kernel, strides)
    if chunk >= x.shape[0]:
        return part(x)
    # remat: the patches of a chunk are cheaper to copy again than to keep for the gradient
    whole, part = x.shape[0] - x.shape[0] % chunk, jax.checkpoint(part)
    results = lax.map(part, x[:whole].reshape(-1, chunk, *x.shape[1:]))
    result = results.reshape(-1, *results.shape[2:])
    return result if whole == x.shape[0] else jnp.concatenate([result, part(x[whole:])])


def is_one_product(x: Any, kernel: Any, strides: Sequence[int]) -> bool:
    """Whether a convolution that nobody differentiates takes less time as a product than as XLA's own.

    With a window of one position there is nothing to lay out; of few windows the kernel is most of what is read.
    """
    if math.prod(kernel.shape[:-2]) == 1:
        return True
    sizes = zip(x.shape[1:-1], strides, strict=True)
    return x.shape[0] * math.prod(-(-n // s) for n, s in sizes) <= constants.FEW_WINDOWS


def _chunk_size(x: Any, kernel: Any, strides: Sequence[int]) -> int:
    """How many samples' patches fit the room: preferably a divisor of the batch; all where chunks help nothing."""
    batch, window = x.shape[0], kernel.shape[:-2]
    one = math.prod(x.shape[1:]) * math.prod(window) // math.prod(strides) * x.dtype.itemsize
    if math.prod(window) == 1 or one * batch <= 2 * constants.CHUNK_BYTES:
        return batch
    most = max(1, constants.CHUNK_BYTES // one)
    return next((n for n in range(most, most // 2, -1) if batch % n == 0), most)


def _conv_patches(
    x: Any, kernel: Any, strides: Sequence[int], padding: Pairs, dilation: Sequence[int], groups: int
) -> Any:
    """The windows side by side as rows of a matrix, times the kernel."""
    window, features = kernel.shape[:-2], kernel.shape[-1]
    patches = windows.patches(x, window, strides, dilation, padding)
    if groups == 1:
        result = products.product(patches.reshape(-1, patches.shape[-1]), kernel.reshape(-1, features))
    else:
        positions, channels = math.prod(window), kernel.shape[-2]
        rows = patches.reshape(-1, positions, groups, channels)
        kernels = kernel.reshape(positions, channels, groups, -1)
        result = jnp.einsum("mtgc,tcgo->gmo", rows, kernels).swapaxes(0, 1)
    return result.reshape(*patches.shape[:-1], features)


def _splits(x: Any, kernel: Any, strides: Sequence[int], padding: Pairs, dilation: Sequence[int]) -> bool:
    """Whether `_conv_split` copies clearly less than `_conv_patches`, and computes little more.

    No more is enough where the patches would be copied twice.
    In half precision its partial sums would be rounded, so it is for wider floats only.
    """
    if max(strides) > 1 or x.dtype.itemsize < 4:
        return False
    window, (channels, features) = kernel.shape[:-2], kernel.shape[-2:]
    copied = math.prod(window[1:]) * channels + window[0] * features
    extra = ((window[0] - 1) * dilation[0] - sum(padding[0])) / max(x.shape[1], 1)
    most = 1 if windows.joins_copies(x, window, strides) else constants.SPLIT_COPIES
    return copied <= most * math.prod(window) * channels and extra <= constants.SPLIT_EXTRA


def _conv_split(x: Any, kernel: Any, padding: Pairs, dilation: Sequence[int]) -> Any:
    """Patches over all axes but the first, times every row of the kernel at once; then a sum of shifted rows.

    Three copies of the input and three of the output, where whole patches are nine of the input. The rows are padded
    only when they are summed: nothing is multiplied by zeros.
    """
    rows, features = kernel.shape[0], kernel.shape[-1]
    wide = jnp.moveaxis(kernel, 0, -2).reshape(1, *kernel.shape[1:-1], rows * features)
    inner = (*_NONE, *padding[1:])
    y = _conv_patches(x, wide, (1,) * len(dilation), inner, dilation, 1)
    return products.sum_of_rows(y, rows, dilation[0], (padding[0][0], padding[0][1]))


_NONE = ((0, 0),)  # the padding of one axis


def _conv_depthwise(
    x: Any, kernel: Any, strides: Sequence[int], padding: Pairs, dilation: Sequence[int]
) -> Any:
    """One sum of shifted multiples: there is no matrix in it."""
    window, channels = kernel.shape[:-2], x.shape[-1]
    weights = kernel.reshape(math.prod(window), channels, -1)
    taps = windows.slices(windows.pad(x, padding, 0), window, strides, dilation)

    def multiple(m: int) -> Any:
        return reduce(jnp.add, [tap * w for tap, w in zip(taps, weights[..., m], strict=True)])

    # one sum per multiple: an axis of size 1 beside the channels makes the gradient four times slower
    sums = [multiple(m) for m in range(weights.shape[-1])]
    if len(sums) == 1:
        return sums[0]
    return jnp.stack(sums, -1).reshape(*taps[0].shape[:-1], channels * len(sums))


@compiled("strides", "padding", "dilation")
def conv_transpose(
    x: Any, kernel: Any, strides: Sequence[int], padding: Pairs, dilation: Sequence[int]
) -> Any:
    """The transpose of the linear map that `conv` is: no product with the zeros between spread elements."""
    reach = [(k - 1) * d for k, d in zip(kernel.shape, dilation, strict=False)]
    sizes = [
        (n - 1) * s + 1 + low + high - r
        for n, s, (low, high), r in zip(x.shape[1:-1], strides, padding, reach, strict=True)
    ]
    inverse = tuple([(r - low, r - high) for r, (low, high) in zip(reach, padding, strict=True)])
    output = jax.ShapeDtypeStruct((x.shape[0], *sizes, kernel.shape[-2]), x.dtype)
    forward = jax.linear_transpose(lambda y: conv(y, kernel, strides, inverse, dilation, 1), output)
    return forward(x)[0]


@compiled("kind", "window", "strides", "padding")
def pool(x: Any, kind: str, window: Sequence[int], strides: Sequence[int], padding: Pairs) -> Any:
    """The maximum or mean over the axes of a reshape where windows do not overlap, over shifted slices elsewhere."""
    start = least(x.dtype) if kind == "max" else 0
    if tuple(window) == tuple(strides):
        return _pool_reshape(x, kind, window, padding, start)
    taps = windows.slices(windows.pad(x, padding, start), window, strides, (1,) * len(window))
    if kind == "max":
        return reduce(jnp.maximum, taps)
    return reduce(jnp.add, taps) / counts(x, window, strides, padding)


def _pool_reshape(x: Any, kind: str, window: Sequence[int], padding: Pairs, start: Any) -> Any:
    # elements beyond the last whole window are cut: a negative width
    ends = [
        (low, high - (n + low + high) % w)
        for n, w, (low, high) in zip(x.shape[1:-1], window, padding, strict=True)
    ]
    padded = windows.pad(x, ends, start)
    split = [size for n, w in zip(padded.shape[1:-1], window, strict=True) for size in (n // w, w)]
    blocks = padded.reshape(x.shape[0], *split, x.shape[-1])
    axes = tuple(range(2, 2 + 2 * len(window), 2))
    if kind == "max":
        return _block_max(blocks, axes)
    return jnp.sum(blocks, axes) / counts(x, window, window, padding)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def _block_max(blocks: Any, axes: tuple[int, ...]) -> Any:
    return jnp.max(blocks, axes)


@_block_max.defjvp
def _(axes: tuple[int, ...], primals: tuple, tangents: tuple) -> Any:
    """The gradient goes to the first maximum, as in XLA's own pooling; jax would count equal ones and divide."""
    (blocks,), (change,) = primals, tangents
    most = _block_max(blocks, axes)
    sizes = [n if i in axes else 1 for i, n in enumerate(blocks.shape)]
    positions = jnp.arange(math.prod(sizes), dtype=np.int32).reshape(sizes)
    found = jnp.where(blocks == jnp.expand_dims(most, axes), positions, np.int32(positions.size))
    first = jnp.min(found, axes, keepdims=True)
    return most, jnp.sum(jnp.where(positions == first, change, 0), axes)


def counts(x: Any, window: Sequence[int], strides: Sequence[int], padding: Pairs) -> Any:
    """How many elements of x lie inside each window: (1, *out, 1), or the window's size where all do."""
    result = np.ones((), x.dtype)
    for n, w, s, (low, high) in zip(x.shape[1:-1], window, strides, padding, strict=True):
        first = np.arange(0, n + low + high - w + 1, s) - low
        inside = np.minimum(first + w, n) - np.maximum(first, 0)
        result = result[..., None] * inside.astype(x.dtype)
    return jnp.asarray(result[None, ..., None])


@compiled()
def linear(x: Any, kernel: Any, bias: Any) -> Any:
    """Over two dimensions: with more, the gradient would contract two axes at once, which is slow."""
    result = products.product(x.reshape(-1, x.shape[-1]), kernel).reshape(*x.shape[:-1], kernel.shape[-1])
    return result if bias is None else result + bias


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    """As one product of matrices, for the same reason as `linear`."""
    if isinstance(axes, int):
        axes = (range(x1.ndim - axes, x1.ndim), range(axes))
    letters1, letters2 = string.ascii_lowercase[: x1.ndim], list(string.ascii_uppercase[: x2.ndim])
    for a, b in zip(*axes, strict=True):
        letters2[b] = letters1[a]
    output = [c for c in letters1 if c not in letters2] + [c for c in letters2 if c not in letters1]
    return einsum(f"{letters1},{''.join(letters2)}->{''.join(output)}", x1, x2)


@lru_cache(maxsize=1024)
def is_product(equation: str) -> bool:
    """Whether an equation is a product of two operands in which nothing is summed or repeated alone."""
    operands, _, output = equation.replace(" ", "").partition("->")
    first, _, second = operands.partition(",")
    if not second or "," in second or any(len(set(t)) != len(t) for t in (first, second, output)):
        return False
    return set(first) ^ set(second) <= set(output)


@compiled("equation")
def einsum(equation: str, x1: Any, x2: Any) -> Any:
    """A product of two operands with each group of axes made one, for the same reason as `linear`."""
    operands, _, output = equation.replace(" ", "").partition("->")
    first, second = operands.split(",")
    size = dict(zip(first + second, (*x1.shape, *x2.shape), strict=True))
    batch = [c for c in first if c in second and c in output]
    inner = [c for c in first if c in second and c not in output]
    free1, free2 = [c for c in first if c not in second], [c for c in second if c not in first]

    def arrange(x: Any, letters: str, *groups: list) -> Any:
        order = [letters.index(c) for c in [*batch, *groups[0], *groups[1]]]
        return x.transpose(order).reshape(
            [size[c] for c in batch] + [math.prod(size[c] for c in g) for g in groups]
        )

    left, right = arrange(x1, first, free1, inner), arrange(x2, second, inner, free2)
    result = left @ right if batch else products.product(left, right)
    letters = batch + free1 + free2
    return result.reshape([size[c] for c in letters]).transpose([letters.index(c) for c in output])


@compiled("axis", "keepdims")
def argmax(x: Any, axis: int, keepdims: bool) -> Any:
    """The first position of the maximum."""
    return _first(x == jnp.max(x, axis, keepdims=True), x, axis, keepdims)


@compiled("axis", "keepdims")
def argmin(x: Any, axis: int, keepdims: bool) -> Any:
    """The first position of the minimum."""
    return _first(x == jnp.min(x, axis, keepdims=True), x, axis, keepdims)


def _first(found: Any, x: Any, axis: int, keepdims: bool) -> Any:
    """The first position that is found or NaN: two reductions of one operand, where XLA's of two is no vector code."""
    positions = lax.broadcasted_iota(np.int32, x.shape, axis)
    return jnp.min(jnp.where(found | (x != x), positions, np.int32(x.shape[axis])), axis, keepdims=keepdims)


@compiled("axis")
def take_one(x: Any, position: Any, axis: int) -> Any:
    """Entries along an axis as a sum with the others left out: fused, where a gather and its scatter stand alone."""
    axis, classes = axis % x.ndim, x.shape[axis]
    position = jnp.where(position < 0, position + classes, position)
    found = jnp.sum(
        jnp.where(lax.broadcasted_iota(position.dtype, x.shape, axis) == position, x, 0), axis, keepdims=True
    )
    # added, so that the derivative does not ask for it
    return found + jnp.where((position >= 0) & (position < classes), 0, jnp.nan).astype(x.dtype)
