"""Attention against real Keras, on every backend; its own errors, and what it says of fused kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

rng = np.random.default_rng(0)
Q = rng.normal(size=(2, 5, 6)).astype("float32")
V = rng.normal(size=(2, 7, 6)).astype("float32")
GRID = rng.normal(size=(2, 3, 4, 6)).astype("float32")
QUERY_MASK, VALUE_MASK = rng.random((2, 5)) < 0.7, rng.random((2, 7)) < 0.7
BOTH_MASK = rng.random((2, 5, 7)) < 0.8

HEADS = [
    ("MultiHeadAttention", (2, 3), {}, (Q, V), {}),
    ("MultiHeadAttention", (2, 3), {}, (Q, V, V * 0.5), {"value_mask": VALUE_MASK, "key_mask": VALUE_MASK}),
    ("MultiHeadAttention", (2, 3), {"use_gate": True}, (Q, V), {"value_mask": VALUE_MASK, "query_mask": QUERY_MASK}),
    ("MultiHeadAttention", (2, 3), {"output_shape": 4, "use_bias": False}, (Q, V),
     {"attention_mask": BOTH_MASK, "use_causal_mask": True}),
    ("MultiHeadAttention", (2, 3), {"attention_axes": (1, 2), "output_shape": (2, 2)}, (GRID, GRID), {}),
    ("MultiHeadAttention", (2, 3), {"attention_axes": 2}, (GRID, GRID), {}),
    ("MultiHeadAttention", (2, 3), {"sliding_window": 2}, (Q, Q), {"use_causal_mask": True}),
    ("GroupQueryAttention", (3, 4, 2), {"use_gate": True}, (Q, V), {"value_mask": VALUE_MASK, "query_mask": QUERY_MASK}),
    ("GroupQueryAttention", (3, 4, 1), {"sliding_window": 2}, (Q, Q), {"use_causal_mask": True}),
    ("GroupQueryAttention", (3, 4, 4), {}, (Q, V), {"attention_mask": BOTH_MASK}),
]  # fmt: skip
LISTS = [
    ("Attention", (), {}, ([Q, V],), {}),
    ("Attention", (), {"use_scale": True}, ([Q, V, V * 0.5],), {"mask": [QUERY_MASK, VALUE_MASK]}),
    ("Attention", (), {"use_scale": True, "score_mode": "concat"}, ([Q, V],), {"use_causal_mask": True}),
    ("AdditiveAttention", (), {}, ([Q, V],), {"mask": [None, VALUE_MASK]}),
    ("AdditiveAttention", (), {"use_scale": False}, ([Q, V],), {}),
]
CASES = [*HEADS, *LISTS]


def shares(parameters: dict[str, Any]) -> Any:
    """What Keras gives for a case is found once for all backends."""
    return id(parameters["case"]) if "case" in parameters else None


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


def pair(name: str, args: tuple, kwargs: dict, inputs: tuple, **more: Any) -> tuple[Any, Any]:
    """The layer in Lamina and in Keras with the same weights, which leave no symmetry."""
    ours = getattr(layers, name)(*args, **kwargs, **more)
    theirs = getattr(keras.layers, name)(*args, **kwargs, **more)
    for layer, tensor in ((ours, lamina.KerasTensor), (theirs, keras.KerasTensor)):
        layer(*jax.tree.map(lambda x, tensor=tensor: tensor(x.shape), inputs))
    drawn = np.random.default_rng(3)
    values = [drawn.normal(size=v.shape).astype("float32") * 0.4 for v in theirs.weights]
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


def answers(layer: Any, inputs: tuple, call: dict) -> Callable[[list], list]:
    """The output, and the output with its scores, as a function of the weights."""
    other = [v.value for v in layer.non_trainable_variables]

    def compute(values: list) -> list:
        alone = layer.stateless_call(values, other, *inputs, **call)[0]
        with_scores = layer.stateless_call(values, other, *inputs, return_attention_scores=True, **call)[0]
        return [alone, *with_scores]

    return compute


@functools.cache
def wanted(place: int) -> list:
    """What Keras answers for a case, from one program."""
    name, args, kwargs, inputs, call = CASES[place]
    _, theirs = pair(name, args, kwargs, inputs)
    return jax.jit(answers(theirs, inputs, call))([v.value for v in theirs.trainable_variables])


def near(ours: Any, theirs: Any, tolerance: float = 2e-6) -> None:
    np.testing.assert_allclose(numbers(ours), np.asarray(theirs), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_outputs_and_scores_are_those_of_keras(case: tuple, k: Any) -> None:
    name, args, kwargs, inputs, call = case
    ours, _ = pair(name, args, kwargs, inputs)
    compute = answers(ours, inputs, call)
    compute = k.jit(compute) if k.functional else compute  # op by op, jax compiles each operation
    found = compute([v.value for v in ours.trainable_variables])
    place = next(i for i, other in enumerate(CASES) if other is case)
    for one, other in zip(found, wanted(place), strict=True):
        near(one, other)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0])
def test_weights_configs_and_shapes_are_those_of_keras(case: tuple) -> None:
    name, args, kwargs, inputs, _ = case
    with interpreter(backends.load("numpy")):
        ours, theirs = pair(name, args, kwargs, inputs)
        facts = [
            [(v.path.split("/", 1)[1], tuple(v.shape)) for v in layer.weights] for layer in (ours, theirs)
        ]
        assert facts[0] == facts[1]
        assert set(ours.get_config()) == set(theirs.get_config())
        again = type(ours).from_config(ours.get_config())
        assert again.get_config() == ours.get_config()
        real = tuple(ours(*inputs).shape)
        symbolic = [lamina.Input(x.shape[1:]) for x in (inputs[0] if isinstance(inputs[0], list) else inputs)]
        given = [symbolic] if isinstance(inputs[0], list) else symbolic
        assert getattr(layers, name)(*args, **kwargs)(*given).shape == (None, *real[1:])


@pytest.mark.parametrize("case", [HEADS[2], HEADS[7], LISTS[1]], ids=lambda c: c[0])
def test_gradients_are_those_of_keras(case: tuple, k: Any) -> None:
    if not k.differentiable:
        pytest.skip("no gradients here")
    name, args, kwargs, inputs, call = case
    ours, theirs = pair(name, args, kwargs, inputs)
    place = next(i for i, other in enumerate(CASES) if other is case)
    factors = np.random.default_rng(4).normal(size=wanted(place)[0].shape).astype("float32")
    expected = jax.jit(
        jax.grad(lambda values: (theirs.stateless_call(values, [], *inputs, **call)[0] * factors).sum())
    )([v.value for v in theirs.trainable_variables])

    def loss(values: list[Any]) -> Any:
        return k.sum(ours.stateless_call(values, [], *inputs, **call)[0] * k.asarray(factors)), None

    derive = lambda values: k.value_and_grad(loss, values)[1]
    found = (k.jit(derive) if k.functional else derive)([v.value for v in ours.trainable_variables])
    for one, other in zip(found, expected, strict=True):
        near(np.zeros(other.shape) if one is None else one, other, 1e-4)


@pytest.mark.parametrize("dtype", ["int32", "bool"])
@pytest.mark.parametrize(
    ("name", "args"), [("Attention", {}), ("Attention", {"use_scale": True}), ("AdditiveAttention", {})]
)
def test_whole_numbers_get_weights_that_are_floats(name: str, args: dict, dtype: str, k: Any) -> None:
    query, value = (rng.integers(0, 2, shape).astype(dtype) for shape in ((2, 3, 4), (2, 5, 4)))
    result, weights = getattr(layers, name)(**args)([query, value], return_attention_scores=True)
    assert str(k.dtype(result)) == str(k.dtype(weights)) == "float32"
    np.testing.assert_allclose(numbers(weights).sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"use_causal_mask": True}, {"return_attention_scores": True}])
def test_of_no_places_nothing_comes(options: dict, k: Any) -> None:
    result = layers.MultiHeadAttention(2, 3)(Q, V[:, :0], **options)
    result = result[0] if isinstance(result, tuple) else result
    np.testing.assert_array_equal(numbers(result), np.zeros(Q.shape))


def test_dropout_drops_weights(k: Any) -> None:
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5, seed=1)
    calm = numbers(layer(Q, V))
    assert not np.allclose(numbers(layer(Q, V, training=True)), calm)
    near(layer(Q, V, training=False), calm)
    # as in Keras, these scores are those before dropping, and those of the simpler layers those after
    for space in (layers, keras.layers):
        _, scores = space.MultiHeadAttention(2, 3, dropout=0.5)(
            Q, V, training=True, return_attention_scores=True
        )
        assert np.allclose(numbers(scores).sum(-1), 1, atol=1e-5)
        _, scores = space.Attention(dropout=0.5)([Q, V], training=True, return_attention_scores=True)
        assert not np.allclose(numbers(scores).sum(-1), 1, atol=1e-5)


def test_masks_of_embeddings_arrive(k: Any) -> None:
    ids = np.array([[1, 2, 3, 0, 0], [4, 0, 0, 0, 0]])
    embed, attend = layers.Embedding(5, 6, mask_zero=True), layers.MultiHeadAttention(2, 3)
    x = embed(ids)
    near(attend(x, x), numbers(attend(numbers(x), numbers(x), value_mask=ids != 0)))


def test_the_first_weights_are_distributed_as_in_keras() -> None:
    for name, args in (("MultiHeadAttention", (8, 64)), ("GroupQueryAttention", (64, 8, 2))):
        ours, theirs = getattr(layers, name)(*args), getattr(keras.layers, name)(*args)
        for layer in (ours, theirs):
            layer.build((2, 5, 256), (2, 5, 256))
        for one, other in zip(ours.weights, theirs.weights, strict=True):
            assert abs(one.numpy().std() - np.std(np.asarray(other.value))) <= 0.03 * np.std(
                np.asarray(other.value)
            )


def test_a_reason_is_given_where_no_fused_kernel_serves() -> None:
    layer = layers.MultiHeadAttention(2, 3, dropout=0.1)
    for name in BACKENDS:
        with interpreter(backends.load(name)) as k:
            reason = f"the backend {name!r} has no fused attention"
            assert layer.why_not_fused() == (None if "dot_product_attention" in k.overrides else reason)
    assert layer.why_not_fused(training=True) == "dropout drops single weights"
    assert layer.why_not_fused(return_attention_scores=True) == "the scores are asked for"
    grid = layers.MultiHeadAttention(2, 3)
    grid.build(GRID.shape, GRID.shape)
    assert "axis 1" in str(grid.why_not_fused())


def test_flash_attention_is_the_same_or_says_why_not(k: Any) -> None:
    make = lambda **more: layers.MultiHeadAttention(2, 3, flash_attention=True, **more)  # noqa: E731
    ours = make()
    assert ours(lamina.Input((5, 6)), lamina.Input((7, 6))).shape == (None, 5, 6)
    if k.name != "torch":
        with pytest.raises(
            RuntimeError, match=f"backend {k.name!r} has no flash kernel.*flash_attention=None"
        ):
            ours(Q, V)
        return
    plain = layers.MultiHeadAttention(2, 3, flash_attention=False)
    plain.build(Q.shape, V.shape)
    plain.set_weights(ours.get_weights())
    near(ours(Q, V, value_mask=VALUE_MASK), numbers(plain(Q, V, value_mask=VALUE_MASK)))
    with pytest.raises(
        RuntimeError, match=r"torch has no flash kernel for this call: .*flash_attention=None"
    ):
        make(value_dim=4)(Q, V)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.MultiHeadAttention(0, 3), "`num_heads` must be an integer of at least 1, got 0"),
        (lambda: layers.GroupQueryAttention(3, 4, 3), "multiple of `num_key_value_heads`, got 4 and 3"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=0), "`sliding_window`"),
        (lambda: layers.MultiHeadAttention(2, 3, flash_attention=True, dropout=0.1), "cannot drop weights"),
        (lambda: layers.MultiHeadAttention(2, 3, attention_axes=3)(GRID, GRID), "`attention_axes`"),
        (lambda: layers.MultiHeadAttention(2, 3)(Q, V, V[:, :2]), "last size only"),
        (lambda: layers.MultiHeadAttention(2, 3)(Q[0], V[0]), "of one rank, 3 or more"),
        (
            lambda: layers.MultiHeadAttention(2, 3)(Q, V, value_mask=BOTH_MASK),
            "(unlike `attention_mask`) must have the shape",
        ),
        (lambda: layers.MultiHeadAttention(2, 3)([Q, V]), "was called without `value`"),
        (lambda: layers.MultiHeadAttention(2, 3)([Q], [V]), "expected tensors"),
        (lambda: layers.Attention()([Q, V[:, :, :3]]), "got query (2, 5, 6), value (2, 7, 3), key (2, 7, 3)"),
        (lambda: layers.AdditiveAttention()([Q, V, V[:, :4]]), "key (2, 4, 6)"),
        (lambda: layers.Attention(score_mode="sum"), "score_mode"),
        (lambda: layers.Attention()(Q), "takes a list"),
        (lambda: layers.Attention()([Q, V], mask=VALUE_MASK), "`mask` must be a list"),
    ],
)
def test_errors_say_what_is_wrong(make: Any, text: str) -> None:
    with interpreter(backends.load("numpy")), pytest.raises(ValueError, match=None) as caught:
        make()
    assert text in str(caught.value)
