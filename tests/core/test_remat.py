"""Rematerialization: which calls are computed again, and that nothing but memory tells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends, layers, ops
from lamina.core.masks import get_mask, set_mask
from lamina.kernel.context import current, interpreter

X = np.arange(8, dtype="float32").reshape(2, 4) / 8


@pytest.fixture(autouse=True)
def eager() -> Any:
    with interpreter(backends.load("torch")):
        yield


@pytest.fixture
def counted(monkeypatch: Any) -> list[int]:
    """One entry for each piece that is to be computed again."""
    kernel, pieces = current(), []
    plain = kernel.remat
    monkeypatch.setattr(kernel, "remat", lambda f: (pieces.append(1), plain(f))[1])
    return pieces


def gradients(layer: Any, x: Any, **kwargs: Any) -> list[np.ndarray]:
    loss = lambda: ops.sum(ops.square(layer(x, **kwargs)))
    _, found = lamina.value_and_grad(loss, layer.trainable_variables)()
    return [np.asarray(ops.convert_to_numpy(g)) for g in found]


def test_a_layer_keeps_the_scope_it_was_made_in(counted: list[int]) -> None:
    with lamina.RematScope():
        layer = layers.Dense(3, activation="tanh")
    other = layers.Dense(3, activation="tanh")
    x = ops.convert_to_tensor(X)
    for _ in range(3):
        layer(x)
        other(x)
    assert len(counted) == 3


def test_a_scope_that_is_open_at_the_call_goes_for_layers_seen_before(counted: list[int]) -> None:
    layer, x = layers.Dense(3), ops.convert_to_tensor(X)
    for _ in range(2):
        layer(x)
    with lamina.RematScope():
        for _ in range(3):
            layer(x)
        with lamina.RematScope(None):
            layer(x)
    layer(x)
    assert len(counted) == 3


def test_the_innermost_open_scope_wins_over_the_one_of_the_layer(counted: list[int]) -> None:
    with lamina.RematScope():
        layer = layers.Dense(3)
    with lamina.RematScope(None):
        layer(X)
    assert counted == []


@pytest.mark.parametrize("when", ["made", "called", "model made of old layers"])
def test_a_model_gives_up_the_results_of_its_layers_one_by_one(when: str, counted: list[int]) -> None:
    x = ops.convert_to_tensor(X)
    with lamina.RematScope("full" if when == "made" else None):
        parts = [layers.Dense(3), layers.Dense(2), layers.Dense(1)]
    with lamina.RematScope("full" if when.startswith("model") else None):
        model = lamina.Sequential(parts)
    with lamina.RematScope() if when == "called" else lamina.name_scope("nothing"):
        for _ in range(3):
            model(x)
    assert len(counted) == 3 * 3


def test_a_layer_made_of_others_is_one_piece(counted: list[int]) -> None:
    x = ops.ones((2, 3, 4))
    with lamina.RematScope():
        attention, rnn = layers.MultiHeadAttention(2, 2), layers.Bidirectional(layers.LSTM(3))
    attention(x, x)
    rnn(x)
    assert len(counted) == 2


@pytest.mark.parametrize(
    ("scope", "pieces"),
    [
        (("full",), 3),
        (("activations",), 1),
        (("larger_than", 9), 1),
        (("larger_than", 10), 0),
        (("list_of_layers", 0, ["second", "no such"]), 1),
        ((None,), 0),
    ],
)
def test_modes(scope: tuple, pieces: int, counted: list[int]) -> None:
    model = lamina.Sequential([layers.Dense(5), layers.ReLU(), layers.Dense(1, name="second")])
    model.layers[1].name = "relu"
    model(X)
    with lamina.RematScope(*scope):
        model(X)
    assert len(counted) == (
        pieces if scope != ("larger_than", 9) else 2
    )  # Dense(5) and its ReLU have ten each


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match=r"Unknown remat mode 'all'\. Use one of 'full', 'activations'"):
        lamina.RematScope("all")


def test_a_call_runs_again_for_the_gradient() -> None:
    runs = []

    class Counted(layers.Layer):
        def call(self, x: Any) -> Any:
            runs.append(1)
            return ops.exp(x)

    with lamina.RematScope():
        layer = Counted()
    model = lamina.Sequential([layers.Dense(3), layer])
    model(X)
    runs.clear()
    gradients(model, X)
    assert len(runs) == 2


@pytest.mark.parametrize(
    "name",
    [
        "torch",
        pytest.param("jax", marks=pytest.mark.slow),
        pytest.param("tensorflow", marks=pytest.mark.slow),
    ],
)
def test_gradients_and_state_are_those_without_it(name: str) -> None:
    """Also of what draws random numbers, keeps averages, adds losses or is made of other layers."""

    def run(scope: Any) -> Any:
        lamina.utils.set_random_seed(3)
        with scope:
            model = lamina.Sequential(
                [
                    layers.Dense(6, activity_regularizer="l2"),
                    layers.BatchNormalization(),
                    layers.Dropout(0.5),
                    layers.Reshape((3, 2)),
                    layers.GRU(4, dropout=0.3, return_sequences=True),
                    layers.Dense(1),
                ]
            )
        model.build((None, 4))
        step = (
            lamina.jit(lambda x: gradients_of(model, x))
            if name == "jax"
            else lambda x: gradients_of(model, x)
        )
        found = [step(ops.convert_to_tensor(X)) for _ in range(2)]
        return [ops.convert_to_numpy(g) for g in found[1]], model.get_weights()

    def gradients_of(model: Any, x: Any) -> Any:
        def loss() -> Any:
            out = ops.sum(ops.square(model(x, training=True)))
            return out + sum(model.losses)

        return lamina.value_and_grad(loss, model.trainable_variables)()[1]

    with interpreter(backends.load(name)):
        plain, again = run(lamina.RematScope(None)), run(lamina.RematScope())
    for a, b in zip(plain[0] + plain[1], again[0] + again[1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_random_numbers_of_the_global_stream_are_drawn_once() -> None:
    class Noisy(layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight((), "ones")

        def call(self, x: Any) -> Any:
            return x * self.scale * lamina.random.normal((2, 4))

    def run(mode: str | None) -> list[np.ndarray]:
        lamina.utils.set_random_seed(5)
        with lamina.RematScope(mode):
            layer = Noisy()
        layer(X)
        return gradients(layer, X)

    np.testing.assert_allclose(run("full"), run(None), rtol=1e-6)


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_masks_go_in_and_come_out(name: str) -> None:
    seen = []

    class Reader(layers.Layer):
        supports_masking = True

        def call(self, x: Any, mask: Any = None) -> Any:
            seen.append(mask is not None)
            return x * 2

    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.inner = Reader()

        def call(self, x: Any) -> Any:
            return self.inner(x)

    with interpreter(backends.load(name)):
        x = ops.ones((2, 3, 4))
        set_mask(x, ops.convert_to_tensor(np.array([[1, 1, 0], [1, 0, 0]], bool)))
        with lamina.RematScope():
            block = Block()
        block.supports_masking = True
        assert get_mask(block(x)) is not None
        assert seen == [True]


def test_structures_come_out_as_they_are() -> None:
    class Several(layers.Layer):
        def call(self, inputs: Any, factor: float = 1.0, extra: Any = None) -> Any:
            return {"b": inputs["b"] * factor, "a": (inputs["a"], None, "text"), "c": extra}

    with lamina.RematScope():
        layer = Several()
    given = {"a": ops.ones(2), "b": ops.zeros(3)}
    found = layer(given, factor=2.0, extra=ops.ones(5))
    assert list(found) == ["b", "a", "c"]
    assert [tuple(x.shape) for x in (found["a"][0], found["b"], found["c"])] == [(2,), (3,), (5,)]
    assert found["a"][1:] == (None, "text")
