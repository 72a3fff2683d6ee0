"""EinsumDense: an affine map whose axes are named by an equation."""

from __future__ import annotations

import re
from typing import Any

from lamina import activations, constraints, initializers, ops, regularizers
from lamina.core.input_spec import InputSpec
from lamina.layers._later import Adaptable, not_yet


class EinsumDense(Adaptable):
    """A dense layer over any axes.

    `y = activation(einsum(equation, x, kernel) + bias)`

    Args:
        equation: Such as "abc,cd->abd" or "...x,xy->...y"; the second operand is the kernel.
        output_shape: The output's shape without the batch axis (or without the axes of the ellipsis): an integer
            or several; None where the size is that of the input.
        activation: A function or its name.
        bias_axes: The letters of the output that have a bias, such as "d"; None for no bias.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer: Penalties.
        kernel_constraint, bias_constraint: Projections after each update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: Not supported yet.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Returns:
        A tensor of the equation's shape.

    Raises:
        ValueError: if the equation is malformed or does not fit the shapes.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.EinsumDense("abc,cd->abd", output_shape=(None, 6), bias_axes="d")
        >>> layer(lamina.ops.ones((2, 5, 4))).shape == (2, 5, 6)
        True
    """

    _keeps_marks = True
    kernel: Any = None
    bias: Any = None

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        not_yet(
            self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config,
            gptq_unpacked_column_size=gptq_unpacked_column_size,
        )  # fmt: skip
        self.equation = equation
        self._terms = _parsed(equation)
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.activation = activations.get(activation)
        if not isinstance(bias_axes, str | None):
            raise ValueError(
                f"EinsumDense: `bias_axes` must be letters, such as 'bc', or None, got {bias_axes!r}."
            )
        self.bias_axes = bias_axes
        missing = [letter for letter in bias_axes or "" if letter not in self._terms[2]]
        if missing:
            raise ValueError(
                f"EinsumDense: `bias_axes` {bias_axes!r} names {missing[0]!r}, which is not an output axis of "
                f"{equation!r}."
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: tuple) -> None:
        inputs, kernel, outputs = self._terms
        sizes = self._sizes(input_shape)
        self.kernel = self.add_weight(
            [sizes[letter] for letter in kernel], self._fan_aware(self.kernel_initializer), name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.bias_axes:
            first = min(outputs.index(letter) for letter in self.bias_axes)
            shape = [
                sizes[letter] if letter in self.bias_axes else 1
                for letter in outputs[first:]
                if letter != "."
            ]
            if outputs.endswith("."):
                shape += [1] * (len(input_shape) - len(inputs.replace(".", "")))
            self.bias = self.add_weight(
                shape, self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _fan_aware(self, initializer: Any) -> Any:
        """The initializer, knowing which axes of the kernel are inputs: those that are not in the output."""
        if getattr(initializer, "input_axes", 0) is not None:
            return initializer
        _, kernel, outputs = self._terms
        places = {
            is_output: [i for i, c in enumerate(kernel) if (c in outputs) is is_output]
            for is_output in (True, False)
        }
        config = {**initializer.get_config(), "input_axes": places[False], "output_axes": places[True]}
        return type(initializer).from_config(config)

    def _sizes(self, input_shape: tuple) -> dict[str, Any]:
        """The size of each letter, from the input and the wanted output."""
        inputs, _, outputs = self._terms
        sizes = _aligned(inputs, input_shape)
        wanted = self.output_shape
        if not outputs.startswith("."):
            wanted = (input_shape[0], *wanted)  # the batch axis
        for letter, n in _aligned(outputs, wanted).items():
            known = sizes.get(letter)
            if n is not None and known is not None and n != known:
                raise ValueError(
                    f"Layer {self.path!r} (EinsumDense): axis {letter!r} of {self.equation!r} has size {known} in the "
                    f"input of shape {input_shape}, but {n} in output_shape={self.output_shape}."
                )
            sizes[letter] = n if known is None else known
        return sizes

    def call(self, inputs: Any) -> Any:
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `activity_regularizer` also where there is none."""
        return {"activity_regularizer": None, **super().get_config()}


def _parsed(equation: str) -> tuple[str, str, str]:
    """Input, kernel and output, with the ellipsis as one dot.

    Raises:
        ValueError: if the equation has another form.
    """
    if not isinstance(equation, str):
        raise ValueError(f"EinsumDense: `equation` must be a text such as 'ab,bc->ac', got {equation!r}.")
    terms = re.split(",|->", equation.replace(" ", "").replace("...", "."))
    pattern = r"\.?[a-zA-Z]+,[a-zA-Z]+->\.?[a-zA-Z]+|[a-zA-Z]+\.?,[a-zA-Z]+->[a-zA-Z]+\.?"
    flat = equation.replace(" ", "").replace("...", ".")
    if not re.fullmatch(pattern, flat) or ("." in terms[0]) != ("." in terms[2]):
        raise ValueError(
            f"EinsumDense: `equation` must look like 'ab,bc->ac', '...b,bc->...c' or 'ab...,bc->ac...', "
            f"got {equation!r}."
        )
    unknown = set(terms[1]) - set(terms[0]) - set(terms[2])
    if unknown:
        raise ValueError(
            f"EinsumDense: axis {sorted(unknown)[0]!r} of the kernel is in neither input nor output of {equation!r}."
        )
    return terms[0], terms[1], terms[2]


def _aligned(term: str, shape: tuple) -> dict[str, Any]:
    """Letter -> size; axes of the ellipsis have no letter."""
    letters = term.replace(".", "")
    sizes = shape[len(shape) - len(letters) :] if term.startswith(".") else shape[: len(letters)]
    if len(sizes) != len(letters) or ("." not in term and len(shape) != len(letters)):
        raise ValueError(f"EinsumDense: {term.replace('.', '...')!r} does not fit a tensor of shape {shape}.")
    return dict(zip(letters, sizes, strict=True))
