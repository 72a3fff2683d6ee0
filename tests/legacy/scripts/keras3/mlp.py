"""An MLP with preprocessing, in the style of Keras 3."""
import numpy as np
import keras
from keras import layers, ops

keras.utils.set_random_seed(0)
x = np.random.rand(128, 12).astype("float32")
y = x[:, :3].argmax(-1)
model = keras.Sequential([keras.Input((12,)), layers.Dense(16, activation="gelu"), layers.LayerNormalization(),
                          layers.Dense(3)])
model.compile(optimizer=keras.optimizers.AdamW(1e-2), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
              metrics=[keras.metrics.SparseCategoricalAccuracy()])
history = model.fit(x, y, epochs=4, batch_size=32, verbose=0, validation_split=0.25)
assert history.history["loss"][-1] < history.history["loss"][0]
assert keras.version().startswith("3.") and keras.backend.backend() == keras.config.backend()
assert ops.convert_to_numpy(ops.softmax(model(x))).shape == (128, 3)
