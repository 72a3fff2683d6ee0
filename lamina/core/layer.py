"""Layer: variables, sublayers and a computation."""

from __future__ import annotations

import functools
from typing import Any, Self

from lamina.core import names, policy
from lamina.core.abstract import shapes_of, tells_in_one_run, tensors_of
from lamina.core.call import CallPlan, LayerState, call_layer
from lamina.core.codec import config_value, serialize
from lamina.core.config import constructor
from lamina.core.copying import reduce
from lamina.core.notebook import layer_table
from lamina.core.operation import Operation, infer_call
from lamina.core.registry import namespace
from lamina.core.stateless import StatelessScope
from lamina.core.tensor import standardize_shape
from lamina.core.tracking import made_trainable, plain
from lamina.core.variable import Variable
from lamina.core.weights import Weights, checked_flag
from lamina.errors import ArgumentError, suggestion
from lamina.kernel import dtypes, guests
from lamina.kernel.context import current, state
from lamina.kernel.namespaces import is_ours
from lamina.kernel.tracebacks import fold, folds_frames

# what decides whether a call is plain; setting one makes a layer learn anew which calls may take the fast path
_DECIDES_CALLS = frozenset(("dtype_policy", "autocast", "activity_regularizer", "input_spec", "built"))
_OLD_ARGUMENTS = ("input_shape", "batch_input_shape", "batch_shape", "input_dim", "batch_size")


