"""What only TensorFlow has: programs with unknown sizes, variables that change in place, NumPy's indexing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import contract_cases as catalog
import numpy as np
import optree
import pytest

import lamina
from lamina import backends, losses
from lamina import random as lamina_random
from lamina.kernel.context import interpreter
from lamina.ops.nn import activations

pytest.importorskip("tensorflow")
import tensorflow as tf

k = backends.load("tensorflow")
oracle = backends.load("numpy")

# what must be known when the program is made, or is no function of tensors alone
NOT_TRACED = {
    "to_numpy",
    "jit",
    "loop",
    "eval_shape",
    "shape",
    "is_tensor",
    "asarray",
    "unstack",
    "cond",
    "qr",
}
KNOWN = {
    "conv": (1,),
    "conv_transpose": (1,),
    "scatter": (1,),
}  # arguments of which the sizes are part of the program


@pytest.mark.parametrize("case", [c for c in catalog.CASES if c.name not in NOT_TRACED], ids=lambda c: c.id)
def test_unknown_sizes(case: catalog.Case) -> None:
    inputs: list[np.ndarray] = []
    case.run(oracle, lambda x: inputs.append(np.asarray(x)) or oracle.asarray(x))
    known = KNOWN.get(case.name, ())
    specs = [tf.TensorSpec(x.shape if i in known else [None] * x.ndim, x.dtype) for i, x in enumerate(inputs)]

    def program(*tensors: Any) -> list:
        remaining = iter(tensors)
        return leaves(case.run(k, lambda x: next(remaining)))

    traced = tf.function(program, input_signature=specs, autograph=False)(*inputs)
    for found, wanted in zip(traced, leaves(case.run(k, k.asarray)), strict=False):
        wide = "complex128" if wanted.dtype.is_complex else "float64"
        a, b = (k.to_numpy(x).astype(wide) for x in (found, wanted))
        np.testing.assert_allclose(a, b, rtol=max(case.rtol, 1e-4), atol=max(case.atol, 1e-5))


SIZES_ARE_DATA = {"nonzero", "unique", "getitem-bool"}


@pytest.mark.parametrize(
    "case",
    [c for c in catalog.CASES if c.name not in NOT_TRACED and not {c.name, c.id} & SIZES_ARE_DATA],
    ids=lambda c: c.id,
)
def test_known_sizes_stay_known(case: catalog.Case) -> None:
    """Layers count on them: a convolution cannot pad what has no size."""
    inputs: list[np.ndarray] = []
    case.run(oracle, lambda x: inputs.append(np.asarray(x)) or oracle.asarray(x))

    def program(*tensors: Any) -> list:
        remaining = iter(tensors)
        return leaves(case.run(k, lambda x: next(remaining)))

    specs = [tf.TensorSpec(x.shape, x.dtype) for x in inputs]
    traced = tf.function(program, input_signature=specs, autograph=False).get_concrete_function()
    assert all(x.shape.is_fully_defined() for x in traced.outputs)


def leaves(tree: Any) -> list:
    return [x for x in optree.tree_leaves(tree) if isinstance(x, tf.Tensor)]


# Programs


def test_loop_changes_variables_in_place_with_one_trace_for_a_size() -> None:
    weight, turns = k.variable(np.zeros(3, "float32"), "float32", True), k.variable(0, "int32", False)
    traces = []

    def step(state: Any, rows: Any) -> list:
        traces.append(1)
        x, y = rows
        error = lambda w: (k.mean(k.square(k.matmul(x, w[0]) - y)), None)
        _, (gradient,) = k.value_and_grad(error, [k.read(weight)])
        k.write(weight, k.read(weight) - 0.1 * gradient)
        k.write(turns, k.read(turns) + 1)
        return []

    x = np.random.default_rng(0).standard_normal((19, 3)).astype("float32")
    y = x @ np.array([1, 2, 3], "float32")
    run, order = k.loop(step, donate=True), np.arange(16, dtype="int32").reshape(4, 4)
    for _ in range(60):
        run([], (x, y), order, 0, 1)
        run([], (x, y), order, 1, 4)
        run([], (x, y), np.array([[16, 17, 18]], "int32"), 0, 1)  # the last, partial batch
        run([], (x[:8], y[:8]), order[:2], 0, 2)  # other rows, another number of batches
    np.testing.assert_allclose(k.to_numpy(k.read(weight)), [1, 2, 3], atol=1e-3)
    assert int(k.read(turns)) == 420
    assert len(traces) == 2  # for each size of a batch


def test_jit_knows_the_result_of_each_trace() -> None:
    traces = []

    @k.jit
    def f(x: Any, how: Any) -> dict:
        traces.append(1)
        return {"y": x * 2, "how": how, "rows": x.shape[0]}

    for rows in (1, 2, 3, 1, 4, 2):
        result = f(np.ones((rows, 2), "float32"), "up")
        assert result["how"] == "up"
        assert result["y"].shape == (rows, 2)
        assert result["rows"] in (rows, None)
    assert len(traces) <= 3
    assert [type(f(np.ones((1, 2)), how)["how"]) for how in (1, 1.0, True)] == [int, float, bool]


def test_programs_that_need_the_size_of_a_batch() -> None:
    def needs(x: Any) -> Any:
        return k.zeros((x.shape[0] + 1,), "float32") + k.sum(x)

    f = k.jit(needs)
    assert [f(np.ones(n, "float32")).shape[0] for n in (2, 3, 4, 2)] == [3, 4, 5, 3]
    run = k.loop(lambda state, rows: [state[0] + k.sum(needs(rows))], donate=False)
    total = [k.asarray(0.0)]
    for indices in ([[0, 1], [2, 3]], [[0]]):
        total = run(total, np.ones(4, "float32"), np.array(indices, "int32"), 0, len(indices))
    assert float(total[0]) == 2 * 3 * 2 + 2 * 1


def test_losses_and_dropout_need_no_size_of_a_batch() -> None:
    open_batch = [tf.TensorSpec([None], "int32"), tf.TensorSpec([None, 3], "float32")]

    @partial(tf.function, input_signature=open_batch, autograph=False)
    def program(y: Any, p: Any) -> Any:
        loss = losses.SparseCategoricalCrossentropy()(y, p)
        kept = lamina_random.dropout(p, 0.25, seed=3)
        return loss, tf.reduce_mean(tf.cast(kept > 0, "float32"))

    with interpreter(k):
        loss, kept = program(np.zeros(1000, "int32"), np.full((1000, 3), 0.5, "float32"))
    np.testing.assert_allclose(loss, np.log(3), rtol=1e-6)
    assert abs(float(kept) - 0.75) < 0.05


@pytest.mark.parametrize(
    "make", [np.asarray, np.asfortranarray, lambda x: x[:, ::2]], ids=["rows", "columns", "steps"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint8", "bool"])
def test_large_arrays_are_copied(make: Callable, dtype: str) -> None:
    x = make((np.arange(3 << 21) % 251).astype(dtype).reshape(1 << 10, -1))
    before = x.copy()
    x.flags.writeable = False
    tensor = k.asarray(x)
    x.flags.writeable = True
    x[0] = 1
    assert tensor.dtype.name == dtype
    np.testing.assert_array_equal(k.to_numpy(tensor), before)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_place_of_nan_in_large_tensors(axis: int | None, compiled: bool) -> None:
    x = np.random.default_rng(0).standard_normal((1 << 11, 600)).astype("float32")
    spoiled = x.copy()
    spoiled[70, 80] = spoiled[90, 80] = np.nan
    for name in ("argmax", "argmin"):
        find = lambda x, name=name: getattr(k, name)(x, axis, True)
        find = k.jit(find) if compiled else find
        for array in (x, spoiled):
            wanted = getattr(np, name)(array, axis, keepdims=True)
            np.testing.assert_array_equal(k.to_numpy(find(k.asarray(array))), wanted)


def test_errors_of_a_program_are_those_of_the_function() -> None:
    def wrong(x: Any) -> Any:
        raise ValueError("this shape will not do")

    with pytest.raises(ValueError, match="will not do"):
        k.jit(wrong)(np.ones(3, "float32"))


@pytest.mark.parametrize("unroll", [1, 3, 7, 50])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_in_a_program_equals_python(unroll: int, reverse: bool) -> None:
    xs = k.asarray(catalog.normal(7, 2, 4))
    cell = lambda carry, x: (k.tanh(carry * 0.5 + x), carry * 2)
    scan = lambda xs: k.scan(cell, k.zeros((2, 4), "float32"), xs, 7, reverse, unroll)
    for compiled, eager in zip(k.jit(scan)(xs), scan(xs), strict=True):
        np.testing.assert_allclose(k.to_numpy(compiled), k.to_numpy(eager), atol=1e-6)


def test_scan_of_nothing() -> None:
    carry, ys = k.scan(
        lambda c, x: (c + x, (c, x)), k.zeros((3,), "float32"), k.zeros((0, 3), "float32"), 0, False, 1
    )
    assert carry.shape == (3,)
    assert [y.shape for y in ys] == [(0, 3), (0, 3)]


def test_remat_differentiates_what_the_function_reads() -> None:
    x, weight, bias = (k.asarray(catalog.normal(*shape)) for shape in ((2, 4), (4, 4), (4,)))

    def gradients(wrap: Callable) -> list:
        def loss(values: list) -> tuple[Any, None]:
            block = wrap(lambda x: k.tanh(k.matmul(x, values[0]) + values[1]))
            return k.sum(block(block(values[2]))), None

        return k.jit(lambda values: k.value_and_grad(loss, values)[1])([weight, bias, x])

    for found, wanted in zip(gradients(k.remat), gradients(lambda f: f), strict=True):
        np.testing.assert_allclose(k.to_numpy(found), k.to_numpy(wanted), atol=1e-5)


def test_branches_must_be_alike() -> None:
    with pytest.raises(ValueError, match="trees alike"):
        k.jit(lambda p, x: k.cond(p, lambda: [x], lambda: [x, x]))(k.asarray(True), k.asarray(1.0))


# Indexing


def random_key(rng: np.random.Generator, sizes: tuple[int, ...]) -> tuple:
    """Any mixture of what NumPy takes: integers, slices, None, Ellipsis, arrays and masks."""
    key: list = []
    axis = 0
    while axis < len(sizes) and rng.random() < 0.9:
        n = sizes[axis]
        kind = rng.integers(7)
        bounds = [None if rng.random() < 0.4 else int(rng.integers(-n - 1, n + 2)) for _ in range(2)]
        if kind == 0:
            key.append(int(rng.integers(-n, n)))
        elif kind == 1:
            key.append(slice(*bounds, rng.choice([1, 2, -1, -2])))
        elif kind == 2:
            key.append(None)
        elif kind == 3:
            key.append(rng.integers(-n, n, size=[(2,), (3, 2), (1,)][rng.integers(3)]))
        elif kind == 4:
            key.append(rng.random(n) < 0.6)
        elif kind == 5 and axis + 1 < len(sizes):
            key.append(rng.random(sizes[axis : axis + 2]) < 0.6)
            axis += 1
        elif kind == 6 and ... not in [e for e in key if not isinstance(e, np.ndarray)]:
            key.append(...)
        axis += key != [] and key[-1] is not None
    return tuple(key)


def test_getitem_is_numpys() -> None:
    rng, x = np.random.default_rng(0), np.arange(120).reshape(2, 3, 4, 5)
    compared = 0
    for _ in range(600):
        key = random_key(rng, x.shape)
        try:
            wanted = x[key]
        except IndexError:  # arrays that do not broadcast: NumPy says no
            continue
        tensors = tuple(k.asarray(e) if isinstance(e, np.ndarray) else e for e in key)
        found = k.to_numpy(k.getitem(k.asarray(x), tensors))
        assert found.shape == wanted.shape, key
        np.testing.assert_array_equal(found, wanted, err_msg=str(key))
        compared += 1
    assert compared > 300


def test_getitem_says_that_there_are_too_many() -> None:
    with pytest.raises(IndexError, match="2 axes"):
        k.getitem(k.zeros((2, 3), "float32"), (0, 0, 0))


# Overrides


@pytest.mark.parametrize("name", sorted(k.overrides))
def test_override_equals_composition(name: str) -> None:
    body = getattr(activations, name).op.body
    x = np.linspace(-30, 30, 40).astype("float32")[None]
    if name != "relu6":  # whose slope at 0 is a convention
        x[0, 0] = 0
    argument_sets: dict[str, list] = {
        "softmax": [(0,), ((0, 1),), (None,)], "log_softmax": [(0,), ((0, 1),), (None,)],
        "gelu": [(False,)], "elu": [(0.5,)],
    }  # fmt: skip
    for arguments in [(), *argument_sets.get(name, [])]:
        for results in zip(
            *[both(f, arguments, k.asarray(x)) for f in (k.overrides[name], body)], strict=True
        ):
            found, wanted = (k.to_numpy(result) for result in results)
            np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("length", [5, 8, 19])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_recurrence_equals_the_loop(length: int, backwards: bool, keep: bool) -> None:
    x, kernel, start = (
        catalog.normal(*shape, seed=i) for i, shape in enumerate([(length, 2, 3), (3, 3), (2, 3)])
    )
    update = lambda sums, states: [k.tanh(sums) + states[1], states[1] * 0.5]

    def several(x: Any, kernel: Any, start: Any) -> Any:
        outputs, states = k.fused.recurrence(
            update, x, [start, start], kernel, backwards=backwards, keep=keep
        )
        return [*states, *([outputs] if keep else [])]

    def one(x: Any, kernel: Any, start: Any) -> Any:
        def turn(states: list, row: Any) -> tuple:
            new = update(row + states[0] @ kernel, states)
            return new, new[0]

        states, outputs = k.scan(turn, [start, start], x, length, backwards, 1)
        return [*states, *([outputs] if keep else [])]

    def results(f: Callable) -> list:
        values = [k.asarray(v) for v in (x, kernel, start)]
        total = lambda values: (sum(k.sum(k.square(r)) for r in f(*values)), None)
        slopes = k.jit(lambda values: k.value_and_grad(total, values)[1])(values)
        return [k.to_numpy(r) for r in [*k.jit(lambda values: f(*values))(values), *slopes]]

    for found, wanted in zip(results(several), results(one), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def both(f: Callable, arguments: tuple, x: Any) -> tuple:
    """The result, and the gradient of its weighted sum."""
    weights = k.asarray(catalog.normal(*x.shape))
    run = lambda values: (k.sum(f(k, values[0], *arguments) * weights), None)
    return f(k, x, *arguments), k.value_and_grad(run, [x])[1][0]


@pytest.mark.parametrize(
    ("equation", "left", "right", "summed"),
    [
        ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6), 2),
        ("abcd,cde->abe", (0, 3, 4, 5), (4, 5, 6), 2),
        ("abcd,cde->abe", (2, 3, 0, 5), (0, 5, 6), 2),
        ("abc,cde->abde", (2, 3, 4), (4, 5, 6), 1),
        ("abc,c->ab", (2, 3, 4), (4,), 1),
        ("ab,ab->", (2, 3), (2, 3), 2),
        ("ab,bc->ca", (2, 3), (3, 4), 0),
        ("abc,cbd->ad", (2, 3, 4), (4, 3, 5), 0),
        ("abc,abd->cd", (2, 3, 4), (2, 3, 5), 0),
        ("ab,ab->ab", (2, 3), (2, 3), 0),
        ("ab,cd->abcd", (2, 3), (4, 5), 0),
    ],
)
def test_einsum_as_a_product_of_matrices(equation, left, right, summed):
    rng = np.random.default_rng(0)
    xs = [tf.constant(rng.normal(size=size)) for size in (left, right)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(xs)
        own, plain = k.einsum(equation, *xs), tf.einsum(equation, *xs)
    assert sys.modules["lamina.backends.tensorflow.linear"]._summed(equation) == summed
    np.testing.assert_allclose(own, plain, rtol=1e-12, atol=1e-12)
    for a, b in zip(tape.gradient(own, xs), tape.gradient(plain, xs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_einsum_of_open_sizes():
    program = tf.function(
        lambda x, y: k.einsum("abc,cd->abd", x, y),
        input_signature=[tf.TensorSpec([None, None, 4]), tf.TensorSpec([4, 5])],
    )
    x, y = np.ones((2, 3, 4), "float32"), np.ones((4, 5), "float32")
    np.testing.assert_array_equal(program(x, y), np.full((2, 3, 5), 4))


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_a_layer_in_a_pipeline_is_run_as_it_is(backend):
    """AutoGraph does not rewrite what calls a layer; one that works on TensorFlow's tensors does so on any backend."""

    class Pairs(lamina.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._convert_input_args = False

        def call(self, x, y=None):
            return {"both": tf.stack([x, y]), "first": x}

    with lamina.backend(backend):
        layer = Pairs()
        rows = tf.data.Dataset.from_tensor_slices((np.arange(3.0), np.ones(3))).map(
            lambda x, y: layer(x, y=y)
        )
        assert [row["both"].numpy().tolist() for row in rows] == [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]
