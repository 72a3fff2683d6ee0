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


def foreign(thing: object) -> str:
    """ " It belongs to the installed Keras ..." where it does, or an empty text.

    The alias of Keras makes Lamina's own objects, which know nothing of it.
    """
    cls = thing if isinstance(thing, type) else type(thing)
    if cls.__module__.partition(".")[0] != "keras":
        return ""
    return (
        f" It belongs to the installed package 'keras' ({cls.__module__}.{cls.__name__}), not to Lamina. Import it "
        "from `lamina`, or make `import keras` Lamina for the whole script: `lamina run script.py`, or "
        "`lamina.install_as_keras()` before the first import of Keras."
    )


def stranger(thing: Any) -> str:
    """What is wrong with a class in place of an object, or with a thing of the installed Keras; else an empty text."""
    if isinstance(thing, type):
        return f"That is the class {thing.__name__} itself: make an object of it, {thing.__name__}(...)."
    return foreign(thing).strip()
