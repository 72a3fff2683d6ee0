"""OrbaxCheckpoint: checkpoints in the layout of Orbax, several kept, written in the background."""

from __future__ import annotations

import json
import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from lamina.callbacks.message import say
from lamina.callbacks.monitor import Monitor
from lamina.core.codec import serialize
from lamina.kernel.context import distribution_in_force, processes


class OrbaxCheckpoint(Monitor):
    """Saves the model's whole state while it is trained, in folders by number; needs the package orbax-checkpoint.

    A folder holds the state as a tree by path (see `Model.get_state_tree`) and the model's configuration: `load_model`
    and `load_weights` read it, as real Keras does. Under a distribution every process writes the parts that it holds.
    What is read back is divided as the tree of a model on another mesh is, where Orbax is given that
    (`docs/distribution.md`).

    Args:
        directory: The folder of the checkpoints.
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
        ImportError: if the package is not installed.
        ValueError: for another `save_freq`.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.OrbaxCheckpoint("checkpoints", max_to_keep=3)  # doctest: +SKIP
    """

    _kept = ("best", "_seen", "_number")

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
        super().__init__(monitor, mode, best=initial_value_threshold)
        if save_freq != "epoch" and (not isinstance(save_freq, int) or save_freq < 1):
            raise ValueError(
                f"`save_freq` must be 'epoch' or a positive number of batches, got {save_freq!r}."
            )
        if find_spec("orbax") is None:
            raise ImportError(
                "OrbaxCheckpoint needs the package orbax-checkpoint: `pip install orbax-checkpoint`."
            )
        self.directory = os.path.abspath(os.fspath(directory))
        self.verbose, self.save_best_only, self.save_freq = verbose, save_best_only, save_freq
        self.max_to_keep, self.save_on_background = max_to_keep, save_on_background
        self.save_weights_only = save_weights_only
        self._orbax = import_module("orbax.checkpoint").v1
        self._keeper: Any = None
        self._seen, self._last, self._number = 0, -1, 0

    def is_multihost_enabled(self) -> bool:
        """Whether several processes train together."""
        return processes()[1] > 1

    def is_primary_host(self) -> bool:
        """Whether this process is the first one."""
        return processes()[0] == 0

    def batches_until_call(self) -> int:
        """How many batches from now it wants to be called; 0 for never."""
        return 0 if isinstance(self.save_freq, str) else max(self.save_freq - self._seen, 1)

    def on_train_begin(self, logs: Any = None) -> None:
        """Open the folder."""
        training = self._orbax.training
        policy = (
            None if self.max_to_keep is None else training.preservation_policies.LatestN(self.max_to_keep)
        )
        self._keeper = training.Checkpointer(self.directory, preservation_policy=policy)
        latest = self._keeper.latest
        self._seen, self._last, self._number = 0, -1, 0 if latest is None else latest.step + 1

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count batches anew."""
        self._last = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save when enough batches went by."""
        if isinstance(self.save_freq, str):
            return
        self._seen += batch - self._last
        self._last = batch
        if self._seen >= self.save_freq:
            self._seen = 0
            self._save(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save."""
        if isinstance(self.save_freq, str):
            self._save(logs)

    def _save(self, logs: Any) -> None:
        if self.save_best_only:
            value = self._value(logs, "saving the best model")
            if value is None or not self._better(value, self.best):
                return
            self.best = value
        if self.verbose > 0:
            say(f"Saving checkpoint {self._number} in {self.directory}")

        divided = distribution_in_force() is not None
        tree = self.model.get_state_tree("backend_tensor" if divided else "numpy_array")
        if self.save_weights_only:
            content = {
                "pytree": {name: tree[name] for name in ("trainable_variables", "non_trainable_variables")}
            }
        else:
            content = {"pytree": tree, "model_config": {"config": json.dumps(serialize(self.model))}}
        self._keeper.wait()  # while one is written, Orbax would leave the next one out
        if self.save_on_background:
            self._keeper.save_checkpointables_async(self._number, content)
        else:
            self._keeper.save_checkpointables(self._number, content)
        self._number += 1

    def wait_until_finished(self) -> None:
        """Until everything is written."""
        if self._keeper is not None:
            self._keeper.wait()

    def on_train_end(self, logs: Any = None) -> None:
        """Until everything is written."""
        if self._keeper is not None:
            self._keeper.close()  # waits
            self._keeper = None
