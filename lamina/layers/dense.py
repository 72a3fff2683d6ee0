"""Dense: the affine map of the last axis."""

from __future__ import annotations

from typing import Any

from lamina import activations, constraints, initializers, regularizers
from lamina.core.input_spec import InputSpec
from lamina.layers._later import Adaptable, not_yet
from lamina.ops.checks import at_least
from lamina.ops.nn._linear import linear


class Dense(Adaptable):
    """A fully connected layer.

    `y = activation(x kernel + bias)`

    Args:
        units: The number of outputs.
        activation: A function or its name; None leaves the sum as it is.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the weights, on the output.
        kernel_constraint, bias_constraint: Projections after each update.
        lora_rank, lora_alpha, quantization_config: Not supported yet.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (..., units) from (..., features).

    Raises:
        ValueError: if `units` is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.Dense(4, activation="relu")(lamina.ops.ones((2, 3))).shape == (2, 4)
        True
    """

    _keeps_marks = True
    kernel: Any = None
    bias: Any = None

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        not_yet(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.units = at_least("Dense", "units", units, 1)
        self.activation = activations.get(activation)
        self._plain = self.activation is activations.linear
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        features = input_shape[-1]
        self.kernel = self.add_weight(
            (features, self.units), self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,), self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Any) -> Any:
        bias = self.bias
        outputs = linear(inputs, self.kernel.value, None if bias is None else bias.value)
        return outputs if self._plain else self.activation(outputs)
