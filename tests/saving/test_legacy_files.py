"""Files of Keras 1, 2 and 3 in the old HDF5 format: read as they were meant, written so that real Keras reads them."""

import json
import pathlib
import re
import shutil

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.errors import SerializationError

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"
TRAINED = ["keras2_sequential", "keras2_functional", "keras2_adam", "keras3_functional"]


def beside(name):
    """Inputs, outputs and what else lies beside a file."""
    found = np.load(FIXTURES / f"{name}.npz")
    return {
        k: [found[n] for n in sorted(found.files) if n.rstrip("0123456789") == k]
        for k in ("x", "y", "before", "after")
    }


def one(values):
    return values[0] if len(values) == 1 else values


def same(got, wanted, **kwargs):
    got = got if isinstance(got, list | tuple) else [got]
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(lamina.ops.convert_to_numpy(g), w, **{"rtol": 2e-4, "atol": 2e-5} | kwargs)


@pytest.mark.parametrize("name", [*TRAINED, "keras1_sequential"])
def test_whole_models_give_the_same_outputs(name):
    known = beside(name)
    model = lamina.models.load_model(FIXTURES / f"{name}.h5")
    same(model(one(known["x"]), training=False), known["before"])


@pytest.mark.parametrize("name", ["keras2_functions", "keras2_cudnn"])
def test_functions_of_tensorflow_and_layers_of_cudnn(name):
    """What tf-keras computes with the same file (with LSTM and GRU in place of what runs on a GPU alone)."""
    known = beside(name)
    model = lamina.models.load_model(FIXTURES / f"{name}.h5")
    same(model(one(known["x"]), training=False), known["before"])
    again = lamina.models.clone_model(model)
    again.load_weights(FIXTURES / f"{name}.h5")
    same(again(one(known["x"]), training=False), known["before"])


def of_keras_2(function, call, class_name="TFOpLambda"):
    """A model of Keras 2 with one function, as JSON."""
    layer = {
        "name": "f",
        "class_name": class_name,
        "config": {"name": "f", "function": function},
        "inbound_nodes": [call],
    }
    given = {
        "name": "a",
        "class_name": "InputLayer",
        "config": {"name": "a", "batch_input_shape": [None, 4]},
        "inbound_nodes": [],
    }
    graph = {
        "name": "m",
        "layers": [given, layer],
        "input_layers": [["a", 0, 0]],
        "output_layers": [["f", 0, 0]],
    }
    return json.dumps({"class_name": "Functional", "config": graph})


@pytest.mark.parametrize(
    ("function", "call", "says"),
    [
        ("raw_ops.ReadFile", ["a", 0, 0, {}], "'raw_ops.ReadFile', which Lamina does not read"),
        ("einsum", ["_CONSTANT_VALUE", -1, "ij->ji", {}], "'einsum', which Lamina does not read"),
        ("nn.dropout", ["a", 0, 0, {"rate": 0.5}], "'nn.dropout', which Lamina does not read"),
        ("math.cumsum", ["a", 0, 0, {"axis": 1, "exclusive": True}], "exclusive = True"),
        ("gather", ["a", 0, 0, {"indices": [0], "batch_dims": 1}], "has no counterpart"),
        ("compat.v1.norm", ["a", 0, 0, {"ord": "fro", "axis": 1}], "has no counterpart"),
        ("slice", ["a", 0, 0, {"begin": 3, "size": [1]}], "has no counterpart"),
        ("math.exp", 3, "not a call of Keras 2"),
        ("math.exp", [["a", 0]], "not a call of Keras 2"),
        ("reshape", ["a", 0, 0, {"shape": [["a", 0, 0], 4]}], "f"),
    ],
)
def test_functions_that_are_refused(function, call, says):
    with pytest.raises(SerializationError, match=re.escape(says)):
        lamina.models.model_from_json(of_keras_2(function, call))


