"""Rematerialization: inner results are computed again for the gradient instead of being kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from lamina.core import seeds
from lamina.core.masks import get_mask, set_mask
from lamina.core.stateless import StatelessScope
from lamina.kernel.context import CallFrame, current, interpreter, state
from lamina.kernel.shapes import SHAPES
from lamina.kernel.shapes.spec import Spec
from lamina.kernel.trees import leaves, map_leaves

if TYPE_CHECKING:
    from lamina.core.layer import Layer

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope:
    """A block: layers made or called in it give up their inner results and compute them again for the gradient.

    A layer that is made in the block keeps its scope for all its calls; of a scope that is open where it is called it
    obeys that one. A model does not give up its results as one piece, which would save nothing: its layers do, each
    its own, and a layer that is made of others as one piece with them.

    Args:
        mode: "full" (every layer), "activations" (only activation layers), "larger_than" (layers with an output of
            more than `output_size_threshold` elements), "list_of_layers" (those in `layer_names`, also models), or
            None (off).
        output_size_threshold: Elements, for "larger_than".
        layer_names: Names, for "list_of_layers".

    Raises:
        ValueError: if the mode is unknown.

    Example:
        >>> import lamina
        >>> with lamina.RematScope("full"):
        ...     layer = lamina.layers.Dense(4, activation="gelu")
        >>> layer(lamina.ops.ones((2, 3))).shape[1]
        4
    """

    def __init__(
        self,
        mode: str | None = "full",
        output_size_threshold: int = 1024,
        layer_names: Sequence[str] | None = None,
    ) -> None:
        if mode not in _MODES:
            raise ValueError(f"Unknown remat mode {mode!r}. Use one of {', '.join(map(repr, _MODES))}.")
        self.mode, self.output_size_threshold = mode, output_size_threshold
        self.layer_names = list(layer_names or ())

    def __enter__(self) -> RematScope:
        state.frame = state.frame._replace(remat=(*state.frame.remat, self))
        return self

    def __exit__(self, *_: Any) -> None:
        state.frame = state.frame._replace(remat=state.frame.remat[:-1])

    def wants(self, layer: Layer, args: tuple, kwargs: dict) -> bool:
        """Whether this layer's call is to be computed again."""
        if self.mode == "list_of_layers":
            return layer.name in self.layer_names
        if layer._remat_apart:
            return False
        if self.mode == "activations":
            return layer._is_activation
        if self.mode == "larger_than":
            return _output_size(layer, args, kwargs) > self.output_size_threshold
        return self.mode == "full"


def scope_of(layer: Layer, frame: CallFrame) -> RematScope | None:
    """The scope that a call obeys: the innermost one that is open, else the one that the layer was made in."""
    scope = frame.remat[-1] if frame.remat else layer._layer_state.remat
    return None if scope is None or scope.mode is None else scope


def _output_size(layer: Layer, args: tuple, kwargs: dict) -> int:
    """The number of elements of the layer's largest output, found by running it without numbers."""
    k = current()

    def without_numbers(x: Any) -> Any:
        return Spec(tuple(x.shape), k.dtype(x)) if isinstance(x, k.Tensor) else x

    frame = state.frame
    state.frame = frame._replace(remat=_OFF)
    try:
        with interpreter(SHAPES):
            found = layer.call(*map_leaves(without_numbers, args), **map_leaves(without_numbers, kwargs))
    finally:
        state.frame = frame
    return max((math.prod(x.shape) for x in leaves(found) if isinstance(x, Spec)), default=0)


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, whose inner results are computed again for the gradient instead of being kept.

    Args:
        f: A function of tensors.

    Returns:
        A function with the same result.

    Example:
        >>> import lamina
        >>> f = lamina.remat(lambda x: lamina.ops.sin(lamina.ops.sin(x)))
    """
    return lambda *args, **kwargs: current().remat(lambda *a: f(*a, **kwargs))(*args)


_OFF = (RematScope(None),)  # what is inside a call that is computed again is computed again with it


def call_with_remat(layer: Layer, args: tuple, kwargs: dict) -> Any:
    """`layer.call`, computed again for the gradient if the scope of the call wants that.

    The call becomes a pure function of its tensors and the layer's variables. The second run must not find what the
    first one left (another random seed would drop other units), nor leave anything itself: new values of variables,
    losses and masks are results, and take effect once.
    """
    k, frame = current(), state.frame
    scope = scope_of(layer, frame)
    if k.abstract or scope is None or not scope.wants(layer, args, kwargs):
        return layer.call(*args, **kwargs)
    inputs = [x for x in leaves((args, kwargs)) if isinstance(x, k.Tensor)]
    values = _values_before(layer, k)
    written: list[Any] = []
    structure: Any = None

    def pure(*given: Any) -> tuple[list[Any], list[Any], list[Any], dict[str, Any]]:
        nonlocal structure
        inner = StatelessScope(collect_losses=True)
        inner.values = dict(values)
        table = {id(x): y for x, y in zip(inputs, given, strict=True)}
        for x, y in zip(inputs, given, strict=True):
            if (mask := get_mask(x)) is not None:
                set_mask(y, mask)
        swap = lambda x: table.get(id(x), x)
        before = state.frame
        state.frame = frame._replace(remat=_OFF)  # the second run may be in a thread of the framework's own
        try:
            with interpreter(k), inner:
                structure = layer.call(*map_leaves(swap, args), **map_leaves(swap, kwargs))
        finally:
            state.frame = before
        flat = _flat(structure)
        written[:] = inner.written.values()
        masks = {str(i): m for i, x in enumerate(flat) if (m := get_mask(x)) is not None}
        tensors = [x for x in flat if isinstance(x, k.Tensor)]
        return tensors, [inner.values[id(v)] for v in written], inner.losses, masks

    tensors, updates, losses, masks = k.remat(pure)(*inputs)
    for variable, value in zip(written, updates, strict=True):
        variable.assign(value)
    if losses:
        layer.add_loss(losses)
    remaining = iter(tensors)
    outputs = map_leaves(lambda x: next(remaining) if isinstance(x, k.Tensor) else x, structure)
    flat = _flat(outputs)
    for place, mask in masks.items():
        set_mask(flat[int(place)], mask)
    return outputs


def _values_before(layer: Layer, k: Any) -> dict[int, Any]:
    """The values that both runs begin with, by the ids of the variables."""
    variables = [*layer.variables, seeds.global_generator().state]
    frame = state.frame
    state.frame = frame._replace(autocast=None)
    try:
        # where assigning changes the tensor itself, what the call may assign is copied
        return {id(v): v.value if k.functional or v.trainable else k.copy(v.value) for v in variables}
    finally:
        state.frame = frame


def _flat(structure: Any) -> list[Any]:
    """The leaves in the order in which `map_leaves` meets them."""
    flat: list[Any] = []
    map_leaves(flat.append, structure)
    return flat
