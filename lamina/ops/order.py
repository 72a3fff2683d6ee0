"""Sorting, searching, counting."""

from __future__ import annotations

from typing import Any

from lamina.backends.sparse import sparse as as_sparse
from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.ops.checks import at_least, axis_of, one_of, shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import astype, count, known, move, to_float


def _line(name: str, k: Kernel, x: Any, axis: Any) -> tuple[Any, int]:
    """The tensor and the axis to sort along; None flattens it."""
    if axis is None:
        return k.reshape(x, (-1,)), 0
    return x, axis_of(name, axis, len(x.shape))


@op("x")
def sort(k: Kernel, x: Tensor, axis: int | None = -1) -> Output:
    """Entries in ascending order along an axis; NaN last.

    Args:
        x: Tensor of rank 1 or more.
        axis: The axis; None sorts the flattened tensor.

    Returns:
        Tensor of the same shape and dtype.

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.sort([3, 1, 2])).tolist()
        [1, 2, 3]
    """
    return k.sort(*_line("sort", k, x, axis))


@op("x")
def argsort(k: Kernel, x: Tensor, axis: int | None = -1) -> Output:
    """Indices that sort the entries along an axis; equal ones keep their order.

    Args:
        x: Tensor of rank 1 or more.
        axis: The axis; None sorts the flattened tensor.

    Returns:
        int32 tensor of the same shape.

    Raises:
        ValueError: for an axis out of range.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.argsort([3, 1, 2])).tolist()
        [1, 2, 0]
    """
    return k.argsort(*_line("argsort", k, x, axis))


@op("x")
def argpartition(k: Kernel, x: Tensor, kth: int, axis: int | None = -1) -> Output:
    """Indices that put the entry of rank kth in its place, smaller ones before it, larger ones behind.

    Args:
        x: Tensor of rank 1 or more.
        kth: Which place; negative ones count from the end.
        axis: The axis; None takes the flattened tensor.

    Returns:
        int32 tensor of the same shape. (Both sides are sorted, too; do not rely on it.)

    Raises:
        ValueError: for an axis or a place out of range.

    Example:
        >>> int(lamina.ops.argpartition([7, 1, 5], 0)[0])
        1
    """
    x, place = _line("argpartition", k, x, axis)
    size = k.shape(x)[place]
    if type(size) is int and not -size <= kth < size:
        raise ValueError(f"argpartition: `kth` {kth} is out of range for an axis of size {size}.")
    return k.argsort(x, place)


@op("sorted_sequence", "values", promote=True, class_name="SearchSorted")
def searchsorted(k: Kernel, sorted_sequence: Tensor, values: Tensor, side: str = "left") -> Output:
    """Where values would have to be inserted to keep a sequence sorted.

    Args:
        sorted_sequence: Tensor of rank 1, ascending.
        values: Tensor of any shape.
        side: "left" for the place before equal entries, "right" for the one behind them.

    Returns:
        int32 tensor of the shape of `values`.

    Raises:
        ValueError: for a sequence of another rank, or another side.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.searchsorted([1, 2, 2, 3], [2, 9])).tolist()
        [1, 4]
    """
    one_of("searchsorted", "side", side, ("left", "right"))
    _vector("searchsorted", "sorted_sequence", k, sorted_sequence)
    return _search(k, sorted_sequence, values, side)


def _vector(name: str, parameter: str, k: Kernel, x: Any) -> None:
    if len(x.shape) != 1:
        raise ValueError(f"{name}: `{parameter}` must have rank 1, got shape {shown(k.shape(x))}.")


def _search(k: Kernel, line: Any, values: Any, side: str) -> Any:
    if k.dtype(line) == "bool":
        line, values = k.astype(line, "int32"), k.astype(values, "int32")
    return k.searchsorted(line, values, side)


@op("x", "bins", promote=True)
def digitize(k: Kernel, x: Tensor, bins: Tensor) -> Output:
    """The number of the bin that each entry falls in: i where bins[i - 1] <= x < bins[i].

    Args:
        x: Tensor of any shape.
        bins: Tensor of rank 1, ascending: the borders.

    Returns:
        int32 tensor of the shape of `x`: 0 below all borders, `len(bins)` above them.

    Raises:
        ValueError: for borders of another rank.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0])).tolist()
        [0, 1, 2]
    """
    _vector("digitize", "bins", k, bins)
    return _search(k, bins, x, "right")


