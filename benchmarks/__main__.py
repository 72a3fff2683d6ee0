"""`make bench`: every workload with Lamina and with Keras in turn, on each backend; prints ratios.

    python -m benchmarks [WHAT ...] [--backends jax,torch,tensorflow] [--rounds 2] [--write docs/benchmarks.md]
    python -m benchmarks mlp convnet --against ../before    # a work tree of an earlier Lamina takes Keras's place

WHAT: import, build, eager, rows, batches, files, mlp, convnet, lstm, transformer, resnet, resnet50, efficientnetb0, text,
augment (all by default). Texts are made ready on the host whatever the backend; Keras needs TensorFlow's for them.
"""

from __future__ import annotations

import argparse
import compileall
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

import lamina
from benchmarks.applications import APPLICATIONS
from benchmarks.files import FILES
from benchmarks.measure import PREPARATION
from benchmarks.raw import RAW
from benchmarks.workloads import WORKLOADS

UNITS = (
    {
        "import": ("s", 1),
        "build": ("s", 1),
        "first": ("s", 1),
        "cached": ("s", 1),
        "peak": ("MB", 1),
        "growth": ("", 1),
        "load": ("s", 1),
        "first predict": ("s", 1),
    }
    | dict.fromkeys(("add", "dense", "layer"), ("us", 1e6))
    | dict.fromkeys(FILES, ("s", 1))
)
LABELS = {
    "first": "start to first step",
    "cached": "the same, compiled before",
    "step": "training step",
    "predict": "predict one row",
    "predict many": "predict 1,024 rows",
    "peak": "peak memory",
    "best": "step, best backends",
    "load": "load weights",
    "file saved": "save 1 GB",
    "file loaded": "load 1 GB",
    "weights saved": "save 1 GB of weights",
    "weights loaded": "load 1 GB of weights",
    "growth": "step with 8 times the rows, over step",
    "called": "step, a callback for each batch",
    "generated": "step, batches of a generator",
    "add": "eager addition",
    "dense": "eager Dense, relu",
    "layer": "eager layer of ten",
}
# ratios to reach: (what, figure, backend) -> at most
TARGETS = {
    ("build", "build", "jax"): 0.1,
    ("mlp", "first", "jax"): 0.4, ("convnet", "first", "jax"): 0.7, ("transformer", "first", "jax"): 0.7,
    ("mlp", "cached", "jax"): 0.3, ("convnet", "cached", "jax"): 0.3, ("transformer", "cached", "jax"): 0.3,
} | {
    (what, "step", backend): ratio
    for backend, row in {
        "jax": (0.5, 0.3, 0.9, 0.6, 0.5), "torch": (0.45, 0.8, 0.35, 0.8, 0.8), "tensorflow": (0.9, 1.0, 1.0, 1.0, 1.0),
    }.items()
    for what, ratio in zip(("mlp", "convnet", "lstm", "transformer", "resnet"), row, strict=True)
} | {
    ("mlp", "predict", backend): 0.5 for backend in ("jax", "torch", "tensorflow")
} | {
    (what, name, backend): ratio
    for what in APPLICATIONS
    for name, ratios in {
        "build": (0.1, 0.1, 0.1), "load": (0.7, 0.7, 0.7), "predict": (0.7, 0.7, 0.7), "step": (0.7, 0.9, 0.9),
    }.items()
    for backend, ratio in zip(("jax", "torch", "tensorflow"), ratios, strict=True)
} | {
    ("text", name, "tensorflow"): 2.0 if "objects" in name else 1.0
    for name in ("text adapt", "text call", "lookup", "lookup of objects", "hashing", "hashing of different strings",
                 "hashing of objects")
} | {
    ("augment", name, backend): 1.0
    for name in ("augment eager", "augment in fit") for backend in ("jax", "torch", "tensorflow")
} | {
    (what, name, backend): 1.0 for name in ("peak", "predict many") for what in WORKLOADS for backend in ("jax", "torch", "tensorflow")
} | {
    ("files", name, backend): 1.0 for name in FILES for backend in ("jax", "torch", "tensorflow")
}  # fmt: skip
# microseconds above the framework's own call, at most
ABOVE = {
    ("add", "torch"): 2e-6, ("add", "jax"): 2e-6, ("dense", "torch"): 5e-6, ("layer", "torch"): 10e-6,
}  # fmt: skip


