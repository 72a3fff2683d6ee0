"""Schedules, early stopping and a PyDataset, in the style of Keras 3."""
import numpy as np
import keras

keras.utils.set_random_seed(5)


class Data(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        rng = np.random.default_rng(i)
        x = rng.random((16, 5), dtype="float32")
        return x, x.sum(1, keepdims=True)


model = keras.Sequential([keras.layers.Dense(8, activation="silu"), keras.layers.Dense(1)])
rate = keras.optimizers.schedules.CosineDecay(0.05, 40)
model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), "huber")
h = model.fit(Data(), validation_data=Data(), epochs=4, verbose=0,
              callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)])
assert h.history["val_loss"][-1] < h.history["val_loss"][0]
