"""A training step of one's own."""

from typing import Any

import numpy as np

import lamina
from lamina import layers, ops


class Model(lamina.Model):
    """A linear model that counts the size of its gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(1)
        self.norm = lamina.metrics.Mean(name="norm")

    def call(self, x: Any) -> Any:
        return self.inner(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        x, y = data

        def loss() -> Any:
            return ops.mean(ops.square(ops.subtract(self(x, training=True), y)))

        value, gradients = lamina.value_and_grad(loss, self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        self.norm.update_state(ops.sum(ops.square(gradients[0])))
        return {"loss": value, "norm": self.norm.result()}


model = Model()
model.compile("sgd")
history = model.fit(np.ones((4, 2), "float32"), np.ones((4, 1), "float32"), verbose=0)
assert set(history.history) == {"loss", "norm"}