class Figure(NamedTuple):
    """One line of the table; seconds or MB."""

    what: str
    name: str
    backend: str
    lamina: float
    keras: float
    ratio: float
    raw: float | None
    limit: float | None = None  # where it is not that of the tables above

    def target(self) -> tuple[str, bool]:
        """What is to be reached, and whether it is."""
        if self.limit is not None:
            return f"{self.limit:g}", self.ratio <= self.limit
        most = ABOVE.get((self.name, self.backend))
        if most is not None and self.raw is not None:
            return f"raw + {most * 1e6:g} us", self.lamina - self.raw <= most
        name = self.name.removesuffix(", CPU")  # CPU seconds have the target of seconds
        ratio = 1.2 if self.name == "best" else TARGETS.get((self.what, name, self.backend))
        return ("", True) if ratio is None else (f"{ratio:g}", self.ratio <= ratio)

    def cells(self) -> list[str]:
        """The line as text."""
        unit, scale = UNITS.get(self.name, ("ms", 1e3))
        shown = ["" if x is None else f"{x * scale:.3g} {unit}" for x in (self.lamina, self.keras, self.raw)]
        label = LABELS.get(self.name, self.name)
        return [
            self.what, label, self.backend, shown[0], shown[1], f"{self.ratio:.2f}", shown[2], self.target()[0],
        ]  # fmt: skip


def measure(
    library: str, backend: str, what: str, /, tree: pathlib.Path | None = None, **environment: str
) -> dict[str, float]:
    """One measurement in a fresh process, of the Lamina in `tree` if one is given."""
    command = [sys.executable, "-m", "benchmarks.measure", library, backend, what]
    # bytecode as an installed package has it; no compiled programs of earlier runs unless asked for
    env = {**os.environ, "LAMINA_COMPILE_CACHE": "0", **environment, "BENCHMARK_STARTED": repr(time.time())}
    if tree is not None:
        env["PYTHONPATH"] = str(tree)
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=1800, check=False, env=env, cwd=tree
    )
    for line in done.stdout.splitlines():
        if line.startswith("FIGURES "):
            return json.loads(line.removeprefix("FIGURES "))
    raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")


def cached(what: str) -> float:
    """Seconds from the start to the first step, where an earlier run has compiled the programs."""
    with tempfile.TemporaryDirectory() as folder:
        given = {"LAMINA_COMPILE_CACHE": folder, "BENCHMARK_ONLY": "first"}
        return [measure("lamina", "jax", what, None, **given)["first"] for _ in range(2)][-1]


_ENOUGH = 3  # rounds for what misses its target: on a shared machine one says little


def compare(what: str, backend: str, rounds: int) -> list[Figure]:
    """Lamina, Keras and the bare framework in turn, once more as long as a target is missed."""
    if what in WORKLOADS:
        rounds = max(rounds, WORKLOADS[what].rounds)
    seen: list[dict[str, dict[str, float]]] = []
    starts: list[tuple[float, float]] = []
    while True:
        seen.append(one_round(what, backend))
        if len(seen) < rounds:
            continue
        if (what, "first", backend) in TARGETS:  # one start of a process tells little
            starts += [started(what, backend) for _ in range(_ENOUGH - len(seen) - len(starts))]
        figures = medians(what, backend, seen, starts)
        if len(seen) >= _ENOUGH or all(figure.target()[1] for figure in figures):
            return figures


def one_round(what: str, backend: str) -> dict[str, dict[str, float]]:
    """The figures of each library, in a fresh process each."""
    found = {name: measure(name, backend, what) for name in ("lamina", "keras")}
    if backend == "jax" and what in WORKLOADS:
        found["keras"]["cached"] = found["keras"]["first"]
        found["lamina"]["cached"] = cached(what)
    found["raw"] = {
        name.removeprefix("raw "): value for name, value in found["lamina"].items() if name.startswith("raw ")
    }
    if (what, backend) in RAW:
        found["raw"] |= measure("raw", backend, what)
    return found


