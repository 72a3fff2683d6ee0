"""StreamFeed: batches from generators, loaders and indexed data sets, read ahead by a background thread."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import numpy as np

from lamina.core.seeds import host_generator, make_seed, random_state, set_random_state
from lamina.kernel.context import current
from lamina.training.feed.batch import as_batch
from lamina.training.feed.chunks import Chunk, Group, Pass, place_of
from lamina.training.feed.dataset import PyDataset, read_batch, read_in_order
from lamina.training.feed.prefetch import Prefetch
from lamina.training.feed.spread import Share, Shared, spreader


def _kept(batch: Any) -> Any:
    """A batch that stays as it is when its source fills the same arrays again: several are on their way at once."""
    if type(batch) is np.ndarray:
        return batch.copy()
    if type(batch) is Shared:
        return batch._replace(rows=_kept(batch.rows))
    if type(batch) in (tuple, list):
        return type(batch)([_kept(part) for part in batch])
    if type(batch) is dict:
        return {name: _kept(part) for name, part in batch.items()}
    return batch


class StreamFeed:
    """Batches from an iterable, a generator or an indexed data set.

    Args:
        source: Gives batches `x`, `(x, y)` or `(x, y, sample_weight)`.
        steps: Batches per epoch, where the source does not say.
        shuffle: Whether an indexed data set is read in a random order.
        change: A function that batches go through.
        read: Makes structures of arrays of what the source gives.
    """

    in_memory = False
    batch_size = None  # batches are as they come

    def __init__(
        self,
        source: Any,
        steps: int | None = None,
        shuffle: Any = False,
        change: Callable[[tuple], tuple] | None = None,
        read: Callable[[Any], tuple] = as_batch,
    ) -> None:
        self.source, self.change, self.read = source, change, read
        self.indexed = isinstance(source, PyDataset) or (
            hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, dict)
        )
        self.one_pass = not self.indexed and iter(source) is source
        self.shuffle = shuffle and self.indexed
        self.seed = make_seed() if self.shuffle else 0
        self.epochs_ended = 0
        self._iterator: Iterator[Any] | None = None
        self._read = self._taken = 0  # batches that were read, and trained on
        self._marks: list[
            tuple[int, Any]
        ] = []  # where iterators began, and where the process's generators stood then
        self._over = False  # whether training goes on inside an epoch whose batches are used up
        self._like: Any = None  # a batch to take the shapes from where none is left
        self._waiting: deque[Any] = deque()  # batches that were read and not taken
        self._grouped: deque[Any] = deque()  # those of them that the next dispatches take
        self.steps = steps if steps is not None else self._length()

    @property
    def replays(self) -> bool:
        """Whether going on means reading the source again up to its place."""
        return not self.indexed

    @property
    def used(self) -> bool:
        """Whether it gave a batch that was trained on."""
        return self._taken > 0

    def _length(self) -> Any:
        count: Any = getattr(self.source, "num_batches", None)
        if count is not None or isinstance(self.source, PyDataset):
            return count() if callable(count) else count
        try:
            return len(self.source)
        except TypeError:
            return None

    @property
    def available(self) -> int | None:
        """Batches in one pass, where the source says it."""
        return self._length()

    def sample(self) -> Any:
        """The first batch, for its shapes and dtypes; it is not lost."""
        if not self._waiting:
            if self.indexed:
                return self._ready(read_batch(self.source, 0, self._share()))
            try:
                self._waiting.append(self._next())
            except StopIteration:
                if self._like is not None:
                    return self._ready(self._like)
                raise ValueError("The data source gives no batch at all.") from None
        return self._ready(self._waiting[0])

    def _ready(self, batch: Any) -> Any:
        if isinstance(batch, Shared):
            return batch.of_all(self._ready(batch.rows))
        tree = self.read(batch)
        return tree if self.change is None else self.change(tree)

    def _share(self) -> Share | None:
        """Which rows of a batch are asked of a data set that gives single ones."""
        spread = spreader(current())
        return None if spread is None or spread.apart else spread.share()

    def _given(self, batch: Any) -> Any:
        return batch if self.indexed else self._ready(batch)  # converted where it is read

    # -- passes ----------------------------------------------------------------------------------------------------------

    def batches(self, epoch: int, start: int, limit: int | None, k: Any) -> Iterator[Any]:
        """The batches of an epoch from `start` on, read ahead; a failure of the source has its own traceback."""
        with self._reading(Pass(epoch, start, limit, k)) as reader:
            yield from map(self._given, reader)

    def chunks(self, asked: Pass) -> Iterator[Chunk]:
        """The same, as many batches together as are wanted, there is room for, and need not be waited for."""
        spread = spreader(asked.k)
        if spread is None:
            yield from self._chunks(asked)
            return
        if spread.apart:
            like = self.sample() if asked.start else None
            with closing(self._chunks(asked._replace(want=None))) as chunks:
                yield from spread.joined((chunk.data for chunk in chunks), asked.pace, like)
            return
        with closing(self._chunks(asked)) as chunks:
            for chunk in chunks:
                spread.says(chunk.rows)
                if chunk.lines is None:
                    yield Chunk(spread.batch(chunk.data), None)
                else:
                    yield spread.stacked(chunk.data, chunk.lines, chunk.count)

    def _chunks(self, asked: Pass) -> Generator[Chunk, None, None]:
        with self._reading(asked) as reader:
            group = Group()
            try:
                for batch in reader:
                    ready = self._given(batch)
                    if asked.want is None:
                        yield Chunk(ready, None)
                        continue
                    self._grouped.append(batch)
                    if not group.takes(ready):
                        yield group.chunk()
                    group.add(ready)
                    if len(group.batches) >= min(asked.want(), group.room) or not reader.ready():
                        yield group.chunk()
            except Exception:
                if group.batches:  # what came before the source failed is trained on
                    yield group.chunk()
                raise
            if group.batches:
                yield group.chunk()

    @contextmanager
    def _reading(self, asked: Pass) -> Iterator[Prefetch]:
        """Batches as the source gives them; what was read and not taken is there the next time.

        With a limit, epochs go on where the one before ended, until the source is used up.
        """
        epoch, start, limit, k = asked[:4]
        if hasattr(self.source, "on_epoch_begin") and not start:
            self.source.on_epoch_begin()
        left = None if limit is None else max(limit - start, 0)
        reader = (
            self._numbered(epoch, start, limit, k)
            if self.indexed
            else Prefetch(partial(self._raw, start), k, limit=left)
        )
        try:
            with reader:
                yield reader
        finally:
            if not self.indexed:  # there a batch follows from its number
                self._waiting.extendleft(reversed([*self._grouped, *reader.unread()]))
            self._grouped.clear()

    def _numbered(self, epoch: int, start: int, limit: int | None, k: Any) -> Prefetch:
        numbers = self._numbers(epoch, start, limit)
        ahead = getattr(self.source, "max_queue_size", 2) or 2
        share = self._share()  # of this thread

        def each() -> Iterator[Any]:
            with closing(read_in_order(self.source, numbers, k, epoch, share)) as source:
                yield from (self._ready(_kept(batch)) for batch in source)

        return Prefetch(each, k, ahead)

    def _numbers(self, epoch: int, start: int, limit: int | None) -> Iterator[int]:
        count = self._length()
        if count is None:  # an endless data set
            first = start if limit is None else epoch * limit + start
            return iter(range(first, (epoch + 1) * limit)) if limit is not None else itertools.count(first)
        number, first = place_of(epoch, limit, count)
        last = count if limit is None else min(first + limit, count)
        return (self._place(number, b, count) for b in range(first + start, last))

    def _place(self, number: int, place: int, count: int) -> int:
        if not self.shuffle:
            return place
        if getattr(self, "_shuffled", (None, None))[0] != (number, count):
            self._shuffled = ((number, count), host_generator(self.seed, number).permutation(count))
        return int(self._shuffled[1][place])

    def _begin(self) -> Iterator[Any]:
        if self._iterator is None:
            self._marks = [*self._marks[-8:], (self._read, random_state())]  # more are never waiting
            self._iterator = iter(self.source)
        return self._iterator

    def _next(self) -> Any:
        batch = _kept(next(self._begin()))
        self._read += 1
        return batch

    def _raw(self, start: int = 0) -> Iterator[Any]:
        over, self._over = self._over, False
        if over and start:
            return
        before = self._read - len(self._waiting)
        while self._waiting:
            yield self._waiting.popleft()
        while True:
            fresh = self._iterator is None
            for batch in self._begin():
                self._read += 1
                yield _kept(batch)
            if self.one_pass:
                return
            self._iterator = None
            self._marks.append((self._read, None))
            if fresh or start or self._read > before:  # else the epoch before had taken the last batch
                return

    def rewind(self) -> None:
        """Read the source from its first batch again, where it can be read again."""
        if self.indexed or self.one_pass or not self._marks or self._taken <= self._marks[-1][0]:
            return
        self._waiting.clear()
        self._iterator, self._taken = None, self._read

    def taken(self, count: int) -> None:
        """So many batches go into steps; of a process whose own rows are used up, fewer."""
        self._taken = self._taken + count if self.indexed else min(self._taken + count, self._read)
        for _ in range(min(count, len(self._grouped))):
            self._grouped.popleft()

    def end_epoch(self) -> None:
        """Let the data set prepare its next epoch."""
        self.epochs_ended += 1
        hook = getattr(self.source, "on_epoch_end", None)
        if hook is not None:
            hook()

    # -- resume ----------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The place in the source."""
        marks = [mark for mark in self._marks if mark[0] <= self._taken]
        first, random = marks[-1] if marks else (self._taken, None)
        state = {
            "seed": self.seed,
            "taken": self._taken - first,
            "random": random,
            "epochs_ended": self.epochs_ended,
            "over": bool(marks) and self._iterator is None and self._taken == self._read,
        }
        if self.indexed and hasattr(self.source, "state_dict"):
            state["source"] = self.source.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the place: an iterable is read up to it, with the process's generators as they stood then."""
        self.seed = state["seed"]
        if self.indexed:
            if "source" in state and hasattr(self.source, "load_state_dict"):
                self.source.load_state_dict(state["source"])
                self.epochs_ended = state["epochs_ended"]
            else:
                while self.epochs_ended < state["epochs_ended"]:
                    self.end_epoch()
            return
        self.epochs_ended, self._over = state["epochs_ended"], state.get("over", False)
        if state["random"] is not None:
            set_random_state({name: state["random"][name] for name in ("python", "numpy")})
            self._skip(state["taken"])

    def _skip(self, count: int) -> None:
        for i in range(count):
            try:
                self._like = self._next()
            except StopIteration:
                raise ValueError(
                    f"The data source ended after {i} batches, but training had come to batch {count}: give the same data."
                ) from None
        self._taken = count
