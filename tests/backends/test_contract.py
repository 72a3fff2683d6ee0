"""Every backend has every function of the contract, and gives what NumPy gives."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import contract_cases as catalog
import numpy as np
import optree
import pytest

from lamina import backends
from lamina.errors import BackendError
from lamina.kernel import contract
from lamina.kernel.interpreter import Interpreter
from lamina.kernel.shapes import SHAPES

FOLDER = Path(backends.__file__).parent
BACKENDS = [name for name in backends.installed() if (FOLDER / name / "__init__.py").exists()]
OTHERS = [name for name in BACKENDS if name != "numpy"]
oracle = backends.load("numpy")
FLOATS = (*catalog.HALVES, np.dtype("float32"), np.dtype("float64"))


@pytest.fixture(params=BACKENDS)
def kernel(request: pytest.FixtureRequest) -> Any:
    return backends.load(request.param)


@pytest.fixture(params=OTHERS)
def other(request: pytest.FixtureRequest) -> Any:
    return backends.load(request.param)


def contract_functions() -> list[tuple[type, str, Callable]]:
    parts = (*contract.STANDARD, *contract.EXTENSION)
    return [(part, n, f) for part in parts for n, f in vars(part).items() if callable(f) and n[0] != "_"]


# Completeness


def test_every_function_has_a_case() -> None:
    covered = {case.name for case in catalog.CASES} | TESTED_BELOW
    assert sorted(set(contract.functions()) - covered) == []


def test_facts(kernel: Any) -> None:
    assert sorted(fact for fact in contract.facts() if not hasattr(kernel, fact)) == []
    assert isinstance(kernel, Interpreter)
    assert isinstance(kernel.fused, contract.Fused)
    assert isinstance(kernel.spread, contract.Spread)
    assert isinstance(kernel.sparse, contract.Sparse)
    assert isinstance(kernel.host, contract.Host)


@pytest.mark.parametrize("name", [*BACKENDS, "shapes"])
def test_functions_and_parameters(name: str) -> None:
    """Written functions have the contract's parameters; framework functions take them in its order."""
    kernel = SHAPES if name == "shapes" else backends.load(name)
    wrong = {}
    for _, name, declared in contract_functions():
        function = getattr(kernel, name, None)
        if function is None:
            wrong[name] = "missing"
        elif problem := mismatch(declared, function):
            wrong[name] = problem
    assert wrong == {}


def mismatch(declared: Callable, function: Callable) -> str | None:
    parameters = list(inspect.signature(declared).parameters.values())[1:]
    try:
        found = inspect.signature(function)
    except ValueError:  # built-in functions that do not say
        return None
    if getattr(inspect.unwrap(function), "__module__", "").startswith(("lamina.backends", "lamina.kernel")):
        wanted, have = [p.name for p in parameters], [p.name for p in found.parameters.values()]
        return None if wanted == have else f"parameters {have}, wanted {wanted}"
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    positional = [p for p in parameters if p.default is p.empty and p.name != "indexing"]
    keywords = {p.name: p.default for p in parameters if p.default is not p.empty}
    try:
        found.bind(*positional, **keywords)
    except TypeError as error:
        return str(error)
    return None


# Values and dtypes


def shares(parameters: dict[str, Any]) -> Any:
    """Cases of a function run one after the other: on jax most of them are one program."""
    return parameters["case"].name if "case" in parameters else None


def over_cases() -> list[Any]:
    """torch takes seconds to compile: there one compiled case, and one of a gradient below, stand for all."""
    params = []
    for case in catalog.CASES:
        compiled = case.label == "jit" or (case.name == "jit" and case.label)
        for name in OTHERS:
            marks = [pytest.mark.slow] if compiled and name == "torch" else []
            params.append(pytest.param(case, name, id=f"{name}-{case.id}", marks=marks))
    return params


@pytest.mark.parametrize(("case", "other"), over_cases(), indirect=["other"])
def test_equals_numpy(case: catalog.Case, other: Any) -> None:
    expected = case.run(oracle, oracle.asarray)
    found = further_cases(other, case.name).get(case.id) if other.functional else None
    actual = case.run(other, other.asarray) if found is None else found
    compare(plain(oracle, expected), plain(other, actual), case)


