"""Normalization of each sample by itself."""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.layers._factors import ScaledAndShifted
from lamina.ops.checks import at_least, axes_of, axis_of
from lamina.ops.math import rsqrt
from lamina.ops.nn.normalization import layer_normalization, moments, normalize, rms_normalization
from lamina.ops.tensors import in_floats


def _axes(layer: Layer, axis: Any, rank: int) -> tuple[int, ...]:
    return axes_of(f"Layer {layer.path!r} ({type(layer).__name__})", list(axis), rank)


def _as_list(layer: Layer, axis: Any) -> list[int]:
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    for a in axes:
        if not isinstance(a, int):
            raise TypeError(f"{type(layer).__name__}: `axis` must be an integer or several, got {axis!r}.")
    return axes


class LayerNormalization(ScaledAndShifted):
    """Normalization of each sample by its own mean and variance.

    `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`

    Args:
        axis: The axis or axes over which mean and variance are taken.
        epsilon: Keeps the division finite.
        center, scale: Whether to learn beta, gamma.
        beta_initializer, gamma_initializer: First values.
        beta_regularizer, gamma_regularizer: Penalties.
        beta_constraint, gamma_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`. `rms_scaling=True` (deprecated) divides without subtracting the mean.

    Returns:
        A tensor of the shape of the input.

    Raises:
        ValueError: if an axis does not exist or its size is unknown.

    Example:
        >>> import lamina
        >>> y = lamina.layers.LayerNormalization(epsilon=0.0)(lamina.ops.array([[1.0, 3.0]]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[-1.0, 1.0]]

    Reference:
        Ba et al., 2016: Layer Normalization, https://arxiv.org/abs/1607.06450
    """

    _keeps_marks = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        self_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis = axis if isinstance(axis, int) else _as_list(self, axis)
        self.rms_scaling = self_scaling
        self.center = center and not self_scaling

    def build(self, input_shape: tuple) -> None:
        self.axis = _as_list(self, self.axis)
        axes = _axes(self, self.axis, len(input_shape))
        self._add_factors(tuple(input_shape[a] for a in axes))

    def call(self, inputs: Any) -> Any:
        options = {"rms_scaling": True} if self.rms_scaling else {}
        return layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon, **options)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


class GroupNormalization(ScaledAndShifted):
    """Normalization of each sample in groups of channels.

    `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`, moments over the places and the channels of a group

    Args:
        groups: The number of groups; -1 makes each channel its own group (instance normalization).
        axis: The axis of the channels.
        epsilon: Keeps the division finite.
        center, scale: Whether to learn beta, gamma.
        beta_initializer, gamma_initializer: First values.
        beta_regularizer, gamma_regularizer: Penalties.
        beta_constraint, gamma_constraint: Projections after each update.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        A tensor of the shape of the input.

    Raises:
        ValueError: if the channels are no multiple of the groups.

    Example:
        >>> import lamina
        >>> lamina.layers.GroupNormalization(groups=2)(lamina.ops.ones((2, 5, 4))).shape == (2, 5, 4)
        True

    Reference:
        Wu and He, 2018: Group Normalization, https://arxiv.org/abs/1803.08494
    """

    _keeps_marks = True

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.groups = groups if groups == -1 else at_least("GroupNormalization", "groups", groups, 1)
        self.axis = axis

    def build(self, input_shape: tuple) -> None:
        axis = axis_of("GroupNormalization", self.axis, len(input_shape))
        size = input_shape[axis]
        self._add_factors((size,), autocast=False)
        if self.groups == -1:
            self.groups = size
        if size % self.groups:
            raise ValueError(
                f"Layer {self.path!r} (GroupNormalization): the input's {size} channels (axis {self.axis} of "
                f"{input_shape}) must be a multiple of `groups`, which is {self.groups}. Use `groups` that divide them, or -1."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: size})

    def call(self, inputs: Any) -> Any:
        k = current()
        axis = self.axis % len(inputs.shape)
        sizes = k.shape(inputs)
        half = self.compute_dtype in ("float16", "bfloat16")
        wide = k.astype(inputs, "float32") if half else in_floats(k, inputs, self.compute_dtype)
        # The group's own axis stands before the channels; moments are taken over all but it and the batch.
        grouped = ops.reshape(
            wide, (*sizes[:axis], self.groups, sizes[axis] // self.groups, *sizes[axis + 1 :])
        )
        axes = [i for i in range(1, len(sizes) + 1) if i != axis]
        mean, variance = moments(grouped, axes, keepdims=True)
        normal = ops.reshape((grouped - mean) * rsqrt(variance + self.epsilon), sizes)
        return ops.cast(self._scaled(normal, axis), self.compute_dtype)

    def _scaled(self, x: Any, axis: int) -> Any:
        places = [-1 if i == axis else 1 for i in range(len(x.shape))]
        if self.gamma is not None:
            x = ops.multiply(x, ops.reshape(self.gamma, places))
        return x if self.beta is None else ops.add(x, ops.reshape(self.beta, places))


class RMSNormalization(Layer):
    """Normalization by the root mean square.

    `y = scale x / sqrt(mean(x^2) + epsilon)`

    Args:
        axis: The axis or axes of the mean.
        epsilon: Keeps the division finite.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        A tensor of the shape of the input.

    Raises:
        ValueError: if an axis does not exist or its size is unknown.

    Example:
        >>> import lamina
        >>> y = lamina.layers.RMSNormalization(epsilon=0.0)(lamina.ops.array([[3.0, 3.0]]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[1.0, 1.0]]

    Reference:
        Zhang and Sennrich, 2019: Root Mean Square Layer Normalization, https://arxiv.org/abs/1910.07467
    """

    _keeps_marks = True

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int | tuple) else _as_list(self, axis)
        self.epsilon = epsilon

    def build(self, input_shape: tuple) -> None:
        axes = _axes(self, _as_list(self, self.axis), len(input_shape))
        self.scale = self.add_weight(tuple(input_shape[a] for a in axes), "ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return rms_normalization(inputs, self.scale, _as_list(self, self.axis), self.epsilon)


class UnitNormalization(Layer):
    """Division of each sample by its norm.

    `y = x / sqrt(sum x^2)`

    Args:
        axis: The axis or axes of the norm.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the shape of the input.

    Raises:
        TypeError: if an axis is no integer.

    Example:
        >>> import lamina
        >>> y = lamina.layers.UnitNormalization()(lamina.ops.array([[0.0, 2.0]]))
        >>> lamina.ops.convert_to_numpy(y).tolist()
        [[0.0, 1.0]]
    """

    _keeps_marks = True
    _weightless = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._axes = _as_list(self, axis)
        self.axis = self._axes if isinstance(axis, list | tuple) else axis
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return normalize(inputs, axis=self._axes, order=2, epsilon=1e-12)
