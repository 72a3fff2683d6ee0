"""RNN: a cell, step by step over time."""

from __future__ import annotations

from typing import Any

from lamina.core.graph import _pack
from lamina.core.input_spec import InputSpec
from lamina.core.layer import Layer
from lamina.core.stateless import run_pure
from lamina.core.tracking import made_trainable
from lamina.core.variable import Variable
from lamina.kernel.context import current, interpreter
from lamina.kernel.contract import Kernel, Unfit
from lamina.kernel.shapes import SHAPES
from lamina.kernel.trees import leaves, map_leaves
from lamina.layers._masks import alike, check_mask
from lamina.layers.recurrent.cell import Cell, UnitsCell
from lamina.layers.recurrent.loop import over_time, time_first
from lamina.layers.recurrent.stacked import StackedRNNCells
from lamina.ops.checks import shown
from lamina.ops.tensors import in_floats


class RNN(Layer):
    """A cell applied to each step of sequences, with the states handed on.

    `y[t], s[t] = cell(x[t], s[t - 1])`

    Args:
        cell: A layer whose `call(inputs, states)` gives (output, new states) and that has `state_size`, the size of
            the state or a list of sizes; or a list of such cells, stacked. It may have `output_size` and
            `get_initial_state(batch_size)`.
        return_sequences: Whether to give the outputs of all steps, not only the last.
        return_state: Whether to give the last states, too.
        go_backwards: Whether to begin at the last step; the outputs then stand in that order.
        stateful: Whether each batch begins with the states that the one before ended with (`reset_state` clears them).
        unroll: Whether to write the steps out instead of looping: longer to compile.
        zero_output_for_mask: Whether the output of a masked step is zero instead of the one before.
        **kwargs: `name`, `dtype`, `trainable`, `activity_regularizer`.

    Returns:
        (batch, ...) from (batch, steps, ...), or (batch, steps, ...) for all steps; before the states.

    Raises:
        ValueError: if `cell` lacks what a cell needs, the mask or the initial states do not fit, or the batch size of
            a stateful layer is unknown.

    Example:
        >>> import lamina
        >>> cells = [lamina.layers.LSTMCell(4), lamina.layers.GRUCell(2)]
        >>> lamina.layers.RNN(cells, return_sequences=True)(lamina.ops.ones((2, 5, 3))).shape == (2, 5, 2)
        True
    """

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, zero_output_for_mask: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        _check_cell(type(self).__name__, cell)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.state_size = cell.state_size
        self.supports_masking = True
        self.input_spec = InputSpec(min_ndim=3)
        self.states: Any = None

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        step_shape = _map_shapes(lambda s: (s[0], *s[2:]), sequences_shape)
        if isinstance(self.cell, UnitsCell) and len(step_shape) != 2:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): {type(self.cell).__name__} takes vectors, so sequences must "
                f"have shape (batch, steps, features), got {shown(sequences_shape)}."
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build(step_shape)
            self.cell.built = True
        if self.stateful:
            self._make_states(sequences_shape)

    def _make_states(self, sequences_shape: Any) -> None:
        batch = sequences_shape[0] if isinstance(sequences_shape, tuple) else next(leaves(sequences_shape))
        if batch is None:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) is stateful, so its batch size must be known, got the "
                f"input shape {sequences_shape}. Use Input(batch_shape=(batch size, ...))."
            )
        with interpreter(SHAPES):
            specs = self.get_initial_state(batch)

        def variable(spec: Any) -> Variable:
            return Variable("zeros", spec.shape, self.variable_dtype, trainable=False, name="rnn_state")

        # set past the tracking: states are no weights, files do not hold them
        object.__setattr__(self, "states", map_leaves(variable, specs))

    def _unsaved_variables(self) -> list[Variable]:
        return [*super()._unsaved_variables(), *(leaves(self.states) if self.states is not None else ())]

    def compute_mask(self, sequences: Any, mask: Any) -> Any:
        """The mask of the input where all steps are given; none for states."""
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        mask = mask if self.return_sequences else None
        return [mask] + [None] * len(list(leaves(self.state_size))) if self.return_state else mask

    # -- states -------------------------------------------------------------------------------------------------------

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The states before the first step: those of the cell, or zeros.

        Args:
            batch_size: The number of samples.

        Returns:
            A list of tensors (batch, ...); for stacked cells a list for each of them.
        """
        make = getattr(self.cell, "get_initial_state", None)
        if make is not None:
            found = make(batch_size=batch_size)
        else:
            k = current()
            found = _per_size(
                lambda n: k.zeros((batch_size, *_sizes(n)), self.compute_dtype), self.state_size
            )
        return list(found) if isinstance(found, list | tuple) else [found]

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        for v in leaves(self.states) if self.states is not None else ():
            v.assign(current().zeros(v.shape, v.dtype))

    def reset_states(self) -> None:
        """`reset_state` under its older name."""
        self.reset_state()

    def _first_states(self, batch: Any, given: Any) -> list[Any]:
        if given is None:
            if self.states is None:
                return self.get_initial_state(batch)
            return map_leaves(lambda v: v.value, self.states)
        fresh = self.get_initial_state(batch)
        flat, wanted = list(leaves(given)), list(leaves(fresh))
        if len(flat) != len(wanted) or any(
            not alike(a.shape, b.shape) for a, b in zip(flat, wanted, strict=True)
        ):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): `initial_state` must hold {len(wanted)} tensors of "
                f"shape {' and '.join(shown(w.shape) for w in wanted)}, got "
                f"{', '.join(shown(x.shape) for x in flat) or 'none'}. Give one for each state of the cell."
            )
        return _pack(fresh, [in_floats(current(), x, self.compute_dtype) for x in flat])

    def _as_outputs(self, states: list[Any]) -> list[Any]:
        """The states as the caller gets them: for a cell with one state the tensor, without a list around it."""
        if isinstance(self.cell, StackedRNNCells):
            return [s[0] if isinstance(s, list | tuple) and len(s) == 1 else s for s in states]
        return states

    # -- the computation ----------------------------------------------------------------------------------------------

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        mask = mask[0] if isinstance(mask, list | tuple) else mask
        k = current()
        first = next(leaves(sequences))
        self._check_mask(first, mask)
        states = self._first_states(k.shape(first)[0], initial_state)
        sequences = map_leaves(lambda x: in_floats(k, x, self.compute_dtype), sequences)
        last, outputs, states = self.inner_loop(sequences, states, mask, training=training)
        for variable, value in zip(leaves(self.states), leaves(states), strict=True) if self.stateful else ():
            variable.assign(value)
        result = outputs if self.return_sequences else last
        return (result, *self._as_outputs(states)) if self.return_state else result

    def _check_mask(self, inputs: Any, mask: Any) -> None:
        if mask is not None:
            check_mask(self, "the mask", mask.shape, "(batch, steps)", inputs.shape[:2])

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> tuple:
        """Go over all steps.

        Args:
            sequences: Tensor (batch, steps, ...).
            initial_state: The states before the first step.
            mask: A bool tensor (batch, steps), or None.
            training: Whether to drop.

        Returns:
            (the last output, all outputs (batch, steps, ...) or None if they are not wanted, the last states).
        """
        k = current()
        inputs = map_leaves(lambda x: time_first(k, x), sequences)
        steps = k.shape(next(leaves(inputs)))[0]
        mask = None if mask is None else k.astype(time_first(k, mask), "bool")
        try:
            run = self._split_loop if self._is_split() else self._whole_loop
            outputs, last, states = run(k, inputs, initial_state, mask, steps, training)
        finally:
            for cell in _cells(self.cell):
                cell.reset_dropout_mask()
                cell.reset_recurrent_dropout_mask()
        if self.zero_output_for_mask and mask is not None:
            real = k.getitem(mask, 0 if self.go_backwards else -1)
            last = k.where(k.expand_dims(real, tuple(range(1, len(last.shape)))), last, 0.0)
        return last, time_first(k, outputs) if self.return_sequences else None, states

    def _is_split(self) -> bool:
        """Whether the cell is a built-in one as it is, so that it can do the input's part for all steps at once."""
        cell = self.cell
        return (
            isinstance(cell, Cell)
            and type(cell).call is Cell.call
            and cell.compute_dtype == self.compute_dtype
        )

    def _loop_options(self) -> dict[str, Any]:
        return {
            "keep": self.return_sequences, "backwards": self.go_backwards, "unroll": self.unroll,
            "zero_masked": self.zero_output_for_mask,
        }  # fmt: skip

    def _split_loop(
        self, k: Kernel, inputs: Any, states: Any, mask: Kernel, steps: Any, training: Any
    ) -> tuple:
        if self._projects_in_turn(k, inputs, training):
            step = self.cell.stepper(states, training)
            take = lambda x, old: step(self.cell.project(x, training), old)  # noqa: E731
            return self._loop(k, take, inputs, states, mask, steps)
        x = self.cell.project(inputs, training)
        if mask is None and k.fused.offers("recurrence") and self._is_recurrence(training):
            found = self._fused_loop(k, x, states)
            if not isinstance(found, Unfit):
                outputs, states = found
                return outputs, states[0], states
        return self._loop(k, self.cell.stepper(states, training), x, states, mask, steps)

    def _projects_in_turn(self, k: Kernel, inputs: Any, training: Any) -> bool:
        if training or not isinstance(self.cell, UnitsCell):
            return False
        shape = (*k.shape(inputs)[:2], self.cell.kernel.shape[-1])
        return k.fused.projects_in_turn(shape)

    def _loop(self, k: Kernel, step: Any, x: Any, states: Any, mask: Any, steps: Any) -> tuple:
        outputs, states, _ = over_time(
            k,
            lambda x, old, extra: (step(x, old), extra),
            x,
            list(states),
            [],
            mask,
            steps,
            **self._loop_options(),
        )
        return outputs, states[0], states

    def _is_recurrence(self, training: Any) -> bool:
        """Whether a step has the form that interpreters may have a loop of their own for."""
        cell = self.cell
        if self.unroll or not isinstance(cell, UnitsCell) or (training and cell.recurrent_dropout):
            return False
        return cell.has_updater()

    def _fused_loop(self, k: Kernel, x: Any, states: list[Any]) -> tuple[Any, list[Any]] | Unfit:
        cell, keep = self.cell, self.return_sequences
        update, kernel = cell.updater(k, k.dtype(states[0])), cell.recurrent_kernel.value
        found = k.fused.recurrence(update, x, states, kernel, backwards=self.go_backwards, keep=keep)
        if isinstance(found, Unfit):
            return found
        outputs, states = found
        return (k.flip(outputs, 0) if keep and self.go_backwards else outputs), states

    def _whole_loop(self, k: Kernel, inputs: Any, states: Any, mask: Any, steps: Any, training: Any) -> tuple:
        """For any cell: its output is carried along, and so is all state that is not trained, such as random seeds."""
        cell, structure, flat = self.cell, states, list(leaves(states))
        kwargs = {"training": training} if isinstance(cell, Layer) and cell._plan.takes_training else {}
        kept = [v for v in cell.variables if not made_trainable(v)] if isinstance(cell, Layer) else []
        if training:
            for inner in _cells(cell):
                inner.draw_masks(k.shape(flat[0])[0])

        def turn(x: Any, old: list[Any], values: list[Any]) -> tuple[list[Any], list[Any]]:
            call = lambda: cell(x, _pack(structure, old[1:]), **kwargs)  # noqa: E731
            (output, new), values, scope = run_pure(call, kept, values)
            if scope.losses:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}): a cell cannot add losses in its `call`."
                )
            new = [output, *leaves(new)]
            alike = [
                n if k.dtype(n) == k.dtype(o) else k.astype(n, k.dtype(o))
                for n, o in zip(new, old, strict=True)
            ]
            return alike, values

        outputs, new, values = over_time(
            k, turn, inputs, [self._output_before(k, flat), *flat], [v.value for v in kept], mask, steps,
            **self._loop_options(),
        )  # fmt: skip
        for variable, value in zip(kept, values, strict=True):
            variable.assign(value)
        return outputs, new[0], _pack(structure, new[1:])

    def _output_before(self, k: Kernel, states: list[Any]) -> Any:
        """What a masked first step gives: the first state where it is like an output, else zeros."""
        size = getattr(self.cell, "output_size", None)
        size = _sizes(next(leaves(self.state_size)) if size is None else size)
        first = states[0]
        if tuple(first.shape[1:]) == size and k.dtype(first) == self.compute_dtype:
            return first
        return k.zeros((k.shape(first)[0], *size), self.compute_dtype)


