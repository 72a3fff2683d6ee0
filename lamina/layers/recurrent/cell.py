"""Cell: one step of a recurrent layer, split into what depends on the input alone and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina import activations, constraints, initializers, regularizers
from lamina.core.layer import Layer
from lamina.core.seeds import SeedGenerator
from lamina.initializers.base import HostInitializer, host_dtype
from lamina.kernel.context import current, real_kernel
from lamina.kernel.contract import Kernel
from lamina.kernel.namespaces import is_ours
from lamina.layers._masks import alike
from lamina.ops.checks import at_least, shown
from lamina.ops.tensors import in_floats

Step = Callable[[Any, Any], list[Any]]  # (the input's part, states) -> new states; the first is the output


class Cell(Layer):
    """What the built-in cells share: their arguments, their dropout masks, and how a step is split.

    `project` does the work that no state is needed for, and takes all time steps at once as well as one;
    `stepper` gives the rest as a function whose weights and masks are read once, not at every step.
    """

    gates = 1
    bias: Any = None
    _state_names: tuple[str, ...] = ("h",)
    _step_rank = 2  # of the input of one step

    def __init__(
        self, activation: Any, use_bias: bool, kernel_initializer: Any, recurrent_initializer: Any,
        bias_initializer: Any, kernel_regularizer: Any, recurrent_regularizer: Any, bias_regularizer: Any,
        kernel_constraint: Any, recurrent_constraint: Any, bias_constraint: Any, dropout: float,
        recurrent_dropout: float, seed: Any, **kwargs: Any,
    ) -> None:  # fmt: skip
        implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = self._rate("dropout", dropout)
        self.recurrent_dropout = self._rate("recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        # as in Keras: each gate has a mask of its own when the state is dropped, else all share one
        self._mask_count = self.gates if recurrent_dropout > 0 or implementation == 1 else 1

    def _rate(self, name: str, rate: Any) -> Any:
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"{type(self).__name__}: `{name}` must be a number from 0 to 1, got {rate!r}.")
        return rate

    def _add_weights(
        self, kernel: tuple, recurrent: tuple, bias: tuple, bias_initializer: Any = None
    ) -> None:
        self.kernel = self.add_weight(
            kernel, self.kernel_initializer, name="kernel",
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        self.recurrent_kernel = self.add_weight(
            recurrent, self.recurrent_initializer, name="recurrent_kernel",
            regularizer=self.recurrent_regularizer, constraint=self.recurrent_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                bias, bias_initializer or self.bias_initializer, name="bias",
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    # -- one step -----------------------------------------------------------------------------------------------------

    def project(self, inputs: Any, training: Any) -> Any:
        """The input's part of the step, for one step or for all (time first)."""
        raise NotImplementedError

    def stepper(self, states: list[Any], training: Any) -> Step:
        """The rest of the step. `states` are read for their shapes only."""
        raise NotImplementedError

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        states = list(states) if isinstance(states, list | tuple) else [states]
        self._check_states(inputs, states)
        inputs, *states = (in_floats(current(), x, self.compute_dtype) for x in (inputs, *states))
        states = self.stepper(states, training)(self.project(inputs, training), states)
        return states[0], states

    def _check_states(self, inputs: Any, states: list[Any]) -> None:
        """That the states fit the inputs: what broadcasts by chance would be another computation."""

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Zeros.

        Args:
            batch_size: The number of samples.

        Returns:
            A list of tensors (batch, ...).
        """
        shape = (batch_size, *self._state_shape())
        return [current().zeros(shape, self.compute_dtype) for _ in self._state_names]

    def _state_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    # -- dropout ------------------------------------------------------------------------------------------------------

    def get_dropout_mask(self, step_input: Any) -> Any:
        """What the input of every step is multiplied by, drawn once until it is reset; None without dropout.

        Args:
            step_input: A tensor like the input of a step.

        Returns:
            A tensor, or a list of one for each gate.
        """
        return _one_or_all(self._masks("_dropout_mask", self.dropout, step_input))

    def get_recurrent_dropout_mask(self, step_input: Any) -> Any:
        """What the state before every step is multiplied by, drawn once until it is reset; None without dropout.

        Args:
            step_input: A tensor like the state.

        Returns:
            A tensor, or a list of one for each gate.
        """
        return _one_or_all(self._masks("_recurrent_dropout_mask", self.recurrent_dropout, step_input))

    def reset_dropout_mask(self) -> None:
        """Let the next step draw anew."""
        object.__setattr__(self, "_dropout_mask", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Let the next step draw anew."""
        object.__setattr__(self, "_recurrent_dropout_mask", None)

    def draw_masks(self, batch_size: Any) -> None:
        """Draw the masks of a built cell now, before a loop in which nothing can be drawn."""
        k = current()
        shapes: Any = self._layer_state.build_shapes
        step_shape = next(iter(shapes.values()))[1:]
        self._masks("_dropout_mask", self.dropout, k.zeros((batch_size, *step_shape), self.compute_dtype))
        state = k.zeros((batch_size, *self._state_shape()), self.compute_dtype)
        self._masks("_recurrent_dropout_mask", self.recurrent_dropout, state)

    def _masks(self, slot: str, rate: float, like: Any) -> list[Any] | None:
        if not rate:
            return None
        found = self.__dict__.get(slot)
        if found is None:
            k = current()
            shape = k.shape(like)[-self._step_rank :]
            scaled = k.full(shape, 1.0 / (1.0 - rate) if rate < 1 else 0.0, k.dtype(like))
            seeds = [self.seed_generator.next() for _ in range(self._mask_count)]
            found = [k.where(k.random_uniform(seed, shape, "float32") >= rate, scaled, 0.0) for seed in seeds]
            object.__setattr__(self, slot, found)
        return found

    def _input_masks(self, inputs: Any, training: Any) -> list[Any] | None:
        return self._masks("_dropout_mask", self.dropout, inputs) if training else None

    def _state_masks(self, state: Any, training: Any) -> list[Any] | None:
        return self._masks("_recurrent_dropout_mask", self.recurrent_dropout, state) if training else None


