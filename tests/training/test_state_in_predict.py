"""What a forward pass assigns is kept, in predictions as in steps, on every backend."""

import numpy as np
from models import data

import lamina
from lamina import layers, ops

X, _ = data(6)


class Noise(layers.Layer):
    """Draws with a seed of its own, and counts its calls."""

    def __init__(self):
        super().__init__()
        self.seeds = lamina.random.SeedGenerator(1)
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x + lamina.random.normal(ops.shape(x), seed=self.seeds)


def noisy():
    model = lamina.Sequential([lamina.Input((5,)), Noise()])
    model.compile(loss="mse")
    return model


def test_draws_differ_between_predictions_and_calls_count(backend):
    model = noisy()
    first, second = model.predict(X, verbose=0), model.predict_on_batch(X)
    assert not np.allclose(first, second)
    assert not np.allclose(second, model.predict(X, verbose=0))
    assert float(model.layers[0].calls.numpy()) == 3.0
    model.predict(X, batch_size=2, verbose=0)
    assert float(model.layers[0].calls.numpy()) == 6.0
    losses = [model.evaluate(X, X, verbose=0) for _ in range(2)]
    assert losses[0] != losses[1]
    assert float(model.layers[0].calls.numpy()) == 8.0


def test_dropout_in_training_mode_draws_anew(backend):
    inputs = lamina.Input((5,))
    model = lamina.Model(inputs, layers.Dropout(0.5, seed=3)(inputs, training=True))
    drawn = [model.predict(np.ones((4, 5), "float32"), verbose=0) for _ in range(3)]
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[1], drawn[2])


def test_a_stateful_layer_in_parts_is_the_whole(backend):
    lamina.utils.set_random_seed(1)
    series = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    inputs = lamina.Input(batch_shape=(2, None, 3))
    layer = layers.SimpleRNN(4, stateful=True, return_sequences=True)
    model = lamina.Model(inputs, layer(inputs))
    whole = model.predict(series, verbose=0)
    layer.reset_state()
    parts = [model.predict(series[:, i : i + 3], verbose=0) for i in (0, 3)]
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, rtol=1e-5, atol=1e-6)


def test_a_model_that_assigns_nothing_keeps_its_variables_values(backend):
    model = lamina.Sequential([lamina.Input((5,)), layers.Dense(2), layers.BatchNormalization()])
    model.predict(X, verbose=0)
    before = [v._stored for v in model.variables]
    model.predict(X, verbose=0)
    assert all(v._stored is stored for v, stored in zip(model.variables, before, strict=True))
