"""Chunks: batches that go to the device together, for dispatches of several steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lamina.backends.memory import aligned
from lamina.kernel.trees import leaves, map_leaves

# Room for the batches of a stream that go to the device together, and how many they are at most. The room is always
# whole, so that one program serves any number of them: little enough to be no burden to a source that gives one at a time.
_ROOM, _MOST = 1 << 19, 16


class Pass(NamedTuple):
    """What is asked of a feed for a pass over its data.

    Args:
        epoch, start: The number of the pass, and the batch to begin with.
        limit: After how many batches it ends; None for as many as there are.
        k: The kernel.
        want: How many batches the next dispatch may take at most; None for one at a time.
        pace: What measures where the time goes.
    """

    epoch: int
    start: int
    limit: int | None
    k: Any
    want: Callable[[], int] | None = None
    pace: Any = None


def place_of(epoch: int, limit: int | None, batches: int) -> tuple[int, int]:
    """Where an epoch of at most `limit` batches begins: the number of the pass over the data, and a batch in it."""
    if limit is None or limit >= batches:
        return epoch, 0
    number, place = divmod(epoch, -(-batches // limit))
    return number, place * limit


class Chunk(NamedTuple):
    """Data, and the places in it of the rows of each batch: lines, of which the first `count` matter.

    Without lines, the data is one batch as it came. With lines of one number each, it is batches stacked along a first axis,
    which the numbers name: rows that lie on several devices are not picked there.
    """

    data: Any
    lines: np.ndarray | None
    count: int = 1

    @property
    def rows(self) -> int:
        """Rows in a batch."""
        if self.lines is not None and self.lines.ndim == 2:
            return self.lines.shape[1]
        axis = 0 if self.lines is None else 1
        return next(int(leaf.shape[axis]) for leaf in leaves(self.data) if leaf is not None)


def padded(array: Any, rows: int) -> Any:
    """With zeros below; a tensor stays, as another size of it would be a program."""
    if not isinstance(array, np.ndarray) or len(array) >= rows:
        return array
    return np.concatenate([array, np.zeros((rows - len(array), *array.shape[1:]), array.dtype)])


class Group:
    """Batches of one kind, to be put side by side."""

    def __init__(self) -> None:
        self.batches: list[Any] = []
        self.room = 0  # how many there is room for; 0 for batches that cannot be put side by side
        self._kind: list[Any] = []

    def takes(self, batch: Any) -> bool:
        """Whether a batch is of the kind of the others."""
        return not self.batches or _kind(batch) == self._kind

    def add(self, batch: Any) -> None:
        if not self.batches:
            self._kind = _kind(batch)
            self.room = _room([leaf for leaf in leaves(batch) if leaf is not None])
        self.batches.append(batch)

    def chunk(self) -> Chunk:
        """What was added; then there is nothing."""
        batches, self.batches = self.batches, []
        if not self.room:
            return Chunk(batches[0], None)
        columns = iter(zip(*map(leaves, batches), strict=True))

        def side_by_side(leaf: Any) -> Any:
            parts = next(columns)
            if leaf is None:
                return None
            both = aligned(np.zeros, (self.room * len(leaf), *leaf.shape[1:]), leaf.dtype)
            np.concatenate(parts, out=both[: len(parts) * len(leaf)])
            return both

        data = map_leaves(side_by_side, batches[0])
        rows = len(next(leaf for leaf in leaves(batches[0]) if leaf is not None))
        return Chunk(data, _lines(self.room, rows), len(batches))


def _kind(batch: Any) -> list[Any]:
    return [None if leaf is None else (type(leaf), leaf.shape, leaf.dtype) for leaf in leaves(batch)]


def _room(parts: list[Any]) -> int:
    """For how many batches of such arrays there is room; 0 if for one, or if they are not rows of numbers."""
    if not all(type(x) is np.ndarray and x.ndim and len(x) and x.dtype.kind not in "OSU" for x in parts):
        return 0
    if not parts or len({len(x) for x in parts}) > 1:
        return 0
    room = min(_ROOM // max(sum(x.nbytes for x in parts), 1), _MOST)
    return room if room > 1 else 0


@lru_cache(maxsize=64)
def _lines(batches: int, rows: int) -> np.ndarray:
    return np.arange(batches * rows, dtype="int32").reshape(batches, rows)
