"""Every format of models and weights goes there and back, into files, folders and file-like objects."""

import hashlib
import io
import json
import pathlib

import h5py
import numpy as np
import pytest

import lamina
from lamina import layers
from lamina.errors import SerializationError

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


def made(seed=0):
    model = lamina.Sequential(
        [
            lamina.Input((4,)),
            layers.Dense(3, name="a"),
            layers.BatchNormalization(name="n"),
            layers.Dense(2, name="b"),
        ],
        name="m",
    )
    rng = np.random.default_rng(seed)
    for v in model.weights:
        v.assign(rng.uniform(0.5, 1, v.shape))
    return model


def equal(a, b):
    for v, w in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(v.numpy(), w.numpy())


def test_objects_are_named_as_the_public_sees_them(tmp_path):
    """After a property or public attribute that leads to them; after the private one where there is no other."""

    class Hiding(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._one, self._two, self._only = (layers.Dense(2) for _ in range(3))
            self.two_too, self._list = self._two, [layers.Dense(2)]

        one = property(lambda self: self._one)
        items = property(lambda self: self._list)

        @property
        def broken(self):
            raise RuntimeError("not yet")

        def build(self, input_shape):
            for layer in (self._one, self._two, self._only, self._list[0]):
                layer.build(input_shape)

        def call(self, x):
            return x

    model = lamina.Sequential([lamina.Input((3,)), Hiding()])
    model.save_weights(tmp_path / "x.weights.h5")
    with h5py.File(tmp_path / "x.weights.h5") as file:
        names = set(file["layers/hiding"])
        assert list(file["layers/hiding/items"]) == ["dense"]
    # as the real Keras names them
    assert names - {"vars"} == {"_only", "items", "one", "two_too"}


def test_layers_of_a_model_of_the_users_own_are_named_as_keras_names_them(tmp_path):
    import keras

    def made(library, seed):
        class Own(library.Model):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.users, self.films, self.words = (library.layers.Embedding(4 + i, 2) for i in range(3))
                self.dense = library.layers.Dense(3)

            def build(self, input_shape):
                for layer in (self.users, self.films, self.words):
                    layer.build(input_shape)
                self.dense.build((None, 2))
                self.built = True

        model = Own()
        model.build((None, 1))
        rng = np.random.default_rng(seed)
        model.set_weights([rng.normal(size=w.shape) for w in model.weights])
        return model

    for one, other in ((keras, lamina), (lamina, keras)):
        path = tmp_path / "own.weights.h5"
        written, read = made(one, 1), made(other, 2)
        written.save_weights(path)
        read.load_weights(path)
        for a, b in zip(written.get_weights(), read.get_weights(), strict=True):
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


class Ready(lamina.Model):
    """A model that compiles itself, in a way that no file holds."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2)
        self.compile()

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return self.dense(x)

    def compile(self, optimizer=None, loss="mse", **kwargs):
        super().compile(optimizer or lamina.optimizers.Adam(0.1), loss, **kwargs)


@pytest.mark.parametrize("optimizer", [None, lamina.optimizers.SGD(0.1)], ids=["its own", "another"])
def test_the_state_of_an_optimizer_that_the_class_chooses(tmp_path, optimizer):
    model = Ready()
    model.compile(optimizer)
    x, y = np.ones((4, 3), "float32"), np.zeros((4, 2), "float32")
    model.fit(x, y, verbose=0)
    with pytest.warns(UserWarning, match="`compile` was overridden"):
        model.save(tmp_path / "m.keras")
    load = lambda: lamina.saving.load_model(tmp_path / "m.keras", custom_objects={"Ready": Ready})
    if optimizer is None:
        loaded = load()
        assert loaded.optimizer.iterations.numpy() == 1
    else:
        with pytest.warns(UserWarning, match="the state of another optimizer than the Adam"):
            loaded = load()
        assert loaded.optimizer.iterations.numpy() == 0
    equal(model, loaded)


@pytest.mark.parametrize("name", ["x.weights.h5", "x.safetensors", "x.npz", "x.weights.json"])
@pytest.mark.parametrize("kind", [str, pathlib.Path])
def test_weights_there_and_back(tmp_path, name, kind):
    made().save_weights(kind(tmp_path / name))
    other = made(1)
    other.load_weights(kind(tmp_path / name))
    equal(made(), other)


def test_shards_are_of_the_size_and_keras_reads_them(tmp_path):
    import keras

    with pytest.raises(ValueError, match="positive number of GB"):
        made().save_weights(tmp_path / "x.weights.json", max_shard_size=0)
    made().save_weights(tmp_path / "x.weights.json", max_shard_size=50 / 2**30)
    files = sorted(p.name for p in tmp_path.iterdir())
    assert files == ["x.weights.json", *(f"x_0000{i}.weights.h5" for i in range(3))]
    index = json.loads((tmp_path / "x.weights.json").read_text())
    assert index["metadata"]["total_size"] == sum(v.numpy().nbytes for v in made().weights)
    other = made(1)
    other.load_weights(tmp_path / "x.weights.json")
    equal(made(), other)
    theirs = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
    )
    theirs.load_weights(tmp_path / "x.weights.json")
    for v, w in zip(theirs.weights, made().weights, strict=True):
        np.testing.assert_array_equal(np.asarray(v), w.numpy())


def test_shards_of_keras():
    """The fixture's weights are those of the model that lies beside it."""
    model = lamina.models.load_model(FIXTURES / "keras3_functional.keras")
    other = lamina.models.clone_model(model)
    other.load_weights(FIXTURES / "keras3_shards.weights.json")
    equal(model, other)


@pytest.mark.parametrize(
    "name", ["../x_00000.weights.h5", "/etc/passwd", "y_00000.weights.h5", "x_00000.weights.h5/..", 3]
)
def test_an_index_names_its_own_shards_only(tmp_path, name):
    (tmp_path / "x.weights.json").write_text(json.dumps({"metadata": {}, "weight_map": {"/a/vars": [name]}}))
    with pytest.raises(SerializationError, match=r"x.weights.json: the index names"):
        made().load_weights(tmp_path / "x.weights.json")


def test_a_shard_that_is_missing_or_a_link(tmp_path):
    made().save_weights(tmp_path / "x.weights.json", max_shard_size=50 / 2**30)
    shard = tmp_path / "x_00001.weights.h5"
    shard.rename(tmp_path / "z")
    with pytest.raises(SerializationError, match=r"x_00001.weights.h5 is missing"):
        made().load_weights(tmp_path / "x.weights.json")
    shard.symlink_to(tmp_path / "z")
    with pytest.raises(SerializationError, match=r"x_00001.weights.h5 is missing"):
        made().load_weights(tmp_path / "x.weights.json")


def test_a_folder_there_and_back(tmp_path):
    import keras

    model = made()
    model.save(tmp_path / "folder", zipped=False)
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    equal(model, lamina.models.load_model(tmp_path / "folder"))
    theirs = keras.saving.load_model(tmp_path / "folder")
    np.testing.assert_array_equal(np.asarray(theirs.weights[0]), model.weights[0].numpy())
    theirs.save(tmp_path / "theirs", zipped=False)
    equal(model, lamina.models.load_model(tmp_path / "theirs"))
    made(1).save(tmp_path / "folder", zipped=False)  # one of ours is replaced
    equal(made(1), lamina.models.load_model(tmp_path / "folder"))
    other = made()
    other.load_weights(tmp_path / "folder")
    equal(made(1), other)
    with pytest.raises(ValueError, match=r"does not end in '.keras'"):
        model.save(tmp_path / "x.keras", zipped=False)


def test_a_folder_of_others_is_never_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(FileExistsError, match=r"thesis\.tex.*choose another name"):
        made().save(tmp_path / "mine", zipped=False)
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def test_links_in_a_folder_are_refused(tmp_path):
    made().save(tmp_path / "folder", zipped=False)
    (tmp_path / "folder" / "config.json").rename(tmp_path / "config.json")
    (tmp_path / "folder" / "config.json").symlink_to(tmp_path / "config.json")
    with pytest.raises(SerializationError, match=r"config\.json is not a plain file"):
        lamina.models.load_model(tmp_path / "folder")


def test_file_like_objects(tmp_path):
    data = io.BytesIO()
    lamina.saving.save_model(made(), data)
    equal(made(), lamina.models.load_model(io.BytesIO(data.getvalue())))
    with pytest.warns(UserWarning, match="legacy"):
        made().save(tmp_path / "x.h5")
    with open(tmp_path / "x.h5", "rb") as file:
        equal(made(), lamina.models.load_model(file))
    with pytest.raises(SerializationError, match=r"the file: not a readable .keras file"):
        lamina.models.load_model(io.BytesIO(b"nothing"))


def test_without_the_state_of_the_optimizer(tmp_path):
    model = made()
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "with.keras")
    model.save(tmp_path / "without.keras", include_optimizer=False)
    assert (tmp_path / "without.keras").stat().st_size < (tmp_path / "with.keras").stat().st_size
    assert lamina.models.load_model(tmp_path / "without.keras").optimizer is not None
    assert lamina.models.load_model(tmp_path / "with.keras", compile=False).optimizer is None


