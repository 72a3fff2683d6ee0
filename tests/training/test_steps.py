"""Steps of the user's own: once for all backends, and in the form that Keras gives them on each."""

import numpy as np
import pytest
from models import data, mlp, same_weights

import lamina

X, Y = data(64)


class Plain(lamina.Model):
    def __init__(self):
        super().__init__()
        self.first = lamina.layers.Dense(6, activation="tanh")
        self.drop = lamina.layers.Dropout(0.25, seed=3)
        self.second = lamina.layers.Dense(1)

    def call(self, x, training=None):
        return self.second(self.drop(self.first(x), training=training))


class Once(Plain):
    def train_step(self, data):
        x, y = data

        def loss():
            return self.compute_loss(x, y, self(x, training=True))

        value, gradients = lamina.value_and_grad(loss, self.trainable_variables)()
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": value, "one": 1.0}

    def test_step(self, data):
        x, y = data
        return {"loss": self.compute_loss(x, y, self(x, training=False))}


class OnJax(Plain):
    def train_step(self, state, data):
        import jax

        trainable, fixed, optimizer, metrics = state
        x, y = data
        pure = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (_, (loss, _, fixed, metrics)), gradients = pure(
            trainable, fixed, metrics, x, y, None, training=True, optimizer_variables=optimizer
        )
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": loss, "one": 1.0}, (trainable, fixed, optimizer, metrics)

    def test_step(self, state, data):
        trainable, fixed, metrics = state
        x, y = data
        predicted, fixed = self.stateless_call(trainable, fixed, x, training=False)
        loss, (trainable, fixed, metrics) = self.stateless_compute_loss(
            trainable, fixed, metrics, x=x, y=y, y_pred=predicted, training=False
        )
        return {"loss": loss}, (trainable, fixed, metrics)

    def predict_step(self, state, data):
        trainable, fixed = state
        return self.stateless_call(trainable, fixed, data)


class OnTensorFlow(Plain):
    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss, "one": 1.0}


class OnTorch(Plain):
    def train_step(self, data):
        import torch

        x, y = data
        self.zero_grad()
        loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        loss.backward()
        variables = list(self.trainable_weights)
        gradients = [v.value.grad for v in variables]
        with torch.no_grad():
            self.optimizer.apply(gradients, variables)
        return {"loss": loss, "one": 1.0}


FORMS = {"jax": OnJax, "tensorflow": OnTensorFlow, "torch": OnTorch}


def trained(cls):
    lamina.utils.set_random_seed(1)
    model = cls()
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(
        X, Y, epochs=2, batch_size=16, verbose=0, validation_data=(X, Y), validation_batch_size=32
    )
    return model, history.history


def test_a_step_that_hands_its_arguments_on():
    """Packages write `train_step(*args)` around the form that Keras has on a backend."""

    class Through(OnJax):
        def train_step(self, *args, **kwargs):
            return OnJax.train_step(self, *args, **kwargs)

        def test_step(self, *args, **kwargs):
            return OnJax.test_step(self, *args, **kwargs)

    with lamina.backend("jax"):
        assert trained(Through)[1] == trained(OnJax)[1]


