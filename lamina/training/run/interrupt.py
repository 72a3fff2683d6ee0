"""Ctrl-C that waits for the dispatch that runs: the state's memory is the program's until it ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Interrupts:
    """The handler of Ctrl-C during a `fit`: it comes at once between dispatches, and waits for one that runs.

    A second Ctrl-C does not wait.

    Args:
        then: The handler that was there before.
    """

    def __init__(self, then: Callable[[int, Any], Any]) -> None:
        self.then = then
        self._running = self._came = False

    def __call__(self, number: int, frame: Any) -> None:
        if self._running and not self._came:
            self._came = True
        else:
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
                self.then(signal.SIGINT, None)


_in_force: Interrupts | None = None  # of the main thread, the only one that signals come to


@contextmanager
def interrupts() -> Iterator[None]:
    """Let Ctrl-C wait for dispatches during the block; the handler is exchanged once, however many there are."""
    global _in_force
    before = signal.getsignal(signal.SIGINT) if _main() else None
    if not callable(before) or _in_force is not None:  # none here, or a block inside another one
        yield
        return
    _in_force = handler = Interrupts(before)
    _exchange(handler)
    try:
        yield
    finally:
        _in_force = None
        if signal.getsignal(signal.SIGINT) is handler:  # not where a callback has set its own
            _exchange(before)


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


def _exchange(handler: Any) -> None:
    signal.signal(signal.SIGINT, handler)
