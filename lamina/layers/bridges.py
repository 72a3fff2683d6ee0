"""Models of other libraries as layers. They run code that the caller hands over, so no file can make one."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np

from lamina.core.codec import serialize
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.core.tensor import KerasTensor
from lamina.errors import SerializationError
from lamina.kernel import dtypes
from lamina.kernel.context import current, real_kernel
from lamina.kernel.shapes.spec import NeedsNumbers
from lamina.kernel.trees import map_leaves
from lamina.layers._later import not_yet


class _Bridge(Layer):
    """What the bridges share: they hold code, which configs never do."""

    def get_config(self) -> dict[str, Any]:
        """Name and dtype: the code that the layer runs is not part of a config."""
        return {"name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Refused: a file cannot hold the code that this layer runs.

        Raises:
            SerializationError: always.
        """
        raise SerializationError(
            f"{cls.__name__} {config.get('name')!r} runs code that a file cannot hold. Build the model in Python as "
            "before, and read its weights with `load_weights`."
        )

    def _needs_real_tensors(self) -> None:
        if current().abstract:
            raise NeedsNumbers(
                f"{type(self).__name__} runs code of another library, which has its own shape inference."
            )


class JaxLayer(_Bridge):
    """A function of jax as a layer, with its parameters as weights. For the jax backend.

    `y = call_fn(params, inputs)`, or `y, state = call_fn(params, state, rng, inputs, training)`

    Args:
        call_fn: The function. Its parameters have these names: `inputs`, and as needed `params`, `state`, `rng`,
            `training`. With `state` it gives the outputs and the new state.
        init_fn: A function `(rng, inputs[, training])` that gives the first params, with state (params, state).
        params: The first parameters, a tree of arrays, instead of `init_fn`.
        state: The first state that is not trained, a tree of arrays.
        seed: An integer for repeatable draws.
        native_serialization_platforms: Not supported yet.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        What the function gives.

    Raises:
        ValueError: if the function has other parameters, or there is neither `init_fn` nor `params`.
        BackendError: if another backend is in force.
    """

    def __init__(
        self,
        call_fn: Any,
        init_fn: Any = None,
        params: Any = None,
        state: Any = None,
        seed: int | None = None,
        native_serialization_platforms: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        from lamina.backends.jax import bridges

        bridges.require(type(self).__name__)
        not_yet(self, native_serialization_platforms=native_serialization_platforms)
        self._bridge = bridges
        self.call_fn, self.init_fn, self.seed = call_fn, init_fn, seed
        self._takes = _parameters(self, "call_fn", call_fn, ("params", "state", "rng", "inputs", "training"))
        if "inputs" not in self._takes:
            raise ValueError(
                f"{type(self).__name__}: `call_fn` must take `inputs`, it takes {sorted(self._takes)}."
            )
        if init_fn is not None:
            _parameters(self, "init_fn", init_fn, ("rng", "inputs", "training"))
        needs = [name for name in ("params", "state") if name in self._takes]
        if needs and init_fn is None and params is None and state is None:
            raise ValueError(f"{type(self).__name__}: give `init_fn`, or `params` and `state`.")
        self.seed_generator = SeedGenerator(seed)
        if params is not None or state is not None or not needs:
            self._keep(params, state)
            self.built = True

    def build(self, input_shape: Any) -> None:
        takes = _parameters(self, "init_fn", self.init_fn, ("rng", "inputs", "training"))
        sample = map_leaves(lambda x: self._bridge.sample(x.shape, x.dtype), self._placeholders(input_shape))
        given = {"rng": self._bridge.key(self.seed_generator.next()), "inputs": sample, "training": True}
        made = self.init_fn(**{name: given[name] for name in takes})
        if "state" not in self._takes:
            made = (made, None) if "params" in self._takes else (None, None)
        elif "params" not in self._takes:
            made = (None, made)
        elif not isinstance(made, tuple | list) or len(made) != 2:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: `call_fn` takes `params` and `state`, so `init_fn` must give the pair "
                f"(params, state), got {type(made).__name__}: {made!r:.80}."
            )
        self._keep(*made)

    def _placeholders(self, shape: Any) -> Any:
        if isinstance(shape, dict):
            return {name: self._placeholders(s) for name, s in shape.items()}
        if isinstance(shape, list | tuple) and shape and isinstance(shape[0], list | tuple | dict):
            return type(shape)(self._placeholders(s) for s in shape)
        return KerasTensor(shape, self.compute_dtype)

    @property
    def params(self) -> Any:
        """The tree of parameters, its arrays being the layer's variables; None before they are made."""
        return self._bridge.unflatten(self._params_form, list(self._params)) if self.built else None

    @property
    def state(self) -> Any:
        """The tree of state that is not trained, likewise."""
        return self._bridge.unflatten(self._unlearned_form, list(self._unlearned)) if self.built else None

    def _keep(self, params: Any, state: Any) -> None:
        self._params, self._params_form = self._variables_of(params, "params", trainable=True)
        self._unlearned, self._unlearned_form = self._variables_of(state, "state", trainable=False)

    def _variables_of(self, tree: Any, name: str, trainable: bool) -> tuple[list[Any], Any]:
        leaves, form = self._bridge.flatten(tree)
        made = []
        for leaf in leaves:
            if isinstance(leaf, bool | int | float | complex):
                leaf = np.asarray(leaf, dtypes.standardize(type(leaf)))  # noqa: PLW2901
            if not hasattr(leaf, "dtype") or not hasattr(leaf, "shape"):
                raise TypeError(
                    f"{type(self).__name__} {self.name!r}: the leaves of `{name}` must be arrays, numbers or None, got "
                    f"{leaf!r:.80} ({type(leaf).__name__})."
                )
            dtype = dtypes.standardize(leaf.dtype)
            dtype = self.variable_dtype if dtype in dtypes.IS_FLOAT else dtype
            variable = self.add_weight(
                leaf.shape, "zeros", dtype, trainable=trainable and dtype in dtypes.IS_FLOAT, name=name
            )
            variable.assign(leaf)
            made.append(variable)
        return made, form

    def call(self, inputs: Any, training: bool = False) -> Any:
        self._needs_real_tensors()
        self._bridge.require(type(self).__name__)
        given = {"inputs": inputs, "training": training}
        for name, variables, form in (
            ("params", self._params, self._params_form),
            ("state", self._unlearned, self._unlearned_form),
        ):
            given[name] = self._bridge.unflatten(form, [v.value for v in variables])
        if "rng" in self._takes:
            given["rng"] = self._bridge.key(self.seed_generator.next())
        result = self.call_fn(**{name: given[name] for name in self._takes})
        if "state" not in self._takes:
            return result
        outputs, state = result
        for variable, value in zip(self._unlearned, self._bridge.flatten(state)[0], strict=True):
            variable.assign(value)
        return outputs


