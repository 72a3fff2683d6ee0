"""The errors Lamina raises on its own account, and the words they share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class LaminaError(Exception):
    """Base of the errors that only Lamina raises; they say all there is to say."""


class SerializationError(LaminaError, ValueError):
    """A file or config that cannot be read, or breaks one of the loader's rules."""


class ArgumentError(TypeError, ValueError):
    """Arguments that a call does not take: Keras says it with either class, so a handler of both finds it."""


class PairingError(ValueError, KeyError):
    """Values that do not pair with the outputs of a model, by name or by number."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""  # a KeyError would show its repr


class PlaceError(ValueError, IndexError):
    """A number that names no place: an index, a class, an axis."""


class NoValue(TypeError, ValueError, NotImplementedError):
    """A tensor without numbers was used as if it had some."""


class NotInitialized(AttributeError, RuntimeError):
    """An object whose `__init__` has not called that of its base class."""


class NoSuchFile(FileNotFoundError, ValueError):
    """A file of a model that is not there."""


class BackendError(LaminaError, RuntimeError):
    """The backend in force cannot do what was asked (training on NumPy, say)."""


class ProcessError(LaminaError, RuntimeError):
    """Another of the processes that train together has ended, or does not do what this one does."""


def suggestion(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """ " Did you mean 'x'?" for the nearest known name, or an empty text."""
    import difflib  # for errors alone

    table = {k.lower(): k for k in sorted(map(str, known))}  # of "Adam" and "adam" the lower one stays
    close = [table[c] for c in difflib.get_close_matches(str(name).lower(), list(table), n=3, cutoff=cutoff)]
    alike = [c for c in close if c[:1].islower() == str(name)[:1].islower()]  # functions for functions
    return f" Did you mean {(alike or close)[0]!r}?" if close else ""


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
    if thing is None or isinstance(thing, bool | int | float | str):
        return ""  # flags of calls, which torch's compiler traces
    if isinstance(thing, type):
        return f"That is the class {thing.__name__} itself: make an object of it, {thing.__name__}(...)."
    return foreign(thing).strip()
