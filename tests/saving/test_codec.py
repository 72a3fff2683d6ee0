"""What configs may hold, and what is said of those that may not."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.core import codec
from lamina.errors import SerializationError


def named(*names):
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="d")], name="m")
    config = codec.serialize(model)
    for name in names:
        config["config"]["layers"].append(
            {"module": "my.code", "class_name": name.split(">")[-1], "config": {}, "registered_name": name}
        )
    return config


def test_all_missing_classes_are_named_at_once():
    config = named("shop>Qzw", "shop>Dens", "Qzx")
    config["config"]["layers"][1]["config"]["activation"] = {
        "module": "x", "class_name": "function", "config": "swoosh", "registered_name": "swoosh",
    }  # fmt: skip
    with pytest.raises(SerializationError) as caught:
        codec.deserialize(config, where="x.keras")
    text = str(caught.value)
    assert text.startswith("x.keras: these 4 names")
    assert "'shop>Qzw': @lamina.saving.register_keras_serializable('shop')" in text
    assert "'shop>Dens': Did you mean 'Dense'?" in text
    assert "'Qzx': @lamina.saving.register_keras_serializable()" in text
    assert "'swoosh': swoosh" in text


def test_known_names_are_not_listed():
    assert codec.names_missing(named()) == []
    with pytest.raises(
        SerializationError, match=r"x\.keras.*'shop>A' is not a class or function that a file may name"
    ):
        codec.deserialize(named("shop>A"), where="x.keras")


def test_an_object_that_cannot_be_read_back_is_refused_with_the_line_to_add():
    class Half:
        def get_config(self):
            return {}

    with pytest.raises(
        SerializationError, match=r"(?s)Half has `get_config`, but no `from_config`.*def from_config\(cls"
    ):
        codec.serialize({"x": Half()})


def test_containers_that_contain_themselves():
    endless = [1]
    endless.append({"again": endless})
    with pytest.raises(SerializationError, match="contains itself"):
        codec.serialize(endless)
    shared = [1, 2]
    assert codec.serialize([shared, shared]) == [[1, 2], [1, 2]]  # twice is no cycle


@pytest.mark.parametrize("value", [3, [], {}, 1.5])
@pytest.mark.parametrize("key", ["module", "registered_name", "class_name", "config"])
def test_entries_of_wrong_types(key, value):
    config = named()
    config["config"]["layers"][1][key] = value
    if key == "config" and value == {}:
        value = None
    with pytest.raises(SerializationError, match=r"x.keras"):
        codec.deserialize(config, where="x.keras")


@lamina.saving.register_keras_serializable("tests")
class Holds(layers.Layer):
    """A layer whose arguments hold layers."""

    def __init__(self, one, many, **kwargs):
        super().__init__(**kwargs)
        self.one, self.many = one, many

    def call(self, x):
        return self.one(x) + sum(layer(x) for layer in self.many["all"])


def test_layers_in_arguments_go_there_and_back(tmp_path):
    layer = Holds(
        layers.Dense(2, name="p"), {"all": [layers.Dense(2, name="q"), layers.Dense(2, name="r")]}, name="h"
    )
    model = lamina.Sequential([lamina.Input((3,)), layer])
    model.save(tmp_path / "x.keras")
    again = lamina.models.load_model(tmp_path / "x.keras")
    for path in ("x.weights.h5", "x.safetensors", "x.npz"):
        model.save_weights(tmp_path / path)
        again.load_weights(tmp_path / path)
    assert [type(v).__name__ for v in again.layers[0].many["all"]] == ["Dense", "Dense"]
    for a, b in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


THINGS = {
    "layer": lambda: layers.Dense(3),
    "optimizer": lambda: lamina.optimizers.Adam(0.1),
    "schedule": lambda: lamina.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9),
    "loss": lambda: lamina.losses.Huber(0.5),
    "metric": lambda: lamina.metrics.Precision(),
    "callback": lambda: lamina.callbacks.EarlyStopping(patience=3),
    "initializer": lambda: lamina.initializers.GlorotUniform(seed=1),
    "regularizer": lambda: lamina.regularizers.L1(0.1),
    "model": lambda: lamina.Sequential([lamina.Input((4,)), layers.Dense(3)]),
}


@pytest.mark.parametrize("kind", THINGS)
def test_everything_is_pickled_and_copied(kind):
    import cloudpickle

    thing = THINGS[kind]()
    for again in (
        pickle.loads(pickle.dumps(thing)),
        copy.deepcopy(thing),
        cloudpickle.loads(cloudpickle.dumps(thing)),
    ):
        assert type(again) is type(thing) or type(again).__name__ == type(thing).__name__
        if hasattr(thing, "get_config"):
            assert codec.serialize(again) == codec.serialize(thing)


def test_a_new_process_unpickles(tmp_path):
    model = THINGS["model"]()
    (tmp_path / "x.pkl").write_bytes(pickle.dumps([model, lamina.optimizers.Adam(0.25)]))
    code = (
        "import pickle, sys; m, o = pickle.load(open(sys.argv[1], 'rb'));"
        "print(float(m.weights[0].numpy().sum()), float(o.learning_rate.numpy()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.pkl")], capture_output=True, text=True, check=True
    )
    total, rate = map(float, done.stdout.split())
    assert total == pytest.approx(float(model.weights[0].numpy().sum()))
    assert rate == 0.25


def test_what_few_files_name_is_imported_for_them_alone(tmp_path):
    """Reading a file of layers imports neither applications nor FeatureSpace; a file that names their classes is read."""
    import subprocess
    import sys

    model = lamina.Sequential([lamina.Input((2,)), layers.Dense(1)])
    model.save(tmp_path / "plain.keras")
    scale = lamina.applications.convnext.LayerScale(0.1, 2)
    lamina.Sequential([lamina.Input((2,)), scale]).save(tmp_path / "scale.keras")
    code = (
        "import sys, lamina; load = lamina.models.load_model; load('plain.keras');"
        "seldom = [n for n in sys.modules if n.startswith(('lamina.applications', 'lamina.utils.feature_space'))];"
        "assert seldom == [], seldom; layer = load('scale.keras').layers[-1];"
        "assert type(layer).__module__ == 'lamina.applications.convnext', type(layer)"
    )
    import os
    import pathlib

    environment = {**os.environ, "PYTHONPATH": str(pathlib.Path(lamina.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=environment)
