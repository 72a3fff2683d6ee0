"""The errors Lamina raises on its own account, and the words they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class LaminaError(Exception):
    """Base of the errors that only Lamina raises; they say all there is to say."""


class SerializationError(LaminaError, ValueError):
    """A file or config that cannot be read, or breaks one of the loader's rules."""


class BackendError(LaminaError, RuntimeError):
    """The backend in force cannot do what was asked (training on NumPy, say)."""


def suggestion(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """ " Did you mean 'x'?" for the nearest known name, or an empty text."""
    table = {k.lower(): k for k in sorted(map(str, known))}  # of "Adam" and "adam" the lower one stays
    close = difflib.get_close_matches(str(name).lower(), list(table), n=1, cutoff=cutoff)
    return f" Did you mean {table[close[0]]!r}?" if close else ""


def stranger(thing: Any) -> str:
    """What is wrong with a class in place of an object, or with a layer or tensor of another library; else an empty text."""
    if isinstance(thing, type):
        return f"That is the class {thing.__name__} itself: make an object of it, {thing.__name__}(...)."
    for cls in type(thing).__mro__:
        package = cls.__module__.partition(".")[0]
        if cls.__name__ in ("Layer", "KerasTensor", "Operation") and package not in ("lamina", "builtins"):
            name = type(thing).__name__
            return (
                f"That is a {name} of the package {package!r}, which does not work with Lamina. Import all of it from one "
                f"place: `from lamina.layers import {'Input' if name == 'KerasTensor' else name}`."
            )
    return ""
