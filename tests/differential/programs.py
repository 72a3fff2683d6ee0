"""Training programs as data: a small model, how it is compiled, and calls of fit, evaluate and the like, drawn by a number.

A program names objects and functions of the library (`New`), so that its text can be read and both libraries run it.
Sizes are few, so that programs share what frameworks compile.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

ROWS, FEATURES, STEPS = 10, 3, 7  # no batch has as many rows as there are steps
# what an output may be: last axis, activation, and the losses and metrics that fit it
HEADS: dict[str, tuple[int, str | None, list[Any], list[Any]]] = {
    "real": (2, None, ["mse", "mae", "MeanSquaredError", "huber"], ["mse", "mae", "cosine_similarity"]),
    "one": (1, None, ["mse", "mae", "log_cosh"], ["mae", "MeanSquaredError"]),
    "classes": (3, "softmax", ["categorical_crossentropy", "CategoricalCrossentropy", "kl_divergence"], ["accuracy", "acc"]),
    "labels": (3, "softmax", ["sparse_categorical_crossentropy"], ["accuracy", "acc"]),
    "binary": (1, "sigmoid", ["binary_crossentropy", "hinge", "BinaryCrossentropy"], ["accuracy", "binary_accuracy", "acc"]),
}  # fmt: skip


class New(NamedTuple):
    """An object of the library, or a function from `OWN`, made anew for each run."""

    path: str
    kwargs: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"{self.path}({', '.join(f'{k}={v!r}' for k, v in self.kwargs.items())})"


LOSSES: dict[str, list[Any]] = {
    "real": [
        New("losses.MeanSquaredError"), New("losses.MeanSquaredError", {"reduction": "sum"}), New("losses.Huber", {"name": "mine"}),
        New("own.loss"), New("losses.MeanAbsoluteError", {"reduction": "mean_with_sample_weight"}),
    ],
    "one": [New("losses.LogCosh"), New("own.loss"), New("losses.MeanSquaredError", {"reduction": "sum"})],
    "classes": [New("losses.CategoricalCrossentropy", {"label_smoothing": 0.1}), New("losses.CategoricalFocalCrossentropy")],
    "labels": [New("losses.SparseCategoricalCrossentropy"), New("losses.SparseCategoricalCrossentropy", {"ignore_class": 0})],
    "binary": [New("losses.BinaryCrossentropy", {"label_smoothing": 0.1}), New("own.loss"), New("losses.SquaredHinge")],
}  # fmt: skip
METRICS: dict[str, list[Any]] = {
    "real": [New("metrics.MeanAbsoluteError", {"name": "far"}), New("own.metric"), New("metrics.RootMeanSquaredError"), New("metrics.R2Score")],
    "one": [New("metrics.MeanSquaredError"), New("own.metric"), New("metrics.MeanSquaredError", {"name": "mae"})],
    "classes": [New("metrics.CategoricalAccuracy"), New("metrics.TopKCategoricalAccuracy", {"k": 2}), New("metrics.F1Score"), New("metrics.AUC", {"num_thresholds": 5})],
    "labels": [New("metrics.SparseCategoricalAccuracy", {"name": "loss2"}), New("metrics.SparseTopKCategoricalAccuracy", {"k": 2})],
    "binary": [New("metrics.Precision"), New("metrics.AUC", {"num_thresholds": 5}), New("metrics.BinaryAccuracy", {"threshold": 0.4})],
}  # fmt: skip
OPTIMIZERS: list[Any] = [
    "sgd", "adam", New("optimizers.SGD", {"learning_rate": 0.1}), New("optimizers.SGD", {"learning_rate": 0.1}),
    New("optimizers.SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}), New("optimizers.Adam", {"learning_rate": 0.05}),
    New("optimizers.SGD", {"learning_rate": 0.1, "clipnorm": 0.1}), New("optimizers.SGD", {"learning_rate": 0.1, "global_clipnorm": 0.1}),
    New("optimizers.SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    New("optimizers.SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.5}),
    New("optimizers.SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2}),
    New("optimizers.AdamW", {"learning_rate": 0.05, "weight_decay": 0.1}), New("optimizers.RMSprop", {"learning_rate": 0.05, "centered": True}),
    New("optimizers.SGD", {"learning_rate": New("optimizers.schedules.ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5})}),
]  # fmt: skip


class Program(NamedTuple):
    """A training program.

    Args:
        model: The kind of model: "functional", "Sequential", "bare Sequential", "subclass".
        inside: What stands between inputs and outputs.
        inputs, outputs: Their structures: "one", "list", "tuple", "dict", "nested".
        heads: The kind of each output, a key of `HEADS`.
        compiled: The arguments of `compile`.
        calls: Methods and their arguments, in order.
        seed: Of the data and the weights.
    """

    model: str
    inside: str
    inputs: str
    outputs: str
    heads: tuple[str, ...]
    compiled: dict[str, Any]
    calls: list[tuple[str, dict[str, Any]]]
    seed: int

    @property
    def text(self) -> str:
        calls = "; ".join(f"{name} {given}" for name, given in self.calls)
        head = f"{self.inside}: {self.inputs} -> {self.outputs} {'+'.join(self.heads)}"
        return f"training.{self.model}({head} [{self.seed}]) | compile {self.compiled} | {calls}"


NAMES = ("left", "right")


def structure(kind: str, values: list[Any], names: tuple[str, ...] = NAMES) -> Any:
    """Values in a structure by its name; dicts have these names as keys."""
    if kind == "one":
        return values[0]
    if kind == "dict":
        return dict(zip(names, values, strict=False))
    if kind == "nested":
        return {"left": values[0], "more": [values[1]]} if len(values) > 1 else {"more": [values[0]]}
    return tuple(values) if kind == "tuple" else list(values)


def draw(rng: random.Random) -> Program:
    """A program."""
    model = rng.choice(["functional"] * 4 + ["Sequential", "bare Sequential", "subclass", "subclass"])
    several = model in ("functional", "subclass")
    inputs = rng.choice(["one", "one", "list", "tuple", "dict"]) if several else "one"
    outputs = (
        rng.choice(["one", "one", "one", "list", "tuple", "dict", "dict", "nested"]) if several else "one"
    )
    count = 1 if outputs == "one" else rng.choice([2, 2, 2, 1])
    heads = tuple(rng.choice(list(HEADS)) for _ in range(count))
    inside = rng.choice(["dense", "dense", "dense", "norm", "penalty", "sequence", "frozen", "added loss"])
    if inside == "sequence":
        heads = tuple(rng.choice(["real", "one", "labels", "classes"]) for _ in heads)
    # what is not told apart by kind: a model of two heads of one kind finds mistakes in their order
    compiled = _compile(rng, outputs, heads)
    calls = [_call(rng, outputs, heads, i, inputs) for i in range(rng.choice([1, 2, 2, 3]))]
    for _, given in calls:
        _tame(given, compiled.get("steps_per_execution", 1))
    return Program(model, inside, inputs, outputs, heads, compiled, calls, rng.randrange(10**6))


def _tame(given: dict[str, Any], every: int) -> None:
    """Leave out what is decided to differ (docs/status.md) and is tested elsewhere.

    Steps that are no multiple of those of an execution, which Keras rounds up; generators that are used up, after which Keras
    goes on; numbers of batches at which a callback stops, of several steps to an execution; class weights beside sample weights or for a generator, which Keras refuses.
    """
    if given.get("source") == "endless" and "epochs" in given:
        given.setdefault("steps_per_epoch", 2)
    if (
        given.get("validation") == "endless"
    ):  # in the next epoch Keras begins with its first batch again, and then goes on
        given.setdefault("validation_steps", 2)
        given["epochs"], given["initial_epoch"] = 1, 0
    for name in ("steps", "steps_per_epoch", "validation_steps"):
        if name in given:
            given[name] = -(-given[name] // every) * every
    if "generator" in (given.get("source"), given.get("validation")) and "epochs" in given:
        given["epochs"], given["initial_epoch"] = 1, 0
        steps = min(given.get("steps_per_epoch", 1), 1)
        given["steps_per_epoch"] = (
            steps if every == 1 else every if given.get("source") == "endless" else None
        )
    if every > 1 and "callbacks" in given:  # batches are numbered otherwise
        given["callbacks"] = [
            one._replace(kwargs={**one.kwargs, "at": 0}) if "at" in getattr(one, "kwargs", {}) else one
            for one in given["callbacks"]
        ]
    if given.get("source") in ("generator", "endless") or "weights" in given:
        given.pop("class_weight", None)


# -- compile -------------------------------------------------------------------------------------------------------------


def _loss(rng: random.Random, head: str) -> Any:
    return rng.choice(HEADS[head][2] if rng.random() < 0.6 else LOSSES[head])


def _metric(rng: random.Random, head: str) -> Any:
    return rng.choice(HEADS[head][3] if rng.random() < 0.5 else METRICS[head])


def _compile(rng: random.Random, outputs: str, heads: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {"optimizer": rng.choice(OPTIMIZERS), "loss": _losses(rng, outputs, heads)}
    if rng.random() < 0.25:
        weights = [rng.choice([0.5, 2.0, 1.0, 0.0, None]) for _ in heads]
        given["loss_weights"] = _spread(rng, outputs, weights)
    for name, share in (("metrics", 0.5), ("weighted_metrics", 0.3)):
        if rng.random() < share:
            given[name] = _metrics(rng, outputs, heads)
    mode = rng.random()
    if mode < 0.1:
        given["run_eagerly"] = True
    elif mode < 0.2:
        given["jit_compile"] = rng.choice([False, None])
    if rng.random() < 0.2:
        given["steps_per_execution"] = rng.choice([2, 2, 3, 7])
    return given


def _losses(rng: random.Random, outputs: str, heads: tuple[str, ...]) -> Any:
    if rng.random() < 0.04:
        return None
    if len(set(heads)) == 1 and rng.random() < 0.4:
        return _loss(rng, heads[0])
    losses = [_loss(rng, head) for head in heads]
    if rng.random() < 0.1:
        losses[rng.randrange(len(losses))] = None
    return _spread(rng, outputs, losses)


def _spread(rng: random.Random, outputs: str, values: list[Any]) -> Any:
    """One value per output in the outputs' structure, or now and then in another one."""
    if outputs == "one":
        return values[0] if rng.random() < 0.7 else rng.choice([[values[0]], {"left": values[0]}])
    kind = outputs if rng.random() < 0.7 else rng.choice(["list", "tuple", "dict", "nested"])
    found = structure(kind, values)
    if rng.random() < 0.04:
        found = found + [values[0]] if isinstance(found, list) else values[0]
    elif kind == "dict" and len(values) > 1 and rng.random() < 0.2:
        del found[rng.choice(NAMES)]
    return found


