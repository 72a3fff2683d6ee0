"""Every metric against real Keras, on all backends: streamed batches, weights, masks, edges, empty input, compiled."""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from typing import Any

import jax
import numpy as np
import oracle
import pytest
from oracle import assert_same, keras

import lamina
from lamina import backends, losses, metrics
from lamina.core.variable import Variable
from lamina.kernel import shapes
from lamina.kernel.context import interpreter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*float `sample_weight`s are cut:UserWarning"
)  # as many cases do


def shares(parameters: dict[str, Any]) -> Any:
    """What Keras gives for a case, or in a situation, is found once for all backends."""
    return parameters.get("index", parameters.get("situation"))


rng = np.random.default_rng(5)
N = 12


def f32(x: Any) -> np.ndarray:
    return np.asarray(x, "float32")


def probabilities(*shape: int) -> np.ndarray:
    x = rng.random(shape)
    return f32(x / x.sum(-1, keepdims=True))


CLASS = rng.integers(0, 4, N).astype("int32")
ONE_HOT, SCORES = f32(np.eye(4)[CLASS]), probabilities(N, 4)
LABELS = f32(rng.integers(0, 2, (N, 3)))
NUMBERS = f32(rng.normal(size=(N, 3))), f32(rng.normal(size=(N, 3)))
BINARY = LABELS[:, 0], f32(np.round(rng.random(N), 2))
EDGES = f32([0, 0, 1, 1, 0, 1] * 2), f32([0, 1, 0, 1, 0.5, 0.5] * 2)
MULTI = LABELS, f32(np.round(rng.random((N, 3)), 2))
SPARSE, CATEGORICAL = (CLASS, SCORES), (ONE_HOT, SCORES)
GUESSES = CLASS, rng.integers(0, 4, N).astype("int32")
NO_LABEL, ALL_LABELS = (np.zeros(N, "float32"), BINARY[1]), (np.ones(N, "float32"), BINARY[1])
THRESHOLDS = {"thresholds": [0.2, 0.5, 0.55]}

CASES: list[tuple[str, dict[str, Any], tuple[np.ndarray, np.ndarray]]] = [
    ("Accuracy", {}, GUESSES),
    ("BinaryAccuracy", {}, MULTI),
    ("BinaryAccuracy", {"threshold": 0.3}, EDGES),
    ("CategoricalAccuracy", {}, CATEGORICAL),
    ("SparseCategoricalAccuracy", {}, SPARSE),
    ("SparseCategoricalAccuracy", {}, (CLASS[:, None], SCORES)),
    ("TopKCategoricalAccuracy", {"k": 2}, CATEGORICAL),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, SPARSE),
    (
        "SparseTopKCategoricalAccuracy",
        {"k": 2, "from_sorted_ids": True},
        (CLASS, np.argsort(-SCORES).astype("int32")),
    ),
    ("MeanSquaredError", {}, NUMBERS),
    ("RootMeanSquaredError", {}, NUMBERS),
    ("MeanAbsoluteError", {}, NUMBERS),
    ("MeanAbsolutePercentageError", {}, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, NUMBERS),
    ("LogCoshError", {}, NUMBERS),
    ("CosineSimilarity", {}, NUMBERS),
    ("PearsonCorrelation", {}, NUMBERS),
    ("ConcordanceCorrelation", {}, NUMBERS),
    ("R2Score", {}, NUMBERS),
    ("R2Score", {"class_aggregation": None}, NUMBERS),
    ("R2Score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, NUMBERS),
    ("R2Score", {"num_regressors": 50}, NUMBERS),
    ("BinaryCrossentropy", {}, MULTI),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, (LABELS, NUMBERS[1] * 1e3)),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, CATEGORICAL),
    ("CategoricalCrossentropy", {"from_logits": True}, (ONE_HOT, SCORES * 1e4)),
    ("SparseCategoricalCrossentropy", {}, SPARSE),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, SPARSE),
    ("KLDivergence", {}, CATEGORICAL),
    ("Poisson", {}, MULTI),
    ("Hinge", {}, (f32(np.sign(NUMBERS[0])), NUMBERS[1])),
    ("SquaredHinge", {}, (f32(np.sign(NUMBERS[0])), NUMBERS[1])),
    ("CategoricalHinge", {}, CATEGORICAL),
    *[(name, {}, MULTI) for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")],
    ("TruePositives", THRESHOLDS, EDGES),
    ("FalseNegatives", {"thresholds": [0.0, 0.5, 1.0]}, EDGES),
    ("Precision", {}, BINARY),
    ("Precision", THRESHOLDS, MULTI),
    ("Precision", {"top_k": 2}, MULTI),
    ("Precision", {"top_k": 2, "thresholds": 0.6}, MULTI),
    ("Precision", {"class_id": 1}, MULTI),
    ("Recall", {}, EDGES),
    ("Recall", {"thresholds": 0.3}, BINARY),
    ("Recall", {"top_k": 1, "class_id": 2}, CATEGORICAL),
    ("Recall", {}, NO_LABEL),
    *[
        (name, {parameter: value, "num_thresholds": number}, data)
        for name, parameter in (
            ("SensitivityAtSpecificity", "specificity"),
            ("SpecificityAtSensitivity", "sensitivity"),
            ("PrecisionAtRecall", "recall"),
            ("RecallAtPrecision", "precision"),
        )
        for value, number, data in ((0.5, 200, BINARY), (0.8, 7, EDGES), (0.5, 1, BINARY), (0.9, 5, NO_LABEL))
    ],
    ("RecallAtPrecision", {"precision": 0.4, "class_id": 1}, MULTI),
    *[
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 11}, BINARY)
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "minoring", "majoring")
    ],
    *[
        ("AUC", {"curve": curve}, data)
        for curve in ("ROC", "PR", "PRGAIN")
        for data in (EDGES, NO_LABEL, ALL_LABELS)
    ],
    ("AUC", {"thresholds": [0.7, 0.25]}, BINARY),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75]}, EDGES),
    ("AUC", {"thresholds": []}, BINARY),
    ("AUC", {"from_logits": True}, (BINARY[0], BINARY[1] * 8 - 4)),
    ("AUC", {}, (BINARY[0], BINARY[1] * 3 - 1)),
    ("AUC", {"multi_label": True, "num_thresholds": 9}, MULTI),
    ("AUC", {"multi_label": True, "num_labels": 3, "label_weights": [1.0, 0.0, 2.0], "curve": "PR"}, MULTI),
    ("AUC", {"multi_label": True, "thresholds": [0.3, 0.4]}, MULTI),
    ("AUC", {"label_weights": [1.0, 0.0, 2.0]}, MULTI),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, GUESSES),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "ignore_class": 1, "dtype": "float32"}, GUESSES),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, GUESSES),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "sparse_y_pred": False}, SPARSE),
    ("MeanIoU", {"num_classes": 6}, GUESSES),
    ("MeanIoU", {"num_classes": 4, "ignore_class": -1}, (CLASS - 1, GUESSES[1])),
    ("BinaryIoU", {"threshold": 0.4}, BINARY),
    ("BinaryIoU", {"target_class_ids": (1,), "dtype": "float32"}, EDGES),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 3]}, CATEGORICAL),
    ("OneHotMeanIoU", {"num_classes": 4}, CATEGORICAL),
    *[
        ("FBetaScore", {"average": average, "beta": 2.0, "threshold": threshold}, MULTI)
        for average in (None, "micro", "macro", "weighted")
        for threshold in (None, 0.5)
    ],
    ("F1Score", {}, CATEGORICAL),
    ("F1Score", {"average": "weighted"}, (LABELS * 0, MULTI[1] * 0)),
]
NAMES = [f"{name}-{'-'.join(map(str, kwargs.values()))}-{i}" for i, (name, kwargs, _) in enumerate(CASES)]
WEIGHTS = f32(np.arange(N) % 4)
over_backends = pytest.mark.parametrize("backend", oracle.BACKENDS)


