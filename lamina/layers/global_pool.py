"""Pooling to one value per channel, or to a given size."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.layers._masks import check_mask
from lamina.ops.nn._window import per_axis
from lamina.ops.nn.pooling import adaptive_average_pool, adaptive_max_pool


class _Global(Layer):
    """A reduction of all spatial axes; `_reduce` is the op."""

    _keeps_marks = True
    _weightless = True
    _rank: int
    _reduce: Any

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def _axes(self) -> tuple[int, ...]:
        first = 1 if self.data_format == "channels_last" else 2
        return tuple(range(first, first + self._rank))

    def call(self, inputs: Any) -> Any:
        return self._reduce(inputs, axis=self._axes(), keepdims=self.keepdims)


class GlobalAveragePooling1D(_Global):
    """The mean over the steps of a sequence; masked steps do not count.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axis stays with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, steps, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalAveragePooling1D()(lamina.ops.ones((2, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 1
    _reduce = staticmethod(ops.mean)

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True
        self._makes_masks = False  # it only ends them, so calls without masks may take the short way

    def call(self, inputs: Any, mask: Any = None) -> Any:
        if mask is None:
            return super().call(inputs)
        (axis,) = self._axes()
        check_mask(self, "the mask", mask.shape, "(batch, steps)", (inputs.shape[0], inputs.shape[axis]))
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 2 if axis == 1 else 1)
        total = ops.sum(inputs * weights, axis=axis, keepdims=self.keepdims)
        counted = ops.sum(weights, axis=axis, keepdims=self.keepdims)
        return total / ops.where(
            ops.equal(counted, 0.0), 1.0, counted
        )  # a row that is masked entirely gives 0

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: the steps are gone."""
        return


class GlobalAveragePooling2D(_Global):
    """The mean over the pixels of an image.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axes stay with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, height, width, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalAveragePooling2D()(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 2
    _reduce = staticmethod(ops.mean)


class GlobalAveragePooling3D(_Global):
    """The mean over the places of a volume.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axes stay with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, depth, height, width, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalAveragePooling3D()(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 3
    _reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_Global):
    """The largest value over the steps of a sequence.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axis stays with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, steps, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalMaxPooling1D()(lamina.ops.ones((2, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 1
    _reduce = staticmethod(ops.max)


class GlobalMaxPooling2D(_Global):
    """The largest value over the pixels of an image.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axes stay with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, height, width, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalMaxPooling2D()(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 2
    _reduce = staticmethod(ops.max)


class GlobalMaxPooling3D(_Global):
    """The largest value over the places of a volume.

    Args:
        data_format: "channels_last", "channels_first" or None for the default.
        keepdims: Whether the reduced axes stay with size 1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, channels) from (batch, depth, height, width, channels).

    Example:
        >>> import lamina
        >>> lamina.layers.GlobalMaxPooling3D()(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 3)
        True
    """

    _rank = 3
    _reduce = staticmethod(ops.max)


GlobalAvgPool1D, GlobalAvgPool2D, GlobalAvgPool3D = (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
)
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D


class _Adaptive(Layer):
    """Pooling to a given size; `_pool` is the op."""

    _rank: int
    _pool: Any

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = per_axis(type(self).__name__, "output_size", output_size, self._rank)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    def call(self, inputs: Any) -> Any:
        return self._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The output's size does not depend on the input's."""
        batch, channels = input_shape[0], input_shape[-1 if self.data_format == "channels_last" else 1]
        if self.data_format == "channels_last":
            return (batch, *self.output_size, channels)
        return (batch, channels, *self.output_size)


class AdaptiveAveragePooling1D(_Adaptive):
    """Means of windows chosen so that sequences get a given length.

    Args:
        output_size: The length.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, output_size, channels) from (batch, steps, channels).

    Raises:
        ValueError: if `output_size` is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveAveragePooling1D(2)(lamina.ops.ones((2, 5, 3))).shape == (2, 2, 3)
        True
    """

    _rank = 1
    _pool = staticmethod(adaptive_average_pool)


class AdaptiveAveragePooling2D(_Adaptive):
    """Means of windows chosen so that images get a given size.

    Args:
        output_size: The size: an integer, or two.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *output_size, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if `output_size` is not positive.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveAveragePooling2D(2)(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 2, 2, 3)
        True
    """

    _rank = 2
    _pool = staticmethod(adaptive_average_pool)


class AdaptiveAveragePooling3D(_Adaptive):
    """Means of windows chosen so that volumes get a given size.

    Args:
        output_size: The size: an integer, or three.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *output_size, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if `output_size` is not positive.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveAveragePooling3D(2)(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 2, 2, 2, 3)
        True
    """

    _rank = 3
    _pool = staticmethod(adaptive_average_pool)


class AdaptiveMaxPooling1D(_Adaptive):
    """Largest values of windows chosen so that sequences get a given length.

    Args:
        output_size: The length.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, output_size, channels) from (batch, steps, channels).

    Raises:
        ValueError: if `output_size` is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveMaxPooling1D(2)(lamina.ops.ones((2, 5, 3))).shape == (2, 2, 3)
        True
    """

    _rank = 1
    _pool = staticmethod(adaptive_max_pool)


class AdaptiveMaxPooling2D(_Adaptive):
    """Largest values of windows chosen so that images get a given size.

    Args:
        output_size: The size: an integer, or two.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *output_size, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if `output_size` is not positive.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveMaxPooling2D(2)(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 2, 2, 3)
        True
    """

    _rank = 2
    _pool = staticmethod(adaptive_max_pool)


class AdaptiveMaxPooling3D(_Adaptive):
    """Largest values of windows chosen so that volumes get a given size.

    Args:
        output_size: The size: an integer, or three.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *output_size, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if `output_size` is not positive.

    Example:
        >>> import lamina
        >>> lamina.layers.AdaptiveMaxPooling3D(2)(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 2, 2, 2, 3)
        True
    """

    _rank = 3
    _pool = staticmethod(adaptive_max_pool)
