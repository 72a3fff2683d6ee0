"""Where arrays live, and the array that a Variable is made of."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lamina.backends import cache, process
from lamina.backends.jax import cpu
from lamina.backends.jax._support import on_cpu
from lamina.backends.jax.array import real_dtype
from lamina.backends.jax.spread import placed
from lamina.kernel.contract import Placement


def variable(value: Any, dtype: str, trainable: bool, placement: Placement | None = None) -> Any:
    with jax.ensure_compile_time_eval():  # a variable outlives the program that may be the first to read it
        if placement is not None:
            return placed(value, real_dtype(dtype), placement, copy=True)
        # a copy: a step may give the memory away; made on the host, where it is no program per shape
        if isinstance(value, jax.Array):
            return jnp.array(value, real_dtype(dtype))
        return jax.device_put(np.array(value, real_dtype(dtype)))


def read(storage: Any) -> Any:
    return storage


def write(storage: Any, value: Any) -> Any:
    return value


def holds_numbers(x: Any, /) -> bool:
    return not isinstance(x, Tracer) and not (isinstance(x, jax.Array) and x.is_deleted())


def device(name: str | None) -> Any:
    if name is None:
        return nullcontext()
    kind, _, index = name.lower().partition(":")
    found = _of_kind("gpu" if kind == "cuda" else kind)
    if int(index or 0) >= len(found):
        raise ValueError(f"No device {name!r}. jax sees: {', '.join(devices(None))}.")
    return jax.default_device(found[int(index or 0)])


def devices(kind: str | None) -> list[str]:
    found = jax.devices() if kind is None else _of_kind(kind.lower())
    return [f"{d.platform}:{i}" for i, d in enumerate(found)]


def _of_kind(kind: str) -> list:
    try:
        return jax.devices(kind)
    except RuntimeError:  # how jax says that there is no such platform
        return []


def put(x: Any, dtype: str | None = None, placement: Placement | None = None, own: bool = False) -> Any:
    if placement is not None:
        return placed(x, None if dtype is None else real_dtype(dtype), placement)
    if isinstance(x, jax.Array):
        return x if dtype is None else x.astype(real_dtype(dtype))
    x = np.asarray(x)
    # converted on the host: a cast on the device would be a program per shape
    return jax.device_put(
        x.astype(jax.dtypes.canonicalize_dtype(x.dtype if dtype is None else real_dtype(dtype)), copy=False)
    )


def copies_on_host() -> bool:
    return on_cpu()


def padded_size(rows: int) -> int:
    """At most an eighth more, so that data of nearly the same size shares a program."""
    step = max(8, 1 << max(rows.bit_length() - 4, 0))
    return -(-rows // step) * step


to_default_device = cpu.clients.to_default_device


def wait(x: Any) -> None:
    jax.block_until_ready(x)


def seed(value: int) -> None:
    """Nothing to do: jax has no generator of its own."""


def compile_cache(folder: Any) -> None:
    """jax has one cache for the process, so the user's own programs go there, too; a folder of the user's stays."""
    own = None if folder is None else cache.subfolder(folder, "jax")
    process.set_jax_cache(jax.config, None if own is None else str(own))
