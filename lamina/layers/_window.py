"""Layers whose computation slides a window: the arguments, shapes and last steps that they share."""

from __future__ import annotations

from typing import Any

from lamina import activations, config, constraints, initializers, regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.ops.arithmetic import add
from lamina.ops.checks import one_of
from lamina.ops.manipulate import reshape
from lamina.ops.nn._window import per_axis


class Window(Layer):
    """Base of convolutions of any rank: everything but the kernels."""

    _keeps_marks = True
    _paddings: tuple[str, ...] = ("valid", "same")
    bias: Any = None

    def __init__(
        self,
        rank: int,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.rank = rank
        self.kernel_size = per_axis(kind, "kernel_size", kernel_size, rank)
        self.strides = per_axis(kind, "strides", strides, rank)
        self.dilation_rate = per_axis(kind, "dilation_rate", dilation_rate, rank)

        self.padding = one_of(kind, "padding", lowered(padding), self._paddings)
        self.data_format = config.standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=rank + 2)
        check_spacing(kind, self.strides, self.dilation_rate)

    def _channels(self, input_shape: tuple) -> int:
        """The number of channels of an input; it is fixed from now on."""
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) needs to know the number of channels (axis {axis}), "
                f"got the input shape {input_shape}. Give the input a fixed size there."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_kernel(self, role: str, shape: tuple, name: str) -> Any:
        """A kernel with the initializer, regularizer and constraint that the arguments name after its role."""
        return self.add_weight(
            shape, getattr(self, f"{role}_initializer"), name=name,
            regularizer=getattr(self, f"{role}_regularizer"), constraint=getattr(self, f"{role}_constraint"),
        )  # fmt: skip

    def _add_bias(self, size: int) -> None:
        if self.use_bias:
            self.bias = self._add_kernel("bias", (size,), "bias")

    def _geometry(self) -> dict[str, Any]:
        """The arguments of the ops."""
        return {
            "strides": self.strides, "padding": self.padding, "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }  # fmt: skip

    def _finish(self, outputs: Any) -> Any:
        """Bias and activation."""
        if self.use_bias:
            bias = self.bias.value
            if self.data_format == "channels_first":
                bias = reshape(bias, (-1, *[1] * self.rank))
            outputs = add(outputs, bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `activity_regularizer` also where there is none. The class says the rank."""
        config = {"activity_regularizer": None, **super().get_config()}
        return {name: value for name, value in config.items() if name != "rank"}


def lowered(padding: Any) -> Any:
    """The name of a padding in small letters."""
    return padding.lower() if isinstance(padding, str) else padding


def check_spacing(kind: str, strides: tuple[int, ...], dilation_rate: tuple[int, ...]) -> None:
    """That windows are not both strided and dilated.

    Raises:
        ValueError: if both have a number above 1.
    """
    if max(strides) > 1 and max(dilation_rate) > 1:
        raise ValueError(
            f"{kind}: `strides` and `dilation_rate` cannot both be above 1, got strides={strides} and "
            f"dilation_rate={dilation_rate}. Set one of them to 1."
        )
