"""Recurrent layers against real Keras beyond the catalogue: masks, states, both directions, files, fused kernels."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.kernel.contract import Fused
from lamina.kernel.trees import leaves

X = np.random.default_rng(0).normal(size=(3, 5, 3)).astype("float32")
GAPS = np.array([[0, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 1, 1, 0]], bool)
PADDED = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
MASKS = (GAPS, PADDED, None)
FIRST = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
KINDS = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}  # how many states


def shares(parameters: dict[str, Any]) -> Any:
    """What Keras gives is found once for all backends."""
    return tuple(v for name, v in sorted(parameters.items()) if name != "k") if "zero" in parameters else None


@pytest.fixture(autouse=True, scope="module")
def quick_compilation() -> Any:
    """XLA's optimizations would take most of the time of these tests."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


def pair(make: Any, shape: tuple = X.shape) -> tuple[Any, Any]:
    """The layer in Lamina and in Keras with the same weights, which leave no symmetry."""
    ours, theirs = make(layers), make(keras.layers)
    for layer in (ours, theirs):
        layer.build(shape)
        layer.built = True
    drawn = np.random.default_rng(3)
    values = [drawn.normal(size=v.shape).astype("float32") * 0.5 for v in theirs.weights]
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


def near(ours: Any, theirs: Any, tolerance: float = 5e-6) -> None:
    ours, theirs = list(leaves(ours)), list(leaves(theirs))
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        one, other = numbers(one), numbers(other)
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


# -- masks and states --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("zero", "backwards"), list(itertools.product((False, True), repeat=2)))
@pytest.mark.parametrize("kind", KINDS)
def test_masked_steps_are_those_of_keras(kind: str, zero: bool, backwards: bool, k: Any) -> None:
    """Masks with gaps and masks of padded sequences (which may run on a fused kernel), from given states."""
    ours, wanted = masked_steps(kind, zero, backwards)
    states = list(FIRST[: KINDS[kind]])
    compute = lambda x: [ours(x, initial_state=states, mask=mask) for mask in MASKS]
    near((k.jit(compute) if k.functional else compute)(k.asarray(X)), wanted)


@functools.lru_cache(maxsize=1)
def masked_steps(kind: str, zero: bool, backwards: bool) -> tuple[Any, Any]:
    """The layer, and what that of Keras gives with each mask, from one program."""
    options = {
        "zero_output_for_mask": zero,
        "go_backwards": backwards,
        "return_state": True,
        "return_sequences": True,
    }
    ours, theirs = pair(lambda space: getattr(space, kind)(4, **options))
    states = list(FIRST[: KINDS[kind]])
    return ours, jax.jit(lambda x: [theirs(x, initial_state=states, mask=mask) for mask in MASKS])(X)


def test_the_last_output_is_that_of_the_last_real_step(k: Any) -> None:
    ours, theirs = pair(lambda space: space.LSTM(4))
    near(ours(X, mask=PADDED), theirs(X, mask=PADDED))


@pytest.mark.parametrize("kind", KINDS)
def test_stateful_layers_go_on_where_they_stopped(kind: str, k: Any) -> None:
    ours, _ = pair(lambda space: getattr(space, kind)(4, stateful=True))
    whole, _ = pair(lambda space: getattr(space, kind)(4))
    ours(X)
    near(ours(X[:, ::-1]), whole(np.concatenate([X, X[:, ::-1]], 1)))
    ours.reset_state()
    near(ours.states[0], np.zeros((3, 4)))
    near(ours(X), whole(X))


def test_states_are_carried_by_training_steps(k: Any) -> None:
    if not k.differentiable:
        pytest.skip("no training here")
    model = lamina.Sequential([lamina.Input(batch_shape=(3, 5, 3)), layers.GRU(4, stateful=True)])
    assert len(model.weights) == 3  # states are no weights
    model.compile(lamina.optimizers.SGD(0.0), "mse")
    twice = np.concatenate([X, X[:, ::-1]])
    model.fit(twice, np.zeros((6, 4)), batch_size=3, shuffle=False, verbose=0)
    found = numbers(model.layers[0].states[0].value)
    model.layers[0].reset_state()
    model(X)
    near(found, model(X[:, ::-1]))


