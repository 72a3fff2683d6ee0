"""Layers of Flax and Equinox, where these libraries are installed, beside the same ones in real Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

jax = pytest.importorskip("jax")
nn = pytest.importorskip("flax.linen")
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Network(nn.Module):
    """Parameters, state that moves in training, and draws."""

    @nn.compact
    def __call__(self, inputs: Any, training: bool) -> Any:
        x = nn.Dense(4)(inputs)
        x = nn.BatchNorm(use_running_average=not training)(x)
        return nn.Dense(1)(nn.Dropout(0.5, deterministic=not training)(x))


class Unlike(nn.Module):
    """A flag of another name, in a method of another name."""

    @nn.compact
    def forward(self, x: Any, deterministic: bool) -> Any:
        return nn.Dropout(0.5)(nn.BatchNorm(use_running_average=deterministic)(x), deterministic)


def forward(module: Any, x: Any, training: bool) -> Any:
    return module.forward(x, not training)


def numbers(x: Any) -> np.ndarray:
    return np.asarray(x)


def both(run: Any) -> tuple[Any, Any]:
    theirs = run(keras)
    with interpreter(backends.load("jax")):
        return theirs, run(lamina)


def test_a_module_gives_what_it_gives_in_keras() -> None:
    def run(K: Any) -> Any:
        layer = K.layers.FlaxLayer(Network(), variables=Network().init(jax.random.PRNGKey(0), X, True))
        before = numbers(layer(X))
        drawn = [numbers(layer(X, training=True)) for _ in range(2)]
        assert not np.array_equal(*drawn)
        trained = sorted((tuple(w.shape), bool(w.trainable)) for w in layer.weights)
        return before, numbers(layer(X, training=False)), trained, len(layer.trainable_variables)

    theirs, ours = both(run)
    assert ours[2:] == theirs[2:]
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_method_of_another_name() -> None:
    def run(K: Any) -> Any:
        layer = K.layers.FlaxLayer(Unlike(), method=forward)
        assert not np.array_equal(layer(X, training=True), layer(X, training=True))
        return [(tuple(w.shape), bool(w.trainable)) for w in layer.weights], numbers(layer(X)).shape

    theirs, ours = both(run)
    assert ours == theirs


def test_training_moves_parameters_and_state() -> None:
    def run(K: Any) -> Any:
        inputs = K.Input((3,))
        model = K.Model(inputs, K.layers.FlaxLayer(Network())(inputs))
        model.compile(K.optimizers.Adam(0.05), "mse")
        before, rows = model.get_weights(), np.tile(X, (16, 1))
        first = model.evaluate(rows, rows[:, :1], verbose=0)
        model.fit(rows, rows[:, :1], epochs=40, verbose=0)
        assert model.evaluate(rows, rows[:, :1], verbose=0) < first
        assert not any(
            np.array_equal(a, b)
            for a, b in zip(before, model.get_weights(), strict=True)
            if a.dtype.kind == "f"
        )
        return model.output_shape, len(model.trainable_variables)

    theirs, ours = both(run)
    assert ours == theirs


def test_what_is_no_module() -> None:
    with interpreter(backends.load("jax")):
        assert set(lamina.layers.FlaxLayer(Network()).get_config()) == {"name", "trainable", "dtype"}
        with pytest.raises(TypeError, match=r"must be a flax.linen.Module.*got 3"):
            lamina.layers.FlaxLayer(3)


def test_a_module_of_nnx_is_a_function_of_its_state() -> None:
    nnx = pytest.importorskip("flax.nnx")
    module = nnx.Linear(3, 2, rngs=nnx.Rngs(0))
    graph, state = nnx.split(module)
    with interpreter(backends.load("jax")):
        with pytest.raises(TypeError, match=r"nnx.split"):
            lamina.layers.FlaxLayer(module)
        layer = lamina.layers.JaxLayer(lambda params, inputs: nnx.merge(graph, params)(inputs), params=state)
        np.testing.assert_allclose(numbers(layer(X)), numbers(module(X)), rtol=1e-6)
        assert len(layer.trainable_variables) == 2


def test_a_module_of_equinox_is_a_tree_of_parameters() -> None:
    eqx = pytest.importorskip("equinox")
    module = eqx.nn.MLP(3, 2, 4, 1, key=jax.random.PRNGKey(0))
    params, rest = eqx.partition(module, eqx.is_array)
    call = lambda params, inputs: jax.vmap(eqx.combine(params, rest))(inputs)
    with interpreter(backends.load("jax")):
        layer = lamina.layers.JaxLayer(call, params=params)
        np.testing.assert_allclose(numbers(layer(X)), numbers(jax.vmap(module)(X)), rtol=1e-6)
        assert len(layer.trainable_variables) == 4
