"""What the jobs with a backbone of images do alike: train a classifier on dark and light images, and read it again."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from exchange import FOLDER, done, record, share


def trained(model: Any, optimizer: Any, epochs: int) -> None:
    """Train a classifier of two classes of 16 x 16 images, save it and read it again."""
    share(model)
    rng = np.random.default_rng(0)
    labels = np.arange(16) % 2
    images = (rng.random((16, 16, 16, 3)) * 0.5 + 0.5 * labels[:, None, None, None]).astype("float32")
    record("before", model.predict(images, verbose=0))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    losses = model.fit(images, labels, epochs=epochs, batch_size=8, shuffle=False, verbose=0).history["loss"]
    record("losses", losses, 1e-2)
    assert losses[-1] < losses[0], losses
    after = model.predict(images, verbose=0)
    record("after", after, 1e-2)
    path = FOLDER / "classifier.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    np.testing.assert_allclose(again.predict(images, verbose=0), after, rtol=1e-5, atol=1e-5)
    done(f"loss {losses[0]:.2f} to {losses[-1]:.2f}; file read again")
