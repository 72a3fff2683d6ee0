"""One model that has every layer of the catalogue, written by real Keras and read here, and the other way round."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from catalog import LAYERS, Entry, one_by_one, together
from oracle import keras

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

# Keras asks for it in MixUp; jax says that it has 32 bits.
pytestmark = pytest.mark.filterwarnings("ignore:.*Explicitly requested dtype int64")

ENTRIES = list({e.name: e for e in reversed(LAYERS) if not e.call}.values())[::-1]  # the first of each layer


def branches(library: Any) -> Any:
    """A model with one branch for each entry."""
    inputs, outputs = [], []
    for i, entry in enumerate(ENTRIES):
        own = [
            library.Input(s[1:], dtype=entry.dtype, name=f"x{i:03d}_{j}") for j, s in enumerate(entry.shapes)
        ]
        layer = entry.make(library.layers, name=f"layer{i:03d}")
        inputs += own
        found = layer(*entry.form(own), **entry.call)
        outputs.append(
            found if entry.form in (together, one_by_one) else found[0]
        )  # of cells without the states
    return library.Model(inputs, outputs)


def data() -> list[np.ndarray]:
    return [x for e in ENTRIES for x in e.inputs()]


def random_weights(shapes: list[tuple[str, tuple[int, ...]]]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    made = [(path, rng.normal(size=shape).astype("float32") * 0.5) for path, shape in shapes]
    return [np.abs(x) + 0.5 if "variance" in path or "stddev" in path else x for path, x in made]


def results_of_keras(model: Any) -> list[np.ndarray]:
    values = [[v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)]
    jax.config.update("jax_disable_most_optimizations", True)
    try:
        outputs, _ = jax.jit(lambda xs: model.stateless_call(*values, xs, training=False))(data())
    finally:
        jax.config.update("jax_disable_most_optimizations", False)
    return [np.asarray(y) for y in outputs]


def compare(entries: list[Entry], ours: list[Any], theirs: list[np.ndarray]) -> None:
    for entry, a, b in zip(entries, ours, theirs, strict=True):
        size = max(1.0, float(np.abs(b).max()))
        np.testing.assert_allclose(np.asarray(a), b, rtol=0, atol=3e-5 * size, err_msg=repr(entry))


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def test_every_layer_is_in_the_files() -> None:
    """All but those that `APART` gives a reason for."""
    assert {e.name for e in ENTRIES} == {e.name for e in LAYERS}


def test_a_file_of_keras_loads_and_agrees(tmp_path: Any) -> None:
    model = branches(keras)
    model.set_weights(random_weights([(v.path, tuple(v.shape)) for v in model.weights]))
    model.save(tmp_path / "theirs.keras")
    loaded = lamina.models.load_model(tmp_path / "theirs.keras")
    compare(ENTRIES, loaded(data(), training=False), results_of_keras(model))


def test_a_file_of_lamina_loads_in_keras_and_agrees(tmp_path: Any) -> None:
    model = branches(lamina)
    model.set_weights(random_weights([(v.path, tuple(v.shape)) for v in model.weights]))
    model.save(tmp_path / "ours.keras")
    loaded = keras.saving.load_model(tmp_path / "ours.keras")
    compare(ENTRIES, model(data(), training=False), results_of_keras(loaded))
    again = lamina.models.load_model(tmp_path / "ours.keras")
    compare(ENTRIES, again(data(), training=False), [np.asarray(y) for y in model(data(), training=False)])
