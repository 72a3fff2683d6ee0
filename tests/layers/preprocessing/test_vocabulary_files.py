"""What layers have learned, in files of Lamina and of real Keras, in copies, and what files may not do."""

from __future__ import annotations

import copy
import json
import pickle
import zipfile
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends, layers
from lamina.errors import SerializationError
from lamina.kernel.context import interpreter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Explicitly requested dtype int64"
)  # Keras on jax, of its results
TEXTS = np.array(["hello World", "hello é there\n x"])


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def adapted(library: Any) -> Any:
    """A model with a layer of each kind, all of which have learned something."""
    space = library.layers
    learned = {
        "words": (space.StringLookup(name="words", mask_token=""), np.array(["b", "a", "b"])),
        "ids": (space.IntegerLookup(name="ids", output_mode="tf_idf"), np.array([[1, 2], [2, 5]])),
        "idf": (space.TextVectorization(name="idf", output_mode="tf_idf"), TEXTS),
        "text": (space.TextVectorization(name="text"), TEXTS),
        "scale": (space.Normalization(name="scale"), np.arange(15.0).reshape(5, 3) ** 2),
        "bins": (space.Discretization(num_bins=3, name="bins"), np.arange(15.0)),
    }
    for layer, data in learned.values():
        layer.adapt(data)
    a, b = library.Input((1,), dtype="string", name="a"), library.Input((2,), dtype="int64", name="b")
    x = library.Input((3,), name="x")
    inputs = {"words": a, "ids": b, "idf": a, "text": a, "scale": x, "bins": x}
    return library.Model([a, b, x], [layer(inputs[n]) for n, (layer, _) in learned.items()])


def results(model: Any) -> dict[str, np.ndarray]:
    text, x = np.array([["b"], ["hello x"], ["zz"]]), np.arange(6, dtype="float32").reshape(2, 3)
    data = {
        "words": text,
        "idf": text,
        "text": text,
        "ids": np.array([[1, 2], [7, 5]]),
        "scale": x,
        "bins": x,
    }
    return {n: np.asarray(model.get_layer(n)(v)) for n, v in data.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-5, err_msg=name)


def test_files_pass_both_ways(tmp_path: Any) -> None:
    ours, theirs = adapted(lamina), adapted(keras)
    wanted = results(theirs)
    same(results(ours), wanted)
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    same(results(lamina.models.load_model(tmp_path / "theirs.keras")), wanted)
    same(results(lamina.models.load_model(tmp_path / "ours.keras")), wanted)
    same(results(keras.models.load_model(tmp_path / "ours.keras")), wanted)
    assets = [sorted(n for n in zipfile.ZipFile(tmp_path / f).namelist() if n.startswith("assets/"))
              for f in ("ours.keras", "theirs.keras")]  # fmt: skip
    assert assets[0] == assets[1]
    for name in assets[0]:
        assert len({zipfile.ZipFile(tmp_path / f).read(name) for f in ("ours.keras", "theirs.keras")}) == 1, (
            name
        )


PICTURES = np.random.default_rng(0).uniform(0, 255, (1, 6, 6, 3)).astype("float32")


def unlearned(library: Any) -> Any:
    """A model of layers that learn nothing and that the catalogue's files leave out."""
    space = library.layers
    a, b = library.Input((1,), dtype="string", name="a"), library.Input((1,), dtype="int64", name="b")
    crossed = space.HashedCrossing(7, output_mode="one_hot", name="cross")((a, b))
    return library.Model([a, b], [space.Hashing(5, mask_value="", salt=[1, 2], name="hash")(a), crossed])


def computed(model: Any) -> list[np.ndarray]:
    words, ids = np.array([["b"], [""], ["é"]]), np.array([[3], [1], [4]])
    return [np.asarray(model.get_layer("hash")(words)), np.asarray(model.get_layer("cross")((words, ids)))]


