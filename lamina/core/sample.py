"""Which sample of a data set is being made: draws that follow from its number are the same whoever makes it, and when."""

from __future__ import annotations

import threading
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.kernel.namespaces import public_in

_thread = threading.local()


class _Sample:
    """The numbers of a sample, and how many seeds each stream has given for it."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self.numbers, self.given = numbers, Counter[int]()


@public_in("lamina.random")
@contextmanager
def for_sample(*numbers: int) -> Iterator[None]:
    """A block in which preprocessing layers draw what follows from their seed and from these numbers alone.

    A data set that opens it for each of its samples gives the same ones with any number of workers, in any order, and
    when it is asked again. `PyDataset` does so for its batches.

    Args:
        *numbers: What a sample is known by, such as its place in the data and the epoch.

    Yields:
        Nothing.

    Raises:
        TypeError: if a number is no integer.

    Example:
        >>> import lamina
        >>> layer, x = lamina.layers.RandomRotation(0.2, seed=1), np.arange(48.0).reshape(4, 4, 3)
        >>> def sample(i):
        ...     with lamina.random.for_sample(i):
        ...         return lamina.ops.convert_to_numpy(layer(x))
        >>> first, second, again = sample(0), sample(1), sample(0)
        >>> bool((first == again).all()), bool((first == second).all())
        (True, False)
    """
    for n in numbers:
        if not hasattr(n, "__index__"):
            raise TypeError(f"for_sample takes integers, got {n!r}.")
    before, _thread.sample = getattr(_thread, "sample", None), _Sample(tuple(int(n) for n in numbers))
    try:
        yield
    finally:
        _thread.sample = before


def seed_of_sample(stream: Any, seed: int) -> int | None:
    """The next seed of a stream for the sample that is being made; None outside of `for_sample`.

    Args:
        stream: Who draws, so that several draws of one stream differ.
        seed: Its own seed.
    """
    sample: _Sample | None = getattr(_thread, "sample", None)
    if sample is None:
        return None
    count = sample.given[id(stream)]
    sample.given[id(stream)] += 1
    return (zlib.crc32(repr((sample.numbers, count)).encode()) ^ seed) & 0x7FFFFFFF