@pytest.mark.parametrize(
    ("function", "call", "expected"),
    [
        ("math.subtract", ["_CONSTANT_VALUE", -1, 2.0, {"y": ["a", 0, 0], "name": None}], lambda x: 2.0 - x),
        ("__operators__.add", ["a", 0, 0, {"y": [1.0, 2.0, 3.0, 4.0]}], lambda x: x + np.arange(1, 5, dtype="float32")),
        ("concat", [["a", 0, 0, {"axis": -1}], ["a", 0, 0, {"axis": -1}]], lambda x: np.concatenate([x, x], -1)),
        ("math.reduce_mean", ["a", 0, 0, {"axis": [1], "keepdims": True}], lambda x: x.mean(1, keepdims=True)),
        ("math.argmax", ["a", 0, 0, {"output_type": "int64"}], lambda x: x.argmax(0)),
        ("split", ["a", 0, 0, {"num_or_size_splits": [1, 3], "axis": 1}], lambda x: x[:, :1]),
        ("compat.v1.pad", ["a", 0, 0, {"paddings": [[0, 0], [1, 2]], "mode": "CONSTANT", "constant_values": 7}],
         lambda x: np.pad(x, [[0, 0], [1, 2]], constant_values=7)),
        ("linalg.matmul", ["a", 0, 0, {"b": ["a", 0, 0], "transpose_b": True}], lambda x: x @ x.T),
        ("math.l2_normalize", ["a", 0, 0, {"axis": -1}], lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True))),
        ("nn.leaky_relu", ["a", 0, 0, {}], lambda x: np.where(x > 0, x, 0.2 * x)),
        ("identity", ["a", 0, 0, {}], lambda x: x),
        ("reshape", ["a", 0, 0, {"shape": [-1, 2, 2]}], lambda x: x.reshape(-1, 2, 2)),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_functions_one_by_one(function, call, expected):
    model = lamina.models.model_from_json(of_keras_2(function, call))
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    same(model(x), [expected(x)], rtol=1e-5)


@pytest.mark.parametrize(
    ("spec", "index"),
    [
        ([{"start": None, "stop": None, "step": None}, 0], np.s_[:, 0]),
        ([{"class_name": "__ellipsis__"}, {"start": 1, "stop": 3, "step": None}], np.s_[..., 1:3]),
        ([{"start": None, "stop": None, "step": None}, None], np.s_[:, None]),
        ({"start": 0, "stop": 2, "step": None}, np.s_[0:2]),
        (
            [{"start": None, "stop": None, "step": None}, {"start": None, "stop": None, "step": -1}],
            np.s_[:, ::-1],
        ),
    ],
)
def test_slices(spec, index):
    text = of_keras_2("__operators__.getitem", ["a", 0, 0, {"slice_spec": spec}], "SlicingOpLambda")
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    same(lamina.models.model_from_json(text)(x), [x[index]])


def test_a_reshape_to_the_shape_of_the_batch():
    """`tf.reshape(a, (tf.shape(a)[0], -1, 2))`."""
    config = json.loads(of_keras_2("reshape", ["a", 0, 0, {"shape": [["size", 0, 0], -1, 2]}]))
    function = lambda name, of, call, kind="TFOpLambda": {
        "name": name, "class_name": kind, "config": {"name": name, "function": of}, "inbound_nodes": [call],
    }  # fmt: skip
    config["config"]["layers"][1:1] = [
        function("shape", "compat.v1.shape", ["a", 0, 0, {"out_type": "int32"}]),
        function("size", "__operators__.getitem", ["shape", 0, 0, {"slice_spec": 0}], "SlicingOpLambda"),
    ]
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    same(lamina.models.model_from_json(json.dumps(config))(x), [x.reshape(3, 2, 2)])


@pytest.mark.parametrize("name", TRAINED)
def test_training_goes_on_where_it_stopped(name):
    """The next step is the one that Keras made: the state of the optimizer is the same."""
    if not lamina.kernel.context.current().differentiable:
        pytest.skip("needs gradients")
    known = beside(name)
    model = lamina.models.load_model(FIXTURES / f"{name}.h5")
    model.jit_compile = False
    assert int(model.optimizer.iterations.numpy()) == 2
    model.train_on_batch(one(known["x"]), one(known["y"]))
    same(model(one(known["x"]), training=False), known["after"], rtol=5e-3, atol=5e-4)


def test_keras_3_file_of_today_is_the_same_model():
    known = beside("keras3_functional")
    same(lamina.models.load_model(FIXTURES / "keras3_functional.keras")(known["x"]), known["before"])


