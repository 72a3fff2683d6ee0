"""A variational autoencoder with a seed generator and add_loss, in the style of Keras 3."""
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(3)


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_var = inputs
        self.add_loss(-0.5 * ops.mean(1 + log_var - ops.square(mean) - ops.exp(log_var)))
        epsilon = keras.random.normal(shape=ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * epsilon


inputs = keras.Input((10,))
h = layers.Dense(8, activation="relu")(inputs)
mean, log_var = layers.Dense(2, name="mean")(h), layers.Dense(2, name="log_var")(h)
z = Sampling()([mean, log_var])
outputs = layers.Dense(10, activation="sigmoid")(layers.Dense(8, activation="relu")(z))
vae = keras.Model(inputs, outputs)
vae.compile(optimizer="adam", loss="mse")
x = np.random.rand(64, 10).astype("float32")
h = vae.fit(x, x, epochs=3, verbose=0)
assert h.history["loss"][-1] < h.history["loss"][0]
