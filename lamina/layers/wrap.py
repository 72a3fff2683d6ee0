"""Layers around functions, masks and other layers."""

from __future__ import annotations

import inspect
from typing import Any

from lamina import ops
from lamina.core.codec import find_lambda, serialize_lambda
from lamina.core.layer import Layer
from lamina.errors import stranger


class Identity(Layer):
    """Gives what it gets.

    Args:
        **kwargs: `name`, `dtype`.

    Returns:
        The input.

    Example:
        >>> import lamina
        >>> lamina.layers.Identity()(lamina.ops.ones((2, 3))).shape == (2, 3)
        True
    """

    _keeps_marks = True
    _weightless = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs


class Lambda(Layer):
    """Any function as a layer; what it reads from outside is not tracked and not saved.

    Args:
        function: Takes the inputs (and `mask`, `training`, if it names them) and gives the outputs.
        output_shape: Only for functions that leave `lamina.ops`: the output's shape without the batch axis, or a
            function of the input's shape.
        mask: The output's mask, or a function `(inputs, mask) -> mask`.
        arguments: More keyword arguments for the function.
        **kwargs: `name`, `dtype`.

    Returns:
        What the function gives.

    Raises:
        TypeError: if `function` cannot be called.

    Example:
        >>> import lamina
        >>> lamina.layers.Lambda(lambda x: x[:, 0])(lamina.ops.ones((2, 3))).shape == (2,)
        True
    """

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                f"Lambda: `function` must be callable, got {function!r} ({type(function).__name__})."
            )
        self.function = function
        self.output_shape = tuple(output_shape) if isinstance(output_shape, list) else output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = self._makes_masks = mask is not None
        takes = _parameters(function) if not hasattr(function, "op") else {}
        self._takes_mask, self._takes_training = "mask" in takes, "training" in takes

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        options = dict(self.arguments)
        if self._takes_mask:
            options["mask"] = mask
        if self._takes_training:
            options["training"] = training
        return self.function(inputs, **options)

    def _knows_shape(self) -> bool:
        return self.output_shape is not None

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that was given, or what the function makes of the input."""
        if self.output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self.output_shape):
            return self.output_shape(input_shape)
        first = input_shape[0] if isinstance(input_shape[0], list | tuple) else input_shape
        return (first[0], *self.output_shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask that was given."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def _has_lambda(self) -> bool:
        return getattr(self.function, "__name__", "") == "<lambda>"

    def _arguments(self) -> dict[str, Any]:
        given = super()._arguments()
        if self._has_lambda():  # written under the layer's name, not its own
            del given["function"]
        return given

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `output_shape` and `mask` only where they are given."""
        config = super().get_config()
        if self._has_lambda():
            config["function"] = serialize_lambda(self.function, self.name)
        return {k: v for k, v in config.items() if v is not None or k not in ("output_shape", "mask")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A Lambda from `get_config`; a Python lambda is asked for by the layer's name."""
        function = config.get("function")
        if isinstance(function, dict) and function.get("class_name") == "__lambda__":
            name = str(config.get("name", "lambda"))
            config = {**config, "function": find_lambda(name, f"Lambda layer {name!r}")}
        return super().from_config(config)


class Masking(Layer):
    """Marks the steps of sequences in which every feature has one value; later layers skip them.

    Args:
        mask_value: The value.
        **kwargs: `name`, `dtype`.

    Returns:
        (batch, steps, ...): the input with masked steps set to zero, carrying the mask (batch, steps).

    Example:
        >>> import lamina
        >>> x = lamina.ops.array([[[1.0], [0.0]]])
        >>> mask = lamina.layers.Masking().compute_mask(x)
        >>> lamina.ops.convert_to_numpy(mask).tolist()
        [[True, False]]
    """

    _weightless = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if mask_value is None:
            raise ValueError("Masking: `mask_value` must be a number or numbers, got None.")
        self.mask_value = mask_value
        self.supports_masking = True

    def call(self, inputs: Any) -> Any:
        real = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return inputs * ops.cast(real, inputs.dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where a feature differs from the value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)


class Wrapper(Layer):
    """Base of layers around another layer.

    Args:
        layer: The layer.
        **kwargs: `name`, `dtype`.

    Raises:
        ValueError: if `layer` is no layer.

    Example:
        >>> import lamina
        >>> class Twice(lamina.layers.Wrapper):
        ...     def call(self, x):
        ...         return self.layer(self.layer(x))
        >>> Twice(lamina.layers.Dense(3))(lamina.ops.ones((2, 3))).shape == (2, 3)
        True
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            made = ": make one of it first, as in Dense(3)" if isinstance(layer, type) else ""
            text = f"{type(self).__name__}: `layer` must be a layer, got {layer!r}{made}. {stranger(layer)}"
            raise ValueError(text.strip())
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True


def _parameters(function: Any) -> Any:
    """The parameters of a function; none where a framework's own does not say them (`torch.sin`)."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
