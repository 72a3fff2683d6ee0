"""Losses and metrics of several outputs against real Keras: pairing by name, weights, masks, outputs without labels."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5, 3)).astype("float32")
X[RNG.random((12, 5)) < 0.4] = 0  # masked steps
STEPS, CLASS = RNG.normal(size=(12, 5, 2)).astype("float32"), RNG.integers(0, 3, 12).astype("int32")
PER_STEP, PER_SAMPLE = RNG.random((12, 5)).astype("float32"), RNG.random(12).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in ((3, 2), (2,), (2, 3), (3,))]
SPARSE = "sparse_categorical_crossentropy"
LISTS, BY_NAME = [STEPS, CLASS], {"a": STEPS, "b": CLASS}

# compile's arguments, labels, sample weights
CASES: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "lists": ({"loss": ["mse", SPARSE], "loss_weights": [0.5, 2.0], "metrics": [["mae"], ["accuracy"]],
               "weighted_metrics": [["mse"], ["accuracy"]]}, LISTS, [PER_STEP, PER_SAMPLE]),
    "dicts": ({"loss": {"b": SPARSE, "a": "mae"}, "loss_weights": {"b": 3.0, "a": 0.5}, "metrics": {"a": ["mse", "mse"]},
               "weighted_metrics": {"b": "accuracy", "a": ["mae", "mse"]}}, BY_NAME,
              {"b": PER_SAMPLE, "a": PER_STEP}),
    "an output without a loss": ({"loss": {"b": SPARSE}, "metrics": {"a": ["mae"], "b": ["accuracy"]}}, BY_NAME, None),
    "an output without labels": ({"loss": ["mse", None], "metrics": [["mae"], None]}, [STEPS, None], None),
}  # fmt: skip


def model(library: Any, **arguments: Any) -> Any:
    inputs = library.Input((5, 3))
    steps = library.layers.Dense(2, name="a")(library.layers.Masking()(inputs))
    pooled = library.layers.GlobalAveragePooling1D()(steps)
    outputs = {"a": steps, "b": library.layers.Dense(3, activation="softmax", name="b")(pooled)}
    by_name = isinstance(arguments.get("loss"), dict)
    made = library.Model(inputs, outputs if by_name else list(outputs.values()))
    made.set_weights(WEIGHTS)
    made.compile(library.optimizers.SGD(0.0), **arguments)
    return made


@functools.cache
def theirs(case: str) -> dict[str, float]:
    arguments, y, weight = CASES[case]
    return model(keras, **arguments).evaluate(
        X, y, sample_weight=weight, batch_size=12, verbose=0, return_dict=True
    )


@pytest.mark.filterwarnings("ignore:The loss does not depend on:UserWarning")
@pytest.mark.parametrize("case", CASES)
def test_logs_are_those_of_keras(case: str, backend: str) -> None:
    """While training too, where Keras on jax loses the masks but on torch and TensorFlow does not."""
    arguments, y, weight = CASES[case]
    ours = model(lamina, **arguments)
    for _ in range(2):  # each call speaks of its batch alone
        for step in (ours.train_on_batch, ours.test_on_batch):
            found = step(X, y, sample_weight=weight, return_dict=True)
            assert found == pytest.approx(theirs(case), rel=1e-5)
    history = ours.fit(X, y, sample_weight=weight, batch_size=12, verbose=0).history
    assert {name: values[0] for name, values in history.items()} == pytest.approx(theirs(case), rel=1e-5)


@pytest.mark.parametrize("argument", ["loss", "loss_weights", "metrics", "weighted_metrics", "y"])
def test_keys_that_match_no_output_are_told_with_both_lists(argument: str) -> None:
    given: dict[str, Any] = {"loss": {"a": "mse", "b": SPARSE}, "y": BY_NAME}
    wrong = (
        {"a": STEPS, "bb": CLASS}
        if argument == "y"
        else {"a": 1.0, "bb": 1.0}
        if "_weights" in argument
        else None
    )
    given[argument] = wrong or {"a": "mse", "bb": "mse"}
    y = given.pop("y")
    with pytest.raises(
        ValueError, match=rf"`{argument}`(?s:.*)at 'bb'(?s:.*)keys given: a, bb\n  outputs:    a, b"
    ):
        model(lamina, **given).train_on_batch(X, y)


def largest_error(y_true: Any, y_pred: Any) -> Any:
    return lamina.ops.max(lamina.ops.abs(y_true - y_pred), axis=-1)


class Largest(lamina.metrics.Metric):
    """The largest prediction so far."""

    def __init__(self, name: str = "largest", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.value = self.add_variable((), "zeros", name="value")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.value.assign(lamina.ops.maximum(self.value, lamina.ops.max(y_pred)))

    def result(self) -> Any:
        return self.value.value


def test_metrics_of_the_users_run_inside_the_step(backend: str) -> None:
    x = np.arange(24, dtype="float32").reshape(12, 2)
    y = np.zeros((12, 2), "float32")
    same = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(2, kernel_initializer="identity")])
    same.compile(lamina.optimizers.SGD(0.0), "mse", metrics=[largest_error, Largest()])
    history = same.fit(x, y, batch_size=5, epochs=2, shuffle=True, verbose=0).history
    for logs in (
        history,
        {name: [value] * 2 for name, value in same.evaluate(x, y, return_dict=True, verbose=0).items()},
    ):
        assert logs["largest_error"] == pytest.approx([12.0, 12.0])
        assert logs["largest"] == [23.0, 23.0]


@pytest.mark.parametrize("form", ["scalar", "number per sample"])
def test_the_loss_is_a_mean_over_rows_of_batches_of_any_size(form: str, backend: str) -> None:
    class Own(lamina.Sequential):
        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            errors = lamina.ops.mean(lamina.ops.square(y - y_pred), axis=-1)
            return lamina.ops.mean(errors) if form == "scalar" else errors

    own = Own([lamina.Input((3,)), lamina.layers.Dense(2, kernel_initializer="ones")])
    own.compile(loss="mse", optimizer="sgd")
    x, y = X[:7, 0], STEPS[:7, 0]
    expected = np.mean((y - x.sum(1, keepdims=True)) ** 2)
    np.testing.assert_allclose(own.evaluate(x, y, batch_size=4, verbose=0), expected, rtol=1e-5)
