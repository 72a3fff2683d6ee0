"""What models are to who looks at them, beside real Keras where it knows better."""

import copy
import json
import pickle

import keras
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.core.holder import Holder

X = np.linspace(0, 1, 8, dtype="float32").reshape(2, 4)
BOTH = pytest.mark.parametrize("library", [keras, lamina], ids=["keras", "lamina"])


@pytest.fixture(autouse=True)
def _on_numpy():
    with lamina.backend("numpy"):
        yield


# -- one object stays one ----------------------------------------------------------------------------------------------


def inner_and_outer():
    shared = layers.Dense(4, name="shared")
    x, y = lamina.Input((4,)), lamina.Input((4,))
    inner = lamina.Model(x, shared(x), name="inner")
    return lamina.Model(y, shared(inner(y)))


def siblings():
    shared = layers.Dense(4, name="shared")
    a, b = (
        lamina.Model(x, shared(x), name=n) for n, x in (("a", lamina.Input((4,))), ("b", lamina.Input((4,))))
    )
    x = lamina.Input((4,))
    return lamina.Model(x, a(x) + b(x))


def alone_and_wrapped():
    shared = layers.Dense(4, name="shared")
    x = lamina.Input((4,))
    steps = layers.TimeDistributed(shared)(layers.Reshape((1, 4))(x))
    return lamina.Model(x, layers.Flatten()(steps) + shared(x))


def in_a_sequential():
    shared = layers.Dense(4, name="shared")
    return lamina.Sequential([lamina.Input((4,)), shared, lamina.Sequential([shared]), layers.Dense(2)])


def file(model, folder):
    model.save(folder / "m.keras")
    return lamina.models.load_model(folder / "m.keras")


WAYS = {
    "file": file,
    "config": lambda model, _: type(model).from_config(model.get_config()),
    "json": lambda model, _: lamina.models.model_from_json(model.to_json()),
    "clone": lambda model, _: lamina.models.clone_model(model),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [inner_and_outer, siblings, alone_and_wrapped, in_a_sequential])
def test_a_shared_layer_stays_shared(make, way, tmp_path):
    model = make()
    again = WAYS[way](model, tmp_path)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(np.asarray(again(X)), np.asarray(model(X)), rtol=1e-6)
    again.save_weights(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5")


def test_only_shared_layers_have_a_number():
    assert "shared_object_id" not in lamina.Sequential([lamina.Input((4,)), layers.Dense(2)]).to_json()
    assert inner_and_outer().to_json().count("shared_object_id") == 2


# -- Sequential --------------------------------------------------------------------------------------------------------


@BOTH
def test_sequential_made_by_add(library):
    model = library.Sequential()
    model.add(library.Input((4,)))
    model.add(library.layers.Dense(3, name="a"))
    model.add(library.layers.Dense(2, name="b"))
    assert library.Model(model.inputs, model.get_layer("a").output).output_shape == (None, 3)
    model.add(library.layers.Dense(1))
    model.pop()
    features = library.Model(model.inputs, model.layers[1].output)
    np.testing.assert_allclose(np.asarray(features([X])), np.asarray(model(X)), rtol=1e-6)


@BOTH
def test_sequential_of_models(library):
    model = library.Sequential(
        [library.Sequential([library.Input((4,)), library.layers.Dense(3)]), library.layers.Dense(2)]
    )
    assert model.built
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 2)


@BOTH
def test_sequential_with_several_inputs(library):
    class Sum(library.layers.Layer):
        def call(self, inputs):
            return inputs["a"] + inputs["b"]

    model = library.Sequential([Sum(), library.layers.Dense(2)])
    assert tuple(model({"a": X, "b": X}).shape) == (2, 2)
    assert len(model.weights) == 2
    assert model.predict({"a": X, "b": X}, verbose=0).shape == (2, 2)
    model = library.Sequential([library.layers.Add(), library.layers.Dense(2)])
    assert tuple(model([X, X]).shape) == (2, 2)
    assert not hasattr(model, "inputs")


@BOTH
def test_sequential_with_several_outputs(library):
    class Split(library.layers.Layer):
        def call(self, x):
            return {"a": x, "b": 2 * x}

    model = library.Sequential([library.Input((4,)), Split()])
    assert model.built
    assert len(model.outputs) == 2
    assert set(model(X)) == {"a", "b"}


@BOTH
@pytest.mark.parametrize("name", ["input", "output", "input_shape", "output_shape", "inputs", "outputs"])
def test_what_is_not_there_yet(library, name):
    assert not hasattr(library.Sequential([library.layers.Dense(2)]), name)
    assert not hasattr(library.layers.Dense(2), name)


# -- Functional --------------------------------------------------------------------------------------------------------


@BOTH
def test_one_output_in_a_list(library):
    x = library.Input((4,))
    model = library.Model([x], [library.layers.Dense(2)(x)])
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 2)
    assert isinstance(model.input, list)
    assert isinstance(model.output, list)
    assert model([X]).shape == (2, 2)
    assert model.predict([X], verbose=0).shape == (2, 2)


def test_one_output_in_a_list_trains():
    with lamina.backend("torch"):
        x = lamina.Input((4,))
        model = lamina.Model(x, [layers.Dense(2)(x)])
        model.compile("sgd", "mse")
        assert len(model.fit(X, X[:, :2], verbose=0).history["loss"]) == 1
        model.fit(X, [X[:, :2]], verbose=0)


