"""A model with losses and metrics of its own, in the style of Keras 3 (any backend)."""
import numpy as np
import keras
from keras import ops

keras.utils.set_random_seed(2)


class Weighted(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(y - y_pred)) + 0.01 * ops.sum(ops.square(self.dense.kernel))


x = np.random.rand(64, 4).astype("float32")
y = x @ np.array([[1.0], [2.0], [3.0], [4.0]], "float32")
model = Weighted()
model.compile(optimizer=keras.optimizers.SGD(0.1), metrics=["mae"])
h = model.fit(x, y, epochs=5, batch_size=16, verbose=0)
assert h.history["mae"][-1] < h.history["mae"][0]
