"""Small models and data that the tests of training share."""

from __future__ import annotations

from typing import Any

import numpy as np

import lamina
from lamina import backends
from lamina.kernel.context import current

TRAINING = [n for n in backends.installed() if n != "numpy"]


def data(rows: int = 70, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5)).astype("float32")
    return x, (x @ rng.normal(size=(5, 1)) > 0).astype("float32")


def mlp(seed: int = 1, optimizer: Any = "adam", dropout: float = 0.0, **compiled: Any) -> Any:
    lamina.utils.set_random_seed(seed)
    layers = [lamina.Input((5,)), lamina.layers.Dense(8, activation="relu")]
    layers += [lamina.layers.Dropout(dropout)] if dropout else []
    model = lamina.Sequential([*layers, lamina.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer, "binary_crossentropy", **compiled)
    return model


def linear(**compiled: Any) -> Any:
    """One number in, the same number out, never trained: the loss says which rows were seen."""
    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1, kernel_initializer="ones")])
    model.compile(lamina.optimizers.SGD(0.0), "mae", **compiled)
    return model


def program_of(model: Any, kind: str, batch: Any) -> Any:
    """The compiled step of a kind ("train", "test", "predict")."""
    return model._model_state.programs.get(model, kind, current(), lambda: batch)


def same_weights(a: Any, b: Any) -> bool:
    return all(np.array_equal(u, v) for u, v in zip(a.get_weights(), b.get_weights(), strict=True))


class Watch(lamina.callbacks.Callback):
    """Notes every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Any] = []
        self.batches: list[int] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches.append(batch)
        self.calls.append(logs["loss"])
