"""`K`: functions and gradients of symbolic graphs, control flow, random tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina
from lamina import ops, random
from lamina.core.graph import Graph
from lamina.core.operation import Operation
from lamina.core.tensor import KerasTensor
from lamina.core.variable import Variable
from lamina.errors import LaminaError
from lamina.kernel.context import state
from lamina.legacy.backend.state import LearningPhase, _float, eval, set_value, variable
from lamina.utils import get_source_inputs


class Function:
    """Arrays in, arrays out: what `K.function` gives."""

    def __init__(self, inputs: Any, outputs: Any, updates: Any = None, name: str | None = None) -> None:
        self.single = not isinstance(outputs, list | tuple)
        wanted = [outputs] if self.single else list(outputs)
        self.inputs, self.outputs = list(inputs), wanted
        self.updates = [u for u in updates or () if isinstance(u, tuple)]
        symbolic = [x for x in self.inputs if isinstance(x, KerasTensor)]
        drawn = [x for x in (*wanted, *(value for _, value in self.updates)) if isinstance(x, KerasTensor)]
        self._drawn = {id(x): i for i, x in enumerate(drawn)}
        self._graph = Graph(symbolic, drawn, name=name) if drawn else None

    def __call__(self, inputs: Any) -> Any:
        """Run it.

        Args:
            inputs: A list of values, one per input.

        Returns:
            A list of arrays; one array where `outputs` was one tensor.
        """
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if len(given) != len(self.inputs):
            raise ValueError(f"K.function takes a list of {len(self.inputs)} values, got {len(given)}.")
        before, tensors = state.frame, []
        for want, value in zip(self.inputs, given, strict=True):
            if isinstance(want, KerasTensor):
                tensors.append(ops.convert_to_tensor(np.asarray(value), dtype=want.dtype))
            elif isinstance(want, LearningPhase):
                state.frame = before._replace(training=bool(value))
            elif isinstance(want, Variable):
                set_value(want, value)
        try:
            found = [] if self._graph is None else self._graph._run(tensors)
        finally:
            state.frame = before
        for target, value in self.updates:
            target.assign(found[self._drawn[id(value)]])
        out = [eval(found[self._drawn[id(x)]] if isinstance(x, KerasTensor) else x) for x in self.outputs]
        return out[0] if self.single else out


def function(
    inputs: Any, outputs: Any, updates: Any = None, name: str | None = None, **kwargs: Any
) -> Function:
    """A function of arrays from symbolic inputs and outputs.

    Args:
        inputs: Symbolic tensors; `K.learning_phase()` among them stands for the phase, variables are set.
        outputs: Symbolic tensors or variables; a list of them gives a list.
        updates: (variable, symbolic value) pairs, assigned in each call.
        name: A name for error messages.

    Returns:
        A function of a list of arrays.

    Example:
        >>> import lamina
        >>> from lamina.legacy import backend as K
        >>> x = K.placeholder((None, 2))
        >>> float(K.function([x], [K.sum(x)])([[[1.0, 2.0]]])[0])
        3.0
    """
    if kwargs:
        raise NotImplementedError(
            f"K.function: options of a session have no meaning here: {', '.join(kwargs)}."
        )
    return Function(inputs, outputs, updates, name)


class Gradient(Operation):
    """The gradient of a symbolic scalar by tensors of its graph or by variables."""

    def __init__(self, loss: KerasTensor, by: list[Any], name: str | None = None) -> None:
        super().__init__(name=name)
        self.variables = [v for v in by if isinstance(v, Variable)]
        self.by, self.loss = by, loss
        self.sources = list(get_source_inputs(loss))
        self._whole = Graph(self.sources, loss)
        self._parts = {id(t): self._part(t) for t in by if isinstance(t, KerasTensor)}

    def _part(self, tensor: KerasTensor) -> tuple[Any, Any, list[KerasTensor]]:
        """The graph up to a tensor (None for an input), from it to the loss, and the inputs that lead past it."""
        rest = [s for s in self.sources if s is not tensor]
        before = None if len(rest) < len(self.sources) else Graph(self.sources, tensor)
        return before, Graph([tensor, *rest], self.loss), rest

    def call(self, *sources: Any) -> Any:
        """The gradients for these values of the graph's inputs."""
        table = {id(s): value for s, value in zip(self.sources, sources, strict=True)}
        found: dict[int, Any] = {}
        for key, (before, after, rest) in self._parts.items():
            here = table[key] if before is None else before._run(list(sources))
            others = [table[id(s)] for s in rest]
            value = lambda given: ops.sum(after._run([given, *others]))
            _, gradient = lamina.value_and_grad(value)(here)
            found[key] = ops.zeros_like(here) if gradient is None else gradient
        if self.variables:
            whole = lambda: ops.sum(self._whole._run(list(sources)))
            _, gradients = lamina.value_and_grad(whole, self.variables)()
            for v, gradient in zip(self.variables, gradients, strict=True):
                found[id(v)] = ops.zeros_like(v) if gradient is None else gradient
        return [found[id(v)] for v in self.by]

    def compute_output_spec(self, *sources: Any) -> Any:
        return [KerasTensor(v.shape, v.dtype) for v in self.by]


