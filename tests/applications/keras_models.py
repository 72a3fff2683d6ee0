"""Real Keras in a process of its own: builds applications, writes their files, predicts, reads ours.

    echo '[JOB, ...]' | python keras_models.py

One process serves many tests: importing Keras takes longer than most jobs. Keras on torch starts an operation at once, where jax would compile each of hundreds of shapes. A job has `kind`,
`arguments`, `folder`, and any of: `describe` (graph.json), `write` (weights.h5, model.keras, arrays.npz),
`read` and `load` (predict with the weights of a file or a
whole model, into read.npz).
"""

from __future__ import annotations

import gc
import json
import os
import pathlib
import sys
import traceback
import warnings

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np


def images(shape: tuple) -> np.ndarray:
    """Two images of noise on a scale of 255."""
    return np.random.RandomState(1).uniform(0, 255, (2, *shape)).astype("float32")


def shake(model) -> None:
    """Weights that are all different, and such that numbers keep their size through hundreds of layers."""
    random = np.random.RandomState(0)
    for v in model.weights:
        value = np.asarray(v.numpy())
        if v.name in ("gamma", "moving_variance") or "variable" in v.name:
            value = random.uniform(0.5, 1.5, value.shape)
        elif v.name in ("beta", "moving_mean", "bias"):
            value = random.normal(0, 0.1, value.shape)
        elif v.name == "variance":  # of a Normalization layer
            value = random.uniform(0.5, 1.5, value.shape)
        v.assign(value.astype(v.dtype))
    norms = [layer for layer in model.layers if type(layer).__name__ == "BatchNormalization"]
    if (
        norms
    ):  # their averages become those of some images, so that numbers keep their size through all layers
        momenta = [layer.momentum for layer in norms]
        for layer in norms:
            layer.momentum = 0.0
        model(np.concatenate([images(tuple(n or 64 for n in model.input_shape[1:]))] * 2), training=True)
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
            variance = np.asarray(layer.moving_variance.numpy())
            layer.moving_variance.assign(variance + 0.5 * variance.mean() + 1e-3)


def run(keras, job: dict) -> None:
    """One model."""
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    from layer_graphs import layers_of, summary, weights_of

    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    folder = pathlib.Path(job["folder"])
    model = getattr(keras.applications, job["kind"])(**job["arguments"])
    if job.get("describe"):
        parts = {"layers": layers_of(model), "weights": weights_of(model), "summary": summary(model)}
        (folder / "graph.json").write_text(json.dumps(parts))
    if job.get("write"):
        shake(model)
        x = images(tuple(n or 64 for n in model.input_shape[1:]))
        np.savez(folder / "arrays.npz", x=x, y=np.asarray(model.predict(x, verbose=0)))
        model.save_weights(folder / "keras.weights.h5")
        if job["write"] == "all":
            model.save(folder / "keras.keras")
    if job.get("read") or job.get("load"):
        if job.get("load"):
            model = keras.models.load_model(folder / job["load"])
        else:
            model.load_weights(folder / job["read"])
        x = images(tuple(n or 64 for n in model.input_shape[1:]))
        np.savez(folder / "read.npz", y=np.asarray(model.predict(x, verbose=0)))


def main() -> None:
    """Jobs as they come: a list of them on each line, answered by a line that is empty or says what failed."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what Keras prints is no answer
    import keras

    warnings.simplefilter("ignore")
    for line in sys.stdin:
        try:
            for job in json.loads(line):
                run(keras, job)
                gc.collect()
            failed = ""
        except Exception:
            failed = traceback.format_exc()
        print(json.dumps(failed), file=answers, flush=True)


if __name__ == "__main__":
    main()
