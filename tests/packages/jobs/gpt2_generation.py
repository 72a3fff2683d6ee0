"""keras-hub: a small GPT-2 that learns to count, then generates: greedy, with beams, and sampled."""

import keras
import keras_hub
import numpy as np
from exchange import done, record, share

keras.utils.set_random_seed(0)
LENGTH, WORDS = 12, 10
backbone = keras_hub.models.GPT2Backbone(
    vocabulary_size=WORDS, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32,
    max_sequence_length=LENGTH, dropout=0.0,
)  # fmt: skip
model = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)
share(model)

counting = (np.arange(LENGTH + 1)[None] + np.arange(WORDS)[:, None]) % WORDS
tokens, following = counting[:, :-1].astype("int32"), counting[:, 1:].astype("int32")
inputs = {"token_ids": tokens, "padding_mask": np.ones_like(tokens)}
record("before", model.predict(inputs, verbose=0))
model.compile(
    keras.optimizers.Adam(1e-2),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    sampler="greedy",
)
history = model.fit(inputs, following, epochs=20, batch_size=5, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-2)
assert history["loss"][-1] < 0.7 * history["loss"][0], history

prompt = {
    "token_ids": np.array([[1, 2, 3] + [0] * (LENGTH - 3), [6, 7, 8] + [0] * (LENGTH - 3)], "int32"),
    "padding_mask": np.array([[1] * 3 + [0] * (LENGTH - 3)] * 2, "int32"),
}
greedy = model.generate(prompt, stop_token_ids=None)["token_ids"]
record("greedy", greedy)
model.compile(sampler=keras_hub.samplers.BeamSampler(num_beams=2))
record("beams", model.generate(prompt, stop_token_ids=None)["token_ids"])
model.compile(sampler=keras_hub.samplers.TopKSampler(k=3, seed=1))
sampled = np.asarray(keras.ops.convert_to_numpy(model.generate(prompt, stop_token_ids=None)["token_ids"]))
assert sampled.shape == (2, LENGTH)
assert (sampled[:, :3] == prompt["token_ids"][:, :3]).all()

done(f"loss {history['loss'][0]:.2f} to {history['loss'][-1]:.2f}; greedy, beams, top-k")
