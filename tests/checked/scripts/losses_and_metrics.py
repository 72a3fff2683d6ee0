"""Losses and metrics, by themselves and of one's own."""

from typing import Any

import numpy as np

import lamina
from lamina import losses, metrics, ops


class Distance(losses.Loss):
    """The absolute error, weighted."""

    def __init__(self, weight: float = 1.0, name: str = "distance") -> None:
        super().__init__(name=name)
        self.weight = weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return ops.multiply(ops.mean(ops.abs(ops.subtract(y_true, y_pred)), axis=-1), self.weight)


class Hits(metrics.Metric):
    """How many predictions come within a tolerance."""

    def __init__(self, tolerance: float, name: str = "hits") -> None:
        super().__init__(name=name)
        self.tolerance = tolerance
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        near = ops.less(ops.abs(ops.subtract(y_true, y_pred)), self.tolerance)
        self.count.assign_add(ops.sum(ops.cast(near, "float32")))

    def result(self) -> Any:
        return self.count.value


y_true, y_pred = np.zeros((4, 1), "float32"), np.full((4, 1), 0.5, "float32")
assert float(Distance(2.0)(y_true, y_pred)) == 1.0
hits = Hits(1.0)
hits.update_state(y_true, y_pred)
assert float(hits.result()) == 4.0
accuracy = metrics.BinaryAccuracy(threshold=0.4)
accuracy.update_state(y_true, y_pred)
assert float(accuracy.result()) == 0.0
model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
model.compile("sgd", Distance(), metrics=[Hits(0.1), "mae"])
model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