@BOTH
def test_the_number_of_rows_is_not_enforced(library):
    x = library.Input(batch_shape=(3, 4))
    assert tuple(library.Model(x, library.layers.Dense(2)(x))(X).shape) == (2, 2)


@BOTH
def test_a_graph_that_is_cut_out_gets_inputs(library):
    x = library.Input((4,))
    hidden = library.layers.Dense(3, name="first")(x)
    cut = library.Model(hidden, library.layers.Dense(2, name="second")(hidden))
    assert [type(layer).__name__ for layer in cut.layers] == ["InputLayer", "Dense"]
    again = library.models.model_from_json(cut.to_json())
    again.set_weights(cut.get_weights())
    np.testing.assert_allclose(np.asarray(again(X[:, :3])), np.asarray(cut(X[:, :3])), rtol=1e-6)
    assert len(library.models.clone_model(cut).weights) == 2


def test_configs_of_nested_outputs_stay_tuples():
    x = lamina.Input((4,))
    a, b, c = (layers.Dense(2)(x) for _ in range(3))
    model = lamina.Model(x, (a, {"k": (b, c)}))
    assert isinstance(model.get_config()["output_layers"], tuple)
    out = type(model).from_config(model.get_config())(X)
    assert type(out) is tuple
    assert type(out[1]["k"]) is tuple
    assert json.loads(model.to_json())["config"]["output_layers"][0][1:] == [0, 0]


@lamina.saving.register_keras_serializable("structure")
class Own(lamina.Model):
    def __init__(self, units=3, **kwargs):
        x = lamina.Input((4,))
        super().__init__(inputs=x, outputs=layers.Dense(units)(x), **kwargs)
        self.units = units


@lamina.saving.register_keras_serializable("structure")
class Graph(lamina.Model):
    def __init__(self, inputs, outputs, extra=1, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.extra = extra

    def get_config(self):
        return {**super().get_config(), "extra": self.extra}


def test_subclasses_that_are_graphs_keep_their_type(tmp_path):
    x = lamina.Input((4,))
    for cls, model in (
        (Own, Own(5)),
        (Own, Own(2, name="mine")),
        (Graph, Graph(x, layers.Dense(2)(x), extra=7)),
    ):
        again = file(model, tmp_path)
        assert type(model) is cls
        assert type(again) is cls
        assert isinstance(again, lamina.models.Model)
        assert getattr(again, "extra", 7) == 7
        assert getattr(again, "units", 5) == getattr(model, "units", 5)
        np.testing.assert_allclose(np.asarray(again(X)), np.asarray(model(X)), rtol=1e-6)
    assert type(lamina.models.clone_model(Graph(x, layers.Dense(2)(x), extra=7))) is Graph


@BOTH
def test_inner_models_called_again(library):
    x = library.Input((None, 4))
    inner = library.Model(x, library.layers.Dense(3)(x))
    a, b = library.Input((5, 4)), library.Input((7, 4))
    assert [t.shape for t in (inner(a), inner(b))] == [(None, 5, 3), (None, 7, 3)]


@BOTH
def test_state_tree_needs_unique_paths(library):
    class Twice(library.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = library.layers.Dense(4, name="d"), library.layers.Dense(4, name="d")

        def call(self, x):
            return self.b(self.a(x))

    model = Twice()
    model(X)
    with pytest.raises(ValueError, match=r"path.*d/kernel"):
        model.get_state_tree()


# -- clones ------------------------------------------------------------------------------------------------------------


def nested(library):
    x, y = library.Input((4,)), library.Input((4,))
    inner = library.Model(x, library.layers.Dense(3, name="first")(x), name="inner")
    return library.Model(y, library.layers.Dense(2, name="last")(inner(y)))


@BOTH
def test_clones(library):
    seen = []

    def copied(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    model = nested(library)
    model.compile("sgd", "mse")
    clone = library.models.clone_model(model, clone_function=copied)
    assert seen == ["inner", "last"]
    assert clone.compiled
    assert clone.name == model.name
    seen.clear()
    library.models.clone_model(model, clone_function=copied, recursive=True)
    assert seen == ["first", "last"]
    seen.clear()
    called = lambda layer, *args, **kwargs: (seen.append(layer.name), layer(*args, **kwargs))[1]
    library.models.clone_model(model, call_function=called)
    assert seen == ["inner", "last"]


@lamina.saving.register_keras_serializable("structure")
class Doubled(Holder):
    def compute(self):
        return self.base.value * 2


def test_clones_keep_holders():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3)])
    model.layers[0].kernel = Doubled(model.layers[0].kernel)
    clone = lamina.models.clone_model(model)
    assert type(clone.layers[0].kernel) is Doubled
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(np.asarray(clone(X)), np.asarray(model(X)), rtol=1e-6)


def test_clones_of_classes_that_are_not_registered():
    class Plain(layers.Layer):
        def call(self, x):
            return x + 1

    class Around(layers.Wrapper):
        def call(self, x):
            return self.layer(x)

    x = lamina.Input((4,))
    clone = lamina.models.clone_model(lamina.Model(x, Around(Plain())(x)))
    np.testing.assert_allclose(np.asarray(clone(X)), X + 1)
