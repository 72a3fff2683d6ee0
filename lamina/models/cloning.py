"""Cloning: the same architecture with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core import registry
from lamina.core.codec import deserialize, deserialize_arguments, serialize
from lamina.core.config import constructor
from lamina.core.layer import Layer
from lamina.core.operation import OpCall, Operation
from lamina.core.sharing import sharing
from lamina.core.tensor import KerasTensor
from lamina.kernel.tracebacks import folds_frames
from lamina.kernel.trees import leaves, map_leaves
from lamina.layers.input import InputLayer
from lamina.models.functional import GRAPH_KEYS, Functional, _own_constructor
from lamina.models.model import Model
from lamina.models.sequential import Sequential


@folds_frames
def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Any:
    """A model of the same architecture with new layers and newly drawn weights.

    Args:
        model: Functional, Sequential, or a subclass with a config.
        input_tensors: Symbolic tensors to draw the new graph on, in the structure of the inputs.
        clone_function: Gives the new layer for each layer; from its config by default.
        call_function: Calls the new layer: (layer, *args, **kwargs) -> output; functional models only.
        recursive: Whether `clone_function` sees the layers inside nested models, too.

    Returns:
        The new model.

    Raises:
        ValueError: if an argument does not fit the kind of model.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.models.clone_model(model).output_shape
        (None, 1)
    """
    if kwargs:
        raise TypeError(f"clone_model got unknown arguments: {', '.join(kwargs)}.")
    if isinstance(model, Sequential) and call_function is not None:
        raise ValueError(
            "`call_function` is for functional models; a Sequential calls its layers one by one."
        )
    graph = isinstance(model, Functional)
    if not graph and any(a is not None for a in (input_tensors, clone_function, call_function)):
        raise ValueError(
            f"Model {model.name!r} ({type(model).__name__}) has its own `call`, so it is cloned from its config: "
            "`input_tensors`, `clone_function` and `call_function` are for functional and Sequential models."
        )
    with (
        sharing(always=True) as met,
        registry.custom_objects(met.functions),
    ):
        if not graph:
            return type(model).from_config(model.get_config())
        return _Cloner(clone_function, call_function, recursive).model(model, input_tensors)


def _copy(layer: Any) -> Any:
    """A layer from its config, with its holders and without what it was compiled with; a shared one once."""
    config = {name: part for name, part in serialize(layer).items() if name != "compile_config"}
    return deserialize(config, where=layer.name)


class _Cloner:
    """One cloning: every operation is made once, however often and wherever it stands.

    Args:
        make: Gives the new layer for a layer; `_copy` when None.
        call: Calls a new layer; None for a plain call.
        recursive: Whether `make` sees the layers inside nested models, too.
    """

    def __init__(self, make: Any, call: Any, recursive: bool) -> None:
        self.make, self.call = make or _copy, call
        self.recursive = recursive
        self.made: dict[int, Operation] = {}

    def operation(self, operation: Operation) -> Operation:
        if id(operation) not in self.made:
            self.made[id(operation)] = self._new(operation)
        return self.made[id(operation)]

    def _new(self, operation: Operation) -> Operation:
        if isinstance(operation, OpCall):
            return OpCall(operation.op, operation.static, name=operation.name)
        if self.recursive and isinstance(operation, Functional):
            return self.model(operation, None)
        return self.make(operation)

    def model(self, model: Functional, inputs: Any) -> Functional:
        made = (
            self.sequential(model, inputs)
            if isinstance(model, Sequential)
            else self.functional(model, inputs)
        )
        if compiled := model.get_compile_config():
            made.compile_from_config(serialize(compiled))
        return made

    def sequential(self, model: Sequential, inputs: Any) -> Sequential:
        stack = list(model._stack)
        if inputs is not None:
            given = list(leaves(inputs))
            if len(given) != 1:
                raise ValueError(f"A Sequential takes one input tensor, got {len(given)}.")
            stack = [given[0], *model.layers]
        out = Sequential(name=model.name)
        for layer in stack:
            if isinstance(layer, InputLayer):
                out.add(self._input(layer.output), rebuild=False)
            else:
                out.add(layer if isinstance(layer, KerasTensor) else self.operation(layer), rebuild=False)
        out._maybe_rebuild()
        return out

    def functional(self, model: Functional, inputs: Any) -> Functional:
        table: dict[int, Any] = {}
        fresh = inputs if inputs is not None else map_leaves(self._input, model._inputs_struct)
        given = list(leaves(fresh))
        if len(given) != len(model._inputs):
            raise ValueError(
                f"Model {model.name!r} has {len(model._inputs)} inputs, got {len(given)} input tensors."
            )
        table.update({id(old): new for old, new in zip(model._inputs, given, strict=True)})
        fill = lambda x: table[id(x)] if isinstance(x, KerasTensor) else x
        for node in model._nodes:
            if node.is_input or all(id(x) in table for x in node.output_tensors):
                continue
            layer = self.operation(node.operation)
            args, kwargs = map_leaves(fill, node.args), map_leaves(fill, node.kwargs)
            out = self.call(layer, *args, **kwargs) if self.call else layer(*args, **kwargs)
            table.update({id(old): new for old, new in zip(node.output_tensors, leaves(out), strict=True)})
        outputs = map_leaves(fill, model._outputs_struct)
        cls = type(model)
        if _own_constructor(cls):
            return Functional(fresh, outputs, name=model.name)
        config = model.get_config()
        more = {k: v for k, v in config.items() if k not in GRAPH_KEYS and k in constructor(cls).parameters}
        return cls(inputs=fresh, outputs=outputs, name=model.name, **deserialize_arguments(more))

    def _input(self, x: KerasTensor) -> KerasTensor:
        old = x._keras_history.operation
        name = old.name if isinstance(old, InputLayer) else None
        return InputLayer(batch_shape=x.shape, dtype=x.dtype, name=name).output
