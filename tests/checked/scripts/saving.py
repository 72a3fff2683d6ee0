"""Models and weights in files, and configs."""

import pathlib
import tempfile

import numpy as np

import lamina
from lamina import layers, saving

model = lamina.Sequential([lamina.Input((4,)), layers.Dense(2, name="head")], name="net")
x = np.ones((3, 4), "float32")
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    model.save(folder / "net.keras")
    model.save_weights(folder / "net.weights.h5")
    again = saving.load_model(folder / "net.keras")
    again.load_weights(folder / "net.weights.h5")
    assert np.allclose(again.predict(x, verbose=0), model.predict(x, verbose=0))
twin = lamina.models.model_from_json(model.to_json())
twin.set_weights(model.get_weights())
copy = lamina.Sequential.from_config(model.get_config())
assert copy.get_layer("head").count_params() == 10
dense = layers.Dense.from_config(layers.Dense(3).get_config())
assert dense.units == 3
