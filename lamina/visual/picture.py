"""A picture in a file, which a notebook shows."""

from __future__ import annotations

import base64
import html
import pathlib
import struct
from typing import Any

_TYPES = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
}

_SCREEN = 96  # dots per inch of a browser's pixel


def _width(png: bytes, dpi: int) -> int:
    """The width in a browser's pixels, at most as much as goes with a height of 720."""
    width, height = struct.unpack(">II", png[16:24])  # of the header
    return round(width * min(_SCREEN / dpi, 720 / height))


class Picture:
    """What `plot_model` drew; a notebook shows it at the size of its cell.

    Args:
        path: The file.
        source: The text it was drawn from: DOT, Mermaid or HTML.
        dpi: The dots per inch that it was drawn with: what has more than a screen's 96 is sharper there, not larger.

    Example:
        >>> import lamina
        >>> lamina.visual.Picture("model.mmd", "flowchart TB")
        <Picture 'model.mmd'>
    """

    def __init__(self, path: Any, source: str, dpi: int = _SCREEN) -> None:
        self.path, self.source, self.dpi = pathlib.Path(path), source, dpi

    def _repr_html_(self) -> str | None:
        """As large as it is, but not larger than the cell."""
        if not self.path.exists():
            return None
        if self.path.suffix in (".html", ".htm"):
            return framed(self.path.read_text(encoding="utf-8"))
        kind = _TYPES.get(self.path.suffix)
        if kind is None:
            return f"<pre>{html.escape(self.source)}</pre>"
        content = self.path.read_bytes()
        data = base64.b64encode(content).decode()
        size = (
            "max-height:720px"
            if self.path.suffix != ".png"
            else f"width:{_width(content, self.dpi)}px;height:auto"
        )
        return f'<img src="data:{kind};base64,{data}" alt="Graph of the model" style="max-width:100%;{size}">'

    def __repr__(self) -> str:
        return f"<Picture {str(self.path)!r}>"


def framed(page: str, height: int = 480) -> str:
    """A page inside a notebook's cell. It runs its own scripts and reaches nothing of the notebook."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" style="width:100%;height:{height}px;border:0" '
        'title="Graph of the model"></iframe>'
    )
