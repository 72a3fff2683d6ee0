"""The explorer: case number n is the same in every process, so a run resumes by its first number.

`make differential ARGS="--first 0 --cases 5000"` writes each difference that is not decided as one line of
JSON to `.differential/found.jsonl` and notes in `.differential/next` where to go on. Training programs are a kind of their own,
for a backend with gradients: `--kinds training --backend torch --out .differential/training`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

# XLA reads it once: what it compiles here runs a single time
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false")

import numpy as np
from oracle import keras
from quick_jax import quick
from subjects import KINDS, Probe, Raised

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

HERE = Path(__file__).parent
SHARE_OF_GRADIENTS = 0.4


class Difference(NamedTuple):
    """One fact in which the two differ."""

    case: int
    subject: str
    fact: str
    theirs: Any
    ours: Any
    said: str

    @property
    def key(self) -> str:
        """What the lines of `decided.toml` are matched with: `layers.Conv2D: config.padding`."""
        return f"{self.subject.split('(')[0]}: {self.fact}"


def compare(fact: str, theirs: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """The facts below `fact` that differ; of containers, which entries."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted(theirs.keys() | ours.keys()):
            yield from compare(f"{fact}.{name}", theirs.get(name, "missing"), ours.get(name, "missing"))
        return
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) != len(ours):
        yield fact, str(theirs), str(ours)
        return
    if isinstance(theirs, list) and isinstance(ours, list):
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            for _, x, y in compare(f"{fact}.{i}", a, b):
                yield fact, x, y
                return
        return
    if isinstance(theirs, np.ndarray) and isinstance(ours, np.ndarray):
        # outputs are around 1: below that a gradient is what is left of numbers that cancel
        if not near(theirs, ours, least=1.0 if fact.startswith("gradients") else 1e-2):
            yield fact, np.asarray(theirs).ravel()[:6].tolist(), np.asarray(ours).ravel()[:6].tolist()
        return
    if isinstance(theirs, float) and isinstance(ours, float):
        if not near(np.float64(theirs), np.float64(ours)):
            yield fact, theirs, ours
        return
    if all(type(x) in (int, float) for x in (theirs, ours)) and theirs == ours:
        return  # 1 and 1.0 make the same object
    if type(theirs) is not type(ours) or theirs != ours:
        yield fact, theirs, ours


def near(a: Any, b: Any, least: float = 1e-2) -> bool:
    """Equal up to rounding in the arrays' own precision, relative to the largest number, or to `least`."""
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        return bool((a == b).all())
    half = "16" in a.dtype.name or "16" in b.dtype.name
    kept = np.complex128 if "c" in (a.dtype.kind, b.dtype.kind) else np.float64
    a, b = a.astype(kept), b.astype(kept)
    finite = np.abs(a[np.isfinite(a)])
    size = float(finite.max()) if finite.size else 1.0
    with np.errstate(all="ignore"):
        return bool(
            np.allclose(
                b,
                a,
                rtol=3e-2 if half else 1e-3,
                atol=(1e-2 if half else 2e-5) * max(size, least),
                equal_nan=True,
            )
        )


