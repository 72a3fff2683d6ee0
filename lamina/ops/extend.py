"""More entries than before: broadcasting, copies, padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.ops.checks import axis_of, one_of, shown
from lamina.ops.manipulate import shape_of
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.tensors import astype, static


@op("x")
def broadcast_to(k: Kernel, x: Tensor, shape: Sequence[int]) -> Output:
    """Values repeated along axes of size 1, and along new axes in front.

    Args:
        x: Tensor of any shape.
        shape: The sizes of the result.

    Returns:
        Tensor of this shape.

    Raises:
        ValueError: if the shape of `x` does not broadcast to it.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.broadcast_to([1, 2], (2, 2))).tolist()
        [[1, 2], [1, 2]]
    """
    have, want = k.shape(x), shape_of("broadcast_to", k, shape)
    pairs = zip(have[::-1], want[::-1], strict=False)
    if len(have) > len(want) or any(static((n, m)) and n not in (1, m) for n, m in pairs):
        raise ValueError(f"broadcast_to: shape {shown(have)} does not broadcast to {shown(want)}.")
    return k.broadcast_to(x, want)


@op("x")
def tile(k: Kernel, x: Tensor, repeats: int | Sequence[int]) -> Output:
    """Copies of a tensor side by side.

    Args:
        x: Tensor of any shape.
        repeats: How many copies along each axis; a shorter list counts for the last axes, a longer one adds axes.

    Returns:
        Tensor of size `x.shape[i] * repeats[i]`.

    Raises:
        ValueError: for a negative number.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.tile([1, 2], 2)).tolist()
        [1, 2, 1, 2]
    """
    times = shape_of("tile", k, repeats)
    rank = len(x.shape)
    if len(times) > rank:
        x = k.reshape(x, ((1,) * (len(times) - rank)) + tuple(k.shape(x)))
    return k.tile(x, (1,) * (rank - len(times)) + times)


@op("x")
def repeat(k: Kernel, x: Tensor, repeats: Any, axis: int | None = None) -> Output:
    """Each entry several times in a row.

    Args:
        x: Tensor of any shape.
        repeats: How often: an integer, or one for each entry along the axis.
        axis: The axis; None takes the flattened tensor.

    Returns:
        Tensor that is longer along the axis.

    Raises:
        ValueError: for an axis out of range, negative repeats, or as many as do not fit the axis.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.repeat([1, 2], 2)).tolist()
        [1, 1, 2, 2]
    """
    if axis is None or not len(x.shape):
        place = 0 if axis is None else axis_of("repeat", axis, 1)
        x = k.reshape(x, (-1,))
    else:
        place = axis_of("repeat", axis, len(x.shape))
    if isinstance(repeats, k.Tensor):
        return k.repeat(x, k.reshape(repeats, (-1,)), place)
    times = shape_of("repeat", k, repeats)
    if len(times) == 1:
        return k.repeat(x, times[0], place)
    size = k.shape(x)[place]
    if type(size) is int and len(times) != size:
        raise ValueError(f"repeat: {len(times)} repeats for an axis of size {size}.")
    return k.repeat(x, k.asarray(list(times), "int32"), place, sum(times))


@op("x", given=("constant_values",))
def pad(
    k: Kernel,
    x: Tensor,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: Any = None,
) -> Output:
    """More entries at both ends of the axes.

    Args:
        x: Tensor of any shape.
        pad_width: How many (before, after) for each axis; one pair or number counts for all of them.
        mode: "constant", "reflect" (mirrored without the edge), "symmetric" (with it) or "edge" (repeated).
        constant_values: What to fill in for "constant"; None is 0.

    Returns:
        Tensor of size `before + x.shape[i] + after`.

    Raises:
        ValueError: for another mode, a value without "constant", negative widths, or an axis with nothing to repeat.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.pad([1, 2], (1, 1))).tolist()
        [0, 1, 2, 0]
    """
    one_of("pad", "mode", mode, ("constant", "reflect", "symmetric", "edge"))
    if constant_values is not None and mode != "constant":
        raise ValueError(f"pad: `constant_values` goes with mode 'constant', not with {mode!r}.")
    sizes = k.shape(x)
    widths = _widths(pad_width, len(sizes))
    for axis, (n, pair) in enumerate(zip(sizes, widths, strict=True)):
        if mode != "constant" and type(n) is int and max(pair) > 0 and n == 0:
            raise ValueError(f"pad: mode {mode!r} has nothing to take from an axis of size 0.")
        if mode in ("reflect", "symmetric") and type(n) is int and max(pair) > n - (mode == "reflect"):
            x = k.take(x, k.asarray(_mirrored(n, *pair, mode), "int32"), axis)
            widths[axis] = (0, 0)
    value = 0 if constant_values is None else constant_values
    if isinstance(value, k.Tensor):
        value = astype(k, value, k.dtype(x))
    elif type(value) not in (int, float, bool, complex):
        value = astype(k, convert(k, value), k.dtype(x))
    return k.pad(x, widths, mode, value) if widths else x


def _mirrored(size: int, before: int, after: int, mode: str) -> list[int]:
    """Positions on an axis that is mirrored more than once, for widths that one mirror image does not fill."""
    edge = mode == "symmetric"  # whether the last entry is seen in the mirror, too
    period = max(2 * size - 2 * (not edge), 1)
    places = [i % period for i in range(-before, size + after)]
    return [i if i < size else period - edge - i for i in places]


def _widths(given: Any, rank: int) -> list[tuple[int, int]]:
    """A pair for each axis."""
    if hasattr(given, "tolist"):
        given = given.tolist()
    pairs: Any = given
    if isinstance(given, int):
        pairs = [(given, given)]
    elif all(isinstance(n, int) for n in given):
        pairs = [tuple(given) * (3 - len(given))] if len(given) in (1, 2) else None
    else:
        pairs = [tuple(p) * (3 - len(p)) if isinstance(p, list | tuple) else (p, p) for p in given]
    if pairs is not None and len(pairs) == 1:
        pairs = pairs * rank
    if pairs is None or len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise ValueError(f"pad: `pad_width` must be a pair for each of the {rank} axes, got {given!r}.")
    if any(n < 0 for p in pairs for n in p):
        raise ValueError(f"pad: `pad_width` has no negative numbers, got {given!r}.")
    return pairs
