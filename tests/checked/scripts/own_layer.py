"""A layer of one's own with weights."""

from typing import Any

import numpy as np

import lamina
from lamina import layers, ops


class Scale(layers.Layer):
    """Multiplies each feature by a factor that is learned."""

    def __init__(self, start: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.factor = self.add_weight(
            shape=(input_shape[-1],), initializer=lamina.initializers.Constant(self.start), name="factor"
        )

    def call(self, x: Any) -> Any:
        return ops.multiply(x, self.factor)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "start": self.start}


layer = Scale(2.0, name="scale")
out = layer(np.ones((2, 3), "float32"))
assert float(ops.convert_to_numpy(out).sum()) == 12.0
assert layer.count_params() == 3
assert layer.factor.shape == (3,)