@functools.cache
def theirs(index: int, weighted: bool) -> Any:
    """Keras's result over the whole, which also is what it gives over batches."""
    name, kwargs, (y_true, y_pred) = CASES[index]
    metric = getattr(keras.metrics, name)(**kwargs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric.update_state(y_true, y_pred, sample_weight=WEIGHTS if weighted else None)
        return oracle.numbers(metric.result())


def test_every_public_metric_is_here() -> None:
    classes = {name for name in metrics.__all__ if isinstance(getattr(metrics, name), type)}
    # apart: the base, and those of values, which have tests of their own
    assert classes - {"Metric", "Mean", "Sum", "MeanMetricWrapper"} == {name for name, _, _ in CASES}


def batches(*arrays: np.ndarray | None, cuts: tuple[int, ...] = (0, 5, 6, N)) -> Any:
    for start, stop in itertools.pairwise(cuts):
        yield tuple(None if x is None else x[start:stop] for x in arrays)


# jax compiles each operation for each size, so there one case of a metric is enough, and all are slow
FIRST = {next(i for i, case in enumerate(CASES) if case[0] == name) for name, _, _ in CASES}
RUNS = [
    pytest.param(index, backend, id=f"{NAMES[index]}-{backend}", marks=() if quick else pytest.mark.slow)
    for backend in oracle.BACKENDS
    for index in range(len(CASES))
    for quick in [backend != "jax" or index in FIRST]
]


@pytest.mark.parametrize(("index", "backend"), RUNS)
def test_streamed_batches_give_what_keras_gives_for_the_whole(index: int, backend: str) -> None:
    name, kwargs, (y_true, y_pred) = CASES[index]
    with interpreter(backends.load(backend)):
        metric = getattr(metrics, name)(**kwargs)
        cuts = (0, 4, 8, N) if backend == "jax" else (0, 5, 6, N)
        for weighted in (True, False):
            metric.reset_state()
            for y, p, w in batches(y_true, y_pred, WEIGHTS if weighted else None, cuts=cuts):
                metric.update_state(y, p, sample_weight=w)
            assert_same(metric.result(), theirs(index, weighted), rtol=1e-6, atol=0)


LONG = rng.integers(0, N, 300)  # rows of the cases, again and again
LONG_CUTS = {True: (0, 1, 17, 60, 61, 130, 199, 240, 300), False: (0, 75, 150, 225, 300)}  # uneven, even


def streamed(name: str, kwargs: dict[str, Any], data: Any, cuts: tuple[int, ...]) -> tuple[Any, Any]:
    """The result over the whole, and over its batches."""
    metric = getattr(metrics, name)(**kwargs)
    metric.update_state(*data[:2], sample_weight=data[2])
    whole = oracle.numbers(metric.result())
    metric.reset_state()
    for y, p, w in batches(*data, cuts=cuts):
        metric.update_state(y, p, sample_weight=w)
    return whole, oracle.numbers(metric.result())


STREAMED = [
    pytest.param(
        dtype,
        backend,
        marks=[pytest.mark.slow] if dtype == "float64" and backend in ("jax", "tensorflow") else [],
    )
    for dtype in ("float32", "float64")
    for backend in oracle.BACKENDS
]


@pytest.mark.parametrize(("dtype", "backend"), STREAMED)
def test_a_stream_gives_what_the_whole_gives(dtype: str, backend: str) -> None:
    wide = jax.enable_x64(True) if (backend, dtype) == ("jax", "float64") else contextlib.nullcontext()
    few = backend == "jax"  # which compiles each operation for each size
    with interpreter(backends.load(backend)), wide:
        for index, (name, kwargs, data) in enumerate(CASES):
            if few and index not in FIRST:
                continue
            y_true, y_pred, weight = (
                x[LONG].astype(dtype) if x.dtype.kind == "f" else x[LONG] for x in (*data, WEIGHTS)
            )
            limit = 1e-12 if dtype == "float64" else 1e-6
            if (name, dtype) == ("R2Score", "float32") and backend in ("numpy", "tensorflow"):
                # these add rows one after another, so the whole loses more digits than its parts; the square of the
                # sum, which is taken from the sum of squares, lets that grow
                limit = 5e-6
            for weights in [weight] if few else [weight, None]:
                given = y_true, y_pred, weights
                whole, found = streamed(name, {**kwargs, "dtype": dtype}, given, LONG_CUTS[not few])
                assert_same(found, whole, rtol=limit, atol=0)


MASK = np.arange(N) % 3 > 0
SITUATIONS: dict[str, Any] = {  # (labels, predictions) -> (rows, mask, weights)
    "a single row": (slice(0, 1), None, None),
    "no row": (slice(0, 0), None, None),
    "no weight": (slice(N), None, WEIGHTS * 0),
    "masked": (slice(N), MASK, WEIGHTS),
    "all masked": (slice(N), MASK & False, None),
}
ZEROS, ROWS = np.zeros((4, 3), "float32"), np.int32([0, 1, 2, 0])
HOT = f32(np.eye(3)[ROWS])
HUGE = f32([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, 1e4], [0, 0, 0]])
NUMERIC = (
    "MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "R2Score",
    "MeanSquaredLogarithmicError", "LogCoshError", "CosineSimilarity", "PearsonCorrelation", "ConcordanceCorrelation",
)  # fmt: skip
CERTAIN = (
    "KLDivergence", "Poisson", "BinaryCrossentropy", "CategoricalCrossentropy", "AUC", "Precision", "Recall",
    "F1Score", "CategoricalAccuracy", "BinaryAccuracy",
)  # fmt: skip
EXTREMES: list[tuple[str, dict[str, Any], tuple[Any, Any]]] = [
    *[(name, {}, data) for name in NUMERIC for data in ((HOT, HUGE), (ZEROS, ZEROS), (HOT, HOT))],
    *[(name, {}, data) for name in CERTAIN for data in ((HOT, HOT), (HOT, 1 - HOT), (ZEROS, ZEROS))],
    *[
        (name, {}, (HOT, HUGE))
        for name in ("Hinge", "SquaredHinge", "CategoricalHinge", "TopKCategoricalAccuracy")
    ],
    *[
        (name, {"from_logits": True}, (HOT, HUGE))
        for name in ("BinaryCrossentropy", "CategoricalCrossentropy", "AUC")
    ],
    ("SparseCategoricalCrossentropy", {"from_logits": True}, (ROWS, HUGE)),
    ("SparseCategoricalCrossentropy", {}, (ROWS, 1 - HOT)),
    ("SparseCategoricalAccuracy", {}, (ROWS, HUGE)),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, (ROWS, ZEROS)),
    ("TopKCategoricalAccuracy", {"k": 2}, (HOT, ZEROS)),
    ("R2Score", {}, (HOT[:1], HUGE[:1])),
]


