"""How XLA compiles a training step: with options for few cores, chosen by the products that the step consists of."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from lamina.backends.jax import clients, lowering

# Operations one after the other: each large one uses all cores by itself, and two at once mostly take the cache from
# each other (on two cores a convnet's step is 9 % faster so, a ResNet's 4 %; a transformer's is 1 to 3 % slower).
_IN_TURN = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
# Products by Eigen instead of YNN, for steps that `_suit_eigen`. Sums stay with YNN: with XLA's own, a ResNet's step takes
# nearly twice as long.
_BY_EIGEN = {**_IN_TURN, "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE"}
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
    by_eigen = _options(_BY_EIGEN)
    plain = jax.jit(f, donate_argnums=donate, compiler_options=_IN_TURN if by_eigen else _options(_IN_TURN))
    if not lowering.on_cpu():
        return _sparing(plain)
    eigen = jax.jit(f, donate_argnums=donate, compiler_options=by_eigen)
    chosen: dict[tuple, Callable] = {}

    def choose(state: Any, *data: Any, **named: Any) -> Callable:
        traced, program = plain.trace(state, *data, **named), plain
        device = clients.suited(clients.work_of(traced.jaxpr, loops), state)
        small = device is not None and device == clients.on_one_core()
        if by_eigen and not small and _suit_eigen(traced.jaxpr, loops):
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
    few = lowering.on_cpu() and (os.cpu_count() or 1) <= 4
    free = few and not any(name in flags for name in wanted)
    return wanted if free and _usable(tuple(wanted.items())) else None


def _suit_eigen(jaxpr: Any, loops: int) -> bool:
    """Whether most of the work is in products that Eigen makes in less time than YNN.

    Those are of two kinds. With rows below 256 and at most 256 columns, YNN uses one core, as far as times tell: Eigen
    takes 0.83 to 0.96 of its time there and 0.91 to 1.18 elsewhere, on 25 dense networks and two cores. From 4096 rows
    on, as convolutions have: products alone 0.4 to 0.9, mostly, of up to 64 columns, 0.8 to 1.1 of more; a ResNet's step
    0.84 to 0.94. Small products, and steps with a recurrence (a GRU of 256 units: 1.5), are YNN's nevertheless.
    """
    whole = fast = 0
    for (rows, width, columns), depth in _products(jaxpr, 0):
        if depth > loops:
            return False
        work = rows * width * columns
        whole += work
        if work >= 1 << 20 and (rows >= 4096 or (rows < 256 and columns <= 256)):
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
