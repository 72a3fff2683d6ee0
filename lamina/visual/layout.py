"""Where the boxes of a graph go: ranks from the inputs to the outputs, and an order within each rank that crosses little."""

from __future__ import annotations

from typing import Any

from lamina.core.layer import Layer
from lamina.models import Functional, Model


def edges_of(model: Any) -> list[tuple[Any, Any]]:
    """(source, target) operations of a model's own graph; those of a model with its own `call` are not known."""
    if not isinstance(model, Functional) or "_nodes" not in model.__dict__:
        return []
    inside = {id(o) for o in model._operations}
    pairs = {
        (id(x._keras_history.operation), id(node.operation)): (x._keras_history.operation, node.operation)
        for node in model._nodes
        for x in node.input_tensors
        if x._keras_history is not None and id(x._keras_history.operation) in inside
    }
    return list(pairs.values())


def operations_of(model: Any) -> list[Any]:
    """What stands in a model's graph, in order; the layers of a model without one."""
    found = model.__dict__.get("_operations")
    return list(found if found is not None else model.layers if isinstance(model, Model) else model._layers)


def has_inside(o: Any) -> bool:
    """Whether there are boxes inside this one."""
    return isinstance(o, Layer) and bool(o._layers)


def ranks(operations: list[Any], edges: list[tuple[Any, Any]]) -> list[list[Any]]:
    """The operations by rank: each stands one below the lowest of its sources.

    Without edges each has a rank of its own. Within a rank they stand by the mean place of their sources; two sweeps
    are enough for the graphs that people draw.
    """
    if not edges:
        return [[o] for o in operations]
    sources: dict[int, list[Any]] = {id(o): [] for o in operations}
    targets: dict[int, list[Any]] = {id(o): [] for o in operations}
    for source, target in edges:
        if source is not target:  # a shared layer may follow itself
            sources[id(target)].append(source)
            targets[id(source)].append(target)
    rank: dict[int, int] = {}
    for o in operations:
        rank[id(o)] = 1 + max([rank[id(s)] for s in sources[id(o)] if id(s) in rank], default=-1)
    rows: list[list[Any]] = [[] for _ in range(max(rank.values()) + 1)]
    for o in operations:
        rows[rank[id(o)]].append(o)
    for near, order in ((sources, rows), (targets, rows[::-1]), (sources, rows)):
        _sweep(order, near)
    return rows


def _sweep(rows: list[list[Any]], near: dict[int, list[Any]]) -> None:
    place: dict[int, float] = {}
    for row in rows:
        middle = (len(row) - 1) / 2
        wanted = {}
        for i, o in enumerate(row):
            known = [place[id(n)] for n in near[id(o)] if id(n) in place]
            wanted[id(o)] = sum(known) / len(known) if known else i - middle
        row.sort(key=lambda o: wanted[id(o)])
        place.update({id(o): i - middle for i, o in enumerate(row)})
