"""TextVectorization against that of Keras: tokens, indices, vectors, vocabularies, errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Explicitly requested dtype int64"
)  # Keras on jax, of its results
WORDS = ["the", "cat", "sat", "é", "a", "on", "the cat", "cat sat", "x1"]
TEXTS = np.array(
    [
        "The cat sat.",
        "",
        "É é\u00a0cat\tsat\x0bon",
        "THE-CAT, a (cat)!",
        "a\nb\r\nthe\x1ccat  x1",
        "語 cat 🙂 sat",
    ]
    * 3
)


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def both(**given: Any) -> tuple[Any, Any]:
    return layers.TextVectorization(**given), keras.layers.TextVectorization(**given)


def dense(x: Any) -> np.ndarray:
    return np.asarray(x.to_tensor() if hasattr(x, "to_tensor") else x)


WAYS: list[dict[str, Any]] = [
    {}, {"ngrams": 2}, {"ngrams": (1, 3)}, {"ngrams": (2,)}, {"standardize": None}, {"standardize": "lower"},
    {"standardize": "strip_punctuation"}, {"split": "character"}, {"split": "character", "ngrams": 3},
    {"split": None}, {"max_tokens": 20},
]  # fmt: skip


@pytest.mark.parametrize("mode", ["int", "multi_hot", "count"])
@pytest.mark.parametrize("given", WAYS, ids=str)
def test_texts_become_what_they_are_in_keras(given: dict[str, Any], mode: str) -> None:
    ours, theirs = both(vocabulary=WORDS, output_mode=mode, **given)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    for x in (TEXTS, TEXTS[:, None]):
        if given.get("split", "") is None and mode != "int" and x.ndim == 1:
            continue  # one vector for all: the column is a single row
        np.testing.assert_array_equal(ours(x), dense(theirs(x)))


@pytest.mark.parametrize("given", WAYS, ids=str)
def test_adapted_vocabularies_are_those_of_keras(given: dict[str, Any]) -> None:
    ours, theirs = both(**given)
    ours.adapt(TEXTS)
    theirs.adapt(TEXTS)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    assert ours.get_vocabulary(False) == theirs.get_vocabulary(False)


@pytest.mark.parametrize("given", [{}, {"ngrams": 2}, {"max_tokens": 5}, {"split": "character"}], ids=str)
def test_tf_idf_is_that_of_keras(given: dict[str, Any]) -> None:
    ours, theirs = both(output_mode="tf_idf", **given)
    ours.adapt(TEXTS)
    theirs.adapt(TEXTS)
    assert ours.get_vocabulary() == theirs.get_vocabulary()
    np.testing.assert_allclose(ours(TEXTS), dense(theirs(TEXTS)), rtol=1e-5)


@pytest.mark.parametrize("length", [1, 3, 9])
def test_lengths_are_cut_and_filled(length: int) -> None:
    ours, theirs = both(vocabulary=WORDS, output_sequence_length=length)
    np.testing.assert_array_equal(ours(TEXTS), dense(theirs(TEXTS)))
    assert ours(lamina.Input((1,), dtype="string")).shape == (None, length)


def test_ragged_rows_keep_their_lengths() -> None:
    for length, wanted in ((None, [[2, 3, 4], [], [1]]), (2, [[2, 3], [], [1]])):
        ours = layers.TextVectorization(vocabulary=WORDS, ragged=True, output_sequence_length=length)
        texts = ["The cat sat", "", "dog"]
        assert [row.tolist() for row in ours(texts)] == wanted
        with interpreter(backends.load("tensorflow")):
            assert ours(texts).to_list() == wanted


def test_functions_of_a_string() -> None:
    seen = []

    def standardize(text: str) -> str:
        seen.append(text)
        return text.upper()

    layer = layers.TextVectorization(
        standardize=standardize, split=lambda text: text.split("-"), vocabulary=["A", "B C"]
    )
    assert layer(["a-b c", "x"]).tolist() == [[2, 3], [1, 0]]
    assert seen == ["a-b c", "x"]
    layer = layers.TextVectorization(standardize=standardize, split=lambda text: np.array(text.split()))
    layer.adapt(["a b", "b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "B", "A"]
    with pytest.raises(
        TypeError, match=r"given as `split` gave the string 'ab'; it must give a list of tokens"
    ):
        layers.TextVectorization(split=lambda text: text, vocabulary=["a"])(["ab"])


def test_vectors_of_each_token() -> None:
    layer = layers.TextVectorization(vocabulary=["a", "b"], output_mode="one_hot")
    assert layer(["b a", "b"]).tolist() == [[[0, 0, 1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0]]]


def test_scalars_and_bytes() -> None:
    layer = layers.TextVectorization(vocabulary=WORDS)
    assert layer("the cat").tolist() == [2, 3]
    assert layer([b"The cat", "a"]).tolist() == [[2, 3], [6, 0]]
    assert layer(np.array([b"\xff the", b"cat"])).tolist() == [[1, 2], [3, 0]]


def test_configs_are_those_of_keras() -> None:
    for given in ({}, {"vocabulary": WORDS, "ngrams": (1, 3), "output_sequence_length": 4}, {"split": None}):
        ours, theirs = both(**given)
        as_json = lambda layer: json.loads(json.dumps(layer.get_config() | {"name": ""}))
        assert as_json(ours) == as_json(theirs)
        again = layers.TextVectorization.from_config(ours.get_config())
        assert again.get_config() == ours.get_config()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"standardize": "upper"}, "`standardize` must be one of 'lower_and_strip_punctuation'.*got 'upper'"),
    ({"split": "words"}, "`split` must be one of 'whitespace', 'character'; got 'words'"),
    ({"ngrams": 0}, "`ngrams` must be a positive integer, a tuple of such, or None; got 0"),
    ({"ngrams": "ab"}, "`ngrams` must be a positive integer"),
    ({"output_mode": "binary"}, "`output_mode` must be one of"),
    ({"output_sequence_length": 0}, "`output_sequence_length` must be a positive integer, or None; got 0"),
    (
        {"output_sequence_length": 3, "output_mode": "count"},
        "`output_sequence_length` is for `output_mode='int'`",
    ),
    (
        {"ragged": True, "output_mode": "count"},
        "`ragged=True` is for `output_mode='int'`; the mode is 'count'",
    ),
    ({"max_tokens": 1}, "`max_tokens` must be an integer greater than 1"),
    ({"vocabulary": ["a", "a"]}, "tokens more than once"),
]


@pytest.mark.parametrize(("given", "text"), BAD, ids=[str(b[0]) for b in BAD])
def test_bad_arguments_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        layers.TextVectorization(**given)


def test_bad_input_is_refused() -> None:
    layer = layers.TextVectorization(vocabulary=WORDS, name="text")
    with pytest.raises(
        ValueError, match=r"'text'.*shape \(batch,\) or \(batch, 1\), got \(1, 2\).*split=None"
    ):
        layer([["a", "b"]])
    with pytest.raises(TypeError, match=r"'text' \(TextVectorization\) takes strings, got int64"):
        layer(np.array([1]))
    with pytest.raises(TypeError, match=r"takes strings, got float32.*dtype='string'"):
        layer(lamina.Input((1,)))
    with pytest.raises(RuntimeError, match=r"has no vocabulary yet"):
        layers.TextVectorization()(["a"])
    with pytest.raises(ValueError, match=r"so it cannot adapt"):
        layer.adapt(["a"])
