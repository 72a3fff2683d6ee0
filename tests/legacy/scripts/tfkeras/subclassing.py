"""Subclassed model with a custom training step, in the style of tensorflow.keras 2.4."""
import numpy as np
from tensorflow import keras
from tensorflow.keras import layers

keras.backend.clear_session()
np.random.seed(0)


class Block(layers.Layer):
    def __init__(self, units=8, **kwargs):
        super(Block, self).__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units, activation="relu")
        self.drop = layers.Dropout(0.1)

    def call(self, inputs, training=None):
        return self.drop(self.dense(inputs), training=training)

    def get_config(self):
        config = super(Block, self).get_config()
        config.update({"units": self.units})
        return config


class Net(keras.Model):
    def __init__(self, num_classes=3):
        super(Net, self).__init__(name="net")
        self.block_1 = Block(8)
        self.block_2 = Block(4)
        self.classifier = layers.Dense(num_classes, activation="softmax")

    def call(self, inputs, training=None):
        x = self.block_1(inputs, training=training)
        x = self.block_2(x, training=training)
        return self.classifier(x)


x = np.random.rand(64, 6).astype("float32")
y = x[:, :3].argmax(-1)
model = Net()
model.compile(
    optimizer=keras.optimizers.Adam(lr=0.01),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
history = model.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_split=0.25, workers=1)
assert set(history.history) == {"loss", "acc", "val_loss", "val_acc"}
assert history.history["accuracy"] == history.history["acc"]
assert model.predict(x).shape == (64, 3)
