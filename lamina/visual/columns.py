"""A table for a given width: numbers keep their room, names break where a reader would break them."""

from __future__ import annotations

import re
from typing import Any

_WORDS = re.compile(r"(?<= )")
_PARTS = re.compile(r"(?<=[_/,])|(?=\[)|(?<=[a-z])(?=[A-Z])")  # of a word that is longer than the column

Column = tuple[str, bool, list[str]]  # the title, whether it holds numbers, the cells


def table(columns: list[Column], width: int, positions: Any = None) -> Any:
    """A `rich` table.

    Args:
        columns: The title, whether it holds numbers, and the cells of each column.
        width: Of the whole table in characters.
        positions: The relative place where each column ends, ascending, the last 1.0.

    Raises:
        ValueError: if there are not as many positions as columns.
    """
    from rich.table import Table
    from rich.text import Text

    room = width - 3 * len(columns) - 1  # borders and a space on each side of a cell
    sizes = _given(columns, positions, room) if positions is not None else _fitting(columns, room)
    out = Table(header_style="bold")
    for (title, number, _), size in zip(columns, sizes, strict=True):
        out.add_column(
            Text(wrapped(title, size)), justify="right" if number else "left", width=size, no_wrap=True
        )
    for cells in zip(*(cells for _, _, cells in columns), strict=True):
        out.add_row(*(Text(wrapped(cell, size)) for cell, size in zip(cells, sizes, strict=True)))
    return out


def wrapped(text: str, width: int) -> str:
    """The text in lines of at most `width`, indented as its first."""
    if len(text) <= width:
        return text
    indent = " " * min(len(text) - len(text.lstrip()), max(0, width - 8))
    room = width - len(indent)
    lines = [""]
    for word in _WORDS.split(text.strip()):
        fits = len(word.rstrip()) <= room
        for part in [word] if fits else filter(None, _PARTS.split(word)):
            if lines[-1] and len((lines[-1] + part).rstrip()) > room:
                lines.append("")
            lines[-1] += part
            while len(lines[-1].rstrip()) > room:
                lines[-1:] = [lines[-1][:room], lines[-1][room:]]
    return "\n".join(indent + line.rstrip() for line in lines)


def _given(columns: list[Column], positions: Any, room: int) -> list[int]:
    if len(positions) != len(columns):
        raise ValueError(
            f"`positions` needs {len(columns)} numbers, one per column "
            f"({', '.join(title for title, _, _ in columns)}); got {len(positions)}."
        )
    shares = [b - a for a, b in zip([0, *positions], positions, strict=False)]
    return [max(1, round(room * share / sum(shares))) for share in shares]


def _fitting(columns: list[Column], room: int) -> list[int]:
    """Numbers get what they need; what is left is shared among the texts, none of which gets more than it needs."""
    needs = [max(map(len, [title, *cells])) for title, _, cells in columns]
    sizes = list(needs)
    texts = [i for i, (_, number, _) in enumerate(columns) if not number]
    while sum(sizes) > room:
        widest = max(texts, key=lambda i: sizes[i])
        if sizes[widest] <= 6:
            break
        sizes[widest] -= 1
    if sum(sizes) < room:  # as wide as the table is to be
        sizes[0] += min(room - sum(sizes), 8)
    return sizes
