"""Normalization, Discretization and the rest on numbers: what they learn, and what the catalogue does not show."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = np.random.default_rng(0).normal(2.0, 3.0, (40, 3)).astype("float32")
CUBE = np.random.default_rng(1).normal(2.0, 3.0, (10, 4, 3)).astype("float32")


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


# -- Normalization -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [{}, {"axis": None}, {"axis": 0}, {"axis": (0, 1)}, {"invert": True}], ids=str
)
def test_learned_normalization_is_that_of_keras(given: dict[str, Any], k: Any) -> None:
    for data in (X, CUBE):
        ours, theirs = layers.Normalization(**given), keras.layers.Normalization(**given)
        ours.adapt(data)
        theirs.adapt(data)
        np.testing.assert_allclose(numbers(ours(data)), np.asarray(theirs(data)), rtol=1e-4, atol=1e-5)
        facts = lambda layer: [(w.path.split("/")[-1], tuple(w.shape), w.trainable) for w in layer.weights]
        assert facts(ours) == facts(theirs)
        np.testing.assert_allclose(ours.mean, np.asarray(theirs.mean), rtol=1e-5)
        np.testing.assert_allclose(ours.variance, np.asarray(theirs.variance), rtol=1e-4)


def test_streams_give_the_moments_of_all() -> None:
    whole, parts, again = layers.Normalization(), layers.Normalization(), layers.Normalization()
    whole.adapt(X)
    parts.adapt(X[i : i + 7] for i in range(0, 40, 7))
    again.adapt(X * 5)
    again.adapt(X.tolist())
    for layer in (parts, again):
        np.testing.assert_allclose(layer.mean, whole.mean, rtol=1e-5)
        np.testing.assert_allclose(layer.variance, whole.variance, rtol=1e-5)


def test_normalization_in_a_model_follows_what_it_learns() -> None:
    with interpreter(backends.load("torch")):
        layer = layers.Normalization()
        layer.adapt(X)
        model = lamina.Sequential([lamina.Input((3,)), layer])
        first = model.predict(X, verbose=0)
        layer.adapt(X * 2)
        np.testing.assert_allclose(model.predict(X * 2, verbose=0), first, rtol=1e-4, atol=1e-5)


def test_normalization_refuses_bad_input(k: Any) -> None:
    with pytest.raises(ValueError, match=r"give both `mean` and `variance`, or none"):
        layers.Normalization(mean=1.0)
    with pytest.raises(ValueError, match=r"must have one shape; got \(2,\) and \(\)"):
        layers.Normalization(mean=[1.0, 2.0], variance=1.0)
    with pytest.raises(
        ValueError, match=r"`mean` of shape \(2,\) does not fit the kept axes, of shape \(3,\)"
    ):
        layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 1.0])(X)
    with pytest.raises(ValueError, match=r"`axis` \(5,\) is out of range for an input of shape \(40, 3\)"):
        layers.Normalization(axis=5)(X)
    with pytest.raises(ValueError, match=r"the size of axis 1 must be known.*axis=None"):
        layers.Normalization()(lamina.Input((None,)))
    with pytest.raises(RuntimeError, match=r"'fresh' .*has learned nothing yet. Call `layer.adapt"):
        layers.Normalization(name="fresh")(X)
    with pytest.raises(ValueError, match=r"given to it, so it cannot adapt"):
        layers.Normalization(mean=1.0, variance=1.0).adapt(X)
    layer = layers.Normalization()
    layer.adapt(X)
    with pytest.raises(
        ValueError, match=r"built for inputs of shape \(40, 3\), but the data has shape \(2, 4\)"
    ):
        layer.adapt(np.ones((2, 4)))
    with pytest.raises(TypeError, match=r"takes numbers, got <U1"):
        layers.Normalization().adapt(np.array([["a"]]))


# -- Discretization ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [1, 4, 16])
@pytest.mark.parametrize("epsilon", [0.1, 0.01, 0.001])
def test_learned_boundaries_are_those_of_keras(bins: int, epsilon: float) -> None:
    rng = np.random.default_rng(2)
    for data in (rng.normal(size=2000), rng.integers(0, 50, (300, 3)), np.array([1.0, 1.0, 2.0])):
        for parts in (1, 3):
            made = []
            for space in (layers, keras.layers):
                layer = space.Discretization(num_bins=bins, epsilon=epsilon)
                layer.adapt(data if parts == 1 else (p for p in np.array_split(data, parts)))
                made.append(layer)
            ours, theirs = made
            np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-6)
            assert ours.get_config() | {"name": ""} == theirs.get_config() | {"name": ""}


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
def test_bins_are_those_of_keras(mode: str, k: Any) -> None:
    edges = [0.0, 1.0, 2.0]
    theirs = keras.layers.Discretization(bin_boundaries=edges, output_mode=mode)
    ours = layers.Discretization(bin_boundaries=edges, output_mode=mode)
    for data in (np.array([[-1.0, 0.0, 5.0, np.inf, -np.inf]]), np.array([[0.5], [1.5]]), np.array([[0, 3]])):
        wanted = np.asarray(theirs(data))
        for x in (data,) if k.functional else (data, k.asarray(data.astype("float32"))):
            found = ours(x)
            assert k.dtype(found) == wanted.dtype.name == ours.output_dtype
            np.testing.assert_array_equal(numbers(found), wanted)


def test_discretization_round_trips_with_what_it_learned() -> None:
    layer = layers.Discretization(num_bins=3)
    layer.adapt(np.arange(30.0))
    again = layers.Discretization.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.get_config() == layer.get_config()
    again.adapt(np.arange(60.0))
    assert again.bin_boundaries != layer.bin_boundaries


def test_discretization_refuses_bad_input() -> None:
    with pytest.raises(ValueError, match=r"give `bin_boundaries` or `num_bins`, one of them"):
        layers.Discretization()
    with pytest.raises(ValueError, match=r"`num_bins` must be an integer of 0 or more; got -1"):
        layers.Discretization(num_bins=-1)
    with pytest.raises(ValueError, match=r"must be numbers in ascending order; got \[2.0, 1.0\]"):
        layers.Discretization(bin_boundaries=[2.0, 1.0])
    with pytest.raises(RuntimeError, match=r"has no boundaries yet. Call `layer.adapt"):
        layers.Discretization(num_bins=3)(X)
    with pytest.raises(ValueError, match=r"so it cannot adapt. Make one with `num_bins=`"):
        layers.Discretization(bin_boundaries=[0.0]).adapt(X)
    with pytest.raises(TypeError, match=r"\(Discretization\) takes numbers, got strings"):
        layers.Discretization(bin_boundaries=[0.0])(np.array(["a"]))


# -- the others --------------------------------------------------------------------------------------------------------


def test_categories_are_weighed(k: Any) -> None:
    data, weights = np.array([[0, 2, 2], [1, 9, -1]]), np.array([[0.5, 1.0, 2.0], [3.0, 1.0, 1.0]], "float32")
    layer = layers.CategoryEncoding(4, output_mode="count")
    wanted = np.asarray(keras.layers.CategoryEncoding(4, output_mode="count")(data, count_weights=weights))
    np.testing.assert_array_equal(numbers(layer(data, count_weights=weights)), wanted)
    np.testing.assert_array_equal(
        numbers(layer(k.asarray(data.astype("int32")), count_weights=k.asarray(weights))), wanted
    )
    assert numbers(layer([[0, 1]])).tolist() == [[1, 1, 0, 0]]


def test_other_layers_refuse_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"`num_tokens` must be a positive integer; got None.*IntegerLookup"):
        layers.CategoryEncoding()
    with pytest.raises(
        ValueError, match=r"`output_mode` must be one of 'one_hot', 'multi_hot', 'count'; got 'int'"
    ):
        layers.CategoryEncoding(3, output_mode="int")
    with pytest.raises(ValueError, match=r"`count_weights` are for `output_mode='count'`"):
        layers.CategoryEncoding(3)(np.array([[1]]), count_weights=np.array([[1.0]]))
    with pytest.raises(TypeError, match=r"takes integers, got strings. Use StringLookup"):
        layers.CategoryEncoding(3)(np.array(["a"]))
    with pytest.raises(ValueError, match=r"Rescaling: `scale` must be a number or numbers; got 'x'"):
        layers.Rescaling("x")
    for given, text in (
        ({"mode": "power"}, "`mode` must be one of 'log', 'magnitude'"),
        ({"frame_length": 0}, "`frame_length` must be a positive integer; got 0"),
        (
            {"frame_step": 300},
            r"`frame_step` must be a positive integer of at most `frame_length` \(256\); got 300",
        ),
        ({"fft_length": 4}, "`fft_length` must be an integer of at least `frame_length`"),
        ({"padding": "causal"}, "`padding` must be one of 'valid', 'same'; got 'causal'"),
    ):
        with pytest.raises(ValueError, match=text):
            layers.STFTSpectrogram(**given)
    for given, text in (
        ({"sequence_length": 4096}, r"`sequence_length` must be at most `fft_length` \(2048\); got 4096"),
        ({"min_freq": 9000}, r"`min_freq` must be at least 0 and below `max_freq` \(8000\); got 9000"),
        ({"num_mel_bins": 0}, "`num_mel_bins` must be an integer of at least 1, got 0"),
        ({"min_power": 0}, "`min_power` and `ref_power` must be positive"),
    ):
        with pytest.raises(ValueError, match=text):
            layers.MelSpectrogram(**given)


STFT = [
    {}, {"mode": "psd"}, {"mode": "real", "fft_length": 512}, {"mode": "imag", "window": None}, {"scaling": None},
    {"mode": "stft", "expand_dims": True}, {"mode": "psd", "padding": "same", "frame_step": 100},
]  # fmt: skip


@pytest.mark.parametrize("layout", ["channels_last", "channels_first"])
@pytest.mark.parametrize("given", STFT, ids=str)
def test_spectrograms_are_those_of_keras(given: dict[str, Any], layout: str) -> None:
    sound = np.random.default_rng(3).normal(size=(2, 1000, 2)).astype("float32")
    sound = sound if layout == "channels_last" else np.moveaxis(sound, 1, 2)
    with interpreter(backends.load("numpy")):
        layer = layers.STFTSpectrogram(data_format=layout, **given)
        ours = layer(sound)
    theirs = np.asarray(keras.layers.STFTSpectrogram(data_format=layout, **given)(sound))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-3)
    assert layer.compute_output_shape(sound.shape) == theirs.shape


def test_pipelines_run_and_round_trip(k: Any) -> None:
    layer = layers.Pipeline([layers.Rescaling(2.0), layers.Dropout(0.5, seed=1), layers.Rescaling(1.0, 1.0)])
    quiet = numbers(layer(X, training=False))
    np.testing.assert_allclose(quiet, X * 2 + 1, rtol=1e-6)
    assert not np.array_equal(numbers(layer(X)), quiet)
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    np.testing.assert_allclose(numbers(again(X, training=False)), quiet)
    assert layer(lamina.Input((3,))).shape == (None, 3)
    text = layers.Pipeline([layers.StringLookup(vocabulary=["a"]), layers.CategoryEncoding(2)])
    assert numbers(text(np.array([["a", "b"]]))).tolist() == [[1, 1]]
    with pytest.raises(
        TypeError, match=r"element 0 must be a layer, got 3. Wrap a function in lamina.layers.Lambda"
    ):
        layers.Pipeline([3])
