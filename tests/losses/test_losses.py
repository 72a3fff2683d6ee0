"""Every loss against real Keras, on all backends: random, extreme, weighted, masked, single and half-precision input."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import jax
import numpy as np
import oracle
import pytest
from oracle import assert_same, keras

import lamina
from lamina import backends, losses, metrics
from lamina.core.masks import set_mask
from lamina.kernel.context import interpreter
from lamina.losses.loss import REDUCTIONS, LossFunctionWrapper

rng = np.random.default_rng(3)


def f32(x: Any) -> np.ndarray:
    return np.asarray(x, "float32")


def probabilities(*shape: int) -> np.ndarray:
    x = rng.random(shape)
    return f32(x / x.sum(-1, keepdims=True))


def one_hot(numbers: Any, classes: int) -> np.ndarray:
    return f32(np.eye(classes)[np.asarray(numbers)])


NUMBERS = {
    "random": (f32(rng.normal(size=(6, 5))), f32(rng.normal(size=(6, 5)))),
    "deep": (f32(rng.random((3, 4, 5))), f32(rng.random((3, 4, 5)))),
    "large": (f32([[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]]), f32([[-1e4, 1e4, 1e4], [0.0, 0.0, 0.0]])),
    "single": (f32([[0.3]]), f32([[0.8]])),
    "column": (f32(rng.normal(size=4)), f32(rng.normal(size=(4, 1)))),
    "tiny and huge": (f32([[1e-20, 1e-22], [1e18, 1e18]]), f32([[1e-20, 0.0], [1e18, 1.0]])),
}
COUNTS = {
    "random": (f32(rng.integers(0, 5, (6, 5))), f32(rng.random((6, 5)) * 4)),
    "edges": (f32([[0.0, 3.0, 0.0]]), f32([[0.0, 0.0, 1e4]])),
    "single": (f32([[2.0]]), f32([[1.5]])),
}
YES_NO = {
    "random": (f32(rng.integers(0, 2, (6, 5))), f32(rng.random((6, 5)))),
    "edges": (f32([[0, 1, 0, 1], [1, 0, 0.5, 0.25]]), f32([[0, 1, 1, 0], [0.5, 0.5, 0, 1]])),
    "single": (f32([[1.0]]), f32([[0.8]])),
    "column": (f32([0, 1, 1]), f32([[0.2], [0.9], [0.4]])),
    "zeros": (f32([[0, 0, 0]]), f32([[0, 0, 0]])),
}
LOGITS = {
    "random": (f32(rng.integers(0, 2, (6, 5))), f32(rng.normal(size=(6, 5)) * 3)),
    "edges": (f32([[0, 1, 0, 1], [1, 0, 0.5, 0.25]]), f32([[-1e4, 1e4, 1e4, -1e4], [0, 0, 1e4, -1e4]])),
    "single": (f32([[1]]), f32([[-1e4]])),
}
CLASSES = {
    "random": (one_hot([0, 2, 1, 3], 4), probabilities(4, 4)),
    "deep": (one_hot([[0, 2], [1, 3], [2, 2]], 4), probabilities(3, 2, 4)),
    "edges": (one_hot([0, 1, 2], 3), f32([[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0]])),
    "unscaled": (f32([[0.5, 0.5, 0.0]]), f32([[2.0, 1.0, 1.0]])),
    "single": (one_hot([1], 2), f32([[0.4, 0.6]])),
    "zeros": (f32([[0, 0, 0], [0, 1, 0]]), f32([[0, 0, 0], [0, 0, 0]])),
}
CLASS_LOGITS = {
    "random": (one_hot([0, 2, 1, 3], 4), f32(rng.normal(size=(4, 4)) * 3)),
    "edges": (one_hot([0, 1, 2], 3), f32([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, 1e4]])),
    "single": (one_hot([0], 3), f32([[-1e4, 1e4, 0]])),
}
SPARSE = {
    name: (np.argmax(t, -1).astype("int32"), p) for name, (t, p) in CLASSES.items() if name != "unscaled"
}
SPARSE_LOGITS = {name: (np.argmax(t, -1).astype("int32"), p) for name, (t, p) in CLASS_LOGITS.items()}
SPARSE["last axis 1"] = (np.int32([[0], [2]]), probabilities(2, 3))
SPARSE["no such class"] = SPARSE_LOGITS["no such class"] = (np.int32([-1, 5]), probabilities(2, 3))
IGNORED = {
    "some": (np.int32([0, -1, 2, -1]), probabilities(4, 3)),
    "all": (np.int32([-1, -1]), probabilities(2, 3)),
    "single": (np.int32([-1]), probabilities(1, 3)),
}
EMBEDDINGS = f32(rng.normal(size=(6, 4)))
EMBEDDINGS /= np.linalg.norm(EMBEDDINGS, axis=1, keepdims=True)
CIRCLE = {
    "random": (np.int32([0, 1, 0, 1, 2, 1]), EMBEDDINGS),
    "one class": (np.int32([1, 1, 1]), EMBEDDINGS[:3]),
    "single": (np.int32([1]), EMBEDDINGS[:1]),
    "not of length 1": (np.int32([0, 1, 0, 1, 2, 1]), EMBEDDINGS * 3),
    "long": (np.int32([0, 0, 1]), f32([[1e4, 0], [-1e4, 0], [1e4, 0]])),
}
SEQUENCES = {
    "random": (np.int32([[1, 2, 0, 0], [2, 2, 1, 0]]), f32(rng.normal(size=(2, 7, 4)))),
    "no label": (np.int32([[1, 2], [0, 0]]), f32(rng.normal(size=(2, 5, 3)))),
    "edges": (np.int32([[1, 2, 3, 0]]), f32(np.where(np.eye(7, 4), 1e4, -1e4)[None])),
    "single": (np.int32([[1]]), f32([[[0.2, 0.5, 0.1]]])),
}

LOSSES: list[tuple[str, dict[str, Any], dict[str, tuple[Any, Any]]]] = [
    ("MeanSquaredError", {}, NUMBERS),
    ("MeanAbsoluteError", {}, NUMBERS),
    ("MeanAbsolutePercentageError", {}, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, NUMBERS),
    ("CosineSimilarity", {}, NUMBERS),
    ("CosineSimilarity", {"axis": 1}, {"deep": NUMBERS["deep"]}),
    ("Huber", {}, NUMBERS),
    ("Huber", {"delta": 0.3}, NUMBERS),
    ("LogCosh", {}, NUMBERS),
    ("KLDivergence", {}, CLASSES),
    ("Poisson", {}, COUNTS),
    ("Hinge", {}, NUMBERS | YES_NO),
    (
        "SquaredHinge",
        {},
        YES_NO
        | {"large": NUMBERS["large"], "signs": (f32(np.sign(NUMBERS["random"][0])), NUMBERS["random"][1])},
    ),
    ("CategoricalHinge", {}, CLASSES | CLASS_LOGITS),
    ("BinaryCrossentropy", {}, YES_NO),
    ("BinaryCrossentropy", {"from_logits": True}, LOGITS),
    ("BinaryCrossentropy", {"label_smoothing": 0.2, "axis": 0}, YES_NO),
    ("BinaryFocalCrossentropy", {}, YES_NO),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 3.0}, LOGITS),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.4, "label_smoothing": 0.1},
        YES_NO,
    ),
    ("CategoricalCrossentropy", {}, CLASSES),
    ("CategoricalCrossentropy", {"from_logits": True}, CLASS_LOGITS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CLASSES),
    ("CategoricalCrossentropy", {"axis": 1}, {"deep": NUMBERS["deep"]}),
    ("CategoricalFocalCrossentropy", {}, CLASSES),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "alpha": 0.5, "gamma": 1.0}, CLASS_LOGITS),
    ("CategoricalFocalCrossentropy", {"label_smoothing": 0.1}, CLASSES),
    ("SparseCategoricalCrossentropy", {}, SPARSE),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, SPARSE_LOGITS),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1}, IGNORED),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, {n: SPARSE[n] for n in ("random", "edges", "single")}),
    ("CTC", {}, SEQUENCES),
    ("Circle", {}, CIRCLE),
    ("Circle", {"gamma": 2.0, "margin": 0.1, "remove_diagonal": False}, CIRCLE),
    ("Dice", {}, YES_NO),
    ("Dice", {"axis": 1}, YES_NO),
    ("Tversky", {"alpha": 0.3, "beta": 0.9}, YES_NO),
    ("Tversky", {"axis": (0,)}, YES_NO),
]
CASES = [(name, kwargs, kind) for name, kwargs, data in LOSSES for kind in data]
DATA = {(name, str(kwargs)): data for name, kwargs, data in LOSSES}


@functools.cache
def theirs(index: int, weighted: bool, reduction: str) -> Any:
    name, kwargs, kind = CASES[index]
    y_true, y_pred = DATA[name, str(kwargs)][kind]
    loss = getattr(keras.losses, name)(reduction=reduction, **kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return oracle.numbers(
            loss(y_true, y_pred, sample_weight=weights(name, kwargs, y_true) if weighted else None)
        )


def weights(name: str, kwargs: dict[str, Any], y_true: np.ndarray) -> Any:
    """One weight per sample; for losses that give one value per batch or feature, one weight for all."""
    deep = y_true.ndim > (1 if name.startswith("Sparse") and y_true.shape[-1] != 1 else 2)
    per_sample = name not in ("Dice", "Tversky") and kwargs.get("axis", -1) == -1 and not deep
    return f32(np.arange(len(y_true)) % 3) if per_sample else f32(0.5)


def test_every_public_loss_is_here() -> None:
    classes = {name for name in losses.__all__ if isinstance(getattr(losses, name), type)}
    assert classes - {"Loss"} == {name for name, _, _ in LOSSES}


CALLS = ((False, "sum_over_batch_size"), (True, "none"))


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{n}-{a or ''}-{kind}" for n, a, kind in CASES])
def test_agrees_with_keras(index: int, backend: str) -> None:
    name, kwargs, kind = CASES[index]
    y_true, y_pred = DATA[name, str(kwargs)][kind]
    with interpreter(backends.load(backend)), np.errstate(all="ignore"):  # 0 / 0 is one of the answers
        for weighted, reduction in (
            CALLS[:1] if backend == "jax" else CALLS
        ):  # jax compiles each operation, which is slow
            weight = weights(name, kwargs, y_true) if weighted else None
            found = getattr(losses, name)(reduction=reduction, **kwargs)(y_true, y_pred, sample_weight=weight)
            assert_same(found, theirs(index, weighted, reduction), atol=2e-7)


MASK = np.array([True, False, True, True])
REDUCED = [
    (reduction, mask, weight)
    for reduction in REDUCTIONS
    for mask in (None, MASK, np.zeros(4, bool))
    for weight in (None, f32([1, 2, 0, 0.5]), f32([[1], [2], [0], [0.5]]), np.zeros(4, "float32"), 2.0)
]


@functools.cache
def theirs_reduced(index: int) -> Any:
    reduction, mask, weight = REDUCED[index]
    y_true, y_pred = NUMBERS["random"]
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    return oracle.numbers(loss(y_true[:4], oracle.keras_masked(y_pred[:4], mask), sample_weight=weight))


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions_masks_and_weights_agree_with_keras(reduction: Any, backend: str) -> None:
    y_true, y_pred = NUMBERS["random"]
    with interpreter(backends.load(backend)) as k:
        for index, (listed, mask, weight) in enumerate(REDUCED):
            if listed == reduction:
                loss = losses.MeanSquaredError(reduction=reduction)
                found = loss(y_true[:4], oracle.masked(k, y_pred[:4], mask), sample_weight=weight)
                assert_same(found, theirs_reduced(index))


# per loss: masked with weights, nothing left by the mask, nothing left by the weights
LEFT = ("some", "no entry", "no weight")


def left_of(values: np.ndarray, which: str) -> tuple[np.ndarray, np.ndarray]:
    """A mask and weights for values of this shape."""
    mask, weight = np.arange(values.size) % 3 != 1, f32(np.arange(values.size) % 4)
    if which == "no entry":
        mask = mask & False
    return mask.reshape(values.shape), (weight * (which != "no weight")).reshape(values.shape)


@functools.cache
def theirs_left(name: str, arguments: str, kind: str, which: str) -> tuple[np.ndarray, np.ndarray, Any]:
    kwargs = next(kwargs for listed, kwargs, _ in LOSSES if (listed, str(kwargs)) == (name, arguments))
    y_true, y_pred = DATA[name, arguments][kind]
    real = getattr(keras.losses, name)
    mask, weight = left_of(oracle.numbers(real(reduction="none", **kwargs)(y_true, y_pred)), which)
    wanted = real(**kwargs)(y_true, oracle.keras_masked(y_pred, mask), sample_weight=weight)
    return mask, weight, oracle.numbers(wanted)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("which", LEFT)
def test_every_loss_is_masked_and_weighted_as_in_keras(which: str, backend: str) -> None:
    with interpreter(backends.load(backend)) as k, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, kwargs, data in LOSSES:
            kind = next(iter(data))
            y_true, y_pred = data[kind]
            mask, weight, wanted = theirs_left(name, str(kwargs), kind, which)
            found = getattr(losses, name)(**kwargs)(
                y_true, oracle.masked(k, y_pred, mask), sample_weight=weight
            )
            assert np.isfinite(wanted), (name, kwargs)
            assert_same(found, wanted, atol=2e-7)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
def test_masks_of_steps(backend: str) -> None:
    y_true, y_pred = NUMBERS["deep"]
    mask = rng.random((3, 4)) > 0.4
    wanted = keras.losses.MeanAbsoluteError()(y_true, oracle.keras_masked(y_pred, mask))
    with interpreter(backends.load(backend)) as k:
        assert_same(losses.MeanAbsoluteError()(y_true, oracle.masked(k, y_pred, mask)), wanted)


SEQUENCE_WEIGHTS = [(), (1,), (3, 1), (3, 4), (1, 4), (4,), (3, 4, 1)]  # of 3 samples of 4 steps


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("shape", SEQUENCE_WEIGHTS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_of_sequences_are_those_of_keras(
    reduction: Any, shape: tuple[int, ...], backend: str
) -> None:
    y_true, y_pred = NUMBERS["deep"]
    weight = f32(np.random.default_rng(4).random(shape))
    with interpreter(backends.load(backend)):
        for features in (1, 5):
            pair = y_true[:, :, :features], y_pred[:, :, :features]
            wanted = keras.losses.MeanSquaredError(reduction=reduction)(*pair, sample_weight=weight)
            assert_same(losses.MeanSquaredError(reduction=reduction)(*pair, sample_weight=weight), wanted)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 1)])
def test_weights_of_rows_are_those_of_keras(shape: tuple[int, ...], backend: str) -> None:
    y_true, y_pred = (y[:, :, 0] for y in NUMBERS["deep"])
    weight = f32(np.random.default_rng(4).random(shape))
    with interpreter(backends.load(backend)):
        for reduction in REDUCTIONS:
            for predictions in (y_pred, y_pred[:, :, None]):
                pair = y_true, predictions
                wanted = keras.losses.MeanSquaredError(reduction=reduction)(*pair, sample_weight=weight)
                assert_same(losses.MeanSquaredError(reduction=reduction)(*pair, sample_weight=weight), wanted)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("steps", [4, 3])
def test_one_weight_per_sample_of_a_sequence(steps: int, backend: str) -> None:
    """Keras refuses 4 steps, and of 3 samples with 3 steps it weighs the steps: here it is the samples always."""
    y_true, y_pred = (y[:, :steps] for y in NUMBERS["deep"])
    weight = f32([1, 0, 2])
    with interpreter(backends.load(backend)):
        found = losses.MeanSquaredError()(y_true, y_pred, sample_weight=weight)
        assert_same(found, np.mean(np.mean((y_true - y_pred) ** 2, -1) * weight[:, None], dtype="float32"))
        metric = metrics.MeanSquaredError()  # as the metrics do, in Keras too
        metric.update_state(y_true, y_pred, sample_weight=weight)
        real = keras.metrics.MeanSquaredError()
        real.update_state(y_true, y_pred, sample_weight=weight)
        assert_same(metric.result(), real.result())


NO_ROW, NO_STEP, NO_COLUMN = (0, 3), (0,), (3, 0)
EMPTY_MASKS = (False, True)
EMPTY_WEIGHTS: dict[str, Any] = {
    "no weight": lambda rows: None,
    "one weight": lambda rows: 2.0,
    "a weight per row": lambda rows: np.ones(rows, "float32"),
    "a column of weights": lambda rows: np.ones((rows, 1), "float32"),
}
# "mean" is another word for "sum_over_batch_size"
EMPTY_CALLS = [
    (reduction, weight, masked)
    for reduction in (None, "none", "sum", "sum_over_batch_size", "mean_with_sample_weight")
    for weight in EMPTY_WEIGHTS
    for masked in EMPTY_MASKS
]
OF_CLASS_NUMBERS = ("SparseCategoricalCrossentropy", "CategoricalGeneralizedCrossEntropy", "Circle")


def nothing(name: str, data: dict[str, tuple[Any, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels and predictions with an axis of size 0."""
    y_true, y_pred = next(iter(data.values()))
    found = {"no row of these": (y_true[:0], y_pred[:0])}
    if name == "CTC":
        return found | {"no label": (np.zeros((2, 0), "int32"), np.zeros((2, 5, 3), "float32"))}
    for shape in (NO_ROW, NO_STEP, NO_COLUMN):
        labels = np.zeros(shape[:-1], "int32") if name in OF_CLASS_NUMBERS else np.zeros(shape, "float32")
        found[str(shape)] = labels, np.zeros(shape, "float32")
    return found


