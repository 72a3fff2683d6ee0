"""The compiled programs of one model: made when first needed, and anew when the model is another one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from lamina.core.tracking import owned
from lamina.core.variable import Variable
from lamina.errors import ArgumentError
from lamina.kernel.context import distribution_in_force
from lamina.training.compile.first_batch import (
    check_indices,
    check_labels,
    warn_of_labels,
    warn_of_numbers,
    warn_of_outputs,
)
from lamina.training.run import steps
from lamina.training.run.on_shapes import build_on_shapes, probe
from lamina.training.run.own_steps import own_predict_step, own_step
from lamina.training.run.program import Program, drawing
from lamina.training.run.reader import Reader
from lamina.training.run.spread import lay_out


class _Key(NamedTuple):
    """What a program was made for: facts that are compared, and objects that must be the same ones."""

    facts: tuple
    parts: tuple

    def fits(self, other: _Key) -> bool:
        return (
            self.facts == other.facts
            and len(self.parts) == len(other.parts)
            and all(a is b for a, b in zip(self.parts, other.parts, strict=True))
        )


class ProgramCache:
    """One program per kind of step and kernel. Nobody else makes, keeps or drops programs of a model.

    A program stays while the model's own structure does (see `Tracker`), and what else decides about it: whatever other
    layers and models do in the process changes nothing here.
    """

    def __init__(self) -> None:
        self._programs: dict[tuple[str, Any], tuple[_Key, Any]] = {}

    def get(self, model: Any, kind: str, k: Any, sample: Callable[[], Any]) -> Any:
        """The program of a kind.

        Args:
            model: The model.
            kind: "train" or "test" for a `Program`, "predict" for a `Reader`.
            k: The kernel.
            sample: Gives a batch, for its shapes; called where a program must be made.
        """
        found = self._programs.get((kind, k))
        if found is not None and found[0].fits(_key(model, kind)):
            return found[1]
        with model._model_state.turns.state:  # several threads that come at once get one program
            found = self._programs.get((kind, k))
            if found is None or not found[0].fits(_key(model, kind)):
                make = _forward if kind == "predict" else _step
                program = make(model, kind, k, sample())
                found = _key(model, kind), program  # looked at now: making it may have built the model
                self._programs[kind, k] = found
        return found[1]

    def all(self) -> list[Program]:
        """The programs that there are of steps that change state."""
        return [made for _, made in self._programs.values() if isinstance(made, Program)]

    def forget(self, *kinds: str) -> None:
        """Drop the programs of these kinds."""
        self._programs = {key: kept for key, kept in self._programs.items() if key[0] not in kinds}


def _key(model: Any, kind: str) -> _Key:
    facts = (model._structure, model.run_eagerly, model.jit_compile)
    own = model.__dict__.get(f"{kind}_step")
    distribution = distribution_in_force()
    if kind == "predict":
        return _Key(facts, (own, distribution))
    optimizers = owned(model, "optimizer") if kind == "train" else []
    facts = (*facts, *(optimizer._structure for optimizer in optimizers))
    known = model._model_state
    return _Key(
        facts,
        (own, distribution, known.given, known.gradient_norms if kind == "train" else None, *optimizers),
    )


def _step(model: Any, kind: str, k: Any, sample: Any) -> Program:
    training, compiled = kind == "train", not model.run_eagerly
    if not compiled and distribution_in_force() is not None and not k.spread.runs_as_written:
        raise ArgumentError(
            f"Model {model.name!r} was compiled with run_eagerly=True, but on several devices backend {k.name!r} runs compiled "
            "steps alone. Compile the model without it, or debug it on one device: lamina.distribution.set_distribution(None)."
        )
    own = model._has_own(f"{kind}_step") or model._has_own("compute_metrics")  # which say what is shown
    known = model._model_state
    if compiled:
        steps.build(model, k, sample, training=training)
    elif not own:
        steps.build_on_numbers(model, k, sample)
    _warn(model, sample, training=training)
    if own:
        step = own_step(model, f"{kind}_step")
    else:
        usual = steps.train if training else steps.test
        step = lambda batch: usual(model, batch)
    if not training:
        step = k.without_gradient(step)
    around = lambda step: drawing(known.stream, steps.clearing(model, step))
    known.stream.split()
    variables, logs = _prepared(_touched(model, training=training), k), None
    if own and compiled and (k.functional or k.traced_step):
        found, logs = probe(k, around(step), sample)
        variables = _prepared([*_touched(model, training=training), *found], k)
    if training and model.jit_compile is True and not k.functional and compiled:
        step = k.jit(step)
    results = Reader(k, model.get_metrics_result, model.metrics_variables, compiled, known.turns.state)
    return Program(
        k, around(step), variables, results, compiled=compiled, gives_logs=own, logs=logs,
        lock=known.turns.state, stream=known.stream,
    )  # fmt: skip


def _warn(model: Any, sample: Any, *, training: bool) -> None:
    losses = model._model_state.losses
    if len(sample) == 3:
        check_labels(losses, *sample[1:])
        check_indices(model, sample[0])
    if training:
        warn_of_numbers(sample)
        if len(sample) == 3:
            warn_of_labels(losses, sample[1])
        if losses is not None:
            warn_of_outputs(model, losses)
        if model.built and not model.trainable_variables and not model._has_own("train_step"):
            warnings.warn(
                f"Model {model.name!r} has no trainable weights: `fit` computes its loss and metrics, and changes nothing.",
                stacklevel=7,
            )


def _forward(model: Any, kind: str, k: Any, sample: Any) -> Reader:
    if model.run_eagerly:
        steps.build_on_numbers(model, k, sample)
    elif not model.built:
        build_on_shapes(k, model, sample[0] if isinstance(sample, tuple) else sample)
    metrics = [v for layer in model._flatten_layers() for m in layer._metrics for v in m.variables]
    variables, known = _prepared([*model.variables, *metrics], k), model._model_state
    return Reader(
        k,
        k.without_gradient(own_predict_step(model)),
        variables,
        not model.run_eagerly,
        known.turns.state,
        known.stream,
    )


def _touched(model: Any, *, training: bool) -> list[Variable]:
    """The variables that a step may touch."""
    found = [*model.variables, *model.metrics_variables]
    if training:
        found += [v for optimizer in owned(model, "optimizer") for v in optimizer.variables]
        if (norms := model._model_state.gradient_norms) is not None:
            found += norms.variables_for(model.trainable_variables)
    return [*found, model._model_state.stream.steps.state]


def _prepared(variables: list[Variable], k: Any) -> list[Variable]:
    """Each variable once, brought to the kernel, on the devices of the distribution in force: first values are made now."""
    unique = list({id(v): v for v in variables}.values())
    lay_out(unique)
    for v in unique:
        v._own(k)
    return unique
