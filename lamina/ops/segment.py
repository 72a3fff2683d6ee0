"""Reductions of rows that carry the same number."""

from __future__ import annotations

from typing import Any

from lamina.kernel import dtypes
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import at_least, shown
from lamina.ops.op import Output, Tensor, op


def _segment(k: Kernel, reduce: str, data: Any, ids: Any, num: int | None) -> Any:
    name = f"segment_{reduce}"
    if len(ids.shape) != 1:
        raise ValueError(f"{name}: `segment_ids` must have one axis, got shape {shown(ids.shape)}.")
    lengths = (data.shape[0] if len(data.shape) else 0, ids.shape[0])
    if not len(data.shape) or (lengths[0] != lengths[1] and Unknown not in map(type, lengths)):
        raise ValueError(
            f"{name}: `data` and `segment_ids` must be equally long, got shapes {shown(data.shape)} "
            f"and {shown(ids.shape)}."
        )
    if k.dtype(ids) not in dtypes.IS_INTEGER:
        raise TypeError(f"{name}: `segment_ids` must be integers, got {k.dtype(ids)}.")
    if num is None:
        # The size of the result depends on the numbers: this cannot be compiled, and says so there.
        num = int(k.to_numpy(k.max(ids))) + 1 if ids.shape[0] else 0
    return k.segment(data, ids, at_least(name, "num_segments", num, 0), reduce)


@op("data", "segment_ids", module="math")
def segment_sum(
    k: Kernel, data: Tensor, segment_ids: Tensor, num_segments: int | None = None, sorted: bool = False
) -> Output:
    """Sum of the rows of each segment.

    `y[i] = sum of data[j] over segment_ids[j] = i`

    Args:
        data: Tensor (n, ...).
        segment_ids: Integer tensor (n,); rows with a number outside 0 .. num_segments - 1 are dropped.
        num_segments: How many; None reads the largest number, which a compiled program cannot.
        sorted: Whether the numbers ascend: a promise that a backend may use.

    Returns:
        A tensor (num_segments, ...); a segment without rows is 0.

    Raises:
        ValueError: if the shapes do not fit.
        TypeError: for numbers of segments that are not integers.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.segment_sum([1, 2, 3], [0, 0, 1], 2)).tolist()
        [3, 3]
    """
    return _segment(k, "sum", data, segment_ids, num_segments)


@op("data", "segment_ids", module="math")
def segment_max(
    k: Kernel, data: Tensor, segment_ids: Tensor, num_segments: int | None = None, sorted: bool = False
) -> Output:
    """Largest entries of the rows of each segment.

    `y[i] = max of data[j] over segment_ids[j] = i`

    Args:
        data: Tensor (n, ...).
        segment_ids: Integer tensor (n,); rows with a number outside 0 .. num_segments - 1 are dropped.
        num_segments: How many; None reads the largest number, which a compiled program cannot.
        sorted: Whether the numbers ascend: a promise that a backend may use.

    Returns:
        A tensor (num_segments, ...); a segment without rows is the least value of the dtype.

    Raises:
        ValueError: if the shapes do not fit.
        TypeError: for numbers of segments that are not integers.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.segment_max([1, 2, 3], [0, 0, 1], 2)).tolist()
        [2, 3]
    """
    return _segment(k, "max", data, segment_ids, num_segments)


@op("data", "segment_ids", module="math")
def segment_min(
    k: Kernel, data: Tensor, segment_ids: Tensor, num_segments: int | None = None, sorted: bool = False
) -> Output:
    """Smallest entries of the rows of each segment.

    `y[i] = min of data[j] over segment_ids[j] = i`

    Args:
        data: Tensor (n, ...).
        segment_ids: Integer tensor (n,); rows with a number outside 0 .. num_segments - 1 are dropped.
        num_segments: How many; None reads the largest number, which a compiled program cannot.
        sorted: Whether the numbers ascend: a promise that a backend may use.

    Returns:
        A tensor (num_segments, ...); a segment without rows is the largest value of the dtype.

    Raises:
        ValueError: if the shapes do not fit.
        TypeError: for numbers of segments that are not integers.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.segment_min([1, 2, 3], [0, 0, 1], 2)).tolist()
        [1, 3]
    """
    return _segment(k, "min", data, segment_ids, num_segments)


@op("data", "segment_ids", module="math")
def segment_prod(
    k: Kernel, data: Tensor, segment_ids: Tensor, num_segments: int | None = None, sorted: bool = False
) -> Output:
    """Product of the rows of each segment.

    `y[i] = product of data[j] over segment_ids[j] = i`

    Args:
        data: Tensor (n, ...).
        segment_ids: Integer tensor (n,); rows with a number outside 0 .. num_segments - 1 are dropped.
        num_segments: How many; None reads the largest number, which a compiled program cannot.
        sorted: Whether the numbers ascend: a promise that a backend may use.

    Returns:
        A tensor (num_segments, ...); a segment without rows is 1.

    Raises:
        ValueError: if the shapes do not fit.
        TypeError: for numbers of segments that are not integers.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.segment_prod([1, 2, 3], [0, 0, 1], 2)).tolist()
        [2, 3]
    """
    return _segment(k, "prod", data, segment_ids, num_segments)