def _cells(cell: Any) -> list[Cell]:
    """The built-in cells in a cell, itself included."""
    if isinstance(cell, Layer):
        return [layer for layer in cell._flatten_layers() if isinstance(layer, Cell)]
    return []


def _per_size(function: Any, sizes: Any) -> Any:
    """`function` of each size, in plain lists (those in attributes of layers are tracked ones)."""
    if isinstance(sizes, list | tuple):
        return [_per_size(function, s) for s in sizes]
    return function(sizes)


def _sizes(size: Any) -> tuple[int, ...]:
    return tuple(size) if isinstance(size, list | tuple) else (size,)


def _map_shapes(function: Any, structure: Any) -> Any:
    """`function` applied to each shape in a structure of shapes."""
    if isinstance(structure, dict):
        return {name: _map_shapes(function, s) for name, s in structure.items()}
    if any(isinstance(s, list | tuple | dict) for s in structure):
        return [_map_shapes(function, s) for s in structure]
    return function(structure)


def _check_cell(kind: str, cell: Any) -> None:
    if not callable(getattr(cell, "call", None)):
        raise ValueError(f"{kind}: `cell` must have a method `call(inputs, states)`, got {cell!r}.")
    if not hasattr(cell, "state_size"):
        raise ValueError(
            f"{kind}: `cell` must have an attribute `state_size` (an integer, or a list with one per state), "
            f"got {cell!r}."
        )