@functools.lru_cache(maxsize=2)
def further_cases(k: Any, name: str) -> dict[str, list]:
    """The results of all cases of a function but the first, by `Case.id`, from one program.

    Outside of a program jax compiles each operation for each shape: the first case stands for that. Nothing where the
    cases make no program; each then runs by itself.
    """
    cases = [case for case in catalog.CASES if case.name == name][1:]
    given = [recorded(case) for case in cases]
    others: list[list] = []  # the leaves that are no tensors, by case

    def program(given: list) -> list:
        others.clear()
        made = []
        for case, values in zip(cases, given, strict=True):
            remaining = iter(values)
            leaves = optree.tree_leaves(case.run(k, lambda x, r=remaining: next(r)), none_is_leaf=True)
            others.append([None if isinstance(x, k.Tensor) else (x,) for x in leaves])
            made.append([x for x in leaves if isinstance(x, k.Tensor)])
        return made

    try:
        found = k.jit(program)([[k.asarray(x) for x in values] for values in given])
    except Exception:
        return {}
    results = {}
    for case, tensors, kept in zip(cases, found, others, strict=True):
        remaining = iter(tensors)
        results[case.id] = [next(remaining) if one is None else one[0] for one in kept]
    return results


def recorded(case: catalog.Case) -> list[np.ndarray]:
    """The arrays that a case makes tensors of."""
    inputs: list[np.ndarray] = []
    case.run(oracle, lambda x: inputs.append(x) or oracle.asarray(x))
    return inputs


@pytest.mark.parametrize("case", catalog.CASES, ids=lambda c: c.id)
def test_numpy_runs(case: catalog.Case) -> None:
    case.run(oracle, oracle.asarray)


def plain(kernel: Any, tree: Any) -> list:
    """The tree's leaves; tensors as (dtype, NumPy array)."""
    leaves = optree.tree_leaves(tree, none_is_leaf=True)
    return [read(kernel, x) for x in leaves]


