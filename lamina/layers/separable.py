"""Convolutions that treat each channel by itself: depthwise, and separable ones that mix channels afterwards."""

from __future__ import annotations

from typing import Any

from lamina import constraints, initializers, regularizers
from lamina.layers._window import Window
from lamina.ops.checks import at_least
from lamina.ops.nn.convolution import depthwise_conv, separable_conv


class BaseDepthwise(Window):
    """What both share: a kernel of each channel's own."""

    def __init__(
        self, rank: int, kernel_size: Any, strides: Any, padding: str, depth_multiplier: int,
        data_format: str | None, dilation_rate: Any, activation: Any, use_bias: bool, depthwise_initializer: Any,
        bias_initializer: Any, depthwise_regularizer: Any, bias_regularizer: Any, activity_regularizer: Any,
        depthwise_constraint: Any, bias_constraint: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
            bias_initializer, bias_regularizer, bias_constraint, activity_regularizer=activity_regularizer,
            **kwargs,
        )  # fmt: skip
        self.depth_multiplier = at_least(type(self).__name__, "depth_multiplier", depth_multiplier, 1)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: tuple) -> None:
        channels = self._channels(input_shape)
        self.kernel = self._add_kernel(
            "depthwise", (*self.kernel_size, channels, self.depth_multiplier), "kernel"
        )
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        return self._finish(depthwise_conv(inputs, self.kernel.value, **self._geometry()))


class DepthwiseConv1D(BaseDepthwise):
    """Convolution of each channel of sequences by itself.

    `y[n, p, c m + j] = activation(sum_w x[n, p s + w d, c] kernel[w, c, j] + bias)`, m = depth_multiplier

    Args:
        kernel_size: The length of the window.
        strides: The distance of the windows.
        padding: "valid" or "same".
        depth_multiplier: The number of outputs of each channel.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        depthwise_initializer, bias_initializer: First values.
        depthwise_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        depthwise_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new steps, channels * depth_multiplier) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.DepthwiseConv1D(3, depth_multiplier=2)(lamina.ops.ones((2, 5, 4))).shape == (2, 3, 8)
        True
    """

    def __init__(
        self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            1, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class DepthwiseConv2D(BaseDepthwise):
    """Convolution of each channel of images by itself.

    `y[n, p, c m + j] = activation(sum_w x[n, p s + w d, c] kernel[w, c, j] + bias)`, m = depth_multiplier

    Args:
        kernel_size: The window: an integer, or two.
        strides: The distance of the windows: an integer, or two.
        padding: "valid" or "same".
        depth_multiplier: The number of outputs of each channel.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places: an integer, or two.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        depthwise_initializer, bias_initializer: First values.
        depthwise_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        depthwise_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new height, new width, channels * depth_multiplier) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.DepthwiseConv2D(3, padding="same")(lamina.ops.ones((2, 5, 5, 4))).shape == (2, 5, 5, 4)
        True
    """

    def __init__(
        self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
        data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None, use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
        depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            2, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation, use_bias,
            depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class BaseSeparable(BaseDepthwise):
    """A depthwise convolution, and a mixing of its channels at each place."""

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
        dilation_rate: Any, depth_multiplier: int, activation: Any, use_bias: bool, depthwise_initializer: Any,
        pointwise_initializer: Any, bias_initializer: Any, depthwise_regularizer: Any, pointwise_regularizer: Any,
        bias_regularizer: Any, activity_regularizer: Any, depthwise_constraint: Any, pointwise_constraint: Any,
        bias_constraint: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            rank, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
            use_bias, depthwise_initializer, bias_initializer, depthwise_regularizer, bias_regularizer,
            activity_regularizer, depthwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip
        self.filters = at_least(type(self).__name__, "filters", filters, 1)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape: tuple) -> None:
        channels, inner = self._channels(input_shape), self.depth_multiplier
        self.depthwise_kernel = self._add_kernel(
            "depthwise", (*self.kernel_size, channels, inner), "depthwise_kernel"
        )
        self.pointwise_kernel = self._add_kernel(
            "pointwise", (*[1] * self.rank, channels * inner, self.filters), "pointwise_kernel"
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        kernels = self.depthwise_kernel.value, self.pointwise_kernel.value
        return self._finish(separable_conv(inputs, *kernels, **self._geometry()))


class SeparableConv1D(BaseSeparable):
    """Depthwise convolution over sequences and a mixing of the channels.

    `y = activation(pointwise(depthwise(x)) + bias)`

    Args:
        filters: The number of output channels.
        kernel_size: The length of the window.
        strides: The distance of the windows.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places.
        depth_multiplier: The number of depthwise outputs of each channel.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: First values.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: Penalties.
        depthwise_constraint, pointwise_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new steps, filters) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.SeparableConv1D(6, 3)(lamina.ops.ones((2, 5, 4))).shape == (2, 3, 6)
        True
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1, activation: Any = None,
        use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            1, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
            use_bias, depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
            pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
            pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class SeparableConv2D(BaseSeparable):
    """Depthwise convolution over images and a mixing of the channels.

    `y = activation(pointwise(depthwise(x)) + bias)`

    Args:
        filters: The number of output channels.
        kernel_size: The window: an integer, or two.
        strides: The distance of the windows: an integer, or two.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places: an integer, or two.
        depth_multiplier: The number of depthwise outputs of each channel.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: First values.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer: Penalties.
        depthwise_constraint, pointwise_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new height, new width, filters) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.SeparableConv2D(6, 3)(lamina.ops.ones((2, 5, 5, 4))).shape == (2, 3, 3, 6)
        True

    Reference:
        Chollet, 2016: Xception, https://arxiv.org/abs/1610.02357
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
        data_format: str | None = None, dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
        activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            2, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier, activation,
            use_bias, depthwise_initializer, pointwise_initializer, bias_initializer, depthwise_regularizer,
            pointwise_regularizer, bias_regularizer, activity_regularizer, depthwise_constraint,
            pointwise_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
