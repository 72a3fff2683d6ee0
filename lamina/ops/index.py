"""Reading by position."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.symbolic import Holder
from lamina.ops.checks import axis_of, rank_at_least, shown
from lamina.ops.compare import truth
from lamina.ops.manipulate import shape_of
from lamina.ops.op import Output, Tensor, convert, op
from lamina.ops.tensors import count


def indices_of(name: str, k: Kernel, x: Any) -> Any:
    """`x` as indices: int32, or int64 if it is that.

    Raises:
        TypeError: for floats.
    """
    dtype = k.dtype(x)
    if dtype not in dtypes.INTEGERS and dtype != "bool":
        raise TypeError(f"{name}: indices must be integers, got {dtype}.")
    return (
        x
        if dtype in ("int32", "int64")
        else k.astype(x, "int64" if dtype in ("uint32", "uint64") else "int32")
    )


@op("x", given=("key",), class_name="GetItem")
def get_item(k: Kernel, x: Tensor, key: Any) -> Output:
    """x[key]: integers, slices, None, Ellipsis, and integer or bool tensors, as in NumPy.

    Args:
        x: Tensor of any shape.
        key: One of these, or a tuple of them.

    Returns:
        Tensor.

    Raises:
        IndexError: for an integer out of range, or more indices than axes.

    Example:
        >>> int(lamina.ops.get_item([5, 6, 7], -1))
        7
    """
    keys = [_index(k, part) for part in (key if isinstance(key, tuple) else (key,))]
    _check_key(k, x, keys)
    return k.getitem(x, tuple(keys))


def _index(k: Kernel, part: Any) -> Any:
    """One part of a key: sequences and arrays become tensors."""
    if part is None or part is Ellipsis or isinstance(part, k.Tensor):
        return part
    if isinstance(part, int) and not isinstance(part, bool):
        return part
    if isinstance(part, slice):
        return slice(*(_bound(k, b) for b in (part.start, part.stop, part.step)))
    if isinstance(part, bool):
        return convert(k, part)
    if getattr(part, "shape", None) == () and not isinstance(part, Holder):
        return operator.index(part)
    found = convert(k, part)
    return k.astype(found, "int32") if not count(k.shape(found)) and k.dtype(found) == "float32" else found


def _bound(k: Kernel, bound: Any) -> Any:
    if bound is None or isinstance(bound, (int, k.Tensor)):
        return bound
    return operator.index(bound)


def _check_key(k: Kernel, x: Any, keys: list[Any]) -> None:
    sizes, axis = k.shape(x), 0
    used = sum(_takes(k, part) for part in keys)
    if used > len(sizes):
        raise IndexError(f"get_item: {used} indices for a tensor of rank {len(sizes)}, shape {shown(sizes)}.")
    for part in keys:
        if part is Ellipsis:
            axis += len(sizes) - used
        elif type(part) is int and type(sizes[axis]) is int and not -sizes[axis] <= part < sizes[axis]:
            raise IndexError(f"get_item: index {part} is out of range for axis {axis} of size {sizes[axis]}.")
        axis += _takes(k, part)


def _takes(k: Kernel, part: Any) -> int:
    """How many axes a part of a key consumes."""
    if part is None or part is Ellipsis:
        return 0
    return len(part.shape) if isinstance(part, k.Tensor) and k.dtype(part) == "bool" else 1


@op("x", "indices")
def take(k: Kernel, x: Tensor, indices: Tensor, axis: int | None = None) -> Output:
    """Entries at positions along an axis.

    Args:
        x: Tensor of rank 1 or more.
        indices: Integer tensor of any shape; negative ones count from the end.
        axis: The axis; None takes from the flattened tensor.

    Returns:
        Tensor in which the shape of `indices` stands in place of the axis.

    Raises:
        ValueError: for an axis out of range.
        TypeError: for indices that are not integers.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.take([10, 20, 30], [2, 0])).tolist()
        [30, 10]
    """
    indices = indices_of("take", k, indices)
    if axis is None:
        return k.take(k.reshape(x, (-1,)), indices, 0)
    return k.take(x, indices, axis_of("take", axis, len(x.shape)))


@op("x", "indices")
def take_along_axis(k: Kernel, x: Tensor, indices: Tensor, axis: int | None = None) -> Output:
    """Entries at positions along an axis, with positions of their own for each line.

    Args:
        x: Tensor of rank 1 or more.
        indices: Integer tensor of the same rank, whose other axes broadcast with those of `x`.
        axis: The axis; None takes from the flattened tensor.

    Returns:
        Tensor of the shape of `indices`, broadcast in the other axes.

    Raises:
        ValueError: for an axis out of range, or another rank.
        TypeError: for indices that are not integers.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.take_along_axis([[3, 1], [2, 4]], [[1], [0]], axis=1)).tolist()
        [[1], [2]]
    """
    indices = indices_of("take_along_axis", k, indices)
    if axis is None:
        return k.take_along_axis(k.reshape(x, (-1,)), k.reshape(indices, (-1,)), 0)
    place = axis_of("take_along_axis", axis, len(x.shape))
    if len(indices.shape) != len(x.shape):
        raise ValueError(
            f"take_along_axis: `indices` must have as many axes as `x`, got shapes {shown(k.shape(indices))} and "
            f"{shown(k.shape(x))}."
        )
    return k.take_along_axis(x, indices, place)


@op("condition", "x1", "x2", promote=True, only=("x1", "x2"), scalars=True)
def where(k: Kernel, condition: Tensor, x1: Tensor = None, x2: Tensor = None) -> Any:
    """x1 where the condition is true, x2 elsewhere.

    Args:
        condition: Bool tensor (a number counts as true unless it is 0).
        x1: Tensor, or a number. Without it and `x2`, the positions of true entries are given.
        x2: Tensor, or a number; the shapes of all three broadcast.

    Returns:
        Tensor of the broadcast shape and common dtype of `x1` and `x2`; without them a tuple of int32 index tensors,
        one for each axis.

    Raises:
        ValueError: if only one of `x1`, `x2` is given.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.where([True, False], 1, [5, 6])).tolist()
        [1, 6]
    """
    if (x1 is None) != (x2 is None):
        raise ValueError("where: give both `x1` and `x2`, or none of them.")
    if x1 is None:
        return k.nonzero(truth(k, condition))
    return k.where(truth(k, condition), x1, x2)


@op("indices")
def unravel_index(k: Kernel, indices: Tensor, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """Positions in a flattened tensor as one index for each axis.

    Args:
        indices: Integer tensor of any shape.
        shape: The sizes of the tensor.

    Returns:
        Tuple of int32 tensors of the shape of `indices`, one for each axis.

    Raises:
        TypeError: for indices that are not integers.

    Example:
        >>> [int(i) for i in lamina.ops.unravel_index(5, (2, 3))]
        [1, 2]
    """
    rest = indices_of("unravel_index", k, indices)
    sizes = shape_of("unravel_index", k, shape)
    dtype = k.dtype(rest)
    total = k.full((), count(sizes), dtype)
    rest = k.where(k.less(rest, k.full((), 0, dtype)), k.add(rest, total), rest)
    out = []
    for n in sizes[::-1]:
        size = k.full((), n, dtype)
        out.append(k.remainder(rest, size))
        rest = k.floor_divide(rest, size)
    return tuple(out[::-1])


@op("x")
def nonzero(k: Kernel, x: Tensor) -> tuple[Tensor, ...]:
    """The positions of the entries that are not 0.

    Args:
        x: Tensor of rank 1 or more.

    Returns:
        Tuple of int32 tensors of rank 1, one for each axis. Their size depends on the values, so this cannot be
        compiled by jax.

    Raises:
        ValueError: for rank 0.

    Example:
        >>> [lamina.ops.convert_to_numpy(i).tolist() for i in lamina.ops.nonzero([0, 3, 0, 5])]
        [[1, 3]]
    """
    rank_at_least("nonzero", x, 1)
    return k.nonzero(truth(k, x))


@op("default", lists=("condlist", "choicelist"), promote=True, only=("choicelist", "default"))
def select(
    k: Kernel, condlist: Sequence[Tensor], choicelist: Sequence[Tensor], default: Tensor = 0
) -> Output:
    """For each entry, the choice that belongs to the first true condition.

    Args:
        condlist: List of bool tensors.
        choicelist: List of as many tensors; all shapes broadcast.
        default: What to give where no condition is true.

    Returns:
        Tensor of the broadcast shape and common dtype of choices and default.

    Raises:
        ValueError: for empty lists, or lists of different length.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.select([[True, False], [True, True]], [[1, 2], [3, 4]])).tolist()
        [1, 4]
    """
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            f"select: expected as many choices as conditions and at least one, got {len(choicelist)} and "
            f"{len(condlist)}."
        )
    if default is None:
        raise ValueError("select: `default` must be a number or a tensor, got None.")
    out = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        out = k.where(truth(k, condition), choice, out)
    return out
