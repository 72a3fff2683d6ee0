"""A layer with state, a metric and a loss of one's own, in the style of tensorflow.keras 2.4."""
import numpy as np
from tensorflow import keras
from tensorflow.keras import backend as K

np.random.seed(4)


class Standardize(keras.layers.Layer):
    def build(self, input_shape):
        self.total = self.add_weight("total", shape=(input_shape[-1],), initializer="zeros", trainable=False)
        self.gain = self.add_weight(name="gain", shape=(input_shape[-1],), initializer="ones")
        self.built = True

    def call(self, inputs):
        self.total.assign_add(K.sum(inputs, axis=0))
        return inputs * self.gain


class Huberish(keras.losses.Loss):
    def __init__(self, delta=1.0, name="huberish"):
        super().__init__(name=name)
        self.delta = delta

    def call(self, y_true, y_pred):
        error = K.abs(y_true - y_pred)
        return K.mean(K.switch(error < self.delta, 0.5 * K.square(error), self.delta * (error - 0.5)), axis=-1)


class Close(keras.metrics.Metric):
    def __init__(self, name="close", **kwargs):
        super(Close, self).__init__(name=name, **kwargs)
        self.right = self.add_weight(name="right", initializer="zeros")
        self.rows = self.add_weight(name="rows", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        near = K.cast(K.abs(y_true - y_pred) < 0.5, "float32")
        self.right.assign_add(K.sum(near))
        self.rows.assign_add(K.sum(K.ones_like(near)))

    def result(self):
        return self.right / self.rows

    def reset_states(self):
        self.right.assign(0.0)
        self.rows.assign(0.0)


x = np.random.rand(32, 4).astype("float32")
y = x.sum(1, keepdims=True)
inputs = keras.Input(shape=(4,))
layer = Standardize()
outputs = keras.layers.Dense(1)(layer(inputs))
model = keras.Model(inputs, outputs)
model.compile(keras.optimizers.Adam(0.05), loss=Huberish(0.5), metrics=[Close()])
h = model.fit(x, y, epochs=4, batch_size=16, verbose=0)
assert h.history["loss"][-1] < h.history["loss"][0]
assert np.allclose(K.get_value(layer.total), 4 * x.sum(0), rtol=1e-4)
