"""autokeras: it finds an image classifier and a regressor of tables."""

import autokeras as ak
import keras
import numpy as np
from exchange import FOLDER, done

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
labels = np.arange(48) % 2
images = (rng.random((48, 8, 8, 1)) * 0.4 + 0.6 * labels[:, None, None, None]).astype("float32")

node = ak.ImageInput()
output = ak.Normalization()(node)
output = ak.ConvBlock(num_blocks=1, num_layers=1, max_pooling=True, separable=False, dropout=0.0)(output)
output = ak.ClassificationHead()(output)
search = ak.AutoModel(
    node, output, max_trials=2, overwrite=True, directory=FOLDER / "search", seed=1, objective="val_loss"
)
search.fit(images, labels, epochs=4, validation_split=0.25, verbose=0, batch_size=8)
accuracy = search.evaluate(images, labels, verbose=0)[1]
assert accuracy > 0.6, accuracy
predicted = search.predict(images, verbose=0)
assert predicted.shape == (48, 1)

model = search.export_model()
model.save(FOLDER / "exported.keras")
again = keras.saving.load_model(FOLDER / "exported.keras", custom_objects=ak.CUSTOM_OBJECTS)
np.testing.assert_allclose(
    again.predict(images, verbose=0), model.predict(images, verbose=0), rtol=1e-4, atol=1e-5
)

classifier = ak.ImageClassifier(max_trials=1, overwrite=True, directory=FOLDER / "images", seed=1)
classifier.fit(images, labels, epochs=2, verbose=0, batch_size=8)
assert classifier.predict(images, verbose=0).shape == (48, 1)
done(f"accuracy {accuracy:.2f} with the best of 2 trials; the exported model read again; ImageClassifier")
