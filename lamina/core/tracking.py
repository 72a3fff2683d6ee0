"""Finding what an object owns: whatever is assigned to an attribute, also inside lists and dicts, is tracked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import WeakValueDictionary

# What a class says of itself in `_tracked_as`, and where its objects are listed.
_BOXES = {
    "variable": "_variables",
    "layer": "_layers",
    "metric": "_metrics",
    "seeds": "_seed_generators",
}
_UNTRACKED = ("_inbound", "_outbound", "_given")


def _kind(value: Any) -> str | None:
    return getattr(type(value), "_tracked_as", None)


class Owners(WeakValueDictionary):
    """Who owns an object: id -> owner, held weakly, so that what is owned keeps no owner alive.

    A copy of the object belongs to nobody yet.
    """

    def __reduce__(self) -> Any:
        return Owners, ()

    def __deepcopy__(self, memo: dict) -> Owners:
        return Owners()


# Two threads may build layers that share an owner; a bump is short, so one lock serves all.
_bumping = threading.Lock()


def changed(*things: Any) -> None:
    """Let the structure counters of these objects grow, and those of everything that owns them, at any height.

    Compiled programs compare a model's counter to see whether they are old. The walk goes up, never down: it costs
    as many steps as there are owners above, however many layers a model has. `seen` ends it where owners form a cycle
    or meet again above a shared layer.
    """
    with _bumping:
        seen: set[int] = set()
        above = list(things)
        while above:
            thing = above.pop()
            if id(thing) not in seen:
                seen.add(id(thing))
                kept = thing.__dict__
                kept["_structure"] = kept.get("_structure", 0) + 1
                if (owners := kept.get("_owners")) is not None:
                    above.extend(owners.values())


def _own(owner: Tracker, thing: Any) -> bool:
    """Note who owns a thing; whether that is new."""
    owners = thing.__dict__.get("_owners")
    if owners is None:
        owners = thing.__dict__.setdefault("_owners", Owners())
    if owners.get(id(owner)) is owner:
        return False
    owners[id(owner)] = owner
    return True


def _disown(owner: Tracker, thing: Any) -> None:
    thing.__dict__["_owners"].pop(id(owner), None)


class Tracker:
    """An object that lists the variables, layers, metrics and seed generators in its attributes, in their order.

    `_structure` is a number that grows when the object, or anything it owns at any depth, gains or loses something
    tracked or changes its trainability.
    """

    _structure = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith(_UNTRACKED):
            return object.__setattr__(self, name, value)
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, property) and descriptor.fset is not None:
            return object.__setattr__(self, name, value)
        before = self.__dict__.get(name)
        object.__setattr__(self, name, self._track(value))
        if before is not value:
            self._forget(before)
        return None

    def __delattr__(self, name: str) -> None:
        before = self.__dict__.get(name)
        object.__delattr__(self, name)
        self._forget(before)

    def _track(self, value: Any) -> Any:
        """The value, listed if it is of a kind that is; lists and dicts as such that go on tracking."""
        kind = _kind(value)
        if kind is not None:
            if _own(self, value):
                self.__dict__[_BOXES[kind]].append(value)
                changed(self)
            if kind == "variable":
                made_trainable(value)
        elif type(value) is list:
            return TrackedList(value, self)
        elif type(value) is dict:
            return TrackedDict(value, self)
        elif isinstance(value, tuple | set):
            for item in value:
                self._track(item)
        return value

    def _forget(self, value: Any) -> None:
        """Strike from the lists what no attribute holds any more."""
        gone = list(_tracked(value))
        if not gone:
            return
        skipped = (*_UNTRACKED, *_BOXES.values())
        left = {id(v) for n, held in vars(self).items() if not n.startswith(skipped) for v in _tracked(held)}
        for thing in gone:
            box = self.__dict__[_BOXES[_kind(thing) or ""]]
            if id(thing) not in left:
                box[:] = [v for v in box if v is not thing]
                _disown(self, thing)
        changed(self)

    def _hold_layers(self, layers: Iterable[Any]) -> None:
        """List these layers, in this order, and no others: for models, which find their layers in a graph."""
        box, layers = self.__dict__["_layers"], list(layers)
        before, now = {id(v) for v in box}, {id(v) for v in layers}
        for layer in box:
            if id(layer) not in now:
                _disown(self, layer)
        for layer in layers:
            _own(self, layer)
        box[:] = layers
        if before != now:
            changed(self)


def _tracked(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """What is tracked in a value: itself, or inside nested lists, tuples, dicts and sets."""
    if _kind(value) is not None:
        yield value
    elif isinstance(value, list | tuple | dict | set):
        seen = set() if seen is None else seen
        if id(value) not in seen:
            seen.add(id(value))
            for item in value.values() if isinstance(value, dict) else value:
                yield from _tracked(item, seen)


def made_trainable(variable: Any) -> bool:
    """Whether a variable was made to be trained, however its layer is frozen now."""
    return variable.__dict__.setdefault("_made_trainable", variable.trainable)


class TrackedList(list):
    """A list in an attribute: what is put in later is tracked, too, and what is taken out no longer."""

    def __init__(self, items: Any, owner: Tracker) -> None:
        self._owner = owner
        super().__init__(owner._track(i) for i in items)

    def append(self, item: Any) -> None:
        super().append(self._owner._track(item))

    def insert(self, index: Any, item: Any) -> None:
        super().insert(index, self._owner._track(item))

    def extend(self, items: Any) -> None:
        super().extend(self._owner._track(i) for i in items)

    def __iadd__(self, items: Any) -> Any:
        self.extend(items)
        return self

    def __setitem__(self, index: Any, item: Any) -> None:
        track, gone = self._owner._track, self[index]
        super().__setitem__(index, [track(i) for i in item] if isinstance(index, slice) else track(item))
        self._owner._forget(gone)

    def __delitem__(self, index: Any) -> None:
        gone = self[index]
        super().__delitem__(index)
        self._owner._forget(gone)

    def pop(self, *index: Any) -> Any:
        gone = super().pop(*index)
        self._owner._forget(gone)
        return gone

    def remove(self, item: Any) -> None:
        del self[self.index(item)]

    def clear(self) -> None:
        del self[:]

    def __reduce__(self) -> Any:
        return list, (list(self),)


class TrackedDict(dict):
    """A dict in an attribute: what is put in later is tracked, too, and what is taken out no longer."""

    def __init__(self, items: Any, owner: Tracker) -> None:
        self._owner = owner
        super().__init__((k, owner._track(v)) for k, v in items.items())

    def __setitem__(self, key: Any, item: Any) -> None:
        gone = self.get(key)
        super().__setitem__(key, self._owner._track(item))
        self._owner._forget(gone)

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, item in dict(*args, **kwargs).items():
            self[key] = item

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: Any) -> None:
        self.pop(key)

    def pop(self, *key: Any) -> Any:
        gone = super().pop(*key)
        self._owner._forget(gone)
        return gone

    def popitem(self) -> Any:
        key, gone = super().popitem()
        self._owner._forget(gone)
        return key, gone

    def clear(self) -> None:
        gone = list(self.values())
        super().clear()
        self._owner._forget(gone)

    def __reduce__(self) -> Any:
        return dict, (dict(self),)