class OfCell:
    """An attribute of the cell, seen on the layer."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else getattr(layer.cell, self.name)


class CellRNN(RNN):
    """What the layers that make their own cell share: its arguments are theirs."""

    activation = OfCell()
    use_bias = OfCell()
    kernel_initializer = OfCell()
    recurrent_initializer = OfCell()
    bias_initializer = OfCell()
    kernel_regularizer = OfCell()
    recurrent_regularizer = OfCell()
    bias_regularizer = OfCell()
    kernel_constraint = OfCell()
    recurrent_constraint = OfCell()
    bias_constraint = OfCell()
    dropout = OfCell()
    recurrent_dropout = OfCell()
    _cell_name = "cell"
    _rank = 3

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_spec = InputSpec(ndim=self._rank)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        super().build(sequences_shape, initial_state_shape)
        axis = 2 if getattr(self.cell, "data_format", None) == "channels_first" else -1
        self.input_spec = InputSpec(ndim=self._rank, axes={axis: sequences_shape[axis]})

    def _for_cell(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The cell's part of the layer's own keyword arguments."""
        shared = {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
        if "implementation" in kwargs:
            shared["implementation"] = kwargs.pop("implementation")
        return {"name": self._cell_name, **shared}

    def _arguments(self) -> dict[str, Any]:
        own = self.cell.__dict__
        return {name: own.get(name, value) for name, value in super()._arguments().items()}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `activity_regularizer` also where there is none."""
        more = {
            "activity_regularizer": None,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
        return {**more, **super().get_config()}


class UnitsRNN(CellRNN):
    """A layer over a cell of `units` numbers."""

    units = OfCell()
