"""Pooling: one core of any rank for maximum and mean, and its thin ranks."""

from __future__ import annotations

from typing import Any

from lamina import config
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.ops.checks import one_of
from lamina.ops.nn._window import per_axis
from lamina.ops.nn.pooling import average_pool, max_pool


class BasePooling(Layer):
    """Pooling over `rank` spatial axes; `_pool` is the op."""

    _keeps_marks = True
    _weightless = True
    _pool: Any

    def __init__(
        self, rank: int, pool_size: Any, strides: Any, padding: str, data_format: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.pool_size = per_axis(kind, "pool_size", pool_size, rank)
        self.strides = self.pool_size if strides is None else per_axis(kind, "strides", strides, rank)
        self.padding = one_of(kind, "padding", padding, ("valid", "same"))
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Any) -> Any:
        return self._pool(inputs, self.pool_size, self.strides, self.padding, self.data_format)


class _Max(BasePooling):
    _pool = staticmethod(max_pool)


class _Average(BasePooling):
    _pool = staticmethod(average_pool)


class MaxPooling1D(_Max):
    """The largest value in each window of a sequence.

    Args:
        pool_size: The length of the window.
        strides: The distance of the windows; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, new steps, channels) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.MaxPooling1D(2)(lamina.ops.ones((2, 6, 3))).shape == (2, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(1, pool_size, strides, padding, data_format, name=name, **kwargs)


class MaxPooling2D(_Max):
    """The largest value in each window of an image.

    Args:
        pool_size: The window: an integer, or two.
        strides: The distance of the windows: an integer, or two; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, new height, new width, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.MaxPooling2D(2)(lamina.ops.ones((2, 6, 6, 3))).shape == (2, 3, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(2, pool_size, strides, padding, data_format, name=name, **kwargs)


class MaxPooling3D(_Max):
    """The largest value in each window of a volume.

    Args:
        pool_size: The window: an integer, or three.
        strides: The distance of the windows: an integer, or three; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, *new sizes, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.MaxPooling3D(2)(lamina.ops.ones((2, 6, 6, 6, 3))).shape == (2, 3, 3, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any = (2, 2, 2), strides: Any = None, padding: str = "valid",
        data_format: str | None = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(3, pool_size, strides, padding, data_format, name=name, **kwargs)


class AveragePooling1D(_Average):
    """The mean of each window of a sequence; places outside do not count.

    Args:
        pool_size: The length of the window.
        strides: The distance of the windows; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, new steps, channels) from (batch, steps, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.AveragePooling1D(2)(lamina.ops.ones((2, 6, 3))).shape == (2, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(1, pool_size, strides, padding, data_format, name=name, **kwargs)


class AveragePooling2D(_Average):
    """The mean of each window of an image; places outside do not count.

    Args:
        pool_size: The window: an integer, or two.
        strides: The distance of the windows: an integer, or two; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, new height, new width, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.AveragePooling2D(2)(lamina.ops.ones((2, 6, 6, 3))).shape == (2, 3, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(2, pool_size, strides, padding, data_format, name=name, **kwargs)


class AveragePooling3D(_Average):
    """The mean of each window of a volume; places outside do not count.

    Args:
        pool_size: The window: an integer, or three.
        strides: The distance of the windows: an integer, or three; the window by default.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first" or None for the default.
        name: A name.
        **kwargs: `dtype`.

    Returns:
        (batch, *new sizes, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if an argument is unknown or out of range.

    Example:
        >>> import lamina
        >>> lamina.layers.AveragePooling3D(2)(lamina.ops.ones((2, 6, 6, 6, 3))).shape == (2, 3, 3, 3, 3)
        True
    """

    def __init__(
        self, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(3, pool_size, strides, padding, data_format, name=name, **kwargs)


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
