"""A `.keras` file holds the optimizer's state: training goes on from it in real Keras, and from Keras's in Lamina."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}), ("SGD", {"momentum": 0.9, "use_ema": True, "ema_overwrite_frequency": 2}),
    ("RMSprop", {"momentum": 0.5, "centered": True}), ("Adam", {"amsgrad": True, "global_clipnorm": 0.5}),
    ("Adam", {"gradient_accumulation_steps": 2}), ("Adam", {"schedule": True}),
    *[(name, {}) for name in ("Adam", "AdamW", "Adamax", "Nadam", "Adagrad", "Adadelta", "Adafactor", "Ftrl", "Lion",
                              "Lamb", "Muon", "ScheduleFreeAdamW", "LossScaleOptimizer")],
]  # fmt: skip
RNG = np.random.default_rng(11)
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in ((3, 4), (4,), (4, 2), (2,))]
GRADIENTS = [[RNG.normal(size=w.shape).astype("float32") for w in WEIGHTS] for _ in range(6)]


def compiled(library: Any, family: str, options: dict[str, Any]) -> Any:
    options = dict(options)
    rate: Any = 0.05
    if options.pop("schedule", False):
        rate = library.optimizers.schedules.ExponentialDecay(rate, 2, 0.5)
    if family == "LossScaleOptimizer":
        optimizer = library.optimizers.LossScaleOptimizer(library.optimizers.Adam(rate), initial_scale=8.0)
    else:
        optimizer = getattr(library.optimizers, family)(rate, **options)
    layers = [library.Input((3,)), library.layers.Dense(4, name="a"), library.layers.Dense(2, name="b")]
    model = library.Sequential(layers, name="m")
    model.set_weights(WEIGHTS)
    model.compile(optimizer, "mse")
    return model


def steps(model: Any, first: int) -> list[np.ndarray]:
    """Three updates; the weights then."""
    variables = model.trainable_variables
    model.optimizer.build(variables)
    states, values = [v.value for v in model.optimizer.variables], [v.value for v in variables]
    for gradients in GRADIENTS[
        first : first + 3
    ]:  # in the pure form: Keras's loss scaling has no other on jax
        gradients = [keras.ops.convert_to_tensor(g) for g in gradients]
        values, states = model.optimizer.stateless_apply(states, gradients, values)
    for variable, value in zip([*variables, *model.optimizer.variables], [*values, *states], strict=True):
        variable.assign(value)
    return [np.asarray(v) for v in values]


@pytest.mark.parametrize(
    ("family", "options"), CASES, ids=lambda x: x if isinstance(x, str) else ",".join(x) or "plain"
)
@pytest.mark.filterwarnings("ignore")
def test_training_goes_on_from_the_file_of_the_other(
    family: str, options: dict[str, Any], tmp_path: Path
) -> None:
    ours, theirs = compiled(lamina, family, options), compiled(keras, family, options)
    for mine, wanted in zip(steps(ours, 0), steps(theirs, 0), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-6)
    ours.save(tmp_path / "ours.keras")
    theirs.save(tmp_path / "theirs.keras")
    again = [lamina.saving.load_model(tmp_path / f"{name}.keras") for name in ("ours", "theirs")]
    if family != "Lamb":  # which Keras writes, but cannot read
        again.append(keras.saving.load_model(tmp_path / "ours.keras"))
    state = [np.asarray(v) for v in theirs.optimizer.variables]
    for model in again:
        assert type(model.optimizer).__name__ == family
        for found, wanted in zip(model.optimizer.variables, state, strict=True):
            np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-5, atol=1e-6)
    wanted_after = steps(theirs, 3)
    for model in again:
        for found, wanted in zip(steps(model, 3), wanted_after, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
