"""What strangers' programs do: mixed imports, lambdas in files, containers, copies, errors in `call`."""

import collections
import copy
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.errors import SerializationError

X = np.linspace(0, 1, 8, dtype="float32").reshape(2, 4)


@pytest.fixture(autouse=True)
def _on_numpy():
    with lamina.backend("numpy"):
        yield


# -- layers of another library -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mix",
    [
        lambda: lamina.Sequential([lamina.Input((4,)), keras.layers.Dense(2)]),
        lambda: lamina.Sequential([keras.Input((4,)), layers.Dense(2)]),
        lambda: layers.TimeDistributed(keras.layers.Dense(2)),
        lambda: layers.Bidirectional(keras.layers.LSTM(2)),
        lambda: layers.Dense(2)(keras.Input((4,))),
        lambda: lamina.Model(keras.Input((4,)), keras.Input((4,))),
    ],
)
def test_layers_of_another_library(mix):
    with pytest.raises(
        (TypeError, ValueError), match=r"It belongs to the installed package 'keras' .* not to Lamina"
    ):
        mix()


def test_layer_of_another_library_called_on_ours():
    with pytest.raises(TypeError, match=r"import it from lamina.layers"):
        keras.layers.Dense(2)(lamina.Input((4,)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: lamina.Sequential([layers.Dense]),
        lambda: layers.TimeDistributed(layers.Dense),
        lambda: layers.Bidirectional(layers.LSTM),
    ],
)
def test_a_class_in_place_of_an_object(make):
    with pytest.raises((TypeError, ValueError), match=r"class \w+(, not a layer| itself: make an object)"):
        make()


# -- functions in files ------------------------------------------------------------------------------------------------


def test_a_lambda_in_a_file(tmp_path):
    model = lamina.Sequential([lamina.Input((4,)), layers.Lambda(lambda x: 2 * x, name="twice")])
    with pytest.warns(
        UserWarning, match=r"he model holds Python lambdas.*custom_objects=\{'twice': \.\.\.\}"
    ):
        model.save(tmp_path / "m.keras")
    with pytest.raises(SerializationError, match=r"custom_objects=\{'twice': function\}"):
        lamina.models.load_model(tmp_path / "m.keras")
    again = lamina.models.load_model(tmp_path / "m.keras", custom_objects={"twice": lambda x: 2 * x})
    np.testing.assert_allclose(np.asarray(again(X)), 2 * X)


def test_lambdas_elsewhere_are_numbered(tmp_path):
    model = lamina.Sequential(
        [lamina.Input((4,)), layers.Activation(lambda x: 2 * x), layers.Activation(lambda x: x + 1)]
    )
    with pytest.warns(UserWarning, match=r"'<lambda>': \.\.\., '<lambda>_1': \.\.\."):
        model.save(tmp_path / "m.keras")
    given = {"<lambda>": lambda x: 2 * x, "<lambda>_1": lambda x: x + 1}
    again = lamina.models.load_model(tmp_path / "m.keras", custom_objects=given)
    np.testing.assert_allclose(np.asarray(again(X)), 2 * X + 1, rtol=1e-6)


def test_copies_keep_functions():
    def mine(x):
        return 3 * x

    model = lamina.Sequential([lamina.Input((4,)), layers.Lambda(lambda x: 2 * x), layers.Activation(mine)])
    for copied in (copy.deepcopy(model), lamina.models.clone_model(model)):
        np.testing.assert_allclose(np.asarray(copied(X)), 6 * X, rtol=1e-6)


def test_the_hint_for_a_missing_function_works(tmp_path):
    def myloss(y, prediction):
        return ops.mean(y - prediction)

    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(1)])
    model.compile("sgd", myloss)
    model.save(tmp_path / "m.keras")
    with pytest.raises(SerializationError, match=r"custom_objects=\{'myloss': \.\.\.\}"):
        lamina.models.load_model(tmp_path / "m.keras")
    assert lamina.models.load_model(tmp_path / "m.keras", custom_objects={"myloss": myloss}).compiled


