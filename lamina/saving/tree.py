"""The tree of objects that hold variables, with the paths that Keras 3 gives them in a weights file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from lamina.core.graph import layers_of
from lamina.core.layer import Layer
from lamina.core.names import to_snake_case
from lamina.core.tracking import attributes
from lamina.core.variable import Variable
from lamina.kernel.namespaces import is_ours


class Place(NamedTuple):
    """An object with variables of its own, and its path in a file."""

    path: str
    owner: Any
    variables: list[Variable]


def places(model: Any) -> Iterator[Place]:
    """Every object below `model` that files know, each once, in a fixed order; the optimizer comes as "optimizer"."""
    yield from _visit(model, "", set())


def _visit(owner: Any, path: str, seen: set[int]) -> Iterator[Place]:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    yield Place(path, owner, _own(owner))
    for name, value in _children(owner):
        inner = f"{path}/{name}" if path else name
        if _is_saveable(value):
            yield from _visit(value, inner, seen)
        elif isinstance(value, list | tuple | dict | set):
            yield from _visit_container(value, inner, seen)


def _visit_container(
    container: Any, path: str, seen: set[int], around: frozenset[int] = frozenset()
) -> Iterator[Place]:
    """Objects in a list or dict are named after their class (a list in it "container"), numbered where names repeat.

    `around` has the containers around this one: one that holds itself ends there.
    """
    if id(container) in around:
        return
    around |= {id(container)}
    used: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        nested = isinstance(item, list | tuple | dict | set)
        if not nested and not _is_saveable(item):
            continue
        name = "container" if nested else getattr(item, "_name_in_files", to_snake_case(type(item).__name__))
        count = used[name] = used.get(name, -1) + 1
        label = f"{path}/{name}_{count}" if count else f"{path}/{name}"
        if nested:
            yield from _visit_container(item, label, seen, around)
        else:
            yield from _visit(item, label, seen)


def _own(owner: Any) -> list[Variable]:
    if isinstance(owner, Layer):
        return owner._own_weights()
    return list(owner.variables) if hasattr(owner, "variables") else []


def _is_saveable(value: Any) -> bool:
    return getattr(type(value), "_tracked_as", None) in ("layer", "optimizer")


def _children(owner: Any) -> list[tuple[str, Any]]:
    """The attributes that files follow, public names first, each kind in alphabetical order.

    An object is named after the first that leads to it: after a property of the user's that gives what a private
    attribute holds. `layers` of a model is among the names: a graph model has all its layers there, a model of the
    user's own those whose attributes come behind it in the alphabet.
    """
    found = {**attributes(owner), **_given_by_properties(owner)}
    graph = owner.__dict__.get("_stack") or owner.__dict__.get("_operations")
    if graph is not None:
        layers = layers_of(graph)
        listed = {id(v) for v in layers}
        found = {n: v for n, v in found.items() if not (_is_saveable(v) and id(v) in listed)}
        found["layers"] = layers
    elif _lists_layers(type(owner)):
        found["layers"] = owner.layers
    return sorted(found.items(), key=lambda item: (item[0].startswith("_"), item[0]))


def _lists_layers(cls: type) -> bool:
    """Whether `layers` of a class is that of Lamina's models."""
    listed = next((vars(base)["layers"] for base in cls.__mro__ if "layers" in vars(base)), None)
    return isinstance(listed, property) and is_ours(listed.fget)


def _given_by_properties(owner: Any) -> dict[str, Any]:
    """What the properties of the user's own classes give, where they are no names of a layer's or model's."""
    found = {}
    for name in _own_properties(type(owner)):
        try:
            found[name] = getattr(owner, name)
        except Exception:  # noqa: BLE001, PERF203 - a property may raise what it likes: it leads nowhere
            continue
    return found


@lru_cache(maxsize=512)
def _own_properties(cls: type) -> tuple[str, ...]:
    known, found = set(), []
    for base in cls.__mro__:
        if is_ours(base):
            known.update(vars(base))
        else:
            found += [name for name, value in vars(base).items() if isinstance(value, property)]
    return tuple(name for name in found if name not in known and not name.startswith("__"))
