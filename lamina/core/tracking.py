"""Finding what an object owns: whatever is assigned to an attribute, also inside lists and dicts, is tracked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class TrackedList(list):
    """A list in an attribute of a layer: what is put in later is tracked, too."""

    def __init__(self, items: Any, track: Callable[[Any], Any]) -> None:
        self._track = track
        super().__init__(track(i) for i in items)

    def append(self, item: Any) -> None:
        super().append(self._track(item))

    def insert(self, index: Any, item: Any) -> None:
        super().insert(index, self._track(item))

    def extend(self, items: Any) -> None:
        super().extend(self._track(i) for i in items)

    def __setitem__(self, index: Any, item: Any) -> None:
        super().__setitem__(
            index, [self._track(i) for i in item] if isinstance(index, slice) else self._track(item)
        )

    def __iadd__(self, items: Any) -> Any:
        self.extend(items)
        return self

    def __reduce__(self) -> Any:
        return list, (list(self),)


class TrackedDict(dict):
    """A dict in an attribute of a layer: what is put in later is tracked, too."""

    def __init__(self, items: Any, track: Callable[[Any], Any]) -> None:
        self._track = track
        super().__init__((k, track(v)) for k, v in items.items())

    def __setitem__(self, key: Any, item: Any) -> None:
        super().__setitem__(key, self._track(item))

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, item in dict(*args, **kwargs).items():
            self[key] = item

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __reduce__(self) -> Any:
        return dict, (dict(self),)


def members(value: Any, wanted: tuple[type, ...], seen: set[int] | None = None) -> list[Any]:
    """The objects of the wanted kinds in a value: itself, or inside nested lists, tuples, dicts and sets."""
    if isinstance(value, wanted):
        return [value]
    seen = set() if seen is None else seen
    if not isinstance(value, list | tuple | dict | set) or id(value) in seen:
        return []
    seen.add(id(value))
    inside = value.values() if isinstance(value, dict) else value
    return [m for item in inside for m in members(item, wanted, seen)]


_version = 0


def changed() -> None:
    """Note that some object owns other things than before: compiled programs look at `version` to see if they are old."""
    global _version
    _version += 1


def version() -> int:
    """A number that grows whenever a layer gains or loses something, or its trainability changes."""
    return _version
