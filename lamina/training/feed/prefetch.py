"""Reading ahead in a background thread, from sources that are not quick."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from lamina.kernel.context import interpreter

# A source that takes less than so many seconds for an item, over the last few, is read as items are asked for: to hand
# one from thread to thread takes as long (measured with a generator of ready batches: 0.5 of 1 ms for a small step).
_QUICK, _LAST = 0.3e-3, 16

_PARKED = 10.0  # seconds that a thread waits for the next pass before it ends


class _Worker(threading.Thread):
    """A thread that reads one pass after the other.

    malloc serves each new thread from the next of its heaps, and what a pass frees stays in that heap: with a thread for
    each epoch a process grew by 100 MB a `fit`.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.work: queue.SimpleQueue = queue.SimpleQueue()

    def run(self) -> None:
        while True:
            try:
                read, ended = self.work.get(timeout=_PARKED)
            except queue.Empty:
                with _parking:
                    if self not in _parked:  # somebody has just taken it
                        continue
                    _parked.remove(self)
                    return
            self.name = "lamina-prefetch"
            read()
            self.name = "parked lamina-prefetch"
            with _parking:
                _parked.append(self)
            ended.set()
            del read, ended  # they hold the source


_parked: list[_Worker] = []
_parking = threading.Lock()


def _in_thread(read: Callable[[], None]) -> threading.Event:
    """Run `read`, which raises nothing, in a thread; gives what is set when it has ended."""
    with _parking:
        while _parked and not _parked[-1].is_alive():  # in a forked process they are not
            _parked.pop()
        worker = _parked.pop() if _parked else _Worker()
    if worker.ident is None:
        worker.start()
    ended = threading.Event()
    worker.work.put((read, ended))
    return ended


class Prefetch:
    """Runs an iterator in a thread, a few items ahead, from when it proves not to be quick.

    Args:
        make: Gives the iterator.
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
        self._make, self._kernel, self._left = make, k, limit
        self._iterator: Any = None
        self._ended: threading.Event | None = None  # of the thread, once there is one

    def _work(self) -> None:
        try:
            with interpreter(self._kernel):
                self._fill()
            self._put((None, StopIteration()))
        except BaseException as error:  # noqa: BLE001  (carried over to the reader, with its traceback)
            self._put((None, error))
        finally:
            self._close()

    def _close(self) -> None:
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()

    def _fill(self) -> None:
        while self._left != 0 and self._put((self._next(), None)):
            pass

    def _next(self) -> Any:
        item = next(self._iterator)
        self._left = None if self._left is None else self._left - 1
        return item

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        self._late.append(item)
        return False

    def __enter__(self) -> Prefetch:
        return self

    def ready(self) -> bool:
        """Whether the next item need not be waited for: it was read, or the source is quick."""
        return self._ended is None or not self._queue.empty()

    def __iter__(self) -> Iterator[Any]:
        if self._left == 0:
            return
        self._iterator = iter(self._make())
        took: deque[float] = deque(maxlen=_LAST)
        while self._left != 0:
            begun = time.perf_counter()
            try:
                item = self._next()
            except StopIteration:
                return
            took.append(time.perf_counter() - begun)
            if sum(took) > _QUICK * _LAST:
                self._ended = _in_thread(self._work)
                yield item
                yield from self._behind()
                return
            yield item

    def _behind(self) -> Iterator[Any]:
        """What the thread has read."""
        while True:
            item, error = self._queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        if self._ended is None:
            self._close()
        else:  # which closes it, be it after a source that hangs
            self._ended.wait(timeout=5)

    def unread(self) -> list[Any]:
        """What was read ahead and not taken, once the thread has ended."""
        left = [self._queue.get_nowait() for _ in range(self._queue.qsize())] + self._late
        return [item for item, error in left if error is None]
