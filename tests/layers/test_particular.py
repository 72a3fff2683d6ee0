"""What single layers do that the catalogue's invariants do not show."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, "float32")


# -- Lambda and Wrapper ------------------------------------------------------------------------------------------------


def test_lambda_passes_its_arguments(k: Any) -> None:
    def scaled(x: Any, factor: float, training: Any = None) -> Any:
        return x * factor + (1.0 if training else 0.0)

    layer = layers.Lambda(scaled, arguments={"factor": 2.0})
    assert float(numbers(layer(ones(1, 1)))[0, 0]) == 2
    assert float(numbers(layer(ones(1, 1), training=True))[0, 0]) == 3
    assert layer(lamina.Input((3,))).shape == (None, 3)


def test_lambda_of_the_framework_itself(k: Any) -> None:
    native = {"jax": "jax.numpy", "torch": "torch", "tensorflow": "tensorflow", "numpy": "numpy"}[k.name]
    flip = getattr(__import__(native, fromlist=["x"]), "tanh")  # noqa: B009 (chosen by name)
    layer = layers.Lambda(lambda x: flip(x), output_shape=(3,))
    np.testing.assert_allclose(numbers(layer(k.asarray(ones(2, 3)))), np.tanh(ones(2, 3)), rtol=1e-5)
    assert layer(lamina.Input((3,))).shape == (None, 3)


def test_lambda_with_a_mask() -> None:
    layer = layers.Lambda(lambda x: x, mask=lambda inputs, mask: mask)
    given = np.array([[True, False]])
    assert layer.compute_mask(ones(1, 2, 3), given) is given


def test_lambda_config_is_that_of_keras() -> None:
    ours = layers.Lambda(lamina.ops.relu, name="a").get_config()
    theirs = keras.layers.Lambda(keras.ops.relu, name="a").get_config()
    assert set(ours) == set(theirs)
    again = layers.Lambda.from_config(json.loads(json.dumps(ours)))
    assert float(numbers(again(-ones(1, 1)))[0, 0]) == 0


def test_wrapper_builds_and_finds_what_it_wraps() -> None:
    class Twice(layers.Wrapper):
        def call(self, x: Any) -> Any:
            return self.layer(self.layer(x))

    layer = Twice(layers.Dense(3, name="inner"), name="outer")
    assert layer(lamina.Input((3,))).shape == (None, 3)
    assert [v.path for v in layer.weights] == ["outer/inner/kernel", "outer/inner/bias"]


# -- others ------------------------------------------------------------------------------------------------------------


def test_embedding_takes_first_weights() -> None:
    table = np.arange(6, dtype="float32").reshape(3, 2)
    layer = layers.Embedding(3, 2, weights=[table])
    np.testing.assert_array_equal(numbers(layer(np.array([[2, 0]]))), table[[[2, 0]]])
    assert "weights" not in layer.get_config()


def test_embedding_indices_survive_half_precision(k: Any) -> None:
    layer = layers.Embedding(5000, 2, dtype="mixed_float16", embeddings_initializer="uniform")
    found = numbers(layer(np.array([[4097.0]], "float32")))  # no float16 is 4097
    np.testing.assert_allclose(found[0, 0], layer.embeddings.numpy()[4097], rtol=1e-3)


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate"]
)
def test_merging_functions(name: str) -> None:
    rng = np.random.default_rng(0)
    pair = [rng.normal(size=(2, 3)).astype("float32") for _ in range(2)]
    np.testing.assert_allclose(
        numbers(getattr(layers, name)(pair)), np.asarray(getattr(keras.layers, name)(pair)), rtol=1e-6
    )


def test_dot_function() -> None:
    pair = [ones(2, 3), 2 * ones(2, 3)]
    np.testing.assert_allclose(numbers(layers.dot(pair, axes=1)), [[6], [6]])


def test_spectral_normalization_makes_the_largest_singular_value_one(k: Any) -> None:
    layer = layers.SpectralNormalization(layers.Dense(5), power_iterations=30)
    layer(ones(2, 4), training=True)
    largest = np.linalg.svd(layer.layer.kernel.numpy())[1].max()
    assert abs(largest - 1) < 1e-2
    before = layer.layer.kernel.numpy()
    layer(ones(2, 4))
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), before)


def test_the_vector_of_spectral_normalization_has_the_dtype_of_the_kernel() -> None:
    layer = layers.SpectralNormalization(layers.Dense(3), dtype="float16")
    layer(ones(2, 4))
    assert layer.vector_u.dtype == layer.layer.kernel.dtype == "float32"


@pytest.mark.parametrize("freeze", ["given", "set before", "set after"])
def test_weights_of_a_frozen_layer_are_frozen(freeze: str, k: Any) -> None:
    layer = layers.BatchNormalization(trainable=freeze != "given")
    if freeze == "set before":
        layer.trainable = False
    layer(ones(2, 3))
    layer.trainable = layer.trainable and freeze != "set after"
    assert [w.trainable for w in layer.weights] == [False] * 4
    layer.trainable = True
    assert [w.trainable for w in layer.weights] == [True, True, False, False]


def test_a_frozen_cell_computes_as_before(k: Any) -> None:
    layer = layers.RNN([layers.SimpleRNNCell(3), layers.GRUCell(2)])
    before = numbers(layer(ones(2, 4, 3)))
    layer.trainable = False
    np.testing.assert_array_equal(numbers(layer(ones(2, 4, 3))), before)


def test_cropping_an_empty_batch_leaves_an_empty_batch(k: Any) -> None:
    assert layers.Cropping2D((1, 2))(ones(0, 5, 6, 3)).shape == (0, 3, 2, 3)


@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_group_normalization_of_whole_numbers_gives_floats(dtype: str, k: Any) -> None:
    x = np.arange(24).reshape(2, 3, 4) % 2
    wanted = numbers(layers.GroupNormalization(2)(x.astype("float32")))
    np.testing.assert_allclose(numbers(layers.GroupNormalization(2)(x.astype(dtype))), wanted, rtol=1e-5)


def test_pooling_of_no_channels_gives_no_channels(k: Any) -> None:
    for layer in (layers.MaxPooling1D(2), layers.AveragePooling1D(2, padding="same")):
        assert numbers(layer(ones(2, 7, 0))).shape[::2] == (2, 0)


def test_activity_penalties_are_means_over_the_batch(k: Any) -> None:
    for make in (
        lambda space: space.ActivityRegularization(l1=0.1, l2=0.1),
        lambda space: space.Dense(3, kernel_initializer="ones", activity_regularizer="l2"),
    ):
        ours, theirs = make(layers), make(keras.layers)
        ours(ones(4, 2))
        theirs(ones(4, 2))
        np.testing.assert_allclose(numbers(ours.losses[0]), np.asarray(theirs.losses[0]), rtol=1e-5)


def test_a_frozen_batch_normalization_uses_its_averages(k: Any) -> None:
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    layer.trainable = False
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32") * 4
    np.testing.assert_allclose(numbers(layer(x, training=True)), x / np.sqrt(1.001), rtol=1e-4)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.zeros(3))


def test_batch_normalization_moments_are_float32_in_half_precision(k: Any) -> None:
    layer = layers.BatchNormalization(dtype="mixed_float16", momentum=0.0)
    x = (np.random.default_rng(0).normal(size=(4096, 2)) + 200).astype("float16")  # squares overflow float16
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.astype("float32").var(0), rtol=2e-3)
    assert layer.moving_variance.dtype == "float32"


def test_a_noise_layer_carries_its_state_through_a_pure_call(k: Any) -> None:
    layer = layers.Dropout(0.5, seed=1)
    layer.build((4, 8))
    (seed,) = [v.value for v in layer.non_trainable_variables]
    first, (after,) = layer.stateless_call([], [seed], k.asarray(ones(4, 8)), training=True)
    again, _ = layer.stateless_call([], [seed], k.asarray(ones(4, 8)), training=True)
    later, _ = layer.stateless_call([], [after], k.asarray(ones(4, 8)), training=True)
    np.testing.assert_array_equal(numbers(first), numbers(again))
    assert not np.array_equal(numbers(first), numbers(later))


@pytest.mark.parametrize("name", sorted(lamina.layers.__all__))
def test_every_layer_of_the_catalogue_is_public_and_says_what_it_does(name: str) -> None:
    thing = getattr(layers, name)
    assert thing.__doc__, name
    assert thing.__doc__.splitlines()[0].endswith((".", ":")), name