def of_nothing(loss: Any, masked: Any, pair: tuple[Any, Any], weight: str, with_mask: bool) -> Any:
    """The loss, of predictions made by `masked(y_pred, mask)`."""
    y_true, y_pred = pair
    mask = np.ones(y_pred.shape[:-1] or y_pred.shape, bool) if with_mask else None
    weights = EMPTY_WEIGHTS[weight](y_pred.shape[0])
    return oracle.numbers(loss(y_true, masked(y_pred, mask), sample_weight=weights))


def empty_calls(listed: int) -> list[tuple]:
    """All for the first loss, a third in turn for the others: jax is slow to start an operation."""
    return EMPTY_CALLS[listed % 3 :: 3] if listed else EMPTY_CALLS


@functools.cache
def theirs_of_nothing(listed: int, kind: str) -> list[Any]:
    """Of each call, or None where Keras raises."""
    name, kwargs, data = LOSSES[listed]
    found = []
    for reduction, weight, masked in empty_calls(listed):
        loss = getattr(keras.losses, name)(reduction=reduction, **kwargs)
        try:
            found.append(of_nothing(loss, oracle.keras_masked, nothing(name, data)[kind], weight, masked))
        except (ValueError, TypeError, IndexError):
            found.append(None)
    return found


NOTHING = [
    pytest.param(
        listed,
        backend,
        id=f"{name}-{kwargs or ''}-{backend}",
        marks=[pytest.mark.slow] if (name, backend) == ("CTC", "jax") else [],  # 15 s of compiling
    )
    for listed, (name, kwargs, _) in enumerate(LOSSES)
    for backend in oracle.BACKENDS
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("listed", "backend"), NOTHING)
def test_losses_of_nothing_are_those_of_keras(listed: int, backend: str) -> None:
    """The shapes too: where there are no samples to reduce, both give their values, of shape (0,)."""
    name, kwargs, data = LOSSES[listed]
    with interpreter(backends.load(backend)) as k, np.errstate(all="ignore"):
        for kind, pair in nothing(name, data).items():
            wanted = theirs_of_nothing(listed, kind)
            assert kind != "no row of these" or any(x is not None for x in wanted)
            for (reduction, weight, masked), value in zip(empty_calls(listed), wanted, strict=True):
                if value is not None:
                    loss = getattr(losses, name)(reduction=reduction, **kwargs)
                    found = of_nothing(loss, functools.partial(oracle.masked, k), pair, weight, masked)
                    assert found.dtype == value.dtype
                    assert_same(found, value)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
