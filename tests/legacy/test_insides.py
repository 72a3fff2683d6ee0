"""Private names of Keras's layers that packages use in classes of their own: there under the alias, and only there."""

import keras
import numpy as np
import pytest

import lamina
from lamina import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 4, 6)).astype("float32")
MASK = RNG.random((2, 4, 4)) > 0.3
MASK[..., 0] = True


@pytest.fixture(autouse=True)
def alias():
    with lamina.backend("jax"):
        lamina.install_as_keras()
        yield
        lamina.uninstall_as_keras()


class Spelled(layers.MultiHeadAttention):
    """Attention with its parts by the names that packages know."""

    def call(self, query, value, attention_mask=None, scores=False, training=None):
        query, key, value = self._query_dense(query), self._key_dense(value), self._value_dense(value)
        found, weights = self._compute_attention(
            query,
            key,
            value,
            attention_mask=attention_mask,
            return_attention_scores=scores,
            training=training,
        )
        found = self._output_dense(found)
        return (found, weights) if scores else found


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "some"])
def test_attention_part_by_part(mask):
    layer, whole = Spelled(2, 3), layers.MultiHeadAttention(2, 3)
    layer(X, X)
    whole(X, X)
    whole.set_weights(layer.get_weights())
    wanted, weights = whole(X, X, attention_mask=mask, return_attention_scores=True)
    for found in (layer(X, X, attention_mask=mask), layer(X, X, attention_mask=mask, scores=True)[0]):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        layer(X, X, attention_mask=mask, scores=True)[1], weights, rtol=1e-5, atol=1e-6
    )
    assert layer._compute_attention(*[np.ones((2, 4, 2, 3), "float32")] * 3)[1] is None
    assert (layer._num_heads, layer._key_dim, layer._value_dim, layer._attention_axes) == (2, 3, 3, (1,))
    assert (layer._use_bias, layer._dropout, layer._output_shape) == (True, 0.0, None)
    assert layer._inverse_sqrt_key_dim == 3**-0.5
    assert "kernel_initializer" in layer._get_common_kwargs_for_sublayer()


def test_the_masks_are_those_of_keras():
    given = {
        "query_mask": np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool),
        "value_mask": np.array([[1, 1, 0, 1], [1, 1, 1, 0]], bool), "attention_mask": MASK, "use_causal_mask": True,
    }  # fmt: skip
    ours = layers.MultiHeadAttention(2, 3)
    with lamina.legacy.real_keras() as real:
        theirs = real.layers.MultiHeadAttention(2, 3)
        theirs.build(X.shape, X.shape)
        for names in (given, ["query_mask"], ["value_mask", "attention_mask"], ["use_causal_mask"], []):
            some = {name: given[name] for name in names}
            a, b = (layer._compute_attention_mask(X, X, **some) for layer in (ours, theirs))
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_a_convolution_of_a_packages_own_does_not_write_its_rank():
    """Its class hands the rank on, as Keras's `Conv2D` does."""
    from keras.src.layers.convolutional.base_conv import BaseConv

    class Own(BaseConv):
        def __init__(self, **kwargs):
            super().__init__(rank=2, **kwargs)

    config = Own(filters=2, kernel_size=3).get_config()
    assert "rank" not in config
    assert Own.from_config(config).kernel_size == (3, 3)


def test_kernels_by_their_private_names():
    dense, table = layers.Dense(2), layers.Embedding(5, 2)
    dense.build((None, 3))
    table.build((None, 1))
    assert dense._kernel is dense.kernel
    assert table._embeddings is table.embeddings


def test_an_attribute_of_the_package_comes_first():
    class Own(layers.Dense):
        def build(self, input_shape):
            self._kernel = self.add_weight((1,), name="own")

    layer = Own(2)
    layer.build((None, 3))
    assert layer._kernel.shape == (1,)
    assert [w.name for w in layer.weights] == ["own"]


def test_the_mean_of_the_loss():
    model = lamina.Sequential([lamina.Input((2,)), layers.Dense(1)])
    with pytest.raises(AttributeError, match="compile it with a loss"):
        model._loss_tracker  # noqa: B018
    model.compile("sgd", "mse")
    model._loss_tracker.update_state(3.0)
    assert float(model.get_metrics_result()["loss"]) == 3.0


def test_they_end_with_the_alias():
    lamina.uninstall_as_keras()
    assert not hasattr(layers.MultiHeadAttention(2, 3), "_compute_attention")
    assert not hasattr(lamina.Sequential(), "_loss_tracker")
    assert hasattr(keras.layers.MultiHeadAttention(2, 3), "_compute_attention")
    lamina.install_as_keras()


def test_the_memory_of_a_variable_can_be_freed_before_weights_are_loaded():
    layer = layers.Dense(2)
    layer.build((None, 3))
    assert layer.kernel._value is None  # nothing is drawn yet
    layer(X[0, :, :3])
    layer.kernel._value.delete()
    layer.kernel.assign(np.ones((3, 2), "float32"))
    assert np.array_equal(layer(np.ones((1, 3), "float32")) - layer.bias, [[3.0, 3.0]])
