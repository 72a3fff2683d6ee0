"""Kinds of behavior whose numbers a backend could change: each program gives on jax, torch and TensorFlow what Keras gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracle import keras
from test_kinds import BACKENDS, each, outcome, program
from test_kinds import PROGRAMS as NUMBER_FREE

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

BEFORE = set(NUMBER_FREE)
LABELS = np.array([[1, 2, 0], [3, 1, 2]], "int32")
LOGITS = np.random.default_rng(1).normal(size=(2, 7, 4)).astype("float32")


def drawn(shape: Any, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def flat(K: Any, x: Any) -> list[float]:
    """All numbers of a structure."""
    if isinstance(x, list | tuple):
        return [v for one in x for v in flat(K, one)]
    return np.ravel(K.ops.convert_to_numpy(K.ops.cast(getattr(x, "value", x), "float32"))).tolist()


def stepped(K: Any, optimizer: Any, shapes: list[Any], names: str = "ab") -> list[float]:
    variables = [K.Variable(drawn(s, i), name=n) for i, (s, n) in enumerate(zip(shapes, names, strict=False))]
    optimizer.build(variables)
    for step in range(3):
        optimizer.apply([K.ops.convert_to_tensor(drawn(v.shape, step + 5)) for v in variables], variables)
    return flat(K, variables)


@each(
    "adafactor",
    [{}, {"relative_step": False}, {"clip_threshold": 0.1}, {"beta_2_decay": -0.5}, {"epsilon_2": 0.1}],
)
def adafactor(K: Any, options: Any) -> Any:
    optimizers = [K.optimizers.Adafactor(0.1, **options) for _ in range(2)]
    return stepped(K, optimizers[0], [(), (3,)]), stepped(K, optimizers[1], [(3, 4), (2, 3, 4)])


@each("ctc", ["loss", "a blank label", "empty labels", "long labels", "weights", "lengths", "a short input"])
def ctc(K: Any, what: str) -> Any:
    loss = K.losses.CTC(reduction="none")
    if what == "weights":
        return flat(K, K.losses.CTC()(LABELS, LOGITS, sample_weight=np.array([1.0, 2.0], "float32")))
    if what == "lengths":
        return flat(K, K.ops.ctc_loss(LABELS, LOGITS, np.array([2, 3]), np.array([7, 5]), mask_index=0))
    if what == "a short input":
        return flat(K, K.ops.ctc_loss(LABELS, LOGITS, np.array([2, 3]), np.array([1, 2])))
    if what == "a blank label":
        inside = np.array([[1, 0, 1], [3, 0, 2]], "int32")
        return flat(K, loss(inside, LOGITS)), flat(
            K, K.ops.ctc_loss(inside, LOGITS, np.array([3, 3]), np.array([7, 7]))
        )
    labels = {"loss": LABELS, "empty labels": LABELS * 0, "long labels": np.ones((2, 9), "int32")}[what]
    return flat(K, loss(labels, LOGITS))


@each("ctc decode", [("greedy", True), ("greedy", False), ("beam_search", True), ("beam_search", False)])
def ctc_decode(K: Any, how: Any) -> Any:
    more = {"beam_width": 5, "top_paths": 2} if how[0] == "beam_search" else {}
    found = K.ops.ctc_decode(
        LOGITS, np.array([7, 5]), strategy=how[0], merge_repeated=how[1], mask_index=0, **more
    )
    return flat(K, found)


@each(
    "renorm",
    [{}, {"renorm_clipping": {"rmax": 1.5, "dmax": 0.3}}, {"renorm_momentum": 0.5}, {"dtype": "float16"}],
)
def renorm(K: Any, options: Any) -> Any:
    layer = K.layers.BatchNormalization(renorm=True, momentum=0.8, **options)
    mask = K.ops.convert_to_tensor(np.array([1, 1, 0, 1, 0, 1], bool))
    seen = [
        layer(K.ops.convert_to_tensor(drawn((6, 3), i) * 3 + 1), training=True, mask=mask) for i in range(3)
    ]
    return flat(K, [*seen, *layer.weights])


@program
def one_optimizer_of_several(K: Any) -> Any:
    inner = K.optimizers.OptimizerMap(K.optimizers.SGD(0.1, momentum=0.9), {"a": K.optimizers.Adam(0.1)})
    optimizer = K.optimizers.MultiOptimizer(inner)
    found = stepped(K, optimizer, [(3,), (2, 2)])
    return found, int(optimizer.iterations)


@each("rates of several optimizers", ["plateau", "schedule", "loss scale"])
def rates_of_several_optimizers(K: Any, how: str) -> Any:
    fast, slow = K.optimizers.Adam(0.05, name="fast"), K.optimizers.SGD(0.01, name="slow")
    optimizer = K.optimizers.MultiOptimizer(K.optimizers.OptimizerMap(slow, {"last/": fast}))
    if how == "loss scale":
        optimizer = K.optimizers.LossScaleOptimizer(optimizer, initial_scale=4.0)
    model = K.Sequential([K.Input((3,)), K.layers.Dense(2, name="first"), K.layers.Dense(1, name="last")])
    model.set_weights([drawn(w.shape, i) for i, w in enumerate(model.weights)])
    model.compile(optimizer, "mse")
    callback = {
        "plateau": K.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=100.0),
        "schedule": K.callbacks.LearningRateScheduler(lambda epoch, rate: float(rate) * 0.5),
        "loss scale": K.callbacks.Callback(),
    }[how]
    x, y = drawn((8, 3), 0), drawn((8, 1), 1)
    history = model.fit(x, y, epochs=4, verbose=0, shuffle=False, callbacks=[callback]).history
    return flat(K, model.get_weights()), *(history[key] for key in sorted(history))


@pytest.mark.parametrize("form", ["map", "function"])
def test_a_loss_scale_stands_around_several_optimizers(form: str) -> None:
    for K in (keras, lamina):
        scaled = K.optimizers.LossScaleOptimizer(K.optimizers.SGD(0.1))
        made = K.optimizers.OptimizerMap(scaled) if form == "map" else lambda v, scaled=scaled: scaled
        with pytest.raises(ValueError, match="LossScaleOptimizer"):
            K.optimizers.MultiOptimizer(made).build([K.Variable(1.0)])


def embedding(K: Any, **how: Any) -> list[float]:
    layers = [K.layers.Embedding(6, 3), K.layers.Flatten(), K.layers.Dense(1)]
    model = K.Sequential([K.Input((4,), dtype="int32"), *layers])
    model.set_weights([drawn(w.shape, 0) for w in model.weights])
    model.compile(K.optimizers.get(how), "mse")
    x, y = np.array([[0, 1, 1, 2], [3, 1, 0, 0]], "int32"), np.ones((2, 1), "float32")
    model.fit(x, y, epochs=3, verbose=0, shuffle=False)
    return flat(K, model.get_weights()[0])


@each("embedding", [{"clipvalue": 0.05}, {"global_clipnorm": 0.5}])
def gradients_of_an_embedding(K: Any, options: Any) -> Any:
    return [embedding(K, class_name="SGD", config={"learning_rate": 0.1, **options})]


HERE: dict[str, Callable[[Any], Any]] = {n: NUMBER_FREE.pop(n) for n in list(NUMBER_FREE) if n not in BEFORE}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", HERE)
def test_the_same_numbers(name: str, backend: str) -> None:
    theirs = outcome(HERE[name], keras)
    with interpreter(backends.load(backend)):
        ours = outcome(HERE[name], lamina)
    assert not isinstance(theirs, type)
    tolerance = 1e-2 if "float16" in name else 1e-4
    assert len(theirs) == len(ours)
    for a, b in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "options", [{"clipnorm": 0.5}, {"clipvalue": 0.1}, {"global_clipnorm": 0.5}, {"use_ema": True}]
)
@pytest.mark.parametrize("family", ["SGD", "Adam"])
def test_slices_of_a_tape_are_the_gradient_that_they_add_up_to(family: str, options: Any) -> None:
    tf = pytest.importorskip("tensorflow")
    found = []
    with interpreter(backends.load("tensorflow")):
        for dense in (False, True):
            layer = lamina.layers.Embedding(6, 3)
            layer.build()
            layer.set_weights([drawn((6, 3), 0)])
            optimizer = getattr(lamina.optimizers, family)(0.1, **options)
            for _ in range(3):
                with tf.GradientTape() as tape:
                    total = tf.reduce_sum(layer(np.array([[0, 1, 1, 2]], "int32")) ** 2)
                (gradient,) = tape.gradient(total, layer.trainable_variables)
                assert isinstance(gradient, tf.IndexedSlices)
                optimizer.apply(
                    [tf.convert_to_tensor(gradient) if dense else gradient], layer.trainable_variables
                )
            found.append(layer.get_weights()[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    assert np.abs(found[0] - drawn((6, 3), 0)).max() > 1e-3
