"""The invariants of operations, over all cases of the catalogues and all backends that are installed.

For each case: every backend gives what real Keras gives; gradients agree with finite differences; it runs compiled;
and shapes inferred from unknown sizes agree with the real ones.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contextlib
import functools
import importlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from case import Case

import lamina.ops
from lamina import backends
from lamina.kernel.context import interpreter
from lamina.kernel.shapes.infer import infer
from lamina.kernel.shapes.spec import NeedsNumbers, Spec

MODULES = [importlib.import_module(path.stem) for path in sorted(Path(__file__).parent.glob("cases_*.py"))]
CASES: list[Case] = [case for module in MODULES for case in module.CASES]
NAMES = [
    name for name in backends.installed() if (Path(backends.__file__).parent / name / "__init__.py").exists()
]
NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}


def ids(cases: list[Case]) -> list[str]:
    seen: dict[str, int] = {}
    out = []
    for case in cases:
        seen[case.name] = seen.get(case.name, -1) + 1
        out.append(f"{case.name}-{seen[case.name]}")
    return out


NUMBERS = {
    case: int(label.rpartition("-")[2]) for case, label in zip(CASES, ids(CASES), strict=True)
}  # of each op
QUICK_ON_JAX = 2  # gradients of an op there; the rest is slow


def shares(parameters: dict[str, Any]) -> Any:
    """The cases of an op run one after the other: what Keras gives, and programs of many cases, are made once."""
    return parameters["case"].name if "case" in parameters else None


# NumPy warns where the others silently give infinity or NaN
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:var:UserWarning")
over_cases = pytest.mark.parametrize("case", CASES, ids=ids(CASES))


def over_backends(names: list[str], quick_on_jax: int | None = None) -> pytest.MarkDecorator:
    """Every case on every backend. jax compiles each, so there the tests may ask for a few of an op, the rest is slow."""
    params = []
    for case, label in zip(CASES, ids(CASES), strict=True):
        slow = quick_on_jax is not None and NUMBERS[case] >= quick_on_jax
        for name in names:
            marks = [pytest.mark.slow] if slow and name == "jax" else []
            params.append(pytest.param(name, case, id=f"{name}-{label}", marks=marks))
    return pytest.mark.parametrize(("name", "case"), params)


@pytest.fixture(autouse=True, scope="module")
def quick_programs() -> Iterator[None]:
    """jax compiles each case on its own: without most optimizations, since each program runs once."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


# -- calling -----------------------------------------------------------------------------------------------------------


def is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray)


def arrays(case: Case) -> tuple[list[np.ndarray], Callable[[list], tuple[tuple, dict]]]:
    """The arrays of a call, and a function that puts others in their places."""
    found: list[np.ndarray] = []

    def mark(x: Any) -> Any:
        if is_array(x):
            found.append(x)
            return Place(len(found) - 1)
        return changed(x, mark)

    args, kwargs = mark(case.args), mark(case.kwargs)

    def build(tensors: list) -> tuple[tuple, dict]:
        def fill(x: Any) -> Any:
            return tensors[x.index] if isinstance(x, Place) else changed(x, fill)

        return fill(args), fill(kwargs)

    return found, build


class Place:
    """Where an array stood in the arguments."""

    def __init__(self, index: int) -> None:
        self.index = index


def changed(x: Any, change: Callable[[Any], Any]) -> Any:
    """A container with changed items; anything else as it is. Plain Python, which compilers can follow."""
    if isinstance(x, dict):
        return {key: change(x[key]) for key in x}
    if isinstance(x, list | tuple):
        return type(x)([change(item) for item in x])
    return x


def function(case: Case) -> Callable[..., Any]:
    found: Any = lamina.ops
    for part in case.name.split("."):
        found = getattr(found, part)
    return found


def call_of(case: Case, function: Callable[..., Any]) -> Callable[[list], list[Any]]:
    """The call as a function of its tensors."""
    _, build = arrays(case)

    def program(tensors: list) -> list[Any]:
        args, kwargs = build(tensors)
        return flat(function(*args, **kwargs))

    return program


def run(k: Any, case: Case) -> list[Any]:
    """The results on a backend, as a list of tensors. On jax the call is compiled, which is quicker."""
    given, program = arrays(case)[0], call_of(case, function(case))
    if k.name == "jax" and (found := results_on_jax(case.name).get(case)) is not None:
        return found
    with interpreter(k):
        tensors = [k.asarray(a) for a in given]
        return (k.jit(program) if k.name == "jax" and case.jit and given else program)(tensors)


# -- many cases in one program -----------------------------------------------------------------------------------------


