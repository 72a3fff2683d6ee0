"""BackupAndRestore: training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import os
from typing import Any

from lamina.callbacks.callback import Callback
from lamina.callbacks.journal import Journal, Position


class BackupAndRestore(Callback):
    """Keeps the whole state of training in a folder; `fit` begins where the folder's state stands.

    The state is exact: weights, optimizer, random streams, the place in the data, the state of the other callbacks and
    the history, written at once, so that a run that was killed ends with the same weights as one that was not.
    Data that is read from an iterable is read again up to its place.

    Args:
        backup_dir: The folder.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: Whether the state before the last one is kept, too, in case the last one is damaged.
        delete_checkpoint: Whether to remove the state when training has ended.

    Raises:
        ValueError: for an empty folder name, or another `save_freq`.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.BackupAndRestore("backup", save_freq=100)
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if backup_dir is None or not os.fspath(backup_dir):
            raise ValueError("The `backup_dir` of BackupAndRestore is empty.")
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"`save_freq` must be 'epoch' or a positive number of batches, got {save_freq!r}."
            )
        self.backup_dir, self.save_freq = os.fspath(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._journal = Journal(self.backup_dir, double_checkpoint)

    def batches_until_call(self) -> int:
        """Never: the loop calls `after_batches` itself, when the state is whole."""
        return 0

    def open(self, feeds: dict[str, Any]) -> None:
        """Read the folder's state, and move the data to its place; for the training loop.

        Args:
            feeds: The data by name.
        """
        self._journal.open(self.model, feeds)

    def found(self) -> str:
        """What `open` has read, in words; for the training loop."""
        return self._journal.found()

    def restore(self, variables: list[Any], callbacks: list[Any]) -> Position | None:
        """Put the folder's state in place, if there is one; for the training loop.

        Args:
            variables: All variables of the step.
            callbacks: The other callbacks.

        Returns:
            Where training stands; None at a new beginning.
        """
        return self._journal.restore(variables, callbacks)

    def batches_until_save(self, done: int) -> int:
        """How many batches remain until a state is due; 0 for none in this epoch.

        Args:
            done: The batches of this epoch so far.
        """
        return 0 if isinstance(self.save_freq, str) else self.save_freq - done % self.save_freq

    def after_batches(self, epoch: int, done: int) -> None:
        """Write the state where it is due inside an epoch; for the training loop.

        Args:
            epoch: The epoch.
            done: How many batches of it are done.
        """
        if not isinstance(self.save_freq, str) and done % self.save_freq == 0:
            self._journal.save(Position(epoch, done))

    def after_epoch(self, epoch: int) -> None:
        """Write the state at the end of an epoch; for the training loop.

        Args:
            epoch: The epoch.
        """
        self._journal.save(Position(epoch + 1, 0))

    def on_train_end(self, logs: Any = None) -> None:
        """Remove the state."""
        if self.delete_checkpoint:
            self._journal.delete()
