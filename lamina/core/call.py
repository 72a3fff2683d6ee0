"""How a layer is called: the fast path, the full path, and what a layer remembers to tell which one a call may take.

The frame of the thread (`kernel.context.CallFrame`) says what a call means: training flag, precision, outermost or
inside, rematerialization. The full path opens a frame of its own for what is inside. The fast path opens none: a layer
remembers under which frames, for which kinds of tensors, the full path would have done nothing but run `call`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamina.backends.sparse import densified
from lamina.core import input_spec, names, remat
from lamina.core.abstract import call_on_shapes, shapes_of
from lamina.core.masks import TABLE, get_mask, set_mask
from lamina.core.tensor import KerasTensor
from lamina.errors import ArgumentError, NoValue, stranger
from lamina.kernel import dtypes
from lamina.kernel.context import CallFrame, current, state
from lamina.kernel.symbolic import Holder
from lamina.kernel.tracebacks import fold, innermost, raised_by_lamina, wrong_arguments
from lamina.kernel.trees import leaves, map_leaves
from lamina.ops.op import convert

if TYPE_CHECKING:
    from lamina.core.layer import Layer

_MOST_PLAIN = 64  # kinds of calls that a layer remembers; data of ever new shapes begins anew


class LayerState:
    """What calls and building leave with a layer. A slot for each, so that nothing here is taken for the user's.

    Attributes:
        kernel: The interpreter that `plain` was learned under.
        plain: (frame, type, shape, dtype) of the calls that may take the fast path.
        losses: What `add_loss` was given since the outermost call began.
        adds_losses: Whether it was ever given any.
        around: What a framework's own protocol wants before and after each call (hooks).
        asked: Whether its own function of shapes runs.
        remat: The RematScope that was open when the layer was made.
        native: Whether `call` was seen to leave lamina.ops.
        asks_values: Whether it was seen to ask tensors for their values.
        path: The names around it and its own, once it is built.
        build_shapes: What `build` got, by the names of its parameters.
        building: Whether `build` runs.
        locked: Whether all state is there: neither variables nor layers may be added any more.
        inner: (structure of the layer, the losses of all layers in it at that time).
        wanted_input: The batch shape that `input_shape=` and kin gave.
    """

    __slots__ = (
        "adds_losses", "around", "asked", "asks_values", "build_shapes", "building", "inner", "kernel", "locked",
        "losses", "native", "path", "plain", "remat", "wanted_input",
    )  # fmt: skip

    def __init__(self) -> None:
        self.kernel: Any = None
        self.plain: set[Any] = set()
        self.losses: list[Any] = []
        self.adds_losses = self.asked = self.native = self.asks_values = False
        open_scope = state.frame.remat[-1] if state.frame.remat else None
        self.remat = None if open_scope is None or open_scope.mode is None else open_scope
        self.around: Any = None
        self.path: str | None = None
        self.build_shapes: dict[str, Any] | None = None
        self.building = False
        self.locked = False
        self.inner: tuple[int, list[list[Any]]] | None = None
        self.wanted_input: tuple | None = None


class CallPlan:
    """What `call` and `build` of a class take; made once, read at every call."""

    takes: frozenset[str]

    def __init__(self, cls: type[Layer]) -> None:
        parameters = list(inspect.signature(cls.call).parameters.values())[1:]
        kinds = inspect.Parameter
        positional = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
        self.names = [p.name for p in positional]
        self.required = [p.name for p in positional if p.default is kinds.empty]
        named = {p.name: p for p in parameters if p.kind is not kinds.VAR_KEYWORD}
        self.takes = frozenset(named)
        self.takes_training = "training" in named
        self.takes_mask = "mask" in named
        self.mask_names = [n[:-5] for n in named if n.endswith("_mask") and n[:-5] in named]
        self.accepts_any = any(p.kind is kinds.VAR_KEYWORD for p in parameters)
        build = list(inspect.signature(cls.build).parameters.values())[1:]
        self.build_names = [
            p.name for p in build if p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
        ]
        self.build_required = [p.name for p in build if p.default is kinds.empty]

    def arguments(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The arguments of a call by name."""
        return {**dict(zip(self.names, args, strict=False)), **kwargs}

    def build_arguments(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        """The shapes that `build` is to get, by its own parameters' names."""
        given = self.arguments(args, kwargs)
        if len(self.build_names) == 1:
            return {self.build_names[0]: shapes_of(args[0] if args else next(iter(given.values()), None))}
        out = {}
        for name in self.build_names:
            value = given.get(name.removesuffix("_shape"))
            if value is not None:
                out[name] = shapes_of(value)
        return out


# -- the fast path -----------------------------------------------------------------------------------------------------


def call_layer(self: Layer, /, *args: Any, **kwargs: Any) -> Any:
    """`Layer.__call__`: the fast path for a call that is known to be plain, decided by one look-up; else the full path."""
    known = self._layer_state
    if state.kernel is known.kernel and len(args) == 1 and not kwargs:
        x, frame = args[0], state.frame
        try:
            plain = (frame, type(x), x.shape, x.dtype) in known.plain
        except (AttributeError, TypeError):  # no tensor, or a training flag that cannot be compared
            plain = False
        # a mask belongs to the tensor, so it is looked for there, and costs the calls nothing that have none
        if plain and getattr(x, "_keras_mask", None) is None and (not TABLE or get_mask(x) is None):
            try:
                if frame.training is not None and self._plan.takes_training:
                    return self.call(x, training=frame.training)
                return self.call(x)
            except Exception as error:
                _explain(error, self, args, kwargs)
                fold(error)
                raise
    try:
        return full_call(self, args, kwargs)
    except Exception as error:
        fold(error)
        raise


def _remember(layer: Layer, k: Any, frame: CallFrame, x: Any) -> None:
    """Let calls like this one take the fast path, if the full path did nothing for it but run `call`."""
    known = layer._layer_state
    own = frame._replace(autocast=layer._autocast_dtype())
    if (
        frame != own
        or frame.full
        or (k.abstract and known.native)
        or known.around is not None
        or frame.given
        or (frame.spread is not None and frame.spread.lays_out(layer))
        or layer._flowing
        or layer.activity_regularizer is not None
        or layer._makes_masks
        or not layer.built
        or not isinstance(x, k.Tensor)
        or remat.scope_of(layer, frame) is not None
        # an outermost call clears losses, and the layers inside it must see that they are inside
        or (not frame.inside and (layer._layers or known.adds_losses))
    ):
        return
    if known.kernel is not k or len(known.plain) >= _MOST_PLAIN:
        known.plain.clear()
    known.kernel = k
    try:
        known.plain.add((frame, type(x), x.shape, x.dtype))
    except TypeError:  # a training flag of the user's own that is not hashable
        return


@contextmanager
def full_path_only() -> Iterator[None]:
    """A block in which this thread's layer calls all take the full path, for tests that compare the two."""
    before = state.frame
    state.frame = before._replace(full=True)
    try:
        yield
    finally:
        state.frame = before


# -- the full path -----------------------------------------------------------------------------------------------------


def full_call(layer: Layer, args: tuple, kwargs: dict) -> Any:
    """Call a layer with everything that can be in the way: conversion, building, masks, precision, losses."""
    plan, k = layer._plan, state.kernel
    # one tensor, as most calls have: known without a walk
    if len(args) == 1 and not kwargs and type(args[0]) is KerasTensor:
        return _symbolic(layer, plan, args, kwargs)
    numbers = k is not None and len(args) == 1 and not kwargs and isinstance(args[0], k.Tensor)
    if not numbers and any(isinstance(x, KerasTensor) for x in leaves((args, list(kwargs.values())))):
        return _symbolic(layer, plan, args, kwargs)  # no framework is needed to draw a graph
    k, frame, names_before = current(), state.frame, state.names
    if layer._layer_state.path is None:
        layer._layer_state.path = names.path_of(layer.name)
    routine, named = len(args) == 1 and not kwargs, dict(kwargs)
    around = layer._layer_state.around
    if around is not None:
        args, kwargs = around.before_call(layer, args, kwargs)
    args, kwargs = _prepared(layer, k, args, kwargs)
    _check_positional(layer, plan, args)
    if not layer.built:
        build(layer, plan, args, kwargs)
    _check(layer, args, kwargs)
    if not frame.inside and layer._has_losses():
        layer._clear_losses()
    try:
        kwargs, training = _with_training(plan, kwargs, frame.training)
        given = frame.given
        if given or layer._flowing:
            kwargs, given = _with_given(layer, plan, kwargs, given)
        # a scope that the layer was made in goes for what is inside, unless another one is open here
        made_in = (layer._layer_state.remat,) if layer._layer_state.remat is not None else ()
        state.frame = CallFrame(
            training, layer._autocast_dtype(), True, frame.remat or made_in, frame.full, given, frame.spread
        )
        state.names = (*names_before, layer.name)
        masks = _incoming_masks(plan, args, kwargs)
        if remat.scope_of(layer, frame) is not None:
            outputs = remat.call_with_remat(layer, args, kwargs)
        elif k.abstract:
            outputs = call_on_shapes(layer, args, kwargs)
        else:
            outputs = layer.call(*args, **kwargs)
        if around is not None:
            outputs = around.after_call(layer, args, outputs)
        if frame.spread is not None:
            outputs = frame.spread.lay_out(layer, outputs)
        _finish(layer, plan, args, masks, outputs)
    except Exception as error:
        if layer._layer_state.asks_values and _is_no_value(error):
            raise _asked_for_value(layer).with_traceback(error.__traceback__) from None
        _explain(error, layer, args, named)
        raise
    finally:
        state.frame, state.names = frame, names_before
    if routine and masks is None:
        _remember(layer, k, frame, args[0])
    return outputs


def _check_positional(layer: Layer, plan: CallPlan, args: tuple) -> None:
    """That what comes by position, behind the first argument, is tensors: flags and numbers are given by name."""
    if not layer._convert_input_args or layer._any_positional:
        return
    for i, value in enumerate(args[1:], 1):
        for x in leaves(value):
            if x is not None and isinstance(x, bool | int | float | str):
                name = plan.names[i] if i < len(plan.names) else "..."
                raise ValueError(
                    f"Layer {layer.path!r} ({type(layer).__name__}) got {x!r} as argument {i + 1} by position, where only "
                    f"tensors may stand. Give it by name: layer(x, {name}={x!r})."
                )


# -- inputs ------------------------------------------------------------------------------------------------------------


def _prepared(layer: Layer, k: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arrays become tensors, floats get the compute dtype; everything else passes."""
    cast = layer.compute_dtype if layer.autocast else None

    def one(x: Any) -> Any:
        if isinstance(x, k.Tensor):
            if cast is None:
                return x
            have = k.dtype(x)
            return _cast(k, x, cast) if have != cast and have in dtypes.IS_FLOAT else x
        if foreign := stranger(x):
            raise TypeError(
                f"Layer {layer.path!r} ({type(layer).__name__}) cannot be called on {x!r:.80}. {foreign}"
            )
        if isinstance(x, Holder) or (hasattr(x, "__array__") and not isinstance(x, KerasTensor)):
            return one(convert(k, x))
        dense = densified(k, x)
        return x if dense is x else one(dense)

    if not layer._convert_input_args:
        return args, kwargs
    if len(args) == 1 and not isinstance(args[0], list | tuple | dict):
        args = (one(args[0]),)
    else:
        args = tuple([map_leaves(one, a) for a in args])
    return args, {name: map_leaves(one, v) for name, v in kwargs.items()} if kwargs else kwargs


def _cast(k: Any, x: Any, dtype: str) -> Any:
    out = k.astype(x, dtype)
    if (mask := get_mask(x)) is not None:
        set_mask(out, mask)
    return out


def _check(layer: Layer, args: tuple, kwargs: dict) -> None:
    if layer.input_spec is not None and (args or kwargs):
        first = args[0] if args else next(iter(kwargs.values()))
        input_spec.check(layer.input_spec, first, layer.path, type(layer).__name__)


def _with_training(plan: CallPlan, kwargs: dict, outer: Any) -> tuple[dict, Any]:
    """Settle the training flag: the argument, else that of the enclosing call."""
    if "training" in kwargs and not (plan.takes_training or plan.accepts_any):
        kwargs = dict(kwargs)
        value = kwargs.pop("training")
    else:
        value = kwargs.get("training")
    if value is not None:
        return kwargs, value
    if outer is not None and plan.takes_training:
        return {**kwargs, "training": outer}, outer
    return kwargs, outer


def _with_given(layer: Layer, plan: CallPlan, kwargs: dict, given: tuple) -> tuple[dict, tuple]:
    """Settle the user's own arguments that flow inward: those of this call, else those of the calls around it."""
    flowing, kwargs = dict(given), dict(kwargs)
    for name in layer._flowing:
        if kwargs.get(name) is not None:
            flowing[name] = kwargs[name]
        if name not in plan.takes and not plan.accepts_any:
            kwargs.pop(name, None)
    for name, value in flowing.items():
        if name in plan.takes and kwargs.get(name) is None:
            kwargs[name] = value
    return kwargs, tuple(flowing.items())


def _incoming_masks(plan: CallPlan, args: tuple, kwargs: dict) -> Any:
    """The masks of the first argument; handed to `call` where it has a parameter for them."""
    more = len(kwargs) > ("training" in kwargs)
    if len(args) == 1 and not (more or plan.mask_names or isinstance(args[0], list | tuple | dict)):
        masks = get_mask(args[0])
        if masks is not None and plan.takes_mask and len(plan.names) > 1:
            kwargs["mask"] = masks
        return masks
    given = plan.arguments(args, kwargs)
    if not given:
        return None
    first = next(iter(given.values()))
    masks = map_leaves(get_mask, first)
    found = any(m is not None for m in leaves(masks))
    if found and plan.takes_mask and kwargs.get("mask") is None and len(args) < len(plan.names):
        # as in Keras, whose models must compute the same: beside other tensors, such as `initial_state`, it is left out
        if sum(any(hasattr(x, "shape") for x in leaves(value)) for value in given.values()) == 1:
            kwargs["mask"] = masks
    for name in plan.mask_names:
        key = f"{name}_mask"
        if kwargs.get(key) is None and given.get(key) is None and hasattr(given.get(name), "shape"):
            mask = get_mask(given[name])
            if mask is not None:
                kwargs[key] = mask
    if kwargs.get("mask") is not None:
        return kwargs["mask"]
    return masks if found else None


# -- building ----------------------------------------------------------------------------------------------------------


def build(layer: Layer, plan: CallPlan, args: tuple, kwargs: dict) -> None:
    """Build a layer from the shapes of its first inputs."""
    if (
        layer._layer_state.building
    ):  # `build` itself asks for the outputs' shape, with what it has made so far
        return
    _check(layer, args, kwargs)
    shapes = plan.build_arguments(args, kwargs)
    missing = [n for n in plan.build_required if n not in shapes]
    lacking = [n.removesuffix("_shape") for n in missing if n.removesuffix("_shape") in plan.names]
    if lacking:
        raise ArgumentError(_called_without(layer, plan, lacking))
    if missing:
        raise ValueError(
            f"Layer {layer.path!r} ({type(layer).__name__}) cannot be built from this call: `build` wants "
            f"{', '.join(missing)}, but `call` got no argument of that name. Name the parameters of `build` after "
            "those of `call` (x -> x_shape)."
        )
    layer.build(**shapes)
    layer.built = True
    layer._layer_state.locked = layer._locks


def _symbolic(layer: Layer, plan: CallPlan, args: tuple, kwargs: dict) -> Any:
    if layer._layer_state.path is None:
        layer._layer_state.path = names.path_of(layer.name)
    kwargs = {name: v for name, v in kwargs.items() if v is not None}
    _check_positional(layer, plan, args)
    if not layer.built:
        build(layer, plan, args, kwargs)
    _check(layer, args, kwargs)
    return layer.symbolic_call(*args, **kwargs)


# -- outputs -----------------------------------------------------------------------------------------------------------


def _finish(layer: Layer, plan: CallPlan, args: tuple, masks: Any, outputs: Any) -> None:
    if layer.activity_regularizer is not None:
        for x in leaves(outputs):
            if hasattr(x, "shape"):
                layer.add_loss(layer.activity_regularizer(x) / _rows(x))  # a mean over the batch, as the loss
    if masks is not None or layer._makes_masks:
        _pass_masks(layer, plan, args, masks, outputs)


def _rows(x: Any) -> Any:
    k = current()
    rows = k.shape(x)[0] if len(x.shape) else 1
    return rows if isinstance(rows, int) else k.astype(rows, "float32")


_warned: set[type] = set()


def _pass_masks(layer: Layer, plan: CallPlan, args: tuple, masks: Any, outputs: Any) -> None:
    if not layer.supports_masking and not layer._makes_masks:
        if type(layer) not in _warned and not plan.takes_mask:
            _warned.add(type(layer))
            warnings.warn(
                f"Layer {layer.path!r} ({type(layer).__name__}) does not support masks: the mask of its input ends "
                "here. If that is right, ignore this; if the layer works step by step, set `supports_masking = True`.",
                stacklevel=5,
            )
        return
    made = layer.compute_mask(args[0] if args else None, masks)
    if made is None:
        return
    flat = list(leaves(outputs))
    flat_masks = list(leaves(made)) if isinstance(made, list | tuple | dict) else [made]
    for x, mask in zip(flat, flat_masks, strict=False):
        if mask is not None and hasattr(x, "shape"):
            set_mask(x, mask)


def _called_without(layer: Layer, plan: CallPlan, lacking: list[str]) -> str:
    more = ", ..." if len(plan.names) > max(3, len(lacking)) else ""
    return (
        f"Layer {layer.path!r} ({type(layer).__name__}) was called without `{'`, `'.join(lacking)}`. Its call is "
        f"layer({', '.join(plan.names[:3])}{more}), each a tensor of its own, not in a list."
    )


def _is_no_value(error: Exception) -> bool:
    """Whether an error is a framework's own words for a value that it has not while it compiles or differentiates."""
    if not isinstance(error, TypeError | NotImplementedError) and innermost(error) != "__array__":
        return False
    return not raised_by_lamina(error)


def _asked_for_value(layer: Layer) -> NoValue:
    return NoValue(
        f"Layer {layer.path!r} ({type(layer).__name__}): its `call` asks a tensor for its value (NumPy, float(), print, `if`), "
        "which it has not while a step is compiled or differentiated. Write it with lamina.ops (ops.sqrt for np.sqrt, "
        "ops.where or ops.cond for `if`). To look at values while debugging, compile the model with run_eagerly=True."
    )


def _misfit(error: Exception, layer: Layer, args: tuple, kwargs: dict) -> str | None:
    """In what way a `call` does not take what it was given; None where that is not the error."""
    if type(error) is not TypeError or ".call() " not in str(error) or not raised_by_lamina(error):
        return None
    plan, who = layer._plan, f"Layer {layer.path!r} ({type(layer).__name__})"
    own = list(inspect.signature(type(layer).call).parameters.values())
    if own and own[0].name != "self" and len(own) == len(args) + len(kwargs):
        names = ", ".join(p.name for p in own)
        return f"{who}: `call` lacks `self`. Write `def call(self, {names})`."
    given = plan.arguments(args, kwargs)
    lacking = [
        p.name
        for p in own[1:]
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in given
    ]
    if lacking and not plan.accepts_any and set(given) <= plan.takes:
        return _called_without(layer, plan, lacking)
    return f"{who}: {wrong_arguments('call', own[1:], args, kwargs)}"


def _explain(error: Exception, layer: Layer, args: tuple, kwargs: dict) -> None:
    """Add the layer's path and what it received to an error; each layer on the way adds its line."""
    if (text := _misfit(error, layer, args, kwargs)) is not None:
        error.args = (text,)
        return
    if isinstance(error, ValueError) and f"{layer.path!r}" in str(error):
        return
    if len(getattr(error, "__notes__", ())) < 6:
        shapes = ", ".join(str(shapes_of(a)) for a in args)
        others = "".join(f", {name}={_shown(value)}" for name, value in kwargs.items())
        error.add_note(
            f"In layer {layer.path!r} ({type(layer).__name__}), called with input of shape {shapes}{others}."
        )


def _shown(value: Any) -> str:
    """An argument of a call in few words: the shapes of tensors, other things as they are."""
    if any(hasattr(x, "shape") for x in leaves(value)):
        return f"shape {shapes_of(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