def together(
    jit: Callable[..., Any], calls: dict[Case, tuple[Callable[[list], Any], list]]
) -> dict[Case, Any]:
    """The result of each call on its tensors, from one program: XLA takes 40% of the time that it takes for one each.

    Nothing where the whole does not compile: each case then has a program of its own, and the one at fault is seen.
    """
    if not calls:
        return {}
    programs = [program for program, _ in calls.values()]
    whole = jit(lambda given: [program(x) for program, x in zip(programs, given, strict=True)])
    try:
        return dict(zip(calls, whole([tensors for _, tensors in calls.values()]), strict=True))
    except Exception:
        return {}


def compiled_cases(name: str) -> list[Case]:
    return [case for case in CASES if case.name == name and case.jit and arrays(case)[0]]


@functools.lru_cache(maxsize=2)
def results_on_jax(name: str) -> dict[Case, list[Any]]:
    """Of the cases of an op that are compiled."""
    with interpreter(backends.load("jax")) as k:
        cases = [case for case in compiled_cases(name) if k.name not in case.skip]
        given = {c: [k.asarray(a) for a in arrays(c)[0]] for c in cases}
        return together(k.jit, {c: (call_of(c, function(c)), given[c]) for c in cases})


@functools.lru_cache(maxsize=2)
def results_of_keras(name: str) -> dict[Case, list[Any]]:
    """The same of real Keras."""
    import jax

    cases = [case for case in compiled_cases(name) if case.oracle is None]
    return together(jax.jit, {c: (call_of(c, function_of_keras(c)), arrays(c)[0]) for c in cases})


def flat(result: Any) -> list[Any]:
    if isinstance(result, dict):
        return [x for key in sorted(result) for x in flat(result[key])]
    return [x for item in result for x in flat(item)] if isinstance(result, list | tuple) else [result]


