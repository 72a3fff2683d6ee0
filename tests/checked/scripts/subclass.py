"""A model of one's own with a `call`."""

from typing import Any

import numpy as np

import lamina
from lamina import layers, ops


class Residual(lamina.Model):
    """Adds what two layers make of it to its input."""

    def __init__(self, width: int, rate: float = 0.1) -> None:
        super().__init__()
        self.first = layers.Dense(width, activation="relu")
        self.second = layers.Dense(4)
        self.drop = layers.Dropout(rate)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return ops.add(x, self.second(self.drop(self.first(x), training=training)))


model = Residual(8)
model.compile("adam", "mse")
model.fit(np.ones((4, 4)), np.ones((4, 4)), verbose=0)
assert len(model.trainable_variables) == 4
