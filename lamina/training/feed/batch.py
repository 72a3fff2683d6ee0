"""A batch of training data and its parts: inputs, targets, sample weights."""

from __future__ import annotations

from typing import Any

from lamina.kernel.namespaces import public_in
from lamina.training.feed.arrays import arrays


@public_in("lamina.utils")
def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` as three values.

    Args:
        data: What a data source gives for a batch.

    Returns:
        (x, y, sample_weight), None where absent.

    Raises:
        ValueError: if there are more than three parts.

    Example:
        >>> import lamina
        >>> lamina.utils.unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            f"A batch must be x, (x, y) or (x, y, sample_weight); got {len(data)} parts. A list "
            "of several inputs is a part of its own: ([x1, x2], y)."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


@public_in("lamina.utils")
def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest of `x`, `(x, y)`, `(x, y, sample_weight)` that holds what is given.

    Args:
        x, y, sample_weight: The parts.

    Returns:
        A tuple, or `x` itself when it stands alone and is neither a list nor a tuple.

    Example:
        >>> import lamina
        >>> lamina.utils.pack_x_y_sample_weight([1.0], [0])
        ([1.0], [0])
    """
    if sample_weight is not None:
        return (x, y, sample_weight)
    if y is not None:
        return (x, y)
    return x if not isinstance(x, list | tuple) else (x,)


def as_batch(data: Any) -> tuple[Any, Any, Any]:
    """What a data source gives for a batch as three structures of arrays, None where absent."""
    x, y, sample_weight = unpack_x_y_sample_weight(data)
    return arrays(x, "`x`"), arrays(y, "`y`"), arrays(sample_weight, "`sample_weight`")


def as_it_is(data: Any) -> tuple[Any]:
    """What a data source gives for a batch, for a step of the user's own: its structure stays, leaves become arrays."""
    return (arrays(data, "the batch"),)
