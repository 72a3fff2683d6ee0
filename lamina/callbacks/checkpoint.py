"""ModelCheckpoint: the model in a file, at every epoch or when it is better than before."""

from __future__ import annotations

import os
from typing import Any

from lamina.callbacks.message import say
from lamina.callbacks.periodic import Periodic


class ModelCheckpoint(Periodic):
    """Saves the model while it is trained.

    Files are written beside and renamed, so that the last one stays good whatever happens.

    Args:
        filepath: Where; may hold names of the logs, such as "model-{epoch:02d}-{val_loss:.2f}.keras". It ends in
            ".keras" (or ".h5", the older format), or in ".weights.h5" or ".safetensors" with `save_weights_only`.
        monitor: The name in the logs that says which model is best.
        verbose: 1 says what is saved.
        save_best_only: Whether to save only when the watched number is better than before.
        save_weights_only: Whether to save only the weights.
        mode: "min", "max", or "auto": the direction of the metric of that name.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: A value that the first model must be better than.

    Raises:
        ValueError: if the file's ending or `save_freq` is not one of those.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.ModelCheckpoint("best.keras", monitor="loss", save_best_only=True)
    """

    _of_models: tuple[str, ...] = (".keras", ".h5")  # the endings
    _of_weights: tuple[str, ...] = (".weights.h5", ".safetensors")

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold, save_freq)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        endings = self._of_weights if save_weights_only else self._of_models
        mixed_up = not save_weights_only and self.filepath.endswith((".weights.h5", ".safetensors"))
        if mixed_up or not self.filepath.endswith(endings):
            hint = "" if save_weights_only else " For '.weights.h5' files pass save_weights_only=True."
            raise ValueError(
                f"The `filepath` of ModelCheckpoint must end in {' or '.join(map(repr, endings))} with "
                f"save_weights_only={save_weights_only}, got {self.filepath!r}.{hint}"
            )

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        path = self._path(epoch, batch, logs or {})
        if self.save_best_only:
            value = self._value(logs, "saving the best model")
            if value is None or not self._is_best(value, epoch, path):
                return
        elif self.verbose > 0:
            say(f"Epoch {epoch + 1}: saving the model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _is_best(self, value: float, epoch: int, path: str) -> bool:
        better = self._better(value, self.best)
        if self.verbose > 0:
            before = "none" if self.best is None else f"{self.best:.5f}"
            say(
                f"Epoch {epoch + 1}: {self.monitor} improved from {before} to {value:.5f}, saving the model to {path}"
                if better
                else f"Epoch {epoch + 1}: {self.monitor} did not improve from {before}"
            )
        if better:
            self.best = value
        return better

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        known = {**logs, "epoch": epoch + 1} | ({} if batch is None else {"batch": batch + 1})
        try:
            return self.filepath.format(**known)
        except KeyError as error:
            raise KeyError(
                f"The `filepath` {self.filepath!r} of ModelCheckpoint names {error.args[0]!r}, which the logs do not have: "
                f"{', '.join(known)}."
            ) from None
