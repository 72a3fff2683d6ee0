"""Operation, Node, and the calls of ops that stand in a graph."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple, Self

from lamina import ops
from lamina.core import names
from lamina.core.codec import deserialize_arguments, serialize
from lamina.core.config import Configurable
from lamina.core.masks import get_mask, set_mask
from lamina.core.remat import remat
from lamina.core.tensor import KerasTensor
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes import SHAPES
from lamina.kernel.shapes.infer import infer
from lamina.kernel.shapes.spec import Spec, Unknown
from lamina.kernel.symbolic import Symbolic
from lamina.kernel.trees import leaves, map_leaves
from lamina.ops.op import OPS, Op


class History(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Operation
    node_index: int
    tensor_index: int


def symbolic_leaves(structure: Any) -> list[KerasTensor]:
    """The symbolic tensors among the leaves."""
    if isinstance(structure, KerasTensor):  # most calls take one and give one
        return [structure]
    return [x for x in leaves(structure) if isinstance(x, KerasTensor)]


def _symbolic_arguments(args: tuple, kwargs: dict) -> list[KerasTensor]:
    return symbolic_leaves(args[0] if len(args) == 1 and not kwargs else (args, list(kwargs.values())))


class Node:
    """One call of an operation in a graph: what went in, what came out.

    Attributes:
        operation: The layer or op that was called.
        arguments: The positional and keyword arguments of the call.
        input_tensors, output_tensors: The symbolic tensors among them.
        outputs: The result as the call gave it.
    """

    def __init__(
        self, operation: Operation, args: tuple, kwargs: dict, outputs: Any, *, is_input: bool = False
    ) -> None:
        self.operation = operation
        self.args, self.kwargs = args, kwargs
        self.outputs = outputs
        self.is_input = is_input
        self.input_tensors = _symbolic_arguments(args, kwargs)
        self.output_tensors = symbolic_leaves(outputs)
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, x in enumerate(self.output_tensors):
            x._keras_history = History(operation, index, i)
        for x in self.input_tensors:
            if x._keras_history is not None:
                x._keras_history.operation._outbound_nodes.append(self)

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that give the inputs."""
        histories = [x._keras_history for x in self.input_tensors]
        return [h.operation._inbound_nodes[h.node_index] for h in histories if h is not None]

    # the names that the Keras literature uses
    @property
    def outbound_layer(self) -> Operation:
        """The operation that was called."""
        return self.operation

    @property
    def inbound_layers(self) -> list[Operation]:
        """The operations that the inputs come from."""
        return [x._keras_history.operation for x in self.input_tensors if x._keras_history is not None]

    @property
    def input_shapes(self) -> list[Any]:
        """The shapes of the inputs."""
        return [x.shape for x in self.input_tensors or self.output_tensors]

    @property
    def output_shapes(self) -> list[Any]:
        """The shapes of the outputs."""
        return [x.shape for x in self.output_tensors]

    @property
    def input_masks(self) -> list[Any]:
        """The masks of the inputs, None where there is none."""
        return [get_mask(x) for x in self.input_tensors]

    @property
    def output_masks(self) -> list[Any]:
        """The masks of the outputs, None where there is none."""
        return [get_mask(x) for x in self.output_tensors]

    def __repr__(self) -> str:
        return (
            f"<Node of {self.operation.name}: {len(self.input_tensors)} in, {len(self.output_tensors)} out>"
        )


class Operation(Configurable):
    """A thing that can be called on tensors and, on symbolic ones, becomes a node of a graph.

    Args:
        name: A name without slashes; automatic when None.

    Example:
        >>> import lamina
        >>> class Double(lamina.Operation):
        ...     def call(self, x):
        ...         return 2 * x
        ...     def compute_output_spec(self, x):
        ...         return lamina.KerasTensor(x.shape, dtype=x.dtype)
        >>> Double()(lamina.Input((3,))).shape
        (None, 3)
    """

    name: str = names.set_by_init()

    _inbound_nodes: list[Node]
    _outbound_nodes: list[Node]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls, *args, **kwargs)
        self.__dict__.update(_inbound_nodes=[], _outbound_nodes=[])  # not followed, as an attribute is
        return self

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = names.unique(names.to_snake_case(type(self).__name__))
        self.name = names.check(name)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if _symbolic_arguments(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} does not define `call`.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Add a node: symbolic tensors in, symbolic tensors out."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic tensors that the call gives, found by running `call` without numbers."""
        return infer_call(self.call, args, kwargs)

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Quantised computation is not there yet."""
        raise NotImplementedError("Quantization is not supported yet.")

    def rematerialized_call(self, layer_call: Any, *args: Any, **kwargs: Any) -> Any:
        """`layer_call` whose inner results are computed again for the gradient."""
        return remat(layer_call)

    def _first_node(self, side: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} has no `{side}` yet: it was never called on a symbolic tensor "
                "(from `lamina.Input`, or of a model)."
            )
        return self._inbound_nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of the first call.

        Raises:
            AttributeError: if it was never called on a symbolic tensor.
        """
        found = self._first_node("input")
        first = found.args[0] if found.args else found.kwargs
        return found.outputs if found.is_input else first

    @property
    def output(self) -> Any:
        """The symbolic output of the first call.

        Raises:
            AttributeError: if it was never called on a symbolic tensor.
        """
        return self._first_node("output").outputs


