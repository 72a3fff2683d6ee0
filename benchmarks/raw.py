"""The workloads in bare jax and bare torch, written by hand without a library: what the framework itself costs.

Same layers, sizes, loss, optimizer, data and batches as in `workloads`; no metrics, callbacks or checks.
"""

from __future__ import annotations

import importlib
import statistics
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import seconds
from benchmarks.workloads import WORKLOADS

RAW: set[tuple[str, str]] = {(what, backend) for what in WORKLOADS for backend in ("jax", "torch")}


def batches(
    x: np.ndarray, y: np.ndarray, size: int, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """One epoch of shuffled batches."""
    order = rng.permutation(len(x))
    for i in range(0, len(x), size):
        rows = order[i : i + size]
        yield x[rows], y[rows]


def raw(backend: str, what: str) -> dict[str, float]:
    """Seconds per training step (of the fastest epoch) and for a prediction of one row (median of 30)."""
    work = WORKLOADS[what]
    x, y = work.data()
    # one epoch of training, which ends when its last step has been computed; NumPy to NumPy
    train, predict = importlib.import_module(f"benchmarks.raw_{backend}").prepare(what)
    rng = np.random.default_rng(0)
    epoch = lambda: train(batches(x, y, work.batch, rng))
    for _ in range(work.warm):
        epoch()
    step = min(seconds(epoch) for _ in range(work.epochs)) / -(-len(x) // work.batch)
    row = x[:1]
    predict(row)
    return {"step": step, "predict": statistics.median(seconds(lambda: predict(row)) for _ in range(30))}
