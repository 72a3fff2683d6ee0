"""kapre: sounds to mel spectrograms inside a model that tells a high tone from a low one."""

import keras
import numpy as np
from exchange import FOLDER, done, record, share
from kapre import STFT, Magnitude, MagnitudeToDecibel
from kapre.composed import get_melspectrogram_layer

keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
RATE, SAMPLES = 8000, 1024
labels = np.arange(32) % 2
time = np.arange(SAMPLES) / RATE
pitch = np.where(labels, 1500, 400)[:, None] * rng.uniform(0.9, 1.1, (32, 1))
sounds = (np.sin(2 * np.pi * pitch * time) + 0.1 * rng.normal(size=(32, SAMPLES)))[..., None].astype(
    "float32"
)

plain = keras.Sequential(
    [keras.Input((SAMPLES, 1)), STFT(n_fft=256, hop_length=128), Magnitude(), MagnitudeToDecibel()]
)
record("decibel", plain.predict(sounds, verbose=0), 1e-3)

mel = get_melspectrogram_layer(
    input_shape=(SAMPLES, 1), n_fft=256, hop_length=128, sample_rate=RATE, n_mels=16, return_decibel=True
)
record("mel", mel.predict(sounds, verbose=0), 1e-3)
model = keras.Sequential([mel, keras.layers.Rescaling(0.02), keras.layers.Flatten(), keras.layers.Dense(2)])
share(model)
record("before", model.predict(sounds, verbose=0), 1e-3)
model.compile(
    keras.optimizers.Adam(1e-2),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(sounds, labels, epochs=5, batch_size=8, shuffle=False, verbose=0).history
record("losses", history["loss"], 1e-2)
assert history["accuracy"][-1] > 0.9, history
model.save(FOLDER / "sounds.keras")
again = keras.saving.load_model(FOLDER / "sounds.keras")
np.testing.assert_allclose(
    again.predict(sounds, verbose=0), model.predict(sounds, verbose=0), rtol=1e-4, atol=1e-4
)
done(f"accuracy {history['accuracy'][-1]:.2f}; STFT, magnitude, decibel and mel; file read again")
