"""Periodic: what callbacks share that save at every epoch, or whenever so many batches have gone by."""

from __future__ import annotations

from typing import Any

from lamina.callbacks.monitor import Monitor


class Periodic(Monitor):
    """Calls `_save` when it is time.

    Args:
        monitor: The name in the logs that says which model is best.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        best: A value that the first model must be better than.
        save_freq: "epoch", or a number of batches.

    Raises:
        ValueError: for another `save_freq`.
    """

    _kept = ("best", "_seen")

    def __init__(self, monitor: str, mode: str, best: float | None, save_freq: str | int) -> None:
        super().__init__(monitor, mode, best=best)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"`save_freq` must be 'epoch' or a positive number of batches, got {save_freq!r}."
            )
        self.save_freq = save_freq
        self._seen, self._last, self._epoch = 0, -1, 0  # batches since the last time; the last batch

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        """It is time: at the end of an epoch, or of this batch in it."""
        raise NotImplementedError

    def batches_until_call(self) -> int:
        """How many batches from now it wants to be called; 0 for never."""
        return 0 if isinstance(self.save_freq, str) else max(self.save_freq - self._seen, 1)

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin to count batches."""
        self._seen, self._last = 0, -1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Note the epoch."""
        self._epoch, self._last = epoch, -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save when enough batches went by."""
        if isinstance(self.save_freq, str):
            return
        self._seen += batch - self._last
        self._last = batch
        if self._seen >= self.save_freq:
            self._seen = 0
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save."""
        if isinstance(self.save_freq, str):
            self._save(epoch, None, logs)
