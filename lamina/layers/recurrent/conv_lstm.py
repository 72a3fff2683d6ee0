"""ConvLSTM: an LSTM whose states are images and whose products are convolutions, in 1 to 3 dimensions."""

from __future__ import annotations

from typing import Any

from lamina import activations, config
from lamina.kernel.context import current, interpreter
from lamina.kernel.shapes import SHAPES
from lamina.layers._window import check_spacing, lowered
from lamina.layers.recurrent.cell import Cell, OpenForgetGate, Step, masked_product
from lamina.layers.recurrent.lstm import gating
from lamina.layers.recurrent.rnn import CellRNN, OfCell
from lamina.ops.checks import at_least, one_of
from lamina.ops.nn._window import per_axis
from lamina.ops.nn.convolution import conv


class ConvLSTMCell(Cell):
    """One step of a ConvLSTM over `rank` spatial axes."""

    gates = 4
    _state_names = ("h", "c")

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
        dilation_rate: Any, activation: Any, recurrent_activation: Any, use_bias: bool, unit_forget_bias: bool,
        *args: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        # each gate has a mask of its own, as in Keras
        super().__init__(activation, use_bias, *args, implementation=1, **kwargs)
        kind = f"ConvLSTM{rank}D"
        self.rank = rank
        self.filters = at_least(kind, "filters", filters, 1)
        self.kernel_size = per_axis(kind, "kernel_size", kernel_size, rank)
        self.strides = per_axis(kind, "strides", strides, rank)
        self.dilation_rate = per_axis(kind, "dilation_rate", dilation_rate, rank)
        check_spacing(kind, self.strides, self.dilation_rate)
        self.padding = one_of(kind, "padding", lowered(padding), ("valid", "same"))
        self.data_format = config.standardize_data_format(data_format)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [filters, filters]
        self._step_rank = rank + 2
        self._axis = -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: tuple) -> None:
        if None in input_shape[1:]:
            raise ValueError(
                f"Layer {self.path!r} (ConvLSTM{self.rank}D) needs the sizes and channels of the images, got "
                f"{input_shape} for one step. Give the input fixed sizes there."
            )
        channels, width = input_shape[self._axis], 4 * self.filters
        initializer = (
            OpenForgetGate(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer
        )
        self._add_weights(
            (*self.kernel_size, channels, width),
            (*self.kernel_size, self.filters, width),
            (width,),
            initializer,
        )
        with interpreter(SHAPES) as k:
            sums = self._convolved(k.zeros((1, *input_shape[1:]), self.compute_dtype), self.kernel.value)
        sizes = sums.shape[1:-1] if self._axis == -1 else sums.shape[2:]
        self._state_sizes = (*sizes, self.filters) if self._axis == -1 else (self.filters, *sizes)

    def _state_shape(self) -> tuple[int, ...]:
        return self._state_sizes

    def _convolved(self, x: Any, kernel: Any) -> Any:
        return conv(x, kernel, self.strides, self.padding, self.data_format, self.dilation_rate)

    def project(self, inputs: Any, training: Any) -> Any:
        k = current()
        masks = self._input_masks(inputs, training)
        product = masked_product(
            k, inputs, self.kernel.value, masks, self._each_step, 4, self._gate_axis(inputs)
        )
        if self.bias is None:
            return product
        bias = self.bias.value
        return product + (bias if self._axis == -1 else k.reshape(bias, (-1, *[1] * self.rank)))

    def _gate_axis(self, x: Any) -> int:
        return -1 if self._axis == -1 else len(x.shape) - 1 - self.rank

    def _each_step(self, x: Any, kernel: Any) -> Any:
        """The convolution of one step, or of all steps at once."""
        if len(x.shape) == self._step_rank:
            return self._convolved(x, kernel)
        k = current()
        steps, batch = k.shape(x)[:2]
        merged = self._convolved(k.reshape(x, (steps * batch, *k.shape(x)[2:])), kernel)
        return k.reshape(merged, (steps, batch, *k.shape(merged)[1:]))

    def stepper(self, states: list[Any], training: Any) -> Step:
        k = current()
        masks, kernel = self._state_masks(states[0], training), self.recurrent_kernel.value
        gated = gating(k, self, k.dtype(states[0]), self._axis)

        def product(h: Any, kernel: Any) -> Any:
            return conv(h, kernel, 1, "same", self.data_format)

        def step(x: Any, states: list[Any]) -> list[Any]:
            return gated(x + masked_product(k, states[0], kernel, masks, product, 4, self._axis), states[1])

        return step


class ConvLSTM(CellRNN):
    """Base of the ConvLSTM layers."""

    recurrent_activation = OfCell()
    unit_forget_bias = OfCell()
    filters = OfCell()
    kernel_size = OfCell()
    strides = OfCell()
    padding = OfCell()
    data_format = OfCell()
    dilation_rate = OfCell()
    _cell_name = "conv_lstm_cell"


class ConvLSTM1D(ConvLSTM):
    """An LSTM over sequences of rows, with convolutions for its products.

    As `LSTM`, where `x[t] kernel` is a convolution with the given geometry and `h[t - 1] recurrent_kernel` one that
    keeps the size.

    Args:
        filters: The number of channels of both states and the output.
        kernel_size: The window: an integer.
        strides: The distance of the windows on the input: an integer.
        padding: "valid" or "same", on the input.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places on the input: an integer.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        unit_forget_bias: Whether the bias of the forget gate begins at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last states h and c, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        **kwargs: `name`, `dtype`, `trainable`, `unroll`, `zero_output_for_mask`.

    Returns:
        (batch, new length, filters) from (batch, steps, length, channels), or (batch, steps, new length, filters) for
        all steps; before h and c.

    Raises:
        ValueError: if an argument is unknown or out of range, or the size of the images is not known.

    Example:
        >>> import lamina
        >>> lamina.layers.ConvLSTM1D(4, 3)(lamina.ops.ones((2, 5, 6, 3))).shape == (2, 4, 4)
        True

    Reference:
        Shi et al., 2015: Convolutional LSTM Network, https://arxiv.org/abs/1506.04214
    """

    _rank = 4

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", unit_forget_bias: bool = True,
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = ConvLSTMCell(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation,
            use_bias, unit_forget_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip


class ConvLSTM2D(ConvLSTM):
    """An LSTM over sequences of images, with convolutions for its products.

    As `LSTM`, where `x[t] kernel` is a convolution with the given geometry and `h[t - 1] recurrent_kernel` one that
    keeps the size.

    Args:
        filters: The number of channels of both states and the output.
        kernel_size: The window: an integer, or two.
        strides: The distance of the windows on the input: an integer, or two.
        padding: "valid" or "same", on the input.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places on the input: an integer, or two.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        unit_forget_bias: Whether the bias of the forget gate begins at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last states h and c, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        **kwargs: `name`, `dtype`, `trainable`, `unroll`, `zero_output_for_mask`.

    Returns:
        (batch, new height, new width, filters) from (batch, steps, height, width, channels), or (batch, steps, new height, new width, filters) for
        all steps; before h and c.

    Raises:
        ValueError: if an argument is unknown or out of range, or the size of the images is not known.

    Example:
        >>> import lamina
        >>> lamina.layers.ConvLSTM2D(4, 3)(lamina.ops.ones((2, 3, 6, 6, 1))).shape == (2, 4, 4, 4)
        True

    Reference:
        Shi et al., 2015: Convolutional LSTM Network, https://arxiv.org/abs/1506.04214
    """

    _rank = 5

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", unit_forget_bias: bool = True,
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = ConvLSTMCell(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation,
            use_bias, unit_forget_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip


class ConvLSTM3D(ConvLSTM):
    """An LSTM over sequences of volumes, with convolutions for its products.

    As `LSTM`, where `x[t] kernel` is a convolution with the given geometry and `h[t - 1] recurrent_kernel` one that
    keeps the size.

    Args:
        filters: The number of channels of both states and the output.
        kernel_size: The window: an integer, or three.
        strides: The distance of the windows on the input: an integer, or three.
        padding: "valid" or "same", on the input.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places on the input: an integer, or three.
        activation, recurrent_activation: Functions or their names.
        use_bias: Whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: First values.
        unit_forget_bias: Whether the bias of the forget gate begins at one.
        kernel_regularizer, recurrent_regularizer, bias_regularizer, activity_regularizer: Penalties.
        kernel_constraint, recurrent_constraint, bias_constraint: Projections after each update.
        dropout, recurrent_dropout: The part of the input, of the state, that is dropped during training.
        seed: An integer for repeatable dropout.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last states h and c, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with.
        **kwargs: `name`, `dtype`, `trainable`, `unroll`, `zero_output_for_mask`.

    Returns:
        (batch, new depth, new height, new width, filters) from (batch, steps, depth, height, width, channels), or (batch, steps, new depth, new height, new width, filters) for
        all steps; before h and c.

    Raises:
        ValueError: if an argument is unknown or out of range, or the size of the images is not known.

    Example:
        >>> import lamina
        >>> lamina.layers.ConvLSTM3D(4, 3)(lamina.ops.ones((2, 3, 5, 5, 5, 1))).shape == (2, 3, 3, 3, 4)
        True

    Reference:
        Shi et al., 2015: Convolutional LSTM Network, https://arxiv.org/abs/1506.04214
    """

    _rank = 6

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", unit_forget_bias: bool = True,
        kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
        bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
        return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        cell = ConvLSTMCell(
            3, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, recurrent_activation,
            use_bias, unit_forget_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **self._for_cell(kwargs),
        )  # fmt: skip
        super().__init__(
            cell, return_sequences, return_state, go_backwards, stateful,
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip
