"""Argument checks that many ops share, with one wording each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lamina.errors import suggestion
from lamina.kernel.shapes.spec import Unknown


def shown(shape: Sequence[Any]) -> str:
    """A shape as people write it: unknown sizes are None."""
    sizes = [None if type(n) is Unknown else n for n in shape]
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def axis_of(op: str, axis: Any, rank: int) -> int:
    """A non-negative axis.

    Raises:
        ValueError: if the axis is not an integer in [-rank, rank).
    """
    try:
        place = axis.__index__()
    except AttributeError:
        raise ValueError(f"{op}: `axis` must be an integer, got {axis!r}.") from None
    if not -rank <= place < rank:
        raise ValueError(
            f"{op}: axis {axis} is out of range for a tensor of rank {rank}"
            + (f" (use {-rank} to {rank - 1})." if rank else " (it has no axes).")
        )
    return place % rank


def axes_of(op: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Non-negative axes; None means all of them.

    Raises:
        ValueError: if one is out of range, or given twice.
    """
    if axis is None:
        return tuple(range(rank))
    if not isinstance(axis, list | tuple):
        return (axis_of(op, axis, rank),)
    axes = tuple(axis_of(op, a, rank) for a in axis)
    if len(set(axes)) != len(axes):
        raise ValueError(f"{op}: an axis is given twice in {tuple(axis)}.")
    return axes


def one_of(op: str, parameter: str, value: Any, known: Iterable[Any]) -> Any:
    """`value`, which must be one of `known`.

    Raises:
        ValueError: naming the nearest known value.
    """
    choices = list(known)
    if value not in choices:
        listed = ", ".join(repr(c) for c in choices)
        raise ValueError(
            f"{op}: unknown {parameter} {value!r}.{suggestion(str(value), choices)} Known: {listed}."
        )
    return value


def number(op: str, parameter: str, value: Any) -> Any:
    """`value`, which must be a number, or a tensor of one.

    Raises:
        ValueError: for a text, a list or None.
    """
    if isinstance(value, str | list | tuple | None):
        raise ValueError(f"{op}: `{parameter}` must be a number, got {value!r}.")
    return value


def at_least(op: str, parameter: str, value: Any, least: int) -> int:
    """`value` as an integer that is not below `least`.

    Raises:
        ValueError: otherwise.
    """
    number = value.__index__() if hasattr(value, "__index__") and not isinstance(value, bool) else None
    if number is None or number < least:
        raise ValueError(f"{op}: `{parameter}` must be an integer of at least {least}, got {value!r}.")
    return value


def known_sizes(op: str, x: Any) -> tuple[int, ...]:
    """The shape of `x`, where the program depends on it.

    Raises:
        ValueError: if a size is known only when the program runs.
    """
    if None in x.shape:
        raise sizes_unknown(op, x)
    return x.shape


def sizes_unknown(op: str, *tensors: Any) -> ValueError:
    """The error of an op whose program depends on sizes that only the run knows: in a graph of TensorFlow."""
    return ValueError(
        f"{op}: computes with sizes that must be known when the program is made, got shape "
        f"{', '.join(shown(x.shape) for x in tensors)}. Give the function's signature fixed sizes."
    )


def rank_at_least(op: str, x: Any, least: int) -> None:
    """That `x` has at least `least` axes.

    Raises:
        ValueError: otherwise.
    """
    if len(x.shape) < least:
        raise ValueError(f"{op}: expected a tensor of rank {least} or more, got shape {shown(x.shape)}.")
