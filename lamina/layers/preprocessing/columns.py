"""Columns by name from anything that has some: dicts, data frames, data sets, rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

ROWS = 32  # single rows that are put together


def column_names(data: Any) -> list[str] | None:
    """The names of a table's columns; None if it is no table."""
    if isinstance(data, dict):
        return list(data)
    found = getattr(data, "column_names", None)
    if found is None and hasattr(data, "columns") and hasattr(data, "__getitem__"):
        found = data.columns
    return None if found is None or callable(found) else [str(n) for n in found]


def batches(data: Any, wanted: list[str], where: str) -> Iterator[dict[str, Any]]:
    """Batches of columns.

    Args:
        data: A table (a dict of columns, a data frame, an Arrow table, a data set of columns), or an iterable of dicts,
            each a row or a batch.
        wanted: The columns to take.
        where: Who asks, for errors.

    Raises:
        ValueError: if there is no such column, or the data has none.
    """
    names = column_names(data)
    if names is not None:
        yield _chosen({n: data[n] for n in names if n in wanted}, wanted, where)
        return
    if not hasattr(data, "__iter__"):
        raise ValueError(
            f"{where} cannot read columns from {type(data).__name__}. Give a dict of columns, a data frame, or an iterable of "
            "dicts."
        )
    rows: list[dict[str, Any]] = []
    for item in data:
        if not isinstance(item, dict):
            raise ValueError(
                f"{where} reads dicts of columns, but the data gives {type(item).__name__}. Leave targets out: "
                "`data.map(lambda x, y: x)`."
            )
        item = _chosen(item, wanted, where)
        if all(is_scalar(v) for v in item.values()):
            rows.append(item)
            if len(rows) == ROWS:
                yield _together(rows)
                rows = []
        else:
            yield item
    if rows:
        yield _together(rows)


def is_scalar(value: Any) -> bool:
    """Whether a value is one, not an array of them."""
    return isinstance(value, str | bytes | bool | int | float) or getattr(value, "shape", None) == ()


def _chosen(item: dict[str, Any], wanted: list[str], where: str) -> dict[str, Any]:
    absent = [n for n in wanted if n not in item]
    if absent:
        raise ValueError(f"{where}: there is no column {absent[0]!r}. Columns: {', '.join(map(str, item))}.")
    return {n: item[n] for n in wanted}


def _together(rows: list[dict[str, Any]]) -> dict[str, Any]:
    value = lambda v: np.asarray(v).item() if hasattr(v, "__array__") else v
    return {n: [value(row[n]) for row in rows] for n in rows[0]}
