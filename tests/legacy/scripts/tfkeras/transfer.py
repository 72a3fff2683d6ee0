"""Freezing, cloning and summary of a nested model, in the style of tensorflow.keras 2.4."""
import numpy as np
from tensorflow.keras.layers import Conv2D, GlobalAveragePooling2D, Dense, Input, Add, Activation, SeparableConv2D
from tensorflow.keras.models import Model, Sequential, clone_model
from tensorflow.keras.regularizers import l2
from tensorflow.keras.preprocessing.image import ImageDataGenerator

np.random.seed(5)


def residual(x, filters):
    shortcut = x
    x = Conv2D(filters, 3, padding="same", activation="relu", kernel_regularizer=l2(1e-4))(x)
    x = SeparableConv2D(filters, 3, padding="same")(x)
    return Activation("relu")(Add()([shortcut, x]))


inputs = Input((8, 8, 3))
base = Model(inputs, residual(Conv2D(4, 1)(inputs), 4), name="base")
base.trainable = False
model = Sequential([base, GlobalAveragePooling2D(), Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
before = [w.copy() for w in base.get_weights()]
x = np.random.rand(32, 8, 8, 3)
y = np.random.randint(0, 2, 32)
datagen = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, rotation_range=20,
                             horizontal_flip=True)
datagen.fit(x)
model.fit(datagen.flow(x, y, batch_size=8), steps_per_epoch=4, epochs=1, verbose=0)
assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights()))
assert len(model.trainable_weights) == 2
twin = clone_model(model)
twin.set_weights(model.get_weights())
assert np.allclose(twin.predict(x), model.predict(x), atol=1e-6)
lines = []
model.summary(print_fn=lines.append)
assert any("base" in str(line) for line in lines)
