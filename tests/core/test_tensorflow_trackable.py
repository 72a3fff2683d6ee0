"""On TensorFlow, checkpoints and SavedModels of TensorFlow's own find a layer's variables."""

import numpy as np
import pytest
import tensorflow as tf

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = np.linspace(0, 1, 8, dtype="float32").reshape(2, 4)


@pytest.fixture(autouse=True)
def _on_tensorflow():
    with interpreter(backends.load("tensorflow")):
        yield


def make():
    return lamina.Sequential(
        [lamina.Input((4,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(1)]
    )


def test_checkpoint(tmp_path):
    model, other = make(), make()
    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "x"))
    other.layers[0].name, other.layers[1].name, other.layers[2].name = (layer.name for layer in model.layers)
    tf.train.Checkpoint(model=other).restore(path).assert_existing_objects_matched()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_saved_model(tmp_path):
    class Serving(tf.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model
            self.serve = tf.function(
                lambda x: model(x), input_signature=[tf.TensorSpec([None, 4], tf.float32)]
            )

    model = make()
    tf.saved_model.save(Serving(model), str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.serve(tf.constant(X)), model(X), rtol=1e-5)


def test_tape():
    model = make()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(X) ** 2)
    assert all(g is not None for g in tape.gradient(loss, model.trainable_variables))


def test_a_function_of_the_users_takes_everything_as_it_is(caplog):
    """AutoGraph would read Lamina's source, say what it cannot read, and trace three times as long."""
    model, optimizer = make(), lamina.optimizers.Adam(0.1)
    loss, metric = lamina.losses.MeanSquaredError(), lamina.metrics.MeanAbsoluteError()

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            out = model(x, training=True)
            value = loss(y, out)
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        metric.update_state(y, out)
        if value < 0:  # which AutoGraph does convert
            value = -value
        return value + 0 * lamina.ops.sum(lamina.random.normal((2,)))

    with caplog.at_level("WARNING", "tensorflow"):
        first = float(step(X, X[:, :1]))
        last = [float(step(X, X[:, :1])) for _ in range(5)][-1]
    assert "AutoGraph" not in caplog.text
    assert last < first
    assert float(metric.result()) > 0
