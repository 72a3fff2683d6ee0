"""Writes `docs/call.md`: how a call travels through Lamina, traced on the code as it is.

python docs/call.py
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import lamina
from lamina import layers, ops

ROOT = pathlib.Path(lamina.__file__).parent

HEAD = """# How a call travels

Who calls whom, from the public function to the backend and back: traced with `sys.setprofile`, on jax, by
`python docs/call.py`, which writes this page. Every line is a function of Lamina at the place where it was first
entered, with its callees below it, each once in the order of their first calls; generator and lambda frames are left out.
Counts are Python frames of Lamina.
"""


class Trace:
    """The frames of Lamina that run inside `with`."""

    def __enter__(self) -> Trace:
        self.stack: list[tuple] = []
        self.frames = 0
        self.seen: dict[tuple, list] = {(): []}
        sys.setprofile(self._on)
        return self

    def __exit__(self, *exc: Any) -> None:
        sys.setprofile(None)

    def _on(self, frame: Any, event: str, arg: Any) -> None:
        code = frame.f_code
        if event not in ("call", "return"):
            return
        place = pathlib.PurePath(code.co_filename)
        written_out = code.co_filename.startswith(
            "<lamina."
        )  # the callers of ops are compiled from a template
        if not (written_out or place.is_relative_to(ROOT)) or code.co_name.startswith("<"):
            return
        if event == "return":
            if self.stack:
                self.stack.pop()
            return
        self.frames += 1
        where = code.co_filename if written_out else f"{place.relative_to(ROOT)}:{code.co_firstlineno}"
        path = (*self.stack, (code.co_name, where))
        key = tuple(self.stack)
        if path not in self.seen:
            self.seen[path] = []
            self.seen[key].append(path)
        self.stack.append((code.co_name, where))

    def way_to(self, name: str, below: str) -> list[str]:
        """The functions from the first to the deepest one in a folder that a function leads to."""
        under = [path for path in self.seen if any(step[0] == name for step in path)]
        deepest = max((path for path in under if path[-1][1].startswith(below)), key=len)
        return [f"{number:2}  {step}  {where}" for number, (step, where) in enumerate(deepest, 1)]

    def lines(self, depth: int) -> list[str]:
        """The tree of first calls; a function that was shown before is not opened again."""
        out: list[str] = []
        shown: set[tuple] = set()

        def walk(path: tuple) -> None:
            for child in self.seen[path]:
                if len(child) > depth or child[-1] in shown:
                    continue
                shown.add(child[-1])
                name, where = child[-1]
                out.append(f"{'  ' * (len(child) - 1)}{name}  {where}")
                walk(child)

        walk(())
        return out


def section(title: str, note: str, call: Callable[[], Any], depth: int = 99) -> list[str]:
    with Trace() as trace:
        call()
    functions = {path[-1] for path in trace.seen if path}
    files = {where.split(":")[0] for _, where in functions}
    count = f"{trace.frames} frames, {len(functions)} functions in {len(files)} files."
    return [f"## {title}", "", f"{note} {count}", "", "```text", *trace.lines(depth), "```", ""]


def main() -> None:
    lamina.utils.set_random_seed(0)
    x, y = np.ones((64, 8), "float32"), np.ones((64, 1), "float32")
    tensor = ops.convert_to_tensor(x)
    ops.softmax(tensor)
    lines = [HEAD, *section("An operation", "`ops.softmax(x)`, warm.", lambda: ops.softmax(tensor))]
    lines += section(
        "The same, given a list", "`ops.softmax([[...]])`, warm.", lambda: ops.softmax(x.tolist())
    )
    dense = layers.Dense(5, activation="relu")
    lines += section(
        "A layer, first call", "`Dense(5, activation='relu')(x)`, to depth 4.", lambda: dense(tensor), 4
    )
    dense(tensor)
    lines += section("A layer, warm", "The same again: the fast path.", lambda: dense(tensor))
    model = lamina.Sequential([lamina.Input((8,)), layers.Dense(5, activation="relu"), layers.Dense(1)])
    model.compile("sgd", "mse")
    for _ in range(2):
        model.fit(x, y, epochs=2, verbose=0)
        model.predict(x, verbose=0)
    fit = lambda: model.fit(x, y, epochs=2, verbose=0)
    lines += section("`fit`", "`model.fit(x, y, epochs=2)`, warm, to depth 4.", fit, 4)
    with Trace() as trace:
        fit()
    way = trace.way_to("_dispatch", "backends/jax")
    lines += ["## From `fit` to the program", "", "The deepest line is what XLA is called from.", ""]
    lines += ["```text", *way, "```", ""]
    lines += section(
        "`predict`", "`model.predict(x)`, warm, to depth 5.", lambda: model.predict(x, verbose=0), 5
    )
    (pathlib.Path(__file__).parent / "call.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    lamina.config.set_backend("jax")
    main()
