"""Layers that Keras 3 has no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina import activations, constraints, initializers, layers, ops, regularizers
from lamina.core.layer import Layer
from lamina.core.registry import register_keras_serializable
from lamina.core.tensor import KerasTensor
from lamina.layers import InputSpec
from lamina.legacy import backend as K
from lamina.legacy.forwarding import tell
from lamina.models import Functional

__all__ = [
    "AtrousConvolution1D", "AtrousConvolution2D", "CuDNNGRU", "CuDNNLSTM", "Deconvolution2D", "Highway",
    "LocallyConnected1D", "LocallyConnected2D", "MaxoutDense", "Merge", "ThresholdedReLU", "merge",
]  # fmt: skip

_kept = register_keras_serializable("keras_legacy")


@_kept
class Highway(Layer):
    """A dense layer that may let its input through.

    `y = t h(x W + b) + (1 - t) x` with `t = sigmoid(x W_t + b_t)`

    Args:
        activation: h.
        use_bias: Whether there are biases; that of the gate begins at `transform_bias`.
        transform_bias: A negative value lets the input through at first.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint: For kernel and bias.
        **kwargs: `name`, `dtype`, `trainable`.

    Example:
        >>> import lamina
        >>> from lamina.legacy.layers import Highway
        >>> Highway(activation="relu")(lamina.Input((3,))).shape
        (None, 3)

    Reference:
        Srivastava et al., 2015, Highway networks.
    """

    def __init__(
        self, activation: Any = None, use_bias: bool = True, transform_bias: float = -1.0,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.use_bias, self.transform_bias = use_bias, transform_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: Any) -> None:
        """Two kernels and biases."""
        n = input_shape[-1]
        kernel = {"regularizer": self.kernel_regularizer, "constraint": self.kernel_constraint}
        self.kernel = self.add_weight((n, n), self.kernel_initializer, name="W", **kernel)
        self.gate_kernel = self.add_weight((n, n), self.kernel_initializer, name="W_carry")
        if self.use_bias:
            bias = {"regularizer": self.bias_regularizer, "constraint": self.bias_constraint}
            first = initializers.Constant(self.transform_bias)
            self.bias = self.add_weight((n,), self.bias_initializer, name="b", **bias)
            self.gate_bias = self.add_weight((n,), first, name="b_carry")

    def call(self, inputs: Any) -> Any:
        """The mixture of the transformed and the plain input."""
        h, gate = ops.matmul(inputs, self.kernel), ops.matmul(inputs, self.gate_kernel)
        if self.use_bias:
            h, gate = h + self.bias, gate + self.gate_bias
        gate = ops.sigmoid(gate)
        return gate * self.activation(h) + (1 - gate) * inputs


@_kept
class MaxoutDense(Layer):
    """The largest of several affine maps, output by output.

    `y = max_k (x W_k + b_k)`

    Args:
        output_dim: The number of outputs.
        nb_feature: The number of maps.
        use_bias: Whether there are biases.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, kernel_constraint: For the kernel.
        **kwargs: `name`, `dtype`, `trainable`.

    Example:
        >>> import lamina
        >>> from lamina.legacy.layers import MaxoutDense
        >>> MaxoutDense(2, nb_feature=3)(lamina.Input((4,))).shape
        (None, 2)

    Reference:
        Goodfellow et al., 2013, Maxout networks.
    """

    def __init__(
        self, output_dim: int, nb_feature: int = 4, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, kernel_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.output_dim, self.nb_feature, self.use_bias = output_dim, nb_feature, use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape: Any) -> None:
        """One kernel and bias for each map."""
        shape = (self.nb_feature, input_shape[-1], self.output_dim)
        self.kernel = self.add_weight(
            shape, self.kernel_initializer, name="W", regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight((self.nb_feature, self.output_dim), self.bias_initializer, name="b")

    def call(self, inputs: Any) -> Any:
        """The largest of the maps."""
        maps = ops.einsum("bi,kio->bko", inputs, self.kernel)
        return ops.max(maps + self.bias if self.use_bias else maps, axis=1)


@_kept
class ThresholdedReLU(Layer):
    """`y = x` above `theta`, else 0.

    Args:
        theta: The threshold.
        **kwargs: `name`, `dtype`, `trainable`.

    Example:
        >>> from lamina.legacy.layers import ThresholdedReLU
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(ThresholdedReLU(1.0)(lamina.ops.array([0.5, 2.0]))).tolist()
        [0.0, 2.0]
    """

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = float(theta)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        """x above the threshold."""
        return inputs * ops.cast(ops.greater(inputs, self.theta), self.compute_dtype)


class _LocallyConnected(Layer):
    """A convolution whose kernel differs from place to place: what both ranks have in common."""

    rank = 0

    def __init__(
        self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid", data_format: Any = None,
        activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if kwargs.pop("implementation", 1) not in (1, 2, 3):
            raise ValueError("`implementation` must be 1, 2 or 3 (all are computed in the same way).")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if padding != "valid":
            raise ValueError(f"{type(self).__name__}: `padding` must be 'valid', got {padding!r}.")
        wide = lambda n: (n,) * self.rank if isinstance(n, int) else tuple(n)
        self.filters, self.kernel_size, self.strides = filters, wide(kernel_size), wide(strides)
        self.padding = padding
        self.data_format = data_format or K.image_data_format()
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Any) -> None:
        """A kernel for each place."""
        last = self.data_format == "channels_last"
        sizes, channels = (input_shape[1:-1], input_shape[-1]) if last else (input_shape[2:], input_shape[1])
        if None in (*sizes, channels):
            raise ValueError(
                f"{type(self).__name__} needs known sizes, got the input shape {tuple(input_shape)}."
            )
        steps = zip(sizes, self.kernel_size, self.strides, strict=True)
        self.places = tuple((n - k) // s + 1 for n, k, s in steps)
        count, window = 1, channels
        for n, k in zip(self.places, self.kernel_size, strict=True):
            count, window = count * n, window * k
        self.kernel = self.add_weight(
            (count, window, self.filters), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (*self.places, self.filters), self.bias_initializer, name="bias", regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )  # fmt: skip

    def call(self, inputs: Any) -> Any:
        """Each window times the kernel of its place."""
        if self.rank == 1:
            y = K.local_conv1d(inputs, self.kernel, self.kernel_size, self.strides, self.data_format)
        else:
            y = K.local_conv2d(
                inputs, self.kernel, self.kernel_size, self.strides, self.places, self.data_format
            )
        if self.use_bias:
            y = K.bias_add(y, self.bias, self.data_format)
        return self.activation(y)


@_kept
class LocallyConnected1D(_LocallyConnected):
    """A convolution over one axis whose kernel differs from place to place.

    Args:
        filters: The number of outputs.
        kernel_size, strides: The window and its steps.
        **kwargs: As for `Conv1D`.

    Example:
        >>> import lamina
        >>> from lamina.legacy.layers import LocallyConnected1D
        >>> LocallyConnected1D(2, 3)(lamina.Input((8, 4))).shape
        (None, 6, 2)
    """

    rank = 1


@_kept
class LocallyConnected2D(_LocallyConnected):
    """A convolution over two axes whose kernel differs from place to place.

    Args:
        filters: The number of outputs.
        kernel_size, strides: The window and its steps.
        **kwargs: As for `Conv2D`.

    Example:
        >>> import lamina
        >>> from lamina.legacy.layers import LocallyConnected2D
        >>> LocallyConnected2D(2, 3)(lamina.Input((8, 8, 1))).shape
        (None, 6, 6, 2)
    """

    rank = 2


# -- old names for layers of today -------------------------------------------------------------------------------------


def CuDNNLSTM(units: int, **kwargs: Any) -> Any:
    """`LSTM`: what runs fast is chosen by itself.

    Args:
        units: The size of the state.
        **kwargs: As for `LSTM`.
    """
    tell("CuDNNLSTM", "CuDNNLSTM", "LSTM(...)")
    return layers.LSTM(units, **kwargs)


def CuDNNGRU(units: int, **kwargs: Any) -> Any:
    """`GRU`: what runs fast is chosen by itself.

    Args:
        units: The size of the state.
        **kwargs: As for `GRU`.
    """
    tell("CuDNNGRU", "CuDNNGRU", "GRU(...)")
    return layers.GRU(units, **kwargs)


def AtrousConvolution1D(*args: Any, **kwargs: Any) -> Any:
    """`Conv1D` with a `dilation_rate`."""
    tell("AtrousConvolution1D", "AtrousConvolution1D", "Conv1D(..., dilation_rate=...)")
    return layers.Conv1D(*args, **kwargs)


def AtrousConvolution2D(*args: Any, **kwargs: Any) -> Any:
    """`Conv2D` with a `dilation_rate`."""
    tell("AtrousConvolution2D", "AtrousConvolution2D", "Conv2D(..., dilation_rate=...)")
    return layers.Conv2D(*args, **kwargs)


def Deconvolution2D(*args: Any, output_shape: Any = None, **kwargs: Any) -> Any:
    """`Conv2DTranspose`; its output shape follows from the other arguments."""
    tell("Deconvolution2D", "Deconvolution2D", "Conv2DTranspose(filters, kernel_size, ...)")
    return layers.Conv2DTranspose(*args, **kwargs)


# -- merging -----------------------------------------------------------------------------------------------------------


def _merging(mode: Any, concat_axis: int, dot_axes: Any, output_shape: Any, arguments: Any, name: Any) -> Any:
    if callable(mode):
        return layers.Lambda(mode, output_shape=output_shape, arguments=arguments, name=name)
    plain = {"sum": layers.Add, "mul": layers.Multiply, "ave": layers.Average, "max": layers.Maximum,
             "min": layers.Minimum}  # fmt: skip
    if mode in plain:
        return plain[mode](name=name)
    if mode == "concat":
        return layers.Concatenate(axis=concat_axis, name=name)
    if mode in ("dot", "cos"):
        axes = 1 if dot_axes == -1 else dot_axes
        return layers.Dot(axes=axes, normalize=mode == "cos", name=name)
    raise ValueError(
        f"merge: unknown mode {mode!r}. Use 'sum', 'mul', 'concat', 'ave', 'max', 'min', 'dot', 'cos' or a function."
    )


_NEW = {"sum": "Add()", "mul": "Multiply()", "ave": "Average()", "max": "Maximum()", "concat": "Concatenate()",
        "dot": "Dot(axes)", "cos": "Dot(axes, normalize=True)"}  # fmt: skip


def merge(
    inputs: Sequence[Any], mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1, output_shape: Any = None,
    output_mask: Any = None, arguments: Any = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Several tensors become one.

    Args:
        inputs: Tensors.
        mode: "sum", "mul", "concat", "ave", "max", "min", "dot", "cos", or a function of the list.
        concat_axis: For "concat".
        dot_axes: For "dot" and "cos".
        output_shape, arguments: For a function.
        output_mask: There is none in Lamina; masks follow from the layers.
        name: The layer's name.

    Example:
        >>> import lamina, warnings
        >>> from lamina.legacy.layers import merge
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     merge([lamina.Input((2,)), lamina.Input((3,))], mode="concat").shape
        (None, 5)
    """
    if output_mask is not None:
        raise NotImplementedError("merge(output_mask=...): give the layer that follows its mask.")
    new = _NEW.get(mode) if isinstance(mode, str) else None
    tell("merge", f"merge(mode={mode!r})" if new else "merge", f"{new or 'Lambda(function)'}(inputs)")
    return _merging(mode, concat_axis, dot_axes, output_shape, arguments, name)(list(inputs))


class Merge:
    """The layer of Keras 1 that joined models, in front of a `Sequential`, or was called on tensors.

    Args:
        layers: Models or layers with one output each.
        mode, concat_axis, dot_axes, output_shape, arguments, name: As for `merge`.

    Example:
        >>> import lamina, warnings
        >>> from lamina.legacy.layers import Merge
        >>> branch = lambda: lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(3)])
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     Merge([branch(), branch()], mode="concat").output_shape
        (None, 6)
    """

    def __new__(
        cls, layers: Any = None, mode: Any = "sum", concat_axis: int = -1, dot_axes: Any = -1,
        output_shape: Any = None, output_mask: Any = None, arguments: Any = None, name: Any = None, **_: Any,
    ) -> Any:  # fmt: skip
        if not layers:
            return _merging(mode, concat_axis, dot_axes, output_shape, arguments, name)
        outputs = [x if isinstance(x, KerasTensor) else x.output for x in layers]
        inputs = [i for x in layers for i in (x.inputs if hasattr(x, "inputs") else [x.input])]
        inputs = list({id(i): i for i in inputs}.values())
        made = merge(outputs, mode, concat_axis, dot_axes, output_shape, output_mask, arguments)
        return Functional(inputs, made, name=name)