def _one_or_all(masks: list[Any] | None) -> Any:
    return masks[0] if masks is not None and len(masks) == 1 else masks


def masked_product(
    k: Kernel, x: Any, kernel: Any, masks: Sequence[Any] | None, product: Callable[[Any, Any], Any], gates: int,
    axis: int = -1,
) -> Any:  # fmt: skip
    """`product(x, kernel)` with x masked: one mask for all gates, or one for each gate's part of the kernel.

    The gates lie along the last axis of the kernel and along `axis` of the product.
    """
    if masks is None:
        return product(x, kernel)
    if len(masks) == 1:
        return product(x * masks[0], kernel)
    parts = split(k, kernel, gates)
    return k.concat([product(x * mask, part) for mask, part in zip(masks, parts, strict=True)], axis)


def split(k: Kernel, x: Any, parts: int, axis: int = -1) -> list[Any]:
    """An axis in equal parts."""
    size = x.shape[axis] // parts
    return k.split(x, [size * i for i in range(1, parts)], axis % len(x.shape))


class UnitsCell(Cell):
    """A cell whose state is a vector of `units` numbers, fully connected to itself and to the input."""

    def __init__(self, units: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.units = at_least(type(self).__name__, "units", units, 1)
        self.state_size = [units] * len(self._state_names) if len(self._state_names) > 1 else units
        self.output_size = units

    def build(self, input_shape: tuple) -> None:
        width = self.units * self.gates
        self._add_weights(
            (input_shape[-1], width), (self.units, width), self._bias_shape(), self._bias_initializer()
        )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.units * self.gates,)

    def _bias_initializer(self) -> Any:
        return self.bias_initializer

    def _state_shape(self) -> tuple[int, ...]:
        return (self.units,)

    def _input_bias(self) -> Any:
        return None if self.bias is None else self.bias.value

    def updater(self, k: Kernel, dtype: str) -> Callable[[Any, Any], list[Any]]:
        """For a step of the form `update(x + h recurrent_kernel, states)`: its `update`."""
        raise NotImplementedError

    def has_updater(self) -> bool:
        """Whether the step has that form, and `update` reads no weights."""
        own = [self.activation, getattr(self, "recurrent_activation", self.activation)]
        return all(is_ours(f) and not isinstance(f, Layer) for f in own)

    def stepper(self, states: list[Any], training: Any) -> Step:
        k = current()
        masks, kernel = self._state_masks(states[0], training), self.recurrent_kernel.value
        update = self.updater(k, k.dtype(states[0]))

        def step(x: Any, states: list[Any]) -> list[Any]:
            return update(x + masked_product(k, states[0], kernel, masks, k.matmul, self.gates), states)

        return step

    def _check_states(self, inputs: Any, states: list[Any]) -> None:
        wanted = (*inputs.shape[:-1], self.units)
        if not all(alike(s.shape, wanted, spread=True) for s in states):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): the states of inputs of shape {shown(inputs.shape)} must "
                f"have shape {shown(wanted)}, got {' and '.join(shown(s.shape) for s in states)}."
            )

    def project(self, inputs: Any, training: Any) -> Any:
        k = current()
        masks = self._input_masks(inputs, training)
        kernel, bias = self.kernel.value, self._input_bias()
        if masks is None:
            return k.linear(inputs, kernel, bias)
        product = masked_product(k, inputs, kernel, masks, lambda x, w: k.linear(x, w, None), self.gates)
        return product if bias is None else product + bias


class OpenForgetGate(HostInitializer):
    """The bias of four gates of which the second, the forget gate, begins at one."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def plan(self, shape: Sequence[int], dtype: Any = None) -> Any:
        """A function without arguments that makes the array."""
        units = shape[0] // 4
        first, rest = self._part((units,), dtype), self._part((2 * units,), dtype)
        return lambda: np.concatenate([first(), np.ones(units, host_dtype(dtype)), rest()])

    def _part(self, shape: tuple[int, ...], dtype: Any) -> Any:
        if hasattr(self.inner, "plan"):
            return self.inner.plan(shape, dtype)
        return lambda: np.asarray(real_kernel().to_numpy(self.inner(shape, dtype=dtype)))
