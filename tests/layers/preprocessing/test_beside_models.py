"""Preprocessing beside models: in `tf.data`, in the workers of loaders, in data sets, and without any framework."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from oracle import numbers
from rows_of_workers import Rows

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

TEXTS = ["the cat sat", "a dog", "", "the dog sat on the cat"]
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
IDS = np.array([[1, 5], [2, 7], [5, -3], [9, 2]], "int32")


def learned() -> dict[str, tuple[Any, Any]]:
    """A layer of each kind with an input."""
    text = layers.TextVectorization()
    text.adapt(TEXTS)
    counts = layers.TextVectorization(output_mode="tf_idf", ngrams=2)
    counts.adapt(TEXTS)
    scale = layers.Normalization()
    scale.adapt(X)
    bins = layers.Discretization(num_bins=3)
    bins.adapt(X)
    words = np.array(TEXTS)
    return {
        "text": (text, words), "counts": (counts, words), "scale": (scale, X), "bins": (bins, X),
        "lookup": (layers.StringLookup(vocabulary=["a dog"], num_oov_indices=3), words),
        "hash": (layers.Hashing(7, salt=3, mask_value=""), words), "ids": (layers.Hashing(1000), IDS),
        "numbers": (layers.IntegerLookup(vocabulary=[5, 2], num_oov_indices=2, output_mode="count"), IDS),
        "one hot": (layers.CategoryEncoding(10), IDS), "times": (layers.Rescaling(2.0), X),
        "back": (layers.StringLookup(vocabulary=["x", "y"], invert=True), np.array([[1], [0], [2], [9]])),
        "row": (layers.Pipeline([layers.StringLookup(vocabulary=["a dog"]), layers.CategoryEncoding(2)]), words[:, None]),
    }  # fmt: skip


def wanted(layer: Any, data: Any) -> np.ndarray:
    with interpreter(backends.load("numpy")):
        return np.asarray(layer(data))


@pytest.mark.parametrize("backend", ["jax", pytest.param("tensorflow", marks=pytest.mark.slow)])
def test_layers_are_traced_by_tf_data(backend: str) -> None:
    import tensorflow as tf

    for name, (layer, data) in learned().items():
        expected = wanted(layer, data)
        with interpreter(backends.load(backend)):
            dataset = tf.data.Dataset.from_tensor_slices(data).batch(4).map(layer)
            (found,) = list(dataset.as_numpy_iterator())
        if name == "back":
            found = np.vectorize(bytes.decode)(found)
        assert found.shape == expected.shape, name
        assert (
            (found == expected).all()
            if found.dtype.kind in "iuU"
            else np.allclose(found, expected, rtol=1e-4)
        ), name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of forks beside threads
@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_layers_work_in_the_workers_of_loaders(way: str) -> None:
    from torch.utils.data import DataLoader

    chosen = learned()
    with interpreter(backends.load("jax")):
        for name in ("counts",) if way == "spawn" else ("counts", "scale", "bins", "numbers", "hash"):
            layer, data = chosen[name]
            expected = wanted(layer, data)
            loader = DataLoader(Rows(layer, data), batch_size=2, num_workers=2, multiprocessing_context=way)
            parts = list(loader)
            found = np.concatenate([np.asarray(p[0]) for p in parts])
            assert {m for p in parts for m in p[1]} == {"numpy"}  # nothing ran on jax there
            np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=name)


WORKER = """
import multiprocessing, sys
import numpy as np

def work(queue, layer):
    queue.put((layer(np.array(["a", "b"])).tolist(), sorted(set(sys.modules) & {"jax", "torch", "tensorflow"})))

if __name__ == "__main__":
    import lamina
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue, lamina.layers.StringLookup(vocabulary=["b"])), daemon=True)
    process.start()
    print(queue.get(timeout=60))
    process.join()
