"""Batch normalization."""

from __future__ import annotations

from typing import Any

from lamina import initializers, ops
from lamina.core.input_spec import InputSpec
from lamina.kernel.context import current
from lamina.layers._factors import ScaledAndShifted
from lamina.layers._masks import broadcasts_to
from lamina.ops.checks import axis_of, number, one_of, shown
from lamina.ops.nn.normalization import batch_normalization, moments


class BatchNormalization(ScaledAndShifted):
    """Normalization by the mean and variance of the batch; by their moving averages when not training.

    `y = gamma (x - mean) / sqrt(variance + epsilon) + beta`
    `moving = momentum moving + (1 - momentum) batch`

    Args:
        axis: The axis of the features.
        momentum: Of the moving averages.
        epsilon: Keeps the division finite.
        center, scale: Whether to learn beta, gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: First values.
        beta_regularizer, gamma_regularizer: Penalties.
        beta_constraint, gamma_constraint: Projections after each update.
        renorm: Whether to correct the moments of the batch towards their averages, so that training and inference
            compute alike: `y = gamma ((x - mean) / deviation r + d) + beta` with `r = deviation / renorm_stddev` and
            `d = (mean - renorm_mean) / renorm_stddev`, both constant to the gradient.
        renorm_clipping: Bounds "rmin" and "rmax" of r, and "dmax" of |d|.
        renorm_momentum: Of the averages `renorm_mean` and `renorm_stddev`.
        synchronized: Whether replicas share the moments. Lamina's steps see the whole batch whatever the devices,
            so it is always so.
        **kwargs: `name`, `dtype`, `trainable`. A layer that is not trainable uses its moving averages.

    Returns:
        A tensor of the shape of the input. `call` also takes `mask` of the shape of the input without its last axes:
        where it is False, entries do not count for the moments.

    Raises:
        ValueError: if the axis does not exist or its size is unknown, or the momentum is out of range.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.BatchNormalization()
        >>> y = layer(lamina.ops.array([[1.0], [3.0]]), training=True)
        >>> [round(float(v), 2) for v in lamina.ops.convert_to_numpy(y).ravel()]
        [-1.0, 1.0]

    Reference:
        Ioffe and Szegedy, 2015: Batch Normalization, https://arxiv.org/abs/1502.03167
        Ioffe, 2017: Batch Renormalization, https://arxiv.org/abs/1702.03275
    """

    _keeps_marks = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon, center, scale, beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer,
            beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        self.axis = int(axis)
        if isinstance(momentum, str | list | tuple | None) or not 0 <= momentum <= 1:
            raise ValueError(f"BatchNormalization: `momentum` must be from 0 to 1, got {momentum!r}.")
        self.momentum = float(momentum)
        self.epsilon = float(number("BatchNormalization", "epsilon", epsilon))
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        self.renorm_clipping = _checked_bounds(renorm_clipping) if renorm else renorm_clipping
        self.synchronized = synchronized

    def build(self, input_shape: tuple) -> None:
        axis = axis_of("BatchNormalization", self.axis, len(input_shape))
        size = input_shape[axis]
        if size is None:
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization): axis {self.axis} of {input_shape} is unknown."
            )
        self._add_factors((size,), autocast=False)
        self.moving_mean = self._average(size, "moving_mean", self.moving_mean_initializer)
        self.moving_variance = self._average(size, "moving_variance", self.moving_variance_initializer)
        if self.renorm:
            self.moving_stddev = self._average(size, "moving_stddev", "ones")
            self.renorm_mean = self._average(size, "renorm_mean", "zeros")
            self.renorm_stddev = self._average(size, "renorm_stddev", "ones")
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: size})

    def _average(self, size: int, name: str, initializer: Any) -> Any:
        return self.add_weight((size,), initializer, name=name, trainable=False, autocast=False)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        k = current()
        # Moments of half precision lose their digits, so all is done in float32.
        wide = k.astype(inputs, "float32") if self.compute_dtype in ("float16", "bfloat16") else inputs
        scale, offset = self.gamma, self.beta
        if training and self.trainable:
            mean, variance = self._moments(wide, mask)
            if self.renorm:
                scale, offset = self._corrected(mean, variance)
            else:
                self._move(self.moving_variance, variance)
            self._move(self.moving_mean, mean)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        outputs = batch_normalization(wide, mean, variance, self.axis, offset, scale, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def _move(self, average: Any, value: Any, momentum: float | None = None) -> None:
        part = self.momentum if momentum is None else momentum
        average.assign(average.value * part + ops.cast(value, average.dtype) * (1.0 - part))

    def _corrected(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Scale and offset of batch renormalization; its averages move."""
        deviation = ops.sqrt(variance + self.epsilon)
        bounds = self.renorm_clipping
        ratio = ops.clip(
            ops.divide(deviation, self.renorm_stddev),
            bounds.get("rmin", 0.0),
            bounds.get("rmax", float("inf")),
        )
        largest = bounds.get("dmax", float("inf"))
        shift = ops.clip(
            ops.divide(ops.subtract(mean, self.renorm_mean), self.renorm_stddev), -largest, largest
        )
        ratio, shift = ops.stop_gradient(ratio), ops.stop_gradient(shift)
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, deviation, self.renorm_momentum)
        self._move(self.moving_stddev, deviation)
        self.moving_variance.assign(ops.relu(ops.square(self.moving_stddev) - self.epsilon))
        if self.gamma is not None:
            ratio, shift = (
                ops.multiply(ratio, self.gamma),
                ops.multiply(shift, self.gamma),
            )  # of half precision
        return ratio, shift if self.beta is None else ops.add(shift, self.beta)

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance over all axes but the features', of the entries that the mask leaves."""
        kept = self.axis % len(x.shape)
        axes = tuple(i for i in range(len(x.shape)) if i != kept)
        if mask is None:
            return moments(x, axes)
        weights = self._weights(x, mask)
        total = ops.sum(weights, axes, keepdims=True) + 1e-7  # a batch may be masked entirely
        mean = ops.sum(x * weights, axes, keepdims=True) / total
        variance = ops.sum(ops.square(x - mean) * weights, axes, keepdims=True) / total
        return ops.squeeze(mean, axes), ops.squeeze(variance, axes)

    def _weights(self, x: Any, mask: Any) -> Any:
        """The mask as ones and zeros, of the rank of x."""
        rank = len(mask.shape)
        leading = (*mask.shape, *[1] * (len(x.shape) - rank))
        if rank > len(x.shape) or not broadcasts_to(leading, x.shape):
            raise ValueError(
                f"Layer {self.path!r} (BatchNormalization): `mask` must have the first sizes of the input's shape "
                f"{shown(x.shape)}, or 1 in place of some, got {shown(mask.shape)}."
            )
        wide = ops.cast(ops.expand_dims(mask, tuple(range(rank, len(x.shape)))), x.dtype)
        return ops.broadcast_to(wide, ops.shape(x))


def _checked_bounds(given: Any) -> dict[str, float]:
    if not isinstance(given, dict | None):
        raise ValueError(f"BatchNormalization: `renorm_clipping` must be a dict of bounds, got {given!r}.")
    bounds = dict(given or {})
    for name in bounds:
        one_of("BatchNormalization", "key of `renorm_clipping`", name, ("rmin", "rmax", "dmax"))
    if bounds.get("rmin", 0.0) > bounds.get("rmax", float("inf")):
        raise ValueError(f"BatchNormalization: `renorm_clipping` has rmin above rmax: {bounds}.")
    return bounds