def gradients(loss: Any, variables: Any) -> list[Any]:
    """The gradients of a symbolic value (summed, if it is no scalar) by tensors of its graph or by weights.

    Args:
        loss: A symbolic tensor.
        variables: Symbolic tensors (inputs or results inside) and variables; one or a list.

    Returns:
        A list of symbolic tensors, which `K.function` computes.

    Raises:
        ValueError: if `loss` is not symbolic.

    Example:
        >>> import lamina
        >>> from lamina.legacy import backend as K
        >>> x = K.placeholder((2,))
        >>> K.gradients(K.sum(x * x), x)[0].shape
        (2,)
    """
    if not isinstance(loss, KerasTensor):
        raise ValueError(
            "K.gradients takes a symbolic tensor, such as model.output; for the gradient of numbers use "
            f"lamina.value_and_grad. Got {type(loss).__name__}."
        )
    by = list(variables) if isinstance(variables, list | tuple) else [variables]
    made = Gradient(loss, by)
    return list(made(*made.sources))


# -- control flow ------------------------------------------------------------------------------------------------------


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """One of two values (or what two functions give); a condition of several elements chooses element by element."""

    def value(e: Any) -> Any:
        return e() if callable(e) and not hasattr(e, "shape") else e

    rank = len(condition.shape) if hasattr(condition, "shape") else 0
    if rank == 0:
        if isinstance(condition, bool | int | np.bool_):
            return value(then_expression if condition else else_expression)
        return ops.cond(
            ops.cast(condition, "bool"),
            lambda: ops.convert_to_tensor(value(then_expression)),
            lambda: ops.convert_to_tensor(value(else_expression)),
        )
    first, second = value(then_expression), value(else_expression)
    for _ in range(len(first.shape) - rank):
        condition = ops.expand_dims(condition, -1)
    return ops.where(ops.cast(condition, "bool"), first, second)


def map_fn(fn: Any, elems: Any, name: str | None = None, dtype: Any = None) -> Any:
    """`fn` of each row, stacked."""
    found = ops.map(fn, elems)
    return found if dtype is None else ops.cast(found, dtype)


