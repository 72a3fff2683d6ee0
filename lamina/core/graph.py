"""Graph: the directed acyclic graph of layers and op calls between inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core.abstract import tensors_of
from lamina.core.call import shapes_of
from lamina.core.layer import Layer
from lamina.core.operation import Node, OpCall, Operation
from lamina.core.tensor import KerasTensor
from lamina.errors import foreign
from lamina.kernel.trees import leaves, map_leaves, ordered_keys


class Graph(Operation):
    """The part of a graph between inputs and outputs, as one operation.

    It is sorted once, into a flat list of steps, and run in a loop.

    Args:
        inputs: A symbolic tensor, or a list, tuple or dict of them.
        outputs: The same; every path to them must begin at `inputs`.
        name: A name; automatic when None.

    Raises:
        ValueError: if the outputs cannot be reached from the inputs, naming the layer where the path is cut, or if
            the graph has a cycle.

    Example:
        >>> import lamina
        >>> x = lamina.KerasTensor((None, 2))
        >>> f = lamina.Function(inputs=x, outputs=x * 2)
        >>> f(lamina.ops.ones((1, 2))).shape[1]
        2
    """

    _inputs_struct: Any
    _outputs_struct: Any
    _inputs: list[KerasTensor]
    _outputs: list[KerasTensor]
    _nodes: list[Node]
    _operations: list[Operation]
    _steps: list[Any] | None
    _slots: int
    _out_slots: list[int]
    _single: bool
    _bares_one = False  # whether one output in a list is given as it is

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        Operation.__init__(self, name=name)
        self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        # written to `__dict__`: a model owns the layers of its graph by itself, not through these lists
        own = self.__dict__
        own["_inputs_struct"], own["_outputs_struct"] = inputs, outputs
        own["_inputs"] = _symbolic(inputs, "inputs", self.name)
        own["_outputs"] = _symbolic(outputs, "outputs", self.name)
        seen: set[int] = set()
        for x in self._inputs:
            if id(x) in seen:
                raise ValueError(
                    f"Graph {self.name!r}: the same tensor ({x.name}) is listed twice among the inputs."
                )
            seen.add(id(x))
        own["_nodes"] = _sorted_nodes(self._inputs, self._outputs, self.name)
        own["_operations"] = _sorted_operations(self._inputs, self._outputs, self._nodes)
        own["_steps"] = None
        given = _bare(outputs) if self._bares_one else outputs
        own["_single"] = len(self._outputs) == 1 and isinstance(given, KerasTensor)

    @property
    def operations(self) -> list[Operation]:
        """The layers and op calls, from the inputs to the outputs."""
        return list(self._operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return self._outputs

    def call(self, inputs: Any) -> Any:
        """Run the graph on tensors in the structure of the inputs."""
        return self._run(list(leaves(inputs)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of the outputs for these shapes of the inputs."""
        flat = list(leaves(tensors_of(input_shape, "float32")))
        given = [KerasTensor(x.shape, want.dtype) for x, want in zip(flat, self._inputs, strict=True)]
        return shapes_of(self.compute_output_spec(_pack(self._inputs_struct, given)))

    # -- running ------------------------------------------------------------------------------------------------------

    def _run(self, values: list[Any]) -> Any:
        steps = self._steps
        if steps is None:
            steps = self.__dict__["_steps"] = self._plan_steps()
        slots = [*values, *([None] * (self._slots - len(values)))]
        for call, source, target, gather in steps:
            if gather is None:
                slots[target] = call(slots[source])
            else:
                args, kwargs = gather(slots)
                out = call(*args, **kwargs)
                for place, value in zip(target, leaves(out), strict=True):
                    slots[place] = value
        if self._single:
            return slots[self._out_slots[0]]
        return _pack(self._outputs_struct, [slots[i] for i in self._out_slots])

    def _plan_steps(self) -> list[Any]:
        place = {id(x): i for i, x in enumerate(self._inputs)}
        steps: list[Any] = []
        for node in self._nodes:
            if all(id(x) in place for x in node.output_tensors):
                continue  # an input, or a node whose outputs were given as inputs
            for x in node.output_tensors:
                place.setdefault(id(x), len(place))
            call = _callable(node.operation)
            simple = len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], KerasTensor)
            if simple and isinstance(node.outputs, KerasTensor):
                steps.append((call, place[id(node.args[0])], place[id(node.outputs)], None))
            else:
                targets = [place[id(x)] for x in node.output_tensors]
                steps.append((call, None, targets, _gatherer(node, place)))
        self.__dict__["_slots"] = len(place)
        self.__dict__["_out_slots"] = [place[id(x)] for x in self._outputs]
        return steps

    def get_config(self) -> dict[str, Any]:
        """Not available: a bare graph has no layout in files; make it a `Model(inputs, outputs)`."""
        raise NotImplementedError("A Function cannot be saved: make a Model(inputs, outputs) of it.")


def _callable(operation: Operation) -> Callable[..., Any]:
    if isinstance(operation, OpCall):
        return operation.op.with_config(operation.static)
    return operation


def _gatherer(node: Node, place: dict[int, int]) -> Callable[[list[Any]], tuple[tuple, dict]]:
    """What puts the arguments of a call together out of the slots."""

    def gather(slots: list[Any]) -> tuple[tuple, dict]:
        fill = lambda x: slots[place[id(x)]] if isinstance(x, KerasTensor) else x
        return tuple([map_leaves(fill, a) for a in node.args]), {
            k: map_leaves(fill, v) for k, v in node.kwargs.items()
        }

    return gather


