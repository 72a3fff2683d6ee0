"""Data to adapt to, piece by piece: arrays and columns in slices, any iterable as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

PIECE = 1 << 14  # rows of one piece: what is held at a time
LETTERS = 1 << 24  # and no more letters than these, for rows that are whole books


def pieces(
    data: Any, where: str, steps: int | None = None, progress: Callable[[int], Any] | None = None
) -> Iterator[Any]:
    """The parts of `data`, each with rows along its first axis.

    Args:
        data: Strings, arrays, lists, columns of tables; or an iterable of batches, or of single rows.
        where: Who asks, for errors.
        steps: How many batches of an iterable to take; None takes all.
        progress: Called with the number of rows so far after each part.

    Raises:
        ValueError: if steps are given for data in memory, or the data is a table of several columns.
    """
    data = _column(data, where)
    if in_memory(data):
        if steps is not None:
            raise ValueError(
                f"{where}: `steps` counts the batches of a generator or data set; this data is in memory "
                f"({type(data).__name__}) and is read as a whole. Pass a part of it instead."
            )
        return told(_slices(data), progress)
    if not hasattr(data, "__iter__"):
        raise ValueError(
            f"{where} cannot read data from {type(data).__name__}. Give an array, a list, a column, or an iterable of "
            "batches."
        )
    return told(_gathered(islice(iter(data), steps)), progress)


def told(found: Iterator[Any], progress: Callable[[int], Any] | None) -> Iterator[Any]:
    """The parts as they are, each reported when the next one is asked for.

    Args:
        found: Parts with rows along their first axis.
        progress: Called with the number of rows so far; None for nobody.
    """
    if progress is None:
        yield from found
        return
    rows = 0
    for piece in found:
        yield piece  # what the caller does with it comes first
        rows += piece.shape[0] if getattr(piece, "shape", ()) else len(piece)
        progress(rows)


def _column(data: Any, where: str) -> Any:
    """A table's only column; anything else as it is."""
    names = getattr(data, "column_names", None)
    if names is None and hasattr(data, "columns") and hasattr(data, "iloc"):
        names = list(data.columns)
    if isinstance(data, dict):
        names = list(data)
    if names is None or not hasattr(data, "__getitem__"):
        return data
    if len(names) != 1:
        raise ValueError(
            f"{where} reads one column, this table has {len(names)}: {', '.join(map(str, list(names)[:8]))}. Pass one: "
            f"data[{names[0]!r}]."
            if names
            else f"{where}: the table has no columns."
        )
    return data[names[0]]


def in_memory(data: Any) -> bool:
    """Whether data is there as a whole, so that slices can be taken."""
    if isinstance(data, str | bytes | int | float):
        return True
    if isinstance(data, list | tuple):
        return True
    return (
        hasattr(data, "__len__")
        and hasattr(data, "__getitem__")
        and (hasattr(data, "shape") or hasattr(data, "to_numpy") or hasattr(data, "to_pylist"))
    )


def _slices(data: Any) -> Iterator[Any]:
    if isinstance(data, str | bytes | int | float) or getattr(data, "shape", None) == ():
        yield [data] if isinstance(data, str | bytes) else np.asarray(data).reshape(1)
        return
    if hasattr(data, "iloc"):
        data = data.iloc
        count = len(data.obj)
    else:
        count = len(data)
    start = 0
    while start < count:
        piece = data[start : start + PIECE]
        if isinstance(piece, list | tuple) and isinstance(piece[0], str | bytes):
            while len(piece) > 1 and sum(map(len, piece)) > LETTERS:
                piece = piece[: len(piece) // 2]
        yield piece
        start += len(piece)


def _gathered(items: Iterator[Any]) -> Iterator[Any]:
    """Batches as they are; single rows (strings, numbers) together."""
    rows: list[Any] = []
    letters = 0
    for item in items:
        if isinstance(item, str | bytes | int | float) or getattr(item, "shape", None) == ():
            value = np.asarray(item).item() if hasattr(item, "__array__") else item
            rows.append(value)
            letters += len(value) if isinstance(value, str | bytes) else 0
            if len(rows) == PIECE or letters > LETTERS:
                yield rows
                rows, letters = [], 0
        else:
            yield item
    if rows:
        yield rows


def numbers(x: Any, where: str) -> np.ndarray:
    """A piece as an array of numbers.

    Raises:
        TypeError: if it holds anything else.
    """
    if hasattr(x, "detach"):
        x = x.detach().cpu()
    array = np.asarray(x)
    if array.dtype.kind not in "biuf":
        try:
            array = array.astype(np.float64) if array.dtype.kind == "O" else None
        except (TypeError, ValueError):
            array = None
        if array is None:
            raise TypeError(f"{where} takes numbers, got {np.asarray(x).dtype} ({x!r:.60}).")
    return array
