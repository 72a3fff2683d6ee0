"""Seeds: streams that repeat, in several threads, on every backend."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import lamina
from lamina import layers, ops
from lamina.core import seeds
from lamina.kernel.context import interpreter
from lamina.kernel.interpreter import Interpreter


def drawn(generator, count):
    return [tuple(int(n) for n in ops.convert_to_numpy(generator.next())) for _ in range(count)]


@pytest.mark.parametrize("name", ["numpy", "jax", "torch", "tensorflow"])
def test_a_stream_repeats_on_every_backend(name):
    with lamina.backend("numpy"):
        expected = drawn(lamina.random.SeedGenerator(7), 3)
    with lamina.backend(name):
        assert drawn(lamina.random.SeedGenerator(7), 3) == expected
    assert len(set(expected)) == 3


def test_a_copy_goes_on_where_the_stream_stood():
    with lamina.backend("jax"):
        generator = lamina.random.SeedGenerator(7)
        drawn(generator, 2)
        copies = copy.deepcopy(generator), pickle.loads(pickle.dumps(generator))
        expected = drawn(generator, 2)
        assert [drawn(c, 2) for c in copies] == [expected, expected]


def test_the_seed_of_the_process_makes_weights_and_draws_repeat():
    seen = []
    for _ in range(2):
        lamina.utils.set_random_seed(5)
        layer = layers.Dense(3)
        layer.build((None, 2))
        seen.append((layer.kernel.numpy(), ops.convert_to_numpy(lamina.random.normal((2,)))))
    for a, b in zip(*seen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_do_not_depend_on_when_or_in_which_thread_they_are_drawn():
    lamina.utils.set_random_seed(5)
    made = [layers.Dense(3) for _ in range(6)]
    for layer in made:
        layer.build((None, 2))
    expected = [layer.kernel.numpy() for layer in made]
    lamina.utils.set_random_seed(5)
    again = [layers.Dense(3) for _ in range(6)]
    for layer in again:
        layer.build((None, 2))
    found = {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: again[i].kernel.numpy()}))
        for i in reversed(range(6))
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, kernel in enumerate(expected):
        np.testing.assert_array_equal(found[i], kernel)


def test_host_draws_need_no_framework_and_no_order():
    one, other = seeds.host_generator(1, 2).random(4), seeds.host_generator(1, 3).random(4)
    np.testing.assert_array_equal(seeds.host_generator(1, 2).random(4), one)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", [True, 1.5, "a"])
def test_seeds_that_are_none(seed):
    with pytest.raises(ValueError, match="`seed` must be an integer"):
        lamina.random.SeedGenerator(seed)


def test_the_seed_of_the_process_reaches_frameworks_that_are_not_in_force():
    torch, tf = pytest.importorskip("torch"), pytest.importorskip("tensorflow")
    seen = []
    with lamina.backend("numpy"):
        for _ in range(2):
            lamina.utils.set_random_seed(5)
            seen.append((torch.rand(3).tolist(), tf.random.uniform((3,)).numpy().tolist()))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch", "tensorflow"])
def test_each_generator_is_seeded_once(backend, monkeypatch):
    torch, tf = pytest.importorskip("torch"), pytest.importorskip("tensorflow")
    seen = []
    for module, name in ((np.random, "seed"), (torch, "manual_seed"), (tf.random, "set_seed")):
        monkeypatch.setattr(module, name, lambda value, name=name: seen.append((name, value)))
    with lamina.backend(backend):
        lamina.utils.set_random_seed(5)
    assert sorted(seen) == [("manual_seed", 5), ("seed", 5), ("set_seed", 5)]


def test_an_interpreter_of_somebody_elses_is_seeded_too():
    class Own(Interpreter):
        name = "own"

        def seed(self, value):
            seen.append(value)

    seen = []
    with interpreter(Own(lamina.backends.load("numpy"))):
        lamina.utils.set_random_seed(5)
    assert seen == [5]


def test_frameworks_that_are_merely_imported_are_seeded_without_their_backends():
    """In a process of its own, where none is loaded."""
    code = """
import random, numpy, torch
import lamina
from lamina import backends
def drawn():
    lamina.utils.set_random_seed(5)
    return random.random(), numpy.random.rand(), torch.rand(1).item()
assert drawn() == drawn()
assert backends.loaded() == (), backends.loaded()
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "LAMINA_BACKEND": "numpy"})


def test_an_error_of_another_kind_is_not_taken_for_a_traced_draw():
    class Broken(lamina.random.SeedGenerator):
        def next(self, ordered=True):
            raise ValueError("another reason")

    with seeds.drawing_from(Broken(1)), pytest.raises(ValueError, match=r"^another reason$"):
        lamina.random.normal((3,))


def test_a_draw_without_a_seed_is_refused_in_a_function_that_jax_traces():
    jax = pytest.importorskip("jax")
    with lamina.backend("jax"):
        with pytest.raises(ValueError, match="SeedGenerator"):
            jax.jit(lambda: lamina.random.normal((3,)))()
        first, second = (np.asarray(lamina.random.normal((3,))) for _ in range(2))
        seeded = jax.jit(lambda: lamina.random.normal((3,), seed=1))
        assert np.array_equal(seeded(), seeded())
    assert not np.array_equal(first, second)
