"""Bidirectional: a recurrent layer and one that goes the other way."""

from __future__ import annotations

from typing import Any

from lamina.core.codec import serialize
from lamina.core.layer import Layer
from lamina.errors import ArgumentError, stranger
from lamina.kernel.context import current
from lamina.ops.checks import one_of

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """A recurrent layer in both directions, and their outputs merged.

    `y[t] = merge(forward(x)[t], backward(x)[t])`

    Args:
        layer: A recurrent layer; it is copied.
        merge_mode: "concat", "sum", "mul", "ave", or None for the pair of outputs.
        weights: First values of all weights, forward before backward.
        backward_layer: The layer of the other direction, with `go_backwards` unlike `layer`; by default a copy.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        The merged output, or a pair; before the states of both, forward first, if the layer returns them.

    Raises:
        ValueError: if `layer` is not recurrent, or the two layers do not go together.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.Bidirectional(lamina.layers.LSTM(4, return_sequences=True))
        >>> layer(lamina.ops.ones((2, 5, 3))).shape == (2, 5, 8)
        True

    Reference:
        Schuster and Paliwal, 1997: Bidirectional Recurrent Neural Networks, https://doi.org/10.1109/78.650093
    """

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", weights: Any = None, backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        for role, given in (("layer", layer), ("backward_layer", backward_layer)):
            if given is not None and not (isinstance(given, Layer) and hasattr(given, "go_backwards")):
                text = f"Bidirectional: `{role}` must be a recurrent layer, got {given!r}. {stranger(given)}"
                raise ArgumentError(text.strip())
        self.merge_mode = one_of("Bidirectional", "merge_mode", merge_mode, _MODES)
        self.forward_layer = _copy(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", not layer.go_backwards)
        self.backward_layer = backward_layer
        self._check_pair()
        for one in (self.forward_layer, self.backward_layer):
            # with masks, the two outputs of a step that is masked could not be merged otherwise
            one.zero_output_for_mask = one.zero_output_for_mask or one.return_sequences
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful = layer.stateful
        self._first_weights = None if weights is None else list(weights)
        self.input_spec = layer.input_spec
        self.supports_masking = True

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"Bidirectional: the two layers must differ in `go_backwards`, both have {forward.go_backwards}."
            )
        for name in ("stateful", "return_sequences", "return_state"):
            one, other = getattr(forward, name), getattr(backward, name)
            if one != other:
                raise ValueError(
                    f"Bidirectional: the two layers must agree in `{name}`, got {one} forward and {other} backward."
                )

    def build(self, sequences_shape: tuple, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._first_weights is not None:
            self.built = True
            self.set_weights(self._first_weights)

    @property
    def states(self) -> Any:
        """The states of both layers if they are stateful, else None."""
        if self.forward_layer.states is None:
            return None
        return [self.forward_layer.states, self.backward_layer.states]

    def reset_state(self) -> None:
        """Set the states of stateful layers to zero."""
        if not self.stateful:
            raise AttributeError(
                f"Layer {self.path!r} (Bidirectional): there is no state, since it is not stateful."
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        options = {} if mask is None else {"mask": mask}
        if training is not None:
            options["training"] = training
        first, second = self._halves(initial_state)
        forward = self.forward_layer(sequences, **first, **options)
        backward = self.backward_layer(sequences, **second, **options)
        states: tuple = ()
        if self.return_state:
            states = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = current().flip(backward, 1)
        merged = self._merged(forward, backward)
        if self.merge_mode is None:
            return (*merged, *states)
        return (merged, *states) if self.return_state else merged

    def _halves(self, states: Any) -> tuple[dict, dict]:
        """The initial states of each layer, as arguments."""
        if states is None:
            return {}, {}
        half = len(states) // 2
        if len(states) % 2:
            raise ValueError(
                f"Layer {self.path!r} (Bidirectional): `initial_state` must hold the forward states and as many "
                f"backward states, got {len(states)} tensors."
            )
        return {"initial_state": list(states[:half])}, {"initial_state": list(states[half:])}

    def _merged(self, forward: Any, backward: Any) -> Any:
        mode = self.merge_mode
        if mode == "concat":
            return current().concat([forward, backward], -1)
        if mode == "mul":
            return forward * backward
        if mode is None:
            return forward, backward
        total = forward + backward
        return total * 0.5 if mode == "ave" else total

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the input where all steps are given, once for each output."""
        mask = previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask
        mask = mask if self.return_sequences else None
        return (mask, mask) if self.merge_mode is None else mask

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with the copies that are in use as layers."""
        config = {k: v for k, v in super().get_config().items() if k != "weights"}
        layers = {name: serialize(getattr(self, f"{role}_layer")) for name, role in _ROLES}
        return {**config, **layers}


_ROLES = (("layer", "forward"), ("backward_layer", "backward"))


def _copy(layer: Any, prefix: str, go_backwards: bool) -> Any:
    """A layer with the same arguments, going the given way."""
    config = layer.get_config()
    name = layer.name.removeprefix("forward_")
    return type(layer).from_config({**config, "go_backwards": go_backwards, "name": prefix + name})
