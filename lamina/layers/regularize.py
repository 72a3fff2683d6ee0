"""Noise and penalties that work during training only."""

from __future__ import annotations

from typing import Any

from lamina import regularizers
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.kernel.context import current
from lamina.random.draws import dropout, normal, uniform


def _rate(layer: Layer, rate: Any) -> Any:
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ValueError(
            f"{type(layer).__name__}: `rate` must be a number from 0 to 1 (the part that is dropped), got {rate!r}."
        )
    return rate


def _checked_noise_shape(noise_shape: Any) -> Any:
    """A tuple of sizes and None, or None.

    Raises:
        ValueError: for anything else.
    """
    if noise_shape is None:
        return None
    if not isinstance(noise_shape, list | tuple):
        raise ValueError(
            f"Dropout: `noise_shape` must be a tuple or list of integers and None, got {noise_shape!r}. Write "
            "(None, 1, None) to share the draws along axis 1."
        )
    if any(n is not None and (not isinstance(n, int) or n < 1) for n in noise_shape):
        raise ValueError(
            f"Dropout: the sizes in `noise_shape` must be positive integers or None, got {tuple(noise_shape)}."
        )
    return tuple(noise_shape)


class _Noise(Layer):
    """What the noisy layers share: a stream of seeds, and passing masks on."""

    _keeps_marks = True
    _weightless = True

    def __init__(self, seed: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True

    def _normal(self, like: Any, mean: float, stddev: float) -> Any:
        k = current()
        return normal(k.shape(like), mean, stddev, k.dtype(like), seed=self.seed_generator)


class Dropout(_Noise):
    """Sets a random part of the inputs to zero during training, and scales up the rest.

    `y = x keep / (1 - rate)`, keep is 1 with probability 1 - rate, else 0

    Args:
        rate: The part that is dropped, from 0 to 1.
        noise_shape: The shape of `keep`; None in it is the size of the input, 1 shares the draw along an axis.
        seed: An integer for repeatable draws.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape; the input itself when not training.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> y = lamina.layers.Dropout(0.5)(lamina.ops.ones((2, 3)), training=True)
        >>> set(lamina.ops.convert_to_numpy(y).ravel().tolist()) <= {0.0, 2.0}
        True

    Reference:
        Srivastava et al., 2014: Dropout, https://jmlr.org/papers/v15/srivastava14a.html
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = _rate(self, rate)
        self.noise_shape = _checked_noise_shape(noise_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return dropout(inputs, self.rate, noise_shape=self._noise_shape(inputs), seed=self.seed_generator)

    def _noise_shape(self, inputs: Any) -> Any:
        return self.noise_shape


class GaussianDropout(_Noise):
    """Multiplies by normal noise of mean 1 during training.

    `y = x (1 + sqrt(rate / (1 - rate)) n)`, n standard normal

    Args:
        rate: The rate of the `Dropout` whose variance this noise has.
        seed: An integer for repeatable draws.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape; the input itself when not training.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.GaussianDropout(0.5)(lamina.ops.ones((2, 3)), training=True).shape == (2, 3)
        True
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = _rate(self, rate)
        if rate == 1:
            raise ValueError("GaussianDropout: `rate` must be below 1: the noise would be infinite, got 1.")

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        return inputs * self._normal(inputs, 1.0, (self.rate / (1.0 - self.rate)) ** 0.5)


class GaussianNoise(_Noise):
    """Adds normal noise during training.

    `y = x + stddev n`, n standard normal

    Args:
        stddev: The noise's standard deviation.
        seed: An integer for repeatable draws.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape; the input itself when not training.

    Raises:
        ValueError: if `stddev` is negative.

    Example:
        >>> import lamina
        >>> lamina.layers.GaussianNoise(0.1)(lamina.ops.ones((2, 3)), training=True).shape == (2, 3)
        True
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        if not isinstance(stddev, int | float) or stddev < 0:
            raise ValueError(f"GaussianNoise: `stddev` must be a number of at least 0, got {stddev!r}.")
        self.stddev = stddev

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.stddev == 0:
            return inputs
        k = current()
        return (
            inputs
            + k.random_normal(self.seed_generator.next(), k.shape(inputs), k.dtype(inputs)) * self.stddev
        )


class AlphaDropout(_Noise):
    """Dropout that keeps mean and variance of inputs of mean 0 and variance 1, as `selu` makes them.

    `y = a (x keep + alpha' (1 - keep)) + b`, where alpha' is the least value of `selu` and a, b restore the moments

    Args:
        rate: The part that is dropped, from 0 to 1.
        noise_shape: The shape of `keep`; None in it is the size of the input.
        seed: An integer for repeatable draws.
        **kwargs: `name`, `dtype`.

    Returns:
        A tensor of the same shape; the input itself when not training.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.AlphaDropout(0.5)(lamina.ops.ones((2, 3)), training=True).shape == (2, 3)
        True

    Reference:
        Klambauer et al., 2017: Self-Normalizing Neural Networks, https://arxiv.org/abs/1706.02515
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = _rate(self, rate)
        if rate == 1:
            raise ValueError("AlphaDropout: `rate` must be below 1, got 1.")
        self.noise_shape = _checked_noise_shape(noise_shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        least = -1.6732632423543772 * 1.0507009873554805  # -alpha * scale of selu
        a = ((1 - self.rate) * (1 + self.rate * least**2)) ** -0.5
        b = -a * least * self.rate
        k = current()
        shape = self.noise_shape or (None,) * len(inputs.shape)
        sizes = [n if wanted is None else wanted for n, wanted in zip(k.shape(inputs), shape, strict=True)]
        keep = uniform(sizes, dtype="float32", seed=self.seed_generator) >= self.rate
        return k.where(keep, inputs, least) * a + b


class _SpatialDropout(Dropout):
    """Dropout of whole channels."""

    def __init__(
        self,
        rank: int,
        rate: float,
        data_format: str | None,
        seed: int | None,
        name: Any,
        dtype: Any,
        **kwargs: Any,
    ) -> None:
        from lamina import config

        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def _noise_shape(self, inputs: Any) -> Any:
        ones = (1,) * (len(inputs.shape) - 2)
        return (None, *ones, None) if self.data_format == "channels_last" else (None, None, *ones)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: these layers write the name of their dtype, and no `trainable`."""
        config = super().get_config()
        del config["trainable"]
        return {**config, "dtype": self.dtype}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences.

    Args:
        rate: The part of the channels that is dropped.
        seed: An integer for repeatable draws.
        name: A name.
        dtype: A dtype name or policy.

    Returns:
        (batch, steps, channels), the shape of the input.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.SpatialDropout1D(0.5)(lamina.ops.ones((2, 4, 3)), training=True).shape == (2, 4, 3)
        True

    Reference:
        Tompson et al., 2014: Efficient Object Localization, https://arxiv.org/abs/1411.4280
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(1, rate, "channels_last", seed, name, dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: The part of the channels that is dropped.
        data_format: "channels_last", "channels_first" or None for the default.
        seed: An integer for repeatable draws.
        name: A name.
        dtype: A dtype name or policy.

    Returns:
        A tensor of the shape of the input, of rank 4.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.SpatialDropout2D(0.5)(lamina.ops.ones((2, 4, 4, 3)), training=True).shape == (2, 4, 4, 3)
        True
    """

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(2, rate, data_format, seed, name, dtype, **kwargs)


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: The part of the channels that is dropped.
        data_format: "channels_last", "channels_first" or None for the default.
        seed: An integer for repeatable draws.
        name: A name.
        dtype: A dtype name or policy.

    Returns:
        A tensor of the shape of the input, of rank 5.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.SpatialDropout3D(0.5)(lamina.ops.ones((2, 4, 4, 4, 3)), training=True).shape[-1]
        3
    """

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(3, rate, data_format, seed, name, dtype, **kwargs)


class ActivityRegularization(Layer):
    """Passes its input, and adds a penalty on it to the loss.

    `l1 sum |x| + l2 sum x^2`, per sample

    Args:
        l1, l2: The factors.
        **kwargs: `name`, `dtype`.

    Returns:
        The input.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.ActivityRegularization(l2=0.5)
        >>> y = layer(lamina.ops.ones((1, 2)))
        >>> float(layer.losses[0])
        1.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The factors; the penalty follows from them."""
        config = super().get_config()
        del config["activity_regularizer"]
        return config
