"""A client of XLA whose programs run on one core: for loops of steps too small to share.

XLA hands parts of products and of larger loops to all cores. In a small step the handing over, and the fetching of what
another core has just written, take longer than the work: of the benchmarks' MLP on two cores, a third of the step. The
number of threads belongs to a client, not to a program, so small steps run on a client of their own. They give the same
results but for rounding.

Its arrays are not bound to its device, so whatever else uses them moves them to where it runs; `bring_home` does so for good.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from lamina.backends.jax import lowering

# The work of steps that gain, and what an entry of a result counts for besides one multiplication of a product. Measured
# on two cores, narrow over wide, on 14 dense networks: here 0.64 to 0.97; below, XLA shares nothing; at twice as much
# 0.94 to 1.07, beyond 1.03 to 1.29.
_LEAST, _MOST, _ENTRY = 1.5e6, 20e6, 4


def compiled(traced: Any) -> Callable:
    """A traced program, compiled for one core: `call(state, *data)` as the program itself."""
    with jax.default_device(_made()):
        program = traced.lower().compile()

    def call(*args: Any, **named: Any) -> Any:
        with jax.default_device(_made()):
            args, named = jax.tree_util.tree_map(_near, (args, named))
            return program(*args, **named)

    return call


def suits(jaxpr: Any, state: Any, loops: int) -> bool:
    """Whether the step inside so many loops is small, and its state; and a client of one core at hand."""
    if sum(np.size(x) for x in jax.tree_util.tree_leaves(state)) * _ENTRY > _MOST:
        return False
    return _LEAST <= _work(jaxpr, loops) <= _MOST and _device() is not None


def bring_home(xs: list) -> list:
    """The arrays where programs run by default, without a copy; what is there stays."""
    if not _made.cache_info().currsize or _made() is None:
        return xs
    away = [x.devices() == {_made()} for x in xs]
    moved = iter(jax.device_put([np.asarray(x) for x, far in zip(xs, away, strict=True) if far]))
    return [next(moved) if far else x for x, far in zip(xs, away, strict=True)]


def _near(x: Any) -> Any:
    """An array on the device of one core, without a copy: it shares memory, so no program may take that over."""
    return jax.device_put(np.asarray(x)) if isinstance(x, jax.Array) and x.devices() != {_made()} else x


def _device() -> Any:
    """The device of one core; None where there is only one, or something else decides where programs run."""
    chosen = "NPROC" in os.environ or jax.config.jax_default_device is not None
    if not lowering.on_cpu() or jax.device_count() > 1 or (os.cpu_count() or 1) == 1 or chosen:
        return None
    return _made()


@lru_cache
def _made() -> Any:
    """The device of a client of one thread, made once; None with a jaxlib that makes none."""
    os.environ["NPROC"] = "1"  # how many threads XLA gives a client that is made; there is no argument for it
    try:
        from jaxlib.xla_client import make_cpu_client

        return make_cpu_client().local_devices()[0]
    except (ImportError, AttributeError, TypeError):  # another jaxlib: as if there were no such device
        return None
    finally:
        del os.environ["NPROC"]


def _work(jaxpr: Any, loops: int) -> float:
    """Multiplications in products, and entries of other results, of the step; infinite with a loop of unknown length."""
    work = 0.0
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        inner = [part for value in eqn.params.values() for part in _parts(value)]
        if name == "while" and not loops:
            return math.inf
        if inner:
            times = eqn.params["length"] if name == "scan" else 1
            work += times * sum(_work(part, loops - (name == "while")) for part in inner)
        elif name == "lamina_product":
            work += math.prod(eqn.invars[0].aval.shape) * eqn.invars[1].aval.shape[1]
        elif name == "dot_general":
            (over, _), _ = eqn.params["dimension_numbers"]
            work += eqn.outvars[0].aval.size * math.prod(eqn.invars[0].aval.shape[i] for i in over)
        else:
            work += _ENTRY * sum(v.aval.size for v in eqn.outvars)
    return work


def _parts(value: Any) -> list:
    """The programs in a parameter of an operation."""
    return [x for x in (value if isinstance(value, tuple | list) else (value,)) if hasattr(x, "eqns")]
