"""Writing by position, and blocks of tensors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.symbolic import Holder
from lamina.ops.checks import one_of, rank_at_least, shown
from lamina.ops.index import indices_of
from lamina.ops.manipulate import shape_of
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, count, static


@op("indices", "values", module="core")
def scatter(k: Kernel, indices: Tensor, values: Tensor, shape: Sequence[int]) -> Output:
    """Zeros in which values are put at positions; those at the same position add up.

    Args:
        indices: Integer tensor of shape (..., depth).
        values: Tensor of shape `indices.shape[:-1] + shape[depth:]`.
        shape: The sizes of the result.

    Returns:
        Tensor of this shape, of the dtype of `values`.

    Raises:
        ValueError: if the shapes do not fit each other.
        TypeError: for indices that are not integers.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.scatter([[0], [2]], [1.0, 2.0], (3,))).tolist()
        [1.0, 0.0, 2.0]
    """
    sizes = shape_of("scatter", k, shape)
    return _scattered("scatter", k, k.zeros(sizes, k.dtype(values)), indices, values, "add")


@op("inputs", "indices", "updates", module="core")
def scatter_update(
    k: Kernel, inputs: Tensor, indices: Tensor, updates: Tensor, reduction: str | None = None
) -> Output:
    """A copy of a tensor with values at positions replaced, or combined with what is there.

    Args:
        inputs: Tensor of any shape.
        indices: Integer tensor of shape (n, depth).
        updates: Tensor of shape `(n,) + inputs.shape[depth:]`.
        reduction: None to replace, or "add", "max", "min", "mul".

    Returns:
        Tensor of the shape and dtype of `inputs`.

    Raises:
        ValueError: for another reduction, or shapes that do not fit each other.
        TypeError: for indices that are not integers.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.scatter_update([1, 2, 3], [[1]], [9])).tolist()
        [1, 9, 3]
    """
    one_of("scatter_update", "reduction", reduction, (None, "add", "max", "min", "mul"))
    kind = {"mul": "multiply"}.get(reduction, reduction) if reduction else "set"
    return _scattered("scatter_update", k, inputs, indices, updates, kind)


def _scattered(name: str, k: Kernel, x: Any, indices: Any, updates: Any, kind: str) -> Any:
    indices = indices_of(name, k, indices)
    rank_at_least(name, indices, 1)
    places, sizes = k.shape(indices), k.shape(x)
    depth = places[-1]
    if type(depth) is not int:
        raise ValueError(
            f"{name}: the size of the last axis of `indices` must be known, got {shown(places)}."
        )
    if depth > len(sizes):
        raise ValueError(f"{name}: positions of depth {depth} for a tensor of rank {len(sizes)}.")
    wanted = (*places[:-1], *sizes[depth:])
    if static(wanted) and static(k.shape(updates)) and tuple(k.shape(updates)) != wanted:
        raise ValueError(f"{name}: expected values of shape {shown(wanted)}, got {shown(k.shape(updates))}.")
    rows = count(places[:-1])
    updates = k.reshape(astype(k, updates, k.dtype(x)), (rows, *sizes[depth:]))
    return k.scatter(x, k.reshape(indices, (rows, depth)), updates, kind)


@op("inputs", given=("start_indices",), module="core")
def slice(k: Kernel, inputs: Tensor, start_indices: Any, shape: Sequence[int]) -> Output:
    """A block of a tensor.

    Args:
        inputs: Tensor of any shape.
        start_indices: Where it starts: one integer, or integer tensor, for each axis.
        shape: Its sizes.

    Returns:
        Tensor of this shape. A block that would reach over the end starts earlier.

    Raises:
        ValueError: if there is not one start and one size for each axis, or the block is larger than the tensor.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.slice([1, 2, 3, 4], (1,), (2,))).tolist()
        [2, 3]
    """
    have = k.shape(inputs)
    starts = _starts("slice", k, start_indices, len(have))
    sizes = shape_of("slice", k, shape, least=-1)
    if len(sizes) != len(have):
        raise ValueError(f"slice: expected {len(have)} sizes, got shape {shown(sizes)}.")
    sizes = tuple([n - s if m == -1 else m for m, n, s in zip(sizes, have, starts, strict=True)])
    for n, m in zip(have, sizes, strict=True):
        if static((n, m)) and m > n:
            raise ValueError(
                f"slice: a block of shape {shown(sizes)} does not fit a tensor of shape {shown(have)}."
            )
    return k.slice(inputs, starts, sizes)


@op("inputs", "updates", given=("start_indices",), module="core")
def slice_update(k: Kernel, inputs: Tensor, start_indices: Any, updates: Tensor) -> Output:
    """A copy of a tensor with a block replaced.

    Args:
        inputs: Tensor of any shape.
        start_indices: Where the block starts: one integer, or integer tensor, for each axis.
        updates: The block, a tensor of the same rank.

    Returns:
        Tensor of the shape and dtype of `inputs`. A block that would reach over the end starts earlier.

    Raises:
        ValueError: if there is not one start for each axis, or the block is larger than the tensor.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.slice_update([1, 2, 3, 4], (1,), [8, 9])).tolist()
        [1, 8, 9, 4]
    """
    have, sizes = k.shape(inputs), k.shape(updates)
    starts = _starts("slice_update", k, start_indices, len(have))
    if len(sizes) != len(have) or any(static((n, m)) and m > n for n, m in zip(have, sizes, strict=True)):
        raise ValueError(
            f"slice_update: a block of shape {shown(sizes)} does not fit a tensor of shape {shown(have)}."
        )
    return k.slice_update(inputs, starts, astype(k, updates, k.dtype(inputs)))


def _starts(name: str, k: Kernel, given: Any, rank: int) -> list[Any]:
    """One start for each axis; a tensor of them is taken apart."""
    if isinstance(given, Holder):
        given = given.value
    if isinstance(given, k.Tensor):
        given = k.unstack(given, 0) if len(given.shape) else [given]
    elif hasattr(given, "tolist"):
        given = given.tolist()
    starts = [given] if isinstance(given, int) else list(given)
    if len(starts) != rank:
        raise ValueError(f"{name}: expected {rank} start indices, got {len(starts)}.")
    return [
        s if isinstance(s, k.Tensor) else s.value if isinstance(s, Holder) else operator.index(s)
        for s in starts
    ]
