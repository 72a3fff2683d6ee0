"""Steps and loops as the guides of Keras write them on each backend, beside real Keras on jax where it runs them."""

import numpy as np
import pytest
from models import data
from oracle import keras

import lamina
from lamina import ops

X, Y = data(32)


@pytest.fixture
def jax():
    with lamina.backend("jax"):
        yield


@pytest.fixture
def tensorflow():
    with lamina.backend("tensorflow"):
        yield


def dense(k, kind=None):
    inputs = k.Input((5,))
    outputs = k.layers.Dense(1, kernel_initializer=k.initializers.Constant(0.1))(inputs)
    return (kind or k.Model)(inputs, outputs)


def with_super(k):
    class Custom(k.Model):
        def train_step(self, state, data):
            logs, state = super().train_step(state, data)
            return logs | {"twice": logs["loss"] * 2}, state

        def test_step(self, state, data):
            logs, state = super().test_step(state=state, data=data)
            return logs | {"thrice": logs["loss"] * 3}, state

        def predict_step(self, state, data):
            out, fixed = super().predict_step(state, data)
            return out + 1.0, fixed

    return Custom


def test_steps_with_state_call_super(jax):
    found = []
    for k in (lamina, keras):
        model = dense(k, with_super(k))
        model.compile(k.optimizers.Adam(0.01), "mse", metrics=["mae"])
        history = model.fit(
            X, Y, epochs=2, batch_size=8, verbose=0, shuffle=False, validation_data=(X, Y)
        ).history
        found.append((history, model.evaluate(X, Y, verbose=0, return_dict=True)))
        found[-1][0]["predicted"] = model.predict(X, verbose=0)
    for ours, theirs in zip(*found, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6)
    assert "val_thrice" in found[0][0]


