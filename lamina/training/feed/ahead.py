"""Data that a part of the model on the host changes ahead of the compiled step: texts into numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamina.core.seeds import host_generator, make_seed
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed.batch import unpack_x_y_sample_weight
from lamina.training.feed.dataset import PyDataset


def prepared(
    model: Any, x: Any, y: Any = None, weight: Any = None, *, batch_size: int | None, shuffle: Any = False
) -> Any:
    """The data as a compiled step takes it: as it is for most models.

    Where a model begins with layers for strings, all rows are run through them at once; batch by batch where their
    results are as long as the longest text of a batch, and for sources of batches.

    Returns:
        (x, y, sample_weight)
    """
    part = getattr(model, "_host_part", None)
    part = None if part is None or x is None else part(x)
    if part is None:
        return x, y, weight
    if not _in_memory(x):
        return _source(x, part), y, weight
    if part.fixed:
        return part.ahead(x), y, weight
    return _Rows(part, x, y, weight, batch_size or 32, shuffle), None, None


def _in_memory(x: Any) -> bool:
    """Whether x holds rows, not batches."""
    if isinstance(x, dict):
        return all(map(_in_memory, x.values()))
    if isinstance(x, str | bytes):
        return False
    if isinstance(x, list | tuple):
        return True
    return hasattr(x, "__len__") and (
        hasattr(x, "shape") or hasattr(x, "to_numpy") or hasattr(x, "to_pylist")
    )


def _changed(batch: Any, part: Any) -> tuple:
    x, y, weight = unpack_x_y_sample_weight(batch)
    return part.ahead(x), y, weight


class _Rows(PyDataset):
    """Rows in memory, of which each batch is prepared when it is its turn."""

    def __init__(self, part: Any, x: Any, y: Any, weight: Any, batch_size: int, shuffle: Any) -> None:
        super().__init__()
        self.part, self.batch_size, self.shuffle = part, batch_size, bool(shuffle)
        self.x = part.received(x)
        self.y, self.weight = (None if v is None else map_leaves(np.asarray, v) for v in (y, weight))
        counts = [v.shape[0] for v in (*self.x, *leaves((self.y, self.weight))) if v is not None]
        if len(set(counts)) > 1:
            raise ValueError(
                f"All data must have the same number of rows: inputs, targets and weights have {', '.join(map(str, counts))}."
            )
        self.rows = counts[0]
        self.seed, self.epoch = make_seed() if shuffle else 0, 0
        self._order = self._new_order()

    def _new_order(self) -> np.ndarray:
        if not self.shuffle:
            return np.arange(self.rows)
        return host_generator(self.seed, self.epoch).permutation(self.rows)

    def __len__(self) -> int:
        return -(-self.rows // self.batch_size)

    def __getitem__(self, index: int) -> tuple:
        places = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        x = self.part.ahead([v.take(places, 0) for v in self.x])
        return x, *(None if v is None else map_leaves(lambda a: a[places], v) for v in (self.y, self.weight))

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._order = self._new_order()


def _source(source: Any, part: Any) -> Any:
    """The same source, its batches prepared."""
    if isinstance(source, PyDataset):
        return _Indexed(source, part)
    if iter(source) is source:
        return (_changed(batch, part) for batch in source)
    return _Iterable(source, part)


class _Indexed(PyDataset):
    def __init__(self, source: PyDataset, part: Any) -> None:
        super().__init__(
            workers=source.workers,
            use_multiprocessing=source.use_multiprocessing,
            max_queue_size=source.max_queue_size,
        )
        self.source, self.part = source, part

    @property
    def num_batches(self) -> Any:
        """As many as the source has."""
        return self.source.num_batches

    def __getitem__(self, index: int) -> tuple:
        return _changed(self.source[index], self.part)

    def on_epoch_begin(self) -> None:
        self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.source.on_epoch_end()


class _Iterable:
    def __init__(self, source: Any, part: Any) -> None:
        self.source, self.part = source, part

    def __iter__(self) -> Iterator[tuple]:
        return (_changed(batch, self.part) for batch in self.source)

    def __len__(self) -> int:
        return len(self.source)