def found_by(metric: Any, y_true: np.ndarray, y_pred: Any, weight: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # 0 / 0 is one of the answers
        warnings.simplefilter("ignore")
        metric.update_state(y_true, y_pred, sample_weight=weight)
        return oracle.numbers(metric.result())


@functools.cache
def theirs_in(situation: str, index: int) -> Any:
    name, kwargs, (y_true, y_pred) = CASES[index]
    rows, mask, weight = SITUATIONS[situation]
    masked = oracle.keras_masked(y_pred[rows], mask)
    return found_by(getattr(keras.metrics, name)(**kwargs), y_true[rows], masked, weight)


@over_backends
@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_metric_in_every_situation(situation: str, backend: str) -> None:
    rows, mask, weight = SITUATIONS[situation]
    with interpreter(backends.load(backend)) as k:
        for index in FIRST:
            name, kwargs, (y_true, y_pred) = CASES[index]
            masked = oracle.masked(k, y_pred[rows], mask)
            found = found_by(getattr(metrics, name)(**kwargs), y_true[rows], masked, weight)
            assert_same(found, theirs_in(situation, index), atol=5e-7)


NO_WEIGHTS: dict[str, Any] = {
    "no weight": lambda rows: None,
    "one weight": lambda rows: 2.0,
    "a weight per row": lambda rows: np.ones(rows, "float32"),
    "a column of weights": lambda rows: np.ones((rows, 1), "float32"),
}
EMPTY_CALLS = [(weight, masked) for weight in NO_WEIGHTS for masked in (False, True)]


def nothing(index: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Labels and predictions with an axis of size 0."""
    y_true, y_pred = CASES[index][2]
    found = {"no row of these": (y_true[:0], y_pred[:0])}
    if y_pred.ndim == 1:
        return found | {
            str(s): (np.zeros(s, y_true.dtype), np.zeros(s, y_pred.dtype)) for s in ((0, 3), (3, 0))
        }
    wide = y_true.ndim == 2 and y_true.shape[1] > 1
    found["no column"] = (y_true[:3, :0] if wide else y_true[:3], y_pred[:3, :0])
    return found | {"(0,)": (np.zeros(0, y_true.dtype), np.zeros(0, y_pred.dtype))}


def after_nothing(metric: Any, masked: Any, pair: tuple[Any, Any], weight: str, with_mask: bool) -> Any:
    """The metric's result, of predictions made by `masked(y_pred, mask)`."""
    y_true, y_pred = pair
    mask = np.ones(y_pred.shape[:-1] or y_pred.shape, bool) if with_mask else None
    return found_by(metric, y_true, masked(y_pred, mask), NO_WEIGHTS[weight](y_pred.shape[0]))


@functools.cache
def theirs_after_nothing(index: int, kind: str) -> list[Any]:
    """Of each call, or None where Keras raises."""
    name, kwargs, _ = CASES[index]
    found = []
    for weight, masked in EMPTY_CALLS:
        metric = getattr(keras.metrics, name)(**kwargs)
        try:
            found.append(after_nothing(metric, oracle.keras_masked, nothing(index)[kind], weight, masked))
        except (ValueError, TypeError, IndexError, AttributeError):
            found.append(None)
    return found


@over_backends
@pytest.mark.parametrize("index", sorted(FIRST), ids=[NAMES[i] for i in sorted(FIRST)])
def test_metrics_of_nothing_are_those_of_keras(index: int, backend: str) -> None:
    name, kwargs, _ = CASES[index]
    with interpreter(backends.load(backend)) as k:
        for kind, pair in nothing(index).items():
            wanted = theirs_after_nothing(index, kind)
            assert kind != "no row of these" or any(x is not None for x in wanted)
            for (weight, masked), value in zip(EMPTY_CALLS, wanted, strict=True):
                if value is not None:
                    metric = getattr(metrics, name)(**kwargs)
                    found = after_nothing(metric, functools.partial(oracle.masked, k), pair, weight, masked)
                    if (name, kind) == ("SparseTopKCategoricalAccuracy", "no column"):
                        value = np.float32(
                            0
                        )  # as Keras on TensorFlow: a class that is not there is not chosen
                    assert_same(found, value)


@functools.cache
def theirs_at(index: int) -> Any:
    name, kwargs, data = EXTREMES[index]
    return found_by(getattr(keras.metrics, name)(**kwargs), *data, None)


@over_backends
def test_extreme_numbers(backend: str) -> None:
    with interpreter(backends.load(backend)):
        for index, (name, kwargs, data) in enumerate(EXTREMES):
            assert_same(found_by(getattr(metrics, name)(**kwargs), *data, None), theirs_at(index), atol=5e-7)


@over_backends
@pytest.mark.parametrize("receiver", ["fresh", "used"])
def test_merged_parts_give_what_keras_gives_for_the_whole(receiver: str, backend: str) -> None:
    """As workers that each see a part of the data, one of them nothing."""
    with interpreter(backends.load(backend)):
        for index in range(len(CASES)) if backend in ("numpy", "torch") else FIRST:
            name, kwargs, data = CASES[index]
            whole, *workers = (getattr(metrics, name)(**kwargs) for _ in range(5))
            parts = list(batches(*data, WEIGHTS, cuts=(0, 4, 8, N)))
            if receiver == "used":
                whole.update_state(*parts.pop())
            for worker, part in zip(workers, parts, strict=False):
                worker.update_state(*part)
            whole.merge_state(workers)
            assert_same(whole.result(), theirs(index, True), rtol=1e-6, atol=0)


@pytest.mark.parametrize("backend", [name for name in oracle.BACKENDS if name != "numpy"])
def test_updates_read_no_number(backend: str) -> None:
    """Traced without numbers, so that nothing waits for the device inside a step."""
    with interpreter(backends.load(backend)) as k:
        for index in FIRST:
            name, kwargs, data = CASES[index]
            metric = getattr(metrics, name)(**kwargs)
            metric.update_state(*data, WEIGHTS)
            specs = [(y.shape, y.dtype.name) for y in (*data, WEIGHTS)]
            state = [(tuple(v.shape), v.dtype) for v in metric.variables]
            step = lambda given, m=metric: m.stateless_update_state(given[0], *given[1])
            assert [tuple(s[0]) for s in k.eval_shape(step, (state, specs))] == [s[0] for s in state], name


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_compiled_pure_updates(name: str) -> None:
    """One compiled update of the state, over batches of one size, gives the same."""
    index = next(i for i, case in enumerate(CASES) if case[0] == name)
    _, kwargs, (y_true, y_pred) = CASES[index]
    with interpreter(backends.load("jax")) as k:
        metric = getattr(metrics, name)(**kwargs)
        metric.update_state(y_true[:4], y_pred[:4])  # makes the variables whose shape depends on the batch's
        step = k.jit(lambda state, y, p: metric.stateless_update_state(state, y, p))
        state = metric.stateless_reset_state()
        for start in (0, 4, 8):
            state = step(state, k.asarray(y_true[start : start + 4]), k.asarray(y_pred[start : start + 4]))
        result = k.jit(metric.stateless_result)(state)
        assert_same(result, theirs(index, False), rtol=1e-6, atol=0)
        before = [oracle.numbers(v) for v in metric.variables]
        metric.stateless_update_state(state, y_true, y_pred)
        for v, value in zip(metric.variables, before, strict=True):
            np.testing.assert_array_equal(oracle.numbers(v), value)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES}))
