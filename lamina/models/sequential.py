"""Sequential: a model that is one layer after the other."""

from __future__ import annotations

from typing import Any

from lamina.core import names
from lamina.core.abstract import tensors_of
from lamina.core.codec import deserialize, serialize
from lamina.core.graph import Graph
from lamina.core.layer import Layer
from lamina.core.registry import CustomObjectScope
from lamina.core.sharing import sharing
from lamina.core.tensor import KerasTensor
from lamina.errors import PlaceError, foreign
from lamina.kernel.tracebacks import folds_frames
from lamina.kernel.trees import leaves, map_leaves
from lamina.layers.input import Input, InputLayer
from lamina.models.functional import Functional
from lamina.training.trainer import Trainer


class Sequential(Functional):
    """A model that is one layer after the other.

    It becomes a graph as soon as the shape of its input is known: from an `Input` in front, or at the first call.

    Args:
        layers: The layers.
        trainable: Whether its variables are trained.
        name: A name; automatic when None.

    Raises:
        ValueError: if two layers share a name, or one takes or gives more than one tensor.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
        >>> model.output_shape
        (None, 3)
    """

    _stack: list[Layer]  # the layers, behind the Input where there is one
    _steps_made = False  # whether the graph is drawn
    supports_masking = True

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        Trainer.__init__(self)
        if isinstance(trainable, Layer | KerasTensor):
            raise ValueError(
                f"Sequential takes its layers in a list, got {trainable!r:.80} as a second argument: "
                "Sequential([layer, layer, ...])."
            )
        Layer.__init__(self, trainable=trainable, name=name or names.unique("sequential"))
        self.autocast = False
        self.__dict__["_stack"] = []  # its layers are listed by `add`, not as an attribute's
        if layers is not None and not hasattr(layers, "__iter__"):
            raise ValueError(
                f"Sequential takes its layers in a list, got {layers!r:.80}: Sequential([layer, layer, ...])."
            )
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._maybe_rebuild()

    @folds_frames
    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end.

        Args:
            layer: A Layer, a symbolic tensor from `Input`, or a callable (wrapped in a Lambda).
            rebuild: Whether to draw the graph at once.

        Raises:
            ValueError: if its name is taken, or an Input comes late.
        """
        if isinstance(layer, KerasTensor) and layer._keras_history is not None:
            layer = layer._keras_history.operation
            if not isinstance(layer, InputLayer):
                raise ValueError(
                    f"Sequential {self.name!r}: only layers can be added, got the output of layer {layer.name!r}. Add the "
                    "layer itself, or make a graph: Model(inputs, outputs)."
                )
        if not isinstance(layer, Layer):
            if isinstance(layer, type) and issubclass(layer, Layer):
                raise ValueError(
                    f"Sequential {self.name!r}: got the class {layer.__name__}, not a layer of it. Make one: "
                    f"{layer.__name__}(...)."
                )
            if not callable(layer) or isinstance(layer, type) or foreign(layer):
                raise ValueError(
                    f"Sequential {self.name!r}: only layers can be added, got {layer!r:.80} ({type(layer).__name__})."
                    f"{foreign(layer)}"
                )
            from lamina import layers

            layer = layers.Lambda(layer)
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Sequential {self.name!r} has a layer called {layer.name!r} already. Names must differ: give one of "
                "them another `name=`."
            )
        wanted = layer._layer_state.wanted_input
        if not self._stack and wanted is not None and not isinstance(layer, InputLayer):
            self._stack.append(InputLayer(batch_shape=wanted))
        if self._stack and isinstance(layer, InputLayer):
            raise ValueError(
                f"Sequential {self.name!r}: an Input must come first, before {self._stack[0].name!r}."
            )
        self._stack.append(layer)
        stacked = {id(v) for v in self._stack}
        self._hold_layers([*self._stack, *(v for v in self._layers if id(v) not in stacked)])
        if rebuild and self._steps_made:
            self._extend(layer)
        elif rebuild:
            self._maybe_rebuild()
        else:
            self._undraw()

    @folds_frames
    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer away and return it.

        Raises:
            ValueError: if there is none.
        """
        if not self.layers:
            raise PlaceError(f"Sequential {self.name!r} has no layers to pop.")
        layer = self._stack.pop()
        self._hold_layers(v for v in self._layers if v is not layer)
        self._undraw()
        if rebuild:
            self._maybe_rebuild()
        return layer

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    # -- the graph ----------------------------------------------------------------------------------------------------

    def _undraw(self) -> None:
        self.built = self._steps_made = False
        self._layer_state.build_shapes = None
        self._layer_state.plain.clear()

    def _maybe_rebuild(self) -> None:
        self._undraw()
        if len(self._stack) > 1 and isinstance(self._stack[0], InputLayer):
            with names.name_scope(self.name):
                self._draw()
        elif self._stack and isinstance(self._stack[0], Functional) and self._stack[0].built:
            first = self._stack[0]
            if not isinstance(first, Sequential) or first._steps_made:
                self.build(first.input_shape)

    def _draw(self) -> None:
        """Call the layers on the Input, one after the other, and keep the graph."""
        first = self._stack[0].output
        x = first
        for layer in self._stack[1:]:
            x = self._after(x, layer)
        self._drawn(first, x)
        self._layer_state.build_shapes = {"input_shape": first.shape}

    def _extend(self, layer: Layer) -> None:
        """Draw one layer more: each layer is called once, so that its `input` and `output` are one tensor."""
        with names.name_scope(self.name):
            self._drawn(self._inputs_struct, self._after(self._outputs_struct, layer))
        self._layer_state.plain.clear()

    def _after(self, x: Any, layer: Layer) -> Any:
        y = layer(x)
        if not all(isinstance(t, KerasTensor) for t in leaves(y)):
            raise ValueError(
                f"Sequential {self.name!r}: layer {layer.name!r} ({type(layer).__name__}) gives "
                + (
                    "None: its `call` lacks a `return`."
                    if y is None
                    else f"{type(y).__name__}, no symbolic tensors. Compute its output from its input with lamina.ops."
                )
            )
        return y

    def _drawn(self, first: Any, last: Any) -> None:
        Graph._connect(self, first, last)
        self.__dict__["_operations"] = list(self._stack)
        self.built = self._steps_made = True

    def build(self, input_shape: Any = None) -> None:
        """Draw the graph for an input of this shape.

        Args:
            input_shape: With the batch axis, such as (None, 28, 28, 1).

        Raises:
            ValueError: if the model has no layers, or no shape is given and there is no Input.
        """
        if not self.layers:
            raise ValueError(f"Sequential {self.name!r} has no layers: add some before building it.")
        if self._steps_made:
            return
        if not isinstance(self._stack[0], InputLayer):
            if input_shape is None:
                raise ValueError(
                    f"Sequential {self.name!r}: the shape of the input is not known. Begin with Input(shape), call the "
                    "model on data, or give `build` a shape."
                )
            if not _is_shape(input_shape):
                self._build_undrawn(input_shape)
                return
            shape = tuple(input_shape)
            dtype = "int32" if self._stack[0]._takes_indices else self._stack[0].compute_dtype
            dtype = "string" if self._begins_with_text() else dtype
            x = Input(batch_shape=(None, *shape[1:]), dtype=dtype)
            self._stack.insert(0, x._keras_history.operation)
            self._hold_layers([self._stack[0], *self._layers])
            try:
                self._draw()
            except Exception:
                first = self._stack.pop(0)
                self._hold_layers(v for v in self._layers if v is not first)
                raise
        else:
            self._draw()

    def _build_undrawn(self, shapes: Any) -> None:
        """Build the layers for an input of several tensors: there is no one Input to draw a graph from."""
        x = tensors_of(shapes, self._stack[0].compute_dtype)
        with names.name_scope(self.name):
            for layer in self._stack:
                x = layer(x)
        self.built = True

    def _begins_with_text(self) -> bool:
        """Whether the first layer takes nothing but strings."""
        layer = self._stack[0] if self._stack else None
        return layer is not None and layer._takes_text

    @property
    def _convert_input_args(self) -> bool:
        return False if self._begins_with_text() else super()._convert_input_args

    def _host_part(self, sample: Any = None) -> Any:
        if sample is not None and not self._steps_made and self._begins_with_text():
            from lamina.layers.preprocessing.strings import is_strings, strings

            if is_strings(sample):
                self.build((None, *strings(sample, self.name).shape[1:]))
        return super()._host_part()

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The layers, one after the other.

        Args:
            inputs: A tensor, or what the first layer takes.
            training: Whether layers behave as in training.
            mask: The mask of the input.

        Returns:
            A tensor.
        """
        if not self._steps_made:
            self._host_part(inputs)
        if not self._steps_made:
            if not self.built:
                self.build(None)
            for layer in self._stack:
                inputs = layer(inputs)
            return inputs
        return Functional.call(self, inputs, training=training, mask=mask)

    def _fitted(self, value: Any, want: KerasTensor) -> Any:
        shape = getattr(value, "shape", None)
        if shape is not None and len(shape) == len(want.shape):
            return value  # sizes are the layers' own concern: a Sequential runs on any that they take
        return Functional._fitted(self, value, want)

    @property
    def input_shape(self) -> Any:
        """The shape of the input.

        Raises:
            AttributeError: if it is not known yet.
        """
        self._needs_graph("input_shape")
        return self._inputs[0].shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output.

        Raises:
            AttributeError: if it is not known yet.
        """
        self._needs_graph("output_shape")
        return map_leaves(lambda x: x.shape, self._outputs_struct)

    @property
    def inputs(self) -> Any:
        """The symbolic input in a list.

        Raises:
            AttributeError: if its shape is not known yet.
        """
        self._needs_graph("inputs")
        return self._inputs

    @property
    def outputs(self) -> Any:
        """The symbolic outputs in a list.

        Raises:
            AttributeError: if the shape of the input is not known yet.
        """
        self._needs_graph("outputs")
        return self._outputs

    @property
    def input(self) -> Any:
        """The symbolic input."""
        self._needs_graph("input")
        return self._inputs[0]

    @property
    def output(self) -> Any:
        """The symbolic output."""
        self._needs_graph("output")
        return self._outputs_struct

    def _needs_graph(self, what: str) -> None:
        if not self._steps_made:
            raise AttributeError(
                f"Sequential {self.name!r} has no `{what}` yet: the shape of its input is not known. Begin with "
                "Input(shape), call it on data, or `build(input_shape)`."
            )

    # -- files --------------------------------------------------------------------------------------------------------

    def get_build_config(self) -> Any:
        """The shape that the graph was drawn for."""
        return Layer.get_build_config(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes of `get_build_config`."""
        if not self.built:
            Layer.build_from_config(self, config)

    def get_config(self) -> dict[str, Any]:
        """The layers' configs."""
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize(self.dtype_policy),
        }
        with sharing():
            config["layers"] = [serialize(layer) for layer in self._stack]
        if self._steps_made:
            config["build_input_shape"] = list(self._inputs[0].shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A Sequential from `get_config`."""
        with CustomObjectScope(custom_objects or {}), sharing():
            model = cls(name=config.get("name"))
            for i, entry in enumerate(config.get("layers") or ()):
                model.add(deserialize(entry, where=f"layers[{i}]"), rebuild=False)
            model._maybe_rebuild()
            shape = config.get("build_input_shape")
            if not model._steps_made and shape is not None and model.layers:
                model.build(tuple(shape))
            if config.get("trainable", True) is False:
                model.trainable = False
        return model


def _is_shape(shapes: Any) -> bool:
    """Whether this is the shape of one tensor, not a structure of shapes."""
    return isinstance(shapes, list | tuple) and all(n is None or hasattr(n, "__index__") for n in shapes)
