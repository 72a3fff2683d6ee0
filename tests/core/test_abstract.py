"""Layers whose `call` leaves lamina.ops: their shapes are found by the framework, on every backend."""

import importlib

import numpy as np
import pytest

import lamina
from lamina import backends, layers, ops
from lamina.kernel.context import interpreter

MODULES = {"jax": "jax.numpy", "torch": "torch", "tensorflow": "tensorflow"}
X = np.linspace(0, 1, 8, dtype="float32").reshape(2, 4)


@pytest.fixture(params=list(MODULES))
def framework(request):
    module = importlib.import_module(MODULES[request.param])
    with interpreter(backends.load(request.param)):
        yield module


class Native(layers.Layer):
    """Weights, a layer inside, and a structure of outputs, by the framework's own functions."""

    def __init__(self, framework):
        super().__init__()
        self.framework = framework
        self.inner = layers.Dense(5)

    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        y = self.framework.sin(x) * self.factor.value
        return {"wide": self.inner(y), "more": (y, self.framework.cos(x))}


def test_functional_model(framework):
    x = lamina.Input((4,))
    out = Native(framework)(x)
    assert out["wide"].shape == (None, 5)
    assert [t.shape for t in out["more"]] == [(None, 4)] * 2
    model = lamina.Model(x, out)
    assert [w.shape for w in model.weights] == [(4,), (4, 5), (5,)]
    np.testing.assert_allclose(model.predict(X, verbose=0)["more"][0], np.sin(X), rtol=1e-5)


def test_inside_other_layers(framework):
    """What stands behind a layer with native code is built with an unknown batch size all the same."""

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.native, self.last = Native(framework), layers.Dense(3)

        def call(self, x):
            return self.last(framework.sin(self.native(x)["wide"]))

    outer = Outer()
    assert outer(lamina.Input((4,))).shape == (None, 3)
    assert outer.last.get_build_config() == {"input_shape": (None, 5)}
    model = lamina.Sequential([Outer(), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = len(model.weights)
    model.fit(X, X[:, :1], verbose=0)
    assert before == 0
    assert len(model.weights) == 7


def test_subclass_is_built(framework):
    class Own(lamina.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(3), layers.Dense(1)

        def call(self, x):
            return self.b(framework.sin(self.a(x)))

    model = Own()
    model.build((None, 4))
    assert [w.shape for w in model.weights] == [(4, 3), (3,), (3, 1), (1,)]


def test_lambda(framework):
    x = lamina.Input((None, 4))
    assert layers.Lambda(lambda t: framework.sin(t))(x).shape == (None, None, 4)
    assert layers.Lambda(lambda t: framework.reshape(t, (-1, 2)))(x).shape == (None, 2)
    assert layers.Lambda(lambda t: np.sqrt(np.asarray(t)))(x).shape == (None, None, 4)
    assert layers.Lambda(lambda t: framework.sin(t), output_shape=(7, 7))(x).shape == (None, 7, 7)


def test_values_looked_at(framework):
    class Choosing(layers.Layer):
        def call(self, x):
            return ops.concatenate([x, x], -1) if float(ops.mean(x)) > 0 else x

    assert Choosing()(lamina.Input((4,))).shape == (None, 8)


@pytest.mark.parametrize("wrong", ["x.shap", "ops.sinn(x)", "framework.sinn(x)"])
def test_misspelt(framework, wrong):
    function = eval(f"lambda x: {wrong}", {"ops": ops, "framework": framework})  # noqa: S307
    with pytest.raises(AttributeError, match=r"shap|sinn"):
        layers.Lambda(function)(lamina.Input((4,)))


def test_own_shape_function_that_asks_its_base_class(framework):
    class Asking(layers.Layer):
        def call(self, x):
            return framework.sin(x)

        def compute_output_shape(self, input_shape):
            return (*super().compute_output_shape(input_shape)[:-1], 9)

    assert Asking()(lamina.Input((4,))).shape == (None, 9)


def test_errors_are_the_first_ones(framework):
    class Failing(layers.Layer):
        def call(self, x):
            raise ValueError("the user's own words")

    with pytest.raises(ValueError, match="the user's own words"):
        Failing()(lamina.Input((4,)))
    with pytest.raises(ValueError, match=r"do not multiply|inner"):
        layers.Lambda(lambda x: ops.matmul(x, ops.ones((3, 2))))(lamina.Input((4,)))


def test_torch_functions_on_weights_train():
    import torch

    with interpreter(backends.load("torch")):

        class Own(layers.Layer):
            def build(self, input_shape):
                self.w = self.add_weight(shape=(4, 1), name="w")
                self.a = layers.Dense(4, activation=torch.nn.functional.silu)

            def call(self, x):
                return torch.mul(torch.matmul(torch.relu(self.a(x)), self.w.value), 2.0)

        model = lamina.Sequential([Own()])
        model.compile("sgd", "mse")
        first = model.fit(X, X[:, :1] + 1, verbose=0).history["loss"][0]
        before = [w.numpy() for w in model.weights]
        assert first > 0
        assert model.fit(X, X[:, :1] + 1, verbose=0).history["loss"][0] != first
        assert any(not np.array_equal(a, w.numpy()) for a, w in zip(before, model.weights, strict=True))
