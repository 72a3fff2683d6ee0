"""Transposed convolution, which enlarges."""

from __future__ import annotations

from typing import Any

from lamina.layers.conv import BaseConv
from lamina.ops.nn._window import per_axis
from lamina.ops.nn.convolution import conv_transpose


class BaseConvTranspose(BaseConv):
    """Transposed convolution over `rank` spatial axes."""

    def __init__(
        self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, output_padding: Any,
        data_format: str | None, dilation_rate: Any, *rest: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            rank, filters, kernel_size, strides, padding, data_format, dilation_rate, 1, *rest, **kwargs
        )
        kind = type(self).__name__
        self.output_padding = None
        if output_padding is not None:
            self.output_padding = per_axis(kind, "output_padding", output_padding, rank, 0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"{kind}: `output_padding` must be less than `strides`, got {output_padding} and {self.strides}."
                )

    def build(self, input_shape: tuple) -> None:
        channels = self._channels(input_shape)
        self.kernel = self._add_kernel("kernel", (*self.kernel_size, self.filters, channels), "kernel")
        self._add_bias(self.filters)

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution without bias and activation; subclasses may replace it."""
        return conv_transpose(inputs, kernel, output_padding=self.output_padding, **self._geometry())


class Conv1DTranspose(BaseConvTranspose):
    """Transposed convolution over sequences: the gradient of `Conv1D`, used to enlarge.

    `y[n, p s + w d, o] += sum_c x[n, p, c] kernel[w, o, c]`, then bias and activation

    Args:
        filters: The number of output channels.
        kernel_size: The length of the window.
        strides: How much longer the output is.
        padding: "valid" or "same".
        output_padding: How much longer than the least size the output is; less than the stride.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new steps, filters) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.Conv1DTranspose(4, 3, strides=2, padding="same")(lamina.ops.ones((2, 5, 1))).shape[1]
        10
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
        data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            1, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
            use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class Conv2DTranspose(BaseConvTranspose):
    """Transposed convolution over images: the gradient of `Conv2D`, used to enlarge.

    `y[n, p s + w d, o] += sum_c x[n, p, c] kernel[w, o, c]`, then bias and activation

    Args:
        filters: The number of output channels.
        kernel_size: The window: an integer, or two.
        strides: How much larger the output is: an integer, or two.
        padding: "valid" or "same".
        output_padding: How much larger than the least size the output is: an integer, or two; less than the strides.
        data_format: "channels_last", "channels_first" or None for the default.
        dilation_rate: The distance of the window's places: an integer, or two.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, new height, new width, filters) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.Conv2DTranspose(4, 3, strides=2, padding="same")
        >>> layer(lamina.ops.ones((2, 5, 5, 1))).shape == (2, 10, 10, 4)
        True

    Reference:
        Zeiler et al., 2010: Deconvolutional Networks, https://doi.org/10.1109/CVPR.2010.5539957
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
        output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = (1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            2, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
            use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


class Conv3DTranspose(BaseConvTranspose):
    """Transposed convolution over volumes: the gradient of `Conv3D`, used to enlarge.

    `y[n, p s + w d, o] += sum_c x[n, p, c] kernel[w, o, c]`, then bias and activation

    Args:
        filters: The number of output channels.
        kernel_size: The window: an integer, or three.
        strides: How much larger the output is: an integer, or three.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        output_padding: How much larger than the least size the output is: an integer, or three; less than the
            strides.
        dilation_rate: The distance of the window's places: an integer, or three.
        activation: A function or its name.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, *new sizes, filters) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.Conv3DTranspose(4, 2)(lamina.ops.ones((2, 3, 3, 3, 1))).shape == (2, 4, 4, 4, 4)
        True
    """

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
        data_format: str | None = None, output_padding: Any = None, dilation_rate: Any = (1, 1, 1),
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            3, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate, activation,
            use_bias, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, **kwargs,
        )  # fmt: skip


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
