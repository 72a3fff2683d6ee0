"""Saving, loading and exporting weights, in the style of Keras 3."""
import os
import tempfile

import numpy as np
import keras

keras.utils.set_random_seed(4)
folder = tempfile.mkdtemp()
inputs = keras.Input((8, 8, 3))
x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
x = keras.layers.BatchNormalization()(x)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, keras.layers.Dense(2)(x))
images = np.random.rand(4, 8, 8, 3).astype("float32")
model.save(os.path.join(folder, "m.keras"))
model.save_weights(os.path.join(folder, "m.weights.h5"))
again = keras.saving.load_model(os.path.join(folder, "m.keras"))
np.testing.assert_allclose(again.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6)
twin = keras.models.clone_model(model)
twin.load_weights(os.path.join(folder, "m.weights.h5"))
np.testing.assert_allclose(twin.predict(images, verbose=0), model.predict(images, verbose=0), atol=1e-6)
