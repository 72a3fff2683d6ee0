"""Compare the installed backends on a small dense model, each in a process of its own.

Shown are seconds to import and build, to the end of the first step (compiling included), microseconds per step of `fit`
afterwards, and milliseconds for `predict` of one row. It tells how a machine does today, not which framework is better: the
page docs/benchmarks.md has the whole comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

from lamina import backends

EXAMPLE = "lamina bench --backend jax --backend torch"
FAILURES = (OSError,)
BATCH, WIDTH = 32, 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--backend", action="append", choices=backends.TRAINED, help="only this one; may be given again (all)"
    )
    parser.add_argument("--steps", type=int, default=500, metavar="N", help="steps that are timed (500)")
    parser.add_argument("--json", action="store_true", help="one JSON object in place of the table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # the process of one backend


def execute(given: argparse.Namespace) -> int:
    """Run the processes one after the other; the exit status is 1 if one fails."""
    if given.steps < 1:
        raise OSError(f"--steps must be at least 1, got {given.steps}.")
    if given.here:
        print(json.dumps(measured(given.steps)))
        return 0
    chosen = given.backend or [name for name in backends.installed() if name in backends.TRAINED]
    found = {name: _in_process(name, given.steps) for name in chosen}
    if given.json:
        print(json.dumps(found))
    else:
        _show(found)
    return 1 if any("error" in figures for figures in found.values()) else 0


def measured(steps: int) -> dict[str, float]:
    """The figures of the backend in force, of a model of two dense layers.

    Args:
        steps: How many steps of training are timed.
    """
    started = time.perf_counter()
    import numpy as np

    import lamina

    model = lamina.Sequential(
        [lamina.Input((WIDTH,)), lamina.layers.Dense(WIDTH, activation="relu"), lamina.layers.Dense(10)]
    )
    model.compile("adam", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
    built = time.perf_counter()
    draw = np.random.default_rng(0)
    x = draw.normal(size=(BATCH * steps, WIDTH)).astype("float32")
    y = draw.integers(0, 10, BATCH * steps)
    model.fit(x[:BATCH], y[:BATCH], batch_size=BATCH, verbose=0)
    first = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)  # what is compiled for many steps
    begun = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, verbose=0)
    ended = time.perf_counter()
    model.predict(x[:1], verbose=0)
    rows = []
    for _ in range(20):
        before = time.perf_counter()
        model.predict(x[:1], verbose=0)
        rows.append(time.perf_counter() - before)
    return {
        "build_s": round(built - started, 3),
        "first_step_s": round(first - started, 3),
        "step_us": round((ended - begun) / steps * 1e6, 1),
        "predict_ms": round(sorted(rows)[len(rows) // 2] * 1e3, 3),
    }


def _in_process(name: str, steps: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "lamina", "bench", "--here", "--steps", str(steps)]
    environment = {**os.environ, "LAMINA_BACKEND": name}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _show(found: dict[str, dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("backend", title=f"dense {WIDTH} - {WIDTH} - 10, {BATCH} rows a step", title_justify="left")
    for column in ("build, s", "first step, s", "step, us", "predict 1 row, ms"):
        table.add_column(column, justify="right")
    for name, figures in found.items():
        if "error" in figures:
            table.add_row(name, escape(figures["error"]), "", "", "")
        else:
            table.add_row(
                name, *(str(figures[n]) for n in ("build_s", "first_step_s", "step_us", "predict_ms"))
            )
    Console().print(table)
