"""The loop over time, once for all cells and backends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown

# (the step's input, states, extra values) -> (new states, extra values); the first state is the output
Turn = Callable[[Any, list[Any], list[Any]], tuple[list[Any], list[Any]]]


def time_first(k: Kernel, x: Any) -> Any:
    """The first two axes exchanged: batch and time."""
    return k.permute_dims(x, (1, 0, *range(2, len(x.shape))))


def over_time(
    k: Kernel, turn: Turn, inputs: Any, states: list[Any], extra: list[Any], mask: Any, length: Any, *,
    keep: bool, backwards: bool, unroll: bool, zero_masked: bool,
) -> tuple[Any, list[Any], list[Any]]:  # fmt: skip
    """Go over the first axis of the leaves of `inputs`. Where the mask is false, states stay as they are.

    Args:
        k: The interpreter.
        turn: One step.
        inputs: A tree of tensors (time, batch, ...).
        states: Tensors (batch, ...), of which the first is the output.
        extra: More values that are carried along, whatever the mask.
        mask: A bool tensor (time, batch), or None.
        length: The number of steps.
        keep: Whether the outputs of all steps are wanted.
        backwards: Whether to begin at the last step.
        unroll: Whether to write the steps out.
        zero_masked: Whether the output of a masked step is zero instead of the one before.

    Returns:
        The outputs (time, batch, ...) in the order of the steps taken (None if not wanted), the last states and extra.
    """
    if unroll and (type(length) is Unknown or not isinstance(length, int)):
        raise ValueError(
            "`unroll=True` needs a known number of steps: give the input a fixed size in axis 1."
        )

    def body(carry: Any, row: Any) -> Any:
        old, extra = carry
        new, extra = turn(row[0], old, extra)
        if mask is None:
            return (new, extra), (new[0] if keep else ())
        real = row[1]
        new = [k.where(_spread(k, real, n), n, o) for n, o in zip(new, old, strict=True)]
        if not keep:
            return (new, extra), ()
        return (new, extra), (k.where(_spread(k, real, new[0]), new[0], 0.0) if zero_masked else new[0])

    rows = (inputs,) if mask is None else (inputs, mask)
    (states, extra), outputs = k.scan(
        body, (states, extra), rows, length, backwards, max(length, 1) if unroll else 1
    )
    if not keep:
        return None, states, extra
    return (k.flip(outputs, 0) if backwards else outputs), states, extra


def _spread(k: Kernel, mask: Any, like: Any) -> Any:
    """A mask (batch,) with as many axes as `like`."""
    rank = len(like.shape)
    return mask if rank == 1 else k.expand_dims(mask, tuple(range(1, rank)))
