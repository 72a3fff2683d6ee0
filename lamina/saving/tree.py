"""The tree of objects that hold variables, with the paths that Keras 3 gives them in a weights file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from lamina.core.graph import layers_of
from lamina.core.layer import Layer
from lamina.core.names import to_snake_case
from lamina.core.tracking import attributes
from lamina.core.variable import Variable


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
    """The attributes that files follow, in alphabetical order; a graph model lists its layers under `layers`."""
    found = attributes(owner)
    graph = owner.__dict__.get("_stack") or owner.__dict__.get("_operations")
    if graph is not None:
        layers = layers_of(graph)
        listed = {id(v) for v in layers}
        found = {n: v for n, v in found.items() if not (_is_saveable(v) and id(v) in listed)}
        found["layers"] = layers
    elif isinstance(getattr(type(owner), "layers", None), property):
        # of a subclassed model Keras finds under `layers` what it has not met in attributes that come before that word
        found["layers"] = list(owner.layers)
    return sorted(found.items())
