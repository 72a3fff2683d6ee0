"""What weights and a model have in common, and the list of what they have not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.errors import SerializationError


@contextmanager
def naming(label: str) -> Iterator[None]:
    """A block whose refusals name the file, wherever in it they come from."""
    try:
        yield
    except SerializationError as error:
        if label in str(error):
            raise
        raise type(error)(f"{label}: {error}") from error.__cause__


def build_optimizer(model: Any, label: str) -> None:
    """Build the optimizer that a file describes; what it does not do with this model is a refusal.

    Raises:
        SerializationError: if it cannot be built.
    """
    if model.optimizer.built:
        return
    try:
        model.optimizer.build(model.trainable_variables)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, OverflowError, MemoryError) as error:
        raise SerializationError(
            f"{label}: the optimizer cannot be built as it was: {error} Load the model with compile=False."
        ) from error


def convertible(have: Any, wanted: str) -> bool:
    """Whether numbers of a file's dtype may go into a variable."""
    floats = have.kind in "fV"
    return floats == (wanted.startswith(("float", "bfloat"))) or (
        have.kind in "biuf" and wanted.startswith("float")
    )


def report(label: str, differences: list[str], *, skipped: bool = False) -> str:
    """All differences in one text, like a diff."""
    shown = "\n  ".join(differences[:60]) + (
        f"\n  ... and {len(differences) - 60} more" if len(differences) > 60 else ""
    )
    head = "These weights were left as they are" if skipped else "The file does not fit the model"
    tail = (
        "" if skipped else "\nBuild the model as it was saved, or pass skip_mismatch=True to load what fits."
    )
    return f"{label}: {head}:\n  {shown}{tail}"
