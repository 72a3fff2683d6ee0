"""A Sequential model: built, trained, evaluated, asked."""

import numpy as np

import lamina
from lamina import layers

rng = np.random.default_rng(0)
x: np.ndarray = rng.normal(size=(8, 4)).astype("float32")
y: np.ndarray = rng.integers(0, 3, 8)

model = lamina.Sequential([lamina.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3)])
model.compile(
    optimizer=lamina.optimizers.Adam(1e-2),
    loss=lamina.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(x, y, epochs=2, batch_size=4, verbose=0)
losses: list[float] = history.history["loss"]
assert len(losses) == 2
assert model.predict(x, verbose=0).shape == (8, 3)
model.evaluate(x, y, verbose=0, return_dict=True)