def test_state_is_made_under_the_shape_interpreter(name: str) -> None:
    """Training finds out the state by one abstract update, before anything is compiled."""
    index = next(i for i, case in enumerate(CASES) if case[0] == name)
    _, kwargs, (y_true, y_pred) = CASES[index]
    metric, real = getattr(metrics, name)(**kwargs), getattr(metrics, name)(**kwargs)
    real.update_state(y_true, y_pred)
    with interpreter(shapes):
        metric.update_state(*(shapes.Tensor(y.shape, y.dtype.name) for y in (y_true, y_pred)))
        metric.result()
    assert [(v.name, v.shape, v.dtype) for v in metric.variables] == [
        (v.name, v.shape, v.dtype) for v in real.variables
    ]
    assert all(float(np.abs(v.numpy()).sum()) == 0 for v in metric.variables)


@pytest.mark.parametrize("name", sorted({name for name, _, _ in CASES} | {"Mean", "Sum"}))
def test_config_and_variables_are_those_of_keras(name: str) -> None:
    for kwargs in [kwargs for listed, kwargs, _ in CASES if listed == name] or [{}]:
        ours = getattr(metrics, name)(name="m", **kwargs)
        real = getattr(keras.metrics, name)(name="m", **kwargs)
        ours_config, real_config = ours.get_config(), real.get_config()
        real_config |= {k: v.tolist() for k, v in real_config.items() if hasattr(v, "tolist")}
        assert ours_config == real_config
        again = type(ours).from_config(ours_config)
        assert again.get_config() == ours_config
        assert metrics.deserialize(metrics.serialize(ours)).get_config() == ours_config
        assert [(v.path, v.shape, v.dtype) for v in ours.variables] == [
            (v.path, v.shape, v.dtype) for v in real.variables
        ]
        assert not any(v.trainable for v in ours.variables)
        assert ours._direction == getattr(real, "_direction", None)
        type(real).from_config(ours_config)


