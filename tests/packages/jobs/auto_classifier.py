"""autokeras: it finds an image classifier; the best model is exported and read again."""

import autokeras as ak
import keras
import numpy as np
from exchange import FOLDER, done

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
labels = np.arange(24) % 2
images = (rng.random((24, 8, 8, 1)) * 0.2 + 0.8 * labels[:, None, None, None]).astype("float32")

node = ak.ImageInput()
output = ak.Normalization()(node)
output = ak.ConvBlock(num_blocks=1, num_layers=1, max_pooling=True, separable=False, dropout=0.0)(output)
output = ak.ClassificationHead()(output)
search = ak.AutoModel(
    node, output, max_trials=1, overwrite=True, directory=FOLDER / "search", seed=1, objective="val_loss"
)
search.fit(images, labels, epochs=3, validation_split=0.25, verbose=0, batch_size=6)
loss, accuracy = search.evaluate(images, labels, verbose=0)
assert np.isfinite(loss)
assert 0 <= accuracy <= 1
predicted = search.predict(images, verbose=0)
assert predicted.shape == (24, 1)

model = search.export_model()
model.save(FOLDER / "exported.keras")
again = keras.saving.load_model(FOLDER / "exported.keras", custom_objects=ak.CUSTOM_OBJECTS)
np.testing.assert_allclose(
    again.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-4, atol=1e-5
)
done(f"accuracy {accuracy:.2f} after one trial; the exported model read again")