def test_stacked_cells_return_the_states_of_each(k: Any) -> None:
    ours, theirs = pair(
        lambda space: space.RNN(
            [space.LSTMCell(4), space.GRUCell(2), space.SimpleRNNCell(3)], return_state=True
        )
    )
    near(ours(X, mask=GAPS), theirs(X, mask=GAPS))
    near(ours(X, initial_state=list(ours(X)[1:])), theirs(X, initial_state=list(theirs(X)[1:])))


class Sums(layers.Layer):
    """A cell of a user's own: dropout inside, two states, no output_size."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.state_size = [3, 3]
        self.drop = layers.Dropout(0.5, seed=1)

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        total, count = states
        total = total + self.drop(inputs, training=training)
        return total, [total, count + 1.0]


def test_a_cell_of_your_own(k: Any) -> None:
    layer = layers.RNN(Sums(), return_sequences=True, return_state=True)
    outputs, total, count = layer(X)
    near([outputs, total, count], [np.cumsum(X, 1), X.sum(1), np.full((3, 3), 5.0)], 1e-5)
    near(layer(X, mask=PADDED)[0], np.cumsum(X * PADDED[:, :, None], 1), 1e-5)
    steps = np.diff(numbers(layer(X, training=True)[0]), axis=1, prepend=0)
    dropped = np.isclose(steps, 0, atol=1e-6)
    assert 0 < dropped.mean() < 1
    assert (dropped != dropped[:, :1]).any()  # each step draws anew


# -- both directions, every step ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode",
    [*(pytest.param(mode, marks=pytest.mark.slow) for mode in ("sum", "ave")), "mul", "concat", None],
)
def test_bidirectional_merges_as_keras(mode: str | None, k: Any) -> None:
    ours, theirs = pair(
        lambda space: space.Bidirectional(
            space.LSTM(4, return_sequences=True, return_state=True), merge_mode=mode
        )
    )
    for mask in (None, PADDED):
        near(ours(X, mask=mask), theirs(X, mask=mask))
    states = [*FIRST, *FIRST[::-1]]
    near(ours(X, initial_state=states), theirs(X, initial_state=states))


def test_bidirectional_with_two_different_layers(k: Any) -> None:
    def make(space: Any) -> Any:
        back = space.GRU(2, go_backwards=True, return_sequences=True)
        return space.Bidirectional(space.LSTM(4, return_sequences=True), backward_layer=back)

    ours, theirs = pair(make)
    near(ours(X), theirs(X))
    again = layers.Bidirectional.from_config(ours.get_config())
    again.build(X.shape)
    assert again.get_config() == ours.get_config()


def test_bidirectional_takes_first_weights() -> None:
    first = layers.Bidirectional(layers.GRU(4))
    near(first(X), layers.Bidirectional(layers.GRU(4), weights=first.get_weights())(X))


def test_time_distributed_hands_on_masks_of_inner_sequences(k: Any) -> None:
    inner = layers.GRU(4)
    x = np.stack([X, X[:, ::-1]], 1)
    masks = np.stack([PADDED, GAPS], 1)
    wrapped = layers.TimeDistributed(inner)
    near(wrapped(x, mask=masks), np.stack([numbers(inner(x[:, i], mask=masks[:, i])) for i in range(2)], 1))


# -- one result, several ways ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_unrolled_equals_looped(kind: str, k: Any) -> None:
    looped = getattr(layers, kind)(4, return_sequences=True)
    near(looped(X), looped(X))
    unrolled = getattr(layers, kind)(4, return_sequences=True, unroll=True)
    unrolled(X)
    unrolled.set_weights(looped.get_weights())
    near(unrolled(X, mask=GAPS), looped(X, mask=GAPS))


def gradients(k: Any, layer: Any, **call: Any) -> list[Any]:
    other = [v.value for v in layer.non_trainable_variables]

    def loss(values: list[Any]) -> Any:
        outputs, _ = layer.stateless_call(values[1:], other, values[0], **call)
        return sum(k.sum(y * y) for y in leaves(outputs)), None

    return k.value_and_grad(loss, [k.asarray(X), *[v.value for v in layer.trainable_variables]])[1]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_native_loops_equal_the_composed_one(kind: str, backwards: bool, monkeypatch: Any, k: Any) -> None:
    """What an interpreter has of its own (fused kernels, loops with their own gradient) against the plain loop."""
    if not k.differentiable or not any(map(k.fused.offers, ("lstm", "recurrence"))):
        pytest.skip("nothing of its own here")
    layer = getattr(layers, kind)(4, return_sequences=True, return_state=True, go_backwards=backwards)
    layer(X)
    calls = [{}, {"mask": k.asarray(PADDED)}] if kind != "SimpleRNN" else [{}]
    native = [(layer(X, **call), gradients(k, layer, **call)) for call in calls]
    monkeypatch.setattr(k, "fused", Fused())
    for (outputs, slopes), call in zip(native, calls, strict=True):
        near(outputs, layer(X, **call))
        near(slopes, gradients(k, layer, **call), 1e-4)


def test_a_reason_is_given_where_no_fused_kernel_serves() -> None:
    with interpreter(backends.load("numpy")):
        assert layers.LSTM(4).why_not_fused(X) == "the backend 'numpy' has no fused LSTM"
        assert "activations" in str(layers.LSTM(4, activation="relu").why_not_fused(X))
        assert "reset_after" in str(layers.GRU(4, reset_after=False).why_not_fused(X))
        assert (
            layers.LSTM(4, recurrent_dropout=0.1)
            .why_not_fused(X, training=True)
            .startswith("recurrent_dropout")
        )
        with pytest.raises(ValueError, match="there is no fused kernel"):
            layers.LSTM(4, use_cudnn=True)(X)
    if "torch" in BACKENDS:
        with interpreter(backends.load("torch")) as k:
            assert layers.LSTM(4).why_not_fused(k.asarray(X), k.asarray(PADDED)) is None
            assert "padded at their end" in str(layers.GRU(4).why_not_fused(k.asarray(X), k.asarray(GAPS)))


# -- dropout -----------------------------------------------------------------------------------------------------------


def test_dropout_is_one_draw_for_all_steps(k: Any) -> None:
    layer = layers.SimpleRNN(
        1,
        "linear",
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        dropout=0.5,
        return_sequences=True,
    )
    ones = np.ones((4, 5, 6), "float32")
    first, second = numbers(layer(ones, training=True)), numbers(layer(ones, training=True))
    assert np.array_equal(first, np.broadcast_to(first[:, :1], first.shape))
    assert len(np.unique(first)) > 1
    assert not np.array_equal(first, second)  # the next call draws anew
    near(layer(ones), np.full((4, 5, 1), 6.0))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_dropped_inputs_are_dropped_in_every_step(kind: str, k: Any) -> None:
    """Also on fused kernels: what comes out is what some set of inputs alone, scaled, would give."""
    layer = getattr(layers, kind)(3, dropout=0.5, seed=1)
    x = X[:1, :, :2]
    layer(x)
    possible = [
        numbers(layer(x * (np.array(keep, "float32") * 2))) for keep in itertools.product((0, 1), repeat=2)
    ]
    found = [numbers(layer(x, training=True)) for _ in range(4)]
    assert all(any(np.allclose(y, p, atol=1e-5) for p in possible) for y in found)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_recurrent_dropout_drops(kind: str, k: Any) -> None:
    layer = getattr(layers, kind)(4, dropout=0.2, recurrent_dropout=0.5, seed=1)
    calm = numbers(layer(X))
    noisy = numbers(layer(X, training=True))
    assert np.isfinite(noisy).all()
    assert not np.allclose(noisy, calm)
    assert not np.allclose(noisy, numbers(layer(X, training=True)))


# -- files -------------------------------------------------------------------------------------------------------------


def encoder_decoder(space: Any) -> Any:
    """A model in which states and masks go from layer to layer."""
    x, y = space.Input((5, 3)), space.Input((6, 2))
    _, h, c = space.layers.LSTM(4, return_state=True)(x)
    steps = space.layers.Masking()(y)
    decoded = space.layers.LSTM(4, return_sequences=True)(steps, initial_state=[h, c])
    both = space.layers.Bidirectional(space.layers.GRU(4, return_sequences=True))(
        decoded, initial_state=[h, c]
    )
    seen = space.layers.MultiHeadAttention(2, 3)(both, both, use_causal_mask=True)
    return space.Model([x, y], [decoded, space.layers.GRU(3)(seen)])


def test_files_go_both_ways(tmp_path: Any) -> None:
    y = np.random.default_rng(2).normal(size=(3, 6, 2)).astype("float32")
    y[:, 4:] = 0
    ours, theirs = encoder_decoder(lamina), encoder_decoder(keras)
    theirs.save(tmp_path / "theirs.keras")
    ours.save(tmp_path / "ours.keras")
    with interpreter(backends.load("numpy")):
        near(lamina.saving.load_model(tmp_path / "theirs.keras")([X, y]), theirs([X, y]))
        near(ours([X, y]), keras.saving.load_model(tmp_path / "ours.keras")([X, y]))


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: layers.LSTM(0), "`units` must be an integer of at least 1, got 0"),
        (lambda: layers.GRU(4, dropout=2.0), "`dropout` must be a number from 0 to 1, got 2.0"),
        (lambda: layers.LSTM(4, use_cudnn="yes"), "`use_cudnn` must be 'auto', True or False"),
        (lambda: layers.LSTM(4)(X[0]), "rank 3"),
        (lambda: layers.LSTM(4)(X, mask=GAPS[:, :3]), "(batch, steps) = (3, 5) of the input, got (3, 3)"),
        (
            lambda: layers.LSTM(4)(X, initial_state=[FIRST[0]]),
            "must hold 2 tensors of shape (3, 4) and (3, 4)",
        ),
        (lambda: layers.LSTM(4, stateful=True)(lamina.Input((5, 3))), "its batch size must be known"),
        (lambda: layers.LSTM(4, unroll=True)(lamina.Input((None, 3))), "needs a known number of steps"),
        (lambda: layers.RNN("cell"), "`cell` must have a method `call(inputs, states)`, got 'cell'"),
        (lambda: layers.RNN(layers.Dense(2)), "`state_size`"),
        (lambda: layers.StackedRNNCells([1]), "got 1"),
        (lambda: layers.Bidirectional(layers.Dense(2)), "must be a recurrent layer"),
        (lambda: layers.Bidirectional(layers.LSTM(2), merge_mode="add"), "unknown merge_mode 'add'"),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
            "differ in `go_backwards`",
        ),
        (lambda: layers.TimeDistributed(layers.Dense(2))(X[:, 0]), "three axes or more"),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(X, mask=GAPS[:, :2]),
            "(batch, steps) = (3, 5) of the input, got (3, 2)",
        ),
        (lambda: layers.ConvLSTM2D(2, 3, padding="causal"), "unknown padding 'causal'"),
        (lambda: layers.ConvLSTM2D(2, 3, padding=1), "unknown padding 1"),
        (lambda: layers.ConvLSTM2D(2, 3, strides=2, dilation_rate=2), "cannot both be above 1"),
    ],
)
def test_errors_say_what_is_wrong(make: Any, text: str) -> None:
    with interpreter(backends.load("numpy")), pytest.raises(ValueError, match=None) as caught:
        make()
    assert text in str(caught.value)