# -- means, sums, masks ------------------------------------------------------------------------------------------------

VALUES = f32(np.arange(6).reshape(2, 3))
MEANS = [
    (VALUES, None),
    (VALUES, 2.0),
    (VALUES, f32([1, 3])),
    (VALUES, f32([[1], [3]])),
    (VALUES, f32([[1, 0, 2], [0, 0, 1]])),
    (VALUES, np.zeros(2, "float32")),
    (VALUES[:, None], f32([1, 3])),
    (VALUES, f32([2])),
    (VALUES, f32([[2]])),
    (VALUES[:, None], f32([2])),
    (VALUES[:0], None),
    (VALUES[:0], 2.0),
    (VALUES[:0], f32([])),
    (VALUES[:, :0], None),
    (VALUES[:, :0], f32([1, 3])),
    (f32([]), None),
    (f32([]), f32([])),
    (f32(4.0), None),
    (f32(4.0), 0.5),
]


@over_backends
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype")  # of jax, about Keras: it has no 64 bits
@pytest.mark.parametrize("dtype", [None, "float16", "float32"])
def test_overlaps_of_whole_numbers(dtype: str | None, backend: str) -> None:
    """A threshold of 0.5 lies between 0 and 1 also where predictions are integers; half precision counts in float32."""
    y_true, y_pred = np.array([0, 1, 1, 0], "int32"), np.array([0, 1, 0, 0], "int32")
    for name, kwargs in (("BinaryIoU", {}), ("IoU", {"num_classes": 2, "target_class_ids": [0, 1]})):
        real = getattr(keras.metrics, name)(dtype=dtype, **kwargs)
        with interpreter(backends.load(backend)):
            result = getattr(metrics, name)(dtype=dtype, **kwargs)(y_true, y_pred)
            assert_same(result, real(y_true, y_pred))
            assert backends.load(backend).dtype(result) == "float32"