def _pack(structure: Any, flat: list[Any]) -> Any:
    """The values in the given structure (dicts are flat by sorted keys)."""
    values = iter(flat)

    def fill(part: Any) -> Any:
        if isinstance(part, dict):
            filled = {key: fill(part[key]) for key in _keys(part)}
            return type(part)((key, filled[key]) for key in part)
        if isinstance(part, list | tuple):
            items = [fill(p) for p in part]
            return type(part)(*items) if hasattr(part, "_fields") else type(part)(items)
        return next(values)

    return fill(structure)


def _bare(structure: Any) -> Any:
    """The only entry of a list or tuple of one; anything else as it is."""
    return structure[0] if isinstance(structure, list | tuple) and len(structure) == 1 else structure


def _keys(mapping: dict) -> list:
    return ordered_keys(mapping)


def _symbolic(structure: Any, side: str, name: str) -> list[KerasTensor]:
    flat = list(leaves(structure))
    for x in flat:
        if not isinstance(x, KerasTensor):
            raise ValueError(
                f"Graph {name!r}: all `{side}` must be symbolic tensors (from `lamina.Input` or a call on one), got "
                f"{x!r:.100} ({type(x).__name__}).{foreign(x)}"
            )
    if not flat:
        raise ValueError(f"Graph {name!r}: `{side}` is empty.")
    return flat


# -- sorting -----------------------------------------------------------------------------------------------------------


def _node_of(x: KerasTensor) -> Node | None:
    history = x._keras_history
    return None if history is None else history.operation._inbound_nodes[history.node_index]


def _sorted_nodes(inputs: list[KerasTensor], outputs: list[KerasTensor], name: str) -> list[Node]:
    """The nodes between inputs and outputs, each after those it depends on.

    Raises:
        ValueError: where a path does not begin at the inputs, or runs in a circle.
    """
    given = {id(x) for x in inputs}
    done: dict[int, Node] = {}
    open_nodes: set[int] = set()
    for output in outputs:
        if id(output) in given and _node_of(output) is None:
            continue
        stack: list[tuple[Node, bool]] = [(_start(output, given, name, None), False)]
        while stack:
            node, finished = stack.pop()
            if finished:
                open_nodes.discard(id(node))
                done[id(node)] = node
                continue
            if id(node) in done:
                continue
            if id(node) in open_nodes:
                raise ValueError(f"Graph {name!r} has a cycle through {node.operation.name!r}.")
            open_nodes.add(id(node))
            stack.append((node, True))
            if all(id(x) in given for x in node.output_tensors):
                continue  # the path begins here
            for x in reversed(node.input_tensors):
                if id(x) in given and _node_of(x) is None:
                    continue
                parent = _start(x, given, name, node)
                if id(parent) in open_nodes and id(parent) not in done:
                    raise ValueError(f"Graph {name!r} has a cycle through {parent.operation.name!r}.")
                if id(parent) not in done:
                    stack.append((parent, False))
    return list(done.values())


def _start(x: KerasTensor, given: set[int], name: str, consumer: Node | None) -> Node:
    node = _node_of(x)
    cut = node is None or (node.is_input and not any(id(o) in given for o in node.output_tensors))
    if cut:
        user = f"layer {consumer.operation.name!r}" if consumer else "the outputs"
        source = f"Input {node.operation.name!r}" if node else f"tensor {x.name!r}"
        raise ValueError(
            f"Graph {name!r} is disconnected: {source} of shape {x.shape} is needed by {user}, but is not among "
            "`inputs`. Add it to the inputs of the model."
        )
    assert node is not None
    return node


def _sorted_operations(
    inputs: list[KerasTensor], outputs: list[KerasTensor], nodes: list[Node]
) -> list[Operation]:
    """By distance from the outputs, farthest first; among equals in the order a walk from the outputs meets them."""
    inside = {id(n) for n in nodes}
    given = {id(x) for x in inputs}
    met: dict[int, int] = {}

    for output in outputs:  # a walk from the outputs, inputs of a node from left to right
        stack = [_node_of(output)]
        visited: set[int] = set()
        while stack:
            node = stack.pop()
            if node is None or id(node) not in inside or id(node) in visited:
                continue
            visited.add(id(node))
            met.setdefault(id(node.operation), len(met))
            if not all(id(x) in given for x in node.output_tensors):
                stack.extend(_node_of(x) for x in reversed(node.input_tensors))
    depth: dict[int, int] = {}
    operation_depth: dict[int, int] = {}
    for node in reversed(nodes):
        d = max(depth.get(id(node), 0), operation_depth.get(id(node.operation), 0))
        depth[id(node)] = operation_depth[id(node.operation)] = d
        for parent in node.parent_nodes:
            if id(parent) in inside:
                depth[id(parent)] = max(d + 1, depth.get(id(parent), 0))
    found: dict[int, Operation] = {}
    for x in inputs:  # an input that nothing depends on belongs to the graph, too
        if (node := _node_of(x)) is not None and node.is_input:
            found[id(node.operation)] = node.operation
            operation_depth.setdefault(id(node.operation), 0)
            met.setdefault(id(node.operation), -1)
    for node in nodes:
        found.setdefault(id(node.operation), node.operation)
    return sorted(found.values(), key=lambda o: (-operation_depth[id(o)], met[id(o)]))


def layers_of(operations: list[Operation]) -> list[Layer]:
    """The layers among the operations."""
    return [o for o in operations if isinstance(o, Layer)]


Function = Container = Graph  # its name in Keras 3, and the one the literature uses