@pytest.mark.parametrize("loss", ["mse", losses.MeanAbsoluteError(reduction="sum")], ids=["mean", "sum"])
def test_a_batch_without_rows_adds_nothing_to_a_total(loss: Any, backend: str) -> None:
    """Which is a number, and stays one: an empty batch after a full one leaves the mean of the losses."""
    full, empty = (f32(np.ones((5, 4))), f32(np.ones((5, 3)))), (f32(np.ones((0, 4))), f32(np.ones((0, 3))))
    with interpreter(backends.load(backend)) as k:
        inputs = lamina.Input((4,))
        outputs = [lamina.layers.Dense(3, name=name)(inputs) for name in ("a", "b")]
        for wanted in (outputs[0], outputs):
            model = lamina.Model(inputs, wanted)
            model.compile("sgd", loss, metrics=None if wanted is outputs else ["mae"])
            rows = lambda batch, many=wanted is outputs: (batch[0], [batch[1]] * 2 if many else batch[1])
            assert np.shape(oracle.numbers(model.compute_loss(None, rows(empty)[1], rows(empty)[1]))) == ()
            assert np.all(np.equal(model.test_on_batch(*rows(empty)), 0.0))
            model.reset_metrics()
            alone = model.evaluate(iter([rows(full)]), verbose=0)
            np.testing.assert_allclose(
                model.evaluate(iter([rows(full), rows(empty)]), verbose=0), alone, rtol=1e-6
            )
            if k.differentiable:
                before = model.get_weights()
                assert np.all(np.equal(model.train_on_batch(*rows(empty)), 0.0))
                for value, other in zip(model.get_weights(), before, strict=True):
                    np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("backend", oracle.BACKENDS)