@over_backends
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of NumPy: 0 / 0 is one of the answers
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_means_and_sums(name: str, backend: str) -> None:
    for values, weight in MEANS:
        real = getattr(keras.metrics, name)()
        with interpreter(backends.load(backend)):
            ours = getattr(metrics, name)()
            assert_same(ours.result(), real.result())
            assert_same(ours(values, sample_weight=weight), real(values, sample_weight=weight))
            for v, wanted in zip(ours.variables, real.variables, strict=True):
                assert_same(v.value, wanted)


@over_backends
@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (N,), (N, 1), (N, 3)])
def test_weights_of_any_shape(shape: tuple[int, ...], backend: str) -> None:
    """One for all, one for a row, one for a value: each value counts with the weight it was multiplied by."""
    weight = f32(np.random.default_rng(2).random(shape))
    given: list[tuple[str, tuple]] = [
        ("Mean", (MULTI[1],)),
        ("Mean", (MULTI[1][:, :, None],)),
        ("RootMeanSquaredError", MULTI),
    ]
    if shape != (N, 3):  # a value of these is of a row
        given += [(name, MULTI) for name in ("MeanSquaredError", "BinaryAccuracy", "CosineSimilarity")]
    for name, data in given:
        real = getattr(keras.metrics, name)()
        real.update_state(*data, sample_weight=weight)
        with interpreter(backends.load(backend)):
            metric = getattr(metrics, name)()
            metric.update_state(*data, sample_weight=weight)
            assert_same(metric.result(), real.result())


@over_backends
def test_masks(backend: str) -> None:
    y_true, y_pred = NUMBERS
    for name in ("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError"):
        for mask in (np.arange(N) % 3 > 0, np.zeros(N, bool)):
            for weight in (None, WEIGHTS):
                real = getattr(keras.metrics, name)()
                real.update_state(y_true, oracle.keras_masked(y_pred, mask), sample_weight=weight)
                with interpreter(backends.load(backend)) as k:
                    ours = getattr(metrics, name)()
                    ours.update_state(y_true, oracle.masked(k, y_pred, mask), sample_weight=weight)
                    assert_same(ours.result(), real.result())


@over_backends
def test_empty_batches_change_nothing(backend: str) -> None:
    with interpreter(backends.load(backend)):
        for name in {name for name, _, _ in CASES}:
            kwargs, (y_true, y_pred) = next(case[1:] for case in CASES if case[0] == name)
            metric = getattr(metrics, name)(**kwargs)
            metric.update_state(y_true, y_pred)
            before = oracle.numbers(metric.result())
            metric.update_state(y_true[:0], y_pred[:0])
            np.testing.assert_array_equal(oracle.numbers(metric.result()), before)


def test_metrics_without_batches_have_a_result() -> None:
    for name, kwargs, _ in CASES:
        assert np.isfinite(oracle.numbers(getattr(metrics, name)(**kwargs).result())).all()


def test_a_metric_of_a_function() -> None:
    metric = metrics.MeanMetricWrapper(losses.huber, delta=2.0)
    real = keras.metrics.MeanMetricWrapper(keras.losses.huber, delta=2.0)
    assert_same(metric(*NUMBERS), real(*NUMBERS))
    config = metric.get_config()
    assert config | {"name": ""} == real.get_config() | {"name": ""}
    again = metrics.MeanMetricWrapper.from_config(config)
    assert again.get_config() == config
    assert_same(again(*NUMBERS), real.result())


# -- functions ---------------------------------------------------------------------------------------------------------

FUNCTIONS = [
    ("binary_accuracy", MULTI, {"threshold": 0.3}),
    ("categorical_accuracy", CATEGORICAL, {}),
    ("sparse_categorical_accuracy", SPARSE, {}),
    ("top_k_categorical_accuracy", CATEGORICAL, {"k": 3}),
    ("sparse_top_k_categorical_accuracy", SPARSE, {"k": 3}),
    ("pearson_correlation", NUMBERS, {"axis": 0}),
    ("concordance_correlation", NUMBERS, {"axis": 0}),
    ("huber", NUMBERS, {"delta": 0.5}),
    ("binary_focal_crossentropy", MULTI, {"gamma": 1.0}),
    ("categorical_focal_crossentropy", CATEGORICAL, {}),
    ("squared_hinge", MULTI, {}),
]


@over_backends
@pytest.mark.parametrize(("name", "data", "kwargs"), FUNCTIONS)
def test_functions(name: str, data: Any, kwargs: dict[str, Any], backend: str) -> None:
    wanted = getattr(keras.metrics, name)(*data, **kwargs)
    with interpreter(backends.load(backend)):
        assert_same(getattr(metrics, name)(*data, **kwargs), wanted, atol=2e-7)


def test_accuracies_of_sequences() -> None:
    y, scores = CLASS.reshape(3, 4), SCORES.reshape(3, 4, 4)
    assert_same(
        metrics.sparse_categorical_accuracy(y, scores), keras.metrics.sparse_categorical_accuracy(y, scores)
    )
    assert_same(
        metrics.sparse_top_k_categorical_accuracy(y, scores, k=2),
        keras.metrics.sparse_top_k_categorical_accuracy(y, scores, k=2),
    )


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "mse",
        "MSE",
        "mae",
        "mape",
        "msle",
        "bce",
        "BCE",
        "accuracy",
        "auc",
        "AUC",
        "binary_accuracy",
        "f1_score",
        "Mean",
    ],
)
def test_get_by_name(name: str) -> None:
    assert type(metrics.get(name)).__name__ == type(keras.metrics.get(name)).__name__


