"""Threads that work with one model: who has its state, and who must wait or is told so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# They take as long as a step does, so a second thread waits for them. The others may take hours.
_SHORT = ("train_on_batch", "test_on_batch")


class Turns:
    """Two locks of a model. Other models have their own: nothing here is the process's.

    `state` is held while a program is made, and while a dispatch has the memory of the variables: for the length of
    that dispatch other threads cannot read them. `alone` is for what changes weights or metrics from call to call.
    """

    def __init__(self) -> None:
        self.state = threading.RLock()
        self._door = threading.Condition()
        self._owner: int | None = None  # the thread that changes the model
        self._calls: list[str] = []  # its methods, outermost first: a `fit` evaluates

    @property
    def inside(self) -> bool:
        """Whether this thread is changing the model already: in a callback of its `fit`."""
        return self._owner == threading.get_ident()

    @contextmanager
    def alone(self, what: str, model: str) -> Iterator[None]:
        """Keep other threads from changing the model's weights and metrics during the block.

        Args:
            what: The method that was called.
            model: The model's name.

        Raises:
            RuntimeError: if another thread is at it, unless both calls are single steps: the second one waits, then.
        """
        me = threading.get_ident()
        with self._door:
            if what in _SHORT and self._owner != me:
                self._door.wait_for(lambda: self._owner is None or self._calls[0] not in _SHORT)
            if self._owner not in (None, me):
                raise RuntimeError(
                    f"Model {model!r}: `{what}` was called while `{self._calls[0]}` of the same model runs in another "
                    "thread. Both change its metrics (and training its weights), so neither would be right. Wait for the "
                    "other one to end, or use a copy: lamina.models.clone_model(model) with "
                    "set_weights(model.get_weights()). `predict` may run at the same time."
                )
            self._owner = me
            self._calls.append(what)
        try:
            yield
        finally:
            with self._door:
                self._calls.pop()
                if not self._calls:
                    self._owner = None
                    self._door.notify()
