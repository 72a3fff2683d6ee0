"""The loop of a recurrent layer with its own gradient.

Differentiating `scan` adds to the gradient of the recurrent kernel in every turn. Here the turns hand out what they
would add, and one product makes the sum: on a CPU it runs on all threads, on an accelerator it fills the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
from jax import lax

from lamina.backends.jax import cpu
from lamina.backends.jax.spread import sparing
from lamina.kernel import contract


class Fused(contract.Fused):
    """What jax has a form of its own for."""

    def recurrence(
        self, update: Callable, x: Any, states: list[Any], kernel: Any, /, *, backwards: bool, keep: bool
    ) -> tuple[Any, list[Any]] | contract.Unfit:
        """One product makes the sum over time; there is no forward-mode derivative."""
        if sparing():
            return contract.Unfit("`update` holds tensors of a trace that is over when the gradient's begins")
        return _recurrence(update, backwards, keep, x, list(states), kernel)

    def projects_in_turn(self, shape: Any, /) -> bool:
        """Products that leave the cache are read back from memory; where nothing is differentiated none has to be kept."""
        if not cpu.on() or not cpu.forward_only():
            return False
        return shape[1] >= cpu.constants.IN_TURN_ROWS and math.prod(shape) >= cpu.constants.IN_TURN_ELEMENTS


@partial(jax.custom_vjp, nondiff_argnums=(0, 1, 2))
def _recurrence(
    update: Callable, backwards: bool, keep: bool, x: Any, states: Any, kernel: Any
) -> tuple[Any, Any]:
    def turn(states: Any, x: Any) -> tuple[Any, Any]:
        states = update(x + states[0] @ kernel, states)
        return states, (states[0] if keep else ())

    states, outputs = lax.scan(turn, states, x, reverse=backwards)
    return outputs, states


def _forward(
    update: Callable, backwards: bool, keep: bool, x: Any, states: Any, kernel: Any
) -> tuple[Any, Any]:
    def turn(states: Any, x: Any) -> tuple[Any, Any]:
        sums = x + states[0] @ kernel
        new = update(sums, states)
        return new, ((new[0] if keep else ()), sums, states)

    last, (outputs, sums, before) = lax.scan(turn, states, x, reverse=backwards)
    return (outputs, last), (sums, before, kernel)


def _backward(
    update: Callable, backwards: bool, keep: bool, kept: Any, upstream: Any
) -> tuple[Any, Any, Any]:
    sums, before, kernel = kept
    by_outputs, by_last = upstream
    transposed = kernel.T

    def turn(by_states: Any, row: Any) -> tuple[Any, Any]:
        by_output, sums, before = row
        if keep:
            by_states = [by_states[0] + by_output, *by_states[1:]]
        by_sums, by_before = jax.vjp(update, sums, before)[1](by_states)
        return [by_before[0] + by_sums @ transposed, *by_before[1:]], by_sums

    by_states, by_sums = lax.scan(turn, by_last, (by_outputs, sums, before), reverse=not backwards)
    rows = by_sums.reshape(-1, kernel.shape[1])
    by_kernel = before[0].reshape(-1, kernel.shape[0]).T @ rows
    return by_sums, by_states, by_kernel


_recurrence.defvjp(_forward, _backward)
