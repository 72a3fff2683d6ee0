"""Figures of matplotlib, which is an extra: who draws imports it."""

from __future__ import annotations

import math
from typing import Any


def grid(
    count: int, columns: int | None = None, width: float = 2.4, height: float = 2.4
) -> tuple[Any, list[Any]]:
    """A figure with places for pictures.

    Args:
        count: How many places are used; the others are left blank.
        columns: How many stand in a row; as square as can be when None.
        width, height: Of a place, in inches.

    Returns:
        (the figure, the axes that are used).

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("Plots need matplotlib: `pip install lamina[plot]`.") from None
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    # a figure of its own, which pyplot does not keep alive
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes[:count]
