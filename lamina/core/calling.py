"""How a layer is called: the plan that is decided once per class, and the steps of a call that is not routine."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from lamina.core import input_spec, names
from lamina.core.masks import get_mask, set_mask
from lamina.core.tensor import KerasTensor
from lamina.kernel import dtypes
from lamina.kernel.context import current, state
from lamina.kernel.shapes.spec import Unknown
from lamina.kernel.symbolic import Holder
from lamina.kernel.trees import leaves, map_leaves
from lamina.ops.op import convert

if TYPE_CHECKING:
    from lamina.core.layer import Layer


class CallPlan:
    """What `call` and `build` of a class take; made once, read at every call."""

    def __init__(self, cls: type[Layer]) -> None:
        parameters = list(inspect.signature(cls.call).parameters.values())[1:]
        kinds = inspect.Parameter
        self.names = [
            p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        ]
        named = {p.name: p for p in parameters if p.kind is not kinds.VAR_KEYWORD}
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


def shapes_of(structure: Any) -> Any:
    """The shapes of the tensors in a structure; sizes that are not known are None."""
    return map_leaves(_shape_of, structure)


def _shape_of(x: Any) -> Any:
    shape = getattr(x, "shape", None)
    if shape is None:
        return None
    return tuple([None if n is None or type(n) is Unknown or not isinstance(n, int) else n for n in shape])


def full_call(layer: Layer, args: tuple, kwargs: dict) -> Any:
    """Call a layer with everything that can be in the way: conversion, building, masks, precision, losses."""
    plan = layer._plan
    if any(isinstance(x, KerasTensor) for x in leaves((args, list(kwargs.values())))):
        return _symbolic(layer, plan, args, kwargs)  # no framework is needed to draw a graph
    k = current()
    args, kwargs = _prepared(layer, k, args, kwargs)
    if not layer.built:
        build(layer, plan, args, kwargs)
    _check(layer, args, kwargs)
    before = (state.training, state.autocast, state.names, state.depth)
    if state.depth == 0 and layer._has_losses():
        layer._clear_losses()
    try:
        state.depth += 1
        state.names = (*state.names, layer.name)
        state.autocast = layer._autocast_dtype()
        kwargs = _with_training(plan, kwargs)
        masks = _incoming_masks(plan, args, kwargs) if state.masks is not None else None
        outputs = layer._call_in_force(*args, **kwargs)
        _finish(layer, plan, args, masks, outputs)
    except Exception as error:
        _explain(error, layer, args)
        raise
    finally:
        state.training, state.autocast, state.names, state.depth = before
    if len(args) == 1 and not kwargs.keys() - {"training"}:
        layer._remember(k, args[0])
    return outputs


# -- inputs ------------------------------------------------------------------------------------------------------------


def _prepared(layer: Layer, k: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Arrays become tensors, floats get the compute dtype; everything else passes."""
    cast = layer.compute_dtype if layer.autocast else None

    def one(x: Any) -> Any:
        if isinstance(x, k.Tensor):
            if cast is not None and (have := k.dtype(x)) != cast and have in dtypes.IS_FLOAT:
                return _cast(k, x, cast)
            return x
        if isinstance(x, Holder) or (hasattr(x, "__array__") and not isinstance(x, KerasTensor)):
            return one(convert(k, x))
        return x

    if not layer._convert_input_args:
        return args, kwargs
    if len(args) == 1 and not isinstance(args[0], list | tuple | dict):
        args = (one(args[0]),)
    else:
        args = tuple([map_leaves(one, a) for a in args])
    return args, {name: map_leaves(one, v) for name, v in kwargs.items()} if kwargs else kwargs


def _cast(k: Any, x: Any, dtype: str) -> Any:
    out = k.astype(x, dtype)
    if state.masks is not None and (mask := get_mask(x)) is not None:
        set_mask(out, mask)
    return out


def _check(layer: Layer, args: tuple, kwargs: dict) -> None:
    if layer.input_spec is not None and (args or kwargs):
        first = args[0] if args else next(iter(kwargs.values()))
        input_spec.check(layer.input_spec, first, layer.path, type(layer).__name__)


def _with_training(plan: CallPlan, kwargs: dict) -> dict:
    """Settle the training flag: the argument, else that of the enclosing call."""
    if "training" in kwargs and not (plan.takes_training or plan.accepts_any):
        kwargs = dict(kwargs)
        value = kwargs.pop("training")
    else:
        value = kwargs.get("training")
    if value is not None:
        state.training = value
    elif state.training is not None and plan.takes_training:
        kwargs = {**kwargs, "training": state.training}
    return kwargs


def _incoming_masks(plan: CallPlan, args: tuple, kwargs: dict) -> Any:
    """The masks of the first argument; handed to `call` where it has a parameter for them."""
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
    if layer._path is None:
        object.__setattr__(layer, "_path", names.path_of(layer.name))
    _check(layer, args, kwargs)
    shapes = plan.build_arguments(args, kwargs)
    missing = [n for n in plan.build_required if n not in shapes]
    lacking = [n.removesuffix("_shape") for n in missing if n.removesuffix("_shape") in plan.names]
    if lacking:
        raise ValueError(
            f"Layer {layer.path!r} ({type(layer).__name__}) was called without `{'`, `'.join(lacking)}`. Its call is "
            f"layer({', '.join(plan.names[:3])}, ...), each a tensor of its own, not in a list."
        )
    if missing:
        raise ValueError(
            f"Layer {layer.path!r} ({type(layer).__name__}) cannot be built from this call: `build` wants "
            f"{', '.join(missing)}, but `call` got no argument of that name. Name the parameters of `build` after "
            "those of `call` (x -> x_shape)."
        )
    layer.build(**shapes)
    layer.built = True


def _symbolic(layer: Layer, plan: CallPlan, args: tuple, kwargs: dict) -> Any:
    kwargs = {name: v for name, v in kwargs.items() if v is not None}
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
    from lamina.kernel.context import current

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
                stacklevel=4,
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


def _explain(error: Exception, layer: Layer, args: tuple) -> None:
    """Add the layer's path and what it received to an error; each layer on the way adds its line."""
    if isinstance(error, ValueError) and f"{layer.path!r}" in str(error):
        return
    if len(getattr(error, "__notes__", ())) < 6:
        shapes = ", ".join(str(shapes_of(a)) for a in args)
        error.add_note(
            f"In layer {layer.path!r} ({type(layer).__name__}), called with input of shape {shapes}."
        )
