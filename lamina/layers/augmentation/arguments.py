"""Checks of the arguments that image layers share, with one wording each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.ops import checks
from lamina.ops.checks import one_of

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, Sequence) and len(value) == 2 and all(map(_is_number, value))


def span(
    layer: Any, name: str, value: Any, low: float, high: float, start: float | None = None
) -> tuple[float, float]:
    """The range of a factor, from a pair or from one number.

    Args:
        layer: Who asks, for the message.
        name: The argument.
        value: A pair (from, to), or a number, which stands for (start, number).
        low, high: What a bound may be.
        start: Where the range of a single number begins; None means at minus the number.

    Raises:
        ValueError: if it is neither, out of range, or runs backwards.
    """
    given = value
    if _is_number(value):
        value = (-abs(value) if start is None else start, abs(value) if start is None else value)
    if not _is_pair(value) or not (low <= value[0] and value[1] <= high):
        raise ValueError(
            f"{type(layer).__name__}: `{name}` must be a number or a pair of numbers (from, to) in the range "
            f"[{low}, {high}], got {given!r}."
        )
    if value[0] > value[1]:
        raise ValueError(
            f"{type(layer).__name__}: the pair `{name}` must be (from, to) with from <= to, got {given!r}."
        )
    return (value[0], value[1])


def pair(layer: Any, name: str, value: Any) -> tuple[float, float]:
    """Two rising numbers, such as a range of values.

    Raises:
        ValueError: for anything else.
    """
    if not _is_pair(value) or not value[0] < value[1]:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` must be two numbers (low, high) with low < high, got {value!r}."
        )
    return value


def size(layer: Any, name: str, value: Any) -> int:
    """A whole number of at least 1.

    Raises:
        ValueError: for anything else.
    """
    if not hasattr(value, "__index__") or isinstance(value, bool) or value < 1:
        raise ValueError(f"{type(layer).__name__}: `{name}` must be an integer of at least 1, got {value!r}.")
    return int(value)


def filling(layer: Any, value: Any) -> Any:
    """The value to fill up with.

    Raises:
        ValueError: if it is no number.
    """
    checks.number(type(layer).__name__, "fill_value", value)
    return value


def modes(layer: Any, fill_mode: str, interpolation: str) -> None:
    """That both are known.

    Raises:
        ValueError: naming the nearest known one.
    """
    one_of(type(layer).__name__, "fill_mode", fill_mode, FILL_MODES)
    one_of(type(layer).__name__, "interpolation", interpolation, INTERPOLATIONS)
