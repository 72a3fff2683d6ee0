"""Where a graph leaves the host: layers on strings run ahead of the compiled program, which begins behind them."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.beside import is_of_a_graph, on_host
from lamina.core.graph import Graph
from lamina.core.operation import Node, Operation
from lamina.core.tensor import KerasTensor
from lamina.kernel.context import current, interpreter
from lamina.kernel.shapes.spec import Spec

_CUT = "lamina: ahead of the program/"  # keys under which values at the cut travel through feeds and steps


class HostPart:
    """The part of a model that runs on the host, and the rest.

    All calls that take strings are on the host, and all that they depend on. Behind them the graph is cut: the values
    there, and the inputs that the rest needs, are what a compiled step is given.

    Args:
        model: A functional model with an input of strings.

    Raises:
        NotImplementedError: if a call on the host has weights, or strings come out of the model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        hosted = _hosted(model)
        self.operations = _distinct([n.operation for n in hosted])
        inside = {id(x) for n in hosted for x in n.output_tensors}
        rest = [n for n in model._nodes if not any(n is h for h in hosted)]
        wanted = [x for n in rest for x in n.input_tensors] + list(model._outputs)
        given = {id(x) for x in model._inputs}
        cut = _distinct([x for x in wanted if id(x) in inside or id(x) in given])
        for x in cut:
            if x.dtype == "string":
                raise NotImplementedError(
                    f"Model {model.path!r}: strings come out of it ({x.name!r}), which a compiled step cannot give. Let "
                    "the model end before, and call the layer on its predictions."
                )
        self.cut: list[KerasTensor] = cut
        made = [x for x in cut if id(x) in inside]
        self._before = Graph(list(model._inputs), made) if made else None
        self._places = [next((i for i, m in enumerate(made) if m is x), None) for x in cut]
        self._rest = Graph(cut, model._outputs_struct)

    @property
    def fixed(self) -> bool:
        """Whether all sizes at the cut but the batch's are known, so that all rows can be prepared at once."""
        return all(n is not None for x in self.cut for n in x.shape[1:])

    def ahead(self, inputs: Any) -> dict[str, Any]:
        """The values at the cut, as arrays, for the model's inputs: what `rest` takes."""
        values = received(self.model, inputs)
        with interpreter(on_host()):
            made = list(self._before._run(values)) if self._before is not None else []
        by_id = {id(x): v for x, v in zip(self.model._inputs, values, strict=True)}
        found = [by_id[id(x)] if p is None else made[p] for x, p in zip(self.cut, self._places, strict=True)]
        return {f"{_CUT}{i}": np.asarray(v) for i, v in enumerate(found)}

    def ready(self, inputs: Any) -> list[Any]:
        """The model's inputs to run all of it at once: strings, and tensors of the dtype that is expected."""
        k = current()
        return [
            v if x.dtype == "string" else self.model._fitted(k.asarray(v, x.dtype), x)
            for v, x in zip(received(self.model, inputs), self.model._inputs, strict=True)
        ]

    def received(self, inputs: Any) -> list[Any]:
        """The model's inputs as strings and arrays."""
        return received(self.model, inputs)

    def rest(self, at_the_cut: dict[str, Any]) -> Any:
        """The outputs, from the values at the cut."""
        values = [at_the_cut[f"{_CUT}{i}"] for i in range(len(self.cut))]
        return self._rest._run([self.model._fitted(v, x) for v, x in zip(values, self.cut, strict=True)])


def is_at_the_cut(inputs: Any) -> bool:
    """Whether these inputs are values at the cut."""
    return isinstance(inputs, dict) and f"{_CUT}0" in inputs


def takes_strings(inputs: Any) -> bool:
    """Whether an input of a model holds strings."""
    return any(x.dtype == "string" for x in inputs)


def is_traced(x: Any) -> bool:
    """Whether x stands for values that are not there: symbolic, without numbers, or of a graph."""
    return isinstance(x, KerasTensor | Spec) or is_of_a_graph(x)


def received(model: Any, inputs: Any) -> list[Any]:
    """The inputs in the order of the model's, strings and arrays, with the rank that is expected."""
    wanted = model._inputs
    names = model.input_names
    if isinstance(inputs, dict):
        struct = model._inputs_struct
        if isinstance(struct, dict):
            names = sorted(struct)
        absent = [n for n in names if n not in inputs]
        if absent:
            raise ValueError(model._mismatch(f"keys {list(inputs)}", f"keys {names}"))
        values = [inputs[n] for n in names]
    elif len(wanted) == 1:
        alone = isinstance(inputs, list | tuple) and len(inputs) == 1 and hasattr(inputs[0], "shape")
        values = [inputs[0] if alone else inputs]
    elif isinstance(inputs, list | tuple) and len(inputs) == len(wanted):
        values = list(inputs)
    else:
        raise ValueError(
            model._mismatch(f"{type(inputs).__name__}", f"{len(wanted)} inputs ({', '.join(names)})")
        )
    return [_fitted(model, v, x) for v, x in zip(values, wanted, strict=True)]


def _fitted(model: Any, value: Any, want: KerasTensor) -> Any:
    from lamina.layers.preprocessing.streams import numbers
    from lamina.layers.preprocessing.strings import strings

    name = want._keras_history.operation.name
    if want.dtype != "string":
        array = numbers(value, f"Model {model.path!r}: input {name!r}")
        return _ranked(array, array.shape, want, lambda shape: array.reshape(shape), model)
    found = strings(value, f"Model {model.path!r}: input {name!r}")
    return _ranked(found, found.shape, want, found.reshaped, model)


def _ranked(value: Any, shape: tuple[int, ...], want: KerasTensor, reshape: Any, model: Any) -> Any:
    if len(shape) == len(want.shape):
        return value
    if len(shape) == len(want.shape) - 1 and want.shape[-1] in (1, None):
        return reshape((*shape, 1))
    if len(shape) == len(want.shape) + 1 and shape[-1] == 1:
        return reshape(shape[:-1])
    raise ValueError(model._shape_error(shape, want))


def _hosted(model: Any) -> list[Node]:
    """The calls on the host: those that take strings, and all before them."""
    makers = {id(x): n for n in model._nodes for x in n.output_tensors}
    found: dict[int, Node] = {}
    open_nodes = [
        n for n in model._nodes if not n.is_input and any(x.dtype == "string" for x in n.input_tensors)
    ]
    while open_nodes:
        node = open_nodes.pop()
        if node.is_input or id(node) in found:
            continue
        _check(model, node.operation)
        found[id(node)] = node
        open_nodes += [makers[id(x)] for x in node.input_tensors if id(x) in makers]
    return [n for n in model._nodes if id(n) in found]


def _check(model: Any, operation: Operation) -> None:
    if getattr(operation, "trainable_variables", None):
        raise NotImplementedError(
            f"Model {model.path!r}: layer {operation.name!r} ({type(operation).__name__}) takes strings, or stands before one "
            "that does, so it runs on the host, where nothing is trained; but it has weights. Call its layers for text "
            "in this model itself, and the ones with weights behind them."
        )


def _distinct(items: list[Any]) -> list[Any]:
    return list({id(x): x for x in items}.values())
