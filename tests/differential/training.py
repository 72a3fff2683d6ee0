"""Runs a training program with one of the two libraries, and what a user sees of it: returned values, calls, state."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from programs import FEATURES, HEADS, NAMES, ROWS, STEPS, New, Program, draw, structure
from subjects import Probe, plain

from lamina.kernel.trees import leaves

HOOKS = [
    f"{what}_{where}"
    for what in ("train", "test", "predict", "epoch", "train_batch", "test_batch", "predict_batch")
    for where in ("begin", "end")
]


def training_case(rng: random.Random, theirs: Any) -> tuple[str, Callable[[Any], Any]]:
    """A case of the explorer."""
    program = draw(rng)
    return program.text, lambda probe: run(probe, program)


def run(probe: Probe, program: Program) -> None:
    """Builds, compiles and trains; the facts of call number i begin with i."""
    K = probe.library
    data = Data(program)
    model = probe.stage("build", lambda: make_model(K, program))
    numbers = np.random.default_rng(program.seed)
    model.set_weights([_first(numbers, w) for w in model.weights])
    compiled = made(K, program.compiled)
    probe.stage("compile", lambda: model.compile(**compiled))
    for i, (method, given) in enumerate(program.calls):
        calls = Calls(several=program.compiled.get("steps_per_execution", 1) > 1)
        returned = probe.stage(
            f"{i} {method}", lambda: call(K, model, data, method, given, calls)  # noqa: B023 - run at once
        )  # fmt: skip
        facts = {
            "returned": plain(returned),
            "calls": [name for name, _ in calls.ended()],
            "logs": [logs for _, logs in calls.ended()],
            "params": calls.params,
            "iterations": int(model.optimizer.iterations),
            "state": [np.asarray(w) for w in model.get_weights()],
            "stops": [getattr(model, name, False) for name in ("stop_training", "stop_evaluating", "stop_predicting")],
        }  # fmt: skip
        probe.facts |= {f"{i} {method} {name}": value for name, value in facts.items()}


def _first(numbers: np.random.Generator, w: Any) -> np.ndarray:
    x = numbers.normal(size=tuple(w.shape)) * 0.5
    return (np.abs(x) + 0.1 if "variance" in w.path else x).astype("float32")


# -- models --------------------------------------------------------------------------------------------------------------


def make_model(K: Any, program: Program) -> Any:
    """The model of a program; its layers are the same whatever its kind."""
    names = ("a", "b") if program.inputs != "one" else ("a",)
    shape = (STEPS, FEATURES) if program.inside == "sequence" else (FEATURES,)
    body = layers_of(K, program)
    if "Sequential" in program.model:
        first = [] if program.model.startswith("bare") else [K.Input(shape, name="a")]
        model = K.Sequential([*first, *body, head(K, program, 0)])
        if not first:
            model.build((None, *shape))
        return model
    join, heads = K.layers.Concatenate(), [head(K, program, i) for i in range(len(program.heads))]

    def through(inputs: list[Any], **how: Any) -> Any:
        x = inputs[0] if len(inputs) == 1 else join(inputs)
        for layer in body:
            x = layer(x, **(how if isinstance(layer, K.layers.BatchNormalization) else {}))
        return structure(program.outputs, [one(x) for one in heads])

    if program.model == "functional":
        inputs = [K.Input(shape, name=name) for name in names]
        return K.Model(structure(program.inputs, inputs, names), through(inputs))

    class Own(K.Model):
        def __init__(self) -> None:
            super().__init__()
            self.join, self.body, self.heads = join, body, heads

        def call(self, x: Any, training: Any = None) -> Any:
            inputs = (
                list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, list | tuple) else [x]
            )
            return through(inputs, training=training)

    model = Own()
    model(structure(program.inputs, [np.zeros((2, *shape), "float32") for _ in names], names))
    return model


def head(K: Any, program: Program, i: int) -> Any:
    """Output number i."""
    units, activation, _, _ = HEADS[program.heads[i]]
    return K.layers.Dense(units, activation=activation, name=NAMES[i])


def layers_of(K: Any, program: Program) -> list[Any]:
    """What stands between inputs and outputs."""
    if program.inside == "sequence":
        return [K.layers.Masking(), K.layers.SimpleRNN(4, return_sequences=True)]
    penalty = K.regularizers.L2(0.1) if program.inside == "penalty" else None
    first = K.layers.Dense(4, activation="tanh", kernel_regularizer=penalty, activity_regularizer=penalty)
    first.trainable = program.inside != "frozen"
    if program.inside == "norm":
        return [first, K.layers.BatchNormalization(momentum=0.5)]
    if program.inside == "added loss":
        return [first, _counting(K)]
    return [first]


def _counting(K: Any) -> Any:
    class Counting(K.layers.Layer):
        def build(self, shape: Any) -> None:
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x: Any) -> Any:
            self.calls.assign_add(1.0)
            self.add_loss(0.1 * K.ops.mean(K.ops.square(x)))
            return x

    return Counting()


# -- what programs name --------------------------------------------------------------------------------------------------


def made(K: Any, x: Any) -> Any:
    """A structure in which what `New` names has been made."""
    if isinstance(x, New):
        given = made(K, x.kwargs)
        if x.path in OWN:
            return OWN[x.path](K, **given)
        space = K
        for part in x.path.split("."):
            space = getattr(space, part)
        return space(**given)
    if isinstance(x, dict):
        return {key: made(K, value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(made(K, value) for value in x)
    return x


def own_loss(K: Any) -> Any:
    def apart(y_true: Any, y_pred: Any) -> Any:
        return K.ops.mean(K.ops.square(K.ops.cast(y_true, "float32") - y_pred), axis=-1)

    return apart


def own_metric(K: Any) -> Any:
    def largest(y_true: Any, y_pred: Any) -> Any:
        return K.ops.max(K.ops.abs(K.ops.cast(y_true, "float32") - y_pred), axis=-1)

    return largest


def own_stop(K: Any, hook: str, at: int) -> Any:
    class Stop(K.callbacks.Callback):
        pass

    def stop(self: Any, number: Any = None, logs: Any = None) -> None:
        if at == 0 or number == at or not isinstance(number, int):  # of a whole run there is no number
            self.model.stop_training = True
            self.model.stop_evaluating = True
            self.model.stop_predicting = True

    setattr(Stop, f"on_{hook}", stop)
    return Stop()


def own_reset(K: Any) -> Any:
    class Reset(K.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.set_weights([w * 0.5 for w in self.model.get_weights()])

    return Reset()


OWN: dict[str, Callable[..., Any]] = {
    "own.loss": own_loss,
    "own.metric": own_metric,
    "own.stop": own_stop,
    "own.reset": own_reset,
    "own.schedule": lambda K: K.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
}


class Calls:
    """What callbacks heard, in order.

    Args:
        several: Whether a batch is several steps: Keras counts on where an execution was not full (docs/status.md).
    """

    def __init__(self, several: bool) -> None:
        self.several = several
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.params: dict[str, Any] = {}

    def ended(self) -> list[tuple[str, dict[str, Any]]]:
        """Without batches that began and did not end: Keras calls so before it finds that a generator is used up."""
        after = [name for name, _ in self.heard[1:]] + [""]
        return [
            (name, logs)
            for (name, logs), follows in zip(self.heard, after, strict=False)
            if "batch_begin" not in name or "batch_end" in follows
        ]

    def callback(self, K: Any, which: str) -> Any:
        """A callback of the library that tells this object; `which` hooks it has."""
        calls = self

        class Recorder(K.callbacks.Callback):
            pass

        def hook(name: str) -> Callable[..., None]:
            def on(self: Any, *number: Any, logs: Any = None) -> None:
                if number and (number[-1] is None or isinstance(number[-1], dict)):
                    *number, logs = number
                shown = "last" if calls.several and name.endswith("batch_end") else list(number)
                calls.params = {key: plain(value) for key, value in (self.params or {}).items()}
                values = {k: np.asarray(v).tolist() for k, v in (logs or {}).items() if "predict" not in name}
                calls.heard.append((f"{name} {shown} {None if logs is None else sorted(logs)}", values))

            return on

        for name in HOOKS:
            if "batch" not in name or which == "all hooks":
                setattr(Recorder, f"on_{name}", hook(name))
        return Recorder()


# -- data ----------------------------------------------------------------------------------------------------------------


class Data:
    """Inputs, targets and weights of a program, and the sources that give them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        rng = np.random.default_rng(program.seed + 1)
        steps = (STEPS,) if program.inside == "sequence" else ()
        names = ("a", "b") if program.inputs != "one" else ("a",)
        inputs = [rng.normal(size=(ROWS, *steps, FEATURES)).astype("float32") for _ in names]
        measured = any("metrics" in name for name in program.compiled)
        trained = any("fit" in name or "train" in name for name, _ in program.calls)
        if steps and not (
            measured and trained
        ):  # there Keras on jax loses the mask between gradient and metrics
            inputs[0][:, -1] = 0.0  # a masked step, if it is alone
        self.x = structure(program.inputs, inputs, names)
        self.targets = [self._target(rng, kind, steps) for kind in program.heads]
        self.y = structure(program.outputs, self.targets)
        self.each = [
            rng.choice([0.5, 1.0, 2.0, 0.0], size=(ROWS, *steps)).astype("float32") for _ in program.heads
        ]

    @staticmethod
    def _target(rng: np.random.Generator, kind: str, steps: tuple[int, ...]) -> np.ndarray:
        units = HEADS[kind][0]
        if kind == "labels":
            return rng.integers(0, units, (ROWS, *steps)).astype("int32")
        if kind == "classes":
            return np.eye(units, dtype="float32")[rng.integers(0, units, (ROWS, *steps))]
        if kind == "binary":
            return rng.integers(0, 2, (ROWS, *steps, 1)).astype("float32")
        return rng.normal(size=(ROWS, *steps, units)).astype("float32")

    def weights(self, kind: str | None) -> Any:
        return None if kind is None else structure(kind, self.each) if kind != "one" else self.each[0]

    def rows(self, n: int, x: Any) -> Any:
        """The first n rows of a structure."""
        return _map(lambda a: a[:n], x)