def functional():
    a, b, s = lamina.Input((4,), name="a"), lamina.Input((4,), name="b"), lamina.Input((5, 4), name="s")
    inner = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3, use_bias=False), layers.BatchNormalization()], name="inner"
    )
    inside = lamina.Input((3,))
    other = lamina.Model(inside, layers.Dense(3, activation="tanh")(inside), name="other")
    left = layers.Subtract(name="difference")([other(inner(a)), inner(b)]) * 2.0
    right = layers.GRU(2, name="gru")(s, initial_state=layers.Dense(2, name="state")(a))
    pooled = layers.GlobalAveragePooling1D(name="pool")(layers.MultiHeadAttention(2, 3, name="heads")(s, s))
    both = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="both")(s)
    right = layers.Concatenate(name="join")([right, pooled, layers.GlobalMaxPooling1D(name="most")(both)])
    return lamina.Model([a, b, s], [left, right])


def test_weights_by_topology_and_by_name():
    known = beside("keras2_functional")
    for by_name in (False, True):
        model = functional()
        model.load_weights(FIXTURES / "keras2_functional_weights.h5", by_name=by_name)
        same(model(known["x"]), known["after"])  # the script saves these weights after the last step
    whole = functional()
    whole.load_weights(FIXTURES / "keras2_functional.h5")
    same(whole(known["x"]), known["before"])


def small(units=3, second="second"):
    return lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(units, name="first"), layers.Dense(2, name=second)]
    )


def test_by_name_leaves_other_layers_alone():
    model = small(second="another")
    before = model.layers[1].kernel.numpy()
    model.load_weights(FIXTURES / "keras2_adam.h5", by_name=True)
    with h5py.File(FIXTURES / "keras2_adam.h5") as file:
        wanted = file["model_weights/first/first/kernel:0"][()]
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), wanted)
    np.testing.assert_array_equal(model.layers[1].kernel.numpy(), before)


def test_what_does_not_fit_is_listed_at_once():
    model = small(units=5)
    before = model.get_weights()
    with pytest.raises(SerializationError) as caught:
        model.load_weights(FIXTURES / "keras2_adam.h5")
    text = str(caught.value)
    assert "! other shape first/first/kernel:0: the model wants" in text
    assert "(4, 5), the file has (4, 3)" in text
    assert text.count("! other shape") == 3
    assert "skip_mismatch=True" in text
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="left as they are"):
        model.load_weights(FIXTURES / "keras2_adam.h5", skip_mismatch=True)
    with h5py.File(FIXTURES / "keras2_adam.h5") as file:
        np.testing.assert_array_equal(
            model.layers[1].bias.numpy(), file["model_weights/second/second/bias:0"][()]
        )


def test_another_number_of_layers_names_both_sides():
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="first")])
    with pytest.raises(
        SerializationError, match=r"(?s)1 layers with weights, the file 2.*by_name=True.*unexpected  second"
    ):
        model.load_weights(FIXTURES / "keras2_adam.h5")


def test_by_name_is_for_old_files(tmp_path):
    small().save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(ValueError, match="by_name=True` reads old"):
        small().load_weights(tmp_path / "x.weights.h5", by_name=True)


# -- writing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def keras():
    import keras

    return keras


def built():
    inner = lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3, use_bias=False), layers.BatchNormalization()], name="inner"
    )
    a = lamina.Input((4,), name="a")
    x = layers.Add(name="sum")([inner(a), inner(layers.Dropout(0.1)(a))])
    model = lamina.Model(a, layers.Dense(2, name="out")(x), name="f")
    for v in model.weights:
        v.assign(np.random.default_rng(len(v.path)).uniform(0.5, 1.5, v.shape))
    # objects: Keras 3.15 cannot read back functions by their names ("mse") from its own old files
    model.compile(
        lamina.optimizers.Adam(0.01),
        lamina.losses.MeanSquaredError(),
        metrics=[lamina.metrics.MeanAbsoluteError()],
    )
    model.optimizer.build(model.trainable_variables)
    for v in model.optimizer.variables[2:]:
        v.assign(np.full(v.shape, 0.25))
    return model


