"""keras-hub: a small ResNet as an image classifier."""

import keras
import keras_hub
import numpy as np
from exchange import FOLDER, done, record, share

keras.utils.set_random_seed(0)
backbone = keras_hub.models.ResNetBackbone(
    input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 128],
    stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block", image_shape=(16, 16, 3),
)  # fmt: skip
model = keras_hub.models.ResNetImageClassifier(backbone, num_classes=2, preprocessor=None)
share(model)
rng = np.random.default_rng(0)
labels = np.arange(16) % 2
images = (rng.random((16, 16, 16, 3)) * 0.5 + 0.5 * labels[:, None, None, None]).astype("float32")
record("before", model.predict(images, verbose=0))
model.compile(
    keras.optimizers.SGD(1e-2),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(images, labels, epochs=5, batch_size=8, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-2)
assert history["loss"][-1] < history["loss"][0], history
after = model.predict(images, verbose=0)
record("after", after, 1e-2)
model.save(FOLDER / "resnet.keras")
again = keras.saving.load_model(FOLDER / "resnet.keras")
np.testing.assert_allclose(again.predict(images, verbose=0), after, rtol=1e-5, atol=1e-5)
done(f"loss {history['loss'][0]:.2f} to {history['loss'][-1]:.2f}; file read again")
