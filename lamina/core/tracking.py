"""Finding what an object owns: whatever is assigned to an attribute, also inside lists and dicts, is tracked."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Self
from weakref import ref

import optree

from lamina.core.config import Configurable
from lamina.kernel.tracebacks import fold
from lamina.kernel.trees import NAMESPACE, ordered_keys

# What a class says of itself in `_tracked_as`, and where its objects are listed.
_BOXES = {
    "variable": "_variables",
    "layer": "_layers",
    "metric": "_metrics",
    "seeds": "_seed_generators",
    "optimizer": "_own_optimizers",
    "holder": "_holders",
}
_CONTAINERS = (list, tuple, dict, set)
_ATOMS = frozenset((type(None), bool, int, float, str))
_OF_A_COPY = ("_owners", "_structure")  # what a copy begins anew


def _kind(value: Any) -> str | None:
    return getattr(type(value), "_tracked_as", None)


def plain(value: Any) -> bool:
    """Whether there is nothing to look for in a value: a number, a text, or a tuple of them."""
    kind = type(value)
    return kind in _ATOMS or (kind is tuple and _ATOMS.issuperset(map(type, value)))


class Owners(dict):
    """Who owns an object: id -> weak reference, so that what is owned keeps no owner alive.

    A copy of the object belongs to nobody yet. A plain dict of references takes a tenth of the time that a
    `WeakValueDictionary` takes to be made, and there is one for each variable.
    """

    def add(self, owner: Any) -> bool:
        """Note an owner; whether it is new."""
        known = self.get(id(owner))
        if known is not None and known() is owner:
            return False
        if (
            len(self) & (len(self) - 1) == 0
        ):  # at powers of two, so that the dead never outnumber the living by far
            for key in [key for key, known in tuple(self.items()) if known() is None]:
                self.pop(key, None)
        self[id(owner)] = ref(owner)
        return True

    def living(self) -> list[Any]:
        """The owners that are still there."""
        return [owner for known in tuple(self.values()) if (owner := known()) is not None]

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
                    above.extend(owner for owner in owners.living() if _counts(owner, thing))


def _own(owner: Tracker, thing: Any) -> bool:
    """Note who owns a thing; whether that is new."""
    owners = thing.__dict__.get("_owners")
    if owners is None:
        owners = thing.__dict__.setdefault("_owners", Owners())
    return owners.add(owner)


def _counts(owner: Any, thing: Any) -> bool:
    """Whether a change of a thing is one of its owner: only a step that trains depends on a model's optimizer."""
    return _kind(thing) != "optimizer" or _kind(owner) == "optimizer"


def _disown(owner: Tracker, thing: Any) -> None:
    thing.__dict__.get("_owners", {}).pop(id(owner), None)


