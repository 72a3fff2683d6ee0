"""ShardedCheckpoint: checkpoints of which each process writes its parts, several kept, written in the background."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import Any

from lamina.callbacks.message import say
from lamina.callbacks.periodic import Periodic
from lamina.core.codec import serialize
from lamina.kernel.context import real_kernel
from lamina.saving import checkpoints
from lamina.saving.dcp import DcpKeeper
from lamina.saving.orbax import OrbaxKeeper


class ShardedCheckpoint(Periodic):
    """Saves the model's whole state while it is trained, in folders by number: every process writes the parts that it holds.

    Nothing is brought together, so a model may be larger than the memory of a device (on TensorFlow arrays are, and the
    first process writes them). `ShardedCheckpoint.restore` reads a checkpoint into a model on another mesh, another number of
    processes or another backend, where each process reads what its own devices hold; `load_model` and `load_weights` take
    the folder, too. The format is that of the framework: on torch of `torch.distributed.checkpoint`, elsewhere of Orbax (the
    package orbax-checkpoint).

    A checkpoint counts when it is whole: after a crash the one before is the latest. What is in the folder and not written
    by a callback of this kind is left alone.

    Args:
        directory: The folder of the checkpoints, which all processes must see.
        monitor: The name in the logs that says which model is best.
        verbose: 1 says what is saved.
        save_best_only: Whether to save only when the watched number is better than before.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: A value that the first model must be better than.
        max_to_keep: How many checkpoints to keep; None for all.
        save_on_background: Whether training goes on while files are written.
        save_weights_only: Whether to leave out the states of optimizer and metrics, and the configuration.

    Raises:
        ImportError: if the package that writes is not installed.
        ValueError: for another `save_freq` or `max_to_keep`.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.ShardedCheckpoint("checkpoints", max_to_keep=3)  # doctest: +SKIP
        >>> model.fit(x, y, callbacks=[callback])  # doctest: +SKIP
        >>> lamina.callbacks.ShardedCheckpoint.restore(other, "checkpoints")  # doctest: +SKIP
        4
    """

    _kept = ("best", "_seen", "_number")
    _format: str | None = None  # None is that of the backend

    def __init__(
        self,
        directory: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold, save_freq)
        if max_to_keep is not None and (not isinstance(max_to_keep, int) or max_to_keep < 1):
            raise ValueError(f"`max_to_keep` must be a positive number or None, got {max_to_keep!r}.")
        self._check_package()
        self.directory = os.path.abspath(os.fspath(directory))
        self.verbose, self.save_best_only = verbose, save_best_only
        self.max_to_keep, self.save_on_background = max_to_keep, save_on_background
        self.save_weights_only = save_weights_only
        self._keeper: Any = None
        self._number = 0

    def _written_as(self) -> str:
        return self._format or real_kernel().spread.checkpoints

    def _check_package(self) -> None:
        if self._written_as() != "dcp" and find_spec("orbax") is None:
            raise ImportError(
                f"{type(self).__name__} needs the package orbax-checkpoint: `pip install orbax-checkpoint`."
            )

    @staticmethod
    def restore(model: Any, directory: Any, step: int | None = None) -> int:
        """Put the weights of a checkpoint, and the optimizer's state, into a model, however it lies on devices.

        Args:
            model: A built model, compiled where the optimizer is to go on. Names and shapes must be those that were saved.
            directory: The folder of the checkpoints.
            step: The number of a checkpoint; None for the latest.

        Returns:
            The number of the checkpoint.

        Raises:
            FileNotFoundError: if there is no finished checkpoint, or none of this number.
            SerializationError: if names or shapes differ (all differences are listed), or the folder breaks a rule.
            ImportError: if a package that is needed to read it is not installed.

        Example:
            >>> import lamina
            >>> lamina.callbacks.ShardedCheckpoint.restore(model, "checkpoints", step=3)  # doctest: +SKIP
            3
        """
        return checkpoints.restore(model, directory, step)

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the folder."""
        self.on_train_end()  # of a run that was interrupted
        keeper = DcpKeeper if self._written_as() == "dcp" else OrbaxKeeper
        self._keeper = keeper(self.directory, self.max_to_keep)
        self._number = self._keeper.next
        super().on_train_begin(logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        if self.save_best_only:
            value = self._value(logs, "saving the best model")
            if value is None or not self._better(value, self.best):
                return
            self.best = value
        if self.verbose > 0:
            say(f"Saving checkpoint {self._number} in {self.directory}")
        tree, config = self.model.get_state_tree(self._keeper.value_format), None
        if self.save_weights_only:
            tree = {name: tree[name] for name in ("trainable_variables", "non_trainable_variables")}
        else:
            config = json.dumps(serialize(self.model))
        self._keeper.save(self._number, tree, config, self.save_on_background)
        self._number += 1

    def wait_until_finished(self) -> None:
        """Until everything is written."""
        if self._keeper is not None:
            self._keeper.wait()

    def on_train_end(self, logs: Any = None) -> None:
        """Until everything is written."""
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            keeper.close()
