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
        self._changing = threading.RLock()
        self._doing = ""

    @contextmanager
    def alone(self, what: str, model: str) -> Iterator[None]:
        """Keep other threads from changing the model's weights and metrics during the block.

        Args:
            what: The method that was called.
            model: The model's name.

        Raises:
            RuntimeError: if another thread is at it, unless both calls are single steps: the second one waits, then.
        """
        doing = self._doing
        if not self._changing.acquire(blocking=what in _SHORT and doing in _SHORT):
            raise RuntimeError(
                f"Model {model!r}: `{what}` was called while `{doing or 'fit'}` of the same model runs in another thread. "
                "Both change its metrics (and training its weights), so neither would be right. Wait for the other one to "
                "end, or use a copy: lamina.models.clone_model(model) with set_weights(model.get_weights()). `predict` may "
                "run at the same time."
            )
        before, self._doing = self._doing, what
        try:
            yield
        finally:
            self._doing = before
            self._changing.release()
