"""Twenty steps on three problems follow those of real Keras, for each family, with each option, on each backend."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest
from oracle import BACKENDS, keras
from problems import NAMES, STARTS, gradients, run

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}), ("RMSprop", {"momentum": 0.9}), ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {}), ("Adam", {"amsgrad": True}), ("AdamW", {}), ("Adamax", {}), ("Nadam", {}),
    ("Adagrad", {}), ("Adadelta", {}), ("Lion", {}), ("Lamb", {}), ("Lamb", {"weight_decay": 0.1}),
    ("Ftrl", {}),
    ("Ftrl", {"learning_rate_power": -0.3, "l1_regularization_strength": 0.1, "l2_regularization_strength": 0.2,
              "l2_shrinkage_regularization_strength": 0.3, "beta": 0.4}),
    ("Adafactor", {}), ("Adafactor", {"relative_step": False, "clip_threshold": 0.5}),
    ("Muon", {}), ("Muon", {"nesterov": False, "rms_rate": None, "adam_lr_ratio": 0.3, "exclude_layers": ["hidden"]}),
    ("ScheduleFreeAdamW", {}), ("ScheduleFreeAdamW", {"warmup_steps": 5, "weight_decay": 0.1}),
]  # fmt: skip

OPTIONS: list[dict[str, Any]] = [
    {"weight_decay": 0.1}, {"clipnorm": 0.5}, {"clipvalue": 0.2}, {"global_clipnorm": 0.5},
    {"use_ema": True, "ema_momentum": 0.7},
    {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3}, {"gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.1},
    {"loss_scale_factor": 8.0}, {"schedule": True}, {"callable": True}, {"constraint": True}, {"exclude": True},
]  # fmt: skip

CASES = [
    *FAMILIES,
    *((family, option) for family in dict.fromkeys(f for f, _ in FAMILIES) for option in OPTIONS),
]


def runs() -> Iterator[Any]:
    """All cases on all backends. Of families other than SGD and Adam every third option is quick, on a backend in turn.

    Options are composed around any rule, so these show that no rule stands in the way of one.
    """
    for index, (family, options) in enumerate(CASES):
        family_number, option = divmod(index - len(FAMILIES), len(OPTIONS))
        in_turn = (family_number + option) % 3 == 0
        for place, backend in enumerate(BACKENDS):
            alone = in_turn and index % len(BACKENDS) == place
            quick = index < len(FAMILIES) or family in ("SGD", "Adam") or alone
            name = f"{family}-{','.join(options)}-{backend}"
            yield pytest.param(index, backend, id=name, marks=() if quick else pytest.mark.slow)


RATE = 0.05


def make(library: Any, family: str, options: dict[str, Any]) -> tuple[Any, list[Any]]:
    options = dict(options)
    rate: Any = RATE
    if options.pop("schedule", False):
        rate = library.optimizers.schedules.ExponentialDecay(RATE, 5, 0.5)
    if options.pop("callable", False):
        rate = lambda: RATE / 2
    constrained, exclude = options.pop("constraint", False), options.pop("exclude", False)
    if exclude:
        options["weight_decay"] = 0.2
    optimizer = getattr(library.optimizers, family)(rate, **options)
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    variables = [library.Variable(start.copy(), name=name) for start, name in zip(STARTS, NAMES, strict=True)]
    if constrained:
        variables[2].constraint, variables[4].constraint = (
            library.constraints.MaxNorm(1.0),
            library.constraints.NonNeg(),
        )
    return optimizer, variables


def scale_of(options: dict[str, Any]) -> float:
    return options.get("loss_scale_factor", 1.0)


def compiled_run(optimizer: Any, variables: list[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    optimizer.build(variables)
    step = jax.jit(optimizer.stateless_apply)
    states, values, seen = [v.value for v in optimizer.variables], [v.value for v in variables], []
    for _ in range(20):
        values, states = step(states, gradients([np.asarray(v) for v in values]), values)
        seen.append(np.concatenate([np.asarray(v).ravel() for v in values]))
    return np.array(seen), [np.asarray(v) for v in states]


def shares(parameters: dict[str, Any]) -> Any:
    """The steps of Keras are taken once for all backends."""
    return parameters.get("index")


@lru_cache
def oracle(index: int) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    family, options = CASES[index]
    optimizer, variables = make(keras, family, options)
    if (
        "gradient_accumulation_steps" in options
    ):  # whose condition Keras would compile anew at every eager step
        seen, state = compiled_run(optimizer, variables)
    else:
        seen = run(optimizer, variables, scale=scale_of(options), convert=keras.ops.convert_to_tensor)
        state = [np.asarray(v) for v in optimizer.variables]
    names = [v.path.split("/")[-1] for v in optimizer.variables]
    return seen, state, names


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("index", "backend"), list(runs()))
def test_the_trajectory_and_the_state_are_those_of_keras(index: int, backend: str) -> None:
    wanted, state, names = oracle(index)
    family, options = CASES[index]
    with interpreter(backends.load(backend)):
        optimizer, variables = make(lamina, family, options)
        seen = run(optimizer, variables, scale=scale_of(options))
        own = [v.numpy() for v in optimizer.variables]
    size = np.abs(wanted).max(axis=1, keepdims=True)
    np.testing.assert_array_less(np.abs(seen - wanted) / size, 1e-5)
    assert [v.shape for v in own] == [v.shape for v in state]
    if family not in ("Nadam", "Adafactor"):  # whose scalars and rows have no names of their own in Keras
        assert [v.path.split("/")[-1] for v in optimizer.variables] == names
    for mine, theirs in zip(own, state, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5 * max(1.0, np.abs(theirs).max()))


PUSHES = np.random.default_rng(11).normal(size=(4, 16, 5)).astype("float32")


def steps_from_zero(library: Any, family: str, options: dict[str, Any], convert: Any) -> np.ndarray:
    """The updates themselves, not rounded to the size of weights: each begins at zero."""
    weight = library.Variable(np.zeros(PUSHES[0].shape, "float32"), name="weight")
    optimizer = getattr(library.optimizers, family)(RATE, **options)
    optimizer.build([weight])
    seen = []
    for push in PUSHES:
        weight.assign(np.zeros(push.shape, "float32"))
        optimizer.apply([convert(push)], [weight])
        seen.append(np.array(weight))
    return np.array(seen)


@lru_cache
def steps_of_keras(index: int) -> np.ndarray:
    return steps_from_zero(keras, *FAMILIES[index], keras.ops.convert_to_tensor)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("index", range(len(FAMILIES)), ids=[f"{f}-{','.join(o)}" for f, o in FAMILIES])
def test_an_update_rounds_as_that_of_keras(index: int, backend: str) -> None:
    """Before a problem amplifies anything, all are within a few roundings: a `1 - beta` in other digits shows."""
    wanted = steps_of_keras(index)
    with interpreter(backends.load(backend)) as k:
        seen = steps_from_zero(lamina, *FAMILIES[index], k.asarray)
    most = 3e-6 if FAMILIES[index][0] == "Muon" else 1e-6  # five products of matrices, summed in any order
    np.testing.assert_allclose(seen, wanted, rtol=most, atol=most * np.abs(wanted).max())


@pytest.mark.parametrize("family", dict.fromkeys(family for family, _ in FAMILIES))
@pytest.mark.filterwarnings("ignore")
def test_state_moves_to_keras_and_back(family: str) -> None:
    options = {"momentum": 0.9} if family == "SGD" else {}
    theirs, their_variables = make(keras, family, options)
    ours, our_variables = make(lamina, family, options)
    run(theirs, their_variables, 3, convert=keras.ops.convert_to_tensor)
    ours.build(our_variables)
    store: dict[str, Any] = {}
    theirs.save_own_variables(store)
    ours.load_own_variables(store)
    for mine, other in zip(our_variables, their_variables, strict=True):
        mine.assign(np.asarray(other))
    after = run(ours, our_variables, 3)
    np.testing.assert_allclose(
        after, run(theirs, their_variables, 3, convert=keras.ops.convert_to_tensor), rtol=1e-4, atol=1e-5
    )
    store = {}
    ours.save_own_variables(store)
    theirs.load_own_variables(store)
    np.testing.assert_allclose(
        run(ours, our_variables, 2),
        run(theirs, their_variables, 2, convert=keras.ops.convert_to_tensor),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name != "numpy"])
@pytest.mark.parametrize("family", ["SGD", "Adam", "Nadam", "Muon"])
def test_stateless_apply_leaves_the_variables_alone(family: str, backend: str) -> None:
    with interpreter(backends.load(backend)) as k:
        optimizer, variables = make(lamina, family, {"use_ema": True})
        optimizer.build(variables)
        grads = [k.asarray(g) for g in gradients(STARTS)]
        states, values = [v.value for v in optimizer.variables], [v.value for v in variables]
        if k.functional:
            new, new_states = k.jit(lambda s, g, v: optimizer.stateless_apply(s, g, v))(states, grads, values)
        else:
            new, new_states = optimizer.stateless_apply(states, grads, values)
        for variable, start in zip(variables, STARTS, strict=True):
            np.testing.assert_array_equal(variable.numpy(), start)
        optimizer.apply(grads, variables)
        for variable, value in zip([*variables, *optimizer.variables], [*new, *new_states], strict=True):
            np.testing.assert_allclose(variable.numpy(), k.to_numpy(value), rtol=1e-5, atol=1e-6)
