"""Functional: a model that is a graph."""

from __future__ import annotations

from typing import Any, Self

from lamina import ops
from lamina.core import graph as graphs
from lamina.core import names
from lamina.core.call import CallPlan
from lamina.core.codec import deserialize, deserialize_arguments, serialize
from lamina.core.config import constructor
from lamina.core.graph import Graph
from lamina.core.layer import Layer
from lamina.core.masks import set_mask
from lamina.core.operation import Node, OpCall, Operation, symbolic_leaves
from lamina.core.sharing import sharing
from lamina.core.tensor import KerasTensor
from lamina.errors import SerializationError
from lamina.kernel.context import current
from lamina.kernel.trees import leaves, map_leaves
from lamina.layers.input import InputLayer
from lamina.models.host_part import HostPart, is_at_the_cut, is_traced, takes_strings
from lamina.models.model import Model
from lamina.ops.checks import shown
from lamina.training.trainer import Trainer


class Functional(Graph, Model):
    """A model between symbolic inputs and outputs: what `Model(inputs, outputs)` gives.

    Args:
        inputs: A symbolic tensor, or a list, tuple or dict of them.
        outputs: The same.
        name: A name; automatic when None.

    Raises:
        ValueError: if the graph is cut, has a cycle, or two layers share a name.

    Example:
        >>> import lamina
        >>> a, b = lamina.Input((2,), name="a"), lamina.Input((2,), name="b")
        >>> model = lamina.Model({"a": a, "b": b}, a + b)
        >>> model.output_shape
        (None, 2)
    """

    _bares_one = True  # as in Keras
    _functional_made = False  # whether `inputs` and `outputs` were taken: a constructor may run twice

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        if self._functional_made:
            return
        Trainer.__init__(self)
        Layer.__init__(self, name=name or _auto_name(self), **kwargs)
        self._set_graph(inputs, outputs)

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        self._functional_made = True
        inputs = map_leaves(lambda x: x, inputs)  # a list in an attribute would be tracked
        self.built = self.supports_masking = True
        self.autocast = False  # its layers cast for themselves
        Graph._connect(self, *_with_input_layers(inputs, outputs, self.name))
        drawn = {id(o) for o in self._operations}
        self._hold_layers(
            [*graphs.layers_of(self._operations), *(v for v in self._layers if id(v) not in drawn)]
        )
        _check_names(self)

    # -- running ------------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Run the graph.

        Args:
            inputs: Tensors in the structure of the inputs, or a dict by input name.
            training: Whether layers behave as in training.
            mask: Masks in the structure of the inputs.

        Returns:
            Tensors in the structure of the outputs.
        """
        if (part := self._host_part()) is not None:
            if is_at_the_cut(inputs):
                return part.rest(inputs)
            if not any(map(is_traced, leaves(inputs))):
                return self._run(part.ready(inputs))
        values = self._matched(inputs)
        if mask is not None:
            for x, m in zip(values, leaves(mask), strict=False):
                if m is not None:
                    set_mask(x, m)
        return self._run(values)

    @property
    def _convert_input_args(self) -> bool:  # type: ignore[override]
        """Whether inputs become tensors before `call`: not where there are strings, which no backend has."""
        return not self._takes_strings()

    def _takes_strings(self) -> bool:
        inputs, kept = self.__dict__.get("_inputs"), self.__dict__.get("_text")
        if kept is None or kept[0] is not inputs:  # a Sequential model gets its inputs late, and anew
            kept = self.__dict__["_text"] = (inputs, takes_strings(inputs or ()))
        return kept[1]

    def _host_part(self, sample: Any = None) -> HostPart | None:
        """The part of the graph that works on strings, and so on the host; None for most models."""
        if not self._takes_strings():
            return None
        kept = self.__dict__.get("_host")
        if kept is None or kept[0] is not self._nodes:
            kept = self.__dict__["_host"] = (self._nodes, HostPart(self))
        return kept[1]

    def _matched(self, inputs: Any) -> list[Any]:
        """The values in the order of the symbolic inputs, their ranks and dtypes brought to what is expected."""
        wanted = self._inputs
        inputs = _named(inputs, self._inputs_struct)
        if len(wanted) == 1 and not isinstance(inputs, list | tuple | dict):
            values = [inputs]
        elif isinstance(inputs, dict) and not isinstance(self._inputs_struct, dict):
            values = [self._by_name(inputs, x) for x in wanted]
        elif isinstance(inputs, dict):
            keys = graphs._keys(self._inputs_struct)
            absent = [k for k in keys if k not in inputs]
            if absent:
                raise ValueError(self._mismatch(f"keys {list(inputs)}", f"keys {keys}"))
            values = [v for k in keys for v in leaves(inputs[k])]
        else:
            values = list(leaves(inputs))
        if len(values) != len(wanted):
            raise ValueError(self._mismatch(f"{len(values)} tensors", f"{len(wanted)} ({self._names()})"))
        return [self._fitted(v, x) for v, x in zip(values, wanted, strict=True)]

    def _by_name(self, inputs: dict, x: KerasTensor) -> Any:
        name = x._keras_history.operation.name
        if name not in inputs:
            raise ValueError(self._mismatch(f"keys {list(inputs)}", self._names()))
        return inputs[name]

    def _names(self) -> str:
        return ", ".join(x._keras_history.operation.name for x in self._inputs)

    def _mismatch(self, got: str, wanted: str) -> str:
        return f"Model {self.path!r} received {got} as input, but expects {wanted}."

    def _fitted(self, value: Any, want: KerasTensor) -> Any:
        shape = getattr(value, "shape", None)
        if shape is None:
            return value
        if len(shape) != len(want.shape):
            value = self._fitted_rank(value, shape, want)
        else:
            for n, m in zip(shape[1:], want.shape[1:], strict=True):  # any number of rows, as in Keras
                if m is not None and n != m and n is not None and type(n) is int:
                    raise ValueError(self._shape_error(shape, want))

        k = current()
        if isinstance(value, k.Tensor) and k.dtype(value) != want.dtype:
            value = k.astype(value, want.dtype)
        return value

    def _fitted_rank(self, value: Any, shape: Any, want: KerasTensor) -> Any:
        if len(shape) == len(want.shape) + 1 and shape[-1] == 1:
            return ops.squeeze(value, axis=-1)
        if len(shape) == len(want.shape) - 1 and want.shape[-1] == 1:
            return ops.expand_dims(value, axis=-1)
        raise ValueError(self._shape_error(shape, want))

    def _shape_error(self, shape: Any, want: KerasTensor) -> str:
        name = want._keras_history.operation.name if want._keras_history else want.name
        hint = ""
        if len(shape) == len(want.shape) - 1:
            hint = " If this is one sample, add the batch axis: x[None]; if a channel axis is missing: x[..., None]."
        return (
            f"Model {self.path!r} expected input {name!r} of shape {want.shape}, but received {shown(tuple(shape))}."
            f"{hint}"
        )

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The symbolic outputs for other symbolic inputs."""
        return Layer.compute_output_spec(self, inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Nothing to add: the masks of the outputs were attached by the layers that made them."""
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for these shapes of the inputs."""
        return Graph.compute_output_shape(self, input_shape)

    @property
    def input(self) -> Any:
        """The symbolic inputs in their structure."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs in their structure."""
        return self._outputs_struct

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, flat."""
        return [x._keras_history.operation.name for x in self._inputs]

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: dict keys, or the layers that give them."""
        if isinstance(self._outputs_struct, dict):
            return [str(k) for k in graphs._keys(self._outputs_struct)]
        return [x._keras_history.operation.name for x in self._outputs]

    def build(self, input_shape: Any = None) -> None:
        """Nothing to do: a graph is built as it is drawn."""

    # -- files --------------------------------------------------------------------------------------------------------

    def get_build_config(self) -> dict[str, Any]:
        """Nothing to remember: the graph says it all."""
        return {"input_shape": None}

    def get_config(self) -> dict[str, Any]:
        """The graph in the layout of Keras 3."""
        if _own_constructor(type(self)):
            return Layer.get_config(self)
        with sharing():
            return graph_config(self)


def _with_input_layers(inputs: Any, outputs: Any, name: str) -> tuple[Any, Any]:
    """Inputs and outputs of a graph that begins with Input layers: where it is cut out of another one, it gets them."""
    table: dict[int, Any] = {}
    for x in leaves(inputs):
        node = graphs._node_of(x) if isinstance(x, KerasTensor) else None
        if isinstance(x, KerasTensor) and not (node is not None and node.is_input):
            table[id(x)] = InputLayer(batch_shape=x.shape, dtype=x.dtype, name=f"{x.name}CLONE").output
    if not table:
        return inputs, outputs
    fill = lambda x: table.get(id(x), x) if isinstance(x, KerasTensor) else x
    for node in graphs._sorted_nodes(list(leaves(inputs)), list(leaves(outputs)), name):
        if any(id(x) in table for x in node.input_tensors):
            again = node.operation(*map_leaves(fill, node.args), **map_leaves(fill, node.kwargs))
            for old, new in zip(node.output_tensors, symbolic_leaves(again), strict=True):
                table.setdefault(id(old), new)
    return map_leaves(fill, inputs), map_leaves(fill, outputs)


def _named(given: Any, structure: Any) -> Any:
    """Lists in place of dicts of inputs become dicts: values in the order in which the inputs were declared."""
    if isinstance(structure, dict) and type(given) in (list, tuple) and len(given) == len(structure):
        given = dict(zip(structure, given, strict=True))
    if isinstance(structure, dict) and isinstance(given, dict):
        return {name: _named(part, structure.get(name)) for name, part in given.items()}
    if isinstance(structure, list | tuple) and type(given) in (list, tuple) and len(given) == len(structure):
        return [_named(part, place) for part, place in zip(given, structure, strict=True)]
    return given


def _auto_name(model: Any) -> str:
    return names.unique(names.to_snake_case(type(model).__name__))


def _own_constructor(cls: type) -> bool:
    """Whether a subclass has a constructor of its own, whose arguments are then the config."""
    return cls is not Functional and not {"inputs", "outputs"} <= set(constructor(cls).parameters)


def _check_names(model: Functional) -> None:
    seen: dict[str, Operation] = {}
    for o in model._operations:
        if o.name in seen:
            raise ValueError(
                f"Model {model.name!r} has two layers called {o.name!r} ({type(seen[o.name]).__name__} and "
                f"{type(o).__name__}). Names must differ: give one of them another `name=`."
            )
        seen[o.name] = o


def become_functional(model: Model, args: tuple, kwargs: dict) -> None:
    """Make a graph of an instance of a Model subclass that called `super().__init__(inputs, outputs)`.

    Its class keeps its identity, and so its name in files: `Functional` comes among its bases, as in Keras.
    """
    cls = type(model)
    if not isinstance(model, Functional):
        cls.__bases__ = (*(base for base in cls.__bases__ if base is not Model), Functional)
        constructor.cache_clear()
        cls._plan = CallPlan(cls)
    given = dict(zip(("inputs", "outputs", "name"), args, strict=False)) | kwargs
    inputs, outputs, name = given.pop("inputs"), given.pop("outputs"), given.pop("name", None)
    Layer.__init__(model, name=name or _auto_name(model), **given)
    functional: Any = model  # by now
    functional._set_graph(inputs, outputs)


# -- configs -----------------------------------------------------------------------------------------------------------


def graph_config(model: Any) -> dict[str, Any]:
    """The layers and nodes of a graph in the layout of Keras 3."""
    inside = {id(n) for n in model._nodes} | {id(graphs._node_of(x)) for x in model._inputs}
    numbers = _node_numbers(model._operations, inside)

    def history(x: KerasTensor) -> list[Any]:
        operation, node_index, tensor_index = x._keras_history
        return [operation.name, numbers[id(operation._inbound_nodes[node_index])], tensor_index]

    entries = []
    for operation in model._operations:
        entry = _operation_config(operation)
        nodes = [n for n in operation._inbound_nodes if id(n) in inside and not n.is_input]
        entry |= {"name": operation.name, "inbound_nodes": [_node_config(n, history) for n in nodes]}
        entries.append(entry)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": entries,
        "input_layers": map_leaves(history, model._inputs_struct),
        "output_layers": map_leaves(history, model._outputs_struct),
    }


