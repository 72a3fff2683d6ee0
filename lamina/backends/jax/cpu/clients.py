"""Clients of XLA for loops of training steps on the CPU, beside the one that JAX makes.

How many threads a program has, and whether it runs asynchronously, belongs to a client and not to a program.

JAX's client runs large programs in threads of its own. Their results are ready before their buffers are freed, so the
next program often allocates buffers of its own: a process grew by up to three times what a transformer's step needs, as
chance has it (540 to 960 MB). Loops of large steps run on a client that works in the caller's thread, where a run ends
when its buffers are free (550 to 580 MB). Little is lost, as training waits for long runs; a single large step, whose
result is awaited later, stays with JAX's client, which works while Python prepares the next one.

XLA splits products and larger operations over all cores. In a small step the handing over, and the fetching of what
another core has just written, take longer than the work: of an MLP on two cores, a third of the step. Small steps run on a
client of one thread. They give the same results but for rounding.

The arrays of these clients are not committed to their devices, so whatever else uses them moves them to where it runs;
`to_default_device` does so for good, without a copy.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import jax
import numpy as np

from lamina.backends import process
from lamina.backends.jax.cpu import constants
from lamina.backends.jax.cpu.internals import cpu_client
from lamina.backends.jax.cpu.switch import on


def compiled(traced: Any, device: Any) -> Callable:
    """A traced program, compiled for the device of a client: `call(state, *data)` as the program itself."""
    with jax.default_device(device):
        program = traced.lower().compile()

    def away(x: Any) -> bool:
        return isinstance(x, jax.Array) and x.devices() != {device}

    def near(x: Any) -> Any:
        """Without a copy, by the call itself: a `device_put` takes 70 us for each."""
        return np.asarray(x) if away(x) else x

    def call(state: Any, *data: Any, shared: Sequence[bool] = (), **named: Any) -> Any:
        with jax.default_device(device):
            data, named = jax.tree_util.tree_map(near, (data, named))
            return program(taken(state, shared, away), *data, **named)

    return call


def taken(state: Any, shared: Sequence[bool], away: Callable[[Any], bool] = lambda x: False) -> Any:
    """The state as a program may donate it: with copies of the leaves that others hold as well or that are elsewhere.

    Args:
        state: A tree of arrays.
        shared: For its first leaves, whether others hold them, so that their memory must not be donated.
        away: Whether a leaf is on another device.
    """
    leaves, structure = jax.tree_util.tree_flatten(state)
    far = [away(x) for x in leaves]
    held = [i for i, x in enumerate(leaves) if far[i] or (i < len(shared) and shared[i])]
    if not held:
        return state
    # what comes as NumPy's is moved by the program that copies it: 12 ms less for 190 arrays than a move for each
    for i, copy in zip(
        held, _copies([np.asarray(leaves[i]) if far[i] else leaves[i] for i in held]), strict=True
    ):
        leaves[i] = copy
    return structure.unflatten(leaves)


@jax.jit  # one program for all: one per shape would take longer to compile than to run
def _copies(xs: list) -> list:
    return [jax.numpy.copy(x) for x in xs]


def to_default_device(xs: list) -> list:
    """The arrays where programs run by default, without a copy; what is there stays."""
    made = {device for device in _made.values() if device is not None}
    away = [not made.isdisjoint(x.devices()) for x in xs]
    if not any(away):
        return xs
    moved = iter(jax.device_put([np.asarray(x) for x, far in zip(xs, away, strict=True) if far]))
    return [next(moved) if far else x for x, far in zip(xs, away, strict=True)]


def in_caller() -> Any:
    """The device that works in the caller's thread; None where something else decides where programs run."""
    settings: Any = jax.config  # its stub lists no options
    chosen = settings.jax_default_device is not None
    return None if chosen or not on() or jax.device_count() > 1 else _client(None)


def on_one_core() -> Any:
    """The one of a single thread; None where there is one core in any case, or the user says how many threads."""
    decided = (os.cpu_count() or 1) == 1 or "NPROC" in os.environ
    return None if decided or in_caller() is None else _client(1)


_made: dict[int | None, Any] = {}  # the device of each client, by its number of threads


def _client(threads: int | None) -> Any:
    """The device of a client, made when first asked for; None with a jaxlib that makes none."""
    if threads not in _made:
        _made[threads] = _make(threads)
    return _made[threads]


def _make(threads: int | None) -> Any:
    with process.on_one_core() if threads == 1 else nullcontext(True) as ready:
        client = cpu_client() if ready else None
        return None if client is None else client.local_devices()[0]


def suited(work: float, state: Any) -> Any:
    """The device of a client for a loop of steps of so much work; None for JAX's."""
    if work < constants.SMALL_LEAST:  # where XLA splits nothing, and a run's buffers are small
        return None
    small = (
        work <= constants.SMALL_MOST
        and sum(np.size(x) for x in jax.tree_util.tree_leaves(state)) * constants.ELEMENT_WORK
        <= constants.SMALL_MOST
    )
    return (on_one_core() if small else None) or in_caller()


def work_of(jaxpr: Any, loops: int) -> float:
    """Multiplications in products, and elements of other results, of the step inside so many loops; infinite with a
    loop of unknown length."""
    work = 0.0
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        inner = [part for value in eqn.params.values() for part in _parts(value)]
        if name == "while" and not loops:
            return math.inf
        if inner:
            times = eqn.params["length"] if name == "scan" else 1
            work += times * sum(work_of(part, loops - (name == "while")) for part in inner)
        elif name == "lamina_product":
            work += math.prod(eqn.invars[0].aval.shape) * eqn.invars[1].aval.shape[1]
        elif name == "dot_general":
            (over, _), _ = eqn.params["dimension_numbers"]
            work += eqn.outvars[0].aval.size * math.prod(eqn.invars[0].aval.shape[i] for i in over)
        else:
            work += constants.ELEMENT_WORK * sum(v.aval.size for v in eqn.outvars)
    return work


def _parts(value: Any) -> list:
    """The programs in a parameter of an operation."""
    return [x for x in (value if isinstance(value, tuple | list) else (value,)) if hasattr(x, "eqns")]
