"""How many steps are asked for, who is called, and how many steps a dispatch takes."""

from __future__ import annotations

import time
from typing import Any

from lamina import config
from lamina.callbacks.callback import CallbackList


class Governor:
    """Chooses how many steps a dispatch takes, so that one lasts about `target` seconds.

    Long enough that Python costs nothing, short enough that a progress bar and Ctrl-C stay alive.
    """

    def __init__(self, target: float = 0.25) -> None:
        self.target = target
        self.size = 1
        self._warm = False

    def next(self, left: int) -> int:
        """The size of the next block."""
        return max(1, min(self.size, left))

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a block; the first one compiles and says nothing."""
        if not self._warm:
            self._warm = True
            self.size = 4
            return
        ideal = self.target / max(seconds / steps, 1e-7)
        self.size = int(max(1, min(ideal, self.size * 8, 1_000_000)))


class Clock:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self._then = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        took, self._then = now - self._then, now
        return took


def callback_list(
    model: Any, given: Any, *, epochs: int, steps: Any, verbose: int, add_history: bool = False, **more: Any
) -> CallbackList:
    """The callbacks that were given, as one."""
    if isinstance(given, CallbackList):
        if add_history and given.history is None:
            raise ValueError("A CallbackList for `fit` must be made with add_history=True.")
        return given
    return CallbackList(
        given, add_history=add_history, model=model, epochs=epochs, steps=steps, verbose=verbose, **more
    )


def limit_of(steps: int | None) -> int | None:
    """How many steps were asked for; None for as many as there are."""
    cap = config.max_steps_per_epoch()
    return cap if steps is None else steps if cap is None else min(steps, cap)


def steps_of(feed: Any, asked: int | None) -> int | None:
    """The steps of a pass; None where the data does not say."""
    limit = limit_of(asked)
    return limit if limit is not None else feed.steps