def test_get() -> None:
    assert metrics.get(None) is None
    assert metrics.get("huber") is losses.huber
    assert isinstance(metrics.get(metrics.AUC), metrics.AUC)
    assert isinstance(metrics.get({"class_name": "Recall", "config": {"thresholds": 0.3}}), metrics.Recall)
    assert metrics.serialize(metrics.binary_accuracy) == keras.metrics.serialize(
        keras.metrics.binary_accuracy
    )
    assert metrics.deserialize(metrics.serialize(metrics.binary_accuracy)) is metrics.binary_accuracy
    with pytest.raises(ValueError, match=r"Unknown metric: 'acuracy'. Did you mean '[Aa]ccuracy'\?"):
        metrics.get("acuracy")


def test_automatic_names() -> None:
    first, second = metrics.Precision(), metrics.Precision()
    assert first.name.startswith("precision")
    assert first.name != second.name


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: metrics.CategoricalAccuracy()(np.zeros(4), np.ones((4, 3))),
            r"categorical_accuracy: `y_true` has shape \(4,\) but `y_pred` has shape \(4, 3\).*use the sparse form",
        ),
        (
            lambda: metrics.SparseCategoricalAccuracy()(np.zeros((4, 3)), np.ones((4, 3))),
            r"sparse_categorical_accuracy: .* shape \(4, 3\). For one-hot labels use the categorical form",
        ),
        (
            lambda: metrics.BinaryAccuracy(threshold=2),
            "`threshold` must be between 0 and 1, exclusive, got 2",
        ),
        (
            lambda: metrics.Precision(thresholds=[0.5, 1.5]),
            "Precision: `thresholds` must be a number from 0 to 1",
        ),
        (lambda: metrics.Precision(thresholds=[]), "Precision: `thresholds` must be a number from 0 to 1"),
        (
            lambda: metrics.Recall()(np.zeros((2, 3)), np.zeros((2, 4))),
            r"`y_true` has shape \(2, 3\) but .* one-hot",
        ),
        (
            lambda: metrics.Recall(class_id=4)(*MULTI),
            r"`class_id` 4 does not exist in predictions of shape \(12, 3\)",
        ),
        (
            lambda: metrics.Recall()(*MULTI, np.ones(5)),
            r"`sample_weight` has shape \(5,\) but .* \(12, 3\).* \(12,\)",
        ),
        (
            lambda: metrics.RecallAtPrecision(1.5),
            "RecallAtPrecision: `precision` must be between 0 and 1, got 1.5",
        ),
        (
            lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0),
            "`num_thresholds` must be an integer of at least 1",
        ),
        (lambda: metrics.AUC(curve="RCO"), r"AUC: unknown curve 'RCO'. Did you mean 'ROC'\?"),
        (
            lambda: metrics.AUC(num_thresholds=1),
            "AUC: `num_thresholds` must be an integer of at least 2, got 1",
        ),
        (lambda: metrics.AUC(num_labels=3), "`num_labels` must be None unless multi_label=True, got 3"),
        (lambda: metrics.AUC(label_weights=0.5), "`label_weights` must be one number per label, got 0.5"),
        (lambda: metrics.Recall(class_id=1.5)(*MULTI), "Recall: `class_id` must be an integer, got 1.5"),
        (
            lambda: metrics.CategoricalCrossentropy(label_smoothing="1"),
            "`label_smoothing` must be a number, got '1'",
        ),
        (
            lambda: metrics.BinaryAccuracy(threshold=[1, 2]),
            r"`threshold` must be between 0 and 1, exclusive, got \[1, 2\]",
        ),
        (
            lambda: metrics.CategoricalCrossentropy(label_smoothing=0.1, axis=2)(*MULTI),
            r"axis 2 is out of range for `y_pred` of shape \(12, 3\)",
        ),
        (
            lambda: metrics.IoU(3, []),
            r"IoU: `target_class_ids` must be classes from 0 to 2, one at least, got \[\]",
        ),
        (lambda: metrics.MeanIoU(0), "MeanIoU: `num_classes` must be an integer of at least 1, got 0"),
        (lambda: metrics.MeanIoU(3, ignore_class="1"), "MeanIoU: `ignore_class` must be an integer, got '1'"),
        (lambda: metrics.MeanIoU(3, axis=1.0), "MeanIoU: `axis` must be an integer, got 1.0"),
        (lambda: metrics.AUC(multi_label=True)(*BINARY), r"`y_pred` must be \(batch, labels\), got \(12,\)"),
        (lambda: metrics.AUC(multi_label=True, num_labels=2)(*MULTI), "the metric was made for 2 labels"),
        (
            lambda: metrics.AUC(label_weights=[1, 2])(*MULTI),
            r"`label_weights` has shape \(2,\).*one weight per entry",
        ),
        (
            lambda: metrics.IoU(3, [0, 5]),
            r"IoU: `target_class_ids` must be classes from 0 to 2, .* got \[0, 5\]",
        ),
        (lambda: metrics.MeanIoU(4)(*SPARSE), r"MeanIoU: .* one class number each.*sparse_y_pred=False"),
        (lambda: metrics.F1Score(average="mean"), "F1Score: unknown average 'mean'"),
        (lambda: metrics.F1Score(threshold=2.0), "`threshold` must be a float above 0 and at most 1"),
        (lambda: metrics.FBetaScore(beta=-1.0), "`beta` must be a float above 0, got -1.0"),
        (
            lambda: metrics.F1Score()(*BINARY),
            r"F1Score: .* shape \(batch, columns\), got \(12,\) and \(12,\)",
        ),
        (lambda: metrics.R2Score()(*BINARY), r"R2Score: .* reshape to \(batch, 1\)"),
        (lambda: metrics.R2Score(class_aggregation="mean"), "R2Score: unknown class_aggregation 'mean'"),
        (
            lambda: metrics.Mean().stateless_result([]),
            r"one value for each of the 2 variables \(mean\S*/total",
        ),
        (
            lambda: metrics.MeanSquaredError()(np.ones((4, 2)), np.ones((4, 3))),
            r"has shape \(4, 2\).*\(4, 3\)",
        ),
    ],
)
def test_errors_say_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_metric_needs_its_methods() -> None:
    odd = type("Odd", (metrics.Metric,), {})()
    with pytest.raises(NotImplementedError, match="Odd must define `update_state"):
        odd.update_state(1)
    with pytest.raises(NotImplementedError, match="Odd must define `result"):
        odd.result()