def _parameters(layer: Layer, name: str, function: Any, known: tuple[str, ...]) -> list[str]:
    found = [p.name for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    unknown = [p for p in found if p not in known]
    if unknown:
        raise ValueError(
            f"{type(layer).__name__}: `{name}` has a parameter {unknown[0]!r}. Its parameters must be among "
            f"{', '.join(known)}."
        )
    return found


class FlaxLayer(JaxLayer):
    """A Flax module as a layer, with its variables as weights. For the jax backend.

    Args:
        module: A `flax.linen.Module`.
        method: The method to call, or a function `(module, inputs[, training])`; `__call__` by default.
        variables: The first variables, as `module.init` gives them; made from the first inputs by default.
        **kwargs: `name`, `dtype`, `trainable`, `seed`.

    Returns:
        What the method gives.

    Raises:
        TypeError: if `module` is no such module.
        BackendError: if another backend is in force.
    """

    def __init__(self, module: Any, method: Any = None, variables: Any = None, **kwargs: Any) -> None:
        if not callable(getattr(module, "init", None)) or not callable(getattr(module, "apply", None)):
            raise TypeError(
                f"FlaxLayer: `module` must be a flax.linen.Module, which has `init` and `apply`, got {module!r:.80}. A module of "
                "flax.nnx is a function of its state for JaxLayer: `graph, state = nnx.split(module)`, then "
                "JaxLayer(lambda params, inputs: nnx.merge(graph, params)(inputs), params=state)."
            )
        self.module, self.method = module, method
        function = getattr(module, method) if isinstance(method, str) else method
        options = inspect.signature(function or type(module).__call__).parameters
        self._module_trains = "training" in options
        if variables is not None:
            variables = dict(variables)
            kwargs |= {"params": variables.pop("params", {}), "state": variables}
        super().__init__(self._apply, init_fn=self._init, **kwargs)

    def _options(self, training: bool) -> dict[str, Any]:
        return {"method": self.method} | ({"training": training} if self._module_trains else {})

    def _init(self, rng: Any, inputs: Any) -> tuple[Any, Any]:
        variables = dict(self.module.init(rng, inputs, **self._options(True)))
        return variables.pop("params", {}), variables

    def _apply(self, params: Any, state: Any, rng: Any, inputs: Any, training: bool) -> tuple[Any, Any]:
        # Flax takes the "params" stream for every stream that is not given by name.
        mutable = list(state) if training else []
        outputs, changed = self.module.apply(
            {"params": params, **state},
            inputs,
            rngs={"params": rng},
            mutable=mutable,
            **self._options(training),
        )
        return outputs, {**state, **dict(changed)}


class TorchModuleWrapper(_Bridge):
    """A module of torch as a layer, with its parameters and buffers as weights. For the torch backend.

    The weights are the module's own tensors: training the one trains the other.

    Args:
        module: A `torch.nn.Module`; a lazy one must have been called.
        name: A name.
        output_shape: The output's shape with the batch axis, if the module cannot be traced for it.
        **kwargs: `dtype`, `trainable`.

    Returns:
        What the module gives.

    Raises:
        TypeError: if `module` is no module.
        BackendError: if another backend is in force.
    """

    def __init__(self, module: Any, name: str | None = None, output_shape: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        from lamina.backends.torch import bridges

        bridges.require("TorchModuleWrapper")
        self._bridge = bridges
        self.module = module
        self.output_shape = None if output_shape is None else tuple(output_shape)
        parameters, buffers = bridges.tensors(module)
        self._module_parameters = {n: _sharing(self, p, n, p.requires_grad) for n, p in parameters.items()}
        self._module_buffers = {n: _sharing(self, b, n, False) for n, b in buffers.items()}
        self.built = True

    def __getattr__(self, name: str) -> Any:
        # what programs look for in the module that they assigned: `self.net.weight`
        module = self.__dict__.get("module")
        if module is None or name.startswith("_") or not hasattr(module, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(module, name)

    def __getitem__(self, index: Any) -> Any:
        """A part of a list or dict of modules."""
        return self.module[index]

    def __len__(self) -> int:
        return len(self.module)

    def __iter__(self) -> Any:
        return iter(self.module)

    def __bool__(self) -> bool:
        return True

    def parameters(self, recurse: bool = True) -> Any:
        """The module's parameters."""
        return self.module.parameters(recurse=recurse)

    def call(self, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        self._needs_real_tensors()
        self._bridge.require("TorchModuleWrapper")
        parameters = {n: v.value for n, v in self._module_parameters.items()}
        buffers = {n: v.value for n, v in self._module_buffers.items()}
        outputs, moved = self._bridge.call(self.module, parameters, buffers, training, args, kwargs)
        if training:
            for name, value in moved.items():
                self._module_buffers[name].assign(value)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic output: of the shape that was given, or traced by torch."""
        if self.output_shape is not None:
            return KerasTensor(self.output_shape, self.compute_dtype)
        return super().compute_output_spec(*args, **kwargs)


def _sharing(layer: Layer, storage: Any, name: str, trainable: bool) -> Any:
    """A weight whose storage is another library's tensor."""
    kernel: Any = real_kernel()
    dtype = dtypes.standardize(storage.dtype)
    name = name.replace("/", "_").split(":")[0]
    variable = layer.add_weight(
        tuple(storage.shape), "zeros", dtype, trainable=trainable, autocast=False, name=name
    )
    variable._share(kernel, storage)
    return variable


class TFSMLayer(_Bridge):
    """A function of a TensorFlow SavedModel as a layer. For the tensorflow backend, for inference.

    Args:
        filepath: The folder of the SavedModel.
        call_endpoint: The function to call, such as "serve" or "serving_default".
        call_training_endpoint: The function to call in training.
        trainable: Whether the weights count as trained. Fine-tuning a SavedModel is not supported yet: a call with
            `training=True` then raises an error if it has weights.
        name: A name.
        dtype: A dtype name or policy.

    Returns:
        What the function gives.

    Raises:
        ValueError: if the SavedModel has no such function.
        BackendError: if another backend is in force.
    """

    def __init__(
        self,
        filepath: Any,
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        from lamina.backends.tensorflow import bridges

        bridges.require("TFSMLayer")
        self._bridge = bridges
        self.filepath = filepath
        if not Path(filepath).is_dir():
            raise ValueError(
                f"TFSMLayer: `filepath` must be the folder of a SavedModel, got {str(filepath)!r}."
            )
        self._reloaded = bridges.load(str(filepath))
        self.call_endpoint, self.call_training_endpoint = call_endpoint, call_training_endpoint
        self._inference = bridges.endpoint(self._reloaded, call_endpoint)
        training = call_training_endpoint
        self._training = self._inference if training is None else bridges.endpoint(self._reloaded, training)
        self._weights = [_sharing(self, v, v.name, False) for v in bridges.variables(self._reloaded)]
        self.built = True

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        self._needs_real_tensors()
        self._bridge.require("TFSMLayer")
        if training and self.trainable and self._weights:
            raise NotImplementedError(
                f"Layer {self.path!r} (TFSMLayer): fine-tuning a SavedModel is not supported yet. Set "
                "`trainable=False` to use it as it is inside a model in training."
            )
        return (self._training if training else self._inference)(inputs, **kwargs)
