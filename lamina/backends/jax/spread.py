"""Tensors on several devices: SPMD, where XLA divides a program and puts in what must be exchanged."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jax.core import Tracer
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lamina.kernel import contract
from lamina.kernel.contract import JOINING, SILENCE, Placement

GATHERED = (
    "lamina_gathered"  # what is gathered anew for the gradient, by the name that jax's policies know it by
)


class Spread(contract.Spread):
    """jax's meshes and named shardings; several processes by `jax.distributed`."""

    checkpoints = "orbax"
    workers = ("ray.train.v2.jax", "JaxTrainer")

    def native(self, placement: Placement, /) -> NamedSharding:
        return sharding(placement)

    def mesh(self, placement: Placement, /) -> Mesh:
        return _mesh(placement.sizes, placement.names, placement.devices)

    def constrain(self, x: Any, placement: Placement, /) -> Any:
        return jax.lax.with_sharding_constraint(x, sharding(placement))

    def gather(self, x: Any, placement: Placement, /) -> Any:
        return _gathered(placement, x)

    def sparing(self, f: Callable, /) -> Callable:
        def sparingly(*args: Any) -> Any:
            before, _tracing.sparing = _tracing.sparing, True
            try:
                return f(*args)
            finally:
                _tracing.sparing = before

        return jax.checkpoint(sparingly, policy=_kept)

    def join(
        self, address: str | None, processes: int | None, rank: int | None, addresses: Sequence[str] = (), /
    ) -> None:
        if jax.distributed.is_initialized():  # by who started this process
            return
        try:
            jax.distributed.initialize(
                address, processes, rank, initialization_timeout=JOINING, **_heartbeat()
            )
        except ValueError:
            # without an address jax looks for a cluster that it knows; where it finds none the process is alone, and the
            # same script goes on
            if (address, processes, rank) != (None, None, None):
                raise

    def processes(self) -> tuple[int, int]:
        return jax.process_index(), jax.process_count()

    def rank_of(self, device: str, /) -> int:
        return _device(device).process_index

    def collect(self, x: Any, /) -> np.ndarray:
        return np.asarray(multihost_utils.process_allgather(np.asarray(x)))

    def broken(self, error: Exception, /) -> bool:
        return isinstance(error, jax.errors.JaxRuntimeError) and bool(_BROKEN.search(str(error)))

    def own_parts(self, x: Any, /) -> list[tuple[tuple[int, ...], np.ndarray]]:
        begins = lambda index: tuple(s.start or 0 for s in index)
        return [(begins(s.index), np.asarray(s.data)) for s in x.addressable_shards if s.replica_id == 0]


# gloo's words, NCCL's, and those of jax's coordination service
_BROKEN = re.compile(
    r"gloo|nccl|connection (reset|closed|refused)|broken pipe|socket|heartbeat|coordination|UNAVAILABLE|DEADLINE_EXCEEDED",
    re.IGNORECASE,
)


def _heartbeat() -> dict[str, Any]:
    """After how many seconds jax itself gives up a process that is silent, where it lets that be chosen (after 0.6)."""
    name = "heartbeat_timeout_seconds"
    return {name: SILENCE + 15} if name in inspect.signature(jax.distributed.initialize).parameters else {}


class _Tracing(threading.local):
    def __init__(self) -> None:
        self.sparing = False


_tracing = _Tracing()


def sparing() -> bool:
    """Whether what is traced now will be traced again for the gradient."""
    return _tracing.sparing


def placed(x: Any, dtype: Any, placement: Placement, copy: bool = False) -> jax.Array:
    """An array on the devices of a placement.

    Args:
        x: An array of jax, of NumPy, or anything of a shape whose parts are read by slices: of that, and where there are
            several processes, each reads the parts of its own devices alone.
        dtype: The dtype; that of x, as jax has it, when None.
        placement: Where its parts are to lie.
        copy: Whether the result must have memory of its own.
    """
    where = sharding(placement)
    if isinstance(x, Tracer):
        return jax.lax.with_sharding_constraint(x if dtype is None else x.astype(dtype), where)
    if isinstance(x, jax.Array):
        x = x if dtype is None else x.astype(dtype)
        if x.sharding.device_set == where.device_set or where.is_fully_addressable:
            moved = jax.device_put(x, where)
            return jnp.copy(moved) if copy and moved is x else moved
        x = np.asarray(x)  # of this process alone
    dtype = jax.dtypes.canonicalize_dtype(x.dtype if dtype is None else dtype)
    if isinstance(x, np.ndarray) and where.is_fully_addressable:
        return jax.device_put(np.array(x, dtype) if copy else x.astype(dtype, copy=False), where)
    part = lambda index: np.asarray(x[index]).astype(dtype, copy=copy)
    return jax.make_array_from_callback(tuple(x.shape), where, part)


@lru_cache(maxsize=4096)
def sharding(placement: Placement) -> NamedSharding:
    """The sharding of a placement."""
    mesh = _mesh(placement.sizes, placement.names, placement.devices)
    return NamedSharding(mesh, PartitionSpec(*placement.axes))


@lru_cache(maxsize=256)
def _mesh(sizes: Sequence[int], names: Sequence[str], devices: Sequence[str]) -> Mesh:
    grid = np.empty(len(devices), object)
    grid[:] = [_device(name) for name in devices]
    return Mesh(grid.reshape(sizes), tuple(names))


def _device(name: str) -> Any:
    kind, _, index = name.lower().partition(":")
    kind = "gpu" if kind == "cuda" else kind
    try:
        found = jax.devices(kind)
    except RuntimeError:  # how jax says that there is no such platform
        found = []
    if not index.isdigit() or int(index) >= len(found):
        known = ", ".join(f"{d.platform}:{i}" for i, d in enumerate(jax.devices()))
        raise ValueError(f"No device {name!r}. jax sees: {known}.")
    return found[int(index)]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _gathered(placement: Placement, x: Any) -> Any:
    return _whole(placement, x)


def _whole(placement: Placement, x: Any) -> Any:
    whole = jax.lax.with_sharding_constraint(x, sharding(placement.whole))
    return checkpoint_name(whole, GATHERED) if placement.again else whole


def _kept(primitive: Any, *_: Any, **given: Any) -> bool:
    """What a gradient may keep: all but what was gathered, be it before or after it got its name."""
    return primitive.name != "sharding_constraint" and given.get("name") != GATHERED


def _forward(placement: Placement, x: Any) -> tuple[Any, None]:
    return _whole(placement, x), None  # not the rule itself: a policy does not look into that


def _backward(placement: Placement, _: None, g: Any) -> tuple[Any]:
    # first whole: else XLA divides what the gradient comes from in the same way, and gets a convolution's wrong
    # (jax 0.10, five rows on eight devices). The sum and the part of it are a reduce-scatter, where XLA has one
    g = jax.lax.with_sharding_constraint(g, sharding(placement.whole))
    return (jax.lax.with_sharding_constraint(g, sharding(placement)),)


_gathered.defvjp(_forward, _backward)