def _map(change: Callable[[Any], Any], x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _map(change, value) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(_map(change, value) for value in x)
    return None if x is None else change(x)


def _tuples(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _tuples(value) for key, value in x.items()}
    return tuple(map(_tuples, x)) if isinstance(x, list | tuple) else x


def source_of(K: Any, kind: str, parts: tuple[Any, ...], rows: int) -> Any:
    """A source of batches of so many rows; `parts` are (x,), (x, y) or (x, y, weights)."""
    places = [slice(i, i + rows) for i in range(0, ROWS, rows)]
    batches = [_map(lambda a: a[place], parts) for place in places]  # noqa: B023 - run at once
    if kind == "generator":
        return (batch for batch in batches)
    if kind == "endless":
        return (batch for _ in iter(int, 1) for batch in batches)
    if kind == "tf":
        import tensorflow as tf

        parts = _tuples(parts)  # a list is a tensor there
        return tf.data.Dataset.from_tensor_slices(parts).batch(rows)
    if kind == "loader":
        import torch

        class Rows(torch.utils.data.Dataset):
            def __len__(self) -> int:
                return ROWS

            def __getitem__(self, i: int) -> Any:
                return _map(lambda a: a[i], parts)

        return torch.utils.data.DataLoader(Rows(), batch_size=rows)

    class Batches(K.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, i: int) -> Any:
            return batches[i]

    return Batches()


# -- calls ---------------------------------------------------------------------------------------------------------------


def call(K: Any, model: Any, data: Data, method: str, given: dict[str, Any], calls: Calls) -> Any:
    """One call of a program."""
    if method.endswith("on_batch"):
        n = given["rows"]
        more = {key: given[key] for key in ("return_dict", "class_weight") if key in given}
        if _repeats(data.program):
            more["return_dict"] = True
        if method == "predict_on_batch":
            return model.predict_on_batch(data.rows(n, data.x))
        weight = data.rows(n, data.weights(given.get("weights")))
        return getattr(model, method)(
            data.rows(n, data.x), data.rows(n, data.y), sample_weight=weight, **more
        )
    if _repeats(data.program) and method == "evaluate":
        given = {**given, "return_dict": True}
    names = ("epochs", "initial_epoch", "steps_per_epoch", "validation_split", "validation_steps", "validation_freq",
             "validation_batch_size", "class_weight", "steps", "return_dict")  # fmt: skip
    how = {key: given[key] for key in names if key in given}
    parts = _parts(data, method, given.get("weights"))
    where, positional = _given(K, given["source"], parts, given["batch"])
    if given.get("validation"):
        validation = _parts(
            data, "evaluate", "one" if given["validation_weights"] and len(data.targets) == 1 else None
        )
        if given["validation"] in ARRAYS:
            how["validation_data"] = validation
        else:
            how["validation_data"] = source_of(K, given["validation"], validation, 5)
    if method == "fit":
        how["shuffle"] = False
    kept = [one for one in given["callbacks"] if one != "none"]
    how["callbacks"] = [calls.callback(K, one) if isinstance(one, str) else made(K, one) for one in kept]
    with warnings.catch_warnings():
        returned = getattr(model, method)(*positional, verbose=0, **where, **how)
    if method == "fit":
        return {"history": returned.history, "epoch": returned.epoch}
    return returned


def _repeats(program: Program) -> bool:
    """Whether a name may be there twice: Keras lists the value of the first for each of them."""
    if (
        program.model == "functional" and len(program.heads) > 1
    ):  # there they have the names of outputs before them
        return False
    losses = program.compiled["loss"]
    named = len(program.heads) == 1
    given = [
        program.compiled.get("metrics"),
        program.compiled.get("weighted_metrics"),
        None if named else losses,
    ]
    names = [str(m) for one in given for m in leaves(one) if m]
    return len(set(names)) < len(names) or not (named or isinstance(losses, list | tuple | dict))


ARRAYS = ("arrays", "lists", "frozen arrays")


def _parts(data: Data, method: str, weights: str | None) -> tuple[Any, ...]:
    if method == "predict":
        return (data.x,)
    weight = data.weights(weights)
    return (data.x, data.y) if weight is None else (data.x, data.y, weight)


def _given(
    K: Any, kind: str, parts: tuple[Any, ...], batch: int | None
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Keyword and positional arguments that give the data."""
    if kind not in ARRAYS:
        return {}, (source_of(K, kind, parts, batch or 4),)
    if kind == "lists":
        parts = _map(lambda a: a.astype("float64") if a.dtype.kind == "f" else a.astype("int64"), parts)
    if kind == "frozen arrays":
        parts = _map(_frozen, parts)
    more = {"sample_weight": parts[2]} if len(parts) > 2 else {}
    return {"batch_size": batch, **more}, parts[:2]


def _frozen(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.setflags(write=False)
    return a
