"""Draws on the CPU are those of `jax.random` itself, bit for bit."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from lamina import backends

jax = pytest.importorskip("jax")
backends.load("jax")

DRAWS = {
    "uniform": lambda key, shape: jax.random.uniform(key, shape),
    "half": lambda key, shape: jax.random.uniform(key, shape, "float16"),
    "normal": lambda key, shape: jax.random.normal(key, shape),
    "truncated": lambda key, shape: jax.random.truncated_normal(key, -2, 2, shape),
    "integers": lambda key, shape: jax.random.randint(key, shape, -3, 17),
    "gamma": lambda key, shape: jax.random.gamma(key, 2.0, shape),
    "binomial": lambda key, shape: jax.random.binomial(key, 7.0, 0.3, shape),
    "permutation": lambda key, shape: jax.random.permutation(key, 9),
}


@pytest.fixture(scope="module")
def key():
    """From a seed to our key, and to JAX's."""
    random = import_module("lamina.backends.jax.random")
    seed = np.array([3, 4_000_000_000], np.uint32)
    return random._key(seed), jax.random.wrap_key_data(seed, impl="threefry2x32")


SHAPES = [(), (1,), (0, 3), (5, 7), (300, 11)]
LONG_TO_COMPILE = {"gamma", "binomial"}


def _slow(name, shape):
    return shape == (1,) or (name in LONG_TO_COMPILE and shape != (5, 7))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param(n, s, marks=[pytest.mark.slow] * _slow(n, s), id=f"{n}-{s}")
        for n in DRAWS
        for s in SHAPES
    ],
)
def test_draws_are_those_of_jax(key, name, shape):
    ours, theirs = key
    draw = DRAWS[name]
    expected = np.asarray(draw(theirs, shape))
    np.testing.assert_array_equal(np.asarray(draw(ours, shape)), expected)
    np.testing.assert_array_equal(np.asarray(jax.jit(draw, static_argnums=1)(ours, shape)), expected)


def test_bits_of_every_width_and_of_many_keys(key):
    ours, theirs = key
    for dtype in ("uint8", "uint16", "uint32"):
        expected = np.asarray(jax.random.bits(theirs, (4, 5), dtype))
        np.testing.assert_array_equal(np.asarray(jax.random.bits(ours, (4, 5), dtype)), expected)
    seeds = np.arange(12, dtype=np.uint32).reshape(6, 2)

    def one(impl):
        return lambda seed: jax.random.bits(jax.random.wrap_key_data(seed, impl=impl), (7,))

    mapped = jax.vmap(one(jax.random.key_impl(ours)))(seeds)
    np.testing.assert_array_equal(np.asarray(mapped), np.asarray(jax.vmap(one("threefry2x32"))(seeds)))
