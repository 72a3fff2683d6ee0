"""keras-self-attention: a reader of sequences, with the formula of the attention checked by hand."""

import keras
import numpy as np
from exchange import FOLDER, done, record, share
from keras_self_attention import ScaledDotProductAttention, SeqSelfAttention, SeqWeightedAttention

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.integers(1, 20, (64, 6))
x[::4, 4:] = 0
y = (x == 7).any(1).astype("float32")

model = keras.Sequential(
    [
        keras.Input((6,)), keras.layers.Embedding(20, 8, mask_zero=True),
        keras.layers.Bidirectional(keras.layers.LSTM(6, return_sequences=True)),
        SeqSelfAttention(attention_activation="sigmoid", attention_width=5, name="attention"),
        SeqWeightedAttention(), keras.layers.Dense(1, activation="sigmoid"),
    ]
)  # fmt: skip
share(model)
record("before", model.predict(x, verbose=0))
model.compile("adam", "binary_crossentropy")
losses = model.fit(x, y, epochs=6, batch_size=16, shuffle=False, verbose=0).history["loss"]
record("losses", losses, 1e-2)
assert losses[-1] < losses[0], losses
model.save(FOLDER / "reader.keras")
custom = {"SeqSelfAttention": SeqSelfAttention, "SeqWeightedAttention": SeqWeightedAttention}
again = keras.saving.load_model(FOLDER / "reader.keras", custom_objects=custom)
np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)

tokens = rng.normal(size=(2, 4, 3)).astype("float32")
layer = SeqSelfAttention(attention_type="multiplicative", return_attention=True)
found, weights = (np.asarray(keras.ops.convert_to_numpy(t)) for t in layer(tokens))
kernel, bias = (np.asarray(keras.ops.convert_to_numpy(w)) for w in layer.weights)
logits = tokens @ kernel @ tokens.transpose(0, 2, 1) + bias
wanted = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
np.testing.assert_allclose(weights, wanted, rtol=1e-4, atol=1e-5)
np.testing.assert_allclose(found, wanted @ tokens, rtol=1e-4, atol=1e-5)

scaled = np.asarray(keras.ops.convert_to_numpy(ScaledDotProductAttention()([tokens, tokens, tokens])))
logits = tokens @ tokens.transpose(0, 2, 1) / np.sqrt(3)
wanted = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True) @ tokens
np.testing.assert_allclose(scaled, wanted, rtol=1e-4, atol=1e-5)
done(f"loss {losses[0]:.3f} to {losses[-1]:.3f}; attention equals its formula; file read again")
