"""keras-hub: a small vision transformer as an image classifier."""

import keras
import keras_hub
import numpy as np
from exchange import FOLDER, done, record, share

keras.utils.set_random_seed(0)
backbone = keras_hub.models.ViTBackbone(
    image_shape=(16, 16, 3), patch_size=(4, 4), num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32,
    dropout_rate=0.0, attention_dropout=0.0, layer_norm_epsilon=1e-6,
)  # fmt: skip
model = keras_hub.models.ViTImageClassifier(backbone, num_classes=2, preprocessor=None)
share(model)
rng = np.random.default_rng(0)
labels = np.arange(16) % 2
images = (rng.random((16, 16, 16, 3)) * 0.5 + 0.5 * labels[:, None, None, None]).astype("float32")
record("before", model.predict(images, verbose=0))
model.compile(
    keras.optimizers.Adam(3e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(images, labels, epochs=6, batch_size=8, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-2)
assert history["loss"][-1] < history["loss"][0], history
after = model.predict(images, verbose=0)
model.save(FOLDER / "vit.keras")
again = keras.saving.load_model(FOLDER / "vit.keras")
np.testing.assert_allclose(again.predict(images, verbose=0), after, rtol=1e-5, atol=1e-5)
done(f"loss {history['loss'][0]:.2f} to {history['loss'][-1]:.2f}; file read again")