# -- what users write --------------------------------------------------------------------------------------------------


class Spread(metrics.Metric):
    """Holds other metrics, and a variable made with the old name of `add_variable`."""

    def __init__(self, scale: float = 1.0, name: str = "spread", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.scale = scale
        self.batches = self.add_weight(name="batches", initializer="zeros")
        self.parts = [metrics.Mean(name="mean"), metrics.Mean(name="mean_square")]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.batches.assign_add(1.0)
        self.parts[0].update_state(y_pred)
        self.parts[1].update_state(lamina.ops.square(y_pred))

    def result(self) -> Any:
        return {
            "spread": self.scale * (self.parts[1].result() - self.parts[0].result() ** 2),
            "batches": self.batches + 0,
        }


@over_backends
def test_own_metrics(backend: str) -> None:
    with interpreter(backends.load(backend)) as k:
        metric = Spread(scale=2.0)
        assert [v.path for v in metric.variables] == [
            "spread/batches", "mean/total", "mean/count", "mean_square/total", "mean_square/count",
        ]  # fmt: skip
        for y, p in batches(*NUMBERS):
            metric.update_state(y, p)
        found = metric.result()
        assert_same(found["spread"], 2 * NUMBERS[1].var(), 1e-5)
        assert float(k.to_numpy(found["batches"])) == 3
        assert metric.get_config() == {"scale": 2.0, "name": "spread", "dtype": "float32"}
        assert Spread.from_config(metric.get_config()).scale == 2.0
        metric.reset_state()
        assert all(float(v.numpy()) == 0 for v in metric.variables)


@over_backends
def test_own_metrics_are_merged(backend: str) -> None:
    """Held metrics with them; variables by their aggregation; what is no sum by a method of the user's."""

    class Range(metrics.Metric):
        def __init__(self, name: str = "range") -> None:
            super().__init__(name=name)
            self.mean = metrics.Mean()
            self.share = self.add_variable((), "zeros", aggregation="mean", name="share")
            self.scale = self.add_variable((), "ones", aggregation="only_first_replica", name="scale")
            self.largest = self.add_variable((), "zeros", name="largest")

        def update_state(self, y: Any) -> None:
            self.mean.update_state(y)
            self.share.assign(lamina.ops.max(y))
            self.largest.assign(lamina.ops.maximum(self.largest, lamina.ops.max(y)))

        def merge_state(self, metrics: Any) -> None:
            largest = max(float(m.largest.numpy()) for m in (self, *metrics))
            super().merge_state(metrics)
            self.largest.assign(largest)

        def result(self) -> Any:
            return [v + 0 for v in (self.mean.result(), self.share, self.scale, self.largest)]

    with interpreter(backends.load(backend)) as k:
        here, there, third = Range(), Range(), Range()
        for metric, values in ((here, [1.0, 3.0]), (there, [5.0]), (third, [4.0, 0.0])):
            metric.update_state(lamina.ops.array(values))
        here.merge_state([there, third])
        assert [float(k.to_numpy(x)) for x in here.result()] == pytest.approx([2.6, 4.0, 1.0, 5.0])


def test_states_that_do_not_fit_are_not_merged() -> None:
    with pytest.raises(ValueError, match="same class"):
        metrics.Mean().merge_state([metrics.Sum()])
    with pytest.raises(ValueError, match=r"\('true_positives', \(2,\)\).*same arguments"):
        metrics.Recall().merge_state([metrics.Recall(thresholds=[0.2, 0.4])])


def test_variables() -> None:
    metric = metrics.Metric(name="m", dtype="float64")
    v = metric.add_variable((2,), "ones", dtype="int32", aggregation="mean", name="v")
    assert isinstance(v, Variable)
    assert (v.path, v.dtype, v.shape, v.trainable, v.aggregation) == ("m/v", "int32", (2,), False, "mean")
    assert metric.add_weight((3,)).dtype == "float64"
    assert metric.dtype == "float64"
    assert metrics.Mean(dtype="mixed_bfloat16").dtype == "bfloat16"
