"""Zeros around the spatial axes, and slices cut off them."""

from __future__ import annotations

from typing import Any

from lamina import config, ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.ops.checks import at_least, shown


def _margins(layer: Layer, parameter: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """(before, after) per spatial axis, from one number for all, one per axis, or a pair per axis."""
    kind = type(layer).__name__
    given = [value] * rank if isinstance(value, int) else value
    if not isinstance(given, list | tuple) or len(given) != rank:
        raise ValueError(
            f"{kind}: `{parameter}` must be an integer, or {rank} integers or pairs, got {value!r}."
        )
    pairs = [(g, g) if isinstance(g, int) else g for g in given]
    if any(not isinstance(p, list | tuple) or len(p) != 2 for p in pairs):
        raise ValueError(
            f"{kind}: `{parameter}` must be an integer, or {rank} integers or pairs, got {value!r}."
        )
    for n in (n for pair in pairs for n in pair):
        at_least(kind, parameter, n, 0)
    return tuple((before, after) for before, after in pairs)


class _Margins(Layer):
    """What padding and cropping share: a margin on both sides of each spatial axis."""

    _keeps_marks = True

    def __init__(self, rank: int, parameter: str, value: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if rank == 1 and isinstance(value, list | tuple):
            value = [value]  # two numbers are before and after
        self._widths = _margins(self, parameter, value, rank)
        setattr(self, parameter, self._widths[0] if rank == 1 else self._widths)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    def _all_widths(self) -> list[tuple[int, int]]:
        none = (0, 0)
        if self.data_format == "channels_last":
            return [none, *self._widths, none]
        return [none, none, *self._widths]


class _Padding(_Margins):
    def call(self, inputs: Any) -> Any:
        return ops.pad(inputs, self._all_widths())


class _Cropping(_Margins):
    def call(self, inputs: Any) -> Any:
        widths, sizes = self._all_widths(), inputs.shape
        if any(
            type(n) is int and before + after and before + after >= n
            for n, (before, after) in zip(sizes, widths, strict=True)
        ):
            raise ValueError(
                f"{type(self).__name__}: `cropping` {self._widths} leaves nothing of an input of shape {shown(sizes)}."
            )
        return inputs[tuple(slice(before, -after or None) for before, after in widths)]


class ZeroPadding1D(_Padding):
    """Zeros before and after the steps of sequences.

    Args:
        padding: How many on each side: an integer, or (before, after).
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, before + steps + after, channels) from (batch, steps, channels).

    Raises:
        ValueError: if the padding is negative or of another form.

    Example:
        >>> import lamina
        >>> lamina.layers.ZeroPadding1D((1, 2))(lamina.ops.ones((2, 5, 3))).shape == (2, 8, 3)
        True
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, "padding", padding, data_format, **kwargs)


class ZeroPadding2D(_Padding):
    """Zeros around images.

    Args:
        padding: How many: an integer, one per axis, or ((top, bottom), (left, right)).
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, padded height, padded width, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if the padding is negative or of another form.

    Example:
        >>> import lamina
        >>> lamina.layers.ZeroPadding2D(1)(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 7, 7, 3)
        True
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, "padding", padding, data_format, **kwargs)


class ZeroPadding3D(_Padding):
    """Zeros around volumes.

    Args:
        padding: How many: an integer, one per axis, or a pair (before, after) per axis.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *padded sizes, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if the padding is negative or of another form.

    Example:
        >>> import lamina
        >>> lamina.layers.ZeroPadding3D(1)(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 7, 7, 7, 3)
        True
    """

    def __init__(
        self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(3, "padding", padding, data_format, **kwargs)


class Cropping1D(_Cropping):
    """Cuts steps off both ends of sequences.

    Args:
        cropping: How many on each side: an integer, or (before, after).
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, steps - before - after, channels) from (batch, steps, channels).

    Raises:
        ValueError: if the cropping is negative, of another form, or leaves nothing.

    Example:
        >>> import lamina
        >>> lamina.layers.Cropping1D((1, 2))(lamina.ops.ones((2, 5, 3))).shape == (2, 2, 3)
        True
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(1, "cropping", cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Cuts pixels off the sides of images.

    Args:
        cropping: How many: an integer, one per axis, or ((top, bottom), (left, right)).
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, cropped height, cropped width, channels) from (batch, height, width, channels).

    Raises:
        ValueError: if the cropping is negative, of another form, or leaves nothing.

    Example:
        >>> import lamina
        >>> lamina.layers.Cropping2D(1)(lamina.ops.ones((2, 5, 5, 3))).shape == (2, 3, 3, 3)
        True
    """

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(2, "cropping", cropping, data_format, **kwargs)


class Cropping3D(_Cropping):
    """Cuts places off the sides of volumes.

    Args:
        cropping: How many: an integer, one per axis, or a pair (before, after) per axis.
        data_format: "channels_last", "channels_first" or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *cropped sizes, channels) from (batch, depth, height, width, channels).

    Raises:
        ValueError: if the cropping is negative, of another form, or leaves nothing.

    Example:
        >>> import lamina
        >>> lamina.layers.Cropping3D(1)(lamina.ops.ones((2, 5, 5, 5, 3))).shape == (2, 3, 3, 3, 3)
        True
    """

    def __init__(
        self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(3, "cropping", cropping, data_format, **kwargs)