def foldl(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """`fn(accumulated, row)` over the rows, from the first to the last."""
    return _fold(fn, [elems[i] for i in range(elems.shape[0])], initializer)


def foldr(fn: Any, elems: Any, initializer: Any = None, name: str | None = None) -> Any:
    """The same from the last to the first."""
    return _fold(fn, [elems[i] for i in reversed(range(elems.shape[0]))], initializer)


def _fold(fn: Any, rows: list[Any], initial: Any) -> Any:
    found, rows = (rows[0], rows[1:]) if initial is None else (initial, rows)
    for row in rows:
        found = fn(found, row)
    return found


def rnn(
    step_function: Any, inputs: Any, initial_states: Any, go_backwards: bool = False, mask: Any = None,
    constants: Any = None, unroll: bool = False, input_length: int | None = None, time_major: bool = False,
    zero_output_for_mask: bool = False, return_all_outputs: bool = True,
) -> tuple[Any, Any, list[Any]]:  # fmt: skip
    """A recurrence over the second axis.

    Args:
        step_function: (input, states + constants) -> (output, new states).
        inputs: (batch, steps, ...); (steps, batch, ...) if `time_major`.
        initial_states: The states before the first step.
        go_backwards: Whether the last step comes first.
        mask: (batch, steps); where it is False the output and the states of the step before stay.
        constants: What every step gets behind its states.
        unroll: Whether all steps are written out.
        input_length: The number of steps, where the shape does not say it.
        time_major: See `inputs`.
        zero_output_for_mask: Whether masked steps give 0 instead of the output before.
        return_all_outputs: Whether to give all outputs, or the last alone.

    Returns:
        The last output, all outputs, the new states.
    """
    swap = lambda x: ops.swapaxes(x, 0, 1)
    xs = inputs if time_major else swap(inputs)
    steps = xs.shape[0] if xs.shape[0] is not None else input_length
    masks = None if mask is None else ops.cast(mask if time_major else swap(mask), "bool")
    if masks is not None and len(masks.shape) == 3:
        masks = ops.squeeze(masks, -1)
    if go_backwards:
        xs, masks = ops.flip(xs, 0), None if masks is None else ops.flip(masks, 0)
    extra = list(constants or ())

    def step(states: list[Any], last: Any, x: Any, m: Any) -> tuple[Any, list[Any]]:
        out, new = step_function(x, [*states, *extra])
        if m is None:
            return out, list(new)
        keep = lambda a, b: switch(m, a, b)
        return keep(out, ops.zeros_like(out) if last is None else last), [
            keep(a, b) for a, b in zip(new, states, strict=True)
        ]

    states, last, outputs = list(initial_states), None, []
    if steps is None:
        return _scanned(step, xs, masks, states, zero_output_for_mask, return_all_outputs, time_major)
    for i in range(steps):
        before = None if zero_output_for_mask else last
        last, states = step(states, before, xs[i], None if masks is None else masks[i])
        outputs.append(last)
    shown = ops.stack(outputs if return_all_outputs else outputs[-1:], axis=0 if time_major else 1)
    return last, shown, states


def _scanned(
    step: Any, xs: Any, masks: Any, states: list[Any], zeros: bool, every: bool, time_major: bool
) -> tuple[Any, Any, list[Any]]:
    """Where the number of steps is not known."""
    first, _ = step(states, None, xs[0], None)

    def body(carry: tuple, row: Any) -> tuple[tuple, Any]:
        held, last = carry
        x, m = row if masks is not None else (row, None)
        out, new = step(list(held), None if zeros else last, x, m)
        return (new, out), out

    start = (states, ops.zeros_like(first))
    (states, last), outputs = ops.scan(body, start, (xs, masks) if masks is not None else xs)
    shown = outputs if every else ops.expand_dims(last, 0)
    return last, shown if time_major else ops.swapaxes(shown, 0, 1), list(states)


# -- random ------------------------------------------------------------------------------------------------------------


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normal numbers."""
    return random.normal(shape, mean, stddev, dtype=_float(dtype), seed=seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Uniform numbers."""
    return random.uniform(shape, minval, maxval, dtype=_float(dtype), seed=seed)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with the probability p, else 0."""
    return ops.cast(ops.less(random.uniform(shape, seed=seed), p), _float(dtype))


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """1 with the probability p, else 0."""
    return random_binomial(shape, p, dtype, seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Normal numbers within two deviations."""
    return random.truncated_normal(shape, mean, stddev, dtype=_float(dtype), seed=seed)


def random_normal_variable(
    shape: Any, mean: float, scale: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of normal numbers."""
    return variable(random_normal(shape, mean, scale, dtype, seed), dtype, name)


def random_uniform_variable(
    shape: Any, low: float, high: float, dtype: Any = None, name: str | None = None, seed: Any = None
) -> Variable:
    """A variable of uniform numbers."""
    return variable(random_uniform(shape, low, high, dtype, seed), dtype, name)


def print_tensor(x: Any, message: str = "", summarize: int = 3) -> Any:
    """Print the values, where there are any (not while a step is compiled), and give x."""
    try:
        shown = np.array2string(eval(x), threshold=summarize * 2, edgeitems=summarize)
    except (ValueError, TypeError, LaminaError):
        shown = f"<shape {tuple(x.shape)}>"
    print(f"{message} {shown}".strip())
    return x
