"""Sparse tensors: taken as dense ones by whatever computes, and given where a backend has a kind of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends, layers, ops
from lamina.kernel.context import interpreter
from lamina.kernel.interpreter import Interpreter

X = np.array([[1.0, 0, 2], [0, 3, 0], [0, 0, 0], [4, 0, 0]], "float32")
Y = np.arange(4, dtype="float32")[:, None]


def bcoo(x: Any) -> Any:
    from jax.experimental.sparse import BCOO

    return BCOO.fromdense(np.asarray(x))


def sparse_tensor(x: Any) -> Any:
    return pytest.importorskip("tensorflow").sparse.from_dense(x)


def scipy_matrix(x: Any) -> Any:
    return pytest.importorskip("scipy.sparse").csr_matrix(x)


KINDS: dict[str, Callable[[Any], Any]] = {"jax": bcoo, "tensorflow": sparse_tensor, "scipy": scipy_matrix}
OWN = {"jax": bcoo, "tensorflow": sparse_tensor}


def numbers(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def model(**options: Any) -> Any:
    inputs = lamina.Input((3,), **options)
    made = lamina.Model(inputs, layers.Dense(1, kernel_initializer="ones")(inputs))
    made.compile(lamina.optimizers.SGD(0.01), "mse")
    return made


@pytest.mark.parametrize("backend", backends.installed())
@pytest.mark.parametrize("kind", KINDS)
def test_operations_and_layers_take_them(backend: str, kind: str) -> None:
    sparse = KINDS[kind](X)
    with interpreter(backends.load(backend)):
        assert np.array_equal(numbers(sparse), X)
        assert np.array_equal(numbers(ops.convert_to_tensor(sparse, sparse=False)), X)
        assert np.array_equal(numbers(ops.add(sparse, X)), X + X)
        assert np.array_equal(numbers(ops.matmul(sparse, X.T)), X @ X.T)
        dense = layers.Dense(2, kernel_initializer="ones")
        assert np.array_equal(numbers(dense(sparse)), X @ np.ones((3, 2), "float32"))
        assert np.array_equal(numbers(layers.Maximum()([sparse, 1 - X])), np.maximum(X, 1 - X))
        rows = layers.Embedding(5, 2)(KINDS[kind](X.astype("int32")))
        assert ops.shape(rows) == (4, 3, 2)


class Half(Interpreter):
    """Something derived, with a name of its own."""

    name = "half"


@pytest.mark.parametrize("backend", OWN)
def test_an_interpreter_on_top_of_a_backend_has_its_sparse_tensors(backend: str) -> None:
    k = Half(backends.load(backend))
    assert k.sparse.offered()
    assert not backends.load("torch").sparse.offered()
    with interpreter(k):
        assert ops.is_tensor(OWN[backend](X))
        assert type(RESULTS["one_hot"](True)) is type(OWN[backend](X))
        assert np.array_equal(numbers(ops.add(OWN[backend](X), X)), X + X)


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy", "tensorflow"])
def test_a_gradient_by_rows_is_a_dense_one(backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    rows = tf.IndexedSlices(tf.constant([[1.0, 2], [3, 4]]), tf.constant([2, 0]), tf.constant([3, 2]))
    with interpreter(backends.load(backend)):
        assert np.array_equal(numbers(ops.add(rows, 0.0)), [[3, 4], [0, 0], [1, 2]])
        assert not backends.load(backend).sparse.holds(rows)


@pytest.mark.parametrize("backend", OWN)
def test_the_backends_own_kind_is_a_tensor(backend: str) -> None:
    sparse = OWN[backend](X)
    with interpreter(backends.load(backend)):
        assert ops.is_tensor(sparse)
        for wanted in (None, True):
            assert ops.convert_to_tensor(sparse, sparse=wanted) is sparse
        assert type(ops.convert_to_tensor(sparse, dtype="int32")) is type(sparse)
        assert type(ops.convert_to_tensor(X, sparse=True)) is type(ops.ones(2))  # as in Keras


RESULTS: dict[str, Callable[[bool], Any]] = {
    "one_hot": lambda sparse: ops.one_hot([1, 0], 3, sparse=sparse),
    "multi_hot": lambda sparse: ops.multi_hot([[1, 0]], 3, sparse=sparse),
    "bincount": lambda sparse: ops.bincount([[1, 0, 1]], sparse=sparse),
    "CategoryEncoding": lambda sparse: layers.CategoryEncoding(3, sparse=sparse)([[1, 0]]),
    "Discretization": lambda sparse: layers.Discretization([1.0], output_mode="one_hot", sparse=sparse)([0.5, 2.0]),
    "Hashing": lambda sparse: layers.Hashing(3, output_mode="count", sparse=sparse)(["a", "b"]),
    "HashedCrossing": lambda sparse: layers.HashedCrossing(3, "one_hot", sparse)((["a"], ["b"])),
    "StringLookup": lambda sparse: layers.StringLookup(vocabulary=["a"], output_mode="multi_hot", sparse=sparse)([["a"]]),
    "IntegerLookup": lambda sparse: layers.IntegerLookup(vocabulary=[4], output_mode="count", sparse=sparse)([[4, 4]]),
    "TextVectorization": lambda sparse: layers.TextVectorization(vocabulary=["a"], output_mode="count", sparse=sparse)(["a b"]),
}  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_results_are_sparse_where_the_backend_has_such_tensors(name: str) -> None:
    for backend, make in OWN.items():
        with interpreter(backends.load(backend)):
            dense, sparse = RESULTS[name](False), RESULTS[name](True)
            assert type(sparse) is type(make(X))
            assert np.array_equal(numbers(sparse), numbers(dense))
    for backend in ("torch", "numpy"):
        with (
            interpreter(backends.load(backend)),
            pytest.raises(
                ValueError, match=rf"^{name}: `sparse=True` is not supported with the {backend} backend"
            ),
        ):
            RESULTS[name](True)


def test_class_numbers_are_not_sparse() -> None:
    with interpreter(backends.load("jax")), pytest.raises(ValueError, match="is for vectors"):
        layers.Hashing(3, sparse=True)


@pytest.mark.parametrize("backend", OWN)
def test_a_sparse_input_of_a_model(backend: str) -> None:
    with interpreter(backends.load(backend)):
        inputs = lamina.Input((3,), sparse=True)
        assert inputs.sparse
        made = model(sparse=True)
        assert made.layers[0].sparse
        again = lamina.Model.from_config(made.get_config())
        assert again.layers[0].get_config()["sparse"] is True
        for make in KINDS.values():
            assert np.array_equal(numbers(made(make(X))), X.sum(1, keepdims=True))
        encoded = layers.CategoryEncoding(3, sparse=True)(lamina.Input((2,), dtype="int32"))
        assert encoded.sparse
        assert not layers.Dense(1)(encoded).sparse


def test_inputs_that_are_refused() -> None:
    for backend in ("torch", "numpy"):
        with (
            interpreter(backends.load(backend)),
            pytest.raises(ValueError, match=f"not supported with the {backend}"),
        ):
            lamina.Input((3,), sparse=True)
    with pytest.raises(ValueError, match="Pad the rows"):
        lamina.Input((None,), ragged=True)
    with pytest.raises(ValueError, match="sparse and ragged at once"):
        lamina.KerasTensor((2,), sparse=True, ragged=True)
    with pytest.raises(ValueError, match="ragged tensors are not supported"):
        ops.convert_to_tensor(X, ragged=True)


@pytest.mark.parametrize("backend", ["jax", "torch", "tensorflow"])
def test_ragged_tensors_say_what_to_do(backend: str) -> None:
    rows = pytest.importorskip("tensorflow").ragged.constant([[1.0], [2.0, 3.0]])
    with (
        interpreter(backends.load(backend)),
        pytest.raises(ValueError, match=r"Pad the rows with `x.to_tensor\(\)`"),
    ):
        layers.ReLU()(rows)


QUICK = (
    ("jax", "jax"),
    ("tensorflow", "tensorflow"),
    ("torch", "scipy"),
    ("torch", "jax"),
    ("torch", "tensorflow"),
)


@pytest.mark.parametrize(
    ("kind", "backend"),
    [
        pytest.param(kind, backend, marks=[] if (backend, kind) in QUICK else [pytest.mark.slow])
        for kind in KINDS
        for backend in ("jax", "torch", "tensorflow")
    ],
)
def test_training_on_them(backend: str, kind: str) -> None:
    make = KINDS[kind]

    def batches(make: Callable[[Any], Any]) -> Any:
        yield make(X[:2]), Y[:2]
        yield make(X[2:]), Y[2:]

    seen = []
    with interpreter(backends.load(backend)):
        for x, source in ((X, batches(lambda x: x)), (make(X), batches(make))):
            made = model()
            made.fit(x, Y, batch_size=2, shuffle=False, verbose=0)
            made.fit(source, verbose=0)
            seen.append((made.get_weights(), made.evaluate(x, Y, verbose=0), made.predict(x, verbose=0)))
    for a, b in zip(*[[*weights, loss, out] for weights, loss, out in seen], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_data_set_of_sparse_tensors() -> None:
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((sparse_tensor(X), Y)).batch(2)
    for backend in ("jax", "torch", "tensorflow"):
        with interpreter(backends.load(backend)):
            made, other = model(), model()
            made.fit(data, verbose=0)
            other.fit(X, Y, batch_size=2, shuffle=False, verbose=0)
            assert np.allclose(made.get_weights()[0], other.get_weights()[0])