def test_own_steps_equal_the_usual_one(backend):
    usual, _ = trained(Plain)
    for cls in (Once, FORMS[backend]):
        own, own_logs = trained(cls)
        for a, b in zip(usual.get_weights(), own.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        assert own_logs["one"] == [1.0, 1.0]
        np.testing.assert_allclose(own.predict(X, verbose=0), usual.predict(X, verbose=0), atol=1e-5)
        batches = (batch for batch in [(X[:16], Y[:16])] * 2)
        assert own.fit(batches, verbose=0).history["one"] == [1.0]  # a stream: one step per dispatch


def test_metrics_by_hand_and_compute_loss(backend):
    class Hand(Plain):
        def __init__(self):
            super().__init__()
            self.tracker = lamina.metrics.Mean(name="loss")

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            loss = lamina.ops.mean(lamina.ops.square(y_pred - y)) * 3.0
            self.tracker.update_state(loss)
            return loss

        @property
        def metrics(self):
            return [self.tracker]

    lamina.utils.set_random_seed(1)
    model = Hand()
    model.compile("sgd")
    history = model.fit(X, Y, epochs=3, batch_size=32, verbose=0).history
    assert history["loss"][2] < history["loss"][0]


def test_two_optimizers(backend):
    """As a GAN has them: nobody but the step knows the second one."""

    class Two(lamina.Model):
        def __init__(self):
            super().__init__()
            self.left, self.right = lamina.layers.Dense(1), lamina.layers.Dense(1)

        def compile(self, other):
            super().compile(optimizer="sgd")
            self.other = other

        def train_step(self, data):
            x, y = data
            logs = {}
            for name, layer, optimizer in (("l", self.left, self.optimizer), ("r", self.right, self.other)):
                if not layer.built:
                    layer.build(x.shape)
                forward = lambda layer=layer: lamina.ops.mean(lamina.ops.square(layer(x) - y))  # noqa: E731
                logs[name], gradients = lamina.value_and_grad(forward, layer.trainable_variables)()
                optimizer.apply(gradients, layer.trainable_variables)
            return logs

    model = Two()
    model.left.build((None, 5))
    model.right.build((None, 5))
    model.compile(lamina.optimizers.Adam(0.1))
    history = model.fit(X, Y, epochs=3, batch_size=32, verbose=0).history
    assert history["l"][2] < history["l"][0]
    assert history["r"][2] < history["r"][0]
    assert int(model.other.iterations) == 6


def test_a_call_that_leaves_lamina(backend):
    """Operations of the framework itself inside `call`."""

    class Native(lamina.Model):
        def __init__(self):
            super().__init__()
            self.dense = lamina.layers.Dense(1)

        def call(self, x):
            if lamina.backend.backend() == "jax":
                import jax.numpy as jnp

                x = jnp.sin(x)
            elif lamina.backend.backend() == "torch":
                import torch

                x = torch.sin(x)
            else:
                import tensorflow as tf

                x = tf.sin(x)
            return self.dense(x)

    model = Native()
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).history["loss"][0] > 0
    assert model.predict(X, verbose=0).shape == (64, 1)


def test_a_loop_by_hand(backend):
    """value_and_grad, jit and apply, as in the guide to custom loops."""
    model, optimizer = mlp(), lamina.optimizers.Adam(0.05)
    loss_of = lamina.losses.BinaryCrossentropy()

    def step(x, y):
        loss, gradients = lamina.value_and_grad(
            lambda: loss_of(y, model(x, training=True)), model.trainable_variables
        )()
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    if backend != "torch":  # where compiling takes far longer than ten steps
        step = lamina.jit(step)
    losses = [float(step(X, Y)) for _ in range(10)]
    assert losses[-1] < losses[0]


def test_make_functions(backend):
    one, two = mlp(metrics=["accuracy"]), mlp(metrics=["accuracy"])
    logs = one.make_train_function()(iter([(X, Y)]))
    assert logs == two.train_on_batch(X, Y, return_dict=True)
    assert same_weights(one, two)
    assert one.make_test_function()(iter([(X, Y)])).keys() == {"loss", "accuracy"}
    assert one.make_predict_function()(iter([(X,)])).shape == (64, 1)


def test_stateless_forms():
    import jax
    from oracle import keras

    ours = lamina.Sequential([lamina.Input((5,)), lamina.layers.Dense(1), lamina.layers.BatchNormalization()])
    theirs = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1), keras.layers.BatchNormalization()])
    ours.set_weights(theirs.get_weights())
    found = []
    for model in (ours, theirs):
        model.compile("sgd", "mse")
        model.train_on_batch(X[:8], Y[:8])  # builds everything
        state = (
            [jax.numpy.asarray(np.asarray(v)) for v in model.trainable_variables],
            [jax.numpy.asarray(np.asarray(v)) for v in model.non_trainable_variables],
            [jax.numpy.asarray(np.asarray(v)) for v in model.metrics_variables],
        )
        predicted, fixed = model.stateless_call(*state[:2], X, training=True)
        loss, _ = model.stateless_compute_loss(*state, x=X, y=Y, y_pred=predicted, training=True)
        found.append([np.asarray(predicted), *map(np.asarray, fixed), np.asarray(loss)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_step_must_give_a_dict():
    class Wrong(Plain):
        def train_step(self, data):
            return 1.0

    model = Wrong()
    model.compile("sgd", "mse")
    with lamina.backend("torch"), pytest.raises(TypeError, match="must give a dict"):
        model.fit(X, Y, verbose=0)
