"""Names: automatic ones (dense, dense_1), the scopes that make paths, and what a name may be."""

from __future__ import annotations

import functools
import re
import threading
from collections import defaultdict
from typing import Any

from lamina.errors import NotInitialized
from lamina.kernel.context import state
from lamina.kernel.namespaces import is_ours
from lamina.kernel.tracebacks import folds_frames

_counts: dict[str, int] = defaultdict(int)
_counting = (
    threading.Lock()
)  # names are the process's own, so that layers of two threads can meet in one model


@functools.lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """`Conv2DTranspose` becomes `conv2d_transpose`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def unique(prefix: str) -> str:
    """`prefix` the first time it is asked for, then `prefix_1`, `prefix_2`, ..."""
    with _counting:
        count = _counts[prefix]
        _counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def uid(prefix: str = "") -> int:
    """A number that grows by one with every call for this prefix, from 1."""
    with _counting:
        _counts[prefix] += 1
        return _counts[prefix]


def reset() -> None:
    """Forget all automatic names."""
    _counts.clear()


def check(name: object, what: str = "name") -> str:
    """A usable name: a text without a slash (it becomes part of a path, in files too).

    Raises:
        ValueError: otherwise.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"`{what}` must be a non-empty string, got {name!r} ({type(name).__name__}).")
    if "/" in name:
        raise ValueError(f"`{what}` must not contain '/', got {name!r}: use '_' or '-' instead.")
    return name


class _SetByInit:
    @folds_frames
    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        base = next(cls.__name__ for cls in owner.__mro__ if is_ours(cls))
        raise NotInitialized(
            f"{owner.__name__} is not initialized: its `__init__` has not called that of {base}. Begin it with "
            "`super().__init__()` (with `**kwargs`, if it takes them)."
        )


def set_by_init() -> Any:
    """What stands in a class for an attribute that its `__init__` sets: reading it before says what was forgotten."""
    return _SetByInit()


class name_scope:
    """A block that puts its name in front of the paths of variables that are made inside it.

    Args:
        name: The name.

    Example:
        >>> import lamina
        >>> with lamina.name_scope("block"):
        ...     lamina.Variable(0.0, name="v").path
        'block/v'
    """

    def __init__(self, name: str, **kwargs: Any) -> None:
        kwargs.pop("caller", None)
        kwargs.pop("deduplicate", None)
        if kwargs:
            raise TypeError(f"name_scope got unknown arguments: {', '.join(kwargs)}.")
        self.name = check(name)

    def __enter__(self) -> name_scope:
        state.names = (*state.names, self.name)
        return self

    def __exit__(self, *_: Any) -> None:
        state.names = state.names[:-1]


def path_of(name: str) -> str:
    """The path of something called `name` in the scopes that are open."""
    return "/".join((*state.names, name))
