"""Who is called when: how many steps a dispatch may take, so that nobody who wants to be called is late."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from lamina import config
from lamina.callbacks.callback_list import CallbackList


class Schedule:
    """The calls of one epoch, as arithmetic on the number of steps done: it runs nothing and reads no clock.

    Batch callbacks are called in pairs, before the first step of a stretch and after its last. They say after how many
    batches they want to be called again; a backup says when a state is due.

    Args:
        wait: In how many batches callbacks want to be called; 0 is never.
        every: How many steps "each batch" is (`steps_per_execution`).
        save: After how many more batches a state is due, of so many done; 0 for none in this epoch.
        heard: Whether there are batch callbacks at all: they hear the begin and the end of an epoch in any case.
    """

    def __init__(
        self,
        wait: Callable[[], int],
        every: int = 1,
        save: Callable[[int], int] = lambda done: 0,
        heard: bool = True,
    ) -> None:
        self._wait, self._every, self._save, self._heard = wait, every, save, heard
        self.start(0)

    def start(self, done: int) -> None:
        """Begin an epoch of which so many steps are done."""
        self._first = done
        self._called = done  # the steps that callbacks know of
        self._due = self._next(done)  # after how many they want to be called; 0 is never

    def _next(self, done: int) -> int:
        wait = self._wait() if self._heard else 0
        return done + (self._every if wait == 1 else wait) if wait else 0

    def left(self, done: int) -> int:
        """After how many steps somebody is to be called."""
        waits = [self._due - done if self._due else 0, self._save(done)]
        return min([n for n in waits if n], default=sys.maxsize)

    def block(self, done: int, end: int, paced: int) -> int:
        """How many steps the next dispatch takes.

        Args:
            done: The steps so far.
            end: The steps that there is data for.
            paced: How many suit the clock. A stretch that ends in a call is not cut for it.
        """
        left = min(end - done, self.left(done))
        paced = max(1, paced)
        paced += -(done - self._first + paced) % self._every  # to the end of an execution
        return left if self._due == done + left else min(paced, left)

    def whole(self, done: int) -> bool:
        """Whether an execution ends after so many steps: one that has begun is not left when it is told to stop."""
        return (done - self._first) % self._every == 0

    def begins(self, done: int) -> bool:
        """Whether callbacks hear now that batch `done` begins."""
        return self._heard and self._called == done

    def hears(self, done: int) -> bool:
        """Whether callbacks are called after so many steps."""
        return 0 < self._due <= done

    def ends(self, done: int) -> bool:
        """Whether callbacks hear now that batch `done - 1` has ended; the next call is counted from here."""
        if not self.hears(done):
            return False
        self._called, self._due = done, self._next(done)
        return True

    def over(self, done: int) -> bool:
        """Whether an epoch that ends after so many steps leaves callbacks with a batch that began and did not end."""
        return self._heard and self._called < done

    @property
    def free(self) -> bool:
        """Whether the length of dispatches is up to the clock, not to callbacks."""
        return self._due == 0 or self._due - self._called > self._every


class Governor:
    """Chooses how many steps a dispatch takes, so that one lasts about `target` seconds.

    Long enough that Python costs nothing, short enough that a progress bar and Ctrl-C stay alive.
    """

    def __init__(self, target: float = 0.25) -> None:
        self.target = target
        self.size = 1
        self._warm = False

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


# -- what was asked for --------------------------------------------------------------------------------------------------


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
