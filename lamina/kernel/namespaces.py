"""Public namespaces: their names are loaded when they are first used, and a misspelt one is told with the nearest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lazy_loader

from lamina.errors import suggestion
from lamina.kernel.tracebacks import folds_frames

# Public names of Keras that are not there yet: asking for one is no misspelling.
NOT_YET: dict[str, tuple[str, ...]] = {"lamina": ("Quantizer", "export", "quantizers")}


def attach(space: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a namespace whose names are listed in the stub beside its file.

    Args:
        space: The namespace's `__name__`.
        file: Its `__file__`.
    """
    get, listed, names = lazy_loader.attach_stub(space, file)

    @folds_frames
    def find(name: str) -> Any:
        try:
            return get(name)
        except AttributeError:
            if name in names or name.startswith("__"):  # it is there, and loading it failed
                raise
            raise no_such_name(space, name, names) from None

    return find, listed, names


def no_such_name(space: str, name: str, names: list[str]) -> AttributeError:
    """The error for a name that a namespace lacks: "not yet" for a name of Keras, the nearest known name for others."""
    if name in NOT_YET.get(space, ()):
        text = f"{space}.{name} is not there yet. docs/status.md says what is."
    else:
        text = f"{space} has no {name!r}.{suggestion(name, names)}"
    return AttributeError(text)