def test_real_keras_reads_what_is_written(tmp_path, keras):
    model = built()
    with pytest.warns(UserWarning, match="legacy"):
        model.save(tmp_path / "m.h5")
    theirs = keras.saving.load_model(tmp_path / "m.h5")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    same(model(x), [theirs.predict(x, verbose=0)])
    assert float(np.asarray(theirs.optimizer.learning_rate.value)) == np.float32(0.01)
    assert [m.name for m in theirs.layers] == [m.name for m in model.layers]
    ours = lamina.models.load_model(tmp_path / "m.h5")
    same(ours(x), [lamina.ops.convert_to_numpy(model(x))])
    for a, b in zip(ours.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_without_the_optimizer(tmp_path):
    with pytest.warns(UserWarning, match="legacy"):
        built().save(tmp_path / "m.h5", include_optimizer=False)
    assert lamina.models.load_model(tmp_path / "m.h5").optimizer is None
    with h5py.File(tmp_path / "m.h5") as file:
        assert "training_config" not in file.attrs


def test_operations_are_nodes_as_in_files_of_keras_3(tmp_path):
    """Keras writes an operation by its class, which may be that of a layer, too."""
    x = lamina.Input((4,))
    y = layers.Multiply()([x, layers.Dense(4)(x)]) * 2.0 + x[:, :1]
    model = lamina.Model(x, lamina.ops.concatenate([y, lamina.ops.softmax(y)], axis=1))
    with pytest.warns(UserWarning, match="legacy"):
        model.save(tmp_path / "m.h5")
    again = lamina.models.load_model(tmp_path / "m.h5")
    given = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    same(again(given), [lamina.ops.convert_to_numpy(model(given))])


def test_subclasses_are_refused(tmp_path):
    class Own(lamina.Model):
        def call(self, x):
            return x

    with pytest.raises(NotImplementedError, match="only Functional and Sequential"):
        Own().save(tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


# -- what old files may try --------------------------------------------------------------------------------------------


def changed(tmp_path, change):
    path = tmp_path / "x.h5"
    shutil.copy(FIXTURES / "keras2_adam.h5", path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def config_with(text):
    def change(file):
        import json

        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"].append({"inbound_nodes": [], **text})
        file.attrs["model_config"] = json.dumps(config)

    return change


LAMBDA = {"class_name": "Lambda", "name": "l", "config": {"name": "l", "function": ["4wAAAA==", None, None], "function_type": "lambda", "module": "__main__"}}  # fmt: skip
REFUSED = {
    "bytecode of a Lambda": (config_with(LAMBDA), "Lambda.*bytecode|bytecode"),
    "a foreign class": (config_with({"class_name": "os>system", "name": "x", "config": {"name": "x"}}), "os>system"),
    "a TensorFlow function": (
        config_with({"class_name": "TFOpLambda", "name": "x", "config": {"name": "x", "function": "io.read_file"}}),
        "io.read_file",
    ),
    "an attribute of bytes": (lambda f: f.attrs.__setitem__("model_config", np.zeros(3)), "not text"),
    "no JSON": (lambda f: f.attrs.__setitem__("model_config", "{"), "model_config is not valid JSON"),
    "deep JSON": (lambda f: f.attrs.__setitem__("model_config", "[" * 100_000), "model_config is not valid JSON"),
    "a list": (lambda f: f.attrs.__setitem__("model_config", "[]"), "does not describe a model"),
    "a soft link": (lambda f: f.__setitem__("model_weights/first/x", h5py.SoftLink("/")), "SoftLink points elsewhere"),
    "an external link": (
        lambda f: f.__setitem__("model_weights/x", h5py.ExternalLink("/etc/passwd", "/")), "ExternalLink points elsewhere"
    ),
    "listed, not there": (
        lambda f: f["model_weights/first"].attrs.__setitem__("weight_names", [b"first/kernel:0", b"../x"]),
        "listed, but not there",
    ),
    "a layer that is not there": (
        lambda f: f["model_weights"].attrs.__setitem__("layer_names", [b"../first"]), "no group for it"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_hostile_old_files(tmp_path, case):
    change, text = REFUSED[case]
    with pytest.raises(SerializationError, match=f"(?s)x.h5.*({text})"):
        lamina.models.load_model(changed(tmp_path, change))


def test_many_names_that_are_one_text(tmp_path):
    """A list of names whose entries all point to one long text would unfold to gigabytes."""

    def change(file):
        long = "x" * 4_000_000
        space = h5py.h5s.create_simple((2000,))
        kind = h5py.h5t.py_create(h5py.string_dtype(), logical=True)
        del file["model_weights"].attrs["layer_names"]
        h5py.h5a.create(file["model_weights"].id, b"layer_names", kind, space)
        file.attrs["long"] = long

    with pytest.raises(SerializationError, match=r"could hold .* bytes of text"):
        lamina.models.load_model(changed(tmp_path, change))
