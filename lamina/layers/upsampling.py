"""Enlarging by repetition or interpolation."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.ops.checks import at_least, one_of
from lamina.ops.image.resizing import resize
from lamina.ops.nn._window import per_axis


class _Repeating(Layer):
    """Repeats each entry along the spatial axes."""

    _keeps_marks = True

    def __init__(self, rank: int, size: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = per_axis(type(self).__name__, "size", size, rank)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Any) -> Any:
        first = 1 if self.data_format == "channels_last" else 2
        for axis, times in enumerate(self.size, first):
            if times > 1:
                inputs = ops.repeat(inputs, times, axis=axis)
        return inputs


class UpSampling1D(_Repeating):
    """Repeats each step of a sequence.

    Args:
        size: How often.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, steps * size, channels) from (batch, steps, channels).

    Raises:
        ValueError: if `size` is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.UpSampling1D(2)(lamina.ops.ones((2, 5, 3))).shape == (2, 10, 3)
        True
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(1, at_least("UpSampling1D", "size", size, 1), "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; the size is one number."""
        return {**super().get_config(), "size": self.size[0]}


class UpSampling2D(_Repeating):
    """Enlarges images by whole factors.

    Args:
        size: The factor: an integer, or two.
        data_format: "channels_last", "channels_first" or None for the default.
        interpolation: "nearest" (repeats pixels), "bilinear", "bicubic", "lanczos3" or "lanczos5".
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, height * size[0], width * size[1], channels) from (batch, height, width, channels).

    Raises:
        ValueError: if `size` is not positive or the interpolation is unknown.

    Example:
        >>> import lamina
        >>> lamina.layers.UpSampling2D(2)(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 10, 10, 3)
        True
    """

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(2, size, data_format, **kwargs)
        known = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        self.interpolation = one_of("UpSampling2D", "interpolation", interpolation.lower(), known)

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = current().shape(inputs)
        height, width = sizes[1:3] if self.data_format == "channels_last" else sizes[2:]
        target = (height * self.size[0], width * self.size[1])
        return resize(inputs, target, interpolation=self.interpolation, data_format=self.data_format)


class UpSampling3D(_Repeating):
    """Repeats each place of a volume.

    Args:
        size: How often: an integer, or three.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *enlarged sizes, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if `size` is not positive.

    Example:
        >>> import lamina
        >>> lamina.layers.UpSampling3D(2)(lamina.ops.ones((2, 3, 3, 3, 1))).shape == (2, 6, 6, 6, 1)
        True
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, size, data_format, **kwargs)
