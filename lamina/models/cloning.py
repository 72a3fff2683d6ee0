"""Cloning: the same architecture with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.core.layer import Layer
from lamina.core.operation import OpCall, Operation
from lamina.core.tensor import KerasTensor
from lamina.kernel.trees import leaves, map_leaves
from lamina.layers.input import InputLayer
from lamina.models.functional import Functional
from lamina.models.model import Model
from lamina.models.sequential import Sequential


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
    cloner = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "`call_function` is for functional models; a Sequential calls its layers one by one."
            )
        return cloner.sequential(model, input_tensors)
    if isinstance(model, Functional):
        return cloner.functional(model, input_tensors)
    if any(a is not None for a in (input_tensors, clone_function, call_function)):
        raise ValueError(
            f"Model {model.name!r} ({type(model).__name__}) has its own `call`, so it is cloned from its config: "
            "`input_tensors`, `clone_function` and `call_function` are for functional and Sequential models."
        )
    return type(model).from_config(model.get_config())


class _Cloner:
    def __init__(self, make: Any, call: Any, recursive: bool) -> None:
        self.make = make or (lambda layer: type(layer).from_config(layer.get_config()))
        self.call = call
        self.recursive = recursive

    def operation(self, operation: Operation) -> Operation:
        if isinstance(operation, OpCall):
            return OpCall(operation.op, operation.static, name=operation.name)
        if self.recursive and isinstance(operation, Functional):
            one = clone_model(
                operation, clone_function=self.make,
                call_function=None if isinstance(operation, Sequential) else self.call, recursive=True,
            )  # fmt: skip
            return one
        return self.make(operation)

    def sequential(self, model: Sequential, inputs: Any) -> Sequential:
        stack = list(model._stack)
        if inputs is not None:
            given = list(leaves(inputs))
            if len(given) != 1:
                raise ValueError(f"A Sequential takes one input tensor, got {len(given)}.")
            stack = [given[0], *model.layers]
        out = Sequential(name=model.name)
        for layer in stack:
            keep = isinstance(layer, KerasTensor)
            out.add(layer if keep else self.operation(layer), rebuild=False)
        out._maybe_rebuild()
        return out

    def functional(self, model: Functional, inputs: Any) -> Functional:
        table: dict[int, Any] = {}
        made: dict[int, Operation] = {}
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
            if id(node.operation) not in made:
                made[id(node.operation)] = self.operation(node.operation)
            layer = made[id(node.operation)]
            args, kwargs = map_leaves(fill, node.args), map_leaves(fill, node.kwargs)
            out = self.call(layer, *args, **kwargs) if self.call else layer(*args, **kwargs)
            table.update({id(old): new for old, new in zip(node.output_tensors, leaves(out), strict=True)})
        outputs = map_leaves(fill, model._outputs_struct)
        cls = type(model) if not own_constructor(type(model)) else Functional
        return cls(fresh, outputs, name=model.name)

    def _input(self, x: KerasTensor) -> KerasTensor:
        old = x._keras_history.operation
        name = old.name if isinstance(old, InputLayer) else None
        return InputLayer(batch_shape=x.shape, dtype=x.dtype, name=name).output


def own_constructor(cls: type) -> bool:
    """Whether a subclass of Functional has a constructor of its own."""
    from lamina.models.functional import _own_constructor

    return _own_constructor(cls)