@functools.cache
def wanted(case: Case) -> list[np.ndarray]:
    """The results of the oracle, as NumPy arrays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if case.oracle is not None:
            return [np.asarray(x) for x in flat(case.oracle(*case.args, **case.kwargs))]
        return [np.asarray(x) for x in keras_result(case)]


def function_of_keras(case: Case) -> Callable[..., Any]:
    import keras

    found: Any = keras.ops
    for part in case.name.split("."):
        found = getattr(found, part)
    return found


def keras_result(case: Case) -> list[Any]:
    """What real Keras gives; compiled, where it can be, because jax takes longer without."""
    import jax

    if (found := results_of_keras(case.name).get(case)) is not None:
        return found
    given, program = arrays(case)[0], call_of(case, function_of_keras(case))
    if case.jit and given:
        with contextlib.suppress(jax.errors.JAXTypeError, jax.errors.JAXIndexError, TypeError):
            return jax.jit(program)(given)
    return program(given)


def skip(k: Any, case: Case) -> None:
    if k.name in case.skip:
        pytest.skip(case.skip[k.name])


def wide(x: np.ndarray) -> np.ndarray:
    """In a dtype that NumPy can compare."""
    return x.astype("float32") if x.dtype.name in ("bfloat16", "float16") else x


# -- invariants --------------------------------------------------------------------------------------------------------


@over_backends(NAMES)
def test_agrees_with_keras(name: str, case: Case) -> None:
    kernel = backends.load(name)
    skip(kernel, case)
    found = run(kernel, case)
    right = wanted(case)
    assert len(found) == len(right)
    half = any(a.dtype.name in ("float16", "bfloat16") for a in (*arrays(case)[0], *right) if is_array(a))
    for x, y in zip(found, right, strict=True):
        if isinstance(x, int | bool | str):
            assert x == y
            continue
        assert tuple(kernel.shape(x)) == y.shape
        dtype = kernel.dtype(x)
        assert NARROW.get(dtype, dtype) == NARROW.get(y.dtype.name, y.dtype.name)
        have = kernel.to_numpy(x)
        np.testing.assert_allclose(
            wide(have), wide(y), rtol=2e-2 if half else case.rtol, atol=2e-2 if half else case.atol
        )


def loss_of(k: Any, case: Case, weights: list[np.ndarray]) -> Callable[[list], tuple[Any, None]]:
    """The weighted sum of all float results, as a function of the float32 arrays."""
    given, build = arrays(case)
    places = [i for i, a in enumerate(given) if a.dtype == np.float32]

    def loss(values: list) -> tuple[Any, None]:
        tensors = [k.asarray(a) for a in given]
        for place, value in zip(places, values, strict=True):
            tensors[place] = value
        args, kwargs = build(tensors)
        outs = [
            x
            for x in flat(function(case)(*args, **kwargs))
            if k.is_tensor(x) and k.dtype(x).startswith("float")
        ]
        total = None
        for x, w in zip(outs, weights, strict=True):
            part = k.sum(k.multiply(x, k.asarray(w.astype(k.dtype(x)))))
            total = part if total is None else k.add(total, part)
        return total, None

    return loss


def finite_difference(
    case: Case, values: list[np.ndarray], steps: list[np.ndarray], weights: list[np.ndarray]
) -> float:
    """The derivative along a direction, in float64 on the numpy backend."""
    k = backends.load("numpy")
    h = 1e-5
    with interpreter(k):
        loss = loss_of(k, case, weights)
        ends = [
            loss([v.astype("float64") + sign * h * s for v, s in zip(values, steps, strict=True)])[0]
            for sign in (1, -1)
        ]
    return float((ends[0] - ends[1]) / (2 * h))


@functools.cache
def slope(case: Case) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], float] | None:
    """Values, a direction, weights, and the derivative; None where there is nothing to differentiate."""
    rng = np.random.default_rng(3)
    values = [a for a in arrays(case)[0] if a.dtype == np.float32]
    outs = [y for y in wanted(case) if y.dtype.name == "float32"]
    if (
        not case.gradient
        or not values
        or not outs
        or not sum(v.size for v in values)
        or not sum(y.size for y in outs)
    ):
        return None
    weights = [rng.uniform(0.5, 1.5, y.shape) for y in outs]
    steps = [rng.uniform(-1.0, 1.0, v.shape) for v in values]
    return values, steps, weights, finite_difference(case, values, steps, weights)


def derived(k: Any, case: Case, weights: list[np.ndarray]) -> Callable[[list], list[Any]]:
    """The gradients by the float32 arrays, as a function of them."""
    return lambda values: k.value_and_grad(loss_of(k, case, weights), values)[1]


@functools.lru_cache(maxsize=2)
def gradients_on_jax(name: str, quick: bool) -> dict[Case, list[Any]]:
    """Of the first cases of an op, or of the others."""
    with interpreter(backends.load("jax")) as k:
        calls = {}
        for case in compiled_cases(name):
            if (NUMBERS[case] < QUICK_ON_JAX) == quick and k.name not in case.skip and (known := slope(case)):
                calls[case] = (derived(k, case, known[2]), [k.asarray(v) for v in known[0]])
        return together(k.jit, calls)


def gradients(k: Any, case: Case, values: list[np.ndarray], weights: list[np.ndarray]) -> list[Any]:
    if k.name == "jax":
        found = gradients_on_jax(case.name, NUMBERS[case] < QUICK_ON_JAX).get(case)
        if found is not None:
            return found
    run = derived(k, case, weights)
    run = k.jit(run) if k.name == "jax" and case.jit else run
    return run([k.asarray(v) for v in values])


@over_backends([name for name in NAMES if name != "numpy"], quick_on_jax=QUICK_ON_JAX)
def test_gradient(name: str, case: Case) -> None:
    kernel = backends.load(name)
    skip(kernel, case)
    if (known := slope(case)) is None:
        return
    values, steps, weights, right = known
    with interpreter(kernel):
        grads = [
            np.zeros(v.shape) if g is None else kernel.to_numpy(g)
            for g, v in zip(gradients(kernel, case, values, weights), values, strict=True)
        ]
    assert all(np.isfinite(g).all() for g in grads)
    found = float(sum((g.astype("float64") * s).sum() for g, s in zip(grads, steps, strict=True)))
    scale = max(1.0, float(sum(np.abs(g * s).sum() for g, s in zip(grads, steps, strict=True))))
    assert abs(found - right) <= 1e-3 * scale


def first_of_each() -> list[Case]:
    seen: set[str] = set()
    return [case for case in CASES if case.jit and not (case.name in seen or seen.add(case.name))]


@pytest.mark.parametrize("case", first_of_each(), ids=lambda case: case.name)
@pytest.mark.skipif("tensorflow" not in NAMES, reason="tensorflow is not installed")
def test_compiled_by_tensorflow(case: Case) -> None:
    kernel = backends.load("tensorflow")
    skip(kernel, case)
    given, build = arrays(case)
    with interpreter(kernel):

        def program(tensors: list) -> list:
            args, kwargs = build(tensors)
            return [
                x if kernel.is_tensor(x) else kernel.asarray(x) for x in flat(function(case)(*args, **kwargs))
            ]

        found = kernel.jit(program)([kernel.asarray(a) for a in given])
    for x, y in zip(found, wanted(case), strict=True):
        np.testing.assert_allclose(
            wide(kernel.to_numpy(x)), wide(y), rtol=max(case.rtol, 1e-4), atol=max(case.atol, 1e-4)
        )


@pytest.mark.slow
@pytest.mark.parametrize("case", first_of_each(), ids=lambda case: case.name)
def test_torch_compiles_in_one_graph(case: Case) -> None:
    torch = pytest.importorskip("torch")
    kernel = backends.load("torch")
    skip(kernel, case)
    given, build = arrays(case)

    def program(tensors: list) -> list:
        args, kwargs = build(tensors)
        return flat(function(case)(*args, **kwargs))

    torch.compiler.reset()
    with interpreter(kernel):
        found = torch.compile(program, fullgraph=True, backend="eager")([kernel.asarray(a) for a in given])
    for x, y in zip(found, wanted(case), strict=True):
        if kernel.is_tensor(x):
            np.testing.assert_allclose(wide(kernel.to_numpy(x)), wide(y), rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not {"torch", "tensorflow"} <= set(NAMES), reason="needs two backends")
@pytest.mark.parametrize("before", [("tensorflow", "torch"), ("tensorflow",)], ids=", ".join)
def test_torch_compiles_what_another_backend_ran_before(before: tuple[str, ...]) -> None:
    """What an op has learned of the dtypes of one backend is nothing that torch's compiler meets."""
    import torch

    ops = [lamina.ops.add, lamina.ops.sparse_plus, lamina.ops.sqrt]
    for op in ops:  # as in a new process
        op.op.fitting.clear()
        op.op.floats.clear()
    for name in before:
        with interpreter(backends.load(name)) as k:
            x = k.asarray(np.ones(3, "float32"))
            for _ in range(2):  # the first call learns
                lamina.ops.sparse_plus(x)
                lamina.ops.sqrt(x)
                lamina.ops.add(x, 1.0)
    torch.compiler.reset()
    with interpreter(backends.load("torch")):
        program = torch.compile(
            lambda v: lamina.ops.add(lamina.ops.sqrt(lamina.ops.sparse_plus(v)), 1.0),
            fullgraph=True,
            backend="eager",
        )
        assert program(torch.full((3,), 4.0)).tolist() == [3.0, 3.0, 3.0]


