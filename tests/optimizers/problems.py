"""Three problems whose gradients NumPy knows, and a run of an optimizer over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

RNG = np.random.default_rng(7)
MATRIX = RNG.normal(size=(6, 6))
MATRIX = (MATRIX @ MATRIX.T / 6 + 0.5 * np.eye(6)).astype("float32")
INPUTS, TARGETS = RNG.normal(size=(32, 5)).astype("float32"), RNG.normal(size=(32, 3)).astype("float32")

STARTS = [
    RNG.normal(size=(6,)),  # quadratic
    np.array([-1.2, 1.0]),  # Rosenbrock
    RNG.normal(size=(5, 4)), RNG.normal(size=(4,)), RNG.normal(size=(4, 3)), RNG.normal(size=(3,)),  # a network
]  # fmt: skip
STARTS = [start.astype("float32") for start in STARTS]
NAMES = ["x", "rosenbrock", "hidden_kernel", "hidden_bias", "kernel", "bias"]


def gradients(
    values: list[np.ndarray], rows: slice = slice(None), dtype: str = "float32"
) -> list[np.ndarray]:
    """Of all three problems at these values, in `dtype`; `rows` of the network's data."""
    x, r, w1, b1, w2, b2 = [np.asarray(v, "float64") for v in values]
    a, b = r
    rosenbrock = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)]) / 100
    inputs, targets = INPUTS[rows], TARGETS[rows]
    hidden = np.tanh(inputs @ w1 + b1)
    error = (hidden @ w2 + b2 - targets) / len(inputs)
    back = (error @ w2.T) * (1 - hidden**2)
    found = [MATRIX @ x, rosenbrock, inputs.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]
    return [g.astype(dtype) for g in found]


def run(
    optimizer: Any,
    variables: list[Any],
    steps: int = 20,
    scale: float = 1.0,
    convert: Callable[..., Any] = lambda g: g,
) -> np.ndarray:
    """All values after every step: (steps, numbers)."""
    optimizer.build(variables)
    seen = []
    for _ in range(steps):
        grads = [convert(g * np.float32(scale)) for g in gradients([np.asarray(v) for v in variables])]
        optimizer.apply(grads, variables)
        seen.append(np.concatenate([np.asarray(v).ravel() for v in variables]))
    return np.array(seen)
