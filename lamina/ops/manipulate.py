"""The same values in another shape or order."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import axes_of, axis_of, rank_at_least, shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import bits, count, is_unknown, static


@op("x")
def reshape(k: Kernel, x: Tensor, newshape: Sequence[int] | int) -> Output:
    """The same values in another shape.

    Args:
        x: Tensor of any shape.
        newshape: The sizes; one of them may be -1 (or None), and is then found from the others.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: if the number of entries is another, or -1 stands twice.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.reshape([1, 2, 3, 4], (2, -1))).tolist()
        [[1, 2], [3, 4]]
    """
    return k.reshape(x, _new_shape("reshape", k, k.shape(x), newshape))


def _new_shape(name: str, k: Kernel, old: Sequence[Any], new: Any) -> tuple[Any, ...]:
    sizes = shape_of(name, k, _without_none(new, old), least=-1)
    if not static(sizes) or not static(old):
        return sizes
    have, free = count(old), sizes.count(-1)
    rest = count([n for n in sizes if n != -1])
    if free > 1:
        raise ValueError(f"{name}: only one size may be -1, got {sizes}.")
    if (have != rest) if not free else (rest == 0 or have % rest):
        raise ValueError(
            f"{name}: a tensor of shape {shown(old)} ({have} entries) has no shape {shown(sizes)}."
        )
    return tuple([have // rest if n == -1 else n for n in sizes])


def _without_none(new: Any, old: Sequence[Any]) -> Any:
    """None, which `shape` gives for a symbolic tensor, means -1; beside a -1, the size of the same axis."""
    if not isinstance(new, list | tuple) or None not in new:
        return new
    if -1 not in new and list(new).count(None) == 1:
        return [-1 if n is None else n for n in new]
    return [old[i] if n is None and i < len(old) else n for i, n in enumerate(new)]


def shape_of(name: str, k: Kernel, shape: Any, least: int = 0) -> tuple[Any, ...]:
    """A shape from an integer, a sequence, or a tensor of integers.

    Raises:
        ValueError: if a size is no integer, or below `least`.
    """
    if isinstance(shape, int):
        shape = (shape,)
    elif hasattr(shape, "tolist"):
        shape = shape.tolist()
        shape = (shape,) if isinstance(shape, int) else shape
    elif isinstance(shape, k.Tensor):  # of a traced program: its sizes are tensors, too
        shape = [shape[i] for i in range(k.shape(shape)[0])]
    return tuple([n if isinstance(n, k.Tensor) or is_unknown(n) else _size(name, n, least) for n in shape])


def _size(name: str, n: Any, least: int) -> int:
    try:
        size = operator.index(n)
    except TypeError:
        raise ValueError(f"{name}: a shape consists of integers, got {n!r}.") from None
    if size < least:
        raise ValueError(f"{name}: a shape has no negative sizes, got {size}.")
    return size


@op("x")
def ravel(k: Kernel, x: Tensor) -> Output:
    """The same values in one axis.

    Args:
        x: Tensor of any shape.

    Returns:
        Tensor of rank 1.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.ravel([[1, 2], [3, 4]])).tolist()
        [1, 2, 3, 4]
    """
    return k.reshape(x, (-1,)) if not static(k.shape(x)) else k.reshape(x, (count(k.shape(x)),))


@op("x")
def transpose(k: Kernel, x: Tensor, axes: Sequence[int] | None = None) -> Output:
    """Axes in another order.

    Args:
        x: Tensor of any shape.
        axes: For each axis of the result, which one of `x` it is; None reverses them.

    Returns:
        Tensor whose axis i is the axis `axes[i]` of `x`.

    Raises:
        ValueError: if `axes` is not an order of the axes.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.transpose([[1, 2], [3, 4]])).tolist()
        [[1, 3], [2, 4]]
    """
    rank = len(x.shape)
    order = tuple(range(rank))[::-1] if axes is None else axes_of("transpose", _listed(axes), rank)
    if len(order) != rank:
        raise ValueError(f"transpose: `axes` must name all {rank} axes, got {axes!r}.")
    return k.permute_dims(x, order)


def _listed(axes: Any) -> Any:
    """Any sequence as a tuple; a lone axis as it is, which is refused with the right words."""
    return tuple(axes) if hasattr(axes, "__iter__") else axes


@op("x")
def swapaxes(k: Kernel, x: Tensor, axis1: int, axis2: int) -> Output:
    """Two axes exchanged.

    Args:
        x: Tensor of rank 1 or more.
        axis1: One axis.
        axis2: The other.

    Returns:
        Tensor with the two sizes exchanged.

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.shape(lamina.ops.swapaxes([[[1, 2]]], 0, 2))
        (2, 1, 1)
    """
    rank = len(x.shape)
    order = list(range(rank))
    i, j = axis_of("swapaxes", axis1, rank), axis_of("swapaxes", axis2, rank)
    order[i], order[j] = j, i
    return k.permute_dims(x, order)


@op("x")
def moveaxis(k: Kernel, x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Output:
    """Axes moved to other places; the others keep their order.

    Args:
        x: Tensor of any shape.
        source: Which axis or axes.
        destination: Their places in the result.

    Returns:
        Tensor with permuted axes.

    Raises:
        ValueError: for axes out of range or given twice, or if the two differ in number.

    Example:
        >>> lamina.ops.shape(lamina.ops.moveaxis([[[1, 2]]], -1, 0))
        (2, 1, 1)
    """
    rank = len(x.shape)
    sources, places = axes_of("moveaxis", source, rank), axes_of("moveaxis", destination, rank)
    if len(sources) != len(places):
        raise ValueError(f"moveaxis: `source` {source!r} and `destination` {destination!r} differ in number.")
    order = [i for i in range(rank) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return k.permute_dims(x, order)


@op("x")
def expand_dims(k: Kernel, x: Tensor, axis: int | Sequence[int]) -> Output:
    """New axes of size 1.

    Args:
        x: Tensor of any shape.
        axis: Where they stand in the result.

    Returns:
        Tensor of higher rank.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> lamina.ops.shape(lamina.ops.expand_dims([1, 2, 3], 0))
        (1, 3)
    """
    many = len(axis) if isinstance(axis, list | tuple) else 1
    axes = axes_of("expand_dims", axis, len(x.shape) + many)
    return k.expand_dims(x, axes if many != 1 else axes[0])


@op("x")
def squeeze(k: Kernel, x: Tensor, axis: int | Sequence[int] | None = None) -> Output:
    """Axes of size 1 removed.

    Args:
        x: Tensor of any shape.
        axis: Which; None removes all of them.

    Returns:
        Tensor of lower rank.

    Raises:
        ValueError: for an axis out of range, given twice, or of another size.

    Example:
        >>> lamina.ops.shape(lamina.ops.squeeze([[[1], [2]]]))
        (2,)
    """
    sizes = k.shape(x)
    if axis is None:
        axes = tuple([i for i, n in enumerate(sizes) if not is_unknown(n) and isinstance(n, int) and n == 1])
    else:
        axes = axes_of("squeeze", axis, len(sizes))
    for a in axes:
        if type(sizes[a]) is int and sizes[a] != 1:
            raise ValueError(f"squeeze: axis {a} has size {sizes[a]}, not 1, in shape {shown(sizes)}.")
    return k.squeeze(x, axes) if axes else x


@op("x")
def flip(k: Kernel, x: Tensor, axis: int | Sequence[int] | None = None) -> Output:
    """Entries in reverse order along axes.

    Args:
        x: Tensor of any shape.
        axis: Axis or axes; None is all of them.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for an axis out of range or given twice.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.flip([1, 2, 3])).tolist()
        [3, 2, 1]
    """
    axes = axes_of("flip", axis, len(x.shape))
    return k.flip(x, axes) if axes else x


@op("x")
def fliplr(k: Kernel, x: Tensor) -> Output:
    """Columns (the second axis) in reverse order.

    Args:
        x: Tensor of rank 2 or more.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for a lower rank.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.fliplr([[1, 2], [3, 4]])).tolist()
        [[2, 1], [4, 3]]
    """
    rank_at_least("fliplr", x, 2)
    return k.flip(x, (1,))


@op("x")
def flipud(k: Kernel, x: Tensor) -> Output:
    """Rows (the first axis) in reverse order.

    Args:
        x: Tensor of rank 1 or more.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for rank 0.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.flipud([[1, 2], [3, 4]])).tolist()
        [[3, 4], [1, 2]]
    """
    rank_at_least("flipud", x, 1)
    return k.flip(x, (0,))


@op("array")
def rot90(kernel: Kernel, array: Tensor, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Output:
    """A turn by k times 90 degrees in the plane of two axes, from the first towards the second.

    Args:
        array: Tensor of rank 2 or more.
        k: How many quarter turns; negative ones turn the other way.
        axes: The plane.

    Returns:
        Tensor with the two sizes exchanged for odd `k`.

    Raises:
        ValueError: for a lower rank, or axes that are not two different ones.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.rot90([[1, 2], [3, 4]])).tolist()
        [[2, 4], [1, 3]]
    """
    rank_at_least("rot90", array, 2)
    plane = axes_of("rot90", _listed(() if axes is None else axes), len(array.shape))
    if len(plane) != 2:
        raise ValueError(f"rot90: `axes` must be two different axes, got {axes!r}.")
    first, second = plane
    order = list(range(len(array.shape)))
    order[first], order[second] = second, first
    turns = operator.index(k) % 4
    if turns == 0:
        return array
    if turns == 2:
        return kernel.flip(array, plane)
    if turns == 1:
        return kernel.permute_dims(kernel.flip(array, (second,)), order)
    return kernel.flip(kernel.permute_dims(array, order), (second,))


@op("x")
def roll(k: Kernel, x: Tensor, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Output:
    """Entries moved along axes; what leaves at one end enters at the other.

    Args:
        x: Tensor of any shape.
        shift: By how many places, for each axis or for all of them.
        axis: Axis or axes; None rolls the flattened tensor and restores its shape.

    Returns:
        Tensor of the same shape.

    Raises:
        ValueError: for an axis out of range, or shifts and axes of different number.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.roll([1, 2, 3], 1)).tolist()
        [3, 1, 2]
    """
    if axis is None:
        total = sum(shift) if isinstance(shift, list | tuple) else shift
        return k.reshape(k.roll(k.reshape(x, (-1,)), total, 0), k.shape(x))
    # The same axis may be rolled twice, so each is checked by itself.
    axes = [axis_of("roll", a, len(x.shape)) for a in (axis if isinstance(axis, list | tuple) else (axis,))]
    shifts = list(shift) if isinstance(shift, list | tuple) else [shift] * len(axes)
    axes = axes * len(shifts) if len(axes) == 1 else axes
    if len(shifts) != len(axes):
        raise ValueError(f"roll: {len(shifts)} shifts for {len(axes)} axes.")
    for n, a in zip(shifts, axes, strict=True):
        x = k.roll(x, n, a)
    return x


@op("x")
def view(k: Kernel, x: Tensor, dtype: Any = None) -> Output:
    """The same bits read as another dtype.

    Args:
        x: Tensor; of rank 1 or more if the dtypes differ in width.
        dtype: Name of the dtype; None leaves `x` as it is.

    Returns:
        Tensor whose last axis is as much longer as the new dtype is narrower.

    Raises:
        ValueError: if the last axis does not hold whole numbers of the new width.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.view(lamina.ops.array([1.0]), "int32")).tolist()
        [1065353216]
    """
    old, new = k.dtype(x), k.dtype(x) if dtype is None else dtypes.standardize(dtype)
    wide, narrow = bits(new), bits(old)
    if wide != narrow and not len(x.shape):
        raise ValueError(f"view: a scalar of dtype {old} cannot be read as {new}, which has another width.")
    last = k.shape(x)[-1] if len(x.shape) else 1
    if wide > narrow and type(last) is int and last % (wide // narrow):
        raise ValueError(f"view: a last axis of size {last} ({old}) does not hold whole numbers of {new}.")
    return x if old == new else k.bitcast(x, new)