@over_cases
def test_shapes_are_inferred(case: Case) -> None:
    """With all sizes known, and with each size of each tensor unknown in turn."""
    if not case.infer:
        return
    given, build = arrays(case)

    def program(specs: list[Spec]) -> list[Any]:
        args, kwargs = build(specs)
        return [x for x in flat(function(case)(*args, **kwargs)) if isinstance(x, Spec)]

    shapes = [tuple(a.shape) for a in given]
    right = [y for y in wanted(case) if isinstance(y, np.ndarray)]
    for shape_list in [shapes, *one_unknown(shapes, case.known)]:
        try:
            found = infer(program, [(s, a.dtype.name) for s, a in zip(shape_list, given, strict=True)])
        except NeedsNumbers:
            assert not case.jit  # only what cannot be compiled may ask for numbers
            return
        if not found:
            return
        for x, y in zip(found, right, strict=True):
            assert NARROW.get(x.dtype, x.dtype) == NARROW.get(y.dtype.name, y.dtype.name)
            assert len(x.shape) == y.ndim
            exact = shape_list is shapes and case.jit
            for n, m in zip(x.shape, y.shape, strict=True):
                assert n == m or (n is None and not exact), (shape_list, x.shape, y.shape)


def one_unknown(shapes: list[tuple], known: tuple[int, ...]) -> list[list[tuple]]:
    """The shapes with one size replaced by None, each in turn."""
    out = []
    for i, shape in enumerate(shapes):
        for axis in range(0 if i in known else len(shape)):
            unknown = (*shape[:axis], None, *shape[axis + 1 :])
            out.append([*shapes[:i], unknown, *shapes[i + 1 :]])
    return out


def test_every_op_has_a_case() -> None:
    things = {name: getattr(lamina.ops, name) for name in dir(lamina.ops)}
    public = {name for name, thing in things.items() if callable(thing) and hasattr(thing, "op")}
    assert sorted(public - {case.name for case in CASES}) == []


# No program can be made of these: the shape of the result depends on the numbers, or it is no tensor.
NOT_COMPILED = {
    "bincount": "as many entries as the largest number says; jax and tf.function need sizes beforehand",
    "nonzero": "as many entries as there are numbers that are not 0",
}
# Public functions that are no computation on tensors; tests elsewhere.
NO_CASE = {
    "convert_to_numpy", "custom_gradient", "dtype", "is_tensor", "jvp", "ndim", "shape", "size", "vectorize",
}  # fmt: skip


def test_every_public_function_has_a_case() -> None:
    have = {case.name for case in CASES}
    for prefix, space in (("", lamina.ops), ("image.", lamina.ops.image)):
        public = {n for n in dir(space) if callable(getattr(space, n)) and not n.startswith("_")}
        missing = {n for n in public if prefix + n not in have and n not in have}
        assert missing == (NO_CASE if not prefix else set())


def test_every_op_is_compiled() -> None:
    """By the tests above, each with a case: on jax all that may, in tf.function and by torch the first of each op."""
    compiled = {case.name for case in first_of_each()}
    assert {case.name for case in CASES} - compiled == set(NOT_COMPILED)
