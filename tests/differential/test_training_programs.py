"""Training programs that give the same with Keras and with Lamina: the first that are drawn, and those that once differed."""

from __future__ import annotations

from typing import Any

import pytest
from explore import Explorer
from programs import New, Program
from quick_jax import quick
from training import run

FIT = {"source": "arrays", "batch": 4, "epochs": 2, "callbacks": ["all hooks"]}
EVALUATE = {"source": "arrays", "batch": 5, "callbacks": ["none"]}


def program(compiled: dict[str, Any], *calls: tuple[str, dict[str, Any]], **more: Any) -> Program:
    """One of a dense functional model with one output, or with other fields."""
    fields = {
        "model": "functional",
        "inside": "dense",
        "inputs": "one",
        "outputs": "one",
        "heads": ("real",),
    } | more
    return Program(
        **fields,
        compiled={"optimizer": New("optimizers.SGD", {"learning_rate": 0.1})} | compiled,
        calls=list(calls),
        seed=7,
    )


TWO = {"outputs": "list", "heads": ("labels", "binary")}
LOSSES = ["sparse_categorical_crossentropy", "BinaryCrossentropy"]
AVERAGES = New("optimizers.SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.5})
STOP = New("own.stop", {"hook": "train_batch_begin", "at": 0})
FOUND: dict[str, Program] = {
    "results of several outputs by position": program(
        {"loss": LOSSES, "metrics": [["acc"], ["mae", "acc"]], "weighted_metrics": [["acc"], ["mae"]]},
        ("evaluate", EVALUATE | {"return_dict": False}), **TWO,
    ),
    "results of outputs without names by position": program(
        {"loss": LOSSES, "metrics": [["acc"], ["mae"]]}, ("evaluate", EVALUATE), ("train_on_batch", {"rows": 4}),
        **TWO | {"model": "subclass"},
    ),
    "names of losses of outputs without names": program({"loss": LOSSES}, ("fit", FIT), **TWO | {"model": "subclass"}),
    "names of equal metrics with weights": program(
        {"loss": "mse", "weighted_metrics": ["mae", "mae", "mae"]}, ("evaluate", EVALUATE | {"return_dict": True})
    ),
    "a metric of an output in a list below a key": program(
        {"loss": {"left": "mse", "more": ["binary_crossentropy"]}, "metrics": {"left": ["mae"], "more": ["binary_accuracy"]}},
        ("test_on_batch", {"rows": 10, "return_dict": True}), outputs="nested", heads=("real", "binary"),
    ),
    "a subclass of one input, called with a list": program(
        {"loss": "mse"}, ("fit", FIT), model="subclass", inputs="list"
    ),
    "averages of weights that no loss reaches": program(
        {"optimizer": AVERAGES, "loss": {"left": "mse"}}, ("fit", FIT), outputs="dict", heads=("real", "one")
    ),
    "a layer that nobody calls": program({"loss": "mse"}, ("fit", FIT), model="subclass", inside="added loss"),
    "an execution that is told to stop": program(
        {"loss": "mse", "steps_per_execution": 2},
        ("fit", FIT | {"source": "dataset", "callbacks": ["none", STOP]}), ("predict", EVALUATE | {"callbacks": [STOP]}),
    ),
    "what a callback adds to the logs of an epoch": program(
        {"loss": "mse"}, ("fit", FIT | {"callbacks": ["all hooks", New("own.schedule")]})
    ),
    "no loss but those that layers add": program(
        {"loss": {"left": None}}, ("fit", FIT), inside="added loss", outputs="dict"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def explorer() -> Explorer:
    return Explorer("torch", ["training"])


def told(found: list[Any]) -> str:
    return "\n".join(
        f"case {d.case}: {d.subject} | {d.fact}: {d.theirs} / {d.ours} | {d.said}" for d in found
    )


@pytest.mark.parametrize("name", FOUND)
def test_what_once_differed_is_alike(explorer: Explorer, name: str) -> None:
    with quick():
        found = explorer.between(FOUND[name].text, lambda probe: run(probe, FOUND[name]))
    assert not found, told(found)


def test_the_first_programs_are_alike(explorer: Explorer) -> None:
    found = [d for number in range(24) for d in explorer.run(number)]
    assert not found, told(found)


def test_a_difference_is_found(explorer: Explorer, monkeypatch: Any) -> None:
    from lamina.callbacks.history import History

    monkeypatch.setattr(History, "on_epoch_end", lambda self, epoch, logs=None: self.epoch.append(epoch))
    one = FOUND["no loss but those that layers add"]
    with quick():
        found = explorer.between(one.text, lambda probe: run(probe, one))
    assert {d.fact for d in found} == {"0 fit returned.history.loss"}