def infer_call(call: Any, args: tuple, kwargs: dict, kernel: Kernel = SHAPES, once: bool = False) -> Any:
    """The symbolic results of `call(*args, **kwargs)`, some of whose leaves are symbolic.

    Args:
        call: What is called.
        args, kwargs: Its arguments.
        kernel: The shape interpreter, or one derived from it.
        once: Whether one run tells all, as `infer` takes it.
    """
    tensors = _symbolic_arguments(args, kwargs)

    # masks go along, so that a layer sees while a graph is drawn whether it will get one
    masks = [t._keras_mask for t in tensors if t._keras_mask is not None]
    made: list[Any] = []

    def program(specs: list[Spec]) -> Any:
        table = {id(t): s for t, s in zip([*tensors, *masks], specs, strict=True)}
        for t in tensors:
            if t._keras_mask is not None:
                set_mask(table[id(t)], table[id(t._keras_mask)])
        swap = lambda x: table.get(id(x), x)
        outputs = call(*map_leaves(swap, args), **map_leaves(swap, kwargs))
        made[:] = [get_mask(s) if isinstance(s, Spec) else None for s in leaves(outputs)]
        return outputs

    found = infer(program, [(t.shape, t.dtype) for t in (*tensors, *masks)], kernel, once)
    outputs = map_leaves(lambda s: KerasTensor(s.shape, s.dtype) if isinstance(s, Spec) else s, found)
    for x, mask in zip(leaves(outputs), made, strict=True):
        if isinstance(x, KerasTensor) and isinstance(mask, Spec):
            sizes = [None if type(n) is Unknown else n for n in mask.shape]
            x._keras_mask = KerasTensor(sizes, mask.dtype)
    return outputs


class OpCall(Operation):
    """A call of one op in a graph: `x + y`, `ops.mean(x, axis=1)`. Its config holds the arguments that are no tensors."""

    def __init__(self, op: Op, static: dict[str, Any], name: str | None = None) -> None:
        super().__init__(name=name or names.unique(names.to_snake_case(op.class_name)))
        self.op, self.static = op, static

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.op.with_config(self.static)(*args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The name and the op's arguments that are no tensors."""
        return {"name": self.name, **{k: serialize(v) for k, v in self.static.items()}}

    def __repr__(self) -> str:
        return f"<OpCall {self.op.name} name={self.name}>"

    @classmethod
    def from_file(cls, class_name: str, config: dict[str, Any]) -> OpCall:
        """A call from its class name and config in a file.

        Raises:
            ValueError: if no op has that class name, or it has no such parameter.
        """
        ops.load_all()
        op = OPS.get(class_name)
        if op is None:
            raise ValueError(f"There is no operation {class_name!r}.")
        static = deserialize_arguments({k: v for k, v in config.items() if k != "name"})
        unknown = [k for k in static if k not in op.parameters]
        if unknown:
            raise ValueError(f"Operation {class_name!r} has no parameter {', '.join(map(repr, unknown))}.")
        return cls(op, static, name=config.get("name"))


def apply_op(op: Op, args: tuple, kwargs: dict) -> Any:
    """Call `op` on arguments of which some are symbolic: a node of an `OpCall`."""
    bound = inspect.signature(op.function).bind(*args, **kwargs)
    bound.apply_defaults()
    inputs, static = [], {}
    for name, value in bound.arguments.items():
        if name == op.keywords:
            inputs.extend(value.items())
        elif name in op.given or name == op.star or symbolic_leaves(value):
            inputs.append((name, value))
        else:
            static[name] = value
    while inputs and inputs[-1][1] is None:  # optional tensors that were not given
        inputs.pop()
    if op.star:
        return OpCall(op, static)(*dict(inputs)[op.star])
    return OpCall(op, static)(*_positional(op, inputs), **_named(op, inputs))


def _positional(op: Op, inputs: list[tuple[str, Any]]) -> list[Any]:
    """The leading inputs that stand at the leading parameters can go by position."""
    out = []
    for (name, value), parameter in zip(inputs, op.parameters, strict=False):
        if name != parameter:
            break
        out.append(value)
    return out


def _named(op: Op, inputs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(inputs[len(_positional(op, inputs)) :])


def is_symbolic(x: Any) -> bool:
    """Whether x is a symbolic tensor of a graph."""
    return isinstance(x, Symbolic)


# Ops lie below the graph and know only the kernel's class of symbolic tensors: it says here what a call on one adds.
Symbolic.apply_op = staticmethod(apply_op)