def test_one_value_for_the_whole_batch_is_weighed_by_every_weight(backend: str) -> None:
    """Also by a mask: what a layer before the loss leaves out does not change it."""
    y_true, y_pred = YES_NO["random"]
    mask = np.arange(6) % 2 == 0
    with interpreter(backends.load(backend)) as k:
        for name in ("Dice", "Tversky"):
            for weight in (None, f32([1, 0, 2, 1, 0, 1])):
                for left in (None, mask):
                    for reduction in ("none", "sum", "sum_over_batch_size", "mean_with_sample_weight"):
                        real, ours = (getattr(m, name)(reduction=reduction) for m in (keras.losses, losses))
                        wanted = real(y_true, oracle.keras_masked(y_pred, left), sample_weight=weight)
                        assert_same(
                            ours(y_true, oracle.masked(k, y_pred, left), sample_weight=weight), wanted
                        )


@pytest.mark.parametrize("name", sorted({name for name, _, _ in LOSSES}))
def test_config(name: str) -> None:
    ours, real = getattr(losses, name)(), getattr(keras.losses, name)()
    assert ours.get_config() == real.get_config()
    assert losses.serialize(ours) == keras.losses.serialize(real)
    again = losses.deserialize(losses.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    assert type(getattr(keras.losses, name).from_config(ours.get_config())) is type(real)


def test_arguments_that_keras_forgets_are_written_where_they_matter() -> None:
    loss = losses.Huber(delta=2.0, dtype="float16", reduction="sum")
    wanted = {"name": "huber_loss", "reduction": "sum", "delta": 2.0, "dtype": "float16"}
    assert loss.get_config() == wanted
    assert losses.Huber.from_config(wanted).get_config() == wanted
    y = f32([[0, 5]]), f32([[3, 0]])
    assert_same(
        losses.Huber.from_config(wanted | {"dtype": None})(*y),
        keras.losses.Huber.from_config(wanted)(*y),
        1e-3,
    )


def test_a_loss_of_a_function_round_trips() -> None:
    loss = LossFunctionWrapper(losses.huber, reduction="sum", delta=3.0)
    config = loss.get_config()
    real = {"module": "builtins", "class_name": "function", "config": "huber", "registered_name": "function"}
    assert config["fn"] == real
    assert config["delta"] == 3.0
    again = LossFunctionWrapper.from_config(config)
    assert again.fn is losses.huber
    assert again.get_config() == config


NAMES = [
    "mse",
    "MSE",
    "mae",
    "MAE",
    "mape",
    "msle",
    "bce",
    "BCE",
    "kld",
    "KLD",
    "log_cosh",
    "huber",
    "ctc",
    "dice",
]


@pytest.mark.parametrize(
    "name", [*NAMES, "MeanSquaredError", "mean_squared_error", "cosine_similarity", "Huber"]
)
def test_get_by_name(name: str) -> None:
    ours, real = losses.get(name), keras.losses.get(name)
    assert getattr(ours, "__name__", type(ours).__name__) == getattr(real, "__name__", None) or not hasattr(
        real, "__name__"
    )
    assert isinstance(ours, losses.Loss) == isinstance(real, keras.losses.Loss)


def test_get() -> None:
    assert losses.get(None) is None
    assert losses.get(losses.huber) is losses.huber
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert isinstance(losses.get(losses.serialize(losses.Poisson())), losses.Poisson)
    assert isinstance(losses.get({"class_name": "Huber", "config": {"delta": 2.0}}), losses.Huber)
    assert losses.deserialize(losses.serialize(losses.poisson)) is losses.poisson
    assert losses.serialize(losses.poisson) == keras.losses.serialize(keras.losses.poisson)
    with pytest.raises(
        ValueError, match=r"Unknown loss: 'mean_squared_eror'. Did you mean 'mean_squared_error'\?"
    ):
        losses.get("mean_squared_eror")
    with pytest.raises(ValueError, match="Cannot use 3 as loss"):
        losses.get(3)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.MeanSquaredError(reduction="avg"),
            r"Unknown reduction 'avg'.* Use one of 'sum_over_batch_size'",
        ),
        (
            lambda: losses.mean_squared_error(np.zeros((4, 2)), np.zeros((4, 3))),
            r"mean_squared_error: `y_true` has shape \(4, 2\) but `y_pred` has shape \(4, 3\).* as many units",
        ),
        (
            lambda: losses.CategoricalCrossentropy()(np.zeros(4), np.ones((4, 3))),
            r"categorical_crossentropy: `y_true` has shape \(4,\) but `y_pred` has shape \(4, 3\).*class numbers use "
            "sparse_categorical_crossentropy",
        ),
        (
            lambda: losses.SparseCategoricalCrossentropy()(np.zeros((4, 3)), np.ones((4, 3))),
            r"`y_true` has shape \(4, 3\) but `y_pred` has shape \(4, 3\). For one-hot labels use categorical_crossentropy",
        ),
        (
            lambda: losses.BinaryCrossentropy()(np.zeros((4, 2)), np.ones((4, 3))),
            r"binary_crossentropy: `y_true` has shape \(4, 2\) but `y_pred` has shape \(4, 3\); they must be equal",
        ),
        (
            lambda: losses.MeanSquaredError()(np.zeros((4, 2)), np.ones((4, 2)), sample_weight=np.ones(3)),
            r"mean_squared_error: `sample_weight` .* shape \(3,\) but the values to weigh have shape \(4,\)",
        ),
        (
            lambda: losses.CategoricalGeneralizedCrossEntropy(q=1.5),
            "`q` must be between 0 and 1, exclusive, got 1.5",
        ),
        (
            lambda: losses.CategoricalCrossentropy(axis=True)(np.ones((4, 3)), np.ones((4, 3))),
            "`axis` must be an integer",
        ),
        (lambda: losses.Circle(gamma=None), "Circle: `gamma` must be a number, got None"),
        (
            lambda: losses.CategoricalFocalCrossentropy(alpha="1"),
            "CategoricalFocalCrossentropy: `alpha` must be a number, got '1'",
        ),
        (lambda: losses.Tversky(alpha=[0.5]), r"Tversky: `alpha` must be a number, got \[0.5\]"),
        (
            lambda: losses.ctc(np.zeros(3), np.zeros((3, 4))),
            r"ctc: `y_true` must have shape \(batch, max_length\)",
        ),
    ],
)
def test_errors_say_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_single_class_is_warned_of() -> None:
    with pytest.warns(SyntaxWarning, match="use binary_crossentropy"):
        losses.categorical_crossentropy(np.ones((4, 1)), np.ones((4, 1)))


