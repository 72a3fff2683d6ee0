"""Models that begin with strings: the layers for text on the host, the rest compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

TEXTS = np.array(["good film", "bad", "a good good one", "bad bad film, bad"] * 6)
LABELS = np.array([1, 0, 1, 0] * 6)


def classifier(length: int | None = None, shape: tuple[int, ...] = ()) -> Any:
    text = layers.TextVectorization(output_sequence_length=length, name="text")
    text.adapt(TEXTS)
    return lamina.Sequential(
        [
            lamina.Input(shape, dtype="string"), text, layers.Embedding(text.vocabulary_size(), 4, name="embedding"),
            layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid", name="head"),
        ]
    )  # fmt: skip


def apart(model: Any, texts: Any) -> np.ndarray:
    """The same by hand, in batches of 32: the layers one after the other."""
    x = texts
    for layer in model.layers:
        x = layer(x)
    return numbers(x)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("length", [3, None])
def test_predict_and_calls_take_strings(length: int | None, backend: str) -> None:
    with interpreter(backends.load(backend)):
        model = classifier(length)
        wanted = apart(model, TEXTS)
        for data in (TEXTS, TEXTS.tolist(), TEXTS.astype(object), TEXTS[:, None]):
            np.testing.assert_allclose(numbers(model(data)), wanted, rtol=1e-5)
            np.testing.assert_allclose(model.predict(data, verbose=0), wanted, rtol=1e-5)
        np.testing.assert_allclose(model.predict_on_batch(TEXTS), wanted, rtol=1e-5)
        stream = [TEXTS[:12], TEXTS[12:]]
        np.testing.assert_allclose(model.predict((t for t in stream), verbose=0), wanted, rtol=1e-5)


def test_batches_are_as_long_as_their_longest_text() -> None:
    with interpreter(backends.load("torch")):
        model = classifier()
        parts = [apart(model, TEXTS[i : i + 2]) for i in range(0, len(TEXTS), 2)]
        np.testing.assert_allclose(
            model.predict(TEXTS, batch_size=2, verbose=0), np.concatenate(parts), rtol=1e-5
        )


@pytest.mark.parametrize("length", [4, None])
def test_fit_on_strings_is_fit_on_indices(length: int | None) -> None:
    """The layers for text change nothing of training but where they run."""
    with interpreter(backends.load("torch")):
        whole = classifier(length)
        rest = lamina.Sequential([lamina.Input((None,), dtype="int64"), *classifier(length).layers[1:]])
        rest.set_weights(whole.get_weights())
        ids = whole.layers[0](TEXTS) if length else None
        for model in (whole, rest):
            model.compile(lamina.optimizers.SGD(0.5), "binary_crossentropy", metrics=["accuracy"])
        history = whole.fit(TEXTS, LABELS, batch_size=24, epochs=3, verbose=0, shuffle=False).history
        x = numbers(ids) if length else numbers(whole.layers[0](TEXTS))
        wanted = rest.fit(x, LABELS, batch_size=24, epochs=3, verbose=0, shuffle=False).history
        np.testing.assert_allclose(history["loss"], wanted["loss"], rtol=1e-5)
        for one, two in zip(whole.get_weights(), rest.get_weights(), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(
            whole.evaluate(TEXTS, LABELS, verbose=0), rest.evaluate(x, LABELS, verbose=0), rtol=1e-5
        )
        np.testing.assert_allclose(
            whole.train_on_batch(TEXTS, LABELS), rest.train_on_batch(x, LABELS), rtol=1e-5
        )
        whole.fit(TEXTS, LABELS, epochs=2, verbose=0, batch_size=5, validation_split=0.25 if length else 0.0)
        whole.fit(((TEXTS, LABELS) for _ in range(4)), steps_per_epoch=2, epochs=2, verbose=0)


def test_fit_learns_on_jax() -> None:
    with interpreter(backends.load("jax")):
        model = classifier(4)
        model.compile(lamina.optimizers.Adam(0.1), "binary_crossentropy")
        losses = model.fit(TEXTS, LABELS, epochs=8, verbose=0, validation_data=(TEXTS, LABELS)).history[
            "loss"
        ]
        assert losses[-1] < losses[0] / 2


class Batches(lamina.utils.PyDataset):
    """Batches of texts with labels."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return TEXTS[index * 8 : index * 8 + 8], LABELS[index * 8 : index * 8 + 8]


