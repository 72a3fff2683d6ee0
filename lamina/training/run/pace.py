"""Where the time of an epoch goes in each process, so that the one that the others wait for is named.

Steps of processes that train together last equally long in all of them, whoever is late. What tells is the time that a
process spends on its own before them: waiting for data, and in callbacks. The process that comes last waits for nobody, so
the shortest time in steps is what they take by themselves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

# how much longer a process takes that is named: so many times, and so many seconds in an epoch
_SLOWER, _SECONDS = 1.5, 1.0


class Times(NamedTuple):
    """An epoch of one process.

    Fields:
        batches: How many there were.
        data, callbacks, steps: Seconds spent waiting for data, in callbacks, and in steps.
    """

    batches: int
    data: float
    callbacks: float
    steps: float

    @classmethod
    def read(cls, text: str) -> Times:
        return cls(*json.loads(text))


class Pace:
    """A clock that says what time was spent on."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """An epoch begins."""
        self._spent = {"data": 0.0, "callbacks": 0.0, "steps": 0.0}
        self._then = time.perf_counter()

    def lap(self, what: str) -> None:
        """The time since the last call was spent on this: data, callbacks or steps."""
        now = time.perf_counter()
        self._spent[what] += now - self._then
        self._then = now

    @contextmanager
    def among_data(self) -> Iterator[None]:
        """Inside, the others are waited for, while data is fetched."""
        self.lap("data")
        yield
        self.lap("steps")

    def written(self, batches: int) -> str:
        """The epoch as a text."""
        return json.dumps([batches, *(round(seconds, 4) for seconds in self._spent.values())])


class Unmeasured(Pace):
    """For a process that nobody waits for: reads no clock."""

    def lap(self, what: str) -> None:
        pass


def slowest(epochs: Sequence[Times]) -> str | None:
    """Which process the others waited for, in words; None if for none in particular."""
    alone = min(times.steps for times in epochs)
    own = [times.data + times.callbacks + alone for times in epochs]
    last = max(range(len(own)), key=own.__getitem__)
    others = median(own[:last] + own[last + 1 :])
    if own[last] < _SLOWER * others or own[last] < others + _SECONDS:
        return None
    part = "data" if epochs[last].data >= epochs[last].callbacks else "callbacks"
    share = getattr(epochs[last], part) / own[last]
    return f"process {last} took {own[last] / others:.1f} times as long as the others ({part} {share:.0%})"
