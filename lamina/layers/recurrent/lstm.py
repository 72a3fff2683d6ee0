"""LSTM: long short-term memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lamina import activations
from lamina.kernel.contract import Kernel
from lamina.layers.recurrent.cell import OpenForgetGate, UnitsCell, split
from lamina.layers.recurrent.fused import FusedRNN
from lamina.layers.recurrent.rnn import OfCell


class LSTMCell(UnitsCell):
    """One step of `LSTM`.

    `c' = f c + i g` and `h' = o activation(c')`, where i, f, o = recurrent_activation and g = activation of the parts
    of `x kernel + bias + h recurrent_kernel` in the order i, f, g, o

    Args:
        units: The size of both states and the output.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        unit_forget_bias: Whether the bias of f begins at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (output (batch, units), [h, c]) from (input (batch, features), [h, c]).

    Example:
        >>> import lamina
        >>> cell = lamina.layers.LSTMCell(4)
        >>> output, (h, c) = cell(lamina.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape == (2, 4)
        True
    """

    gates = 4
    _state_names = ("h", "c")

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def _bias_initializer(self) -> Any:
        return OpenForgetGate(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer

    def updater(self, k: Kernel, dtype: str) -> Any:
        gated = gating(k, self, dtype)
        return lambda sums, states: gated(sums, states[1])


def gating(k: Kernel, cell: Any, dtype: str, axis: int = -1) -> Callable[[Any, Any], list[Any]]:
    """The function from the gates' sums (along `axis`) and c to [h', c'], for cells of vectors and of images."""
    activation, recurrent = cell.activation, cell.recurrent_activation
    if axis != -1 or activation is not activations.tanh or recurrent is not activations.sigmoid:

        def general(z: Any, c: Any) -> list[Any]:
            i, f, g, o = split(k, z, 4, axis)
            c = recurrent(f) * c + recurrent(i) * activation(g)
            return [recurrent(o) * activation(c), c]

        return general
    # sigmoid(z) = tanh(z / 2) / 2 + 1 / 2: one function for all gates is one pass over them
    size = cell.kernel.shape[-1] // 4
    scale = k.asarray(np.repeat([0.5, 0.5, 1.0, 0.5], size).astype("float32"), dtype)
    shift = k.asarray(np.repeat([0.5, 0.5, 0.0, 0.5], size).astype("float32"), dtype)

    def standard(z: Any, c: Any) -> list[Any]:
        i, f, g, o = split(k, k.tanh(z * scale) * scale + shift, 4)
        c = f * c + i * g
        return [o * k.tanh(c), c]

    return standard


class LSTM(FusedRNN):
    """Long short-term memory.

    `c[t] = f c[t - 1] + i g` and `h[t] = o activation(c[t])`, where i, f, o = recurrent_activation and g = activation
    of the parts of `x[t] kernel + bias + h[t - 1] recurrent_kernel` in the order i, f, g, o

    Args:
        units: The size of both states and the output.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        unit_forget_bias: Whether the bias of f begins at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last states h and c, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        unroll: Whether to write the steps out instead of looping: longer to compile.
        use_cudnn: "auto" uses a fused kernel where there is one for the call, True insists, False refuses.
            `why_not_fused` says what stands in the way.
        **kwargs: `name`, `dtype`, `trainable`, `zero_output_for_mask`.

    Returns:
        (batch, units) from (batch, steps, features), or (batch, steps, units) for all steps; before h and c.

    Raises:
        ValueError: if an argument is out of range, or a fused kernel is insisted on and there is none.

    Example:
        >>> import lamina
        >>> y, h, c = lamina.layers.LSTM(4, return_sequences=True, return_state=True)(lamina.ops.ones((2, 5, 3)))
        >>> y.shape == (2, 5, 4), h.shape == (2, 4)
        (True, True)

    Reference:
        Hochreiter and Schmidhuber, 1997: Long Short-Term Memory, https://doi.org/10.1162/neco.1997.9.8.1735
    """

    recurrent_activation = OfCell()
    unit_forget_bias = OfCell()
    _cell_name = "lstm_cell"
    _native = "lstm"

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, use_cudnn: Any = "auto", **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            use_cudnn, cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
