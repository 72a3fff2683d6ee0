"""What only the jax backend has: lowerings for the CPU, compiled loops, tensors of 32 bits."""

from __future__ import annotations

from typing import Any

import contract_cases
import numpy as np
import pytest
from jax_steps import steps_of

from lamina import backends

pytestmark = pytest.mark.steps_as_users_have_them

jax = pytest.importorskip("jax")
jnp = jax.numpy
kernel = backends.load("jax")
from lamina.backends.jax import cpu, neural  # noqa: E402
from lamina.backends.jax.cpu import clients, constants, forms, plan, windows  # noqa: E402

on_cpu = pytest.mark.skipif(not cpu.on(), reason="programs are not tuned here")


def agree(lowered: Any, plain: Any, *arrays: np.ndarray) -> None:
    """The same values and gradients."""
    inputs = [jnp.asarray(a) for a in arrays]

    def both(f: Any) -> tuple:
        result, back = jax.vjp(f, *inputs)
        weights = np.random.default_rng(0).standard_normal(result.shape).astype(result.dtype)
        return (result, *back(jnp.asarray(weights)))

    for a, b in zip(jax.jit(lambda: both(lowered))(), jax.jit(lambda: both(plain))(), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


CONVS = {label: rest for label, *rest in contract_cases.CONVS}
TRANSPOSED = {label: rest for label, *rest in contract_cases.TRANSPOSED}
POOLS = {label: rest for label, *rest in contract_cases.POOLS}


@on_cpu
@pytest.mark.parametrize("label", CONVS)
def test_conv(label: str) -> None:
    shape, kernel_shape, *rest = CONVS[label]
    agree(
        lambda x, k: kernel.conv(x, k, *rest, True),
        lambda x, k: neural.conv_plain(x, k, *rest, True),
        contract_cases.normal(*shape),
        contract_cases.normal(*kernel_shape, seed=1),
    )


@on_cpu
@pytest.mark.parametrize("label", TRANSPOSED)
def test_conv_transpose(label: str) -> None:
    shape, kernel_shape, *rest = TRANSPOSED[label]
    agree(
        lambda x, k: kernel.conv_transpose(x, k, *rest, True),
        lambda x, k: neural.conv_transpose_plain(x, k, *rest, True),
        contract_cases.normal(*shape),
        contract_cases.normal(*kernel_shape, seed=1),
    )


@on_cpu
@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("label", POOLS)
def test_pool(label: str, kind: str) -> None:
    shape, *rest = POOLS[label]
    agree(
        lambda x: kernel.pool(x, kind, *rest, True),
        lambda x: neural.pool_plain(x, kind, *rest, True),
        contract_cases.unlike(*shape),
    )


@on_cpu
def test_linear() -> None:
    arrays = [contract_cases.normal(*shape) for shape in ((2, 5, 3), (3, 4), (4,))]
    agree(kernel.linear, neural.linear_plain, *arrays)


@on_cpu
@pytest.mark.parametrize(
    "equation", ["bqd,dhk->bqhk", "bqhk,bthk->bhqt", "bhqt,bthk->bqhk", "bqhk,hkd->bqd", "ab,cd->acbd"]
)
def test_einsum(equation: str) -> None:
    sizes = dict(zip("abcdhkqt", range(2, 10), strict=True))
    arrays = [contract_cases.normal(*[sizes[c] for c in t]) for t in equation.partition("->")[0].split(",")]
    assert forms.is_product(equation)
    agree(lambda x, y: kernel.einsum(equation, x, y), lambda x, y: jnp.einsum(equation, x, y), *arrays)


def test_equations_that_are_no_plain_product() -> None:
    assert not any(map(forms.is_product, ("ii->i", "ij,jk,kl->il", "ij,k->i", "ii,i->i")))


SPLIT = [
    ("same", (2, 16, 5, 8), (3, 3, 8, 8), ((1, 1), (1, 1)), (1, 1)),
    ("valid", (1, 20, 6, 8), (3, 3, 8, 4), ((0, 0), (0, 0)), (1, 1)),
    ("dilated", (2, 30, 7, 6), (3, 3, 6, 4), ((2, 2), (2, 2)), (2, 2)),
    ("no more rows than the kernel", (2, 2, 5, 8), (3, 3, 8, 8), ((1, 1), (1, 1)), (1, 1)),
    ("uneven", (2, 20, 6, 8), (3, 2, 8, 4), ((0, 2), (1, 0)), (1, 1)),
    ("three dimensions", (2, 16, 4, 5, 4), (3, 3, 3, 4, 8), ((1, 1),) * 3, (1, 1, 1)),
    ("as much to copy", (1, 14, 5, 4), (3, 3, 4, 8), ((0, 0), (0, 0)), (1, 1)),
]


@on_cpu
@pytest.mark.parametrize(("label", "shape", "kernel_shape", "padding", "dilation"), SPLIT)
def test_rows_of_the_kernel_at_once(
    label: str, shape: Any, kernel_shape: Any, padding: Any, dilation: Any
) -> None:
    ones = (1,) * len(dilation)
    x, weights = contract_cases.normal(*shape), contract_cases.normal(*kernel_shape, seed=1)
    assert forms._splits(x, weights, ones, padding, dilation)
    agree(
        lambda x, k: kernel.conv(x, k, ones, padding, dilation, 1, True),
        lambda x, k: neural.conv_plain(x, k, ones, padding, dilation, 1, True),
        x,
        weights,
    )


PATCHES = [
    ("same", (2, 6, 7, 2), (3, 3, 2, 4), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ("strided", (3, 9, 8, 3), (3, 3, 3, 2), (2, 3), ((0, 1), (1, 0)), (1, 1), 1),
    ("dilated", (2, 9, 9, 2), (3, 3, 2, 3), (1, 1), ((0, 0), (0, 0)), (2, 3), 1),
    ("groups", (2, 5, 6, 4), (3, 3, 2, 6), (1, 1), ((1, 1), (1, 1)), (1, 1), 2),
    ("one axis", (2, 30, 3), (9, 3, 4), (2,), ((4, 4),), (1,), 1),
    ("three axes", (1, 4, 5, 6, 2), (2, 2, 2, 2, 3), (1, 1, 2), ((0, 0),) * 3, (1, 1, 1), 1),
    ("no rows", (0, 6, 6, 2), (3, 3, 2, 4), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
]


@on_cpu
@pytest.mark.parametrize("case", PATCHES, ids=[label for label, *_ in PATCHES])
def test_patches_by_a_gather(case: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "GATHER_BYTES", 0)
    _, shape, kernel_shape, *rest = case
    x, weights = contract_cases.normal(*shape), contract_cases.normal(*kernel_shape, seed=1)
    lowered = jax.jit(lambda x, k: forms.conv(x, k, *rest))
    assert "gather" in lowered.lower(x, weights).as_text() or not x.size
    agree(lowered, lambda x, k: neural.conv_plain(x, k, *rest, True), x, weights)


@on_cpu
def test_what_is_gathered_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "GATHER_BYTES", 0)

    def patches(x: Any) -> Any:
        return windows.patches(jnp.maximum(x * 3, 0), (3, 3), (1, 1), (1, 1), ((0, 0), (0, 0)))

    program = jax.jit(patches).lower(jnp.ones((2, 11, 13, 2))).compile().as_text()
    gathering = next(part for part in program.split("\n\n") if " gather(" in part)
    assert " maximum(" in program
    assert " maximum(" not in gathering


@on_cpu
def test_padding_is_fused_with_the_join() -> None:
    def patches(x: Any) -> Any:
        return windows.patches(jnp.maximum(x * 3, 0), (1, 3), (1, 1), (1, 1), ((0, 0), (1, 1)))

    program = jax.jit(patches).lower(jnp.ones((2, 11, 13, 2))).compile().as_text()
    assert " pad(" in program
    assert "13,6]" in program
    assert "15,2]" not in program  # the padded whole


def test_rows_of_the_kernel_at_once_where_that_copies_less() -> None:
    """As much is no gain where patches are one gather, or are joined in one pass."""
    wide, narrow, ones = jnp.zeros((3, 3, 32, 64)), jnp.zeros((3, 3, 32, 65)), (1, 1)
    splits = lambda rows, kernel: forms._splits(
        jax.ShapeDtypeStruct((rows, 26, 26, 32), "float32"), kernel, ones, ((0, 0), (0, 0)), ones
    )
    assert splits(1, wide)
    assert not splits(1, narrow)
    assert not splits(128, wide)
    line = jax.ShapeDtypeStruct((1, 26, 32), "float32")
    assert not forms._splits(line, jnp.zeros((3, 32, 21)), (1,), ((1, 1),), (1,))


def test_rows_are_not_summed_in_half_precision() -> None:
    x, weights = jnp.zeros((2, 16, 16, 8), "bfloat16"), jnp.zeros((3, 3, 8, 8), "bfloat16")
    assert not forms._splits(x, weights, (1, 1), ((1, 1), (1, 1)), (1, 1))


@on_cpu
@pytest.mark.parametrize("find", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_places(find: str, axis: int, keepdims: bool) -> None:
    inf, nan = np.inf, np.nan
    x = np.float32(
        [[1, 2, 2, 0], [nan, 3, nan, inf], [-inf, -inf, -inf, -inf], [0, 0, 0, 0], [inf, 1, inf, -inf]]
    )
    for array in (x, x[3:4].astype("int32"), x > 0):
        expected = getattr(np, find)(array, axis, keepdims=keepdims)
        result = getattr(kernel, find)(jnp.asarray(array), axis, keepdims)
        assert result.dtype == "int32"
        np.testing.assert_array_equal(result, expected)


@on_cpu
@pytest.mark.parametrize("batch", [1, 7, 12, 13])
def test_chunks_of_the_batch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "CHUNK_BYTES", 4 * 6 * 6 * 2 * 9 * 4)  # four samples
    rest = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    agree(
        lambda x, k: forms.conv(x, k, *rest),
        lambda x, k: neural.conv_plain(x, k, *rest, True),
        contract_cases.normal(batch, 6, 6, 2),
        contract_cases.normal(3, 3, 2, 3),
    )


def test_loop_compiles_once() -> None:
    traces = []

    def step(state: list, rows: dict) -> list:
        traces.append(1)
        return [state[0] + rows["x"].sum()]

    run = kernel.loop(step, True)
    data = {"x": jnp.arange(6.0)}
    indices = jnp.asarray(np.arange(6, dtype="int32").reshape(3, 2))
    state = run([jnp.zeros(())], data, indices, 0, 1)
    before = len(traces)
    state = run(run(state, data, indices, 1, 2), data, indices, 2, 3)
    assert float(state[0]) == 15
    assert len(traces) == before


def choices(monkeypatch: pytest.MonkeyPatch) -> list:
    """What programs that take over memory are called with, from here on: their options, call by call.

    None is on a client for loops.
    """
    monkeypatch.setattr(clients, "suited", lambda *_: None)
    called, jit = [], jax.jit

    def watched(f: Any, **how: Any) -> Any:
        program = jit(f, **how)
        if not how.get("donate_argnums"):
            return program

        def call(*args: Any) -> Any:
            chosen = {n: v for n, v in how["compiler_options"].items() if n not in plan.for_every_step}
            called.append(chosen or None)
            return program(*args)

        call.trace = program.trace  # type: ignore[attr-defined]
        return call

    monkeypatch.setattr(jax, "jit", watched)
    return called


@on_cpu
@pytest.mark.parametrize(
    ("cores", "flags", "options", "used"),
    [
        (2, "", plan.IN_TURN, True),
        (64, "", plan.IN_TURN, False),
        (2, "--xla_cpu_scheduler_type=CPU_SCHEDULER_TYPE_DEFAULT", plan.IN_TURN, False),
        (2, "", {"xla_cpu_no_such_option": 1}, False),
    ],
)
def test_how_steps_are_compiled(
    cores: int, flags: str, options: dict, used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", flags)
    monkeypatch.setattr(plan.os, "cpu_count", lambda: cores)
    monkeypatch.setattr(plan, "IN_TURN", options)
    monkeypatch.setattr(plan, "BY_EIGEN", {**options, **plan.BY_EIGEN} if used else options)
    called = choices(monkeypatch)
    run = kernel.loop(lambda state, rows: [state[0] + rows.sum()], True)
    state = run([jnp.zeros(())], jnp.arange(6.0), jnp.asarray([[0, 1], [2, 3]]), 0, 2)
    assert float(state[0]) == 6
    assert called == [options if used else None]


@on_cpu
@pytest.mark.parametrize(
    ("rows", "widths", "eigen"),
    [
        (32, (784, 64, 64, 10), True),
        (64, (256, 256, 256), True),
        (32, (64, 64, 10), False),  # too little work for two cores
        (32, (384, 384, 384), False),  # YNN cuts the columns
        (256, (256, 256, 256), False),  # YNN cuts the rows
        (4096, (16, 48, 48), True),  # as convolutions have
        (32, (784, 64, 2048, 2048), False),  # most of the work is not in the first product
    ],
)
def test_products_of_steps_are_for_the_library_that_is_faster(
    rows: int, widths: tuple, eigen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(plan.os, "cpu_count", lambda: 2)
    called = choices(monkeypatch)
    kernels, step = steps_of(*widths)
    data = np.random.default_rng(1).normal(0, rows**-0.5, (2 * rows, widths[0])).astype("float32")
    lines = np.arange(2 * rows, dtype="int32").reshape(2, rows)
    together = kernel.loop(step, True)(list(map(jnp.asarray, kernels)), data, lines, 0, 2)
    single, state = kernel.jit(step, (0,)), list(map(jnp.asarray, kernels))
    for places in lines:
        state = single(state, data[places])
    # one choice for the loop and for single steps, so that both give the same numbers
    assert called == [plan.BY_EIGEN if eigen else plan.IN_TURN] * 3
    plain = list(map(jnp.asarray, kernels))
    for places in lines:
        plain = jax.jit(step)(plain, data[places])
    for one, other, third in zip(together, state, plain, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(one, third, rtol=1e-5, atol=1e-5)


@on_cpu
def test_the_choice_belongs_to_the_size_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not to what a program was first called with: training that resumes at a smaller batch is the same."""
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(plan.os, "cpu_count", lambda: 2)
    called = choices(monkeypatch)
    kernels, step = steps_of(784, 64)
    traces = []

    def counted(state: list, rows: Any) -> list:
        traces.append(len(rows))
        return step(state, rows)

    single, state = kernel.jit(counted, (0,)), list(map(jnp.asarray, kernels))
    for size in (32, 4, 32, 4):
        state = single(state, np.ones((size, 784), "float32"))
    eigen, plain = plan.BY_EIGEN, plan.IN_TURN
    assert called == [eigen, plain, eigen, plain]
    assert traces == [32, 4]


@on_cpu
def test_recurrences_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "")
    monkeypatch.setattr(plan.os, "cpu_count", lambda: 2)
    called = choices(monkeypatch)

    def step(state: list, rows: Any) -> list:
        rows = kernel.matmul(rows, state[0])  # this one alone would be Eigen's
        return [state[0], jax.lax.fori_loop(0, 3, lambda _, x: kernel.matmul(x, state[0]), rows)]

    rows = jnp.ones((128, 256))
    state = [jnp.ones((256, 256)) / 256, jnp.zeros((128, 256))]
    kernel.loop(step, True)(state, rows, np.arange(128).reshape(1, 128), 0, 1)
    assert called == [plan.IN_TURN]


def test_programs_without_a_state_run_inside_others() -> None:
    inner = kernel.jit(lambda x: x + 1)
    assert float(kernel.jit(lambda x: 2 * inner(x))(jnp.ones(()))) == 4


def test_jit_keeps_other_leaves_in_the_program() -> None:
    traces = []

    def f(x: Any, n: Any) -> dict:
        traces.append(n)
        return {"x": x * n, "n": n, "name": "f"}

    compiled = kernel.jit(f)
    x = jnp.ones(2)
    for n, count in ((2, 1), (2, 1), (2.0, 2), (3, 3)):
        result = compiled(x, n)
        assert (result["n"], type(result["n"]), result["name"], len(traces)) == (n, type(n), "f", count)


def test_wide_dtypes_become_narrow_in_silence() -> None:
    for wide, usual in (("float64", "float32"), ("int64", "int32"), ("complex128", "complex64")):
        made = [
            kernel.zeros((2,), wide), kernel.asarray([1, 2], wide), kernel.astype(kernel.ones((2,), "float32"), wide),
            kernel.arange(0, 2, 1, wide) if wide != "complex128" else kernel.ones((2,), wide),
            kernel.put(np.ones(2, wide)), kernel.variable(np.ones(2), wide, True), kernel.asarray(np.ones(2, wide)),
        ]  # fmt: skip
        assert {kernel.dtype(x) for x in made} == {usual}


def test_text_has_no_tensors() -> None:
    with pytest.raises(ValueError, match="no tensors of dtype 'string'"):
        kernel.asarray("text", "string")