"""


def test_a_worker_imports_no_framework(tmp_path: Any) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "([0, 1], [])", run.stderr[-2000:]


@pytest.mark.parametrize("backend", backends.installed())
def test_eager_calls_agree_on_every_backend(backend: str) -> None:
    kernel = backends.load(backend)
    for name, (layer, data) in learned().items():
        expected = wanted(layer, data)
        with interpreter(kernel):
            found = layer(data)
        if name == "back":
            assert found.tolist() == expected.tolist()
        else:
            assert isinstance(found, kernel.Tensor)
            np.testing.assert_allclose(numbers(found), expected, rtol=1e-4, atol=1e-6, err_msg=name)


CLASSIFIER = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "torch", "keras", "pandas"):
            raise ImportError(name + " is not there")

sys.meta_path.insert(0, Refused())
import numpy as np
import lamina
from lamina import layers

lamina.utils.set_random_seed(0)

texts = np.array(["good film", "bad film", "a good good one", "bad, bad"] * 8)
labels = np.array([1, 0, 1, 0] * 8)
text = layers.TextVectorization()
text.adapt(texts)
model = lamina.Sequential([lamina.Input((), dtype="string"), text, layers.Embedding(text.vocabulary_size(), 8, mask_zero=True),
                           layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid")])
model.compile(lamina.optimizers.Adam(0.05), "binary_crossentropy")
model.fit(texts, labels, epochs=10, verbose=0, batch_size=8)
model.save(sys.argv[1] + "/text.keras")
again = lamina.models.load_model(sys.argv[1] + "/text.keras")
low, high = again.predict(["bad", "good"], verbose=0).ravel()

rows = {"age": [20.0, 30.0, 40.0, 50.0] * 4, "city": ["Bern", "Rome", "Bern", "Oslo"] * 4, "plan": [1, 2, 1, 3] * 4}
space = lamina.utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical", "plan": "integer_categorical"},
                                  crosses=[("city", "plan")], crossing_dim=8)
space.adapt(rows)
table = lamina.Model(space.get_inputs(), layers.Dense(1)(space.get_encoded_features()))
table.compile("sgd", "mse")
table.fit(rows, np.ones(16), epochs=2, verbose=0)
table.save(sys.argv[1] + "/table.keras")
same = np.allclose(lamina.models.load_model(sys.argv[1] + "/table.keras").predict(rows, verbose=0),
                   table.predict(rows, verbose=0), rtol=1e-5)
rng = np.random.default_rng(0)
pictures, kinds = rng.uniform(0, 255, (32, 8, 8, 3)).astype("float32"), np.arange(32) % 2
pictures[kinds == 1, :, :4] += 200  # bright on the left
vision = lamina.Sequential([lamina.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.RandomFlip("vertical", seed=1),
                            layers.RandomRotation(0.02, seed=2), layers.RandomContrast(0.1, value_range=(0, 1), seed=3),
                            layers.Conv2D(4, 3, activation="tanh"), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
vision.compile(lamina.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
vision.fit(pictures, kinds, epochs=12, verbose=0, batch_size=8)
vision.save(sys.argv[1] + "/vision.keras")
right = lamina.models.load_model(sys.argv[1] + "/vision.keras").evaluate(pictures, kinds, verbose=0)[1]
print(bool(low < 0.5 < high), same, right > 0.9, sorted(set(sys.modules) & {"tensorflow", "torch", "keras"}))
"""


def test_without_other_frameworks(tmp_path: Any) -> None:
    """A text classifier, a model on a table and an augmented one of images, where only jax can be imported."""
    run = subprocess.run(
        [sys.executable, "-c", CLASSIFIER, str(tmp_path)], capture_output=True, text=True, timeout=900,
        env={**os.environ, "LAMINA_BACKEND": "jax"},
    )  # fmt: skip
    assert run.stdout.split("\n")[0] == "True True True []", run.stderr[-2000:]


SERVED = """
import sys
import numpy as np
if sys.argv[1] == "keras":
    import keras as library
else:
    import lamina as library
model = library.models.load_model(sys.argv[2])
asked = ["a good film", "bad, bad"]
found = model.predict(np.array(asked, object) if sys.argv[1] == "keras" else asked, verbose=0)
print(*np.asarray(found).ravel().tolist())
"""


@pytest.mark.slow
def test_a_classifier_of_strings_is_served_by_new_processes_and_by_keras(tmp_path: Any) -> None:
    with interpreter(backends.load("numpy")):
        lamina.utils.set_random_seed(0)
        text = layers.TextVectorization(output_sequence_length=6)
        text.adapt(["a good film", "a bad film", "good", "bad"])
        inputs = lamina.Input((), dtype="string")
        x = layers.GlobalAveragePooling1D()(layers.Embedding(text.vocabulary_size(), 4)(text(inputs)))
        model = lamina.Model(inputs, layers.Dense(1, activation="sigmoid")(x))
        model.save(tmp_path / "text.keras")
        wanted = model.predict(["a good film", "bad, bad"], verbose=0).ravel()
    assert abs(wanted[0] - wanted[1]) > 1e-4
    for library, name in (("lamina", "jax"), ("lamina", "torch"), ("keras", "tensorflow")):
        run = subprocess.run(
            [sys.executable, "-c", SERVED, library, str(tmp_path / "text.keras")], capture_output=True, text=True,
            timeout=900, env={**os.environ, "LAMINA_BACKEND": name, "KERAS_BACKEND": name},
        )  # fmt: skip
        assert run.returncode == 0, run.stderr[-2000:]
        found = [float(v) for v in run.stdout.split("\n")[-2].split()]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, err_msg=f"{library} {name}")
