"""Schedules give real Keras's rates at all steps, from numbers, Variables and inside compiled programs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest
from oracle import BACKENDS, keras

import lamina
from lamina import backends
from lamina.kernel.context import interpreter
from lamina.optimizers import schedules

CASES: list[tuple[str, tuple, dict[str, Any]]] = [
    ("CosineDecay", (0.1, 10), {}),
    ("CosineDecay", (0.1, 10), {"alpha": 0.2, "warmup_target": 0.5, "warmup_steps": 5}),
    ("CosineDecay", (0.1, 10), {"warmup_steps": 5}),
    ("CosineDecay", (0.0, 10), {"warmup_target": 0.5, "warmup_steps": 5}),
    ("CosineDecay", (0.1, 10), {"warmup_target": 0.5}),
    ("CosineDecayRestarts", (0.1, 4), {"m_mul": 0.5, "alpha": 0.1}),
    ("CosineDecayRestarts", (0.1, 4), {"t_mul": 1.0}),
    ("CosineDecayRestarts", (0.1, 5), {"t_mul": 1.5, "m_mul": 0.9}),
    ("ExponentialDecay", (0.1, 5, 0.5), {}),
    ("ExponentialDecay", (0.1, 5, 0.5), {"staircase": True}),
    ("InverseTimeDecay", (0.1, 5, 0.5), {}),
    ("InverseTimeDecay", (0.1, 5, 0.5), {"staircase": True}),
    ("PiecewiseConstantDecay", ([2, 5], [1.0, 0.5, 0.1]), {}),
    ("PiecewiseConstantDecay", ([2.5], [1, 2]), {}),
    ("PolynomialDecay", (0.1, 5), {"end_learning_rate": 0.01, "power": 2.0}),
    ("PolynomialDecay", (0.1, 5), {"power": 0.5, "cycle": True}),
]
STEPS = [*range(17), 20, 28, 30, 35, 39, 100, 1000, 123457]


@lru_cache
def oracle(index: int) -> np.ndarray:
    name, args, kwargs = CASES[index]
    rate = jax.jit(getattr(keras.optimizers.schedules, name)(*args, **kwargs).__call__)
    return np.array([float(rate(step)) for step in STEPS])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{','.join(c[2])}")
def test_rates_are_those_of_keras(case: tuple[str, tuple, dict[str, Any]], backend: str) -> None:
    name, args, kwargs = case
    ours = getattr(schedules, name)(*args, **kwargs)
    wanted = oracle(CASES.index(case))
    with interpreter(backends.load(backend)):
        found = np.array([float(ours(step)) for step in STEPS])
        assert float(ours(lamina.Variable(3, dtype="int32"))) == pytest.approx(wanted[3], rel=1e-5, abs=1e-7)
    # where a restart falls between two float32 numbers both sides of it are right
    jumps = np.isclose(found, wanted, rtol=1e-5, atol=1e-7)
    assert jumps[:22].all()
    np.testing.assert_allclose(found[jumps], wanted[jumps], rtol=1e-5, atol=1e-7)
    assert jumps.mean() > 0.9


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{','.join(c[2])}")
def test_configs_are_those_of_keras_and_go_round(case: tuple[str, tuple, dict[str, Any]]) -> None:
    name, args, kwargs = case
    theirs, ours = (
        getattr(keras.optimizers.schedules, name)(*args, **kwargs),
        getattr(schedules, name)(*args, **kwargs),
    )
    assert ours.get_config() == theirs.get_config()
    assert schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)
    again = schedules.deserialize(schedules.serialize(ours))
    assert type(again) is type(ours)
    assert again.get_config() == ours.get_config()


def test_a_function_of_the_step_is_a_rate() -> None:
    optimizer = lamina.optimizers.SGD(lambda step: 1.0 / (1.0 + lamina.ops.cast(step, "float32")))
    weight = lamina.Variable([0.0])
    for _ in range(2):
        optimizer.apply([np.ones(1, "float32")], [weight])
    assert float(weight[0]) == pytest.approx(-1.5)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="decay_steps"):
        schedules.ExponentialDecay(0.1, 0, 0.5)
    with pytest.raises(ValueError, match="one value more than boundaries, got 2 values for 2"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])
    with pytest.raises(ValueError, match="grow"):
        schedules.PiecewiseConstantDecay([2, 1], [0.1, 0.2, 0.3])
    with pytest.raises(NotImplementedError, match="__call__"):
        schedules.LearningRateSchedule()(1)
    with pytest.raises(ValueError, match="learning_rate"):
        lamina.optimizers.SGD("fast")
    with pytest.raises(ValueError, match="Did you mean 'exponential_decay'"):
        schedules.deserialize("exponentialdecay_")
    with pytest.raises(ValueError, match="Did you mean 'ExponentialDecay'"):
        schedules.deserialize({"class_name": "ExponentialDecy", "config": {}})
