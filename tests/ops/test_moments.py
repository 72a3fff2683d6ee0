"""The variance of `moments` is written so that one of its gradients' terms is a constant; none is lost by that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS

import lamina
from lamina import backends, ops
from lamina.kernel.context import interpreter

X = np.random.default_rng(0).standard_normal((4, 3)).astype("float32") + 5
WEIGHTS = np.arange(1.0, 13.0, dtype="float32").reshape(4, 3)


def derivatives(variance: Any) -> list[np.ndarray]:
    """The first and the second derivatives of a function of the variance of columns."""
    cost = lambda x: ops.sum(variance(x) ** 2)
    first = lamina.grad(cost)
    second = lamina.grad(lambda x: ops.sum(ops.multiply(first(x), WEIGHTS)))
    return [np.asarray(ops.convert_to_numpy(d(ops.convert_to_tensor(X)))) for d in (first, second)]


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "numpy"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_derivatives_are_those_of_the_variance(backend: str, keepdims: bool) -> None:
    with interpreter(backends.load(backend)):
        got = derivatives(lambda x: ops.moments(x, 0, keepdims)[1])
        wanted = derivatives(lambda x: ops.var(x, 0, keepdims=keepdims))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", BACKENDS)
def test_moments_far_from_zero_and_of_complex_numbers(backend: str) -> None:
    far = np.float32([1e4 + 1, 1e4 + 3])
    with interpreter(backends.load(backend)):
        assert float(ops.moments(far, 0)[1]) == 1.0
        assert float(ops.moments(np.complex64([1 + 1j, 2 - 1j]), 0)[1]) == 1.25
