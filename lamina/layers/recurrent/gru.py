"""GRU: the gated recurrent unit."""

from __future__ import annotations

from typing import Any

from lamina import activations
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.layers.recurrent.cell import Step, UnitsCell, masked_product, split
from lamina.layers.recurrent.fused import FusedRNN
from lamina.layers.recurrent.rnn import OfCell


class GRUCell(UnitsCell):
    """One step of `GRU`.

    `h' = z h + (1 - z) activation(x_h + r (h R_h + b_h))`, where z, r = recurrent_activation(x_zr + h R_zr + b_zr),
    x_z, x_r, x_h are the parts of `x kernel + bias[0]`, R of recurrent_kernel and b of bias[1].
    Without `reset_after` it is `(r h) R_h` instead, and there is one bias.

    Args:
        units: The size of state and output.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        reset_after: Whether r acts after the product with the recurrent kernel (as cuDNN has it).
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (output (batch, units), [state (batch, units)]) from (input (batch, features), [state]).

    Example:
        >>> import lamina
        >>> cell = lamina.layers.GRUCell(4)
        >>> output, states = cell(lamina.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape == (2, 4)
        True
    """

    gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
        reset_after: bool = True, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        bias = super()._input_bias()
        return bias[0] if bias is not None and self.reset_after else bias

    def has_updater(self) -> bool:
        return False

    def stepper(self, states: list[Any], training: Any) -> Step:
        k = current()
        masks, kernel = self._state_masks(states[0], training), self.recurrent_kernel.value
        return (self._reset_after if self.reset_after else self._reset_before)(k, kernel, masks)

    def _reset_after(self, k: Kernel, kernel: Any, masks: Any) -> Step:
        bias = None if self.bias is None else self.bias.value[1]

        def step(x: Any, states: list[Any]) -> list[Any]:
            inner = masked_product(k, states[0], kernel, masks, k.matmul, 3)
            inner = inner if bias is None else inner + bias
            x_z, x_r, x_h = split(k, x, 3)
            h_z, h_r, h_h = split(k, inner, 3)
            # each gate by itself: XLA fuses a part of a sum worse, and a turn is a fifth slower
            z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
            return [self._blend(z, states[0], x_h + r * h_h)]

        return step

    def _reset_before(self, k: Kernel, kernel: Any, masks: Any) -> Step:
        both = 2 * self.units
        gates, candidate = kernel[:, :both], kernel[:, both:]
        first = masks if masks is None or len(masks) == 1 else masks[:2]

        def step(x: Any, states: list[Any]) -> list[Any]:
            h = states[0]
            x_z, x_r, x_h = split(k, x, 3)
            h_z, h_r = split(k, masked_product(k, h, gates, first, k.matmul, 2), 2)
            z, r = self.recurrent_activation(x_z + h_z), self.recurrent_activation(x_r + h_r)
            reset = r * h if masks is None else r * h * masks[-1]
            return [self._blend(z, h, x_h + k.matmul(reset, candidate))]

        return step

    def _blend(self, z: Any, h: Any, candidate: Any) -> Any:
        new = self.activation(candidate)
        return new + z * (h - new)


class GRU(FusedRNN):
    """The gated recurrent unit.

    `h[t] = z h + (1 - z) activation(x_h + r (h R_h + b_h))` with h = h[t - 1], where z, r =
    recurrent_activation(x_zr + h R_zr + b_zr), x_z, x_r, x_h are the parts of `x[t] kernel + bias[0]`, R of
    recurrent_kernel and b of bias[1]. Without `reset_after` it is `(r h) R_h` instead, and there is one bias.

    Args:
        units: The size of state and output.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last state, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        unroll: Whether to write the steps out instead of looping: longer to compile.
        reset_after: Whether r acts after the product with the recurrent kernel (as cuDNN has it).
        use_cudnn: "auto" uses a fused kernel where there is one for the call, True insists, False refuses.
            `why_not_fused` says what stands in the way.
        **kwargs: `name`, `dtype`, `trainable`, `zero_output_for_mask`.

    Returns:
        (batch, units) from (batch, steps, features), or (batch, steps, units) for all steps; before the state.

    Raises:
        ValueError: if an argument is out of range, or a fused kernel is insisted on and there is none.

    Example:
        >>> import lamina
        >>> lamina.layers.GRU(4)(lamina.ops.ones((2, 5, 3))).shape == (2, 4)
        True

    Reference:
        Cho et al., 2014: Learning Phrase Representations using RNN Encoder-Decoder, https://arxiv.org/abs/1406.1078
    """

    recurrent_activation = OfCell()
    reset_after = OfCell()
    _cell_name = "gru_cell"
    _native = "gru"

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, return_sequences: bool = False,
        return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        reset_after: bool = True, use_cudnn: Any = "auto", **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, reset_after, seed,
            **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            use_cudnn, cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    def _unfit_cell(self) -> str | None:
        return None if self.reset_after else "reset_after=False has another formula than fused kernels"
