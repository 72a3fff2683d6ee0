"""What only the torch backend has: thin unsigned dtypes, native forms of operations, and a compiler that traces."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

import lamina
from lamina import backends
from lamina.errors import BackendError
from lamina.kernel import context

torch = pytest.importorskip("torch")
neural = pytest.importorskip("lamina.backends.torch.neural")
k = backends.load("torch")
oracle = backends.load("numpy")


@pytest.fixture(autouse=True)
def in_force() -> Iterator[None]:
    with context.interpreter(k):
        torch.manual_seed(0)
        yield


def seed_of(*words: int) -> Any:
    return k.asarray(np.array(words, "uint32"))


# Unsigned dtypes that torch has few kernels for

BINARY = [
    "add",
    "subtract",
    "multiply",
    "floor_divide",
    "remainder",
    "maximum",
    "minimum",
    "greater",
    "less_equal",
    "equal",
    "not_equal",
    "bitwise_and",
    "bitwise_xor",
    "bitwise_left_shift",
    "bitwise_right_shift",
]
UNARY: dict[str, tuple] = {
    "abs": (), "negative": (), "sign": (), "square": (), "bitwise_invert": (), "sum": (0,), "prod": (0,), "max": (0,),
    "min": (0,), "argmax": (0,), "cumulative_sum": (0,), "cumulative_max": (0,), "sort": (0,), "flip": (0,),
    "unique": (), "clip": (4, 200), "top_k": (2, True), "pow": (2,),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
@pytest.mark.parametrize("name", [*BINARY, *UNARY])
def test_unsigned(name: str, dtype: str) -> None:
    x = np.array([5, 250, 7, 2**63 + 5 if dtype == "uint64" else 2**15 + 3], dtype)
    others = [np.array([3, 2, 9, 1], dtype)] if name in BINARY else UNARY[name]
    expected = getattr(oracle, name)(x, *others)
    found = getattr(k, name)(k.asarray(x), *[k.asarray(o) if name in BINARY else o for o in others])
    pairs = zip(expected, found, strict=True) if isinstance(expected, tuple) else [(expected, found)]
    for wanted, got in pairs:
        np.testing.assert_array_equal(k.to_numpy(got), wanted)
        assert k.dtype(got) == np.asarray(wanted).dtype.name


# Native forms


def operations() -> dict[str, Any]:
    from lamina.ops.nn import activations, attention, normalization

    return {**vars(activations), **vars(attention), **vars(normalization)}


def attention(**options: Any) -> Callable[[Any], tuple]:
    def make(dtype: Any) -> tuple:
        q, kv = torch.randn(2, 6, 4, 8).to(dtype), [torch.randn(2, 7, 2, 8).to(dtype) for _ in range(2)]
        mask = torch.rand(2, 1, 6, 7) > 0.4
        mask[0, 0, 2] = False  # a query without a place
        given = {"mask": mask, "bias": torch.randn(1, 4, 6, 7).to(dtype)}
        return (q, *kv), {n: given.get(n) if v is None else v for n, v in options.items()}

    return make


def normal(*args: Any, **options: Any) -> Callable[[Any], tuple]:
    def make(dtype: Any) -> tuple:
        tensors = {n: torch.rand(5).to(dtype) if v is None else v for n, v in options.items()}
        return (torch.randn(3, 4, 5).to(dtype) * 3, *args), tensors

    return make


NATIVE = [
    *[(name, normal()) for name in ("relu", "elu", "selu", "silu", "gelu", "log_sigmoid", "softmax", "log_softmax")],
    ("elu", normal(0.5)), ("gelu", normal(approximate=False)), ("softmax", normal(axis=0)),
    ("layer_normalization", normal()), ("layer_normalization", normal(gamma=None, beta=None, epsilon=1e-3)),
    ("layer_normalization", normal(axis=(2, 1))), ("rms_normalization", normal(scale=None)),
    ("dot_product_attention", attention()), ("dot_product_attention", attention(is_causal=True, scale=0.3)),
    ("dot_product_attention", attention(mask=None)), ("dot_product_attention", attention(bias=None)),
    ("dot_product_attention", attention(mask=None, bias=None, is_causal=True)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", range(len(NATIVE)), ids=lambda i: f"{NATIVE[i][0]}-{i}")
def test_native_equals_composed(case: int, dtype: Any) -> None:
    name, make = NATIVE[case]
    args, options = make(dtype)
    composed = operations()[name].op.body
    inputs = [
        x.requires_grad_() for x in (*args, *options.values()) if torch.is_tensor(x) and x.is_floating_point()
    ]
    results = []
    for form in (k.overrides[name], composed):
        y = form(k, *args, **options)
        weights = torch.linspace(-1, 1, y.numel()).reshape(y.shape).to(dtype)
        results.append((y, *torch.autograd.grad((y * weights).float().sum(), inputs)))
    tolerance = {"rtol": 1e-4, "atol": 2e-5} if dtype is torch.float32 else {"rtol": 3e-2, "atol": 6e-2}
    for native, plain in zip(*results, strict=True):
        torch.testing.assert_close(native, plain, **tolerance)


@pytest.mark.parametrize("name", sorted({name for name, _ in NATIVE}))
def test_native_parameters(name: str) -> None:
    own, composed = (inspect.signature(f) for f in (k.overrides[name], operations()[name].op.body))
    assert [(p.name, p.default) for p in own.parameters.values()] == [
        (p.name, p.default) for p in composed.parameters.values()
    ]


def test_native_leaves_errors_to_the_composed_form() -> None:
    with pytest.raises(ValueError, match="axis 7 is out of range"):
        operations()["softmax"](torch.zeros(2, 3), axis=7)


# The compiler


def test_a_training_step_is_one_program() -> None:
    """Gradients, draws, and writes to variables, without a break in the program."""
    weight, seed = k.variable([[0.5], [1.0]], "float32", True), k.variable([1, 2], "uint32", False)

    def step(x: Any) -> Any:
        def loss(values: list) -> tuple:
            return k.sum(
                k.square(k.linear(x * k.random_uniform(seed, (2,), "float32"), values[0], None))
            ), None

        (value, _), (gradient,) = k.value_and_grad(loss, [k.read(weight)])
        k.write(weight, weight - 0.1 * gradient)
        k.write(seed, k.add(seed, k.asarray([0, 1], "uint32")))
        return value

    k.jit(len)  # sets the compiler up
    x, runs = torch.ones(3, 2), []
    for run in (step, torch.compile(step, fullgraph=True, backend="aot_eager")):
        k.write(weight, k.asarray([[0.5], [1.0]]))
        k.write(seed, seed_of(1, 2))
        runs.append([float(run(x)) for _ in range(3)] + seed.tolist())
    assert runs[0] == pytest.approx(runs[1])
    assert weight.requires_grad
    assert runs[0][-1] == 5


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "left": lambda w, x: w * x,
    "right": lambda w, x: x * w,
    "product": lambda w, x: x @ w,
    "alone": lambda w, x: (w + 1.0) ** 2 - -w + x,
    "of torch": lambda w, x: torch.add(w, x, alpha=2.0),
    "in a list": lambda w, x: torch.cat([w, x]),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("compiled", [False, True])
def test_variables_beside_tensors(name: str, compiled: bool) -> None:
    w = lamina.Variable(np.array([[1.0, 2.0], [3.0, 4.0]], "float32"))
    x = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    run = OPERATORS[name]
    plain = w.value.detach().clone().requires_grad_()  # w is drawn here, outside of the program
    expected = run(plain, x)
    result = (torch.compile(run, fullgraph=True, backend="aot_eager") if compiled else run)(w, x)
    assert torch.equal(result, expected)
    result.sum().backward()
    expected.sum().backward()
    assert torch.equal(w.value.grad, plain.grad)


def test_gradient_of_a_gradient() -> None:
    weight, x = k.asarray([1.0, 2.0]), k.asarray([3.0, 5.0])

    def penalty(values: list) -> tuple:
        def inner(points: list) -> tuple:
            return k.sum(k.square(points[0]) * values[0] ** 3), None

        _, (slope,) = k.value_and_grad(inner, [x])  # 2 x w^3
        return k.sum(slope), None

    (value, _), (gradient,) = k.value_and_grad(penalty, [weight])
    assert float(value) == 86
    assert gradient.tolist() == [18, 120]


def test_draws_in_a_mapped_function() -> None:
    seeds = k.asarray(np.array([[1, 2], [3, 4]], "uint32"))
    drawn = k.vmap(lambda seed: k.random_uniform(seed, (3,), "float32"), 0, 0)(seeds)
    assert torch.equal(drawn, torch.stack([k.random_uniform(s, (3,), "float32") for s in seeds]))


def test_gradient_of_gamma() -> None:
    def mean(values: list) -> tuple:
        return k.mean(k.random_gamma(seed_of(1, 2), values[0], (5000, 2), "float32")), None

    _, (gradient,) = k.value_and_grad(mean, [k.asarray([0.5, 3.0])])
    np.testing.assert_allclose(gradient.numpy(), [0.5, 0.5], atol=0.05)  # the mean of gamma(alpha) is alpha


def test_loops_in_mapped_functions() -> None:
    def doubled(x: Any, limit: int | None) -> Any:
        return k.while_loop(lambda x: x < 50, lambda x: (x * 2,), (x,), limit)[0]

    x = k.asarray([1.0, 20.0, 60.0])
    assert k.vmap(lambda x: doubled(x, 9), 0, 0)(x).tolist() == [64, 80, 60]
    with pytest.raises(BackendError, match="maximum_iterations"):
        k.vmap(lambda x: doubled(x, None), 0, 0)(x)


def test_shapes_of_draws_and_writes() -> None:
    count = k.variable(0, "int32", False)

    def layer(x: Any) -> Any:
        k.write(count, k.read(count) + 1)
        return k.matmul(x, k.random_uniform(seed_of(1, 2), (3, 4), "float32"))

    assert k.eval_shape(layer, ((2, 3), "float32")) == ((2, 4), "float32")
    assert count.item() == 0


# Memory


def test_numbers_read_stay() -> None:
    variable = k.variable([1.0, 2.0], "float32", True)
    before = k.to_numpy(k.read(variable))
    k.write(variable, k.asarray([3.0, 4.0]))
    assert before.tolist() == [1, 2]


def test_put_takes_any_array() -> None:
    array = np.arange(6.0)
    array.flags.writeable = False
    assert k.put(array).tolist() == [0, 1, 2, 3, 4, 5]
    assert k.put(np.arange(3.0)[::-1]).tolist() == [2, 1, 0]
    with pytest.raises(TypeError, match="no dtype 'str"):
        k.asarray(np.array(["a"]))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_convolutions_as_products(rank: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of few windows give what torch's own convolution gives, and no patches are kept for a gradient."""
    draw = np.random.default_rng(0).normal
    x = k.asarray(draw(size=(2, *(7, 6, 5)[:rank], 3)).astype("float32"))
    kernel = k.asarray(draw(size=(*[width] * rank, 3, 4)).astype("float32"))
    for strides, padding in product((1, 2), ((0, 0), (1, 1), (0, 1), (2, 1), (-1, 0))):
        given: Any = x, kernel, (strides,) * rank, (padding,) * rank, (1,) * rank, 1, True
        with torch.no_grad():
            found = k.conv(*given)
            with monkeypatch.context() as patch:
                patch.setattr(neural, "_as_product", None)
                patch.setattr(neural, "FEW_POSITIONS", 0)
                patch.setattr(neural, "FEW_PATCHES", 0)
                wanted = k.conv(*given)
        assert found.shape == wanted.shape, (strides, padding)
        np.testing.assert_allclose(k.to_numpy(found), k.to_numpy(wanted), atol=1e-5)
    with monkeypatch.context() as patch:
        patch.setattr(neural, "_patches", None)
        k.value_and_grad(lambda v: (k.sum(k.conv(x, v[0], *given[2:]), None, False), None), [kernel])


@pytest.mark.parametrize("method", ["predict", "evaluate", "predict_on_batch", "test_on_batch"])
@pytest.mark.parametrize("compiled", [False, True])
def test_only_training_keeps_what_a_gradient_needs(method: str, compiled: bool) -> None:
    """Predictions would else keep the inner results of all batches; a gradient that a layer asks for is there."""
    seen = []

    class Watch(lamina.layers.Layer):
        def call(self, x: Any) -> Any:
            if isinstance(x, torch.Tensor) and not torch.compiler.is_compiling():
                seen.append((x * torch.ones((), requires_grad=True)).requires_grad)
            return x + lamina.grad(lambda z: lamina.ops.sum(z * z))(x)

    model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(3), Watch()])
    model.compile("sgd", "mse", run_eagerly=not compiled)
    x = np.ones((4, 3), "float32")
    result = getattr(model, method)(*([x] if "predict" in method else [x, x]))
    assert seen == [False]
    if method == "predict":
        np.testing.assert_allclose(result, 3 * (x @ model.get_weights()[0]), rtol=1e-5)
    model.fit(x, x, verbose=0)
    assert seen == [False, True]
