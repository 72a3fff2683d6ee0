"""Predictions on jax: programs that are forward passes alone, for which XLA has the better forms."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import lamina

pytestmark = pytest.mark.steps_as_users_have_them

jax = pytest.importorskip("jax")
cpu = pytest.importorskip("lamina.backends.jax.cpu")
tuned = pytest.mark.skipif(not cpu.on(), reason="programs are not tuned here")


@pytest.fixture(autouse=True)
def k() -> Iterator[object]:
    with lamina.backend("jax") as kernel:
        yield kernel


RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 8, 8, 4)).astype("float32")
KERNEL = RNG.normal(size=(3, 3, 4, 6)).astype("float32")


def convolved(x, kernel=KERNEL, groups=1):
    if groups > 1:
        return lamina.ops.depthwise_conv(x, kernel[..., :1])
    return lamina.ops.max_pool(lamina.ops.relu(lamina.ops.conv(x, kernel)), 2)


def is_plain(k, f, *args, forward=True):
    """Whether XLA's own convolution is in the program."""
    found = []

    def traced(*args):
        found.append(str(jax.make_jaxpr(lambda *args: f(*args))(*args)))  # jax keeps traces of f
        return f(*args)

    result = k.jit(traced, forward=forward)(*args)
    return "conv_general_dilated" in found[0], result


@tuned
def test_a_forward_pass_has_the_convolution_of_xla(k):
    plain, result = is_plain(k, convolved, X)
    assert plain
    other, expected = is_plain(k, convolved, X, forward=False)
    assert not other
    np.testing.assert_allclose(result, expected, atol=1e-4)


@tuned
@pytest.mark.parametrize(
    ("sizes", "strides", "plain"),
    [
        ((1, 1, 8, 8), 1, False),  # single positions: a product in any case
        ((1, 1, 8, 8), 2, False),
        ((3, 3, 5, 6), 1, False),  # 2 x 5 x 6 windows
        ((3, 3, 13, 13), 2, True),  # 2 x 7 x 7 of them
    ],
)
def test_products_are_left_to_products(sizes, strides, plain, k, monkeypatch):
    *window, height, width = sizes
    kernel = RNG.normal(size=(*window, 4, 6)).astype("float32")
    x = RNG.normal(size=(2, height, width, 4)).astype("float32")
    for layout in ("channels_last", "channels_first"):
        given = x if layout == "channels_last" else x.transpose(0, 3, 1, 2)
        f = lambda x, layout=layout: lamina.ops.conv(x, kernel, strides, "same", data_format=layout)
        found, result = is_plain(k, f, given)
        assert found is (plain or layout == "channels_first")
        np.testing.assert_allclose(result, is_plain(k, f, given, forward=False)[1], atol=1e-4)


@tuned
def test_not_where_it_is_differentiated(k):
    def gradient(x):
        return k.value_and_grad(lambda values: (lamina.ops.sum(convolved(*values)), None), [x])[1][0]

    plain, result = is_plain(k, gradient, X)
    assert not plain
    np.testing.assert_allclose(result, is_plain(k, gradient, X, forward=False)[1], atol=1e-4)


@tuned
def test_not_in_a_loop_and_again_behind_it(k):
    loops = {
        "scan": lambda x: lamina.ops.scan(lambda c, row: (c, convolved(row)), 0.0, x[None])[1],
        "while": lambda x: lamina.ops.while_loop(
            lambda i, x: i < 2,
            lambda i, x: (i + 1, lamina.ops.conv(x, KERNEL[..., :4], padding="same")),
            (0, x),
        )[1],
        "map": lambda x: lamina.vmap(convolved)(x[None]),
    }
    for name, loop in loops.items():
        assert not is_plain(k, loop, X)[0], name
    assert is_plain(k, lambda x: (loops["scan"](x), convolved(x)), X)[0]


@tuned
def test_not_for_single_channels_or_three_axes(k):
    assert not is_plain(k, lambda x: convolved(x, groups=4), X)[0]
    volume = RNG.normal(size=(1, 4, 4, 4, 2)).astype("float32")
    assert not is_plain(k, lambda x: lamina.ops.conv(x, np.ones((2, 2, 2, 2, 3), "float32")), volume)[0]


def test_predictions_are_forward_passes_and_evaluations_are_not(k, monkeypatch):
    from lamina.backends.jax import cpu

    seen = []

    class See(lamina.layers.Layer):
        def call(self, x):
            if isinstance(x, jax.core.Tracer):
                seen.append(cpu.forward_only())
            return x

    model = lamina.Sequential([lamina.Input((4,)), See(), lamina.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 4), "float32")
    model.predict(x, verbose=0)
    assert seen == [True]
    seen.clear()
    model.evaluate(x, x[:, :1], verbose=0)
    model.fit(x, x[:, :1], verbose=0)
    model.train_on_batch(x, x[:, :1])
    assert seen
    assert not any(seen)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32", "bool"])
def test_relu_and_its_gradient(k, dtype):
    x = np.array([-2, -0.0, 0, 3], dtype)
    expected = np.array([0, 0, 0, 3 if dtype != "bool" else 1])
    result = lamina.ops.convert_to_numpy(lamina.ops.relu(x))
    np.testing.assert_array_equal(
        result, np.where(x.astype("int32") > 0, x.astype("int32"), 0) if dtype == "bool" else expected
    )
    assert str(result.dtype) == ("int32" if dtype == "bool" else dtype)


def test_the_gradient_of_relu_is_zero_at_zero_in_all_orders(k):
    x = np.array([-1.0, 0.0, 2.0, np.nan], "float32")
    f = lambda x: lamina.ops.sum(lamina.ops.relu(x) ** 3)
    first, second = jax.grad(f)(x), jax.grad(lambda x: jax.grad(f)(x)[:3].sum())(x)
    np.testing.assert_array_equal(first, [0, 0, 12, np.nan])
    np.testing.assert_array_equal(second[:3], [0, 0, 12])
    assert np.isnan(lamina.ops.convert_to_numpy(lamina.ops.relu(x))[3])


@tuned
@pytest.mark.parametrize("layer", ["LSTM", "GRU", "SimpleRNN"])
def test_many_rows_are_projected_in_each_turn(layer, k, monkeypatch):
    monkeypatch.setattr(cpu.constants, "IN_TURN_ELEMENTS", 8 * 5 * 4)
    monkeypatch.setattr(cpu.constants, "IN_TURN_ROWS", 8)
    rows = RNG.normal(size=(8, 5, 3)).astype("float32")
    # recurrent layers whose weights are the same, with a mask too
    model = getattr(lamina.layers, layer)(4, return_sequences=True, seed=1)
    whole, mask = model(rows), RNG.random((8, 5)) > 0.3
    masked = model(rows, mask=mask)

    def products(forward):
        found = []

        def traced(x, mask):
            found.append(str(jax.make_jaxpr(lambda x: model(x))(x)))
            return model(x), model(x, mask=mask)

        return k.jit(traced, forward=forward)(rows, mask), found[0]

    (in_turn, with_mask), program = products(True)
    assert f"{8 * 5},3" not in program  # all rows of all steps as one matrix
    assert f"{8 * 5},3" in products(False)[1]
    np.testing.assert_allclose(in_turn, whole, atol=1e-5)
    np.testing.assert_allclose(with_mask, masked, atol=1e-5)
