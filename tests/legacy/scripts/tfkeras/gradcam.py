"""Where a convnet looks, with K.gradients and K.function, in the style of tensorflow.keras 2.4 without eager."""
import numpy as np
from tensorflow.keras import backend as K
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import Conv2D, MaxPooling2D, Flatten, Dense, BatchNormalization, LeakyReLU

np.random.seed(2)
model = Sequential([
    Conv2D(4, 3, padding="same", input_shape=(8, 8, 1), name="conv"),
    BatchNormalization(),
    LeakyReLU(alpha=0.1),
    MaxPooling2D(),
    Flatten(),
    Dense(3, activation="softmax"),
])
image = np.random.rand(1, 8, 8, 1)
class_output = model.output[:, 1]
last_conv = model.get_layer("conv")
grads = K.gradients(class_output, last_conv.output)[0]
pooled_grads = K.mean(grads, axis=(0, 1, 2))
iterate = K.function([model.input], [pooled_grads, last_conv.output[0]])
pooled, features = iterate([image])
assert pooled.shape == (4,) and features.shape == (8, 8, 4)

saliency = K.gradients(K.max(model.output), model.input)[0]
before = K.function([model.input], [saliency, K.max(model.output)])
g, value = before([image])
step = 1e-2 * np.sign(g)
assert before([image + step])[1] > value
weights = K.gradients(class_output, model.trainable_weights)
assert [w.shape for w in weights] == [w.shape for w in model.trainable_weights]
