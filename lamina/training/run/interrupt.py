"""Ctrl-C that waits for the dispatch that runs: the state's memory is the program's until it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.backends.process import interrupt_handled_by


class Interrupts:
    """The handler of Ctrl-C during a `fit`: it comes at once between dispatches, and waits for one that runs.

    A second Ctrl-C does not wait.

    Args:
        then: The handler that was there before.
    """

    def __init__(self, then: Any) -> None:
        self.then = then
        self._running = self._came = False

    def __call__(self, number: int, frame: Any) -> None:
        if self._running and not self._came:
            self._came = True
        elif callable(self.then):
            self.then(number, frame)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Ctrl-C comes when the block has ended."""
        self._running, self._came = True, False
        try:
            yield
        finally:
            came, self._running, self._came = self._came, False, False
            if came:
                self(signal.SIGINT, None)


_in_force: Interrupts | None = None  # of the main thread, the only one that signals come to


@contextmanager
def interrupts() -> Iterator[None]:
    """Let Ctrl-C wait for dispatches during the block; the handler is exchanged once, however many there are."""
    global _in_force
    if _in_force is not None and _main():  # a block inside another one
        yield
        return
    made: list[Interrupts] = []

    def make(before: Any) -> Interrupts:
        made.append(Interrupts(before))
        return made[0]

    with interrupt_handled_by(make) as handled:
        if not handled:
            yield
            return
        _in_force = made[0]
        try:
            yield
        finally:
            _in_force = None


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C comes when the block has ended."""
    handler = _in_force if _main() else None
    if handler is None or handler._running:
        yield
        return
    with handler.held():
        yield


def _main() -> bool:
    return threading.current_thread() is threading.main_thread()
