"""SimpleRNN: the fully connected recurrent layer."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel
from lamina.layers.recurrent.cell import UnitsCell
from lamina.layers.recurrent.rnn import UnitsRNN


class SimpleRNNCell(UnitsCell):
    """One step of `SimpleRNN`.

    `h' = activation(x kernel + bias + h recurrent_kernel)`

    Args:
        units: The size of state and output.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (output (batch, units), [state (batch, units)]) from (input (batch, features), [state]).

    Example:
        >>> import lamina
        >>> cell = lamina.layers.SimpleRNNCell(4)
        >>> output, states = cell(lamina.ops.ones((2, 3)), cell.get_initial_state(2))
        >>> output.shape == (2, 4)
        True
    """

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
        recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **kwargs,
        )  # fmt: skip

    def updater(self, k: Kernel, dtype: str) -> Any:
        return lambda sums, states: [self.activation(sums)]


class SimpleRNN(UnitsRNN):
    """A recurrent layer in which the output is the next state.

    `h[t] = activation(x[t] kernel + bias + h[t - 1] recurrent_kernel)`

    Args:
        units: The size of state and output.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last state, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        unroll: Whether to write the steps out instead of looping: longer to compile.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`, `zero_output_for_mask`.

    Returns:
        (batch, units) from (batch, steps, features), or (batch, steps, units) for all steps; before the state.

    Example:
        >>> import lamina
        >>> lamina.layers.SimpleRNN(4, return_sequences=True)(lamina.ops.ones((2, 5, 3))).shape == (2, 5, 4)
        True

    Reference:
        Elman, 1990: Finding Structure in Time, https://doi.org/10.1207/s15516709cog1402_1
    """

    _cell_name = "simple_rnn_cell"

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
        dropout: float = 0.0, recurrent_dropout: float = 0.0, return_sequences: bool = False,
        return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
        seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful, unroll,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `seed`, which Keras leaves out here, only where it is given."""
        config = super().get_config()
        return config if self.cell.seed is not None else {k: v for k, v in config.items() if k != "seed"}
