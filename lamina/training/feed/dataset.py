"""PyDataset: batches by number, read by several workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sized
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

from lamina.backends.process import fork_is_safe
from lamina.core.sample import for_sample
from lamina.kernel.context import interpreter
from lamina.kernel.namespaces import public_in
from lamina.training.feed.spread import Share, Shared


@public_in("lamina.utils")
class PyDataset:
    """A data set of batches: a subclass says how many there are, and gives each by its number.

    Args:
        workers: How many batches are made at the same time.
        use_multiprocessing: Whether workers are processes, not threads. They are forked where that is safe (Linux, neither jax
            nor TensorFlow in the process), and started anew elsewhere: the data set must be picklable then, its class stand
            in a module, and what trains stand under `if __name__ == "__main__":`.
        max_queue_size: How many batches may be made ahead.

    Example:
        >>> import lamina, numpy as np
        >>> class Squares(lamina.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.full((2, 1), float(index))
        ...         return x, x**2
        >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(Squares(workers=2), verbose=0)
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing = workers, use_multiprocessing
        self.max_queue_size = max_queue_size

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __getitem__(self, index: int) -> Any:
        """The batch of this number.

        Args:
            index: From 0 to the number of batches.

        Returns:
            (inputs, targets), or with sample weights.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(self, index)`: a batch.")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None is endless."""
        if isinstance(self, Sized):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must define `__len__` or `num_batches`.")

    def count_rows(self, index: int) -> int | None:
        """How many rows a batch has, where `read_rows` can give some of them; None, the default, where batches are read whole.

        Args:
            index: The number of the batch.
        """
        return None

    def read_rows(self, index: int, start: int, stop: int) -> Any:
        """Some rows of a batch. Of several processes each asks for those that it computes on, and reads no others.

        Args:
            index: The number of the batch.
            start, stop: The first row and the one behind the last.

        Returns:
            What `self[index]` has in these rows.
        """
        raise NotImplementedError(
            f"{type(self).__name__} defines `count_rows`, so it must define `read_rows`, too."
        )

    def on_epoch_begin(self) -> None:
        """Before every epoch."""

    def on_epoch_end(self) -> None:
        """After every epoch."""


def read_batch(source: Any, number: int, share: Share | None) -> Any:
    """A batch; or the rows of it that a process computes on, of a data set that can give them alone."""
    total = source.count_rows(number) if share is not None and isinstance(source, PyDataset) else None
    if share is None or total is None or (own := share.of(total)) is None:
        return source[number]
    return Shared(source.read_rows(number, *own), total, own[0])


def read_in_order(
    source: Any, numbers: Iterator[int], k: Any, epoch: int = 0, share: Share | None = None
) -> Generator[Any]:
    """The batches of these numbers, in their order, made by the workers that the data set asks for.

    What layers draw for a batch follows from its number and the epoch, so it does not depend on the workers.
    """
    workers = int(getattr(source, "workers", 1) or 1)
    processes = bool(getattr(source, "use_multiprocessing", False))
    if workers <= 1 and not processes:
        for number in numbers:
            with for_sample(epoch, number):
                batch = read_batch(source, number, share)
            yield batch
        return
    ahead = max(int(getattr(source, "max_queue_size", 10) or 1), workers)
    pool = _processes(source, workers) if processes else ThreadPoolExecutor(workers, "lamina-worker")
    try:
        yield from _ordered(
            pool,
            partial(_of_process, epoch, share) if processes else _Reading(source, k, epoch, share),
            numbers,
            ahead,
        )
    except BrokenProcessPool as error:
        raise RuntimeError(
            f"The worker processes of {type(source).__name__} ended before they gave a batch. They are started anew and import "
            "the program first: put what trains under `if __name__ == '__main__':`. Or use threads: "
            f"use_multiprocessing=False, workers={workers}. (A process that ran out of memory ends so, too.)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ordered(pool: Executor, read: Any, numbers: Iterator[int], ahead: int) -> Iterator[Any]:
    waiting: deque[Future] = deque()
    for number in numbers:
        waiting.append(pool.submit(read, number))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Reading:
    """Reads a batch in a thread, under the kernel of the one that asked."""

    def __init__(self, source: Any, k: Any, epoch: int, share: Share | None) -> None:
        self.source, self.k, self.epoch, self.share = source, k, epoch, share

    def __call__(self, number: int) -> Any:
        with interpreter(self.k), for_sample(self.epoch, number):
            return read_batch(self.source, number, self.share)


def _processes(source: Any, workers: int) -> Executor:
    # a fork has all that the program has, also classes of a notebook; a framework's threads do not survive it
    how = "fork" if fork_is_safe() else "spawn"
    if how == "spawn":
        _check_sendable(source, workers)
    return ProcessPoolExecutor(workers, multiprocessing.get_context(how), _receive, (source,))


def _check_sendable(source: Any, workers: int) -> None:
    """That a process that is started anew can have the data set.

    Raises:
        ValueError: if not, with the ways out.
    """
    name, reason = type(source).__name__, ""
    file = getattr(sys.modules["__main__"], "__file__", None) or ""
    if type(source).__module__ == "__main__" and not os.path.isfile(file):
        reason = "its class is defined in a notebook or at a prompt, which a new process does not have"
    else:
        try:
            pickle.dumps(source)
        except Exception as error:  # noqa: BLE001 (anything that pickling calls may fail)
            reason = f"it cannot be pickled ({type(error).__name__}: {error})"
    if reason:
        raise ValueError(
            f"{name} cannot be read by worker processes: {reason}. Use threads (use_multiprocessing=False, "
            f"workers={workers}), or put the class into a module and keep in it only what can be pickled."
        )


_source: Any = None  # in a worker process: the data set


def _receive(source: Any) -> None:
    global _source
    _source = source


def _of_process(epoch: int, share: Share | None, number: int) -> Any:
    with for_sample(epoch, number):
        return read_batch(_source, number, share)
