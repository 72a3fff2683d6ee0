"""`make bench`: every workload with Lamina and with Keras in turn, on each backend; prints ratios.

    python -m benchmarks [WHAT ...] [--backends jax,torch,tensorflow] [--rounds 2] [--write docs/benchmarks.md]

WHAT: import, build, mlp, convnet, lstm, transformer, resnet (all by default).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

from rich.console import Console
from rich.table import Table

from benchmarks.workloads import WORKLOADS

UNITS = {
    "import": ("s", 1),
    "build": ("s", 1),
    "first": ("s", 1),
    "step": ("ms", 1e3),
    "predict": ("ms", 1e3),
    "peak": ("MB", 1),
}
LABELS = {
    "first": "start to first step",
    "step": "training step",
    "predict": "predict one row",
    "peak": "peak memory",
}
# ratios to reach: (what, figure, backend) -> at most
TARGETS = {
    ("build", "build", "jax"): 0.1,
    ("mlp", "predict", "jax"): 0.5, ("mlp", "predict", "torch"): 0.5, ("mlp", "predict", "tensorflow"): 0.5,
    ("mlp", "first", "jax"): 0.4, ("convnet", "first", "jax"): 0.7, ("transformer", "first", "jax"): 0.7,
} | {
    (what, "step", backend): ratio
    for backend, row in {
        "jax": (0.5, 0.3, 0.9, 0.6, 0.5), "torch": (0.45, 0.8, 0.35, 0.8, 0.8), "tensorflow": (0.9, 1.0, 1.0, 1.0, 1.0),
    }.items()
    for what, ratio in zip(("mlp", "convnet", "lstm", "transformer", "resnet"), row, strict=True)
}  # fmt: skip


def measure(library: str, backend: str, what: str) -> dict[str, float]:
    """One measurement in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.measure", library, backend, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("FIGURES "):
            return json.loads(line.removeprefix("FIGURES "))
    raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")


def compare(what: str, backend: str, rounds: int) -> dict[str, tuple[float, float, float]]:
    """Lamina and Keras in turn; per figure: the median of each and of the ratios within a round."""
    pairs = [(measure("lamina", backend, what), measure("keras", backend, what)) for _ in range(rounds)]
    return {
        name: (
            statistics.median(a[name] for a, _ in pairs),
            statistics.median(b[name] for _, b in pairs),
            statistics.median(a[name] / b[name] for a, b in pairs),
        )
        for name in pairs[0][0]
    }


def machine() -> str:
    """What the figures were measured on."""
    packages = ("lamina", "keras", "jax", "torch", "tensorflow", "tensorflow-cpu", "numpy")
    versions = []
    for name in packages:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(versions)}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("what", nargs="*", default=["import", "build", *WORKLOADS])
    parser.add_argument("--backends", default="jax")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page, below its marker")
    given = parser.parse_args()
    table = Table("what", "figure", "backend", "Lamina", "Keras", "ratio", "target", title=machine())
    lines = ["| what | figure | backend | Lamina | Keras | ratio | target |", "|---|---|---|---|---|---|---|"]
    for backend in given.backends.split(","):
        for what in given.what:
            for name, (ours, theirs, ratio) in compare(what, backend, given.rounds).items():
                unit, scale = UNITS[name]
                target = TARGETS.get((what, name, backend))
                row = [
                    what, LABELS.get(name, name), backend, f"{ours * scale:.3g} {unit}", f"{theirs * scale:.3g} {unit}",
                    f"{ratio:.2f}", "" if target is None else f"{target:g}",
                ]  # fmt: skip
                good = target is None or ratio <= target
                table.add_row(*row, style=None if good else "red")
                lines.append(f"| {' | '.join(row)} |")
                print("  ".join(row), flush=True)
    Console(width=120).print(table)
    if given.write:
        write(given.write, lines)


MARKER = "<!-- figures below are written by `make bench ARGS='--write docs/benchmarks.md'` -->"


def write(page: pathlib.Path, lines: list[str]) -> None:
    """Put the table below the marker of a page."""
    head = page.read_text().partition(MARKER)[0] if page.exists() else "# Benchmarks\n\n"
    stamp = f"{datetime.date.today():%Y-%m-%d}: {machine()}."
    page.write_text("\n".join([head.rstrip(), "", MARKER, "", stamp, "", *lines, ""]))


if __name__ == "__main__":
    main()
