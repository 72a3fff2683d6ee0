"""Draws: shapes, dtypes, moments, repeatability, and the stream that is the same on all backends."""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lamina import backends, config, random
from lamina.kernel import shapes
from lamina.kernel.context import interpreter
from lamina.kernel.shapes.spec import Spec

NAMES = backends.installed()
COUNT = 20000

# how to draw, the mean, the deviation
MOMENTS = {
    "uniform": (lambda seed: random.uniform((COUNT,), -1.0, 3.0, seed=seed), 1.0, 4 / 12**0.5),
    "normal": (lambda seed: random.normal((COUNT,), 2.0, 0.5, seed=seed), 2.0, 0.5),
    "truncated": (lambda seed: random.truncated_normal((COUNT,), seed=seed), 0.0, 0.8796),
    "randint": (lambda seed: random.randint((COUNT,), 0, 10, seed=seed), 4.5, 2.872),
    "gamma below 1": (lambda seed: random.gamma((COUNT,), 0.5, seed=seed), 0.5, 0.5**0.5),
    "gamma above 1": (lambda seed: random.gamma((COUNT,), 3.0, seed=seed), 3.0, 3.0**0.5),
    "beta": (lambda seed: random.beta((COUNT,), 2.0, 5.0, seed=seed), 2 / 7, (10 / 392) ** 0.5),
    "binomial": (lambda seed: random.binomial((COUNT,), 10, 0.3, seed=seed), 3.0, 2.1**0.5),
    "categorical": (lambda seed: random.categorical(np.log([[0.2, 0.8]]), COUNT, seed=seed), 0.8, 0.4),
    "dropout": (lambda seed: random.dropout(np.ones(COUNT, "float32"), 0.2, seed=seed), 1.0, 0.5),
    "shuffle": (
        lambda seed: random.shuffle(np.linspace(0, 1, COUNT).astype("float32"), seed=seed),
        0.5,
        12**-0.5,
    ),
}


@pytest.fixture(params=NAMES)
def kernel(request: pytest.FixtureRequest) -> Any:
    found = backends.load(request.param)
    with interpreter(found):
        yield found


@pytest.fixture
def portable() -> Iterator[None]:
    config.set_portable_random(True)
    yield
    config.set_portable_random(False)


def check_moments(k: Any, name: str) -> None:
    draw, mean, deviation = MOMENTS[name]
    x = k.to_numpy(draw(5)).astype("float64")
    assert abs(x.mean() - mean) < 5 * deviation / COUNT**0.5
    assert abs(x.std() / deviation - 1) < 0.05
    np.testing.assert_array_equal(x, k.to_numpy(draw(5)))
    assert (x != k.to_numpy(draw(6))).any()


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_and_repetition(kernel: Any, name: str) -> None:
    check_moments(kernel, name)


@pytest.mark.parametrize("name", [name for name in MOMENTS if name != "binomial"])
def test_portable_draws_are_the_same_everywhere(portable: None, name: str) -> None:
    draws = []
    for backend in NAMES:
        k = backends.load(backend)
        with interpreter(k):
            draws.append(k.to_numpy(MOMENTS[name][0](5)))
    with interpreter(backends.load("numpy")):
        check_moments(backends.load("numpy"), name)
    for other in draws[1:]:
        # logarithms differ in the last digit, and a rejection may turn on it
        assert (np.abs(other - draws[0]) > 1e-4).mean() < 1e-3


def test_portable_binomial_says_so(portable: None) -> None:
    with pytest.raises(NotImplementedError, match="no portable form"):
        random.binomial((2,), 3, 0.5, seed=1)


def test_a_generator_moves_on(kernel: Any) -> None:
    seeds = random.SeedGenerator(3)
    first, second = random.normal((4,), seed=seeds), random.normal((4,), seed=seeds)
    assert (kernel.to_numpy(first) != kernel.to_numpy(second)).all()
    again = random.SeedGenerator(3)
    np.testing.assert_array_equal(kernel.to_numpy(first), kernel.to_numpy(random.normal((4,), seed=again)))


def test_shapes_and_dtypes(kernel: Any) -> None:
    assert kernel.dtype(random.uniform((2,), dtype="bfloat16", seed=1)) == "bfloat16"
    assert kernel.dtype(random.randint((2,), 0, 5, dtype="uint8", seed=1)) == "uint8"
    assert tuple(random.categorical(np.zeros((3, 4), "float32"), 5, seed=1).shape) == (3, 5)
    x = kernel.to_numpy(random.dropout(np.ones((4, 50), "float32"), 0.5, (None, 1), seed=1))
    assert (x == x[:, :1]).all()
    assert not kernel.to_numpy(random.dropout(np.ones(3, "float32"), 1.0, seed=1)).any()
    permuted = kernel.to_numpy(random.shuffle(np.arange(12).reshape(3, 4), axis=1, seed=2))
    assert (np.sort(permuted, 1) == np.arange(12).reshape(3, 4)).all()
    assert tuple(random.normal((0, 3), seed=1).shape) == (0, 3)


@pytest.mark.parametrize("flag", [False, True])
def test_shapes_are_inferred(flag: bool) -> None:
    config.set_portable_random(flag)
    try:
        with interpreter(shapes):
            assert random.normal((2, 3), seed=1).shape == (2, 3)
            assert random.gamma((4,), 0.5, seed=1).shape == (4,)
            assert random.dropout(Spec((2, 3), "float32"), 0.5, seed=1).shape == (2, 3)
            assert random.shuffle(Spec((5, 2), "int32"), seed=1).shape == (5, 2)
            assert random.categorical(Spec((5, 2), "float32"), 7, seed=1).shape == (5, 7)
    finally:
        config.set_portable_random(False)