def _node_numbers(operations: list[Operation], inside: set[int]) -> dict[int, int]:
    """The place of each node among its operation's nodes that belong to this graph."""
    out: dict[int, int] = {}
    for operation in operations:
        mine = [n for n in operation._inbound_nodes if id(n) in inside]
        out |= {id(n): i for i, n in enumerate(mine)}
    return out


def _operation_config(operation: Operation) -> dict[str, Any]:
    if isinstance(operation, OpCall):
        return {
            "module": operation.op.keras_module,
            "class_name": operation.op.class_name,
            "config": operation.get_config(),
            "registered_name": operation.op.class_name,
        }
    return serialize(operation)


def _node_config(node: Node, history: Any) -> dict[str, Any]:
    def one(x: Any) -> Any:
        if isinstance(x, KerasTensor):
            config = {"shape": list(x.shape), "dtype": x.dtype, "keras_history": history(x)}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(x, list | tuple):
            return [one(v) for v in x]
        if isinstance(x, dict):
            return {k: one(v) for k, v in x.items()}
        return serialize(x)

    return {"args": [one(a) for a in node.args], "kwargs": {k: one(v) for k, v in node.kwargs.items()}}


GRAPH_KEYS = ("name", "trainable", "layers", "input_layers", "output_layers")


def functional_from_config(cls: type, config: dict[str, Any]) -> Any:
    """A graph from its config: layers first, then the calls in an order that works.

    Raises:
        SerializationError: if the config is not that of a graph.
    """
    made: dict[str, Operation] = {}
    waiting: list[tuple[str, int, dict[str, Any]]] = []
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise SerializationError("The config of a functional model must have a list of layers.")
    for i, entry in enumerate(entries):
        operation = _operation_from_config(entry, f"layers[{i}]")
        name = entry.get("name") or operation.name
        if name in made:
            raise SerializationError(f"layers[{i}]: two layers are called {name!r}.")
        made[name] = operation
        waiting += [(name, j, node) for j, node in enumerate(entry.get("inbound_nodes") or [])]
    tensors: dict[tuple, KerasTensor] = {}
    for name, operation in made.items():
        for node in operation._inbound_nodes:
            if node.is_input:
                tensors[name, 0, 0] = node.output_tensors[0]
    _replay(made, waiting, tensors)
    inputs = _endpoints(config.get("input_layers"), tensors, "input_layers")
    outputs = _endpoints(config.get("output_layers"), tensors, "output_layers")
    target = Functional if cls is Model or not issubclass(cls, Model) else cls
    more = {k: v for k, v in config.items() if k not in GRAPH_KEYS and k in constructor(target).parameters}
    model = target(inputs=inputs, outputs=outputs, name=config.get("name"), **deserialize_arguments(more))
    if config.get("trainable", True) is False:
        model.trainable = False
    return model


