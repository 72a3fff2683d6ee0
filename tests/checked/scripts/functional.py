"""A graph of layers with two inputs and two outputs."""

import numpy as np

import lamina
from lamina import layers

left, right = lamina.Input((4,), name="left"), lamina.Input((3,), name="right")
joined = layers.Concatenate()([left, right])
hidden = layers.Dense(8, activation="relu")(joined)
model = lamina.Model(
    inputs={"left": left, "right": right},
    outputs={"value": layers.Dense(1)(hidden), "kind": layers.Dense(2, activation="softmax")(hidden)},
)
model.compile(
    "sgd",
    {"value": "mse", "kind": "sparse_categorical_crossentropy"},
    loss_weights={"value": 0.5, "kind": 1.0},
)
data = {"left": np.ones((4, 4), "float32"), "right": np.ones((4, 3), "float32")}
model.fit(data, {"value": np.ones((4, 1)), "kind": np.zeros(4, "int32")}, verbose=0)
assert set(model.predict(data, verbose=0)) == {"value", "kind"}
assert model.get_layer("concatenate").name == "concatenate"
