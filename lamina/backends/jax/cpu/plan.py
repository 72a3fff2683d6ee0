"""How a training step is compiled and where it runs, chosen once per shape of its data by what the step consists of.

XLA's options are those of a jaxlib that has them (`_usable` asks it); what the user says in `XLA_FLAGS` stays. The names
are XLA's own, experimental ones: https://openxla.org/xla/flags_guidance
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from lamina.backends.jax.cpu import clients, constants
from lamina.backends.jax.cpu.internals import found_in
from lamina.backends.jax.cpu.switch import on

# Operations one after the other: each large one uses all cores by itself, and two at once mostly take the cache from
# each other.
IN_TURN = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
# Products by Eigen instead of YNN, for steps that `_suit_eigen`. Sums stay with YNN: with XLA's own, a ResNet's step takes
# nearly twice as long.
BY_EIGEN = {**IN_TURN, "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
# Options for every step beside the chosen ones, tuned or not: tests compile all other programs in a hurry, but not these.
for_every_step: dict[str, Any] = {}
_LOOPS = {"while", "scan"}


def step(f: Callable, donate: tuple[int, ...], loops: int) -> Callable:
    """`f(state, *data)` compiled; where XLA has a choice, each shape of the data as suits its program.

    Args:
        f: The step, or a loop of steps.
        donate: The arguments whose memory it takes over.
        loops: How many loops of `f` are around the step.

    Returns:
        `call(state, *data, shared=())`: `shared` says of which leaves of the state the program takes over copies.
    """
    by_eigen = _options(BY_EIGEN)
    plain = _jit(f, donate, IN_TURN if by_eigen else _options(IN_TURN))
    if not on():
        return _sparing(plain)
    eigen = _jit(f, donate, by_eigen)
    chosen: dict[tuple, Callable] = {}

    def choose(state: Any, *data: Any, **named: Any) -> Callable:
        traced, program = plain.trace(state, *data, **named), plain
        work = found_in(traced.jaxpr, clients.work_of, loops)
        device = None if work is None else clients.suited(work, state)
        small = device is not None and device == clients.on_one_core()
        if by_eigen and not small and found_in(traced.jaxpr, _suit_eigen, loops):
            program, traced = eigen, eigen.trace(state, *data, **named)  # which shares the trace
        # a single large step stays with JAX's client, which works while Python prepares the next
        if device is not None and (loops or small):
            return clients.compiled(traced, device)
        return _sparing(program)

    def call(state: Any, *data: Any, shared: Sequence[bool] = (), **named: Any) -> Any:
        leaves, structure = jax.tree_util.tree_flatten((data, named))
        kinds = [(np.shape(x), getattr(x, "dtype", type(x))) for x in leaves]
        given = (jax.tree_util.tree_structure(state), structure, *kinds)
        program = chosen.get(given)
        if program is None:
            program = chosen[given] = choose(state, *data, **named)
        return program(state, *data, shared=shared, **named)

    return call


def _jit(f: Callable, donate: tuple[int, ...], options: dict[str, Any] | None) -> Callable:
    options = {**(options or {}), **for_every_step}
    return jax.jit(f, donate_argnums=donate, compiler_options=options or None)


def _sparing(program: Callable) -> Callable:
    """The program, for a state that others may hold as well."""

    def call(state: Any, *data: Any, shared: Sequence[bool] = (), **named: Any) -> Any:
        return program(clients.taken(state, shared), *data, **named)

    return call


@lru_cache
def _usable(options: tuple) -> bool:
    """Whether this XLA has the options."""
    try:
        jax.jit(lambda: np.float32(0), compiler_options=dict(options)).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def _options(wanted: dict[str, Any]) -> dict[str, Any] | None:
    """These, if there are few cores and the user has chosen none of them."""
    flags = os.environ.get("XLA_FLAGS", "")
    few = on() and (os.cpu_count() or 1) <= constants.FEW_CORES
    free = few and not any(name in flags for name in wanted)
    return wanted if free and _usable(tuple(wanted.items())) else None


def _suit_eigen(jaxpr: Any, loops: int) -> bool:
    """Whether most of the work is in products that Eigen makes in less time than YNN.

    Those with few rows and columns, of which YNN uses one core, and those with many rows, as convolutions have; but for
    small ones, and for steps with a recurrence. The numbers stand in `constants.py`.
    """
    whole = fast = 0
    for (rows, width, columns), depth in _products(jaxpr, 0):
        if depth > loops:
            return False
        work = rows * width * columns
        whole += work
        few = rows < constants.EIGEN_FEW_ROWS and columns <= constants.EIGEN_COLUMNS
        if work >= constants.EIGEN_WORK and (rows >= constants.EIGEN_ROWS or few):
            fast += work
    return 2 * fast > whole


def _products(jaxpr: Any, depth: int) -> Iterator[tuple[tuple[int, int, int], int]]:
    """Rows, width and columns of every product that YNN could take, with the number of loops around it."""
    for eqn in jaxpr.eqns:
        name, sizes = eqn.primitive.name, [v.aval.shape for v in eqn.invars]
        if name == "lamina_product":
            yield (*sizes[0], sizes[1][1]), depth
        elif name == "dot_general":
            (over, _), (batch, _) = eqn.params["dimension_numbers"]
            if not batch and tuple(over) == (len(sizes[0]) - 1,):  # x^T g is Eigen's in any case
                width = sizes[0][-1]
                yield (math.prod(sizes[0][:-1]), width, math.prod(sizes[1]) // max(width, 1)), depth
        for value in eqn.params.values():
            for inner in value if isinstance(value, tuple | list) else (value,):
                if hasattr(inner, "eqns"):
                    yield from _products(inner, depth + (name in _LOOPS))
