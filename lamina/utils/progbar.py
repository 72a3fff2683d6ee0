"""A progress bar for loops of one's own."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np


class Progbar:
    """A progress bar on the standard output, with means of values.

    Args:
        target: How many steps there are; None if that is not known.
        width: How many signs the bar has.
        verbose: 0 shows nothing, 1 a bar, 2 one line at the end.
        interval: The least number of seconds between two pictures.
        stateful_metrics: Names of values that are shown as they are, not as means over the steps.
        stateless_metrics: Names of values of which means are shown; only one of the two can be given.
        unit_name: What a step is called.

    Example:
        >>> import lamina
        >>> bar = lamina.utils.Progbar(3, verbose=2)
        >>> for step in range(3):
        ...     bar.update(step + 1, [("loss", 1.0 / (step + 1))])
        3/3 - ... - loss: 0.6111
    """

    def __init__(
        self, target: int | None, width: int = 20, verbose: int = 1, interval: float = 0.05,
        stateful_metrics: Any = None, stateless_metrics: Any = None, unit_name: str = "step",
    ) -> None:  # fmt: skip
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give `stateful_metrics` or `stateless_metrics`, not both.")
        if verbose not in (0, 1, 2):
            raise ValueError(f"Progbar: `verbose` must be 0, 1 or 2, got {verbose!r}.")
        self.target, self.width, self.verbose, self.interval = target, width, verbose, interval
        self.stateful_metrics = set(stateful_metrics or ())
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.seen = 0
        self._sums: dict[str, list[float]] = {}
        self._start, self._shown, self._longest = time.monotonic(), float("-inf"), 0

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Note that `current` steps are done.

        Args:
            current: How many steps are done.
            values: Pairs (name, value) of the last steps.
            finalize: Whether this was the last one; by default when the target is reached.
        """
        finalize = (self.target is not None and current >= self.target) if finalize is None else finalize
        steps = max(current - self.seen, 1)
        for name, value in values or ():
            mean = name not in self.stateful_metrics
            if self.stateless_metrics is not None:
                mean = name in self.stateless_metrics
            total = self._sums.setdefault(name, [0.0, 0.0])
            if mean:
                total[0] += float(value) * steps
                total[1] += steps
            else:
                total[:] = [float(value), 1.0]
        self.seen = current
        now = time.monotonic()
        if self.verbose == 1 and (finalize or now - self._shown >= self.interval):
            self._shown = now
            self._write(self._line(current, finalize, True), "\n" if finalize else "", True)
        elif self.verbose == 2 and finalize:
            self._write(self._line(current, finalize, False), "\n", False)

    def add(self, n: int, values: Any = None) -> None:
        """Note that `n` more steps are done."""
        self.update(self.seen + n, values)

    def _line(self, current: int, finalize: bool, bar: bool) -> str:
        goal = "Unknown" if self.target is None else str(self.target)
        parts = [f"{current:>{len(goal)}d}/{goal}" if self.target else f"{current}/{goal}"]
        if bar and self.target:
            filled = min(self.width, int(self.width * current / self.target))
            parts[0] += f" {'━' * filled}{'─' * (self.width - filled)}"
        spent = time.monotonic() - self._start
        each = spent / max(current, 1)
        if finalize or self.target is None:
            times = f"{spent:.0f}s {_shown(each)}/{self.unit_name}"
        else:
            times = f"{each * (self.target - current):.0f}s {_shown(each)}/{self.unit_name}"
        values = [f"{n}: {_number(s / max(c, 1.0))}" for n, (s, c) in self._sums.items()]
        return " - ".join([*([f"{parts[0]} {times}"] if bar else [parts[0], times]), *values])

    def _write(self, line: str, end: str, over: bool) -> None:
        gap = " " * max(0, self._longest - len(line)) if over else ""
        self._longest = max(self._longest, len(line))
        sys.stdout.write(("\r" if over else "") + line + gap + end)
        sys.stdout.flush()


def _shown(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 or np.isnan(value) else f"{value:.4e}"
