"""The same values in another shape."""

from __future__ import annotations

import math
from typing import Any

from lamina import config, ops
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.ops.checks import at_least


class Flatten(Layer):
    """One axis of all but the batch.

    Args:
        data_format: "channels_last", "channels_first" (the channels are moved last before) or None for the default.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, product of the other sizes); (batch, 1) from (batch,).

    Raises:
        ValueError: if the data format is unknown.

    Example:
        >>> import lamina
        >>> lamina.layers.Flatten()(lamina.ops.ones((2, 3, 4))).shape == (2, 12)
        True
    """

    _keeps_marks = True

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        if self.data_format == "channels_first" and len(inputs.shape) > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        batch, *sizes = current().shape(inputs)
        return ops.reshape(inputs, (batch, math.prod(sizes)))


class Reshape(Layer):
    """Another shape for each sample.

    Args:
        target_shape: The shape without the batch axis; one size may be -1.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *target_shape).

    Raises:
        ValueError: if more than one size is -1, or the sizes do not fit.

    Example:
        >>> import lamina
        >>> lamina.layers.Reshape((2, -1))(lamina.ops.ones((5, 6))).shape == (5, 2, 3)
        True
    """

    _weightless = True

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = tuple(-1 if n is None else n for n in target_shape)
        for n in sizes:
            at_least("Reshape", "target_shape", n, -1)
        if sizes.count(-1) > 1:
            raise ValueError(
                f"Reshape: at most one size of `target_shape` may be -1, got {tuple(target_shape)}."
            )
        self.target_shape = sizes

    def call(self, inputs: Any) -> Any:
        batch, *sizes = current().shape(inputs)
        return ops.reshape(inputs, (batch, *self._sizes(sizes)))

    def _sizes(self, sizes: list[Any]) -> list[Any]:
        """The target with its -1 filled in, which must not depend on the batch."""
        target, total = list(self.target_shape), math.prod(sizes)
        known = math.prod([n for n in target if n != -1])
        if type(total) is int and (total % known if -1 in target and known else total != known):
            raise ValueError(
                f"Reshape: samples of shape {tuple(sizes)} have {total} entries, which do not fit into "
                f"{self.target_shape}."
            )
        return [total // known if n == -1 and known else n for n in target]


class Permute(Layer):
    """The axes of each sample in a new order.

    Args:
        dims: The order, counted from 1 without the batch axis: (2, 1) exchanges the two axes.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, *permuted sizes).

    Raises:
        ValueError: if `dims` is no permutation of 1 to its length.

    Example:
        >>> import lamina
        >>> lamina.layers.Permute((2, 1))(lamina.ops.ones((5, 3, 4))).shape == (5, 4, 3)
        True
    """

    _keeps_marks = True

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Permute: `dims` must be a permutation of 1 to {len(self.dims)} (the batch axis does not count), "
                f"got {self.dims}."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """Repeats each vector as the steps of a sequence.

    Args:
        n: How often.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, n, features) from (batch, features).

    Raises:
        ValueError: if n is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.RepeatVector(3)(lamina.ops.ones((2, 4))).shape == (2, 3, 4)
        True
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = at_least("RepeatVector", "n", n, 1)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
