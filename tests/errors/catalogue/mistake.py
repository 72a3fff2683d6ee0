"""What an entry of the catalogue is: a mistake as a person writes it, and what a message about it must say."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass
class Mistake:
    """A mistake.

    Attributes:
        script: The lines a person would write, as the body of a function of `keras` and `np`.
        title: What went wrong, in a few words.
        says: What Lamina's message must hold, written down before there was one.
        backends: Where it can be made.
        warns: Whether a warning is enough, since the program can go on.
    """

    script: Callable[[Any, Any], Any]
    title: str
    says: tuple[str, ...]
    backends: tuple[str, ...] = ("jax", "torch", "tensorflow")
    warns: bool = False
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.script.__name__

    @property
    def source(self) -> str:
        """The lines of the script."""
        lines = inspect.getsource(self.script).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def "))
        return textwrap.dedent("\n".join(lines[start + 1 :]))


def mistake(title: str, *says: str, **options: Any) -> Callable[[Callable[[Any, Any], Any]], Mistake]:
    """Declare a function of `keras` and `np` as an entry of the catalogue."""
    return lambda script: Mistake(script, title, says, **options)


def of(module: ModuleType) -> list[Mistake]:
    """The mistakes of a file, in the order of the file."""
    return [thing for thing in vars(module).values() if isinstance(thing, Mistake)]
