"""A training step on bare arrays, for tests of how jax compiles steps."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from lamina import backends


def steps_of(*widths: int) -> Any:
    """Kernels of dense layers, and a step that descends their gradient."""
    import jax

    kernel = backends.load("jax")
    rng = np.random.default_rng(0)
    kernels = [rng.standard_normal(sizes).astype("float32") * 0.05 for sizes in itertools.pairwise(widths)]

    def step(kernels: list, rows: Any) -> list:
        def cost(kernels: list) -> Any:
            x = rows
            for each in kernels:
                x = kernel.tanh(kernel.matmul(x, each))
            return x.sum()

        return [w - 0.1 * g for w, g in zip(kernels, jax.grad(cost)(kernels), strict=True)]

    return kernels, step