def _operation_from_config(entry: Any, where: str) -> Operation:
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        raise SerializationError(f"{where}: not the config of a layer.")
    module = str(entry.get("module"))
    if module.startswith("keras.src.ops."):
        try:
            return OpCall.from_file(str(entry.get("class_name")), entry["config"])
        except (ValueError, TypeError) as error:
            raise SerializationError(f"{where}: {error}") from None
    operation = deserialize(
        {k: v for k, v in entry.items() if k not in ("name", "inbound_nodes")}, where=where
    )
    if not isinstance(operation, Operation):
        raise SerializationError(f"{where}: {entry.get('class_name')!r} is not a layer.")
    return operation


def _replay(made: dict[str, Operation], waiting: list[Any], tensors: dict[tuple, KerasTensor]) -> None:
    """Make the calls, each as soon as its inputs are there and the earlier calls of its layer are made."""
    counts = dict.fromkeys(made, 0)
    while waiting:
        later = []
        for name, index, node in waiting:
            ready = index == counts[name] and all(key in tensors for key in _needed(node))
            if not ready:
                later.append((name, index, node))
                continue
            _make_call(made[name], name, index, node, tensors)
            counts[name] += 1
        if len(later) == len(waiting):
            name, _, node = later[0]
            missing = [key[0] for key in _needed(node) if key not in tensors]
            raise SerializationError(
                f"The calls of the graph cannot be put in an order: layer {name!r} waits for {missing[:3]}."
            )
        waiting = later


