"""TensorBoard: the logs, weights and graph of a model in files that TensorBoard shows."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from lamina.callbacks.callback import Callback
from lamina.callbacks.events import Events
from lamina.core.graph import Graph
from lamina.layers import Embedding


class TensorBoard(Callback):
    """Writes logs for TensorBoard (`tensorboard --logdir logs`); needs the package tensorboard or tensorboardX.

    Numbers of training stand under `<log_dir>/train`, those of validation under `<log_dir>/validation`.

    Args:
        log_dir: The folder.
        histogram_freq: After how many epochs histograms of the weights are written; 0 is never.
        write_graph: Whether to write the model's graph.
        write_images: Whether weights are written as pictures beside histograms.
        write_steps_per_second: Whether to write the rate of steps.
        update_freq: "epoch", "batch", or after how many batches losses and metrics are written, too.
        profile_batch: Profiling belongs to the frameworks; another value than 0 raises an error.
        embeddings_freq: After how many epochs the weights of Embedding layers are written; 0 is never.
        embeddings_metadata: A file of labels for the only Embedding layer, or a dict from layer name to file.

    Raises:
        ImportError: if neither package is installed.
        ValueError: for embeddings' metadata of unknown layers, or a profile.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.TensorBoard("logs", histogram_freq=1)
    """

    _kept = ("_steps",)

    def __init__(
        self,
        log_dir: Any = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: Any = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        if profile_batch not in (0, None):
            raise ValueError(
                "`profile_batch` is not supported: use the framework's own profiler, such as jax.profiler.trace(log_dir) "
                "or torch.profiler."
            )
        if update_freq not in ("epoch", "batch") and (not isinstance(update_freq, int) or update_freq < 1):
            raise ValueError(
                f"`update_freq` must be 'epoch', 'batch' or a number of batches, got {update_freq!r}."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq, self.write_graph, self.write_images = histogram_freq, write_graph, write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq, self.embeddings_metadata = embeddings_freq, embeddings_metadata
        self._files: dict[str, Events] = {}
        self._steps = 0  # batches trained on, over all epochs
        self._seen = -1
        self._tested = 0
        # the time and the steps at the begin of the epoch, and when batches were heard of last
        self._began = self._heard = (0.0, 0)

    @property
    def summary(self) -> Events:
        """The file of training, for numbers, histograms, images and texts of your own."""
        return self._file("train")

    def _file(self, part: str) -> Events:
        if part not in self._files:
            self._files[part] = Events(os.path.join(self.log_dir, part))
        return self._files[part]

    def batches_until_call(self) -> int:
        """How many batches from now it wants to be called; 0 for never."""
        if isinstance(self.update_freq, str):
            return 0
        return self.update_freq - self._steps % self.update_freq

    def set_model(self, model: Any) -> None:
        """Receive the model."""
        super().set_model(model)
        if self.embeddings_freq:
            self._configure_embeddings()

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Write the graph."""
        self._steps, self._seen = 0, -1
        if self.write_graph:
            self._write_graph()

    def _write_graph(self) -> None:
        model: Any = self.model
        if isinstance(self.model, Graph) or hasattr(model, "_functional"):
            self._file("train").text("keras", model.to_json(), 0, plugin="graph_keras_model")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Take the time."""
        self._seen = -1
        self._began = self._heard = (time.perf_counter(), self._steps)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Write the numbers so far."""
        self._count(batch)
        if not isinstance(self.update_freq, str) and self._steps % self.update_freq == 0:
            for name, value in (logs or {}).items():
                self._file("train").scalar(f"batch_{name}", value, self._steps)
            if self.write_steps_per_second:
                self._write_rate("batch", *self._heard, self._steps)
                self._heard = (time.perf_counter(), self._steps)

    def _count(self, batch: int) -> None:
        self._steps += batch - self._seen
        self._seen = batch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write the numbers of the epoch, and weights where they are due."""
        logs = dict(logs or {})
        steps = (self.params or {}).get("steps")
        if self._seen < 0 and steps:
            self._count(steps - 1)
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if rate is not None and "learning_rate" not in logs:
            logs["learning_rate"] = float(rate)
        for name, value in logs.items():
            part = "validation" if name.startswith("val_") else "train"
            if np.ndim(value) == 0:
                self._file(part).scalar(f"epoch_{name.removeprefix('val_')}", value, epoch)
        if self.write_steps_per_second:
            self._write_rate("epoch", *self._began, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        for file in self._files.values():
            file.flush()

    def _write_rate(self, of: str, began: float, before: int, step: int) -> None:
        rate = (self._steps - before) / max(time.perf_counter() - began, 1e-9)
        self._file("train").scalar(f"{of}_steps_per_second", rate, step)

    def on_test_end(self, logs: Any = None) -> None:
        """Write the numbers of an evaluation against the steps of training."""
        if self.model.optimizer is None:
            return
        step = int(self.model.optimizer.iterations)
        for name, value in (logs or {}).items():
            if np.ndim(value) == 0:
                self._file("validation").scalar(f"evaluation_{name}_vs_iterations", value, step)
        self._file("validation").flush()

    def on_train_end(self, logs: Any = None) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    # -- weights -------------------------------------------------------------------------------------------------------

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                value = weight.numpy()
                self._file("train").histogram(f"{weight.path}/histogram", value, epoch)
                value = np.squeeze(value)
                if self.write_images and value.ndim in (1, 2):
                    spread = float(value.max() - value.min()) or 1.0
                    picture = np.atleast_2d((value - value.min()) / spread)
                    self._file("train").image(f"{weight.path}/image", picture, epoch)

    def _embeddings(self) -> dict[str, Any]:
        return {layer.name: layer for layer in self.model._flatten_layers() if isinstance(layer, Embedding)}

    def _configure_embeddings(self) -> None:
        """Tell TensorBoard's projector where the vectors and their labels lie."""
        layers = self._embeddings()
        given = self.embeddings_metadata
        labels = given if isinstance(given, dict) else {name: given for name in layers if given is not None}
        unknown = [name for name in labels if name not in layers]
        if unknown:
            raise ValueError(
                f"`embeddings_metadata` names {unknown[0]!r}, which is no Embedding layer: {', '.join(layers) or 'none'}."
            )
        lines = []
        for name in layers:
            lines += ["embeddings {", f'  tensor_name: "{name}"', f'  tensor_path: "{name}.tsv"']
            lines += [f'  metadata_path: "{os.fspath(labels[name])}"'] if name in labels else []
            lines += ["}"]
        os.makedirs(self.log_dir, exist_ok=True)
        with open(os.path.join(self.log_dir, "projector_config.pbtxt"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _write_embeddings(self) -> None:
        for name, layer in self._embeddings().items():
            np.savetxt(
                os.path.join(self.log_dir, f"{name}.tsv"),
                layer.embeddings.numpy(),
                delimiter="\t",
                fmt="%.7g",
            )
