"""What the catalogues of cases cannot say: looking at tensors, `vectorize`, names in files, wide floats."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import warnings
from typing import Any

import numpy as np
import pytest
from case import Case
from test_ops import NAMES, arrays, first_of_each, flat, function

import lamina
from lamina import backends, ops
from lamina.kernel.context import interpreter


@pytest.fixture(params=NAMES)
def kernel(request: pytest.FixtureRequest) -> Any:
    k = backends.load(request.param)
    with interpreter(k):
        yield k


def test_looking_at_tensors(kernel: Any) -> None:
    x = ops.zeros((2, 0, 3), "float16")
    assert (ops.shape(x), ops.ndim(x), ops.size(x), ops.dtype(x)) == ((2, 0, 3), 3, 0, "float16")
    assert (ops.shape(1.5), ops.ndim([1]), ops.size([[1, 2]]), ops.dtype(True)) == ((), 1, 2, "bool")
    assert ops.is_tensor(x)
    assert not ops.is_tensor([0.0])
    assert isinstance(ops.convert_to_numpy(x), np.ndarray)


def test_looking_at_symbolic_tensors() -> None:
    x = lamina.Input((3,), dtype="int32")
    assert (ops.shape(x), ops.ndim(x), ops.size(x), ops.dtype(x)) == ((None, 3), 2, None, "int32")
    assert ops.is_tensor(x)
    assert tuple(ops.reshape(x, (ops.shape(x)[0], 3, 1)).shape) == (None, 3, 1)


def test_python_numbers_are_32_bits_wide(kernel: Any) -> None:
    assert [ops.dtype(v) for v in (1, 1.0, [1, 2], [1.0], True)] == [
        "int32",
        "float32",
        "int32",
        "float32",
        "bool",
    ]


def test_nested_sequences_may_hold_tensors(kernel: Any) -> None:
    x = ops.convert_to_tensor([ops.ones(2), [3, 4]])
    assert ops.dtype(x) == "float32"
    assert ops.convert_to_numpy(x).tolist() == [[1.0, 1.0], [3.0, 4.0]]


def test_numbers_of_numpy_keep_their_value(kernel: Any) -> None:
    """`np.float64` is a float, `np.complex128` a complex number, of Python's classes."""
    for number, kind in ((np.float64(2.5), "float"), (np.complex128(1 + 2j), "complex")):
        x = ops.convert_to_tensor(number)
        assert ops.dtype(x).startswith(kind)
        assert ops.convert_to_numpy(x).item() == number


def test_numpy_comes_back_as_it_is(kernel: Any) -> None:
    """Also where no tensor could hold it: wide numbers, text."""
    wide = np.array([1 / 3, 2**40 + 0.5])
    back = ops.convert_to_numpy(wide)
    assert (back.dtype, back.tolist()) == ("float64", wide.tolist())
    assert back is not wide
    for text in (np.array(["a", "b"]), ["a", "b"], np.array([None, "a"])):
        assert ops.convert_to_numpy(text).tolist() == list(text)


def test_a_loop_may_end_at_a_number_in_a_tensor(kernel: Any) -> None:
    """Also at one that only the run knows, as where text is generated."""
    for most, wanted in ((3, 3), (9, 5)):
        loop = lambda m: ops.while_loop(lambda i: i < 5, lambda i: i + 1, 0, maximum_iterations=m)
        assert int(loop(ops.convert_to_tensor(most))) == wanted
        if kernel.functional:
            assert int(kernel.jit(loop)(ops.convert_to_tensor(most))) == wanted


def test_vectorize(kernel: Any) -> None:
    x, y = np.arange(3.0, dtype="float32"), np.ones((2, 1), "float32")
    number = lambda f, *args: ops.convert_to_numpy(f(*args)).tolist()  # noqa: E731
    assert number(ops.vectorize(lambda a, b: a + b), x, y) == [[1.0, 2.0, 3.0]] * 2
    inner = ops.vectorize(lambda a, b: ops.sum(a * b), signature="(n),(n)->()")
    assert number(inner, np.ones((4, 2, 3), "float32"), x) == [[3.0, 3.0]] * 4
    scaled = ops.vectorize(lambda a, n: a * n, excluded=[1])
    assert number(scaled, x, 2) == [0.0, 2.0, 4.0]
    with pytest.raises(ValueError, match="axis 'n' has sizes 3 and 2"):
        inner(x, np.ones(2, "float32"))
    with pytest.raises(ValueError, match="cannot read the signature"):
        ops.vectorize(lambda a: a, signature="n->n")


def test_float64_is_computed_in_float64() -> None:
    x = np.linspace(0.1, 30.0, 50)
    right = {
        "i0": np.i0(x),
        "cbrt": np.cbrt(x),
        "sinc": np.sinc(x),
        "exp2": np.exp2(x),
        "logaddexp2": np.logaddexp2(x, x),
    }
    with interpreter(backends.load("numpy")):
        for name, wanted in right.items():
            found = getattr(ops, name)(*[x] * (2 if name == "logaddexp2" else 1))
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(ops.quantile(x, 0.3), np.quantile(x, 0.3), rtol=1e-10)
        np.testing.assert_allclose(ops.corrcoef(x.reshape(2, 25)), np.corrcoef(x.reshape(2, 25)), rtol=1e-10)


@pytest.mark.parametrize(
    "case", [c for c in first_of_each() if hasattr(function(c), "op")], ids=lambda c: c.name
)
def test_class_names_are_those_of_keras(case: Case) -> None:
    """The name and module under which a call stands in a file."""
    import keras

    given, build = arrays(case)
    if not given:
        return
    args, kwargs = build([keras.KerasTensor(a.shape, a.dtype.name) for a in given])
    found: Any = keras.ops
    for part in case.name.split("."):
        found = getattr(found, part)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outs = [y for y in flat(found(*args, **kwargs)) if isinstance(y, keras.KerasTensor)]
    except Exception as error:
        pytest.skip(f"Keras does not take it as a symbolic tensor: {error}")
    history = [h for y in outs if (h := getattr(y, "_keras_history", None)) is not None]
    if not history:
        return
    operation, op = type(history[0].operation), function(case).op
    assert (op.class_name, op.keras_module) == (operation.__name__, operation.__module__)