def _needed(value: Any, depth: int = 0) -> list[tuple]:
    """The histories of the symbolic tensors in the config of a call."""
    if depth > 50:
        raise SerializationError("The arguments of a call are nested too deep.")
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [_history(value)]
        return [k for v in value.values() for k in _needed(v, depth + 1)]
    return [k for v in value for k in _needed(v, depth + 1)] if isinstance(value, list) else []


def _history(value: dict[str, Any]) -> tuple:
    config = value.get("config")
    found = config.get("keras_history") if isinstance(config, dict) else None
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[0], str):
        raise SerializationError(f"Not the history of a tensor: {found!r:.80}.")
    return (found[0], *(int(n) if isinstance(n, int) else -1 for n in found[1:]))


def _make_call(
    operation: Operation, name: str, index: int, node: dict, tensors: dict[tuple, KerasTensor]
) -> None:
    def one(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("class_name") == "__keras_tensor__":
                return tensors[_history(value)]
            return deserialize(value) if "class_name" in value else {k: one(v) for k, v in value.items()}
        return [one(v) for v in value] if isinstance(value, list) else value

    args = node.get("args", []) if isinstance(node, dict) else None
    kwargs = node.get("kwargs", {}) if isinstance(node, dict) else None
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise SerializationError(f"Layer {name!r}: not the config of a call.")
    if isinstance(operation, OpCall) and operation.op.name == "get_item":
        args = [args[0], *(tuple(one(k) for k in a) if isinstance(a, list) else a for a in args[1:])]
    before = len(operation._inbound_nodes)
    operation(
        *[a if isinstance(a, tuple) else one(a) for a in args], **{k: one(v) for k, v in kwargs.items()}
    )
    if len(operation._inbound_nodes) == before:
        raise SerializationError(f"Layer {name!r} was not called on a tensor of the graph.")
    for i, x in enumerate(operation._inbound_nodes[-1].output_tensors):
        tensors[name, index, i] = x


def _endpoints(value: Any, tensors: dict[tuple, KerasTensor], where: str) -> Any:
    if isinstance(value, dict):
        return {k: _endpoints(v, tensors, where) for k, v in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 3 and isinstance(value[0], str) and isinstance(value[1], int):
            key = tuple(value)
            if key not in tensors:
                raise SerializationError(f"{where}: there is no tensor {key}.")
            return tensors[key]
        found = [_endpoints(v, tensors, where) for v in value]
        return type(value)(*found) if hasattr(value, "_fields") else type(value)(found)
    raise SerializationError(f"{where}: not a place in the graph: {value!r:.80}.")


class _Graphs:
    """What `Model` needs of models that are graphs."""

    functional = Functional
    become = staticmethod(become_functional)
    from_config = staticmethod(functional_from_config)


Model._graphs = _Graphs
