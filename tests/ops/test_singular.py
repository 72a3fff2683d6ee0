"""Derivatives where a framework's own rule fails: determinants of singular matrices, attention derived twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends, ops
from lamina.kernel.context import interpreter

BACKENDS = [name for name in backends.installed() if name != "numpy"]
SINGULAR = {
    "rank two": [[1.0, 2, 3], [4, 5, 6], [5, 7, 9]],
    "rank one": np.ones((3, 3)),
    "zeros": np.zeros((3, 3)),
    "two rows": [[1.0, 2], [2, 4]],
    "one row": [[0.0]],
    "a regular one beside it": [[[1.0, 2], [2, 4]], [[1.0, 2], [3, 4]]],
    "more": np.diag([1.0, 2, 3, 4, 0]) + np.triu(np.ones((5, 5)), 1),
}


def cofactors(x: np.ndarray) -> np.ndarray:
    """The gradient of the determinant, from its minors."""
    if x.ndim > 2:
        return np.stack([cofactors(part) for part in x])
    minor = lambda i, j: np.delete(np.delete(x, i, 0), j, 1)
    rows = range(len(x))
    return np.array([[(-1) ** (i + j) * np.linalg.det(minor(i, j)) for j in rows] for i in rows])


def numbers(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SINGULAR)
def test_gradient_of_a_determinant_is_the_adjugate(backend: str, name: str) -> None:
    x = np.array(SINGULAR[name], "float32")
    with interpreter(backends.load(backend)):
        value, gradient = lamina.value_and_grad(lambda a: ops.sum(ops.det(a)))(x)
        np.testing.assert_allclose(numbers(value), np.linalg.det(x).sum(), atol=1e-5)
    np.testing.assert_allclose(numbers(gradient), cofactors(x), atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_determinant_of_zeros_has_second_derivatives(backend: str) -> None:
    corner = lambda x: lamina.grad(ops.det)(x)[0, 0]
    with interpreter(backends.load(backend)):
        second = numbers(lamina.grad(corner)(np.array([[1.0, 2], [2, 4]], "float32")))
    np.testing.assert_allclose(second, [[0, 0], [0, 1]], atol=1e-6)


def test_a_determinant_of_a_graph_of_tensorflow() -> None:
    tf = pytest.importorskip("tensorflow")
    x = tf.constant(SINGULAR["rank two"], tf.float32)
    with interpreter(backends.load("tensorflow")):

        @tf.function
        def gradient() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = ops.det(x)
            return tape.gradient(y, x)

        np.testing.assert_allclose(gradient(), cofactors(x.numpy()), atol=1e-4)


@pytest.mark.parametrize(
    "options", [{}, {"is_causal": True}, {"mask": np.tri(3, dtype=bool)[None, None]}], ids=str
)
def test_attention_has_second_derivatives_on_torch(options: dict[str, Any]) -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 2, 4)).astype("float32")
    attend = lambda x: ops.sum(ops.square(ops.dot_product_attention(x, x, x, **options)))
    slope = lambda x: ops.sum(ops.square(lamina.grad(attend)(x)))

    def at(shift: np.ndarray) -> float:
        return float(slope(x + shift))

    with interpreter(backends.load("torch")):
        second = numbers(lamina.grad(slope)(x))
        for place in ((0, 0, 0, 0), (0, 2, 1, 3)):
            shift = np.zeros_like(x)
            shift[place] = 1e-2
            np.testing.assert_allclose(second[place], (at(shift) - at(-shift)) / 2e-2, rtol=2e-2, atol=1e-2)


FLAT = {  # activation -> points where its slope jumps
    "relu": [0.0],
    "relu6": [0.0, 6.0],
    "hard_sigmoid": [-3.0, 3.0],
    "hard_silu": [-3.0, 3.0],
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", FLAT)
def test_saturated_activations_are_flat_at_their_bounds_as_in_keras(name: str, backend: str) -> None:
    import jax
    from oracle import keras

    with interpreter(backends.load(backend)):
        for x in (*FLAT[name], 0.5, 7.0):
            expected = jax.grad(getattr(keras.ops, name))(np.float32(x))
            assert numbers(lamina.grad(getattr(ops, name))(np.float32(x))) == pytest.approx(float(expected))
        limited = lambda x: lamina.activations.relu(x, max_value=2.0)
        assert numbers(lamina.grad(limited)(np.float32(2.0))) == 0