class Tracker(Configurable):
    """An object that lists what it owns: variables, layers, metrics, seeds, optimizers and holders in its attributes.

    It is the one owner of variables: layers, metrics, optimizers, files and compiled programs all ask it (`owned`,
    `attributes`). What is assigned to an attribute is tracked, also inside lists, dicts, tuples and sets; what is
    written to `__dict__` is the object's own business.

    `_structure` is a number that grows when the object, or anything it owns at any depth, gains or loses something
    tracked or changes its trainability. The optimizers of a model count for themselves.
    """

    _structure = 0
    _finds: frozenset[str] = frozenset(_BOXES)  # which kinds a class looks for in its attributes
    _wraps = True  # whether lists and dicts in attributes go on tracking

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self.__dict__.update({box: [] for box in _BOXES.values()}, _followed={})
        return self

    def __setattr__(self, name: str, value: Any) -> None:
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, property):
            try:
                return object.__setattr__(self, name, value)
            except Exception as error:
                fold(error)
                raise
        followed = self.__dict__["_followed"]
        if name not in followed and not isinstance(value, _CONTAINERS) and _kind(value) not in self._finds:
            return object.__setattr__(self, name, value)  # most attributes: there is nothing to look for
        before = self.__dict__.get(name) if name in followed else None
        if (
            _kind(before) == "variable"
            and (hasattr(value, "shape") or type(value) in (int, float))
            and _kind(value) is None
        ):
            raise AttributeError(
                f"`{name}` of {getattr(self, 'name', type(self).__name__)!r} is a variable: a plain value in its place would be "
                f"neither trained nor saved. Change its value by `.{name}.assign(...)`."
            )
        value = self._track(value)
        object.__setattr__(self, name, value)
        if type(value) in _WRAPPERS or next(self._found(value), None) is not None:
            followed[name] = None
        else:
            followed.pop(name, None)
        if before is not None and before is not value:
            self._forget(before)
        return None

    def __delattr__(self, name: str) -> None:
        before = self.__dict__.get(name)
        object.__delattr__(self, name)
        if name in self.__dict__["_followed"]:
            del self.__dict__["_followed"][name]
            self._forget(before)

    def _track(self, value: Any, met: dict[int, Any] | None = None) -> Any:
        """The value, listed if it is of a kind that is; lists and dicts as such that go on tracking.

        `met` has what became of the containers around it, by id, so that one which holds itself still does.
        """
        kind = _kind(value)
        if kind is not None:
            if kind in self._finds:
                self._adopt(value)
        elif isinstance(value, _CONTAINERS):
            met = {} if met is None else met
            if id(value) in met:
                return met[id(value)]
            if type(value) in (list, dict) and self._wraps:
                return TrackedList(value, self, met) if type(value) is list else TrackedDict(value, self, met)
            met[id(value)] = value
            for item in value.values() if isinstance(value, dict) else value:
                self._track(item, met)
        return value

    def _adopt(self, thing: Any) -> None:
        """Own a thing of any kind, whether or not an attribute will hold it."""
        kind = _kind(thing) or ""
        if kind == "variable":
            made_trainable(thing)
        if _own(self, thing):
            self.__dict__[_BOXES[kind]].append(thing)
            if _counts(self, thing):
                changed(self)

    def _found(self, value: Any) -> Iterator[Any]:
        return (thing for thing in _tracked(value) if _kind(thing) in self._finds)

    def _forget(self, value: Any) -> None:
        """Strike from the lists what no attribute holds any more."""
        gone = list(self._found(value))
        if not gone:
            return
        left = {id(v) for name in self.__dict__["_followed"] for v in self._found(self.__dict__[name])}
        for thing in gone:
            if id(thing) not in left:
                self._release(thing)

    def _release(self, thing: Any) -> None:
        box = self.__dict__[_BOXES[_kind(thing) or ""]]
        box[:] = [v for v in box if v is not thing]
        _disown(self, thing)
        if _counts(self, thing):
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

    def __getstate__(self) -> dict[str, Any]:
        return {name: x for name, x in self.__dict__.items() if name not in _OF_A_COPY}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.__dict__.update(kept)
        for kind in _BOXES:
            for thing in owned(self, kind):
                _own(self, thing)
        for name in self.__dict__["_followed"]:  # copies of lists are plain ones
            self.__dict__[name] = self._track(self.__dict__[name])


def owned(thing: Tracker, kind: str) -> list[Any]:
    """What an object itself owns of a kind ("variable", "layer", "metric", "seeds", "optimizer", "holder"), in order."""
    return thing.__dict__[_BOXES[kind]]


def own_variables(thing: Tracker) -> list[Any]:
    """The variables of an object itself, then those of the holders that stand in for some of them."""
    return [
        *owned(thing, "variable"),
        *(v for holder in owned(thing, "holder") for v in own_variables(holder)),
    ]


def attributes(thing: Tracker) -> dict[str, Any]:
    """The attributes through which an object owns others, or may come to: name -> value."""
    return {name: thing.__dict__[name] for name in thing.__dict__["_followed"]}


def _tracked(value: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """What is tracked in a value: itself, or inside nested lists, tuples, dicts and sets."""
    if _kind(value) is not None:
        yield value
    elif isinstance(value, _CONTAINERS):
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

    _plain = list  # what walkers make of it

    def __init__(self, items: Any, owner: Tracker, met: dict[int, Any]) -> None:
        self._owner = owner
        met[id(items)] = self
        super().extend(owner._track(i, met) for i in items)

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

    _plain = dict  # what walkers make of it

    def __init__(self, items: Any, owner: Tracker, met: dict[int, Any]) -> None:
        self._owner = owner
        met[id(items)] = self
        super().update((k, owner._track(v, met)) for k, v in items.items())

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


_WRAPPERS = (TrackedList, TrackedDict)


def _entries(x: Any) -> tuple[tuple, tuple, tuple]:
    keys = tuple(ordered_keys(x))
    return tuple([x[key] for key in keys]), keys, keys


def _as_nodes() -> None:
    """Tracked lists and dicts are nodes of trees like plain ones, which is what a tree made from them holds."""
    node: Any = optree.register_pytree_node
    node(TrackedList, lambda x: (tuple(x), None), lambda _, items: list(items), namespace=NAMESPACE)
    node(TrackedDict, _entries, lambda keys, x: dict(zip(keys, x, strict=True)), namespace=NAMESPACE)


_as_nodes()