def _alike(a: Any, b: Any) -> bool:
    """Whether two shapes are the same, as far as they are known."""
    return len(a) == len(b) and all(n == m or not known(n) or not known(m) for n, m in zip(a, b, strict=True))


@op("x", "weights")
def bincount(
    k: Kernel, x: Tensor, weights: Tensor = None, minlength: int = 0, sparse: bool = False
) -> Output:
    """How often each of the numbers 0, 1, 2, ... occurs.

    Args:
        x: Tensor of integers or bools, not negative (negative ones count as 0), of shape (n,) or (rows, n).
        weights: Tensor of the same shape: what each entry counts; None counts 1.
        minlength: The least size of the result.
        sparse: Whether the result is a sparse tensor of jax or TensorFlow.

    Returns:
        Tensor of size max(x) + 1 or `minlength`, for each row; int32, or of the dtype of the weights. Its size
        depends on the values, so this cannot be compiled by jax.

    Raises:
        ValueError: for another rank, a negative `minlength`, weights of another shape, or `sparse` on a backend without.
        TypeError: if `x` is not of integers.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.bincount([1, 1, 3])).tolist()
        [0, 2, 0, 1]
    """
    at_least("bincount", "minlength", minlength, 0)
    if k.dtype(x) not in dtypes.IS_INTEGER and k.dtype(x) != "bool":
        raise TypeError(f"bincount: expected integers, got {k.dtype(x)}.")
    sizes = k.shape(x)
    if len(sizes) not in (1, 2):
        raise ValueError(f"bincount: expected a tensor of rank 1 or 2, got shape {shown(sizes)}.")
    if weights is not None and not _alike(weights.shape, x.shape):
        raise ValueError(
            f"bincount: weights of shape {shown(k.shape(weights))} for `x` of shape {shown(sizes)}."
        )
    x = k.maximum(astype(k, x, "int32"), k.full((), 0, "int32"))
    weights = k.ones(sizes, "int32") if weights is None else weights
    # A range up to the greatest number has the wanted size, in every way of running a program.
    none = k.full((1,), minlength - 1, "int32")
    length = k.add(k.max(k.concat([k.reshape(x, (-1,)), none], 0)), k.full((), 1, "int32"))
    size = k.shape(k.arange(0, length, 1, "int32"))[0]
    if len(sizes) == 1:
        counts = k.segment(weights, x, size, "sum")
        return as_sparse(k, counts, "bincount") if sparse else counts
    rows = k.expand_dims(k.arange(0, sizes[0], 1, "int32"), 1)
    ids = k.add(x, k.multiply(rows, length))
    flat = k.segment(k.reshape(weights, (-1,)), k.reshape(ids, (-1,)), sizes[0] * size, "sum")
    counts = k.reshape(flat, (sizes[0], size))
    return as_sparse(k, counts, "bincount") if sparse else counts


@op("x")
def histogram(
    k: Kernel, x: Tensor, bins: int = 10, range: tuple[float, float] | None = None
) -> tuple[Tensor, Tensor]:
    """How many entries fall in each of several bins of equal width.

    Args:
        x: Tensor of any shape, real.
        bins: How many bins.
        range: From where to where; None is from the least to the greatest entry.

    Returns:
        (counts, borders): tensors of shape (bins,) and (bins + 1,), of a float dtype. Each bin holds its lower border,
        the last one its upper border, too.

    Raises:
        ValueError: for fewer than one bin, or a range whose end is below its start.

    Example:
        >>> counts, borders = lamina.ops.histogram([1.0, 2.0, 4.0], bins=3)
        >>> lamina.ops.convert_to_numpy(counts).tolist(), lamina.ops.convert_to_numpy(borders).tolist()
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0])
    """
    at_least("histogram", "bins", bins, 1)
    if range is not None and range[1] < range[0]:
        raise ValueError(f"histogram: the end of `range` is below its start: {range}.")
    x = k.reshape(to_float(k, x), (-1,))
    dtype = k.dtype(x)
    if range is not None:
        low, high = (k.full((), float(end), dtype) for end in range)
    elif x.shape[0] == 0:
        low, high = k.full((), 0, dtype), k.full((), 1, dtype)
    else:
        low, high = k.min(x), k.max(x)
    flat = k.equal(low, high)  # a range without width gets one
    low, high = k.where(flat, k.subtract(low, 0.5), low), k.where(flat, k.add(high, 0.5), high)
    # First times, then divided: so whole borders are exact, and whole numbers fall on their right side.
    steps = k.divide(k.multiply(k.arange(0, bins + 1, 1, dtype), k.subtract(high, low)), float(bins))
    borders = k.concat([k.getitem(k.add(low, steps), slice(None, -1)), k.reshape(high, (1,))], 0)
    place = k.subtract(k.searchsorted(borders, x, "right"), k.full((), 1, "int32"))
    place = k.where(k.equal(x, high), k.full((), bins - 1, "int32"), place)
    place = k.where(
        k.logical_and(k.greater_equal(x, low), k.less_equal(x, high)), place, k.full((), bins, "int32")
    )
    counts = k.segment(k.ones(k.shape(x), "int32"), place, bins, "sum")
    return k.astype(counts, dtype), borders


