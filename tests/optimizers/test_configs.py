"""Configs, identifiers and arguments are those of Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import optimizers
from lamina.optimizers import legacy

FAMILIES = [
    "SGD", "RMSprop", "Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Adafactor", "Ftrl", "Lion", "Lamb",
    "Muon", "ScheduleFreeAdamW",
]  # fmt: skip
# composed of others: test_composition.py
COMPOSED = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}


def test_every_public_optimizer_is_here() -> None:
    classes = {name for name in optimizers.__all__ if isinstance(getattr(optimizers, name), type)}
    assert classes - COMPOSED == set(FAMILIES)


COMMON = {
    "learning_rate": 0.5, "weight_decay": 0.1, "clipnorm": 2.0, "use_ema": True, "ema_momentum": 0.5,
    "ema_overwrite_frequency": 7, "loss_scale_factor": 2.0, "gradient_accumulation_steps": 4, "name": "mine",
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("options", [{"name": "mine"}, COMMON], ids=["defaults", "options"])
def test_configs_are_those_of_keras_and_go_round(family: str, options: dict[str, Any]) -> None:
    theirs, ours = getattr(keras.optimizers, family)(**options), getattr(optimizers, family)(**options)
    assert ours.get_config() == theirs.get_config()
    again = optimizers.deserialize(optimizers.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()
    if family != "Lamb":  # which Keras writes, but cannot read
        assert keras.optimizers.deserialize(optimizers.serialize(ours)).get_config() == theirs.get_config()


def test_a_schedule_in_a_config() -> None:
    ours = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), name="s")
    theirs = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 5, 0.5), name="s")
    assert ours.get_config() == theirs.get_config()
    again = optimizers.SGD.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    assert [v.name for v in again.variables] == ["iteration"]


@pytest.mark.parametrize("family", FAMILIES)
def test_identifiers(family: str) -> None:
    cls = getattr(optimizers, family)
    for name in (family, family.lower()):
        assert type(optimizers.get(name)) is cls
    made = cls()
    assert optimizers.get(made) is made
    assert type(optimizers.get({"class_name": family, "config": {}})) is cls
    assert optimizers.get(None) is None


def test_unknown_identifiers_name_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Unknown optimizer: 'adem'. Did you mean 'adam'"):
        optimizers.get("adem")
    with pytest.raises(ValueError, match="3"):
        optimizers.get(3)
    with pytest.raises(ValueError, match="not an optimizer"):
        optimizers.get(lambda: None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "one of `clipnorm`"),
        ({"clipvalue": -1.0}, "`clipvalue` must be positive"),
        ({"use_ema": True, "ema_momentum": 2.0}, "`ema_momentum` must be from 0 to 1, got 2.0"),
        ({"gradient_accumulation_steps": 1}, "2 or more"),
        ({"momentum": 2.0}, "`momentum` must be a number from 0 to 1, got 2.0"),
        ({"name": "a/b"}, "must not contain '/'"),
        ({"lr": 0.1}, "In place of `lr` use learning_rate"),
        ({"decay": 0.1}, "schedule"),
        ({"speed": 0.1}, "SGD got unknown arguments: 'speed'"),
        ({"learning_rate": None}, "`learning_rate` must be a number"),
        ({"use_ema": True, "ema_overwrite_frequency": 0}, "must be a positive integer or None, got 0"),
        ({"ema_momentum": "1"}, "SGD: `ema_momentum` must be a number, got '1'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.SGD(**options)


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("Adam", {"beta_1": "1"}, "Adam: `beta_1` must be a number, got '1'"),
        ("Nadam", {"beta_2": [1, 2]}, r"Nadam: `beta_2` must be a number, got \[1, 2\]"),
        ("Adagrad", {"epsilon": None}, "Adagrad: `epsilon` must be a number, got None"),
        ("Adadelta", {"epsilon": -0.5}, "Adadelta: `epsilon` must be 0 or more, got -0.5"),
        ("Muon", {"adam_weight_decay": "1"}, "Muon: `adam_weight_decay` must be a number or None, got '1'"),
        ("Muon", {"exclude_layers": "dense"}, "Muon: `exclude_layers` must be a list of texts, got 'dense'"),
        (
            "ScheduleFreeAdamW",
            {"warmup_steps": -1},
            "`warmup_steps` must be an integer of at least 0, got -1",
        ),
    ],
)
def test_bad_arguments_of_a_family(family: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(optimizers, family)(**options)


def test_numbers_may_be_none_where_they_are_optional() -> None:
    assert optimizers.Muon(adam_weight_decay=None, rms_rate=None).adam_weight_decay is None


def test_the_learning_rate_can_be_set() -> None:
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
    assert optimizer.get_config()["learning_rate"] == 0.25
    optimizer.learning_rate = optimizers.schedules.ExponentialDecay(1.0, 1, 0.5)
    assert float(optimizer.learning_rate) == 1.0
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="made with a schedule"):
        optimizer.learning_rate = 0.1


def test_bad_calls() -> None:
    weight, other, one = lamina.Variable([1.0, 2.0]), lamina.Variable([1.0]), np.ones(2, "float32")
    optimizer = optimizers.SGD(1.0)
    with pytest.raises(ValueError, match="Give optimizer"):
        optimizer.apply([one])
    with pytest.raises(ValueError, match="No gradients"):
        optimizer.apply([None], [weight])
    with pytest.raises(ValueError, match="Got 2 gradients for 1 variables"):
        optimizer.apply([one, one])
    with pytest.raises(ValueError, match="was not built for"):
        optimizer.apply([one], [other])
    with pytest.raises(ValueError, match="one pair"):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match="must have 2 values"):
        optimizer.stateless_apply([], [one], [one])
    with pytest.raises(ValueError, match="has 2 variables, got 1"):
        optimizer.set_weights([1])
    with pytest.warns(UserWarning, match="its state was not loaded"):
        optimizer.load_own_variables({"0": 1})
    both = optimizers.SGD(1.0)
    with pytest.warns(UserWarning, match="does not depend on"):
        both.apply([one, None], [weight, other])
    assert weight.numpy().tolist() == [0.0, 1.0]


def test_the_names_of_keras_2() -> None:
    optimizer = legacy.SGD(lr=0.1, decay=0.5, momentum=0.9, nesterov=True)
    assert type(optimizer) is optimizers.SGD
    assert isinstance(optimizer.get_config()["learning_rate"], dict)
    assert float(legacy.Adam(lr=0.1).learning_rate) == pytest.approx(0.1)
    assert float(legacy.RMSprop(0.2, decay=1.0).learning_rate) == pytest.approx(0.2)
    with pytest.raises(ImportError, match="update_step"):
        legacy.Optimizer("mine")
    with pytest.raises(ImportError, match="update_step"):
        type("Mine", (legacy.SGD,), {})()


def test_configs_of_keras_2() -> None:
    config = {
        "name": "Adam",
        "learning_rate": 0.25,
        "decay": 0.0,
        "beta_1": 0.8,
        "epsilon": None,
        "jit_compile": True,
    }
    adam = optimizers.get({"class_name": "Adam", "config": {**config, "is_legacy_optimizer": False}})
    assert (float(adam.learning_rate), adam.beta_1, adam.epsilon) == (0.25, 0.8, 1e-7)
    sgd = optimizers.get({"class_name": "SGD", "config": {"lr": 0.5, "decay": 1.0, "momentum": 0.9}})
    assert sgd.momentum == 0.9
    assert sgd.get_config()["learning_rate"]["config"]["decay_rate"] == 1.0
    old = {
        "class_name": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 0.5},
    }
    assert float(optimizers.SGD.from_config({"learning_rate": old}).learning_rate) == 0.5
    for name in ("Custom>RMSprop", "rmsprop", "RMSprop"):
        assert type(optimizers.get({"class_name": name, "config": {}})) is optimizers.RMSprop