@pytest.mark.parametrize("name", ["x.keras", "x.weights.h5", "x.safetensors"])
def test_overwrite_asks(tmp_path, name, monkeypatch):
    path = tmp_path / name
    save = (
        (lambda m, **k: m.save(path, **k))
        if name == "x.keras"
        else (lambda m, **k: m.save_weights(path, **k))
    )
    save(made())
    good = path.read_bytes()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(FileExistsError, match="overwrite=True"):
        save(made(1), overwrite=False)
    assert path.read_bytes() == good

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda question: "y")
    save(made(1), overwrite=False)
    assert path.read_bytes() != good


def test_objects_to_skip(tmp_path):
    lamina.saving.save_weights(made(), tmp_path / "x.weights.h5", objects_to_skip=["a"])
    other = made(1)
    with pytest.raises(SerializationError, match="missing     layers/dense/vars/0"):
        other.load_weights(tmp_path / "x.weights.h5")
    other.load_weights(tmp_path / "x.weights.h5", objects_to_skip=[other.layers[0]])
    np.testing.assert_array_equal(other.layers[0].kernel.numpy(), made(1).layers[0].kernel.numpy())
    np.testing.assert_array_equal(other.layers[2].kernel.numpy(), made().layers[2].kernel.numpy())


def test_sha256(tmp_path):
    path = tmp_path / "x.keras"
    made().save(path)
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    equal(made(), lamina.models.load_model(path, sha256=known))
    with pytest.raises(SerializationError, match=f"the SHA-256 is {known}, expected 00"):
        lamina.models.load_model(path, sha256="00")
    with pytest.raises(SerializationError, match="the SHA-256 is"):
        made().load_weights(path, sha256="00")