class Layer(Weights, Operation):
    """Variables, sublayers and a computation on tensors.

    A subclass defines `call`, and `build` when it has weights whose size depends on the input. What is assigned to
    an attribute (variables, layers, metrics, seed generators; also in lists and dicts) is found by itself.

    Args:
        activity_regularizer: Adds a loss from the output.
        trainable: Whether the layer's variables are trained.
        dtype: A dtype name or policy; the global policy by default.
        autocast: Whether float inputs are cast to the compute dtype.
        name: A name; automatic when None.

    Example:
        >>> import lamina
        >>> class Scale(lamina.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> Scale()(lamina.Input((3,))).shape
        (None, 3)
    """

    _tracked_as = "layer"
    _makes_masks = False  # whether compute_mask is the class's own
    _weightless = False  # whether there is nothing to build: such a layer is built when it is made
    _takes_indices = False  # whether the first input holds integers where nothing else says so
    _remat_apart = False  # whether "full" rematerialization takes the layers inside one by one, as in a model
    _is_activation = False  # whether the rematerialization of "activations" takes it
    _keeps_marks = False  # whether what `call` computes with unknown sizes stays marked (`Unknown`)
    _convert_input_args = True
    _takes_text = False  # whether it takes nothing but strings
    autograph_info__: Any = {}  # AutoGraph runs what has this as it is, where a layer stands in another's pipeline
    _locks = True  # whether all variables and layers must be there once it is built
    _flowing: tuple[str, ...] = ()  # arguments of the user's own that flow to the layers inside
    _any_positional = False  # whether `call` takes more than tensors by position
    _plan: CallPlan
    _layer_state: LayerState
    built: bool = False
    autocast: bool = True
    dtype_policy: Any = None
    activity_regularizer: Any = None
    input_spec: Any = None
    supports_masking: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _building(cls.__dict__["build"])  # type: ignore[method-assign]
            cls._weightless = cls.__dict__.get("_weightless", False)
        if "compute_mask" in cls.__dict__:
            cls._makes_masks = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        guests.look()
        self = super().__new__(cls, *args, **kwargs)
        blank = {
            "_trainable": True, "_layer_state": LayerState(), "dtype_policy": policy.dtype_policy(),
        }  # fmt: skip
        if cls._weightless:
            blank["built"] = True
        self.__dict__.update(blank)  # beside the tracker, which works with these
        if "_plan" not in cls.__dict__:
            cls._plan = CallPlan(cls)
        return self

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        if activity_regularizer is not None:
            self.activity_regularizer = namespace("regularizers").get(activity_regularizer)
        for old in _OLD_ARGUMENTS:
            if kwargs.get(old) is not None:
                self._layer_state.wanted_input = _old_input_shape(old, kwargs)
            kwargs.pop(old, None)
        if kwargs:
            known = [n for n in constructor(type(self)).parameters if n != "kwargs"] + [
                "name",
                "dtype",
                "trainable",
            ]
            first = next(iter(kwargs))
            raise ArgumentError(
                f"{type(self).__name__} got an unknown argument {first!r}.{suggestion(first, known)} "
                f"It takes: {', '.join(known)}."
            )
        self.dtype_policy = policy.get(dtype)
        self.autocast = autocast
        self._trainable = checked_flag(type(self).__name__, "trainable", trainable)

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            if name in _DECIDES_CALLS:
                self._layer_state.plain.clear()
            elif plain(value) and name not in self.__dict__["_followed"]:
                return object.__setattr__(self, name, value)  # a layer has a dozen of them
            if guests.foreign and isinstance(value, guests.foreign) and name != "module":
                value = guests.wrapped(value)
            super().__setattr__(name, value)
        except Exception as error:
            fold(error)
            raise

    def _register_call_context_args(self, *names: str) -> None:
        """Let arguments of these names flow from a call of this layer to all layers inside whose `call` takes them.

        Args:
            *names: The arguments, which `call` of this layer need not take itself.
        """
        self.__dict__["_flowing"] = (*self._flowing, *(n for n in names if n not in self._flowing))
        self._layer_state.plain.clear()

    def _track(self, value: Any, met: dict[int, Any] | None = None) -> Any:
        if guests.foreign and isinstance(value, guests.foreign):
            value = guests.wrapped(value)
        own = self._layer_state
        if own.locked and not own.building:
            self._check_known(value)
        before = len(self._layers)
        found = super()._track(value, met)
        if len(self._layers) != before:
            self._layer_state.plain.clear()
        return found

    def _check_known(self, value: Any) -> None:
        kind = getattr(type(value), "_tracked_as", None)
        known = {"variable": self._variables, "layer": self._layers}.get(kind or "")
        if known is not None and all(value is not v for v in known):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) is built, so no {kind} can be added any more, got "
                f"{value.name!r}: a model that was saved, or whose optimizer knows its variables, would not have it. Make "
                "variables and layers in `__init__` or `build`."
            )

    # -- building -----------------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the weights; called once, with the shape of the first input."""
        self.built = True

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with."""
        shapes = self._layer_state.build_shapes
        if not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes of `get_build_config`."""
        if config.get("input_shape") is not None:
            self.build(_as_shape(config["input_shape"]))
        elif config.get("shapes_dict"):
            self.build(**{name: _as_shape(shape) for name, shape in config["shapes_dict"].items()})
        self.built = True

    @folds_frames
    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this layer.

        Args:
            shape: Its shape, () by default.
            initializer: Its first value; Glorot uniform for floats and zeros for others by default.
            dtype: A dtype name; the policy's variable dtype by default.
            trainable: Whether optimizers change it.
            autocast: Whether it is read in the compute dtype.
            regularizer, constraint: A penalty on it, a projection after each update.
            aggregation: How replicas are combined.
            overwrite_with_gradient: Whether its "gradient" is its next value.
            name: The last part of its path.

        Returns:
            The Variable.
        """
        if isinstance(shape, str):
            raise ArgumentError(
                f"`add_weight` takes the shape first, got {shape!r}. Give the name by name: "
                f"add_weight(shape=(...), name={shape!r})."
            )
        initializers, regularizers, constraints = map(
            namespace, ("initializers", "regularizers", "constraints")
        )

        dtype = dtypes.standardize(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if dtype in dtypes.IS_FLOAT else "zeros"
        scope = () if state.names and state.names[-1] == self.name else (self.name,)
        before, state.names = state.names, (*state.names, *scope)
        try:
            variable = Variable(
                initializers.get(initializer),
                shape=standardize_shape(shape if shape is not None else ()),
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        finally:
            state.names = before
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        if made_trainable(variable) and not self._trainable:
            variable.trainable = False
        self._track(variable)
        return variable

    def add_variable(
        self, shape: Any, initializer: Any, dtype: Any = None, trainable: bool = True, autocast: bool = True,
        regularizer: Any = None, constraint: Any = None, name: str | None = None,
    ) -> Variable:  # fmt: skip
        """`add_weight` under its other name, with shape and initializer required."""
        return self.add_weight(
            shape, initializer, dtype, trainable, autocast, regularizer, constraint, name=name
        )

    # -- calling ------------------------------------------------------------------------------------------------------

    __call__ = call_layer  # not by way of a method: a routine call would pay for one more Python frame

    def _autocast_dtype(self) -> str | None:
        """The dtype that variables are read in during the call; None when that is their own."""
        found = self.dtype_policy
        return found.compute_dtype if self.autocast and found.compute_dtype != found.variable_dtype else None

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; subclasses define it."""
        raise self._without_call("Layer", "define `def call(self, inputs): ...`.")

    def _without_call(self, kind: str, advice: str) -> NotImplementedError:
        if any("forward" in c.__dict__ for c in type(self).__mro__ if issubclass(c, Layer)):
            advice = "rename `forward` to `call`."
        return NotImplementedError(f"{kind} {type(self).__name__} has no `call` method: {advice}")

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs, found by running `call` without numbers."""
        return infer_call(self.__call__, args, kwargs, once=self._keeps_marks and tells_in_one_run(self))

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shapes of the outputs for these input shapes.

        Args:
            *args: The shapes of the inputs, as `build` takes them.

        Returns:
            A shape, or a structure of shapes.
        """
        inputs = [tensors_of(shape, self.compute_dtype) for shape in (*args, *kwargs.values())]
        found = self.compute_output_spec(*inputs)
        return shapes_of(found)

    def _knows_shape(self) -> bool:
        """Whether `compute_output_shape` says something that `call` does not."""
        return type(self).compute_output_shape is not Layer.compute_output_shape

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs: by default the mask of the inputs, unchanged."""
        return previous_mask

    def stateless_call(
        self,
        trainable_variables: Any,
        non_trainable_variables: Any,
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer as a pure function of its state.

        Args:
            trainable_variables, non_trainable_variables: Values, one per variable of those lists.
            *args: The inputs.
            return_losses: Whether to return the losses, too.
            **kwargs: More arguments of `call`.

        Returns:
            (outputs, new non-trainable values), and the list of losses if asked for.

        Raises:
            ValueError: if the layer is not built or the number of values is wrong.
        """
        self._needs_built("stateless_call")
        lists = [
            (self.trainable_variables, trainable_variables),
            (self.non_trainable_variables, non_trainable_variables),
        ]
        for have, given in lists:
            if len(have) != len(given):
                raise ValueError(
                    f"Layer {self.path!r} has {len(have)} such variables, got {len(given)} values."
                )
        pairs = [p for have, given in lists for p in zip(have, given, strict=True)]
        with StatelessScope(pairs, collect_losses=return_losses) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
        updated = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return (outputs, updated, losses) if return_losses else (outputs, updated)

    # -- losses -------------------------------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Add a scalar, or a list of them, to what training minimizes; call it inside `call`."""
        if current().abstract:
            return
        if not self._layer_state.adds_losses:
            self._layer_state.adds_losses = True
            self._layer_state.plain.clear()  # the next outermost call has losses to clear
        for one in loss if isinstance(loss, list | tuple) else [loss]:
            if state.scope is not None and state.scope.collect_losses:
                state.scope.add_loss(one)
            else:
                self._layer_state.losses.append(one)

    def _inner_losses(self) -> list[list[Any]]:
        """What the layers in here hold; asked at each outermost call, so the walk is kept with the structure."""
        known = self._layer_state
        if known.inner is None or known.inner[0] != self._structure:
            known.inner = self._structure, [one._layer_state.losses for one in self._flatten_layers()]
        return known.inner[1]

    def _has_losses(self) -> bool:
        return any(self._inner_losses())

    def _clear_losses(self) -> None:
        for losses in self._inner_losses():
            losses.clear()

    @property
    def losses(self) -> list[Any]:
        """The losses added in the last call, and the penalties on weights."""
        layers = list(self._flatten_layers())
        if state.scope is not None and state.scope.collect_losses:
            found = list(state.scope.losses)
        else:
            found = [loss for layer in layers for loss in layer._layer_state.losses]
        # looked for first: every step asks for the losses
        if any(v.regularizer is not None for layer in layers for v in (*layer._variables, *layer._holders)):
            found += [
                h.regularizer(h) for layer in layers for h in layer._holders if h.regularizer is not None
            ]
            found += [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return found

    # -- facts --------------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The names of the layers around it and its own, as they stood when it was built."""
        return self._layer_state.path or names.path_of(self.name)

    @property
    def dtype(self) -> str:
        """The dtype of the variables."""
        return self.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype that variables are kept in."""
        return self.dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype that the layer computes in."""
        return self.dtype_policy.compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def quantization_mode(self) -> Any:
        """The quantization mode: None, since quantization is not there yet."""
        return self.dtype_policy.quantization_mode

    def quantize(self, mode: Any = None, config: Any = None, **kwargs: Any) -> None:
        """Quantization is not there yet."""
        raise NotImplementedError("Quantization is not supported yet.")

    quantized_build = quantize

    def get_config(self) -> dict[str, Any]:
        """The layer's arguments in a form that JSON can hold; `from_config` makes an equal layer of them."""
        given = {
            k: v for k, v in self._own_arguments().items() if k not in (*_BASE_ARGUMENTS, *_OLD_ARGUMENTS)
        }
        config = {"name": self.name, "trainable": self.trainable, "dtype": serialize(self.dtype_policy)}
        config |= {name: config_value(value) for name, value in given.items()}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        return config

    def _own_arguments(self) -> dict[str, Any]:
        """The arguments that this `get_config` answers for: where a user's class has one of its own and calls this by
        `super()`, those of the class below it. So `dict(units=..., **super().get_config())` gives each name once.
        """
        arguments, mro = self._arguments(), type(self).__mro__
        users = [i for i, cls in enumerate(mro) if "get_config" in vars(cls) and not is_ours(cls)]
        if not users:
            return arguments
        wanted = constructor(mro[users[-1] + 1]).parameters
        at_hand = {name: vars(self)[name] for name in wanted if name in vars(self)}
        return at_hand | {name: v for name, v in arguments.items() if name in wanted}

    def __reduce__(self) -> Any:
        return reduce(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.__dict__.get('name')}, built={self.built}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return layer_table(self)


def _take_in(guest: guests.Guest) -> None:
    Layer.__bases__ = (*Layer.__bases__, guest.base)


guests.welcome(_take_in)

_BASE_ARGUMENTS = ("name", "trainable", "dtype", "activity_regularizer", "autocast", "self")


def _building(build: Any) -> Any:
    """`build` inside the layer's name scope, once, with the shapes remembered."""

    @functools.wraps(build)
    def wrapped(self: Layer, *args: Any, **kwargs: Any) -> None:
        own = self._layer_state
        if own.building:  # super().build(...) of a subclass
            return build(self, *args, **kwargs)
        if self.built:
            return None
        own.building = True
        try:
            args = tuple(_as_shape(a) for a in args)
            kwargs = {name: _as_shape(a) for name, a in kwargs.items()}
            own.path = names.path_of(self.name)
            with names.name_scope(self.name):
                build(self, *args, **kwargs)
            own.build_shapes = dict(zip(type(self)._plan.build_names, args, strict=False)) | kwargs
            self.built = True
            own.locked = self._locks
        finally:
            own.building = False
        return None

    return wrapped


def _as_shape(shape: Any) -> Any:
    """Lists from JSON become tuples; structures of shapes are kept."""
    if isinstance(shape, list | tuple):
        if all(n is None or hasattr(n, "__index__") for n in shape):
            return tuple(shape)
        return (
            [_as_shape(s) for s in shape] if isinstance(shape, list) else tuple(_as_shape(s) for s in shape)
        )
    if isinstance(shape, dict):
        return {name: _as_shape(s) for name, s in shape.items()}
    return shape


def _old_input_shape(name: str, kwargs: dict[str, Any]) -> tuple:
    """The batch shape in `input_shape=`, `batch_input_shape=` or `input_dim=`, as Keras 1 and 2 wrote them."""
    value = kwargs[name]
    if name in ("batch_input_shape", "batch_shape"):
        return tuple(value)
    if name == "input_dim":
        return (kwargs.get("batch_size"), value)
    if name == "input_shape":
        return (kwargs.get("batch_size"), *(value if hasattr(value, "__iter__") else (value,)))
    return ()


Layer.compute_output_spec.usual = True  # type: ignore[attr-defined]  # what asks a layer for its own form sees that it has none
