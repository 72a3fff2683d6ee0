"""Callbacks that end training."""

from __future__ import annotations

from typing import Any

from lamina.callbacks.callback import Callback
from lamina.callbacks.message import say
from lamina.callbacks.monitor import Monitor, is_broken


class EarlyStopping(Monitor):
    """Ends training when a number of the logs no longer becomes better.

    Args:
        monitor: The name in the logs.
        min_delta: By how much a value must be better to count.
        patience: For how many epochs without a better value training goes on.
        verbose: 1 says when it ends training or restores weights.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        baseline: A value to reach: only one that is better than it resets the patience.
        restore_best_weights: Whether the model gets the weights of its best epoch at the end.
        start_from_epoch: The first epoch that counts.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> stop = lamina.callbacks.EarlyStopping("loss", min_delta=10.0)
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=9, verbose=0, callbacks=[stop])
        >>> len(history.epoch), stop.stopped_epoch
        (2, 1)
    """

    _kept = ("best", "wait", "best_epoch", "stopped_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._begin()

    def _begin(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew, so that an instance can be used again."""
        self._begin()
        self._forget_direction()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the epoch with the best one."""
        value = self.get_monitor_value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._remember(epoch)
        self.wait += 1
        if self._better(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._remember(epoch)
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int) -> None:
        self.best_epoch = epoch
        self.best_weights = [w.copy() for w in self.model.get_weights()]  # a copy: training reuses memory

    def on_train_end(self, logs: Any = None) -> None:
        """Say so, and restore the best weights."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                say(f"Restoring the weights of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def get_monitor_value(self, logs: Any) -> float | None:
        """The watched number; None, with a warning, where the logs do not have it.

        Args:
            logs: The logs of an epoch.
        """
        return self._value(logs, "early stopping")


class TerminateOnNaN(Callback):
    """Ends training at the first batch whose loss is NaN or infinite.

    Args:
        raise_error: Whether to raise instead of stopping.

    Raises:
        RuntimeError: with `raise_error`.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.TerminateOnNaN()
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if not is_broken(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"The loss became NaN or infinite at batch {batch}: {loss}. Training ends.")
        say(f"Batch {batch}: the loss is NaN or infinite ({loss}), training ends.")
        self.model.stop_training = True
