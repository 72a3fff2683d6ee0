"""Arrays that lie in files in parts, as several processes wrote them: of a slice only the parts are read that it meets."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lamina.errors import SerializationError


class Part(NamedTuple):
    """A block of an array.

    Fields:
        offsets: Where it begins, for each axis.
        sizes: Its shape.
        read: Gives it.
    """

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    read: Callable[[], np.ndarray]

    def meets(self, begin: Sequence[int], end: Sequence[int]) -> bool:
        """Whether it has entries between two corners."""
        bounds = zip(self.offsets, self.sizes, begin, end, strict=True)
        return all(at < stop and at + size > start for at, size, start, stop in bounds)


class Parted:
    """An array in parts, to be read by slices, as a placement asks for them. Called, it gives the whole array.

    Args:
        shape: Its shape.
        dtype: Its dtype.
        parts: Blocks that together make it up.
        label: What it is called in errors.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any, parts: Sequence[Part], label: str) -> None:
        self.shape, self.dtype, self.parts, self.label = shape, np.dtype(dtype), parts, label
        # devices of one process ask one after the other, often for slices of one part
        self._read: dict[int, np.ndarray] = {}

    def __call__(self) -> np.ndarray:
        return self[()]

    def forget(self) -> None:
        """Keep nothing in memory of what was read."""
        self._read.clear()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self().astype(dtype or self.dtype, copy=False)

    def __getitem__(self, index: Any) -> np.ndarray:
        index = index if isinstance(index, tuple) else (index,)
        index = (*[i for i in index if i is not Ellipsis], *[slice(None)] * len(self.shape))[
            : len(self.shape)
        ]
        bounds = [i.indices(n) for i, n in zip(index, self.shape, strict=True)]
        begin, end = [b for b, _, _ in bounds], [max(b, e) for b, e, _ in bounds]
        found = np.zeros([e - b for b, e in zip(begin, end, strict=True)], self.dtype)
        filled = 0
        for number, part in enumerate(self.parts):
            if part.meets(begin, end):
                filled += self._copy(number, found, begin, end)
        if filled != found.size:
            raise SerializationError(f"{self.label}: the parts in the files do not make up the whole array.")
        return found

    def _copy(self, number: int, into: np.ndarray, begin: Sequence[int], end: Sequence[int]) -> int:
        """Copy what a part has of a block; gives how many entries that were."""
        part = self.parts[number]
        first = [max(a, b) for a, b in zip(part.offsets, begin, strict=True)]
        last = [min(a + n, e) for a, n, e in zip(part.offsets, part.sizes, end, strict=True)]
        cut = lambda origin: tuple(slice(f - o, s - o) for f, s, o in zip(first, last, origin, strict=True))
        into[cut(begin)] = self._part(number)[cut(part.offsets)]
        return math.prod(s - f for f, s in zip(first, last, strict=True))

    def _part(self, number: int) -> np.ndarray:
        if number not in self._read:
            part = self.parts[number]
            found = part.read()
            if found.shape != part.sizes or found.dtype != self.dtype:
                raise SerializationError(
                    f"{self.label}: a part was to be {part.sizes} of {self.dtype}, and is {found.shape} of {found.dtype}."
                )
            self._read[number] = found
        return self._read[number]
