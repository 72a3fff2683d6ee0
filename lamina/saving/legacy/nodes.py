"""The calls of layers in graphs of Keras 1 and 2, as calls in the layout of Keras 3."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lamina import ops
from lamina.errors import SerializationError
from lamina.ops.op import OPS

_NESTED = ("Functional", "Model", "Sequential")
# What took its first states in the list of its inputs.
_WITH_STATES = ("RNN", "LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU", "Bidirectional", "ConvLSTM2D")


@lru_cache(maxsize=1)
def classes() -> frozenset[str]:
    """The class names of operations."""
    ops.load_all()
    return frozenset(OPS)


def shifts(layers: list[dict[str, Any]]) -> dict[str, int]:
    """By how much the numbers of calls are off: a model's call 0 was the one that made it, in Keras 2."""
    used: dict[str, set[int]] = {}
    for layer in layers:
        _note(layer.get("inbound_nodes"), used, 0)
    out = {}
    for layer in layers:
        name = str(layer.get("name"))
        if layer["class_name"].split(">")[-1] in _NESTED and used.get(name) and 0 not in used[name]:
            out[name] = 1
    for layer in layers:  # outputs of a model at the end of the graph: nobody says which call it is
        if layer["class_name"].split(">")[-1] in _NESTED:
            out.setdefault(str(layer.get("name")), -1)
    return out


def _note(value: Any, used: dict[str, set[int]], depth: int) -> None:
    if depth > 50:
        raise SerializationError("The calls of the graph are nested too deep.")
    if is_place(value):
        used.setdefault(value[0], set()).add(value[1])
        _note(value[3:], used, depth + 1)
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _note(item, used, depth + 1)


def names_used(value: Any) -> set[str]:
    """The layers whose outputs stand anywhere in some calls."""
    used: dict[str, set[int]] = {}
    _note(value, used, 0)
    return set(used)


def is_place(value: Any) -> bool:
    """Whether a value is `[layer, call, tensor]`, with or without the call's other arguments."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and all(isinstance(n, int) and not isinstance(n, bool) for n in value[1:3])
        and (len(value) == 3 or isinstance(value[3], dict))
    )


def _shifted(name: str, index: int, shifts: dict[str, int]) -> int:
    shift = shifts.get(name, 0)
    return max(0, index - 1) if shift < 0 else index - shift


def upgraded(layer: dict[str, Any], shifts: dict[str, int]) -> dict[str, Any]:
    """A layer's entry with its calls in the layout of Keras 3."""
    inbound = layer.get("inbound_nodes") or []
    name = layer.get(
        "name", layer.get("config", {}).get("name") if isinstance(layer.get("config"), dict) else None
    )
    if not isinstance(inbound, list):
        raise SerializationError(f"Layer {name!r}: its calls must be a list, got {inbound!r:.80}.")
    states = layer["class_name"].split(">")[-1] in _WITH_STATES
    return {**layer, "name": name, "inbound_nodes": [_call(node, name, shifts, states) for node in inbound]}


def _call(node: Any, name: Any, shifts: dict[str, int], states: bool) -> dict[str, Any]:
    single = is_place(node)
    places = [node] if single else node
    if isinstance(places, dict):
        return {"args": [{k: _tensor(v, name, shifts) for k, v in places.items()}], "kwargs": {}}
    if not isinstance(places, list) or not places:
        raise SerializationError(f"Layer {name!r}: not a call of Keras 2: {node!r:.80}.")
    tensors = [_tensor(p, name, shifts) for p in places]
    kwargs: dict[str, Any] = places[0][3] if len(places[0]) == 4 else {}
    kwargs = {k: argument(v, shifts, 0) for k, v in kwargs.items() if v is not None}
    if states and len(tensors) > 1:
        return {"args": tensors[:1], "kwargs": {"initial_state": tensors[1:], **kwargs}}
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": kwargs}


def _tensor(place: Any, name: Any, shifts: dict[str, int]) -> Any:
    if isinstance(place, list) and len(place) > 2 and place[0] == "_CONSTANT_VALUE":
        return place[2]
    if not is_place(place):
        raise SerializationError(f"Layer {name!r}: not a tensor of the graph: {place!r:.80}.")
    history = [place[0], _shifted(place[0], place[1], shifts), place[2]]
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}


def argument(value: Any, shifts: dict[str, int], depth: int = 0) -> Any:
    """An argument of a call with the tensors of the graph in the layout of Keras 3."""
    if depth > 50:
        raise SerializationError("The arguments of a call are nested too deep.")
    if isinstance(value, list) and value[:1] == ["_CONSTANT_VALUE"] and len(value) > 2:
        return value[2]
    if is_place(value):
        return _tensor(value, None, shifts)
    if isinstance(value, list):
        return [argument(v, shifts, depth + 1) for v in value]
    return {k: argument(v, shifts, depth + 1) for k, v in value.items()} if isinstance(value, dict) else value


def endpoints(value: Any, shifts: dict[str, int]) -> Any:
    """Inputs or outputs of a graph; a list of one was one tensor."""
    if is_place(value):
        return [value[0], _shifted(value[0], value[1], shifts), value[2]]
    if isinstance(value, dict):
        return {k: endpoints(v, shifts) for k, v in value.items()}
    if isinstance(value, list):
        found = [endpoints(v, shifts) for v in value]
        return found[0] if len(found) == 1 else found
    raise SerializationError(f"Not a place in the graph: {value!r:.80}.")
