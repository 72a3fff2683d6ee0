"""Convolution: one core of any rank, and its thin ranks."""

from __future__ import annotations

from typing import Any

from lamina import constraints, initializers, regularizers
from lamina.layers._later import Lora
from lamina.layers._window import Window
from lamina.ops.checks import at_least
from lamina.ops.nn.convolution import conv


class BaseConv(Lora, Window):
    """Convolution over `rank` spatial axes."""

    kernel: Any = None

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer,
            **kwargs,
        )  # fmt: skip
        kind = type(self).__name__
        self.filters = at_least(kind, "filters", filters, 1)
        self.groups = at_least(kind, "groups", groups, 1)
        if filters % groups:
            raise ValueError(
                f"{kind}: `filters` must be a multiple of `groups`, got {filters} and {groups}. Use `groups` that "
                "divide the filters and the input's channels, or 1."
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: tuple) -> None:
        channels = self._channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): the input's {channels} channels must be a multiple of "
                f"`groups` ({self.groups}); the input has shape {input_shape}. Use `groups` that divide both, or 1."
            )
        self.kernel = self._add_kernel(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters), "kernel"
        )
        self._add_bias(self.filters)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution without bias and activation; subclasses may replace it."""
        return conv(inputs, kernel, **self._geometry())

    def call(self, inputs: Any) -> Any:
        return self._finish(self.convolution_op(inputs, self.kernel.value))


class Conv1D(BaseConv):
    """Convolution over sequences.

    `y[n, p, o] = activation(sum_{w, c} x[n, p s + w d, c] kernel[w, c, o] + bias[o])`

    Args:
        filters: The number of output channels.
        kernel_size: The length of the window.
        strides: The distance of the windows.
        padding: "valid", "same", or "causal": a result sees only inputs up to its own place.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places.
        groups: Into how many groups channels are split; each has its own filters.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new steps, filters) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range, or channels and groups do not fit.

    Example:
        >>> import lamina
        >>> lamina.layers.Conv1D(4, 3, padding="causal")(lamina.ops.ones((2, 5, 1))).shape == (2, 5, 4)
        True
    """

    _paddings = ("valid", "same", "causal")

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class Conv2D(BaseConv):
    """Convolution over images.

    `y[n, p, o] = activation(sum_{w, c} x[n, p s + w d, c] kernel[w, c, o] + bias[o])`, p and w pairs of integers

    Args:
        filters: The number of output channels.
        kernel_size: The window: an integer, or two.
        strides: The distance of the windows: an integer, or two.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places: an integer, or two.
        groups: Into how many groups channels are split; each has its own filters.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new height, new width, filters) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range, or channels and groups do not fit.

    Example:
        >>> import lamina
        >>> lamina.layers.Conv2D(4, 3, activation="relu")(lamina.ops.ones((2, 5, 5, 1))).shape == (2, 3, 3, 4)
        True
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = (1, 1), groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class Conv3D(BaseConv):
    """Convolution over volumes.

    `y[n, p, o] = activation(sum_{w, c} x[n, p s + w d, c] kernel[w, c, o] + bias[o])`, p and w triples of integers

    Args:
        filters: The number of output channels.
        kernel_size: The window: an integer, or three.
        strides: The distance of the windows: an integer, or three.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places: an integer, or three.
        groups: Into how many groups channels are split; each has its own filters.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, *new sizes, filters) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range, or channels and groups do not fit.

    Example:
        >>> import lamina
        >>> lamina.layers.Conv3D(4, 3)(lamina.ops.ones((2, 5, 5, 5, 1))).shape == (2, 3, 3, 3, 4)
        True
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = (1, 1, 1), groups: int = 1, activation: Any = None,
        use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            3, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation, use_bias,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