def test_each_file_says_what_it_is(tmp_path):
    made().save(tmp_path / "model.keras")
    load = lamina.models.load_model
    with pytest.raises(
        FileNotFoundError, match=r"There is no file .*modle\.keras.*Did you mean 'model\.keras'"
    ):
        load(tmp_path / "modle.keras")
    whole = (tmp_path / "model.keras").read_bytes()
    cases = {
        "cut.keras": (whole[: len(whole) // 2], "a zip file, perhaps cut off"),
        "page.keras": (b"<html>404</html>", "page of HTML"),
        "lfs.keras": (b"version https://git-lfs.github.com/spec/v1", "pointer of Git LFS"),
        "empty.keras": (b"", "an empty file"),
        "x.pkl": (b"\x80\x04", "a pickle"),
        "x.weights.h5": (b"", "weights alone"),
        "h5.keras": (b"\x89HDF\r\n\x1a\n", "rename it to end in '.h5'"),
        "bad.h5": (b"no", "not a readable HDF5 file"),
    }
    for name, (data, text) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SerializationError, match=rf"(?s){name}.*{text}"):
            load(tmp_path / name)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"")
    with pytest.raises(SerializationError, match="saved is a TensorFlow SavedModel"):
        load(tmp_path / "saved")
    with pytest.raises(ValueError, match=r"Weights lie in files that end in .*got 'x.pkl'"):
        made().load_weights(tmp_path / "x.pkl")


def test_pickled_npz_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", **{"layers/dense/0": np.array([{}], dtype=object)})
    with pytest.raises(SerializationError, match=r"not numeric .pickles are never read"):
        made().load_weights(tmp_path / "x.npz")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_safetensors_are_read_by_their_own_library(tmp_path, dtype):
    from safetensors.numpy import load_file, save_file

    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(3, name="a", dtype=dtype)])
    model.save_weights(tmp_path / "x.safetensors")
    found = load_file(tmp_path / "x.safetensors")
    assert sorted(found) == ["layers/dense/0", "layers/dense/1"]
    np.testing.assert_array_equal(
        found["layers/dense/0"].astype("float32"), model.layers[0].kernel.numpy().astype("float32")
    )
    save_file({k: v * 2 for k, v in found.items()}, tmp_path / "y.safetensors")
    model.load_weights(tmp_path / "y.safetensors")
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), found["layers/dense/0"] * 2)


def test_state_of_an_optimizer_for_other_weights_is_left_out(tmp_path):
    """Who changes `trainable` after `compile` and saves gets the model back, as in Keras, with a fresh state."""
    model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(4), lamina.layers.Dense(2)])
    model.compile("adam", "mse")
    data = np.ones((4, 3), "float32"), np.ones((4, 2), "float32")
    model.fit(*data, verbose=0)
    model.layers[0].trainable = False
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="the optimizer's state is that of other weights"):
        again = lamina.models.load_model(tmp_path / "model.keras")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    again.fit(*data, verbose=0)
    assert int(again.optimizer.iterations.numpy()) == 1
