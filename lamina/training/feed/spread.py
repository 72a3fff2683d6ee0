"""Batches on several devices: which rows lie where."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lamina.kernel.context import distribution_in_force, real_kernel
from lamina.kernel.contract import Placement
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed.arrays import Rows, take_rows
from lamina.training.feed.chunks import Chunk


class Spreader:
    """Puts batches on the devices of a distribution, so that each row lies on one part of the mesh alone.

    A batch that does not divide over all parts is divided over as many as it can, so that devices in between compute the
    same rows. Nothing is padded: whatever a step computes, sums, moments of a batch, random draws, is then what one
    device would compute.

    Args:
        distribution: A `lamina.distribution.Distribution`.
        k: The kernel.
    """

    def __init__(self, distribution: Any, k: Any) -> None:
        self.distribution, self.k = distribution, k
        count = distribution.num_processes
        self.apart = count > 1 and not distribution.auto_shard_dataset
        # one process of those that read the same rows
        self._firsts = [min(ranks) for ranks in distribution._readers()]
        self._told = False

    def placement(self, shape: tuple[int, ...], stacked: int = 0) -> Placement:
        """Where an array of a batch lies; the first `stacked` axes of its shape are not the batch's."""
        layout = self.distribution.get_data_layout(shape[stacked:])
        found = layout.placement((0,) * len(shape[stacked:]), "A batch")  # 0 divides by anything
        found = dividing(found, shape[stacked:], self.k.spread.regrids)
        return found._replace(axes=(*[None] * stacked, *found.axes))

    def batch(self, tree: Any) -> Any:
        """One batch, on the devices; of rows that each process has its own, those of all."""
        flat = [leaf for leaf in leaves(tree) if leaf is not None]
        if self.apart and not any(isinstance(leaf, self.k.Tensor) for leaf in flat):
            return self._from_each(tree, self._of_readers(np.asarray(_rows(tree))))
        rows = max(
            (int(leaf.shape[0]) for leaf in leaves(tree) if leaf is not None and leaf.shape), default=0
        )

        def one(leaf: Any) -> Any:
            if leaf is None:
                return None
            if not leaf.shape or leaf.shape[0] != rows:  # no rows: all of it on each device
                placement = self.distribution.get_data_layout(()).placement(()).whole
            else:
                placement = self.placement(tuple(leaf.shape))
            return self.k.put(leaf, placement=placement)

        return map_leaves(one, tree)

    def joined(self, batches: Iterator[Any], pace: Any, like: Any = None) -> Iterator[Chunk]:
        """Batches of which each process has rows of its own, as many as it has left: together they are one batch.

        A process whose rows are used up goes on with none until all are: nobody waits for it.

        Args:
            batches: Those of this process.
            pace: Told when the others are waited for.
            like: A batch to take the shapes from where it has none.

        Raises:
            ValueError: in all processes, if one has no batch and does not know the shapes.
        """
        while True:
            tree = next(batches, None)
            like = like if tree is None else tree
            rows = -1 if like is None else 0 if tree is None else _rows(tree)
            with pace.among_data():
                counts = self._of_readers(np.asarray(rows))
            if max(counts) <= 0:
                return
            if -1 in counts:
                raise ValueError(
                    f"Process {self._firsts[counts.index(-1)]} was given no batch at all. With auto_shard_dataset=False each process needs "
                    "a source of its own that gives one batch at least."
                )
            mine = like if tree is not None else map_leaves(lambda x: None if x is None else x[:0], like)
            with pace.among_data():
                tree = self._from_each(mine, counts)
            yield Chunk(tree, None)

    def _of_readers(self, number: np.ndarray) -> list[int]:
        """A number of each process; of those that read the same rows once."""
        return self.k.spread.collect(number)[self._firsts].tolist()

    def share(self) -> Share | None:
        """The rows of a batch that this process computes on; None where it is all of them, or they are not in one piece."""
        readers = self.distribution._readers()
        parts = self.distribution.num_model_replicas
        if len(readers) == 1 or len(set(readers)) < len(readers) or parts % len(readers):
            return None
        return Share(self.distribution.data_shard_id, len(readers), parts)

    def _from_each(self, tree: Any, counts: list[int]) -> Any:
        rank = self.distribution.data_shard_id
        parts = self.distribution.num_model_replicas
        equal = len(set(counts)) == 1 and sum(counts) % parts == 0

        def one(leaf: Any) -> Any:
            if leaf is None:
                return None
            leaf = self.k.to_numpy(leaf) if isinstance(leaf, self.k.Tensor) else np.asarray(leaf)
            if not equal:  # rows that others hold: they are few, so all get all of them
                room = np.zeros((max(counts), *leaf.shape[1:]), leaf.dtype)
                room[: len(leaf)] = leaf
                all_rows = self.k.spread.collect(room)[self._firsts]
                whole = np.concatenate([rows[:n] for rows, n in zip(all_rows, counts, strict=True)])
                return self.k.put(whole, placement=self.placement(whole.shape))
            own = Own(leaf, sum(counts), rank * counts[0])
            return self.k.put(own, placement=self.placement(own.shape))

        return map_leaves(one, tree)

    def stacked(self, tree: Any, lines: np.ndarray, count: int) -> Chunk:
        """Batches, stacked on the devices.

        Args:
            tree: Arrays of rows.
            lines: For each batch the places of its rows.
            count: How many of the batches matter; the others are room, so that one program serves all.
        """

        def one(leaf: Any) -> Any:
            if leaf is None:
                return None
            picked = Picked(leaf, lines)
            return self.k.put(picked, placement=self.placement(picked.shape, 1))

        return Chunk(map_leaves(one, tree), np.arange(len(lines), dtype="int32"), count)

    def says(self, rows: int) -> None:
        """Say once that batches of the usual size leave devices with the same work."""
        parts = self.distribution.num_model_replicas
        if self._told or rows % parts == 0:
            return
        self._told = True
        shared = math.gcd(rows, parts) if self.k.spread.regrids else 1
        up, down = -(-rows // parts) * parts, rows // parts * parts
        sizes = f"{down} or {up}" if down else f"{up}"
        warnings.warn(
            f"A batch of {rows} rows does not divide over {parts} devices, so it is divided over {shared}, and the others "
            f"compute the same. A `batch_size` of {sizes} would use all of them.",
            stacklevel=2,
        )


class Share(NamedTuple):
    """The rows of a batch that a process computes on: one of equal pieces.

    Fields:
        number: Which of them.
        count: How many there are.
        parts: Over how many devices all rows must divide; else each process has all of them.
    """

    number: int
    count: int
    parts: int

    def of(self, rows: int) -> tuple[int, int] | None:
        """The first one and the one behind the last, of so many rows; None for all."""
        each = rows // self.count
        return None if rows % self.parts else (self.number * each, (self.number + 1) * each)


class Shared(NamedTuple):
    """A batch of which a process has its own rows alone.

    Fields:
        rows: What the data set gave.
        total: How many rows the batch has.
        first: The place of the first one here.
    """

    rows: Any
    total: int
    first: int

    def of_all(self, tree: Any) -> Any:
        """The same rows as arrays, which say that they are among those of all."""
        return map_leaves(lambda x: None if x is None else Own(x, self.total, self.first), tree)


def spreader(k: Any) -> Spreader | None:
    """What spreads batches by the distribution in force; None without one."""
    distribution = distribution_in_force()
    return None if distribution is None or k.abstract else Spreader(distribution, k)


def dividing(placement: Placement, shape: tuple[int, ...], regrids: bool = True) -> Placement:
    """A placement that divides a tensor of this shape: where an axis of the grid has too many devices for equal parts, it
    becomes two, one that divides and one along which devices have the same; or, where all tensors have to be on one grid,
    all of its devices have the same."""
    for axis, (n, by) in enumerate(zip(shape, placement.parts, strict=False)):
        if n % by and regrids:
            placement = _split(placement, axis, math.gcd(n, by))
        elif n % by:
            placement = placement._replace(
                axes=tuple(None if i == axis else a for i, a in enumerate(placement.axes))
            )
    return placement


def _split(placement: Placement, axis: int, parts: int) -> Placement:
    given = placement.axes[axis]
    names = (given,) if isinstance(given, str) else tuple(given or ())
    sizes, all_names, kept = list(placement.sizes), list(placement.names), []
    for name in names:
        place = all_names.index(name)
        size = math.gcd(sizes[place], parts)
        parts //= size
        rest = sizes[place] // size
        kept.append(name)
        if rest > 1:
            sizes[place : place + 1] = [size, rest]
            all_names[place : place + 1] = [name, f"{name}_same"]
    axes = list(placement.axes)
    axes[axis] = kept[0] if len(kept) == 1 else tuple(kept)
    return placement._replace(sizes=tuple(sizes), names=tuple(all_names), axes=tuple(axes))


def _rows(tree: Any) -> int:
    return next(int(leaf.shape[0]) for leaf in leaves(tree) if leaf is not None)


class Own:
    """The rows of this process among those of all.

    Args:
        rows: Its rows.
        total: How many all have.
        first: The place of its first one.
    """

    def __init__(self, rows: Any, total: int, first: int) -> None:
        k = real_kernel()
        rows = k.to_numpy(rows) if isinstance(rows, k.Tensor) else np.asarray(rows)
        self.rows, self.first, self.dtype = rows, first, rows.dtype
        self.shape = (total, *rows.shape[1:])

    def __getitem__(self, index: tuple[slice, ...]) -> np.ndarray:
        start, stop, _ = index[0].indices(self.shape[0])
        return self.rows[(slice(start - self.first, stop - self.first), *index[1:])]


class Picked:
    """Rows of an array, picked into batches: of a part only its own rows are read.

    Args:
        source: An array, a tensor or `Rows`.
        lines: (batches, rows) places in it.
    """

    def __init__(self, source: Any, lines: np.ndarray) -> None:
        self.source, self.lines = source, lines
        self.shape = (*lines.shape, *[int(n) for n in source.shape[1:]])
        self.dtype = source.dtype if isinstance(source, Rows | np.ndarray) else np.asarray(source[:0]).dtype

    def __getitem__(self, index: tuple[slice, ...]) -> np.ndarray:
        places = self.lines[index[:2]]
        rows = take_rows(self.source, places.ravel())
        return rows.reshape(*places.shape, *self.shape[2:])[(slice(None), slice(None), *index[2:])]