def read(kernel: Any, x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return oracle.dtype(x), x
    return (kernel.dtype(x), kernel.to_numpy(x)) if isinstance(x, kernel.Tensor) else x


def compare(expected: list, actual: list, case: catalog.Case) -> None:
    assert len(expected) == len(actual)
    for wanted, found in zip(expected, actual, strict=True):
        assert isinstance(wanted, tuple) == isinstance(found, tuple), (wanted, found)
        if not isinstance(wanted, tuple):
            assert wanted == found or np.all(np.asarray(wanted) == np.asarray(found))
            continue
        assert found[0] == wanted[0], f"dtype {found[0]}, wanted {wanted[0]}"
        assert found[1].shape == wanted[1].shape
        a, b = (
            x[1].astype("complex128" if wanted[0].startswith("complex") else "float64")
            for x in (found, wanted)
        )
        np.testing.assert_allclose(a, b, rtol=case.rtol, atol=case.atol)


# Gradients, against differences in float64 on NumPy


@pytest.mark.parametrize("case", catalog.GRADIENTS, ids=lambda c: c.id)
def test_gradient(case: catalog.Case, other: Any) -> None:
    inputs = float_inputs(case)

    def loss(values: list) -> tuple[Any, None]:
        return weighted_sum(other, case.run(other, replace(other, values))), None

    derive = partial(other.value_and_grad, loss)
    # one program is compiled faster than the many of eager jax; torch and tensorflow are quick without
    _, gradients = (other.jit(derive) if other.functional else derive)([other.asarray(x) for x in inputs])
    for i, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        direction = np.random.default_rng(i).standard_normal(x.shape)
        found = 0.0 if gradient is None else np.sum(other.to_numpy(gradient) * direction)
        wanted = difference(case, inputs, i, direction)
        assert found == pytest.approx(wanted, rel=2e-3, abs=2e-4), f"input {i}"


def test_the_gradient_at_the_bounds_of_clip_is_that_inside(other: Any) -> None:
    x = other.asarray(np.array([-2.0, -1.0, 0.0, 2.0, 3.0], "float32"))
    for bounds, expected in (
        ((-1.0, 2.0), [0, 1, 1, 1, 0]),
        ((None, 2.0), [1, 1, 1, 1, 0]),
        ((-1.0, None), [0, 1, 1, 1, 1]),
    ):
        _, (gradient,) = other.value_and_grad(
            lambda xs, b=bounds: (other.sum(other.clip(xs[0], *b)), None), [x]
        )
        assert other.to_numpy(gradient).tolist() == expected


def float_inputs(case: catalog.Case) -> list[np.ndarray]:
    inputs: list[np.ndarray] = []

    def record(x: Any) -> Any:
        inputs.extend([x] if x.dtype in FLOATS else [])
        return oracle.asarray(x)

    case.run(oracle, record)
    return inputs


def replace(kernel: Any, values: list) -> Callable:
    """A converter that hands out these values for the float arrays, in order."""
    remaining = iter(values)
    return lambda x: next(remaining) if x.dtype in FLOATS else kernel.asarray(x)


def weighted_sum(kernel: Any, tree: Any) -> Any:
    total = 0.0
    for i, leaf in enumerate(optree.tree_leaves(tree)):
        if isinstance(leaf, kernel.Tensor) and kernel.dtype(leaf) in ("float32", "float64"):
            weights = np.random.default_rng(i).standard_normal(kernel.shape(leaf))
            total = total + kernel.sum(leaf * kernel.asarray(weights, kernel.dtype(leaf)))
    return total


def difference(case: catalog.Case, inputs: list, i: int, direction: np.ndarray) -> float:
    wide = [x.astype("float64") for x in inputs]

    def at(distance: float) -> float:
        moved = [x + distance * direction if j == i else x for j, x in enumerate(wide)]
        return float(weighted_sum(oracle, case.run(oracle, replace(oracle, moved))))

    return (at(1e-6) - at(-1e-6)) / 2e-6


def test_gradients_know_the_rules(other: Any) -> None:
    x = other.asarray([1.0, 2.0])

    def loss(values: list) -> tuple[Any, Any]:
        a, b = values
        doubled = other.custom_gradient(lambda x: (x * 2, lambda up: up * 7), (a,))
        return other.sum(doubled + other.stop_gradient(b * b) * 1.0 + b), {"aux": a}

    (value, aux), (a, b) = other.value_and_grad(loss, [x, x])
    assert float(value) == 14
    np.testing.assert_array_equal(other.to_numpy(aux["aux"]), [1, 2])
    np.testing.assert_array_equal(other.to_numpy(a), [7, 7])
    np.testing.assert_array_equal(other.to_numpy(b), [1, 1])


def test_custom_gradient_of_two(other: Any) -> None:
    def ruled(x: Any, y: Any) -> tuple[Any, Callable]:
        return (x * y, x + y), lambda up1, up2: (up1 * 2, up2 * 3)

    def loss(values: list) -> tuple[Any, None]:
        product, total = other.custom_gradient(ruled, tuple(values))
        return other.sum(product) + other.sum(total) * 10, None

    _, (a, b) = other.value_and_grad(loss, [other.asarray([1.0, 2.0]), other.asarray([3.0, 4.0])])
    np.testing.assert_array_equal(other.to_numpy(a), [2, 2])
    np.testing.assert_array_equal(other.to_numpy(b), [30, 30])


def test_gradient_in_jit(other: Any) -> None:
    def step(values: list, x: Any) -> tuple:
        return other.value_and_grad(lambda v: (other.sum(other.tanh(x * v[0])), None), values)

    values, x = [other.asarray([0.5, 1.0])], other.asarray([2.0, 3.0])
    ((eager, _), [g1]), ((compiled, _), [g2]) = step(values, x), other.jit(step)(values, x)
    np.testing.assert_allclose(float(eager), float(compiled), rtol=1e-6)
    np.testing.assert_allclose(other.to_numpy(g1), other.to_numpy(g2), rtol=1e-5)


def test_jvp(other: Any) -> None:
    x, t = other.asarray([1.0, 2.0]), other.asarray([1.0, 10.0])
    out, tangent = other.jvp(lambda x: x * x, (x,), (t,))
    np.testing.assert_allclose(other.to_numpy(out), [1, 4])
    np.testing.assert_allclose(other.to_numpy(tangent), [2, 40])


def test_numpy_says_that_it_cannot_train() -> None:
    for call in (lambda: oracle.value_and_grad(len, []), lambda: oracle.jvp(len, (), ())):
        with pytest.raises(BackendError, match=r"pip install lamina\[jax\].*set_backend.*LAMINA_BACKEND"):
            call()


# Random draws


SHAPE = (50, 400)
DRAWS: dict[str, tuple[Callable, float, float]] = {  # function, mean, standard deviation
    "random_uniform": (lambda k, s, d: k.random_uniform(s, SHAPE, d), 0.5, 12**-0.5),
    "random_normal": (lambda k, s, d: k.random_normal(s, SHAPE, d), 0.0, 1.0),
    "random_truncated": (lambda k, s, d: k.random_truncated(s, SHAPE, d), 0.0, 0.8796),
    "random_gamma": (lambda k, s, d: k.random_gamma(s, k.asarray(3.0, d), SHAPE, d), 3.0, 3**0.5),
    "random_binomial": (
        lambda k, s, d: k.random_binomial(s, k.asarray(10.0, d), k.asarray(0.25, d), SHAPE, d),
        2.5,
        1.875**0.5,
    ),
}  # fmt: skip


def seed_of(kernel: Any, *words: int) -> Any:
    return kernel.asarray(np.array(words, "uint32"))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", DRAWS)
def test_draws(kernel: Any, name: str, dtype: str) -> None:
    draw, mean, deviation = DRAWS[name]
    first = draw(kernel, seed_of(kernel, 1, 2), dtype)
    assert kernel.dtype(first) == dtype
    assert tuple(kernel.shape(first)) == SHAPE
    values = kernel.to_numpy(first).astype("float64")
    assert values.mean() == pytest.approx(mean, abs=0.03)
    assert values.std() == pytest.approx(deviation, rel=0.03)
    again = kernel.to_numpy(draw(kernel, seed_of(kernel, 1, 2), dtype)).astype("float64")
    np.testing.assert_array_equal(values, again)
    for seed in ((1, 3), (2, 2)):
        assert (kernel.to_numpy(draw(kernel, seed_of(kernel, *seed), dtype)) != values).any()
    if name == "random_uniform":
        assert values.min() >= 0
        assert values.max() < 1
    if name == "random_truncated":
        assert np.abs(values).max() <= 2
    if name == "random_binomial":
        np.testing.assert_array_equal(values, np.round(values))


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
def test_integers(kernel: Any, dtype: str) -> None:
    draws = kernel.random_integers(seed_of(kernel, 1, 2), (1000,), 3, 9, dtype)
    assert kernel.dtype(draws) == dtype
    assert set(kernel.to_numpy(draws).tolist()) == set(range(3, 9))


def test_categorical(kernel: Any) -> None:
    logits = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-9]], "float32"))
    draws = kernel.random_categorical(seed_of(kernel, 1, 2), kernel.asarray(logits), 5000)
    assert kernel.dtype(draws) == "int32"
    assert tuple(kernel.shape(draws)) == (2, 5000)
    shares = np.stack([np.bincount(row, minlength=3) / 5000 for row in kernel.to_numpy(draws)])
    np.testing.assert_allclose(shares, np.exp(logits), atol=0.03)


