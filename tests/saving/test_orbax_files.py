"""Folders of OrbaxCheckpoint: read as Keras writes them on jax, and written as Keras reads them."""

import json
import shutil

import numpy as np
import pytest

import lamina

pytest.importorskip("orbax.checkpoint")
pytestmark = pytest.mark.filterwarnings("ignore")
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.random.default_rng(1).normal(size=(8, 2)).astype("float32")


def functional(k):
    a = k.Input((4,))
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.Dropout(0.1)], name="inner")
    x = k.layers.Dropout(0.1)(k.layers.BatchNormalization()(inner(a)))
    return k.Model(a, k.layers.Dense(2)(x))


def sequential(k):
    return k.Sequential(
        [
            k.Input((4,)),
            k.layers.Dense(3),
            k.layers.BatchNormalization(),
            k.layers.Dense(3),
            k.layers.Dense(2),
        ]
    )


def flat(k):
    """What Keras itself reads back: in other models it does not find the weights again, and says nothing."""
    a = k.Input((4,))
    x = k.layers.BatchNormalization(name="norm")(k.layers.Dense(3, name="one")(a))
    return k.Model(a, k.layers.Dense(2, name="two")(x), name="flat")


def steps(model, k, count):
    rng = np.random.default_rng(2)
    for _ in range(count):
        weights = model.trainable_variables
        model.optimizer.apply(
            [k.ops.convert_to_tensor(rng.normal(size=v.shape).astype("float32")) for v in weights], weights
        )


def written(make, k, folder, **kwargs):
    """A model, and its checkpoint after two steps: what the callback does at the end of an epoch, without training."""
    model = make(k)
    model.compile("adam", "mse")
    callback = k.callbacks.OrbaxCheckpoint(folder, save_on_background=False, **kwargs)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(2):
        steps(model, k, 1)
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {})
    callback.on_train_end()
    return model


def outputs(model, k):
    return np.asarray(k.ops.convert_to_numpy(model(X, training=False)))


def numbers(variables, k):
    return [np.asarray(k.ops.convert_to_numpy(v.value)) for v in variables]


@pytest.mark.parametrize("make", [functional, sequential, flat])
@pytest.mark.parametrize("ours", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["ours", "theirs"])
def test_models_and_weights_are_read(tmp_path, make, ours):
    if ours:
        writer = lamina
    else:
        import keras as writer
    folder = tmp_path / "o"
    model = written(make, writer, folder, max_to_keep=2)
    wanted = outputs(model, writer)
    again = lamina.saving.load_model(folder)
    np.testing.assert_allclose(outputs(again, lamina), wanted, rtol=1e-5, atol=1e-6)
    assert int(again.optimizer.iterations) == 2
    for a, b in zip(
        numbers(again.optimizer.variables, lamina), numbers(model.optimizer.variables, writer), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert lamina.saving.load_model(folder, compile=False).optimizer is None
    other = make(lamina)  # with other automatic names
    other.load_weights(folder)
    np.testing.assert_allclose(outputs(other, lamina), wanted, rtol=1e-5, atol=1e-6)
    other.load_weights(folder / "0")  # the one before
    assert not np.allclose(outputs(other, lamina), wanted, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("only", [True, False])
def test_keras_reads_ours(tmp_path, only):
    import keras

    model = written(flat, lamina, tmp_path / "o", save_weights_only=only)
    if only:
        other = flat(keras)
        other.compile("adam", "mse")  # Keras asks for the optimizer
        other.load_weights(tmp_path / "o")
    else:
        other = keras.saving.load_model(tmp_path / "o")
        assert int(other.optimizer.iterations) == 2
    np.testing.assert_allclose(outputs(other, keras), outputs(model, lamina), rtol=1e-5, atol=1e-6)


def test_weights_alone_are_no_model(tmp_path):
    written(flat, lamina, tmp_path / "o", save_weights_only=True)
    with pytest.raises(lamina.errors.SerializationError, match=r"holds weights alone.*load_weights"):
        lamina.saving.load_model(tmp_path / "o")
    wrong = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(7)])
    before = wrong.get_weights()
    with pytest.raises(lamina.errors.SerializationError, match=r"(?s)missing.*unexpected"):
        wrong.load_weights(tmp_path / "o")
    for a, b in zip(before, wrong.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("orbax") / "o"
    written(flat, lamina, folder)
    return folder / "1"


def a_link(step):
    shutil.move(step / "pytree" / "_METADATA", step.parent / "elsewhere")
    (step / "pytree" / "_METADATA").symlink_to(step.parent / "elsewhere")


def a_handler(step):
    mark = step / "_CHECKPOINT_METADATA"
    found = json.loads(mark.read_text())
    found["item_handlers"]["pytree"] = "os.system"
    mark.write_text(json.dumps(found))


def a_wide_layer(step):
    file = step / "model_config" / "_strings.json"
    file.write_text(file.read_text().replace('\\"units\\": 2', '\\"units\\": 1000000000000'))


def another_class(step):
    file = step / "model_config" / "_strings.json"
    file.write_text(
        file.read_text().replace('\\"class_name\\": \\"Dense\\"', '\\"class_name\\": \\"Popen\\"')
    )


def deep(step):
    (step / "model_config" / "_strings.json").write_text("[" * 100_000)


def no_config(step):
    (step / "model_config" / "_strings.json").write_text(json.dumps({"config": 3}))


def cut_arrays(step):
    for file in (step / "pytree").rglob("*"):
        if file.is_file() and file.name not in ("_METADATA", "_sharding"):
            file.write_bytes(file.read_bytes()[:20])


def no_metadata(step):
    (step / "pytree" / "_METADATA").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (a_link, "not a plain file"), (a_handler, "names no handlers of Orbax's own"), (a_wide_layer, "other shape"),
        (another_class, "'Popen' is not a class"), (deep, "JSON"), (no_config, "no JSON text"),
        (cut_arrays, "not a readable Orbax checkpoint"), (no_metadata, "o"),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)  # fmt: skip
def test_damaged_and_hostile_folders(tmp_path, good, damage, says):
    step = tmp_path / "c" / "1"
    shutil.copytree(good, step)
    damage(step)
    with pytest.raises(lamina.errors.SerializationError, match=says):
        lamina.saving.load_model(tmp_path / "c")
    lamina.saving.load_model(good)  # a good one is read afterwards


def test_without_the_package(good, monkeypatch):
    monkeypatch.setattr("lamina.saving.orbax.find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install orbax-checkpoint"):
        lamina.saving.load_model(good.parent)
