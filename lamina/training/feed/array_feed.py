"""ArrayFeed: rows of arrays, on the device as a whole or in chunks that a background thread moves there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamina.core.seeds import host_generator, make_seed
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed import arrays as rows_of
from lamina.training.feed.arrays import Rows, arrays, count_rows, size_of, take_rows
from lamina.training.feed.chunks import Chunk, Pass, padded, place_of
from lamina.training.feed.prefetch import Prefetch
from lamina.training.feed.spread import spreader

CHUNK = 8 << 20  # bytes that go to the device at once when data does not live there: what fits the cache


class ArrayFeed:
    """Data in arrays; batches are rows taken by number.

    Arrays that fit the budget go to the device once. Larger ones stay where they are: a background thread takes,
    converts and transfers a chunk of many batches while the one before it is trained on. Both give the same batches.

    Args:
        x, y, sample_weight: Arrays or structures of arrays.
        batch_size: Rows per batch; 32, or what makes `steps` batches of all rows.
        shuffle: Whether each epoch has an order of its own; "batch" keeps rows of a batch together.
        steps: Batches per epoch that were asked for.
    """

    replays = one_pass = used = False

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: Any = False,
        steps: int | None = None,
    ) -> None:  # fmt: skip
        self.tree = (arrays(x, "`x`"), arrays(y, "`y`"), arrays(sample_weight, "`sample_weight`"))
        named = zip(("x", "y", "sample_weight"), self.tree, strict=True)
        self.rows = count_rows({name: part for name, part in named if part is not None})
        usual = (
            -(-self.rows // steps) if steps else 32
        )  # steps without a size share the rows out, as in Keras
        self.batch_size = min(batch_size or usual, max(self.rows, 1))
        self.shuffle = shuffle
        self.seed = make_seed() if shuffle else 0
        self._device: Any = None
        self._home: Any = None

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last, smaller one included."""
        return -(-self.rows // self.batch_size)

    @property
    def available(self) -> int:
        """Batches in one pass."""
        return self.steps

    @property
    def in_memory(self) -> bool:
        """Whether all arrays are NumPy's or tensors, not files."""
        return self._fits(rows_of.MEMORY_BUDGET)

    def _fits(self, budget: int) -> bool:
        flat = [leaf for leaf in leaves(self.tree) if leaf is not None]
        return not any(isinstance(leaf, Rows) for leaf in flat) and sum(map(size_of, flat)) <= budget

    def lives_on(self, k: Any) -> bool:
        """Whether the arrays are moved to the device as a whole."""
        return self._fits(rows_of.HOST_BUDGET if k.copies_on_host() else rows_of.MEMORY_BUDGET)

    def on_device(self, k: Any) -> Any:
        """The arrays as tensors, moved there once."""
        if self._home is not k:
            room = k.padded_size(self.rows)
            self._device = map_leaves(
                lambda leaf: None if leaf is None else k.put(padded(leaf, room)), self.tree
            )
            self._home = k
        return self._device

    def order(self, epoch: int) -> np.ndarray:
        """The order of the rows in a pass: the same for the same seed and number."""
        if not self.shuffle:
            return np.arange(self.rows, dtype="int32")
        generator = host_generator(self.seed, epoch)
        if self.shuffle == "batch":
            blocks = np.array_split(
                np.arange(self.rows, dtype="int32"), range(self.batch_size, self.rows, self.batch_size)
            )
            return np.concatenate([blocks[i] for i in generator.permutation(len(blocks))])
        return generator.permutation(self.rows).astype("int32")

    def batch(self, places: np.ndarray) -> Any:
        """One batch on the host."""
        return map_leaves(lambda leaf: take_rows(leaf, places), self.tree)

    def sample(self) -> Any:
        """The first batch, for its shapes and dtypes; of files nothing is read for them."""
        count = min(self.batch_size, self.rows)
        empty = lambda leaf: np.zeros((count, *leaf.shape[1:]), leaf.dtype)
        first = lambda leaf: empty(leaf) if isinstance(leaf, Rows) else take_rows(leaf, np.arange(count))
        return map_leaves(first, self.tree)

    # -- passes ----------------------------------------------------------------------------------------------------------

    def _stretches(self, epoch: int, start: int, limit: int | None) -> Iterator[np.ndarray]:
        """The rows of the batches from `start` on, in stretches of whole batches; a smaller batch stands alone.

        With a limit, epochs go on with the same pass over the rows; one that comes to its end is shorter.
        """
        number, first = place_of(epoch, limit, self.steps)
        place, stop = first + start, self.steps if limit is None else min(first + limit, self.steps)
        if place >= stop:
            return
        order, full = self.order(number), min(stop, self.rows // self.batch_size)
        if place < full:
            yield order[place * self.batch_size : full * self.batch_size]
        if full < stop:
            yield order[full * self.batch_size :]

    def chunks(self, asked: Pass) -> Iterator[Chunk]:
        """What many steps in one dispatch run over."""
        epoch, start, limit, k = asked[:4]
        spread = spreader(k)
        if spread is not None:
            if spread.apart:
                yield from spread.joined(
                    self.batches(epoch, start, limit, k), asked.pace, self.batch(np.arange(0))
                )
                return
            if self.steps > 1:
                spread.says(self.batch_size)
            with Prefetch(lambda: self._spread(epoch, start, limit, spread), k, ahead=1) as reader:
                yield from reader
            return
        if self.lives_on(k):
            data = self.on_device(k)
            for rows in self._stretches(epoch, start, limit):
                lines = self._lines(rows)
                yield Chunk(data, padded(lines, k.padded_size(len(lines))), len(lines))
            return
        with Prefetch(lambda: self._moved(epoch, start, limit, k), k, ahead=1) as reader:
            yield from reader

    def _lines(self, rows: np.ndarray) -> np.ndarray:
        size = self.batch_size if len(rows) >= self.batch_size else len(rows)
        return np.ascontiguousarray(rows.reshape(-1, size))

    def _spread(self, epoch: int, start: int, limit: int | None, spread: Any) -> Iterator[Chunk]:
        """The same chunks on the devices of a distribution: whole batches, of which each device has its rows."""
        batches = self._in_chunk()
        for rows in self._stretches(epoch, start, limit):
            lines = self._lines(rows)
            for i in range(0, len(lines), batches):
                part = lines[i : i + batches]
                room = min(batches, len(lines)) - len(part)
                yield spread.stacked(self.tree, np.concatenate([part, part[:1].repeat(room, 0)]), len(part))

    def _in_chunk(self) -> int:
        """How many batches go to a device at once."""
        row = sum(size_of(leaf) for leaf in leaves(self.tree) if leaf is not None) / max(self.rows, 1)
        most = max(1, int(CHUNK // max(row * self.batch_size, 1)))
        return min(most, max(self.rows // self.batch_size, 1))

    def _moved(self, epoch: int, start: int, limit: int | None, k: Any) -> Iterator[Chunk]:
        """Chunks of one size, so that one compiled program serves all of them."""
        size = self._in_chunk() * self.batch_size
        for rows in self._stretches(epoch, start, limit):
            for i in range(0, len(rows), size):
                part = rows[i : i + size]
                data = map_leaves(lambda leaf, p=part: padded(take_rows(leaf, p), size), self.tree)
                data = map_leaves(lambda leaf: None if leaf is None else k.put(leaf), data)
                lines = self._lines(np.arange(len(part), dtype="int32"))
                yield Chunk(data, padded(lines, size // self.batch_size), len(lines))

    def batches(self, epoch: int, start: int, limit: int | None, k: Any) -> Iterator[Any]:
        """Batches on the host, one by one; those of large arrays are read ahead."""

        def each() -> Iterator[Any]:
            for rows in self._stretches(epoch, start, limit):
                yield from (self.batch(places) for places in self._lines(rows))

        if self.in_memory:
            yield from each()
            return
        with Prefetch(each, k) as reader:
            yield from reader

    def rewind(self) -> None:
        """Nothing to go back from: a batch follows from its number."""

    def taken(self, count: int) -> None:
        """Nothing to count: a batch follows from its number."""

    def end_epoch(self) -> None:
        """Nothing to prepare: the order of an epoch follows from its number."""

    def state_dict(self) -> dict[str, Any]:
        """What the order follows from."""
        return {"seed": self.seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back the order."""
        self.seed = state["seed"]