def test_layers_that_learn_nothing_pass_both_ways(tmp_path: Any) -> None:
    ours, theirs = unlearned(lamina), unlearned(keras)
    wanted = computed(theirs)
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    found = [ours, *(lamina.models.load_model(tmp_path / f) for f in ("theirs.keras", "ours.keras"))]
    for model in (*found, keras.models.load_model(tmp_path / "ours.keras")):
        for a, b in zip(computed(model), wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def passed(layer: Any, there: Any) -> Any:
    """A layer by way of its config in JSON."""
    here = lamina if type(layer).__module__.startswith("lamina.") else keras
    config = json.loads(json.dumps(here.saving.serialize_keras_object(layer)))
    return there.saving.deserialize_keras_object(config)


def test_layers_of_no_model_in_keras_pass_both_ways() -> None:
    """Pipeline does not build in one, Equalization draws its graph with a cycle."""
    words, picture = np.array([["a"], ["b"], ["c"]]), PICTURES  # in batches Keras's images change one another
    for here, there in ((lamina, keras), (keras, lamina)):
        steps = [here.layers.StringLookup(vocabulary=["a", "b"]), here.layers.CategoryEncoding(3)]
        again = passed(here.layers.Pipeline(steps), there)
        assert np.asarray(again(words)).tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
        even = here.layers.Equalization(bins=16)
        # Keras rounds 76.5 down
        np.testing.assert_allclose(
            np.asarray(passed(even, there)(picture)), np.asarray(even(picture)), atol=1.01
        )


def test_copies_keep_what_was_learned() -> None:
    model = adapted(lamina)
    wanted = results(model)
    same(results(pickle.loads(pickle.dumps(model))), wanted)
    layer = copy.deepcopy(model.get_layer("text"))
    np.testing.assert_array_equal(
        layer(np.array([["hello x"]])), model.get_layer("text")(np.array([["hello x"]]))
    )


def test_vocabularies_in_folders(tmp_path: Any) -> None:
    layer, theirs, again = layers.StringLookup(), keras.layers.StringLookup(), layers.StringLookup()
    layer.adapt(["b", "a", "b"])
    layer.save_assets(tmp_path)
    assert (tmp_path / "vocabulary.txt").read_bytes() == b"[UNK]\nb\na"
    theirs.load_assets(str(tmp_path))
    again.load_assets(tmp_path)
    assert again.get_vocabulary() == theirs.get_vocabulary() == ["[UNK]", "b", "a"]


def test_a_users_layer_has_a_folder_of_its_own(tmp_path: Any) -> None:
    class Notes(layers.Layer):
        text = ""

        def call(self, x: Any) -> Any:
            return x

        def save_assets(self, dir_path: str) -> None:
            with open(f"{dir_path}/notes.txt", "w") as file:
                file.write(self.text)

        def load_assets(self, dir_path: str) -> None:
            with open(f"{dir_path}/notes.txt") as file:
                self.text = file.read()

    model = lamina.Sequential([lamina.Input((2,)), Notes(name="notes")])
    model.layers[0].text = "hello"
    model.save(tmp_path / "m.keras")
    again = lamina.models.load_model(tmp_path / "m.keras", custom_objects={"Notes": Notes})
    assert again.layers[0].text == "hello"


# -- files that cannot be trusted --------------------------------------------------------------------------------------


def changed(path: Any, change: Any) -> Any:
    """A copy of an archive with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    change(members)
    target = path.with_name("changed.keras")
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


@pytest.fixture
def lookup_file(tmp_path: Any) -> Any:
    layer = layers.StringLookup(name="words")
    layer.adapt(["b", "a", "b"])
    lamina.Sequential([lamina.Input((1,), dtype="string"), layer], name="m").save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def test_a_path_in_a_config_is_not_opened(lookup_file: Any, tmp_path: Any) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("[UNK]\nsecret")

    def change(members: dict[str, bytes]) -> None:
        text = members["config.json"].decode()
        assert '"vocabulary": null' in text
        members["config.json"] = text.replace(
            '"vocabulary": null', f'"vocabulary": {json.dumps(str(secret))}'
        ).encode()

    with pytest.raises(
        SerializationError, match=r"names the vocabulary file '.*secret.txt', which is not read"
    ):
        lamina.models.load_model(changed(lookup_file, change))


NAME = "assets/layers/string_lookup/vocabulary.txt"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda m: m.update({NAME: b"[UNK]\nb\nb"}), "tokens more than once"),
        (lambda m: m.update({NAME: b"b\n[UNK]"}), "does not begin with its special tokens"),
        (lambda m: m.update({"assets/layers/nobody/x.txt": b""}), "belong to no layer"),
        (lambda m: m.update({"assets/layers/string_lookup/../x.txt": b""}), "belong to no layer"),
        (lambda m: m.update({"assets/layers/string_lookup/.x": b""}), "not the name of a plain file"),
    ],
    ids=["twice", "special", "nobody", "outside", "hidden"],
)
def test_wrong_assets_are_refused(change: Any, text: str, lookup_file: Any) -> None:
    with pytest.raises(SerializationError, match=text):
        lamina.models.load_model(changed(lookup_file, change))


def test_tokens_with_line_breaks_cannot_be_in_a_file(tmp_path: Any) -> None:
    layer = layers.StringLookup(name="lines")
    layer.adapt(["a\nb"])
    model = lamina.Sequential([lamina.Input((1,), dtype="string"), layer])
    with pytest.raises(ValueError, match=r"the token 'a\\nb' holds a line break"):
        model.save(tmp_path / "m.keras")
