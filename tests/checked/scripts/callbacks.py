"""Callbacks: those that are there, and one of one's own."""

import tempfile
from typing import Any

import numpy as np

import lamina
from lamina import callbacks, layers


class Report(callbacks.Callback):
    """Keeps the loss of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen.append(float(logs["loss"]))


report = Report()
model = lamina.Sequential([lamina.Input((2,)), layers.Dense(1)])
model.compile(lamina.optimizers.SGD(0.1, momentum=0.9), "mse")
with tempfile.TemporaryDirectory() as folder:
    chosen: list[callbacks.Callback] = [
        report,
        callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("loss", factor=0.5),
        callbacks.ModelCheckpoint(f"{folder}/best.keras", monitor="loss", save_best_only=True),
        callbacks.CSVLogger(f"{folder}/log.csv"),
    ]
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=chosen)
assert len(report.seen) == 2
