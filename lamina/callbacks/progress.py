"""The progress bar: rich in a terminal or notebook, plain lines elsewhere."""

from __future__ import annotations

import html
import logging
import sys
import time
from importlib import import_module
from typing import Any

from lamina.config import is_interactive_logging_enabled
from lamina.kernel.context import processes


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
        verbose = 0 if processes()[0] else verbose  # of several processes the first one tells
        self.total, self.verbose, self.title = total, verbose, title
        self.started = self._shown = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None
        if verbose == 1 and is_interactive_logging_enabled():
            if _in_notebook():
                self._bar = NotebookLine(title, total)
            elif _in_terminal():
                self._bar = _TerminalBar(title, total)

    def wants_numbers(self) -> bool:
        """Whether the bar is due for a refresh."""
        return self._bar is not None and time.perf_counter() - self._shown >= self.interval

    def update(self, step: int, logs: dict[str, Any]) -> None:
        """Show the state after `step` steps."""
        if self._bar is not None:
            self._shown = time.perf_counter()
            self._bar.update(step, logs)

    def finish(self, step: int, logs: dict[str, Any]) -> None:
        """Show the end."""
        if self.verbose == 0:
            return
        took = time.perf_counter() - self.started
        pace = _per_step(took / max(step, 1))
        parts = [f"{step}/{self.total or step} steps", f"{_duration(took)} ({pace})", format_logs(logs)]
        line = " - ".join(p for p in [self.title, *parts] if p)
        if self._bar is not None:
            self._bar.finish(line)
            self._bar = None
        elif is_interactive_logging_enabled():
            print(line, flush=True)
        else:
            logging.getLogger("lamina").info(line)

    def close(self) -> None:
        """Take the bar away, also when something failed."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


_BAR, _TIME_LEFT = 24, 8  # characters


class _TerminalBar:
    """A bar in a terminal: it keeps bar, counter and time left, and shortens the numbers."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title, self.total = title, total
        self._bar = _rich_bar()
        self._task = self._bar.add_task(title, total=total, note="")
        self._bar.start()

    def update(self, step: int, logs: dict[str, Any]) -> None:
        """Show a step and its numbers."""
        counter = 2 * len(str(self.total or 0)) + 1
        room = self._bar.console.width - len(self.title) - _BAR - counter - _TIME_LEFT - 5  # five gaps
        self._bar.update(self._task, completed=step, note=fitting_logs(logs, room))

    def finish(self, line: str) -> None:
        """Put a line in the place of the bar."""
        self._bar.update(self._task, visible=False)
        self._bar.stop()
        self._bar.console.print(line, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class NotebookLine:
    """One line of a notebook's cell, which is changed in its place: without widgets, so that nothing need be installed.

    Args:
        title: What stands in front.
        total: The number of steps; None when unknown.
    """

    def __init__(self, title: str, total: int | None) -> None:
        display = import_module("IPython.display").display  # a notebook has it
        self.title, self.total, self.started = title, total, time.perf_counter()
        self._handle = display(self._drawn(title), raw=True, display_id=True)

    def update(self, step: int, logs: dict[str, Any]) -> None:
        """Show a step, the time left and its numbers."""
        parts = [self.title, f"{step}/{self.total or '?'}"]
        if self.total and step:
            left = (time.perf_counter() - self.started) / step * (self.total - step)
            parts.append(f"{_duration(left)} left")
        self._handle.update(
            self._drawn(" - ".join(p for p in [*parts, format_logs(logs)] if p), step), raw=True
        )

    def finish(self, line: str) -> None:
        """Put a line in the place of the bar."""
        self._handle.update(self._drawn(line), raw=True)

    def close(self) -> None:
        """Leave what is shown: an error comes below it."""

    def _drawn(self, text: str, step: int | None = None) -> dict[str, str]:
        """The line for a notebook, which wraps it, and for what shows text only."""
        share = (
            ""
            if not self.total or step is None
            else f'<progress value="{step}" max="{self.total}"></progress> '
        )
        style = "font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere"
        return {"text/plain": text, "text/html": f'<div style="{style}">{share}{html.escape(text)}</div>'}


def _console() -> Any:
    from rich.console import Console

    return Console()


def _in_terminal() -> bool:
    """Whether output can be drawn over."""
    return sys.stdout.isatty() and _console().is_terminal


def _in_notebook() -> bool:
    """Whether output goes to a notebook's cell."""
    return "IPython" in sys.modules and _console().is_jupyter


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