def _metrics(rng: random.Random, outputs: str, heads: tuple[str, ...]) -> Any:
    each = [[_metric(rng, head) for _ in range(rng.choice([1, 1, 2]))] for head in heads]
    if outputs == "one" and rng.random() < 0.8:
        return each[0]
    if rng.random() < 0.4:
        each = [one[0] for one in each]
    if rng.random() < 0.1:
        each[rng.randrange(len(each))] = rng.choice([None, []])
    return _spread(rng, outputs, each)


# -- calls ---------------------------------------------------------------------------------------------------------------


def _call(
    rng: random.Random, outputs: str, heads: tuple[str, ...], i: int, inputs: str
) -> tuple[str, dict[str, Any]]:
    methods = ["fit"] * 5 if i == 0 else ["fit", "fit", "evaluate", "evaluate", "predict"]
    method = rng.choice(
        [*methods, "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"]
    )
    if method.endswith("on_batch"):
        return method, _on_batch(rng, method, outputs, heads)
    given: dict[str, Any] = {"source": _source(rng), "batch": rng.choice([4, 4, 5, None, 10, 3])}
    if method != "predict" and rng.random() < 0.25:
        given["weights"] = _weights(rng, outputs, heads)
    if method == "fit":
        given |= _fit(rng, heads)
    elif given["source"] == "endless" or rng.random() < 0.25:
        given["steps"] = rng.choice([1, 2, 3, 5])
    if method == "evaluate" and rng.random() < 0.4:
        given["return_dict"] = rng.choice([True, False])
    given["callbacks"] = _callbacks(rng, method)
    return method, given