def test_usual_steps_say_what_they_take(backend):
    model = dense(lamina)
    model.compile("sgd", "mse")
    for wrong in ((), (1, 2, 3)):
        with pytest.raises(TypeError, match=r"`train_step` takes \(data\), or \(state, data\)"):
            model.train_step(*wrong)
    with pytest.raises(
        ValueError, match=r"must hold lists of 2, 0, 2 values \(trainable, non-trainable, metrics'\)"
    ):
        model.test_step(([], [], []), (X, Y))
    logs = model.test_step(data=(ops.convert_to_tensor(X), ops.convert_to_tensor(Y)))
    assert float(ops.convert_to_numpy(logs["loss"])) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_a_state_keeps_draws_without_a_seed_moving(jax):
    """They come from a variable that is in no list of the state."""

    class Custom(lamina.Model):
        def call(self, x):
            return x + 0 * self.weight + lamina.random.normal((1,))

        def build(self, shape):
            self.weight = self.add_weight(shape=(1,))

        def train_step(self, state, data):
            logs, state = super().train_step(state, data)
            return logs | {"one": self.one(state)}, state

        def one(self, state):
            return self.stateless_call(*state[:2], ops.zeros((1, 1)))[0][0, 0]

    model = Custom()
    model.compile(lamina.optimizers.SGD(0.0), "mse")
    zeros = np.zeros((4, 1), "float32")
    losses = model.fit(zeros, zeros, batch_size=1, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert len(set(losses)) == 3


# -- variables where values are expected --------------------------------------------------------------------------------


def test_variables_stand_for_their_values_in_pure_methods(backend):
    layer = lamina.layers.BatchNormalization()
    layer.build((None, 5))
    out, moved = layer.stateless_call(
        layer.trainable_variables, layer.non_trainable_variables, X, training=True
    )
    assert abs(ops.convert_to_numpy(out).mean()) < 1e-5
    assert all(
        not np.array_equal(ops.convert_to_numpy(v), w.numpy())
        for v, w in zip(moved, layer.weights[2:], strict=True)
    )

    metric = lamina.metrics.Mean()
    state = metric.stateless_update_state(metric.variables, [1.0, 3.0])
    assert ops.convert_to_numpy(metric.stateless_result(state)) == 2.0
    assert ops.convert_to_numpy(metric.stateless_result(metric.variables)) == 0.0

    weight = lamina.Variable([1.0, 2.0])
    optimizer = lamina.optimizers.SGD(0.5)
    optimizer.build([weight])
    (new,), _ = optimizer.stateless_apply(optimizer.variables, [ops.array([2.0, 2.0])], [weight])
    assert ops.convert_to_numpy(new).tolist() == [0.0, 1.0]
    assert weight.numpy().tolist() == [1.0, 2.0]

    model = dense(lamina)
    model.compile("sgd", "mse")
    loss, state = model.stateless_compute_loss(
        model.trainable_variables, model.non_trainable_variables, model.metrics_variables, y=Y, y_pred=Y + 1
    )
    assert ops.convert_to_numpy(loss) == pytest.approx(1.0)
    with lamina.StatelessScope([(weight, lamina.Variable([5.0, 6.0]))]):
        assert ops.convert_to_numpy(ops.sum(weight)) == 11.0


def test_a_metric_that_makes_variables_of_the_first_batch(backend):
    metric = lamina.metrics.R2Score()
    theirs = keras.metrics.R2Score()
    state = metric.stateless_update_state(metric.variables, Y, Y * 0.9)
    state = metric.stateless_update_state(state, Y, Y * 0.7)
    theirs.update_state(Y, Y * 0.9)
    theirs.update_state(Y, Y * 0.7)
    np.testing.assert_allclose(
        ops.convert_to_numpy(metric.stateless_result(state)), theirs.result(), rtol=1e-5
    )
    assert [v.numpy().sum() for v in metric.variables] == [0.0] * len(state)


def test_jax_takes_variables_as_arrays(jax):
    """The guide to custom loops on jax passes lists of variables to a compiled step."""
    import jax as framework
    import jax.numpy as jnp

    found = []
    for k in (lamina, keras):
        model, optimizer, metric = dense(k), k.optimizers.Adam(0.05), k.metrics.MeanAbsoluteError()

        def loss_of(trainable, fixed, metrics, x, y, model=model, metric=metric):
            predicted, fixed = model.stateless_call(trainable, fixed, x, training=True)
            return jnp.mean((predicted - y) ** 2), (
                fixed,
                metric.stateless_update_state(metrics, y, predicted),
            )

        @framework.jit
        def step(state, x, y, gradient=framework.value_and_grad(loss_of, has_aux=True), optimizer=optimizer):
            trainable, fixed, moments, metrics = state
            (loss, (fixed, metrics)), gradients = gradient(trainable, fixed, metrics, x, y)
            trainable, moments = optimizer.stateless_apply(moments, gradients, trainable)
            return loss, (trainable, fixed, moments, metrics)

        optimizer.build(model.trainable_variables)
        lists = (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
            metric.variables,
        )
        # this jax refuses Keras's variables
        state = lists if k is lamina else tuple([v.value for v in part] for part in lists)
        for _ in range(3):
            loss, state = step(state, X, Y)
        for variables, values in zip(lists, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        found.append([float(loss), float(metric.result()), *model.get_weights()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["add", "dot", "where", "einsum", "stack", "asarray"])
def test_functions_of_jax_differentiate_by_variables(jax, name):
    import jax as framework
    import jax.numpy as jnp

    x = np.ones((3, 2), "float32")
    function = {
        "add": lambda w: jnp.add(x, w), "dot": lambda w: jnp.dot(x, w), "where": lambda w: jnp.where(x > 0, w, 0.0),
        "einsum": lambda w: jnp.einsum("ij,j->i", x, w), "stack": lambda w: jnp.stack([w, w]), "asarray": jnp.asarray,
    }[name]  # fmt: skip

    class Native(lamina.layers.Layer):
        def build(self, shape):
            self.w = self.add_weight(shape=(2,), initializer="ones")

        def call(self, x):
            return function(self.w)

    layer = Native()
    layer.build((None, 2))
    loss = lambda values: jnp.sum(layer.stateless_call(values, [], x)[0] ** 2)
    plain = lambda value: jnp.sum(function(value) ** 2)
    value = jnp.array([1.0, 3.0])
    np.testing.assert_allclose(framework.grad(loss)([value])[0], framework.grad(plain)(value))
    np.testing.assert_allclose(framework.jit(framework.grad(loss))([value])[0], framework.grad(plain)(value))
    np.testing.assert_allclose(function(layer.w), function(layer.w.value))


def test_variables_stay_leaves_of_jaxs_trees(jax):
    import jax as framework

    v = lamina.Variable([1.0])
    assert framework.tree.leaves([v]) == [v]
    with lamina.backend("torch"):
        ops.convert_to_tensor(v)
        assert framework.numpy.asarray(v).tolist() == [1.0]  # held by another backend


# -- draws whose shape is a tensor --------------------------------------------------------------------------------------


def test_draws_of_a_symbolic_shape(tensorflow):
    import tensorflow as tf

    class Noisy(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1)
            self.seed = lamina.random.SeedGenerator(1)

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            noise = lamina.random.normal(shape=tf.shape(x), seed=self.seed)
            noise += lamina.random.uniform(shape=ops.shape(x), seed=self.seed)
            noise += ops.zeros(tf.shape(x)) + tf.random.normal(tf.shape(x))
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x + 0 * noise, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            return {"loss": loss, "noise": tf.math.reduce_std(noise)}

    model = Noisy()
    model.compile("sgd")
    logs = model.fit(X, Y, batch_size=24, verbose=0).history  # 24 rows, then 8
    assert logs["noise"][0] > 0.5
    assert model.fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(24), verbose=0).history["loss"][0] > 0


def test_keys_of_jax_as_seeds(jax):
    import jax as framework

    draw = lambda key: lamina.random.normal((2,), seed=key)
    for key in (framework.random.key(3), framework.random.PRNGKey(3)):
        np.testing.assert_array_equal(draw(key), framework.jit(draw)(key))
        assert framework.vmap(draw)(framework.random.split(key, 3)).shape == (3, 2)
    with pytest.raises(ValueError, match="A draw without a seed in a function that is traced"):
        framework.jit(lambda: lamina.random.normal((2,)))()
