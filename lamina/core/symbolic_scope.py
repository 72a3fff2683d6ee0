"""A mark on code that draws a graph."""

from __future__ import annotations

import threading
from typing import Any

_open = threading.local()


class SymbolicScope:
    """A block in which code is said to work on symbolic tensors.

    What Lamina does depends on the tensors themselves; the mark is for code that asks `in_symbolic_scope()`.

    Example:
        >>> import lamina
        >>> from lamina.core.symbolic_scope import in_symbolic_scope
        >>> with lamina.SymbolicScope():
        ...     in_symbolic_scope()
        True
        >>> in_symbolic_scope()
        False
    """

    def __enter__(self) -> SymbolicScope:
        _open.count = getattr(_open, "count", 0) + 1
        return self

    def __exit__(self, *_: Any) -> None:
        _open.count -= 1


def in_symbolic_scope() -> bool:
    """Whether this thread is in the block of a SymbolicScope."""
    return getattr(_open, "count", 0) > 0