def _source(rng: random.Random) -> str:
    return rng.choice(
        ["arrays"] * 5
        + ["dataset", "dataset", "generator", "endless", "loader", "lists", "tf", "frozen arrays"]
    )


def _fit(rng: random.Random, heads: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {"epochs": rng.choice([1, 2, 2, 3])}
    if rng.random() < 0.1:
        given["initial_epoch"] = rng.choice([1, 1, 2, 3])
    if rng.random() < 0.3:
        given["steps_per_epoch"] = rng.choice([1, 2, 2, 3, 4, 5])
    which = rng.random()
    if which < 0.15:
        given["validation_split"] = rng.choice([0.2, 0.3, 0.5])
    elif which < 0.5:
        given["validation"] = _source(rng)
        given["validation_weights"] = rng.random() < 0.3
    if which < 0.5:
        if rng.random() < 0.3:
            given["validation_steps"] = rng.choice([1, 2, 5])
        if rng.random() < 0.2:
            given["validation_freq"] = rng.choice([2, 1, [1], [2, 3]])
        if rng.random() < 0.2:
            given["validation_batch_size"] = rng.choice([2, 5])
    if len(heads) == 1 and heads[0] in ("classes", "labels", "binary") and rng.random() < 0.25:
        given["class_weight"] = rng.choice([{0: 1.0, 1: 2.0, 2: 0.5}, {0: 0.5, 1: 3.0, 2: 1}])
    return given


def _weights(rng: random.Random, outputs: str, heads: tuple[str, ...]) -> str:
    return "one" if outputs == "one" or rng.random() < 0.2 else rng.choice([outputs, outputs, "list"])


def _on_batch(rng: random.Random, method: str, outputs: str, heads: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {"rows": rng.choice([4, 4, 5, 10])}
    if method != "predict_on_batch":
        if rng.random() < 0.4:
            given["return_dict"] = rng.choice([True, False])
        if rng.random() < 0.25:
            given["weights"] = _weights(rng, outputs, heads)
        if (
            method == "train_on_batch"
            and heads[0] in ("classes", "labels")
            and len(heads) == 1
            and rng.random() < 0.2
        ):
            given["class_weight"] = {0: 1.0, 1: 2.0, 2: 0.5}
    return given


STOPS = {
    "fit": ["train_batch_end", "train_batch_begin", "epoch_end", "epoch_begin", "test_batch_end", "train_begin", "test_end"],
    "evaluate": ["test_batch_end", "test_begin", "test_batch_begin"],
    "predict": ["predict_batch_end", "predict_begin", "predict_batch_begin"],
}  # fmt: skip


def _callbacks(rng: random.Random, method: str) -> list[Any]:
    found: list[Any] = [rng.choice(["all hooks", "all hooks", "epochs", "none"])]
    if rng.random() < 0.2:
        found.append(New("own.stop", {"hook": rng.choice(STOPS[method]), "at": rng.choice([0, 1, 1, 2])}))
    if method == "fit" and rng.random() < 0.15:
        monitor = rng.choice(["loss", "val_loss"])
        found.append(
            rng.choice([
                New("callbacks.EarlyStopping", {"monitor": monitor, "patience": 0, "min_delta": 0.5}),
                New("callbacks.EarlyStopping", {"monitor": monitor, "patience": 0, "min_delta": 9.0, "restore_best_weights": True}),
                New("callbacks.ReduceLROnPlateau", {"monitor": monitor, "patience": 1, "min_delta": 9.0}),
                New("own.schedule"), New("callbacks.TerminateOnNaN"), New("callbacks.SwapEMAWeights"),
                New("own.reset"),
            ])
        )  # fmt: skip
    return found