def test_permutation(kernel: Any) -> None:
    order = kernel.random_permutation(seed_of(kernel, 1, 2), 100)
    assert kernel.dtype(order) == "int32"
    values = kernel.to_numpy(order)
    assert sorted(values.tolist()) == list(range(100))
    assert (values != np.arange(100)).any()


def test_draws_in_jit(other: Any) -> None:
    draw = other.jit(lambda seed: other.random_normal(seed, (4,), "float32"))
    seed = seed_of(other, 3, 4)
    np.testing.assert_allclose(
        other.to_numpy(draw(seed)), other.to_numpy(other.random_normal(seed, (4,), "float32")), rtol=1e-6
    )


# Devices and storage

TESTED_BELOW = {
    "value_and_grad", "jvp", "random_uniform", "random_normal", "random_integers", "random_gamma", "random_binomial",
    "random_categorical", "random_permutation", "random_truncated", "variable", "read", "write", "device", "devices",
    "put", "wait", "seed",
    "compile_cache", "to_default_device", "copies_on_host", "padded_size", "holds_numbers",
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32", "bool"])
def test_storage(kernel: Any, dtype: str) -> None:
    source = np.array([1.0, 0.0], "float32")
    storage = kernel.variable(source, dtype, True)
    source[:] = 5  # a variable has memory of its own
    assert kernel.is_tensor(kernel.read(storage))
    assert kernel.dtype(kernel.read(storage)) == dtype
    np.testing.assert_array_equal(kernel.to_numpy(kernel.read(storage)).astype("float32"), [1, 0])
    before = kernel.to_numpy(kernel.read(storage)).copy()
    storage = kernel.write(storage, kernel.asarray([0, 1], dtype))
    np.testing.assert_array_equal(kernel.to_numpy(kernel.read(storage)).astype("float32"), [0, 1])
    np.testing.assert_array_equal(before.astype("float32"), [1, 0])


def test_holds_numbers(kernel: Any) -> None:
    seen: list[bool] = []

    def program(x: Any) -> Any:
        seen.append(kernel.holds_numbers(x))
        return x + x

    kernel.eval_shape(lambda xs: program(xs[0]), [((2,), "float32")])
    stored = kernel.variable(np.ones(2), "float32", True)
    assert kernel.holds_numbers(kernel.ones((2,), "float32"))
    assert kernel.holds_numbers(stored)
    assert seen[0] == (kernel.name in ("numpy", "strict"))  # NumPy finds shapes by running on numbers


def test_devices(kernel: Any) -> None:
    assert "cpu:0" in kernel.devices("cpu")
    assert kernel.devices(None)
    assert kernel.devices("tpu") == []
    for name in (None, "cpu", "cpu:0"):
        with kernel.device(name):
            assert kernel.is_tensor(kernel.zeros((2,), "float32"))
    with pytest.raises(ValueError, match="cpu:0"), kernel.device("tpu:3"):
        pass


def test_put_and_wait(kernel: Any) -> None:
    x = kernel.put(np.arange(3, dtype="float32"))
    y = kernel.put(np.arange(3), "int32")
    kernel.wait({"x": x, "y": [y, None]})
    assert (kernel.dtype(x), kernel.dtype(y)) == ("float32", "int32")
    np.testing.assert_array_equal(kernel.to_numpy(y), [0, 1, 2])


def test_compile_cache(kernel: Any) -> None:
    assert kernel.compile_cache(None) is None  # with a folder: test_cache.py


def test_copies_on_host(kernel: Any) -> None:
    x = np.zeros(100, "float32")
    if kernel.copies_on_host():
        assert kernel.devices("gpu") == []
        kept = kernel.put(x[1:])  # not where the framework could take over the memory
        x[:] = 1
        assert not kernel.to_numpy(kept).any()


def test_to_default_device(kernel: Any) -> None:
    xs = [kernel.asarray(np.arange(3.0)), kernel.asarray(np.ones((2, 2)))]
    assert all(
        a is b for a, b in zip(kernel.to_default_device(xs), xs, strict=True)
    )  # of other tensors: the tests of backends


def test_padded_size(kernel: Any) -> None:
    rooms = [kernel.padded_size(n) for n in range(3000)]
    assert all(n <= room <= n * 9 / 8 + 8 for n, room in enumerate(rooms))
    assert rooms == sorted(rooms)
    assert len(set(rooms)) in (3000, 53)  # each its own, or few


def test_seed(kernel: Any) -> None:
    kernel.seed(2**40)


def test_numpy_stays_alone() -> None:
    code = (
        "import sys; from lamina import backends; backends.load('numpy').erf; "
        "print([m for m in ('jax', 'torch', 'tensorflow', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