def test_a_compile_of_its_own_is_not_saved(tmp_path):
    @lamina.saving.register_keras_serializable("strangers")
    class Own(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

        def compile(self, critic, optimizer):
            super().compile(optimizer=optimizer, loss="mse")

    model = Own()
    model.compile(object(), "sgd")
    model(X)
    with pytest.warns(
        UserWarning, match="`compile` was overridden, so how the model was compiled is not saved"
    ):
        model.save(tmp_path / "m.keras")
    assert not lamina.models.load_model(tmp_path / "m.keras").compiled


# -- configs -----------------------------------------------------------------------------------------------------------


@lamina.saving.register_keras_serializable("strangers")
class Rich(layers.Layer):
    def __init__(self, parts=None, **kwargs):
        super().__init__(**kwargs)
        self.parts = parts

    def get_config(self):
        return {**super().get_config(), "parts": self.parts}

    def call(self, x):
        return x


def test_objects_in_a_users_config():
    parts = {"inner": [layers.Dense(3)], "init": (lamina.initializers.Zeros(), np.float32(2))}
    model = lamina.Sequential([lamina.Input((4,)), Rich(parts)])
    again = lamina.models.model_from_json(model.to_json()).layers[0].parts
    assert again["inner"][0].units == 3
    assert isinstance(again["init"][0], lamina.initializers.Zeros)
    assert again["init"][1] == 2


def test_objects_of_the_callers_module():
    class Thing:
        def __init__(self, a=1):
            self.a = a

        def get_config(self):
            return {"a": self.a}

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    read = lamina.saving.deserialize_keras_object
    assert read({"class_name": "Thing", "config": {"a": 3}}, module_objects={"Thing": Thing}).a == 3
    assert read("Thing", module_objects={"Thing": Thing}).a == 1  # as keras-hub makes its samplers
    assert read("len", module_objects={"len": len}) is len
    with pytest.raises(SerializationError, match=r"Unknown thing: 'Thin'. Did you mean 'Thing'"):
        read("Thin", module_objects={"Thing": Thing}, printable_module_name="thing")


def test_containers_in_attributes_are_trees():
    class Holding(layers.Layer):
        def __init__(self):
            super().__init__()
            self.a = {"b": [1, 2], "a": (3, {"d": 4})}
            self.b = [1, [2]]
            self.c = collections.namedtuple("Pair", "x y")(1, [2])

    layer = Holding()
    assert lamina.tree.flatten(layer.a) == [3, 4, 1, 2]
    assert lamina.tree.flatten([layer.b, layer.c]) == [
        1,
        2,
        1,
        2,
    ]
    assert lamina.tree.map_structure(lambda x: x + 1, layer.a) == {"b": [2, 3], "a": (4, {"d": 5})}
    assert [path for path, _ in lamina.tree.flatten_with_path(layer.a)][-1] == ("b", 1)
    assert lamina.tree.is_nested(layer.a)


OBJECTS = [
    lamina.Variable([1.0, 2.0]), lamina.optimizers.Adam(0.1), lamina.metrics.AUC(), lamina.losses.Huber(),
    lamina.callbacks.EarlyStopping(), layers.Dense(2), lamina.initializers.GlorotUniform(), lamina.KerasTensor((2, 3)),
    lamina.optimizers.schedules.CosineDecay(0.1, 5), lamina.random.SeedGenerator(1), lamina.DTypePolicy("float16"),
]  # fmt: skip


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda x: type(x).__name__)
def test_everything_pickles(thing):
    for again in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
        assert type(again) is type(thing)


# -- errors ------------------------------------------------------------------------------------------------------------


def test_an_error_in_call_keeps_its_class_and_names_layer_and_arguments():
    class Mine(Exception):
        pass

    class Failing(layers.Layer):
        def call(self, x, flag=None, other=None):
            raise Mine("words")

    with pytest.raises(Mine) as caught:
        Failing(name="failing")(X, flag=3, other=X)
    note = "In layer 'failing' (Failing), called with input of shape (2, 4), flag=3, other=shape (2, 4)."
    assert caught.value.__notes__ == [note]


def test_float64_without_its_switch_warns_once():
    code = (
        "import warnings, lamina\n"
        "lamina.config.set_floatx('float64')\n"
        "with warnings.catch_warnings(record=True) as met:\n"
        "    warnings.simplefilter('always')\n"
        "    lamina.ops.ones(2, 'float64'), lamina.layers.Dense(2)(lamina.ops.ones((2, 3)))\n"
        "print([str(w.message) for w in met if 'jax_enable_x64' in str(w.message)])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=_environment(), check=True
    )
    assert told.stdout.count("the environment variable JAX_ENABLE_X64=1") == 1


def _environment():
    import os

    return {**os.environ, "LAMINA_BACKEND": "jax", "LAMINA_COMPILE_CACHE": "0"}


# -- summary -----------------------------------------------------------------------------------------------------------


def test_summary_fits_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    x = lamina.Input((4,))
    lamina.Model(x, layers.Dense(4, name="a_layer_with_a_long_name")(x) + layers.Dense(4)(x)).summary()
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert "Total params: 40" in text


def test_summary_of_structures_and_layers_inside():
    class Split(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3, name="inner_dense")

        def call(self, x):
            return {"wide": self.inner(x), "same": x}

    x = lamina.Input((4,))
    lines = []
    lamina.Model(x, Split()(x)).summary(print_fn=lines.append, expand_nested=True)
    text = "".join(lines)
    assert "inner_dense" in text
    assert "wide:" in text
    assert "(None, 3)" in text
    assert "Total params: 15" in text
