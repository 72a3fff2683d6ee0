"""Predictions, batch by batch, brought together on the host."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel.contract import Kernel
from lamina.kernel.trees import leaves, map_leaves


class Outputs:
    """The outputs of each batch, copied one behind the batch that runs.

    Where the number of rows is known, each output has its place in one array from the start: the memory of all
    predictions is needed once, and the copy hides behind the next batch.

    Args:
        k: The kernel whose tensors come.
        rows: How many rows there will be; None where only the data tells.
    """

    def __init__(self, k: Kernel, rows: int | None) -> None:
        self._k, self._rows = k, rows
        self._waiting: Any = None  # of the last batch, which may still run
        self._whole: list[np.ndarray] | None = None  # one for each output, filled up to `_filled`
        self._filled = 0
        self._parts: list[list[np.ndarray]] = []  # where there is no `_whole`
        self._like: Any = None  # the structure
        self._ends: list[int] = []  # after how many rows each batch ends
        self.count = 0

    def add(self, outputs: Any) -> None:
        """What the program of the next batch will give."""
        before, self._waiting = self._waiting, outputs
        self.count += 1
        if before is not None:
            self._keep(before)

    def result(self) -> Any:
        """All of them."""
        self._settle()
        if self._whole is not None:
            missing = self._filled < len(self._whole[0])
            return self._packed([a[: self._filled].copy() if missing else a for a in self._whole])
        return self._packed(_joined(self._parts))

    def since(self, batch: int) -> Any:
        """Those from this batch on, as arrays of their own."""
        self._settle()
        if self._whole is None:
            return self._packed([array.copy() for array in _joined(self._parts[batch:])])
        begin = self._ends[batch - 1] if batch else 0
        return self._packed([array[begin : self._filled].copy() for array in self._whole])

    def _settle(self) -> None:
        if self._waiting is not None:
            last, self._waiting = self._waiting, None
            self._keep(last)

    def _keep(self, outputs: Any) -> None:
        self._like = outputs if self._like is None else self._like
        part = [self._k.to_numpy(leaf) for leaf in leaves(outputs)]
        if self.count > 1 and not self._parts and self._fits(part):
            end = self._filled + part[0].shape[0]
            for array, new in zip(self._whole or (), part, strict=True):
                array[self._filled : end] = new
            self._filled = end
            self._ends.append(end)
            return
        if self._whole is not None:  # outputs of another kind than before: as many arrays as batches
            whole, begins = self._whole, [0, *self._ends[:-1]]
            self._parts = [[a[i:j] for a in whole] for i, j in zip(begins, self._ends, strict=True)]
            self._whole = None
        self._parts.append(part)

    def _fits(self, part: list[np.ndarray]) -> bool:
        """Whether these rows have a place in `_whole`, which is made for the first ones."""
        if self._rows is None or any(a.ndim == 0 for a in part) or len({a.shape[0] for a in part}) != 1:
            return False
        if self._filled + part[0].shape[0] > self._rows:
            return False
        if self._whole is None:
            self._whole = [np.empty((self._rows, *a.shape[1:]), a.dtype) for a in part]
            return True
        return all(
            a.shape[1:] == w.shape[1:] and a.dtype == w.dtype for a, w in zip(part, self._whole, strict=True)
        )

    def _packed(self, flat: list[Any]) -> Any:
        arrays = iter(flat)
        return map_leaves(lambda _: next(arrays), self._like)


def _joined(parts: list[list[np.ndarray]]) -> list[np.ndarray]:
    if len(parts) == 1:
        return [writable(array) for array in parts[0]]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def writable(array: np.ndarray) -> np.ndarray:
    """An array that its caller may write to: what some frameworks give is to be read only."""
    return array if array.flags.writeable else array.copy()