def test_fit_on_a_data_set_of_strings() -> None:
    with interpreter(backends.load("torch")):
        model = classifier()
        model.compile("sgd", "binary_crossentropy")
        model.fit(Batches(), epochs=2, verbose=0)
        assert model.evaluate(Batches(), verbose=0) > 0


def test_a_graph_is_cut_behind_its_strings() -> None:
    with interpreter(backends.load("torch")):
        a, b = lamina.Input((1,), dtype="string", name="a"), lamina.Input((1,), dtype="int32", name="b")
        x = lamina.Input((2,), name="x")
        bins = layers.Discretization(bin_boundaries=[0.0], name="bins")(x)
        crossed = layers.HashedCrossing(8, output_mode="one_hot", name="crossed")([a, b])
        word = layers.StringLookup(vocabulary=["u", "v"], output_mode="one_hot", name="word")(a)
        encoded = layers.CategoryEncoding(4, output_mode="one_hot", name="encoded")(b)
        joined = layers.Concatenate(name="joined")([crossed, word, encoded, x, layers.Rescaling(1.0)(bins)])
        model = lamina.Model([a, b, x], layers.Dense(2)(joined))
        part = model._host_part()
        assert {o.name for o in part.operations} == {"crossed", "word"}
        assert {t.dtype for t in part.cut} == {"float32", "int32"}
        shown: list[str] = []
        model.summary(print_fn=shown.append)
        assert "On the host, ahead of the compiled step: " in shown[0]
        data = {"a": ["u", "w", "v"], "b": [1, 2, 3], "x": np.ones((3, 2), "float32")}
        np.testing.assert_allclose(model.predict(data, verbose=0), numbers(model(data)), rtol=1e-5)
        np.testing.assert_allclose(
            model.predict(list(data.values()), verbose=0), numbers(model(data)), rtol=1e-5
        )


def test_saved_models_take_strings(tmp_path: Any) -> None:
    with interpreter(backends.load("torch")):
        model = classifier(3)
        model.save(tmp_path / "m.keras")
        again = lamina.models.load_model(tmp_path / "m.keras")
        np.testing.assert_allclose(
            again.predict(["good", "bad film"], verbose=0),
            model.predict(["good", "bad film"], verbose=0),
            rtol=1e-5,
        )


def test_real_keras_opens_a_text_classifier(tmp_path: Any) -> None:
    from oracle import keras

    with interpreter(backends.load("numpy")):
        model = classifier(3, (1,))
        model.save(tmp_path / "m.keras")
        theirs = keras.models.load_model(tmp_path / "m.keras")
        x = np.asarray(theirs.layers[0](TEXTS[:, None]))
        for layer in theirs.layers[1:]:
            x = layer(x)
        np.testing.assert_allclose(np.asarray(x), model.predict(TEXTS, verbose=0), rtol=1e-5)


def test_a_sequential_without_an_input_learns_its_shape() -> None:
    with interpreter(backends.load("torch")):
        lookup = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
        model = lamina.Sequential([lookup, layers.Dense(2)])
        assert model.predict(np.array([["a"], ["c"]]), verbose=0).shape == (2, 2)


def test_what_cannot_run_on_the_host_is_refused() -> None:
    with interpreter(backends.load("torch")):
        a = lamina.Input((1,), dtype="string")
        model = lamina.Model(a, classifier(3, (1,))(a))
        with pytest.raises(NotImplementedError, match=r"takes strings.*runs on the host.*but it has weights"):
            model.predict(TEXTS, verbose=0)
        x = lamina.Input((1,), dtype="int64")
        model = lamina.Model([a, x], [layers.StringLookup(vocabulary=["a"], invert=True)(x), a])
        with pytest.raises(NotImplementedError, match=r"strings come out of it"):
            model.predict([TEXTS, np.ones((24, 1), "int64")], verbose=0)
        with pytest.raises(TypeError, match=r"value 0 is 1"):
            classifier(3).predict([1, 2], verbose=0)
