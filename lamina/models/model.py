"""Model: a layer with training, evaluation and files."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Self

from lamina.core.abstract import call_on_shapes, tensors_of
from lamina.core.codec import serialize
from lamina.core.config import constructor
from lamina.core.layer import Layer
from lamina.core.operation import infer_call
from lamina.core.registry import CustomObjectScope
from lamina.core.sharing import sharing
from lamina.core.tensor import KerasTensor
from lamina.errors import foreign, suggestion
from lamina.kernel.namespaces import public_in
from lamina.kernel.tracebacks import folds_frames
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.trainer import Trainer


def is_functional_call(args: tuple, kwargs: dict) -> bool:
    """Whether a constructor was given a graph: `Model(inputs, outputs)`."""
    if "inputs" in kwargs and "outputs" in kwargs:
        return True
    first = list(leaves(args[:1]))
    symbolic = bool(first) and all(isinstance(x, KerasTensor) for x in first)
    return symbolic and (len(args) > 1 or "outputs" in kwargs)


@public_in("lamina.models")
class Model(Trainer, Layer):
    """A layer that can be compiled, trained, evaluated and saved.

    There are three ways to make one: `Model(inputs, outputs)` from a graph of symbolic tensors, a subclass with its
    own `call`, or `Sequential`.

    Args:
        inputs, outputs: Symbolic tensors, or structures of them.
        name: A name; automatic when None.

    Example:
        >>> import lamina
        >>> x = lamina.Input((4,))
        >>> model = lamina.Model(x, lamina.layers.Dense(2)(x))
        >>> model.output_shape
        (None, 2)
    """

    _remat_apart = True
    _locks = False  # layers come and go
    _graphs: ClassVar[
        Any
    ]  # how a model is made from a graph: set by models/functional.py, which is built on this class

    @folds_frames
    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and is_functional_call(args, kwargs):
            made: Any = cls._graphs.functional(*args, **kwargs)  # __init__ does not run again: it is made
            return made
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if getattr(self, "_functional_made", False):
            return
        Trainer.__init__(self)
        if is_functional_call(args, kwargs):
            self._graphs.become(self, args, kwargs)
            return
        if args:
            raise TypeError(
                f"{type(self).__name__}: Model takes `inputs` and `outputs` (symbolic tensors), or nothing in a "
                f"subclass with its own `call`. Got {args!r:.120}.{foreign(args[0])}"
            )
        Layer.__init__(self, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; subclasses define it."""
        advice = "define `def call(self, inputs): ...`, or make it from a graph with Model(inputs, outputs)."
        raise self._without_call("Model", advice)

    # -- layers -------------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers directly below the model."""
        return [layer for layer in self._layers if isinstance(layer, Layer)]

    @layers.setter
    def layers(self, _: Any) -> None:
        raise AttributeError(
            "`Model.layers` is made by the model. Choose another attribute name for your own list."
        )

    @folds_frames
    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its place.

        Args:
            name: The layer's name.
            index: Its place in `layers`, instead.

        Returns:
            The layer.

        Raises:
            ValueError: if there is none (naming the nearest).
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer takes a name or an index, one of the two.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"Model {self.name!r} has {len(self.layers)} layers, so there is no layer {index}."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise ValueError(
            f"Model {self.name!r} has no layer {name!r}.{suggestion(str(name), names)} Its layers: {', '.join(names)}."
        )

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the structure of shapes."""
        shapes = map_leaves(lambda x: x.shape, self.input)
        flat = list(leaves(self.input))
        return flat[0].shape if len(flat) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or the structure of shapes."""
        shapes = map_leaves(lambda x: x.shape, self.output)
        flat = list(leaves(self.output))
        return flat[0].shape if len(flat) == 1 else shapes

    def build(self, input_shape: Any = None) -> None:
        """Build all layers by running `call` on shapes.

        Args:
            input_shape: The shape of the input with its batch axis, or a structure of shapes.

        Raises:
            ValueError: if there is no way to run `call` on it.
        """
        if input_shape is None:
            raise ValueError(
                f"Model {self.name!r}: `build` needs the shape of the input, such as (None, 28, 28)."
            )

        inputs = tensors_of(input_shape, self.compute_dtype)
        object.__setattr__(self, "built", True)
        spread = isinstance(inputs, list | tuple) and len(self._plan.required) > 1 and len(inputs) > 1
        run = lambda *given: call_on_shapes(self, given, {})
        infer_call(run, tuple(inputs) if spread else (inputs,), {})

    # -- files --------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in a form that JSON can hold.

        Raises:
            SerializationError: if one of them cannot be written (define `get_config` and `from_config` then).
        """
        return super().get_config()

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """A model from `get_config`."""
        with CustomObjectScope(custom_objects or {}), sharing():
            if cls in (Model, Model._graphs.functional) or ("layers" in config and "input_layers" in config):
                return cls._graphs.from_config(cls, config)
            taken = constructor(cls).parameters
            open_ended = any(p.kind is p.VAR_KEYWORD for p in taken.values())
            given = {k: v for k, v in config.items() if open_ended or k in taken}
            return super().from_config(given)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture (and compile arguments) as JSON text, which `model_from_json` reads.

        Args:
            **kwargs: For `json.dumps`.

        Returns:
            The text.
        """
        return json.dumps(serialize(self), **kwargs)

    @folds_frames
    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write the model: architecture, weights, optimizer state.

        Args:
            filepath: Where; the name ends in ".keras" (or in ".h5", the format of the past), or is that of a folder.
            overwrite: False asks before replacing a file (an error without a terminal).
            zipped: Whether into one file (None: where the name ends in ".keras") or a folder.
            **kwargs: `include_optimizer` (True by default).

        Raises:
            ValueError: if the name has another ending.
        """
        from lamina.saving.models import save_model

        save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    @folds_frames
    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: Any = None, **kwargs: Any
    ) -> None:
        """Write the weights into a `.weights.h5`, `.safetensors`, `.npz` or (in shards) `.weights.json` file.

        Args:
            filepath: Where: a name, or a file-like object that is open for writing bytes.
            overwrite: False asks before replacing a file (an error without a terminal).
            max_shard_size: The greatest size of one file in GB; more is split, beside a JSON index.
            **kwargs: `objects_to_skip` (layers, or names of layers, that are not written).
        """
        from lamina.saving.weight_files import save_weights

        save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size, **kwargs)

    @folds_frames
    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> Any:
        """Read weights from a `.weights.h5`, `.keras`, `.safetensors`, `.npz`, `.weights.json` or old `.h5` file.

        Names and shapes are compared before any number is read; all differences are listed at once.

        Args:
            filepath: The file, or a file-like object that is open for reading bytes.
            skip_mismatch: Whether to leave out what does not fit, with a report, instead of raising.
            **kwargs: `by_name` (old `.h5` files), `objects_to_skip`, `sha256`, `limits`.

        Raises:
            SerializationError: if the file does not fit the model or breaks a rule of the loader.
        """
        from lamina.saving.weight_files import load_weights

        return load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def export(
        self, filepath: Any, format: str = "tf_saved_model", verbose: Any = None, **kwargs: Any
    ) -> None:
        """Exporting to other systems' formats is not there yet."""
        raise NotImplementedError("`Model.export` is not supported yet: save a `.keras` file instead.")

    def get_quantization_layer_structure(self, mode: Any = None) -> None:
        """Quantization is not there yet."""
        raise NotImplementedError("Quantization is not supported yet.")

    @folds_frames
    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
        *,
        flops: bool = False,
        memory: bool = False,
        show_dtype: bool = False,
        batch_size: int = 1,
    ) -> None:
        """Print a table of the layers with their output shapes and parameters.

        Args:
            line_length: The width of the table in characters.
            positions: Relative widths of the columns.
            print_fn: Takes the text of the table instead of the terminal.
            expand_nested: Whether the layers of nested models get rows.
            show_trainable: Whether there is a column that says what is trained.
            layer_range: Two layer names (or patterns): the first and the last row.
            flops: Whether there are columns of multiply-adds, forward and backward.
            memory: Whether there are columns of bytes: weights, outputs, and what the gradient reads again.
            show_dtype: Whether there is a column of dtypes.
            batch_size: The rows that multiply-adds and bytes are for.
        """
        from lamina.visual.summary import summary

        summary(
            self, line_length=line_length, positions=positions, print_fn=print_fn, expand_nested=expand_nested,
            show_trainable=show_trainable, layer_range=layer_range, flops=flops, memory=memory, show_dtype=show_dtype,
            batch_size=batch_size,
        )  # fmt: skip

    def plan(self, distribution: Any, batch: int = 32, inputs: Any = None) -> Any:
        """What a step of training takes of each device under a distribution, without any device.

        Args:
            distribution: Of `lamina.distribution`; the devices of its mesh need not be there.
            batch: Rows of a batch, over all devices.
            inputs: For a model without a graph the shapes of its inputs, as for `lamina.visual.cost`.

        Returns:
            A `lamina.visual.Plan`: bytes of weights, optimizer and activations, and of what devices exchange. Print it.

        Raises:
            ValueError: if the model is not built, or a weight does not divide as the distribution says.

        Example:
            >>> import lamina
            >>> model = lamina.Sequential([lamina.Input((256,)), lamina.layers.Dense(1024)])
            >>> sharded = lamina.distribution.FullyShardedDataParallel(devices=[f"gpu:{i}" for i in range(64)])
            >>> model.plan(sharded, batch=512).weights
            16448
        """
        from lamina.visual.plan import Plan

        return Plan(self, distribution, batch, inputs)

    def _repr_html_(self) -> str:
        """What a notebook shows: the graph to look around in, or the table where there is none yet, or it is large."""
        if not self.built:
            return super()._repr_html_()
        from lamina.visual.page import notebook_cell

        return notebook_cell(self)

    # -- the whole state as one tree ------------------------------------------------------------------------------------

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, dict]:
        """All state as nested dicts by path: trainable, non-trainable, optimizer and metrics variables.

        Args:
            value_format: "backend_tensor" or "numpy_array".

        Returns:
            A dict of four dicts.
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise ValueError(
                f"`value_format` must be 'backend_tensor' or 'numpy_array', got {value_format!r}."
            )
        out: dict[str, dict] = {}
        for part, variables in self._state_parts().items():
            tree: dict[str, Any] = {}
            for v in variables:
                *folders, last = v.path.split("/")
                place = tree
                for folder in folders:
                    place = place.setdefault(folder, {})
                if last in place:
                    raise ValueError(
                        f"Model {self.name!r} has two variables with the path {v.path!r}, so there is no tree of its state by "
                        "path. Give its layers different names."
                    )
                place[last] = v.value if value_format == "backend_tensor" else v.numpy()
            out[part] = tree
        return out

    def set_state_tree(self, state_tree: dict[str, dict]) -> None:
        """Set state from the tree that `get_state_tree` gives (or a part of it).

        Raises:
            ValueError: if a path is unknown.
        """
        parts = self._state_parts()
        for part, tree in state_tree.items():
            if part not in parts:
                raise ValueError(f"Unknown part {part!r} of the state. Known: {', '.join(parts)}.")
            table = {v.path: v for v in parts[part]}
            for path, value in _paths(tree):
                if path not in table:
                    raise ValueError(f"There is no variable {path!r} in {part}.{suggestion(path, table)}")
                table[path].assign(value)

    def _state_parts(self) -> dict[str, list[Any]]:
        metric_ids = {id(v) for v in self.metrics_variables}
        return {
            "trainable_variables": self.trainable_variables,
            "non_trainable_variables": [v for v in self.non_trainable_variables if id(v) not in metric_ids],
            "optimizer_variables": list(self.optimizer.variables) if self.optimizer is not None else [],
            "metrics_variables": self.metrics_variables,
        }


Model.build.usual = True  # type: ignore[attr-defined]  # the layers build themselves
Model.call.usual = True  # type: ignore[attr-defined]  # a model with a step of its own may do without another


def _paths(tree: dict, prefix: str = "") -> Any:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value
