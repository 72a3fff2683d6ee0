"""The warning that shows a new spelling, and methods that take arguments by old names."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from typing import Any

TOLD: set[tuple[str, str]] = set()  # what was said already


class OldSpelling(UserWarning):
    """A name of Keras 1 or 2 where there is a new one."""


def tell(where: str, old: str, new: str) -> None:
    """Warn, once per name, and show the new spelling."""
    if (where, old) not in TOLD:
        TOLD.add((where, old))
        warnings.warn(
            f"{where}: `{old}` is an old spelling. Write {new}.", OldSpelling, stacklevel=_outside()
        )


def _outside() -> int:
    """How far up the line of the user's code is."""
    level, frame = 1, sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "lamina":
        level, frame = level + 1, frame.f_back
    return level + 1


def shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else "..."


def forwarding(
    where: str, function: Callable[..., Any], names: dict[str, str], gone: tuple[str, ...] = ()
) -> Any:
    """A method that also takes arguments by old names, and some that mean nothing any more."""

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        for name in [n for n in kwargs if n in names]:
            value = kwargs.pop(name)
            tell(where, f"{name}=", f"{where}({names[name]}={shown(value)})")
            kwargs[names[name]] = value
        for name in [n for n in kwargs if n in gone]:
            kwargs.pop(name)
            tell(where, f"{name}=", f"{where} without it: it has no effect")
        return function(self, *args, **kwargs)

    return method
