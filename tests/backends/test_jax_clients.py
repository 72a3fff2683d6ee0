"""Clients for loops: which runs where, that nothing else changes, and that their arrays come home."""

from __future__ import annotations

import contextlib
import os
import sys
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
from lamina.backends.jax import cpu  # noqa: E402
from lamina.backends.jax.cpu import clients, constants, plan  # noqa: E402

pytestmark = [
    pytest.mark.steps_as_users_have_them,
    pytest.mark.skipif(
        not cpu.on() or (os.cpu_count() or 1) == 1 or "NPROC" in os.environ,
        reason="for CPUs of several cores, where programs are tuned",
    ),
]
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
    assert places(state) == {clients.on_one_core()}
    assert not any(w.committed for w in state)
    one = weights()
    for rows in lines:
        one = single(one, x[rows])
    assert places(one) == places(state)
    for a, b in zip(state, one, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(on_device, x)


SIZE = 700  # of matrices whose product all cores share


def multiply(state: list, rows: Any) -> list:
    return [state[0] @ state[0] / SIZE + rows[0, 0]]


def large() -> tuple[list, np.ndarray, np.ndarray]:
    return [jnp.full((SIZE, SIZE), 0.5)], np.zeros((1, 1), "float32"), np.zeros((40, 1), "int32")


def test_a_large_loop_ends_before_its_call_does() -> None:
    """Later its room would still be taken when the next run asks for some."""
    run = kernel.loop(multiply, True)
    run(*large(), 0, 1)
    state = run(*large(), 0, 40)
    assert state[0].is_ready()
    assert places(state) == {clients.in_caller()}
    np.testing.assert_array_equal(state[0], np.zeros((SIZE, SIZE)))


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_loop_takes_over_what_is_its_own(size: str) -> None:
    given, x, lines = large() if size == "large" else (weights(), *data())
    before = list(map(np.array, given))
    run = kernel.loop(multiply if size == "large" else descend, True)
    memory = lambda xs: [x.unsafe_buffer_pointer() for x in xs]
    state = run(given, x, lines, 0, 1, shared=[True] * len(given))
    after = list(map(np.array, state))
    run(state, x, lines, 1, 2, shared=[True] * len(state))
    for kept, was in ((given, before), (state, after)):
        for a, b in zip(kept, was, strict=True):
            np.testing.assert_array_equal(a, b)
    first = memory(state)
    assert memory(run(state, x, lines, 1, 2)) == first
    assert all(x.is_deleted() for x in state)


def test_data_of_another_structure() -> None:
    x, lines = data()
    run = kernel.loop(lambda state, batch: [state[0] + jax.tree_util.tree_leaves(batch)[0].sum()], True)
    for batch in (x, [x], {"x": x}):
        np.testing.assert_allclose(run([jnp.zeros(())], batch, lines, 0, 3)[0], x.sum(), rtol=1e-4)


@pytest.mark.parametrize("size", ["small", "large"])
def test_arrays_come_home_and_stay(size: str) -> None:
    if size == "small":
        x, lines = data()
        state = kernel.loop(descend, True)(weights(), x, lines, 0, 3)
    else:
        state = kernel.loop(multiply, True)(*large(), 0, 1)
    stays = jnp.ones(3)
    back = kernel.to_default_device([*state, stays])
    assert places(back) == set(jax.devices())
    assert back[-1] is stays
    assert kernel.to_default_device(back) == back
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
    with jax.default_device(clients.on_one_core()):
        assert shared not in traced.lower().compile().as_text()
    assert "NPROC" not in os.environ


def device_of(step: Any, *state: Any, loops: int = 0) -> Any:
    work = clients.work_of(jax.jit(step).trace(list(state)).jaxpr, loops)
    names = {None: "JAX's", clients.on_one_core(): "one core", clients.in_caller(): "caller"}
    return names[clients.suited(work, list(state))]


@pytest.mark.parametrize(("width", "found"), [(16, "JAX's"), (200, "one core"), (300, "caller")])
def test_the_work_of_products(width: int, found: str) -> None:
    assert device_of(lambda s: [s[0] @ s[0]], jnp.ones((width, width))) == found


def test_entries_count_as_well() -> None:
    assert device_of(lambda s: [jnp.exp(s[0])], jnp.ones(1_000_000)) == "one core"
    assert device_of(lambda s: [jnp.exp(jnp.sin(s[0])) + 1], jnp.ones(2_000_000)) == "caller"


def test_a_large_state_is_not_for_one_core() -> None:
    """It would have to be moved, however little of it a step uses."""
    product = lambda s: [s[0] @ s[0]]
    assert device_of(product, jnp.ones((200, 200)), jnp.ones(1_000_000)) == "one core"
    assert device_of(product, jnp.ones((200, 200)), jnp.ones(6_000_000)) == "caller"


def test_loops_inside_a_step() -> None:
    x = jnp.ones((100, 100))  # a million multiplications
    product = lambda y, _: (y @ y, None)
    turn = lambda y: y @ y
    scanned = lambda n: lambda s: [jax.lax.scan(product, s[0], None, n)[0]]
    assert device_of(scanned(1), x) == "JAX's"
    assert device_of(scanned(10), x) == "one core"
    assert device_of(scanned(30), x) == "caller"
    unknown = lambda s: [jax.lax.while_loop(lambda y: y.sum() < 1, turn, turn(turn(s[0])))]
    assert device_of(unknown, x) == "caller"
    assert device_of(unknown, x, loops=1) == "one core"


@pytest.mark.parametrize("why", ["NPROC", "default device", "several devices", "one core", "another jaxlib"])
def test_where_something_else_decides(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clients.on_one_core() is not None
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
            monkeypatch.setitem(sys.modules, module.__name__, module)
            monkeypatch.setattr(clients, "_made", {})
        assert clients.on_one_core() is None
        assert (clients.in_caller() is None) is (why not in ("NPROC", "one core"))
        assert os.environ.get("NPROC") == ("2" if why == "NPROC" else None)
        if clients.in_caller() is None:
            state = kernel.loop(multiply, True)(*large(), 0, 1)
            assert places(state) == {jax.devices()[0]}
    if why == "default device":
        assert clients.on_one_core() is not None  # the choice is over, and with it what it decided


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
    """The same as where every step runs on all cores; nothing is left on the clients for loops."""
    x, y = np.random.default_rng(0).random((130, WIDTHS[0]), "float32"), np.arange(130) % 10
    moved = []
    compiled = clients.compiled
    monkeypatch.setattr(clients, "compiled", lambda *given: moved.append(given[1]) or compiled(*given))
    found = []
    for most in (constants.SMALL_MOST, 0):
        monkeypatch.setattr(constants, "SMALL_MOST", most)
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
    assert set(moved) == {clients.in_caller(), clients.on_one_core()}
    for one, other in zip(*map(jax.tree_util.tree_leaves, found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("eigen", [False, True])
def test_how_a_large_loop_is_compiled(eigen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the options that its products ask for, as on JAX's client."""
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(plan.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(plan, "_suit_eigen", lambda *_: eigen)
    found = []
    compiled = clients.compiled
    monkeypatch.setattr(clients, "compiled", lambda *given: found.append(given) or compiled(*given))
    kernel.loop(multiply, True)(*large(), 0, 1)
    ((traced, device),) = found
    assert device == clients.in_caller()
    usable = plan._options(plan.BY_EIGEN) is not None
    assert ("ynn" in traced.lower().compile().as_text()) is not (eigen and usable)


def test_sums_are_not_left_with_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay with YNN where products are Eigen's."""
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(plan.os, "cpu_count", lambda: 2)
    options = plan._options(plan.BY_EIGEN)
    program = jax.jit(lambda x, k: (x @ k, x.sum(0)), compiler_options=options)
    text = program.lower(jnp.ones((4096, 48)), jnp.ones((48, 48))).compile().as_text()
    entry = text[text.index("ENTRY") :]
    assert options is None or (" dot(" in entry and "ynn_fusion" in entry)
