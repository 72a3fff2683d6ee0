"""Small steps on the client of one core: when, that nothing else changes, and that its arrays come home."""

from __future__ import annotations

import contextlib
import os
import types
from typing import Any

import numpy as np
import pytest
from jax_steps import steps_of

import lamina
from lamina import backends

jax = pytest.importorskip("jax")
jnp = jax.numpy
kernel = backends.load("jax")
from lamina.backends.jax import narrow  # noqa: E402

pytestmark = pytest.mark.skipif(
    jax.default_backend() != "cpu" or (os.cpu_count() or 1) == 1 or "NPROC" in os.environ,
    reason="for CPUs of several cores",
)
ROWS, WIDTHS = 32, (784, 64, 10)


def weights() -> list:
    return list(map(jnp.asarray, steps_of(*WIDTHS)[0]))


def descend(kernels: list, rows: Any) -> list:
    return steps_of(*WIDTHS)[1](kernels, rows)


def places(xs: list) -> set:
    return {device for x in xs for device in x.devices()}


def data(rows: int = ROWS, width: int = WIDTHS[0]) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(1).standard_normal((3 * rows, width)).astype("float32")
    return x, np.arange(3 * rows, dtype="int32").reshape(3, rows)


def test_a_small_loop_runs_on_one_core_and_gives_the_numbers_of_single_steps() -> None:
    x, lines = data()
    on_device = jnp.asarray(x)
    run, single = kernel.loop(descend, True), kernel.jit(descend, (0,))
    state = run(run(weights(), on_device, lines, 0, 1), on_device, lines, 1, 3)
    assert places(state) == {narrow._device()}
    assert not any(w.committed for w in state)
    one = weights()
    for rows in lines:
        one = single(one, x[rows])
    assert places(one) == set(jax.devices())
    for a, b in zip(state, one, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(on_device, x)


def test_arrays_come_home_and_stay() -> None:
    x, lines = data()
    state = kernel.loop(descend, True)(weights(), x, lines, 0, 3)
    stays = jnp.ones(3)
    back = kernel.bring_home([*state, stays])
    assert places(back) == set(jax.devices())
    assert back[-1] is stays
    assert kernel.bring_home(back) == back
    for a, b in zip(state, back, strict=False):
        np.testing.assert_array_equal(a, b)
    # the memory is shared, so a program that may take it over must not
    before = np.array(back[0])
    kernel.jit(lambda ws: [w + 1 for w in ws], (0,))(back)
    np.testing.assert_array_equal(state[0], before)


def test_weights_that_are_bound_to_a_device() -> None:
    x, lines = data()
    run, bound = kernel.loop(descend, True), [jax.device_put(w, jax.devices()[0]) for w in weights()]
    for a, b in zip(run(weights(), x, lines, 0, 3), run(bound, x, lines, 0, 3), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(bound[0], weights()[0])


def test_the_client_has_one_thread() -> None:
    traced = jax.jit(lambda x: jnp.sqrt(x) / (x + 1)).trace(jnp.ones((784, 640)))
    shared = "outer_dimension_partitions"
    assert shared in traced.lower().compile().as_text()
    with jax.default_device(narrow._device()):
        assert shared not in traced.lower().compile().as_text()
    assert "NPROC" not in os.environ


def suits(step: Any, *state: Any, loops: int = 0) -> bool:
    return narrow.suits(jax.jit(step).trace(list(state)).jaxpr, list(state), loops)


@pytest.mark.parametrize(
    ("width", "small"), [(16, False), (200, True), (300, False)], ids=["shares nothing", "small", "large"]
)
def test_the_work_of_products(width: int, small: bool) -> None:
    assert suits(lambda s: [s[0] @ s[0]], jnp.ones((width, width))) is small


def test_entries_count_as_well() -> None:
    assert suits(lambda s: [jnp.exp(s[0])], jnp.ones(1_000_000))
    assert not suits(lambda s: [jnp.exp(jnp.sin(s[0])) + 1], jnp.ones(2_000_000))


def test_a_large_state_stays() -> None:
    """It would have to be moved, however little of it a step uses."""
    product = lambda s: [s[0] @ s[0]]
    assert suits(product, jnp.ones((200, 200)), jnp.ones(1_000_000))
    assert not suits(product, jnp.ones((200, 200)), jnp.ones(6_000_000))


def test_loops_inside_a_step() -> None:
    x = jnp.ones((100, 100))  # a million multiplications
    product = lambda y, _: (y @ y, None)
    turn = lambda y: y @ y
    scanned = lambda n: lambda s: [jax.lax.scan(product, s[0], None, n)[0]]
    assert not suits(scanned(1), x)
    assert suits(scanned(10), x)
    assert not suits(scanned(30), x)
    unknown = lambda s: [jax.lax.while_loop(lambda y: y.sum() < 1, turn, turn(turn(s[0])))]
    assert not suits(unknown, x)
    assert suits(unknown, x, loops=1)


@pytest.mark.parametrize("why", ["NPROC", "default device", "several devices", "one core", "another jaxlib"])
def test_where_something_else_decides(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert narrow._device() is not None
    with contextlib.ExitStack() as stack:
        if why == "NPROC":
            monkeypatch.setenv("NPROC", "2")
        elif why == "default device":
            stack.enter_context(jax.default_device(jax.devices()[0]))
        elif why == "several devices":
            monkeypatch.setattr(jax, "device_count", lambda: 2)
        elif why == "one core":
            monkeypatch.setattr(os, "cpu_count", lambda: 1)
        else:
            module = types.ModuleType("jaxlib.xla_client")
            monkeypatch.setitem(__import__("sys").modules, module.__name__, module)
            monkeypatch.setattr(narrow, "_made", narrow._made.__wrapped__)
        assert narrow._device() is None
        assert os.environ.get("NPROC") == ("2" if why == "NPROC" else None)
    if why == "default device":
        assert narrow._device() is not None  # the choice is over, and with it what it decided


class Reads(lamina.callbacks.Callback):
    """Uses the weights in the middle of an epoch, and sets one."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        x = np.ones((2, WIDTHS[0]), "float32")
        expected = np.asarray(self.model.predict_on_batch(x))
        np.testing.assert_allclose(lamina.ops.convert_to_numpy(self.model(x)), expected, rtol=1e-4, atol=1e-5)
        first = self.model.weights[0]
        first.assign(first.value * 0.5 + 0.5 * jnp.asarray(self.model.get_weights()[0]))


@pytest.mark.parametrize("callbacks", [False, True])
def test_training(callbacks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as where every step runs on all cores; nothing is left on the client of one core."""
    x, y = np.random.default_rng(0).random((130, WIDTHS[0]), "float32"), np.arange(130) % 10
    moved = []
    compiled = narrow.compiled
    monkeypatch.setattr(narrow, "compiled", lambda traced: moved.append(1) or compiled(traced))
    found = []
    for most in (narrow._MOST, 0):
        monkeypatch.setattr(narrow, "_MOST", most)
        with lamina.backend("jax"):
            lamina.utils.set_random_seed(0)
            layers = [lamina.layers.Dense(64, "relu"), lamina.layers.Dense(10, "softmax")]
            model = lamina.Sequential([lamina.Input((WIDTHS[0],)), *layers])
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            using = [Reads()] if callbacks else []
            history = model.fit(
                x, y, batch_size=ROWS, epochs=2, verbose=0, validation_data=(x, y), callbacks=using
            )
            values = [v.value for v in [*model.variables, *model.optimizer.variables]]
            assert places(values) == set(jax.devices())
            found.append((history.history, model.predict(x[:3], verbose=0), model.get_weights()))
    assert moved
    for one, other in zip(*map(jax.tree_util.tree_leaves, found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
