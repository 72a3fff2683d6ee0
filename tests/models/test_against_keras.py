"""The same graph with Lamina and with real Keras: structure, names, outputs, gradients, files both ways."""

import json
import zipfile

import graphs
import keras
import numpy as np
import pytest
from oracle import assert_same

import lamina

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _fresh_names():
    keras.utils.clear_session(free_memory=False)  # collecting takes seconds here
    lamina.backend.clear_session(free_memory=False)


def data(model, rows=4):
    """Random inputs in the structure of a model's inputs."""

    def one(x):
        shape = (rows, *x.shape[1:])
        if "int" in x.dtype:
            return RNG.integers(0, 11, shape).astype(x.dtype)
        return RNG.normal(size=shape).astype("float32")

    found = (
        model.input
        if isinstance(model, lamina.Model)
        else model.inputs[0]
        if len(model.inputs) == 1
        else model.input
    )
    if isinstance(found, dict):
        return {name: one(x) for name, x in found.items()}
    return [one(x) for x in found] if isinstance(found, list) else one(found)


def pair(draw):
    """The model of Lamina and that of Keras with the same weights."""
    ours, theirs = draw(lamina), draw(keras)
    theirs.set_weights([RNG.normal(0.3, 0.2, w.shape).astype("float32") ** 2 for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


@pytest.mark.parametrize("draw", graphs.ALL)
def test_structure(draw):
    ours, theirs = draw(lamina), draw(keras)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [v.path for v in ours.weights] == [v.path for v in theirs.weights]
    assert [v.path for v in ours.trainable_weights] == [v.path for v in theirs.trainable_weights]
    assert ours.count_params() == theirs.count_params()
    shapes = lambda m: [tuple(x.shape) for x in m.outputs]
    assert shapes(ours) == shapes(theirs)


@pytest.mark.parametrize("draw", graphs.ALL)
def test_outputs(draw):
    ours, theirs = pair(draw)
    x = data(theirs)
    assert_same(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
    assert_same(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def plain(config):
    """A config without what says nothing: build shapes (they follow from the graph), empty compile configs, no masks."""
    if isinstance(config, list):
        return [plain(v) for v in config]
    if not isinstance(config, dict):
        return config
    empty = {"compile_config": {}, "mask": None}
    return {
        k: plain(v) for k, v in config.items() if k != "build_config" and not (k in empty and v == empty[k])
    }


@pytest.mark.parametrize("draw", graphs.ALL)
def test_json_both_ways(draw):
    ours, theirs = draw(lamina), draw(keras)
    ours_json, theirs_json = json.loads(ours.to_json()), json.loads(theirs.to_json())
    assert plain(ours_json["config"]) == plain(theirs_json["config"])
    back = lamina.models.model_from_json(theirs.to_json())
    assert [layer.name for layer in back.layers] == [layer.name for layer in theirs.layers]
    keras.models.model_from_json(ours.to_json())


@pytest.mark.parametrize("draw", graphs.ALL)
def test_files_both_ways(draw, tmp_path):
    ours, theirs = pair(draw)
    x = data(theirs)
    wanted = theirs.predict(x, verbose=0)
    theirs.save(tmp_path / "keras.keras")
    assert_same(lamina.models.load_model(tmp_path / "keras.keras").predict(x), wanted, rtol=1e-5, atol=1e-6)
    ours.save(tmp_path / "ours.keras")
    assert_same(
        keras.models.load_model(tmp_path / "ours.keras").predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-6
    )
    again = lamina.models.load_model(tmp_path / "ours.keras")
    assert_same(again.predict(x), ours.predict(x), rtol=0, atol=0)
    theirs.save_weights(tmp_path / "keras.weights.h5")
    fresh = draw(lamina)
    fresh.load_weights(tmp_path / "keras.weights.h5")
    assert_same(fresh.predict(x), wanted, rtol=1e-5, atol=1e-6)
    ours.save_weights(tmp_path / "ours.weights.h5")
    draw(keras).load_weights(tmp_path / "ours.weights.h5")
    ours.save_weights(tmp_path / "ours.safetensors")
    fresh = draw(lamina)
    fresh.load_weights(tmp_path / "ours.safetensors")
    assert_same(fresh.predict(x), ours.predict(x), rtol=0, atol=0)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
def test_three_steps_and_the_optimizer_in_files(optimizer, tmp_path):
    ours, theirs = pair(graphs.chain)
    x, y = RNG.normal(size=(12, 8)).astype("float32"), RNG.integers(0, 3, 12)
    for model in (ours, theirs):
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    assert_same(ours.get_weights(), theirs.get_weights(), rtol=1e-4, atol=1e-6)
    ours.save(tmp_path / "o.keras")
    theirs.save(tmp_path / "t.keras")
    swapped = lamina.models.load_model(tmp_path / "t.keras"), keras.models.load_model(tmp_path / "o.keras")
    assert int(swapped[0].optimizer.iterations) == int(swapped[1].optimizer.iterations) == 3
    for model in swapped:  # both go on from the other's optimizer state
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
    assert_same(swapped[0].get_weights(), swapped[1].get_weights(), rtol=1e-4, atol=1e-6)


def test_archive_members(tmp_path):
    graphs.chain(lamina).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert set(archive.namelist()) == {"metadata.json", "config.json", "model.weights.h5"}
        assert json.loads(archive.read("metadata.json"))["keras_version"].startswith("3.15")
