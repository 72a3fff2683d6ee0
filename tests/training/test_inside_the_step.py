"""Mixed precision, accumulation, averages, clipping and rematerialization inside the compiled step; flat memory."""

import contextlib
import gc
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
from models import data, mlp

import lamina
from lamina.kernel.context import current

X, Y = data(64)


def pair(ours_policy=None, layers=2):
    """The same network here and in real Keras."""
    from oracle import keras

    made = []
    for space in (keras, lamina):
        options = {} if ours_policy is None else {"dtype": ours_policy}
        model = space.Sequential([space.Input((5,))])
        model.add(space.layers.Dense(8, activation="tanh", **options))
        model.add(space.layers.Dense(1, **options))
        made.append(model)
    theirs, ours = made
    ours.set_weights(theirs.get_weights())
    return ours, theirs, keras


def compared(options, policy=None, steps=4, atol=1e-5):
    ours, theirs, keras = pair(policy)
    for model, space in ((ours, lamina), (theirs, keras)):
        model.compile(space.optimizers.Adam(0.01, **options), "mse")
        model.fit(X, Y, batch_size=64 // steps, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=atol)
    return ours


@pytest.mark.parametrize(
    "options",
    [
        {"clipnorm": 0.1},
        {"global_clipnorm": 0.1},
        {"gradient_accumulation_steps": 2},
        {"use_ema": True, "ema_momentum": 0.8},
        {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
        {"weight_decay": 0.1, "clipvalue": 0.05},
    ],
    ids=lambda o: "+".join(o),
)
def test_options_of_the_optimizer_as_keras(options):
    names = (
        ("jax", "torch") if "gradient_accumulation_steps" in options or "clipnorm" in options else ("torch",)
    )
    for name in names:
        with lamina.backend(name):
            compared(options)


def test_bfloat16_as_keras(backend):
    model = compared({}, policy="mixed_bfloat16", atol=2e-3)
    assert model.weights[0].dtype == "float32"
    assert model.predict(X, verbose=0).dtype.name == "bfloat16"


def test_float16_scales_the_loss_as_keras(backend):
    from oracle import keras

    lamina.config.set_dtype_policy("mixed_float16")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        ours, theirs, _ = pair()
        for model, space in ((ours, lamina), (theirs, keras)):
            model.compile(space.optimizers.SGD(0.1), "mse")
            model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
        assert isinstance(ours.optimizer, lamina.optimizers.LossScaleOptimizer)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=2e-3)
    finally:
        lamina.config.set_dtype_policy("float32")
        keras.config.set_dtype_policy("float32")


def test_accumulation_is_one_larger_batch(backend):
    def trained(batch, **options):
        model = mlp(optimizer=lamina.optimizers.SGD(0.5, **options))
        model.fit(X, Y, batch_size=batch, shuffle=False, epochs=2, verbose=0)
        return model.get_weights()

    for a, b in zip(trained(32), trained(8, gradient_accumulation_steps=4), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.steps_as_users_have_them
def test_rematerialization_is_done_and_changes_nothing(backend, monkeypatch):
    """Whether the scope is open where the layers are made or (on one backend, since each compiles) where they are trained."""
    pieces, kernel = [], current()
    plain = kernel.remat
    monkeypatch.setattr(kernel, "remat", lambda f: (pieces.append(1), plain(f))[1])

    def trained(made, fitted):
        lamina.utils.set_random_seed(1)
        with lamina.RematScope(made):
            layers = [
                lamina.layers.Dense(8, activation="tanh", activity_regularizer="l2"),
                lamina.layers.BatchNormalization(),
                lamina.layers.Dropout(0.3),
                lamina.layers.Dense(1),
            ]
            model = lamina.Sequential([lamina.Input((5,)), *layers])
        model.compile("adam", "mse")
        with lamina.RematScope(fitted) if fitted else contextlib.nullcontext():
            model.fit(X, Y, batch_size=16, shuffle=False, verbose=0)
        return model.get_weights()

    wanted = trained(None, None)
    assert pieces == []
    for scopes in [("full", None), (None, "full")][: 2 if backend == "torch" else 1]:
        pieces.clear()
        found = trained(*scopes)
        assert len(pieces) >= 4
        assert (
            len(pieces) % 4 == 0
        )  # a piece for each layer in each trace or step, none for the model as a whole
        for a, b in zip(wanted, found, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


# -- memory ------------------------------------------------------------------------------------------------------------


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())


def _resident() -> int:
    """Bytes held now: a peak would hide what grows below that of an earlier test."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _calls(model, count):
    for _ in range(count):
        model.train_on_batch(X, Y)
        model.predict(X[:8], verbose=0)


def test_memory_is_flat(backend):
    """The number of Python objects after many calls is that after a few."""
    model = mlp(metrics=["accuracy"])
    _calls(model, 5)
    before = _objects()
    _calls(model, 40)
    assert _objects() - before < 40


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_over_a_thousand_calls(backend):
    model = mlp(metrics=["accuracy"])
    _calls(model, 100)
    objects, resident = _objects(), _resident()
    _calls(model, 1000)
    assert _objects() - objects < 100
    assert _resident() - resident < 20e6