@op("x")
def unique(
    k: Kernel,
    x: Tensor,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different entries, in ascending order.

    Args:
        x: Tensor of any shape.
        sorted: Whether they must be sorted; they are in any case.
        return_index: Whether to give where each first occurs, too.
        return_inverse: Whether to give for each entry of `x` which one it is, too.
        return_counts: Whether to give how often each occurs, too.
        axis: Compare the slices along this axis; None compares the entries of the flattened tensor.
        size: The size of the result: longer ones are cut, shorter ones filled. None depends on the values, which
            cannot be compiled by jax.
        fill_value: What to fill with; None is the least entry.

    Returns:
        Tensor of the different entries, or a tuple of it and what else was asked for, int32 tensors. Filled places
        have a count of 0.

    Raises:
        ValueError: for an axis out of range, or a negative `size`.

    Example:
        >>> lamina.ops.convert_to_numpy(lamina.ops.unique([3, 1, 3])).tolist()
        [1, 3]
    """
    if size is not None:
        at_least("unique", "size", size, 0)
        if size and fill_value is None and 0 in x.shape:
            raise ValueError(f"unique: {size} places and nothing to fill them with: give `fill_value`.")
    if axis is None and size and 0 in x.shape:
        none = k.zeros((size,), "int32")
        values, *rest = k.full((size,), fill_value, k.dtype(x)), none, k.zeros(x.shape, "int32"), none
    elif axis is None:
        values, *rest = k.unique(k.reshape(x, (-1,)), size, fill_value)
        rest[1] = k.reshape(rest[1], k.shape(x))
    else:
        values, *rest = _unique_slices(k, x, axis_of("unique", axis, len(x.shape)), size, fill_value)
    out = [
        values,
        *[t for t, wanted in zip(rest, (return_index, return_inverse, return_counts), strict=True) if wanted],
    ]
    return out[0] if len(out) == 1 else tuple(out)


def _unique_slices(k: Kernel, x: Any, axis: int, size: Any, fill: Any) -> list[Any]:
    front = move(k, x, axis, 0)
    sizes = k.shape(front)
    rows = k.reshape(front, (sizes[0], count(sizes[1:])))
    order = _by_rows(k, rows)
    ranked = k.take(rows, order, 0)
    new = k.any(k.not_equal(k.getitem(ranked, slice(1, None)), k.getitem(ranked, slice(None, -1))), 1)
    numbers = k.cumulative_sum(k.concat([k.zeros((1,), "int32"), k.astype(new, "int32")], 0), 0)
    # The inverse order brings each row's number back to the row's place.
    inverse = k.take(numbers, k.argsort(order, 0), 0)
    _, index, inverse, counts = k.unique(inverse, size)
    values = k.take(front, index, 0)
    if fill is not None:
        filled = k.reshape(k.equal(counts, k.full((), 0, "int32")), (-1, *[1] * (len(sizes) - 1)))
        values = k.where(filled, k.full((), fill, k.dtype(x)), values)
    return [move(k, values, 0, axis), index, inverse, counts]


def _by_rows(k: Kernel, rows: Any) -> Any:
    """Indices that sort rows by their first entry, then the second, ...: stable sorts from the last column on."""
    order = k.arange(0, k.shape(rows)[0], 1, "int32")
    for column in reversed(range(k.shape(rows)[1])):
        order = k.take(order, k.argsort(k.take(k.getitem(rows, (slice(None), column)), order, 0), 0), 0)
    return order
