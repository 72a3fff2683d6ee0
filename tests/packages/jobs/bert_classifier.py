"""keras-hub: sentences through BERT's tokenizer, a small classifier, trained, saved and read again."""

import keras
import keras_hub
import numpy as np
from exchange import FOLDER, done, record, share

keras.utils.set_random_seed(0)
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    "film",
    "was",
    "good",
    "bad",
    "long",
    "very",
    "not",
    "##ly",
]
GOOD, BAD = ["the film was good", "very good", "not bad", "not long", "very very good"], [
    "the film was bad", "very bad", "not good", "the film was very long", "very long bad film",
]  # fmt: skip

tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=WORDS, lowercase=True)
preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=8)
backbone = keras_hub.models.BertBackbone(
    vocabulary_size=len(WORDS), num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
    max_sequence_length=8, dropout=0.0,
)  # fmt: skip
classifier = keras_hub.models.BertTextClassifier(
    backbone, num_classes=2, preprocessor=preprocessor, dropout=0.0
)
share(classifier)
record("before", classifier.predict(GOOD + BAD, verbose=0))

classifier.compile(
    keras.optimizers.Adam(5e-3),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
texts, labels = np.array([t for pair in zip(GOOD, BAD) for t in pair]), np.array([1, 0] * 5)
history = classifier.fit(texts, labels, epochs=12, batch_size=5, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-3)
assert history["accuracy"][-1] > 0.8, history

after = classifier.predict(GOOD + BAD, verbose=0)
path = FOLDER / "classifier.keras"
classifier.save(path)
np.testing.assert_allclose(
    keras.saving.load_model(path).predict(GOOD + BAD, verbose=0), after, rtol=1e-5, atol=1e-5
)

classifier.save_to_preset(str(FOLDER / "preset"))
again = keras_hub.models.TextClassifier.from_preset(str(FOLDER / "preset"))
np.testing.assert_allclose(again.predict(GOOD + BAD, verbose=0), after, rtol=1e-5, atol=1e-5)
done(f"accuracy {history['accuracy'][-1]:.2f} after 12 epochs; file and preset read again")
