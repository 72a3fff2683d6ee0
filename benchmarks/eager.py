"""What a call costs outside compiled programs: microseconds of Python above the framework's own work."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np


def eager(K: Any, backend: str) -> dict[str, float]:
    """Seconds of an addition, a Dense layer (relu) and one of ten layers in a functional model, on 4x8 tensors.

    Args:
        K: `lamina` or `keras`.
        backend: jax or torch.

    Returns:
        For each, also what the framework's own calls for it cost (`raw ...`), measured in turn.
    """
    x = K.ops.convert_to_tensor(np.ones((4, 8), "float32"))
    dense = K.layers.Dense(8, activation="relu")
    dense(x)
    model = K.Sequential([K.Input((8,)), *[K.layers.Dense(8, activation="relu") for _ in range(10)]])
    model(x)
    own_add, own_dense = _own(backend, x, *[w.value for w in dense.weights])
    with _no_grad(backend):
        times = _fastest(
            {
                "add": lambda: K.ops.add(x, x),
                "dense": lambda: dense(x),
                "layer": lambda: model(x),
                "raw add": lambda: own_add(),
                "raw dense": lambda: own_dense(),
            }
        )
    times["layer"] /= 10
    times["raw layer"] = times["raw dense"]
    return times


def _own(backend: str, x: Any, kernel: Any, bias: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """The framework's own calls."""
    if backend == "torch":
        import torch
        from torch.nn import functional as F

        weight = kernel.detach().T.contiguous()
        return lambda: torch.add(x, x), lambda: F.relu(F.linear(x, weight, bias))
    import jax
    import jax.numpy as jnp

    layer = jax.jit(lambda x, w, b: jnp.maximum(jnp.matmul(x, w) + b, 0))
    return lambda: jnp.add(x, x), lambda: layer(x, kernel, bias)


def _no_grad(backend: str) -> Any:
    from contextlib import nullcontext

    if backend == "torch":
        import torch

        return torch.no_grad()
    return nullcontext()


def _fastest(calls: dict[str, Callable[[], Any]], rounds: int = 30, repeat: int = 300) -> dict[str, float]:
    """The shortest mean time of each call over rounds taken in turn."""
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            for _ in range(repeat):
                call()
            best[name] = min(best[name], (time.perf_counter() - start) / repeat)
    return best
