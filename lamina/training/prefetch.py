"""Reading ahead in a background thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from lamina.kernel.context import interpreter


class Prefetch:
    """Runs an iterator in a thread, a few items ahead.

    Args:
        make: Gives the iterator, in the thread.
        k: The kernel that is in force there.
        ahead: How many items may wait.
        limit: How many items to read at most.
    """

    def __init__(
        self, make: Callable[[], Iterator[Any]], k: Any, ahead: int = 2, limit: int | None = None
    ) -> None:
        self._queue: queue.Queue = queue.Queue(ahead)
        self._stop = threading.Event()
        self._late: list[Any] = []  # what was read when nobody wanted it any more
        self._make, self._kernel, self._limit = make, k, limit
        self._thread = threading.Thread(target=self._work, name="lamina-prefetch", daemon=True)

    def _work(self) -> None:
        try:
            with interpreter(self._kernel):
                self._fill()
            self._put((None, StopIteration()))
        except BaseException as error:  # noqa: BLE001  (carried over to the reader, with its traceback)
            self._put((None, error))

    def _fill(self) -> None:
        if self._limit == 0:
            return
        iterator = self._make()
        try:
            for count, item in enumerate(iterator, 1):
                if not self._put((item, None)) or count == self._limit:
                    return
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        self._late.append(item)
        return False

    def __enter__(self) -> Iterator[Any]:
        self._thread.start()
        return self._read()

    def _read(self) -> Iterator[Any]:
        while True:
            item, error = self._queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def unread(self) -> list[Any]:
        """What was read ahead and not taken, once the thread has ended."""
        left = [self._queue.get_nowait() for _ in range(self._queue.qsize())] + self._late
        return [item for item, error in left if error is None]
