"""What a worker tells Ray: the metrics of each epoch, and the state from which training can go on."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
from typing import Any

from lamina.callbacks import BackupAndRestore
from lamina.distribution.ray._ray import imported


class Report(BackupAndRestore):
    """Reports each epoch to Ray: its metrics, with the whole state of training as a checkpoint in Ray's storage.

    Where Ray starts the workers again, or a trainer of the same name and storage is made anew, `fit` goes on after the last
    epoch that was reported. Give it to `fit` as `resume=`, in a function that
    `lamina.distribution.ray.trainer` runs; all workers do so.

    Raises:
        ImportError: if Ray is not installed.

    Example:
        >>> import lamina
        >>> model.fit(x, y, resume=lamina.distribution.ray.Report())  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._train = imported("ray.train")
        self._folder = tempfile.TemporaryDirectory(prefix="lamina_ray_")  # goes with this object
        super().__init__(self._folder.name)
        self._metrics: dict[str, float] = {}

    def open(self, feeds: dict[str, Any]) -> None:
        """Fetch the last state that was reported, if there is one; for the training loop.

        Args:
            feeds: The data by name.
        """
        last = self._train.get_checkpoint()
        if last is not None:
            last.to_directory(self._folder.name)
        super().open(feeds)

    def found(self) -> str:
        """What `open` has read, in words that are the same in all workers: each has a folder of its own."""
        return super().found().replace(repr(self._folder.name), "Ray's storage")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the metrics until the state is written, too."""
        self._metrics = {name: float(value) for name, value in (logs or {}).items()}

    def after_epoch(self, epoch: int) -> None:
        """Write the state and report; for the training loop.

        Args:
            epoch: The epoch.
        """
        super().after_epoch(epoch)
        metrics, kept = {"epoch": epoch + 1, **self._metrics}, self._train.Checkpoint.from_directory
        if self._train.get_context().get_world_rank() == 0:  # the one whose folder has the file
            self._train.report(metrics, checkpoint=kept(self._folder.name))
            return
        parts = self._journal.own_parts()
        if parts is None:
            self._train.report(metrics, checkpoint=None)
            return
        with tempfile.TemporaryDirectory(
            prefix="lamina_ray_"
        ) as share:  # Ray puts what all report into one folder
            folder = pathlib.Path(share, parts.parent.name)
            folder.mkdir()
            shutil.copy(parts, folder)
            self._train.report(metrics, checkpoint=kept(share))
