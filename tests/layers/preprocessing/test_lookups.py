"""StringLookup and IntegerLookup against those of Keras: indices, vectors, vocabularies, errors."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Explicitly requested dtype int64"
)  # Keras on jax, of its results
WORDS = ["earth", "wind", "and", "fire", "é", "語"]
NUMBERS = [12, 36, -5, 1138, 7]
MODES = ["int", "one_hot", "multi_hot", "count"]


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


@pytest.fixture
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def drawn(tokens: list[Any], unknown: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.choice(np.array(tokens + unknown), shape)


STRINGS = drawn(WORDS, ["", "water", "x" * 40, "ß"], (40, 5))
INTEGERS = drawn(NUMBERS, [0, 99, -77, 2**40, -(2**40)], (40, 5))

COMMON: list[dict[str, Any]] = [
    {},
    {"num_oov_indices": 3},
    {"num_oov_indices": 2, "mask": True},
    {"mask": True},
    {"max_tokens": 20, "pad_to_max_tokens": True},
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given", COMMON, ids=str)
def test_indices_and_vectors_are_those_of_keras(given: dict[str, Any], mode: str, on_numpy: None) -> None:
    given = dict(given)
    mask = given.pop("mask", False)
    for name, vocabulary, token, data in (
        ("StringLookup", WORDS, "", STRINGS),
        ("IntegerLookup", NUMBERS, 0, INTEGERS),
    ):
        given |= {"vocabulary": vocabulary, "output_mode": mode, "mask_token": token if mask else None}
        ours, theirs = getattr(layers, name)(**given), getattr(keras.layers, name)(**given)
        assert ours.get_vocabulary() == theirs.get_vocabulary()
        assert ours.vocabulary_size() == theirs.vocabulary_size()
        for x in (data, data[:, :1], data[:, 0]):
            if mode == "int" and given.get("pad_to_max_tokens"):
                continue
            np.testing.assert_array_equal(ours(x), np.asarray(theirs(x)))


@pytest.mark.parametrize("salt", [7, [1, 2]])
def test_unknown_ones_share_indices_by_a_salted_hash(salt: Any, on_numpy: None) -> None:
    given = {"vocabulary": WORDS, "num_oov_indices": 5, "salt": salt}
    np.testing.assert_array_equal(
        layers.StringLookup(**given)(STRINGS), np.asarray(keras.layers.StringLookup(**given)(STRINGS))
    )
    for salt_given in (None, salt):
        given = {"vocabulary": NUMBERS, "num_oov_indices": 5, "oov_method": "farmhash", "salt": salt_given}
        np.testing.assert_array_equal(
            layers.IntegerLookup(**given)(INTEGERS), np.asarray(keras.layers.IntegerLookup(**given)(INTEGERS))
        )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["floormod", "farmhash"])
def test_integers_are_looked_up_in_compiled_programs(method: str, mode: str, k: Any) -> None:
    if k.functional and (method == "floormod") != (mode == "int"):
        pytest.skip("two stand for all where every program is compiled")
    layer = layers.IntegerLookup(
        vocabulary=NUMBERS, num_oov_indices=3, mask_token=0, output_mode=mode, oov_method=method
    )
    data = drawn(NUMBERS, [0, 99, -77, 5], (20, 4)).astype("int32")
    with interpreter(backends.load("numpy")):
        wanted = layer(data)
    compiled = k.jit(layer) if k.functional else layer
    np.testing.assert_array_equal(numbers(compiled(k.asarray(data))), wanted)


def test_integers_back_from_indices(k: Any) -> None:
    layer = layers.IntegerLookup(vocabulary=NUMBERS, mask_token=0, invert=True)
    theirs = keras.layers.IntegerLookup(vocabulary=NUMBERS, mask_token=0, invert=True)
    data = np.array([[0, 1, 2, 6, 7, -1]], "int32")
    for x in (data, k.asarray(data)):
        np.testing.assert_array_equal(numbers(layer(x)), np.asarray(theirs(data)))


def test_strings_back_from_indices(k: Any) -> None:
    layer = layers.StringLookup(vocabulary=WORDS, mask_token="", invert=True)
    data = np.array([[0, 1, 2, 7, 8, -1]], "int32")
    for x in (data, k.asarray(data)):
        assert layer(x).tolist() == [["", "[UNK]", "earth", "語", "[UNK]", "[UNK]"]]


def test_tf_idf_is_that_of_keras(on_numpy: None) -> None:
    for given in (
        {},
        {"num_oov_indices": 2},
        {"max_tokens": 4},
        {"max_tokens": 15, "pad_to_max_tokens": True},
    ):
        for name, data in (("StringLookup", STRINGS), ("IntegerLookup", INTEGERS)):
            ours = getattr(layers, name)(output_mode="tf_idf", **given)
            theirs = getattr(keras.layers, name)(output_mode="tf_idf", **given)
            ours.adapt(data)
            theirs.adapt(data)
            assert ours.get_vocabulary() == theirs.get_vocabulary()
            np.testing.assert_allclose(ours(data), np.asarray(theirs(data)), rtol=1e-6)
    weights = np.arange(1.0, 7.0)
    ours = layers.StringLookup(vocabulary=WORDS, idf_weights=weights, output_mode="tf_idf")
    theirs = keras.layers.StringLookup(vocabulary=WORDS, idf_weights=weights, output_mode="tf_idf")
    np.testing.assert_allclose(ours(STRINGS), np.asarray(theirs(STRINGS)), rtol=1e-6)


# -- adapting ----------------------------------------------------------------------------------------------------------


def zipf(count: int) -> np.ndarray:
    """Tokens of which many are equally frequent, so that their bytes decide."""
    rng = np.random.default_rng(4)
    return np.array([f"w{n}" if n % 3 else f"é{n}" for n in rng.zipf(1.3, count) % 5000])


@pytest.mark.parametrize("max_tokens", [None, 50])
def test_adapted_vocabularies_are_those_of_keras(max_tokens: int | None) -> None:
    data = zipf(20_000)
    ours, theirs = (space.StringLookup(max_tokens=max_tokens) for space in (layers, keras.layers))
    ours.adapt(data)
    theirs.adapt(data)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    ints = np.random.default_rng(5).zipf(1.3, 20_000) % 5000 - 100
    ours, theirs = (space.IntegerLookup(max_tokens=max_tokens) for space in (layers, keras.layers))
    ours.adapt(ints)
    theirs.adapt(ints)
    assert ours.get_vocabulary() == theirs.get_vocabulary()


def sources(data: list[str]) -> dict[str, Any]:
    import pandas
    import polars
    import pyarrow
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(data)
    table = pyarrow.table({"text": data})
    return {
        "list": data, "tuple": tuple(data), "unicode": np.array(data), "objects": np.array(data, object),
        "bytes": np.array([t.encode() for t in data]), "variable": np.array(data, np.dtypes.StringDType()),
        "series": pandas.Series(data), "frame": pandas.DataFrame({"text": data}),
        "category": pandas.Series(data, dtype="category"), "polars": polars.Series(data),
        "polars frame": polars.DataFrame({"text": data}), "arrow": pyarrow.array(data), "chunks": table["text"],
        "table": table, "generator of rows": (t for t in data), "generator": (data[i : i + 7] for i in range(0, 90, 7)),
        "data set": dataset, "batches": dataset.batch(8), "tensor": tf.constant(data), "dict": {"text": data},
    }  # fmt: skip


def test_adapt_reads_any_source() -> None:
    data = [WORDS[i % 6] for i in np.random.default_rng(0).integers(0, 30, 90)]
    counts = collections.Counter(data)
    wanted = sorted(counts, key=lambda t: (counts[t], t.encode()), reverse=True)
    for name, source in sources(data).items():
        layer = layers.StringLookup()
        layer.adapt(source)
        assert layer.get_vocabulary(include_special_tokens=False) == wanted, name


def test_calls_take_any_column(on_numpy: None) -> None:
    data = WORDS[:3]
    layer = layers.StringLookup(vocabulary=WORDS)
    for name, source in sources(data).items():
        if name.startswith(("generator", "data set", "batches", "frame", "polars frame", "table", "dict")):
            continue
        assert layer(source).ravel().tolist() == [1, 2, 3], name
    assert layer([["fire"], ["x"]]).tolist() == [[4], [0]]
    assert layer("wind") == 2


def test_states_can_be_gathered_by_hand() -> None:
    layer = layers.StringLookup()
    layer.update_state(["a", "b"])
    layer.update_state(np.array(["b"]))
    layer.finalize_state()
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
    layer.reset_state()
    assert layer.vocabulary_size() == 3
    layer.adapt(["c"])
    assert layer.get_vocabulary() == ["[UNK]", "c"]


def test_adapt_counts_the_steps_of_a_stream() -> None:
    layer = layers.StringLookup()
    layer.adapt((np.array([t]) for t in "abc"), steps=2)
    assert layer.get_vocabulary() == ["[UNK]", "b", "a"]
    with pytest.raises(ValueError, match=r"`steps` counts the batches.*in memory \(list\)"):
        layer.adapt(["a"], steps=2)


# -- vocabularies ------------------------------------------------------------------------------------------------------


def test_a_vocabulary_from_a_file(tmp_path: Any) -> None:
    path = tmp_path / "words.txt"
    path.write_text("[UNK]\nearth\nwind\n\n", encoding="utf-8")
    assert layers.StringLookup(vocabulary=path).get_vocabulary() == ["[UNK]", "earth", "wind"]
    assert layers.StringLookup(vocabulary=str(path)).get_config()["vocabulary"] == ["earth", "wind"]
    path.write_text("12\r\n-3\r\n", encoding="utf-8")
    assert layers.IntegerLookup(vocabulary=str(path)).get_vocabulary() == [-1, 12, -3]


def test_configs_are_those_of_keras() -> None:
    for name, given in (
        ("StringLookup", {}),
        ("StringLookup", {"vocabulary": WORDS, "salt": 4, "mask_token": ""}),
        ("IntegerLookup", {"vocabulary": NUMBERS, "max_tokens": 9, "output_mode": "count"}),
        ("IntegerLookup", {"vocabulary": [1, 2], "idf_weights": [1.0, 2.0], "output_mode": "tf_idf"}),
    ):
        ours, theirs = getattr(layers, name)(**given), getattr(keras.layers, name)(**given)
        assert ours.get_config() | {"name": ""} == theirs.get_config() | {"name": ""}
        again = type(ours).from_config(ours.get_config())
        assert again.get_config() == ours.get_config()
        assert again.get_vocabulary() == ours.get_vocabulary()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": 1}, "`max_tokens` must be an integer greater than 1, or None; got 1"),
    ({"num_oov_indices": -1}, "`num_oov_indices` must be an integer of 0 or more; got -1"),
    ({"output_mode": "binary"}, "`output_mode` must be one of 'int', 'one_hot'.*got 'binary'"),
    (
        {"invert": True, "output_mode": "count"},
        "with `invert=True`, `output_mode` must be 'int'; got 'count'",
    ),
    ({"pad_to_max_tokens": True}, "`pad_to_max_tokens=True` needs `max_tokens`"),
    ({"vocabulary": []}, "the vocabulary is empty"),
    ({"vocabulary": ["a", "b", "a"]}, r"tokens more than once: \['a'\]"),
    ({"vocabulary": ["a", ""], "mask_token": ""}, "special token '' stands at place 1 of the vocabulary"),
    (
        {"vocabulary": ["a", "b"], "max_tokens": 2},
        "has 3 tokens with the special ones, more than max_tokens=2",
    ),
    ({"vocabulary": "/no/such/file"}, "there is no vocabulary file '/no/such/file'"),
    ({"idf_weights": [1.0]}, "`idf_weights` are for `output_mode='tf_idf'`; the mode is 'int'"),
    ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "needs `idf_weights`, one for each token"),
    (
        {"vocabulary": ["a"], "idf_weights": [1.0, 2.0], "output_mode": "tf_idf"},
        r"one number for each of the 1 tokens; got shape \(2,\)",
    ),
]


@pytest.mark.parametrize(("given", "text"), BAD, ids=[str(b[0]) for b in BAD])
def test_bad_arguments_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        layers.StringLookup(**given)


def test_bad_input_is_refused(on_numpy: None) -> None:
    layer = layers.StringLookup(vocabulary=["a"], num_oov_indices=0, name="words")
    with pytest.raises(ValueError, match=r"'words'.*`num_oov_indices=0`.*not: \['q', 'r'\]"):
        layer(np.array(["a", "q", "r"]))
    with pytest.raises(TypeError, match=r"'words'.*takes strings, got int64.*IntegerLookup"):
        layer(np.array([1]))
    with pytest.raises(TypeError, match=r"value 1 is missing \(None\). Fill it first"):
        layer(np.array(["a", None], object))
    with pytest.raises(TypeError, match=r"value 1 is 3.0"):
        layer(["a", 3.0])
    with pytest.raises(ValueError, match=r"the rows have different numbers of strings. Pad them"):
        layer([["a"], ["a", "a"]])
    with pytest.raises(RuntimeError, match=r"has no vocabulary yet. Call `layer.adapt"):
        layers.StringLookup()(["a"])
    with pytest.raises(RuntimeError, match=r"has no vocabulary yet"):
        layers.StringLookup(output_mode="count")(lamina.Input((1,), dtype="string"))
    with pytest.raises(ValueError, match=r"a vocabulary that was given to it, so it cannot adapt"):
        layer.adapt(["b"])
    with pytest.raises(ValueError, match=r"this table has 2: a, b"):
        layers.StringLookup().adapt({"a": ["x"], "b": ["y"]})
    integers = layers.IntegerLookup(vocabulary=[1], num_oov_indices=0)
    with pytest.raises(ValueError, match=r"these are not: \[9\]"):
        integers(np.array([1, 9]))
    with pytest.raises(TypeError, match=r"takes integers, got string. Use StringLookup"):
        integers(["a"])
    with pytest.raises(ValueError, match=r"`salt` is for `oov_method='farmhash'`"):
        layers.IntegerLookup(salt=3)
    with pytest.raises(ValueError, match=r"the vocabulary must hold integers"):
        layers.IntegerLookup(vocabulary=["a"])


def test_tokens_of_more_bits_than_the_backend_has() -> None:
    kernel = backends.load("jax")
    layer = layers.IntegerLookup(vocabulary=[2**40])
    with (
        interpreter(kernel),
        pytest.raises(ValueError, match=r"more than 32 bits, which this backend does not"),
    ):
        layer(kernel.asarray(np.array([1], "int32")))
