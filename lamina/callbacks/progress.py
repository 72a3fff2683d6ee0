"""The progress bar: rich in a terminal or notebook, plain lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from lamina.config import is_interactive_logging_enabled


def format_logs(logs: dict[str, Any]) -> str:
    """`loss: 0.1234 - accuracy: 0.9876`."""
    return " - ".join(f"{name}: {_number(value)}" for name, value in logs.items())


def fitting_logs(logs: dict[str, Any], room: int) -> str:
    """The logs in so many characters: with fewer digits, then without the last names."""
    text = format_logs(logs)
    if len(text) > room:
        text = " - ".join(f"{name}: {_few_digits(value)}" for name, value in logs.items())
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"


def _few_digits(value: Any) -> str:
    try:
        return f"{float(value):.3g}"
    except (TypeError, ValueError):
        return str(value)


def _number(value: Any) -> str:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if number == 0 or 1e-3 <= abs(number) < 1e4 else f"{number:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 3600:
        return f"{int(seconds // 3600)}h{int(seconds % 3600 // 60):02d}m"
    if seconds >= 60:
        return f"{int(seconds // 60)}m{int(seconds % 60):02d}s"
    return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"


def _per_step(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.2f}s/step"
    return f"{seconds * 1e3:.1f}ms/step" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/step"


class Progress:
    """Shows the progress of one epoch, evaluation or prediction.

    Args:
        total: The number of steps; None when unknown.
        verbose: 0 nothing, 1 a live bar, 2 one line at the end.
        title: What stands in front ("Epoch 1/5").
    """

    interval = (
        0.1  # seconds between two refreshes: numbers leave the device no more often than people can read
    )

    def __init__(self, total: int | None, verbose: int, title: str = "") -> None:
        self.total, self.verbose, self.title = total, verbose, title
        self.started = self._shown = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None
        if verbose == 1 and is_interactive_logging_enabled() and _lively():
            self._bar = _rich_bar()
            self._task = self._bar.add_task(title, total=total, note="")
            self._bar.start()

    def wants_numbers(self) -> bool:
        """Whether the bar is due for a refresh."""
        return self._bar is not None and time.perf_counter() - self._shown >= self.interval

    def update(self, step: int, logs: dict[str, Any]) -> None:
        """Show the state after `step` steps."""
        if self._bar is not None:
            self._shown = time.perf_counter()
            self._bar.update(self._task, completed=step, note=fitting_logs(logs, self._room()))

    def _room(self) -> int:
        """What bar, counter and time left leave of the line."""
        counter = 2 * len(str(self.total or 0)) + 1
        return self._bar.console.width - len(self.title) - _BAR - counter - _TIME_LEFT - 5  # five gaps

    def finish(self, step: int, logs: dict[str, Any]) -> None:
        """Show the end."""
        if self.verbose == 0:
            return
        took = time.perf_counter() - self.started
        pace = _per_step(took / max(step, 1))
        parts = [f"{step}/{self.total or step} steps", f"{_duration(took)} ({pace})", format_logs(logs)]
        line = " - ".join(p for p in [self.title, *parts] if p)
        if self._bar is not None:
            self._bar.update(self._task, completed=step, total=self.total or step, visible=False)
            self._bar.stop()
            self._bar.console.print(line, highlight=False, soft_wrap=True)
            self._bar = None
        elif is_interactive_logging_enabled():
            print(line, flush=True)
        else:
            logging.getLogger("lamina").info(line)

    def close(self) -> None:
        """Take the bar away, also when something failed."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


_BAR, _TIME_LEFT = 24, 8  # characters


def _lively() -> bool:
    """Whether output can be drawn over: a terminal or a notebook."""
    from rich.console import Console

    console = Console()
    return (sys.stdout.isatty() and console.is_terminal) or console.is_jupyter


def _rich_bar() -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=_BAR),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[note]}", markup=False),
        transient=True,
        refresh_per_second=10,
    )
