"""Ctrl-C that waits: while a program runs, the state's memory is the program's."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lamina.backends.process import interrupt_handled_by


@contextmanager
def kept_whole() -> Iterator[None]:
    """Ctrl-C comes when the block has ended; a second one does not wait."""
    came = False

    def waiting(before: Any) -> Callable[[int, Any], None]:
        def wait(number: int, frame: Any) -> None:
            nonlocal came
            if came and callable(before):
                before(number, frame)
            came = True

        return wait

    try:
        with interrupt_handled_by(waiting):
            yield
    finally:
        if came:
            signal.raise_signal(signal.SIGINT)
