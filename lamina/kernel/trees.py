"""Walking nested lists, tuples and dicts, in plain Python: the one walker of the library below `lamina.tree`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NAMESPACE = "lamina"  # of the nodes that optree knows from us; those that it knows from others count, too


def leaves(structure: Any) -> Iterator[Any]:
    """The leaves of nested lists, tuples and dicts (dicts by sorted keys, as trees everywhere in Lamina)."""
    if isinstance(structure, list | tuple):
        for item in structure:
            yield from leaves(item)
    elif isinstance(structure, dict):
        for key in ordered_keys(structure):
            yield from leaves(structure[key])
    else:
        yield structure


def ordered_keys(mapping: dict) -> list:
    try:
        return sorted(mapping)
    except TypeError:  # keys of several types keep their order
        return list(mapping)


def map_leaves(function: Any, structure: Any) -> Any:
    """The same structure with `function` applied to every leaf, in the order of `leaves`; dicts keep theirs.

    A list or dict that belongs to an object's attribute becomes a plain one.
    """
    if isinstance(structure, dict):
        values = {k: map_leaves(function, structure[k]) for k in ordered_keys(structure)}
        return _kind(structure)((k, values[k]) for k in structure)
    if isinstance(structure, list | tuple):
        items = [map_leaves(function, item) for item in structure]
        return _kind(structure)(*items) if hasattr(structure, "_fields") else _kind(structure)(items)
    return function(structure)


def _kind(structure: Any) -> Any:
    return getattr(structure, "_plain", type(structure))
