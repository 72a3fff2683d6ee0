"""Rescaling: numbers times a factor plus an offset."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel.context import current
from lamina.layers.preprocessing.base import Preprocessing
from lamina.layers.preprocessing.streams import numbers


class Rescaling(Preprocessing):
    """Numbers times a factor plus an offset: `y = x * scale + offset`.

    Args:
        scale: A number, or one for each place of the last axis.
        offset: The same.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        Floats of the input's shape.

    Example:
        >>> layer = lamina.layers.Rescaling(1 / 127.5, offset=-1)
        >>> lamina.ops.convert_to_numpy(layer([0, 255])).tolist()
        [-1.0, 1.0]
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            try:
                np.asarray("None" if value is None else value, np.float64)  # NumPy makes NaN of None
            except (TypeError, ValueError):
                raise ValueError(f"Rescaling: `{name}` must be a number or numbers; got {value!r}.") from None
        self.scale, self.offset = scale, offset
        self.supports_masking = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(inputs, list | tuple | int | float):
            inputs = numbers(inputs, "Rescaling")
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Any) -> Any:
        k, dtype = current(), self.compute_dtype
        number = lambda v: k.asarray(np.asarray(v, np.float32 if dtype != "float64" else np.float64), dtype)
        return k.add(k.multiply(k.astype(inputs, dtype), number(self.scale)), number(self.offset))
