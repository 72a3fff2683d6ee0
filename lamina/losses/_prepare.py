"""What losses and metrics share before they compute: tensors of one rank, weights, masks, and errors that say what to do."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.config import constructor
from lamina.kernel import dtypes
from lamina.ops.checks import shown


def tensors(structure: Any, dtype: str | None) -> Any:
    """Every tensor of a structure in `dtype`. A list of numbers is one tensor, a list of tensors is a structure."""
    if isinstance(structure, dict):
        return {key: tensors(value, dtype) for key, value in structure.items()}
    if isinstance(structure, list | tuple) and not _is_numbers(structure):
        return type(structure)(tensors(value, dtype) for value in structure)
    return None if structure is None else ops.convert_to_tensor(structure, dtype=dtype)


def _is_numbers(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return all(_is_numbers(e) for e in x)
    return isinstance(x, bool | int | float)


def pair(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as tensors of the predictions' float dtype."""
    y_pred = ops.convert_to_tensor(y_pred)
    dtype = dtypes.to_float(dtypes.standardize(y_pred.dtype))
    return ops.convert_to_tensor(y_true, dtype=dtype), ops.convert_to_tensor(y_pred, dtype=dtype)


def aligned(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """`pair`, of one rank."""
    return same_rank(*pair(y_true, y_pred))


def elementwise(name: str, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """`aligned`, for a loss that compares entry by entry.

    Raises:
        ValueError: if the shapes do not broadcast.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    if not broadcasts(y_true.shape, y_pred.shape):
        raise ValueError(
            f"{name}: `y_true` has shape {shown(y_true.shape)} but `y_pred` has shape {shown(y_pred.shape)}. Labels and "
            "predictions are compared entry by entry: give the last layer as many units as a label has entries."
        )
    return y_true, y_pred


def broadcasts(a: Any, b: Any) -> bool:
    """Whether two shapes broadcast, as far as they are known."""
    pairs = zip(reversed(tuple(a)), reversed(tuple(b)), strict=False)
    return all(_alike(n, m) or 1 in (n, m) for n, m in pairs)


def _alike(n: Any, m: Any) -> bool:
    """Whether two sizes are the same, as far as they are known: one that is not has another type than int."""
    return type(n) is not int or type(m) is not int or n == m


def fits(a: Any, b: Any) -> bool:
    """Whether two shapes are the same, as far as they are known."""
    return len(a) == len(b) and all(_alike(n, m) for n, m in zip(a, b, strict=True))


def same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Two tensors of one rank, where a last axis of size 1 makes the difference: (n,) and (n, 1) agree."""
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1:
        x2, x1 = _narrow(x2, x1, expand_rank_1)
    elif rank2 == rank1 + 1:
        x1, x2 = _narrow(x1, x2, expand_rank_1)
    return x1, x2


def _narrow(low: Any, high: Any, expand_rank_1: bool) -> tuple[Any, Any]:
    """`low` has one axis less than `high`."""
    if high.shape[-1] != 1:
        return low, high
    if len(low.shape) == 1 and expand_rank_1:
        return ops.expand_dims(low, -1), high
    return low, ops.squeeze(high, -1)


def size(x: Any) -> Any:
    """The number of entries: an integer, or a tensor where a size is only known at run time."""
    total: Any = 1
    for n in ops.shape(x):
        total = total * n
    return total


EPSILON = 1e-7  # keeps the mean over an empty mask, or over no weight, finite


def masked_weight(sample_weight: Any, mask: Any, dtype: str, keep_mean: bool) -> Any:
    """Sample weights in which masked entries are zero.

    Args:
        sample_weight: A tensor, or None.
        mask: A tensor, or None.
        dtype: The dtype of the weights.
        keep_mean: Whether the other entries grow by `entries / valid entries`, so that a mean over all entries is the
            mean over the valid ones.
    """
    if mask is None:
        return sample_weight
    mask = ops.cast(mask, dtype)
    if keep_mean:
        mask = mask * (ops.cast(size(mask), dtype) / (ops.sum(mask) + EPSILON))
    if sample_weight is None:
        return mask
    sample_weight, mask = same_rank(ops.cast(sample_weight, dtype), mask)
    return per_leading_axes(sample_weight, mask) * per_leading_axes(mask, sample_weight)


def per_leading_axes(weight: Any, values: Any) -> Any:
    """A weight of the first axes of the values (one per sample, or per step) in a shape that broadcasts to them."""
    rank, missing = len(weight.shape), len(values.shape) - len(weight.shape)
    if rank and missing > 0 and fits(weight.shape, values.shape[:rank]):
        return ops.reshape(weight, (*ops.shape(weight), *[1] * missing))
    return weight


def weighted(what: str, values: Any, weight: Any) -> tuple[Any, Any]:
    """`values` times `weight`, and the weight as it was multiplied.

    Raises:
        ValueError: if the shapes do not fit.
    """
    values, weight = same_rank(values, weight)
    weight = per_leading_axes(weight, values)
    if len(weight.shape) > len(values.shape) or not broadcasts(values.shape, weight.shape):
        raise ValueError(
            f"{what}: `sample_weight` (or the mask) has shape {shown(weight.shape)} but the values to weigh have shape "
            f"{shown(values.shape)}. Give one weight per sample, of shape {shown(values.shape[:1])}, or one per value."
        )
    return ops.multiply(
        values, weight
    ), weight  # of an integer metric the values are means, floats, the weight is not


def without_defaults(obj: Any, written: dict[str, Any]) -> dict[str, Any]:
    """A config without the arguments in `obj._omitted` that are at their default: Keras files do not have them."""
    parameters = constructor(type(obj)).parameters
    plain = {name: parameters[name].default for name in obj._omitted if name in parameters}
    return {name: value for name, value in written.items() if name not in plain or value != plain[name]}
