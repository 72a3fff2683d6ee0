"""Rematerialisation: inner results are computed again for the gradient instead of being kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.kernel.context import current, state

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class RematScope:
    """A block in which layers give up their inner results and compute them again for the gradient.

    Args:
        mode: "full" (every layer call), "activations" (only activation layers), "larger_than" (layers whose output
            has more than `output_size_threshold` entries), "list_of_layers" (those in `layer_names`), or None (off).
        output_size_threshold: Entries, for "larger_than".
        layer_names: Names, for "list_of_layers".

    Raises:
        ValueError: if the mode is unknown.
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
        self._outer: Any = None

    def __enter__(self) -> RematScope:
        self._outer, state.remat = state.remat, self
        return self

    def __exit__(self, *_: Any) -> None:
        state.remat = self._outer

    def wants(self, layer: Any, args: tuple, kwargs: dict) -> bool:
        """Whether this layer's call is to be computed again."""
        if self.mode == "full":
            return True
        if self.mode == "list_of_layers":
            return layer.name in self.layer_names
        if self.mode == "activations":
            return type(layer).__module__.startswith("lamina.layers.activation")
        if self.mode == "larger_than":
            size = 1
            for n in _output_shape(layer, args, kwargs):
                size *= n or 1
            return size > self.output_size_threshold
        return False


def _output_shape(layer: Any, args: tuple, kwargs: dict) -> tuple:
    from lamina.kernel.shapes.infer import infer
    from lamina.kernel.trees import leaves

    k = current()
    found = infer(lambda specs: layer.call(*specs), [(tuple(a.shape), k.dtype(a)) for a in args])
    return next(iter(leaves(found))).shape


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


def call_with_remat(layer: Any, args: tuple, kwargs: dict) -> Any:
    """`layer.call`, recomputed for the gradient where the scope in force wants it."""
    scope = state.remat
    if not scope.wants(layer, args, kwargs):
        return layer.call(*args, **kwargs)
    state.remat = None  # what is inside is computed again as a whole
    try:
        return current().remat(lambda *a: layer.call(*a, **kwargs))(*args)
    finally:
        state.remat = scope