def test_a_loss_needs_a_call() -> None:
    with pytest.raises(NotImplementedError, match="Odd must define `call"):
        type("Odd", (losses.Loss,), {})()(np.zeros(2), np.zeros(2))


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{n}-{a or ''}-{kind}" for n, a, kind in CASES])
def test_shapes_of_symbolic_tensors(index: int) -> None:
    name, kwargs, kind = CASES[index]
    y_true, y_pred = DATA[name, str(kwargs)][kind]
    symbols = [lamina.KerasTensor((None, *y.shape[1:]), y.dtype.name) for y in (y_true, y_pred)]
    values = getattr(losses, name)(**kwargs).call
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found, real = (
            values(*symbols).shape,
            values(*map(lamina.ops.convert_to_tensor, (y_true, y_pred))).shape,
        )
    assert len(found) == len(real)
    assert all(n in (None, m) for n, m in zip(found, real, strict=True))


# -- what users write --------------------------------------------------------------------------------------------------


class Ratio(losses.Loss):
    """A loss of a structure, with an argument of its own."""

    def __init__(self, power: float = 2.0, name: str = "ratio", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.power = power

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return lamina.ops.mean(lamina.ops.abs(y_true["a"] - y_pred["a"]) ** self.power, axis=-1)


def test_own_losses() -> None:
    loss = Ratio(power=3.0, reduction="sum")
    assert float(loss({"a": f32([[1.0, 2.0]])}, {"a": f32([[2.0, 4.0]])})) == 4.5
    assert loss.get_config() == {"power": 3.0, "name": "ratio", "reduction": "sum"}
    assert Ratio.from_config(loss.get_config()).power == 3.0
    assert losses.Loss().name.startswith("loss")


def test_dtype() -> None:
    assert losses.MeanSquaredError().dtype == "float32"
    assert losses.MeanSquaredError(dtype="mixed_bfloat16").dtype == "bfloat16"
    found = losses.MeanSquaredError(dtype="float16")(f32([[1.0]]), f32([[3.0]]))
    assert lamina.backend.standardize_dtype(found.dtype) == "float16"


@functools.cache
def has_slope(index: int) -> bool:
    """Whether the gradient of Keras's is finite everywhere."""
    name, kwargs, kind = CASES[index]
    y_true, y_pred = DATA[name, str(kwargs)][kind]
    loss = getattr(keras.losses, name)(**kwargs)
    return bool(np.isfinite(jax.jit(jax.grad(lambda p: loss(y_true, p)))(y_pred)).all())


EXTREME = ("edges", "large", "unscaled", "all", "zeros", "long", "tiny and huge")


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_gradients_are_finite_where_those_of_keras_are(name: str) -> None:
    if name not in oracle.BACKENDS:
        pytest.skip(f"{name} is not installed")
    with interpreter(backends.load(name)) as k, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index, (loss, kwargs, kind) in enumerate(CASES):
            if kind in EXTREME and has_slope(index):
                y_true, y_pred = DATA[loss, str(kwargs)][kind]
                objective = getattr(losses, loss)(**kwargs)
                cost = lambda v, f=objective, y=y_true: (f(y, v[0]), None)
                slope = lambda p, f=cost: k.value_and_grad(f, [p])[1][0]
                gradient = (k.jit(slope) if k.functional else slope)(k.asarray(y_pred))
                assert np.isfinite(k.to_numpy(gradient)).all(), (loss, kwargs, kind)


def test_masked_losses_of_batches_whose_size_the_run_tells():
    tf = pytest.importorskip("tensorflow")
    with interpreter(backends.load("tensorflow")):
        y, mask = np.arange(8, dtype="float32").reshape(4, 2), np.array([1, 0, 1, 1], bool)

        def compute(loss, y_true, y_pred, mask):
            set_mask(y_pred, mask)
            return loss(y_true, y_pred)

        for name in ("MeanSquaredError", "Huber", "CosineSimilarity"):
            loss = getattr(lamina.losses, name)()
            signature = [tf.TensorSpec([None, 2]), tf.TensorSpec([None, 2]), tf.TensorSpec([None], tf.bool)]
            traced = tf.function(lambda *given, loss=loss: compute(loss, *given), input_signature=signature)
            given = (y, y[::-1] + 1, mask)
            expected = compute(loss, *(tf.constant(x.copy()) for x in given))
            assert float(traced(*given)) == pytest.approx(float(expected), rel=1e-5)