def medians(what: str, backend: str, seen: list[dict], starts: list[tuple[float, float]]) -> list[Figure]:
    """The median of each library's figures, and of the ratios within a round."""
    figures = []
    for name in [name for name in seen[0]["lamina"] if not name.startswith("raw ")]:
        values = [(one["lamina"][name], one["keras"][name]) for one in seen]
        values += starts if name == "first" else []
        bare = [one["raw"][name] for one in seen if name in one["raw"]]
        ours, theirs, ratio = (
            statistics.median(column) for column in zip(*[(a, b, a / b) for a, b in values], strict=True)
        )
        raw = statistics.median(bare) if bare else None
        figures.append(Figure(what, name, backend, ours, theirs, ratio, raw))
    return figures


def started(what: str, backend: str) -> tuple[float, float]:
    """Lamina's and Keras's seconds to the first step."""
    ours, theirs = [
        measure(name, backend, what, BENCHMARK_ONLY="first")["first"] for name in ("lamina", "keras")
    ]
    return ours, theirs


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


def compare_trees(what: str, backend: str, rounds: int, tree: pathlib.Path) -> list[Figure]:
    """Lamina here and the Lamina in another work tree, in turn."""
    seen = []
    for _ in range(rounds):
        here, there = measure("lamina", backend, what), measure("lamina", backend, what, tree)
        shared = [name for name in here if name in there]
        seen.append(
            {"lamina": {n: here[n] for n in shared}, "keras": {n: there[n] for n in shared}, "raw": {}}
        )
    return [figure._replace(limit=1.1) for figure in medians(what, backend, seen, [])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument(
        "what",
        nargs="*",
        default=[
            "import",
            "build",
            "eager",
            "rows",
            "batches",
            "files",
            *WORKLOADS,
            *APPLICATIONS,
            *PREPARATION,
        ],
    )
    parser.add_argument("--backends", default="jax,torch,tensorflow")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--write", type=pathlib.Path, help="put the table into this page, below its marker")
    parser.add_argument(
        "--against", type=pathlib.Path, help="a work tree of another Lamina, compared with in Keras's place"
    )
    given = parser.parse_args()
    if given.against is not None:
        given.against = given.against.resolve()
        compileall.compile_dir(given.against / "lamina", quiet=2)
    compileall.compile_dir(pathlib.Path(lamina.__file__).parent, quiet=2)
    figures = []
    for backend in given.backends.split(","):
        for what in given.what:
            if (what, backend) == ("eager", "tensorflow") or (what == "text" and backend != "tensorflow"):
                continue
            if given.against is None:
                found = compare(what, backend, given.rounds)
            else:
                found = compare_trees(what, backend, given.rounds, given.against)
            for figure in found:
                print("  ".join(figure.cells()), flush=True)
                figures.append(figure)
    if given.against is None:
        figures += filter(None, [best(figures, what) for what in ("convnet", "transformer")])
    report(figures, given.write, "Keras" if given.against is None else given.against.name)


def best(figures: list[Figure], what: str) -> Figure | None:
    """The step on Lamina's best backend against Keras's best; None unless several were measured."""
    steps = [f for f in figures if (f.what, f.name) == (what, "step")]
    if len(steps) < 2:
        return None
    ours, theirs = min(steps, key=lambda f: f.lamina), min(steps, key=lambda f: f.keras)
    backends = f"{ours.backend} / {theirs.backend}"
    return Figure(what, "best", backends, ours.lamina, theirs.keras, ours.lamina / theirs.keras, None)


def report(figures: list[Figure], page: pathlib.Path | None, peer: str) -> None:
    """The table on the terminal, and on a page."""
    columns = ("what", "figure", "backend", "Lamina", peer, "ratio", "raw", "target")
    table = Table(*columns, title=machine())
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for figure in figures:
        cells, good = figure.cells(), figure.target()[1]
        table.add_row(*cells, style=None if good else "red")
        lines.append(f"| {' | '.join(cells)}{'' if good else ' (missed)'} |")
    Console(width=140).print(table)
    if page is not None:
        write(page, lines)


MARKER = "<!-- figures below are written by `make bench ARGS='--write docs/benchmarks.md'` -->"


def write(page: pathlib.Path, lines: list[str]) -> None:
    """Put the table below the marker of a page."""
    head = page.read_text().partition(MARKER)[0] if page.exists() else "# Benchmarks\n\n"
    stamp = f"{datetime.date.today():%Y-%m-%d}: {machine()}."
    page.write_text("\n".join([head.rstrip(), "", MARKER, "", stamp, "", *lines, ""]))


if __name__ == "__main__":
    main()
