"""The errors Lamina raises on its own account, and the words they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SerializationError(ValueError):
    """A file or config that cannot be read, or breaks one of the loader's rules."""


class BackendError(RuntimeError):
    """The backend in force cannot do what was asked (training on NumPy, say)."""


def suggestion(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """" Did you mean 'x'?" for the nearest known name, or an empty text."""
    table = {str(k).lower(): str(k) for k in known}
    close = difflib.get_close_matches(str(name).lower(), list(table), n=1, cutoff=cutoff)
    return f" Did you mean {table[close[0]]!r}?" if close else ""
