"""Primitives with derivatives of a chosen form: equal to what JAX makes of the plain form, at every order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from lamina import backends, ops

pytestmark = pytest.mark.steps_as_users_have_them

jax = pytest.importorskip("jax")
jnp = jax.numpy
kernel = backends.load("jax")
from lamina.backends.jax import neural  # noqa: E402
from lamina.backends.jax.cpu import constants, forms, products, windows  # noqa: E402


def close(results: Any, expected: Any, tolerance: float = 2e-5) -> None:
    for a, b in zip(jax.tree.leaves(results), jax.tree.leaves(expected), strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def numbers(*shape: int, seed: int = 0) -> Any:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, "float32"))


def everything(f: Callable, *args: Any) -> Any:
    """Value, both kinds of first derivatives, second derivatives three ways, mapped ones, in a loop, recomputed."""
    places = tuple(range(len(args)))
    total = lambda *a: jnp.sum(jnp.sin(f(*a)) ** 2)
    gradient = jax.grad(total, places)
    looped = lambda *a: jnp.sum(jax.lax.map(lambda x: total(x, *a[1:]), jnp.stack([a[0]] * 2)))

    @jax.jit  # one program for all, which compiles in less time than ten
    def derived(*args: Any) -> list:
        many = [jnp.stack([a, 2 * a]) for a in args]
        return [
            gradient(*args),
            jax.jvp(total, args, args),
            jax.jacrev(gradient, places)(*args),
            jax.jacfwd(gradient, places)(*args),
            jax.jacrev(jax.jacfwd(total, places), places)(*args),
            jax.vmap(gradient)(*many),
            jax.vmap(gradient, (0, *[None] * (len(args) - 1)))(many[0], *args[1:]),
            jax.grad(jax.checkpoint(total), places)(*args),
            jax.grad(looped, places)(*args),
        ]

    return [f(*args), *derived(*args)]


FORMS = {"as it is": (10**9, 0), "the smaller transposed": (0, 10**9)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "sizes", [(5, 3, 4), pytest.param((2, 3, 9), marks=pytest.mark.slow), (1, 1, 1), (4, 6, 1)]
)
def test_product(form: str, sizes: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    worth, most = FORMS[form]
    monkeypatch.setattr(constants, "COPY_WORTH", worth)
    monkeypatch.setattr(constants, "COPY_MOST", most)
    rows, width, features = sizes
    args = numbers(rows, width), numbers(width, features, seed=1)
    for result, expected in zip(
        everything(products.product, *args), everything(jnp.matmul, *args), strict=True
    ):
        close(result, expected)


def form_of(rows: int, width: int, features: int) -> str:
    shapes = [
        jax.ShapeDtypeStruct(s, "float32") for s in ((rows, features), (rows, width), (width, features))
    ]
    text = str(jax.make_jaxpr(products._for_kernel)(*shapes))
    return {0: "as it is", 1: "x transposed", 2: "g transposed"}[text.count("optimization_barrier")]


def test_the_form_is_chosen_by_size() -> None:
    """On two cores: 2.56 -> 1.35 ms for (2048, 512, 128), 5.7 -> 5.7 for (2048, 128, 2000); 1.0 -> 1.7 for the third."""
    assert form_of(2048, 512, 128) == "g transposed"
    assert form_of(2048, 128, 2000) == "x transposed"
    assert form_of(34816, 48, 48) == "as it is"
    assert form_of(128, 9216, 128) == "as it is"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int32"])
def test_product_of_other_dtypes(dtype: str) -> None:
    x, w = (numbers(5, 3) * 4).astype(dtype), (numbers(3, 2) * 4).astype(dtype)
    close(products.product(x, w), x @ w, 0)


def test_products_with_no_rows() -> None:
    close(
        jax.grad(lambda w: products.product(jnp.zeros((0, 3)), w).sum())(jnp.ones((3, 2))), jnp.zeros((3, 2))
    )


@pytest.mark.parametrize("axis", [-1, pytest.param(0, marks=pytest.mark.slow), (0, 2), None], ids=str)
def test_softmax(axis: Any) -> None:
    x = numbers(2, 3, 4) * 5
    native, composed = (
        partial(f, kernel, axis=axis) for f in (kernel.overrides["softmax"], ops.softmax.op.body)
    )
    for result, expected in zip(everything(native, x), everything(composed, x), strict=True):
        close(result, expected)
    extremes = jnp.asarray([[1e30, -1e30, 0], [jnp.inf, 0, 1], [jnp.nan, 0, 1], [-jnp.inf, 0, 1]])
    for shape in ((0, 3, 2), (3, 1, 2)):
        close(native(jnp.zeros(shape)), composed(jnp.zeros(shape)))
    for dtype in ("float32", "float16", "bfloat16"):
        close(native(extremes[:, :, None].astype(dtype)), composed(extremes[:, :, None].astype(dtype)), 0)


@pytest.mark.parametrize(
    ("rows", "count", "step", "padding"),
    [
        (8, 3, 1, (0, 0)),
        pytest.param(8, 2, 3, (1, 2), marks=pytest.mark.slow),
        (4, 3, 1, (-1, 3)),
        pytest.param(1, 5, 1, (2, 2), id="most of the sum is padding"),
        pytest.param(8, 1, 1, (0, 0), marks=pytest.mark.slow),
    ],
)
def test_sum_of_rows(rows: int, count: int, step: int, padding: tuple[int, int]) -> None:
    low, high = padding

    def plain(x: Any) -> Any:
        zeros = lambda n: jnp.zeros((2, max(n, 0), 3, 2 * count))
        padded = jnp.concatenate([zeros(low), x[:, max(-low, 0) : rows + min(high, 0)], zeros(high)], 1)
        size = padded.shape[1] - (count - 1) * step
        return sum(padded[:, i * step : i * step + size, :, 2 * i : 2 * i + 2] for i in range(count))

    lowered = partial(products.sum_of_rows, count=count, step=step, padding=padding)
    x = numbers(2, rows, 3, 2 * count)
    for result, expected in zip(everything(lowered, x), everything(plain, x), strict=True):
        close(result, expected)


@pytest.mark.parametrize("large", [0, 10**9], ids=["gathered", "joined"])
@pytest.mark.parametrize(
    ("sizes", "window", "strides", "dilation", "padding"),
    [
        ((4, 5), (3, 3), (1, 1), (1, 1), ((1, 1), (0, 2))),
        ((5, 4), (2, 3), (1, 1), (3, 1), ((0, 0), (1, 1))),
        ((1,), (3,), (1,), (2,), ((4, 3),)),
        pytest.param((6, 8), (2, 4), (3, 2), (2, 1), ((0, 0), (3, 1)), marks=pytest.mark.slow),
        pytest.param((9,), (8,), (1,), (1,), ((0, 0),), marks=pytest.mark.slow),
    ],
)
def test_patches(
    large: int, sizes: Any, window: Any, strides: Any, dilation: Any, padding: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(constants, "GATHER_BYTES", large)

    def plain(x: Any) -> Any:
        x = jnp.pad(x, ((0, 0), *padding, (0, 0)))
        reach = [(w - 1) * d for w, d in zip(window, dilation)]
        starts = [range(0, n - r, s) for n, r, s in zip(x.shape[1:-1], reach, strides)]
        places = [[a + i * d for i in range(w) for a in r] for w, d, r in zip(window, dilation, starts)]
        for axis, place in enumerate(places):
            x = jnp.take(x, np.asarray(place), 1 + axis)
        shape = [n for w, r in zip(window, starts) for n in (w, len(r))]
        order = [0, *range(2, 2 * len(window) + 1, 2), *range(1, 2 * len(window) + 1, 2), 2 * len(window) + 1]
        out = [len(r) for r in starts]
        return x.reshape(x.shape[0], *shape, x.shape[-1]).transpose(order).reshape(x.shape[0], *out, -1)

    lowered = partial(windows.patches, window=window, strides=strides, dilation=dilation, padding=padding)
    for result, expected in zip(
        everything(lowered, x := numbers(2, *sizes, 2)), everything(plain, x), strict=True
    ):
        close(result, expected)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_entry_along_an_axis(axis: int) -> None:
    x = numbers(3, 4, 5).at[0, 0, 0].set(jnp.nan).at[1, 1, 1].set(jnp.inf)
    shape = [1 if i == axis % 3 else n for i, n in enumerate(x.shape)]
    for low, high in ((0, x.shape[axis]), (-x.shape[axis], 0), (-9, 9)):  # the last: beyond the ends
        places = jnp.asarray(np.random.default_rng(1).integers(low, high, shape))
        close(forms.take_one(x, places, axis), jnp.take_along_axis(x, places, axis))
    weights = numbers(*shape, seed=2)
    total = lambda take: lambda x: jnp.sum(jnp.nan_to_num(take(x, places % x.shape[axis], axis)) * weights)
    close(jax.grad(total(forms.take_one))(x), jax.grad(total(jnp.take_along_axis))(x))


@pytest.mark.parametrize("window", [(2, 2), (3, 1)])
def test_the_first_of_equal_maxima_takes_the_gradient(window: tuple[int, int]) -> None:
    x = jnp.round(numbers(2, 6, 6, 3))  # many ties
    where = lambda pool: jax.grad(lambda x: jnp.sum(pool(x) ** 3))(x)
    lowered = where(lambda x: forms.pool(x, "max", window, window, ((0, 0), (0, 0))))
    close(lowered, where(lambda x: neural.pool_plain(x, "max", window, window, ((0, 0), (0, 0)), True)))
