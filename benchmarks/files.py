"""Writing and reading a model of one gigabyte."""

from __future__ import annotations

import pathlib
import tempfile
import time
from typing import Any

import numpy as np

TENSORS, WIDTH = 16, 4096  # 64 MB each
FILES = tuple(
    f"{what}{end}"
    for what in ("file saved", "file loaded", "weights saved", "weights loaded")
    for end in ("", " cpu")
)


def filed(K: Any) -> dict[str, float]:
    """Seconds of wall clock to save and load a model and its weights, and of the processor (`... cpu`).

    The folder is one in memory where the system has one: what is compared is the work of the libraries, not a disk. Each
    figure is the fastest of three.

    Args:
        K: `lamina` or `keras`.
    """
    shared = pathlib.Path("/dev/shm")
    layers = [K.layers.Dense(WIDTH, use_bias=False) for _ in range(TENSORS)]
    model = K.Sequential([K.Input((WIDTH,)), *layers])
    for v in model.weights:  # drawing them is no part of saving
        v.assign(np.full(v.shape, 0.5, "float32"))
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        whole, weights = pathlib.Path(folder, "m.keras"), pathlib.Path(folder, "m.weights.h5")
        found = {}
        for name, call in {
            "file saved": lambda: model.save(whole),
            "file loaded": lambda: K.saving.load_model(whole),
            "weights saved": lambda: model.save_weights(weights),
            "weights loaded": lambda: model.load_weights(weights),
        }.items():
            found[name], found[f"{name} cpu"] = _fastest(call)
    return found


def _fastest(call: Any) -> tuple[float, float]:
    """The least seconds of wall clock, and the least of the processor."""
    times = []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(w for w, _ in times), min(c for _, c in times)