class Explorer:
    """Makes cases and compares; `decided` are the differences that have a reason."""

    def __init__(self, backend: str = "numpy", kinds: list[str] | None = None) -> None:
        self.kernel = backends.load(backend)
        self.decided = tomllib.loads((HERE / "decided.toml").read_text())["decided"]
        self.kinds = kinds or list(KINDS)

    def run(self, number: int) -> list[Difference]:
        """The differences of case `number` that are not decided; what NumPy finds is confirmed by jax itself."""
        with quick():
            found = self._run(number)
        return self._run(number) if found else []

    def _run(self, number: int) -> list[Difference]:
        rng = random.Random(number)
        shares = [KINDS[k][0] for k in self.kinds]
        kind = rng.choices(self.kinds, shares if any(shares) else None)[0]
        subject, probe_with = KINDS[kind][1](rng, keras)
        differentiates = random.Random(f"gradients of {number}").random() < SHARE_OF_GRADIENTS
        return self.between(subject, probe_with, number, differentiates)

    def between(
        self,
        subject: str,
        probe_with: Callable[[Probe], None],
        number: int = -1,
        differentiates: bool = False,
    ) -> list[Difference]:
        """The differences of one program that are not decided."""
        theirs, ours = Probe(keras, differentiates), Probe(lamina, differentiates)
        with interpreter(self.kernel):
            for probe in (theirs, ours):
                with contextlib.suppress(Raised):
                    probe_with(probe)
        found = [
            Difference(number, subject, fact, a, b, _said(fact, theirs, ours))
            for name in theirs.facts.keys() & ours.facts.keys()
            if not name.endswith(" raises") and name != "build warns"
            for fact, a, b in compare(name, theirs.facts[name], ours.facts[name])
        ]
        found = _first_call(found)
        if any(d.fact == "output" for d in found):  # of another dtype or shape the numbers differ, too
            found = [d for d in found if d.fact not in ("values", "gradients")]
        found += _endings(number, subject, theirs, ours)
        return [d for d in found if not any(self.fits(line, d) for line in self.decided)]

    @staticmethod
    def fits(line: dict[str, Any], found: Difference) -> bool:
        """Whether a line of `decided.toml` speaks of this difference."""
        fields = {"where": found.key, **found._asdict()}
        return all(
            any(fnmatchcase(str(fields[name]), pattern) for pattern in _listed(line[name]))
            for name in ("where", "theirs", "ours", "said", "subject")
            if name in line
        )


def _said(fact: str, theirs: Any, ours: Any) -> str:
    """What the two said: warnings where these differ, else errors."""
    if fact.endswith("warns"):
        return f"{theirs.warned.get(fact, [])} / {ours.warned.get(fact, [])}"
    return str(theirs.messages | ours.messages)[:300]


def _first_call(found: list[Difference]) -> list[Difference]:
    """Of the facts of calls that follow each other ("0 fit calls") those of the first in which any differ."""
    number = lambda d: d.fact.split()[0]
    numbered = [number(d) for d in found if number(d).isdigit()]
    return [d for d in found if not number(d).isdigit() or number(d) == min(numbered)]


def _listed(patterns: str | list[str]) -> list[str]:
    return [patterns] if isinstance(patterns, str) else patterns


def _endings(number: int, subject: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    """How the two ended: with an error of which class, at which stage. Lamina may find it at an earlier stage."""
    ends = [
        next(((n, e) for n, e in p.facts.items() if n.endswith(" raises") and e), (None, None))
        for p in (theirs, ours)
    ]
    (their_stage, their_error), (our_stage, our_error) = ends
    alike = their_error == our_error or (their_error and our_error and their_error in our_error.split("/"))
    if alike and (their_stage == our_stage or their_stage not in ours.facts):
        return
    if their_error and their_stage in ours.facts and their_stage != our_stage:
        our_error = None  # what comes later Keras did not come to
    said = str(theirs.messages | {f"ours, {k}": v for k, v in ours.messages.items()})[:300]
    yield Difference(number, subject, "raises", f"{their_error}", f"{our_error}", said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int)
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--out", default=".differential")
    given = parser.parse_args()
    folder = Path(given.out)
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / "next"
    first = given.first if given.first is not None else int(mark.read_text()) if mark.exists() else 0
    explorer = Explorer(given.backend, given.kinds)
    count: Counter[str] = Counter()
    with (folder / "found.jsonl").open("a") as file:
        for number in range(first, first + given.cases):
            for d in explorer.run(number):
                count[d.key] += 1
                file.write(json.dumps({**d._asdict(), "key": d.key}, default=str) + "\n")
                file.flush()
            mark.write_text(str(number + 1))
    for key, times in count.most_common():
        print(f"{times:4d}  {key}")


if __name__ == "__main__":
    main()
