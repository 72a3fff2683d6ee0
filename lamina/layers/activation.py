"""Activations as layers."""

from __future__ import annotations

import warnings
from typing import Any

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.activations import relu
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.layers._masks import broadcasts_to
from lamina.ops.checks import at_least, shown
from lamina.ops.math import logsumexp
from lamina.ops.nn.activations import elu, leaky_relu, softmax


class Activation(Layer):
    """Any activation function as a layer.

    Args:
        activation: A function or its name.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if the name is unknown.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Activation("relu")(lamina.ops.array([-1.0, 2.0]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [0.0, 2.0]
    """

    _keeps_marks = True
    _weightless = True
    _is_activation = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return self.activation(inputs)


def _not_negative(layer: Layer, name: str, value: Any) -> float:
    if not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{type(layer).__name__}: `{name}` must be a number of at least 0, got {value!r}.")
    return value


class ReLU(Layer):
    """Rectified linear unit, with an optional ceiling, slope and threshold.

    `x >= max_value: max_value; x >= threshold: x; else negative_slope (x - threshold)`

    Args:
        max_value: The largest result, or None.
        negative_slope: The slope below the threshold.
        threshold: Where the slope begins.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if an argument is negative.

    Example:
        >>> import lamina
        >>> y = lamina.layers.ReLU(max_value=3)(lamina.ops.array([-1.0, 2.0, 9.0]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [0.0, 2.0, 3.0]
    """

    _keeps_marks = True
    _weightless = True
    _is_activation = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else _not_negative(self, "max_value", max_value)
        self.negative_slope = _not_negative(self, "negative_slope", negative_slope)
        self.threshold = _not_negative(self, "threshold", threshold)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )


class LeakyReLU(Layer):
    """ReLU with a slope for negative inputs.

    `x if x >= 0 else negative_slope x`

    Args:
        negative_slope: The slope.
        **kwargs: `name`, `dtype`; `alpha` is an old name of the slope.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if the slope is negative.

    Example:
        >>> import lamina
        >>> y = lamina.layers.LeakyReLU(0.5)(lamina.ops.array([-1.0, 2.0]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [-0.5, 2.0]
    """

    _keeps_marks = True
    _weightless = True
    _is_activation = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            warnings.warn("LeakyReLU: `alpha` is an old name, use `negative_slope`.", stacklevel=2)
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = _not_negative(self, "negative_slope", negative_slope)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return leaky_relu(inputs, negative_slope=self.negative_slope)


class PReLU(Layer):
    """ReLU whose slope for negative inputs is learned, per feature.

    `x if x >= 0 else alpha x`

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: The slopes' first values, penalty, projection.
        shared_axes: The axes along which slopes are shared, such as [1, 2] for the pixels of images.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape.

    Raises:
        ValueError: if a shared axis is not an integer of at least 1, or the input has no such axis.

    Example:
        >>> import lamina
        >>> lamina.layers.PReLU("ones")(lamina.ops.ones((2, 3))).shape == (2, 3)
        True

    Reference:
        He et al., 2015: Delving Deep into Rectifiers, https://arxiv.org/abs/1502.01852
    """

    _keeps_marks = True
    _is_activation = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None:
            shared_axes = list(shared_axes) if isinstance(shared_axes, list | tuple) else [shared_axes]
            for axis in shared_axes:
                at_least("PReLU", "shared_axes", axis, 1)
        self.shared_axes = shared_axes
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        shared = self.shared_axes or ()
        if any(axis >= len(input_shape) for axis in shared):
            raise ValueError(
                f"Layer {self.path!r} (PReLU): `shared_axes` {shared} must be axes of the input, which has shape "
                f"{shown(input_shape)}."
            )
        sizes = [1 if axis in shared else n for axis, n in enumerate(input_shape)][1:]
        self.alpha = self.add_weight(
            sizes, self.alpha_initializer, name="alpha",
            regularizer=self.alpha_regularizer, constraint=self.alpha_constraint,
        )  # fmt: skip
        own = {axis: n for axis, n in enumerate(input_shape) if axis and axis not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Any) -> Any:
        return relu(inputs) - self.alpha.value * relu(-inputs)


class ELU(Layer):
    """Exponential linear unit.

    `x if x > 0 else alpha (exp(x) - 1)`

    Args:
        alpha: The size of the largest negative result.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import lamina
        >>> lamina.layers.ELU()(lamina.ops.ones((2, 3))).shape == (2, 3)
        True

    Reference:
        Clevert et al., 2015: Exponential Linear Units, https://arxiv.org/abs/1511.07289
    """

    _keeps_marks = True
    _weightless = True
    _is_activation = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return elu(inputs, alpha=self.alpha)


class Softmax(Layer):
    """Softmax over one or more axes; masked entries get (nearly) nothing.

    `exp(x) / sum exp(x)`

    Args:
        axis: An axis, or several; None for all.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape. `call` also takes `mask`, a bool tensor that broadcasts to the input: True where
        entries count.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Softmax()(lamina.ops.array([1.0, 1.0]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [0.5, 0.5]
    """

    _keeps_marks = True
    _weightless = True
    _is_activation = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if axis in ((), []) or isinstance(axis, bool) or not isinstance(axis, int | list | tuple | None):
            raise ValueError(f"Softmax: `axis` must be an integer, several, or None for all, got {axis!r}.")
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is not None:
            self._check_mask(inputs, mask)
            least = -3e4 if self.compute_dtype == "float16" else -1e9  # -inf would give NaN in empty rows
            weights = self._softmax(ops.where(ops.cast(mask, "bool"), inputs, least))
            return weights * ops.cast(mask, weights.dtype)
        return self._softmax(inputs)

    def _check_mask(self, inputs: Any, mask: Any) -> None:
        wanted, have = inputs.shape, mask.shape
        if not broadcasts_to(have, wanted):
            raise ValueError(
                f"Layer {self.path!r} (Softmax): `mask` must have the shape of the input, {shown(wanted)}, or one that "
                f"broadcasts to it, got {shown(have)}."
            )

    def _softmax(self, x: Any) -> Any:
        axis = self.axis
        if isinstance(axis, int) and -len(x.shape) <= axis < len(x.shape) and x.shape[axis] == 1:
            warnings.warn(
                f"Layer {self.path!r} (Softmax): axis {axis} of an input of shape {shown(x.shape)} has size 1, so the "
                "result is always 1. A sigmoid may be meant.",
                stacklevel=2,
            )
        if isinstance(self.axis, int):
            return softmax(x, axis=self.axis)
        axis = tuple(self.axis) if isinstance(self.axis, list) else self.axis
        return ops.exp(x - logsumexp(x, axis=axis, keepdims=True))
