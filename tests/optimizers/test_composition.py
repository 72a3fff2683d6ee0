"""What is composed around the rules: accumulation, loss scaling, averages, several optimizers, rules of the user's."""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import Any

import jax
import numpy as np
import pytest
from oracle import BACKENDS, keras
from problems import INPUTS, NAMES, STARTS, TARGETS, gradients

import lamina
from lamina import backends, optimizers
from lamina.core.stateless import StatelessScope
from lamina.initializers import GlorotUniform
from lamina.kernel.context import interpreter


def variables(dtype: str = "float32") -> list[Any]:
    starts = [start.astype(dtype) for start in STARTS]
    return [lamina.Variable(start, dtype=dtype, name=name) for start, name in zip(starts, NAMES, strict=True)]


def flat(found: list[Any]) -> np.ndarray:
    return np.concatenate([v.numpy().ravel() for v in found])


@pytest.fixture(params=BACKENDS)
def kernel(request: pytest.FixtureRequest) -> Any:
    with interpreter(backends.load(request.param)) as k:
        yield k


# -- accumulation ------------------------------------------------------------------------------------------------------


EMA: dict[str, Any] = {"use_ema": True, "ema_momentum": 0.5}
TOGETHER = {**EMA, "ema_overwrite_frequency": 3, "schedule": True, "weight_decay": 0.1}
ACCUMULATED: list[tuple[str, dict[str, Any]]] = [
    *[
        ("Adam", options)
        for options in (
            {}, {"clipnorm": 0.3}, {"clipvalue": 0.1}, {"global_clipnorm": 0.3}, {"weight_decay": 0.1}, EMA,
            {**EMA, "ema_overwrite_frequency": 2}, {"schedule": True}, {"clipnorm": 0.3, **TOGETHER},
            {"clipvalue": 0.1, **TOGETHER}, {"global_clipnorm": 0.3, **TOGETHER},
        )
    ],
    *[
        (family, {"global_clipnorm": 0.3, **TOGETHER})
        for family in ("SGD", "RMSprop", "Nadam", "Adamax", "Adagrad", "Adadelta", "Lamb", "Ftrl", "Adafactor",
                       "Muon", "ScheduleFreeAdamW")
    ],
]  # fmt: skip


def accumulated(family: str, options: dict[str, Any], parts: int, dtype: str) -> float:
    """How far `parts` batches a step are from one batch of as many rows, relative to the largest weight."""
    options = dict(options)
    scheduled = options.pop("schedule", False)
    rate = lambda: optimizers.schedules.ExponentialDecay(0.1, 2, 0.5) if scheduled else 0.1
    one, other = variables(dtype), variables(dtype)
    make = getattr(optimizers, family)
    whole, summed = make(rate(), **options), make(rate(), gradient_accumulation_steps=parts, **options)
    whole.build(one)
    summed.build(other)
    rows, worst = 24 // parts, 0.0
    for _ in range(7):
        values = [v.numpy() for v in one]
        for i in range(parts):
            summed.apply(gradients(values, slice(rows * i, rows * (i + 1)), dtype), other)
        whole.apply(gradients(values, slice(24), dtype), one)
        worst = max(worst, np.abs(flat(other) - flat(one)).max() / np.abs(flat(one)).max())
    assert int(summed.iterations) == int(whole.iterations) == 7
    whole.finalize_variable_values(one)
    summed.finalize_variable_values(other)
    assert flat(one).dtype == dtype
    return max(worst, np.abs(flat(other) - flat(one)).max() / np.abs(flat(one)).max())


def accumulations() -> list[Any]:
    """Where an operation starts at once, in both dtypes, over two and three batches; each is one program on the others."""
    params = []
    for backend, (family, options), dtype, parts in itertools.product(
        BACKENDS, ACCUMULATED, ("float32", "float64"), (2, 3, 4)
    ):
        quick = parts < 4 if backend in ("numpy", "torch") else (dtype, parts) == ("float64", 2)
        label = f"{backend}-{family}-{','.join(options) or 'plain'}-{dtype}-{parts}"
        marks = [] if quick else [pytest.mark.slow]
        params.append(pytest.param(backend, family, options, dtype, parts, id=label, marks=marks))
    return params


@pytest.mark.parametrize(
    ("kernel", "family", "options", "dtype", "parts"), accumulations(), indirect=["kernel"]
)
def test_accumulation_over_batches_is_one_larger_batch(
    kernel: Any, family: str, options: dict[str, Any], dtype: str, parts: int
) -> None:
    """In float64 to its last digits, so all that float32 shows is the rounding of the sums.

    Ftrl lets that grow: its weights come from a sum in which large terms cancel.
    """
    limit = 1e-12 if dtype == "float64" else 1e-5 if family == "Ftrl" else 1e-6
    wide = jax.enable_x64(True) if (kernel.name, dtype) == ("jax", "float64") else contextlib.nullcontext()
    with wide:
        assert accumulated(family, options, parts, dtype) < limit


CLIPS: list[dict[str, float]] = [{"clipnorm": 0.05}, {"clipvalue": 0.02}, {"global_clipnorm": 0.1}]


def fits() -> list[Any]:
    """All where nothing is compiled, one where each is a program."""
    params = []
    for backend, clip, parts in itertools.product(BACKENDS, range(len(CLIPS)), (2, 3, 4)):
        if backend != "numpy":
            marks = [] if backend == "torch" or (clip, parts) == (2, 3) else [pytest.mark.slow]
            params.append(
                pytest.param(backend, clip, parts, id=f"{backend}-{CLIPS[clip]}-{parts}", marks=marks)
            )
    return params


@functools.lru_cache(maxsize=2)
def fitted(backend: str, clip: int, parts: int | None) -> list[np.ndarray]:
    """Weights, averages and moments after `fit` with 24 rows a step."""
    x, y = INPUTS[:24].astype("float64"), TARGETS[:24].astype("float64")
    inputs = lamina.Input((5,), dtype="float64")
    hidden = lamina.layers.Dense(4, "tanh", dtype="float64", kernel_initializer=GlorotUniform(1))(inputs)
    model = lamina.Model(
        inputs, lamina.layers.Dense(3, dtype="float64", kernel_initializer=GlorotUniform(2))(hidden)
    )
    rate = optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)
    options = {**EMA, "ema_overwrite_frequency": 3, "weight_decay": 0.1, **CLIPS[clip]}
    optimizer = optimizers.Adam(rate, gradient_accumulation_steps=parts, **options)
    model.compile(optimizer, lamina.losses.MeanSquaredError(dtype="float64"))
    model.fit(x, y, batch_size=24 // (parts or 1), epochs=5, shuffle=False, verbose=0)
    kept = [v for v in optimizer.variables if v.dtype == "float64" and "accumulator" not in v.name]
    return [*model.get_weights(), *[v.numpy() for v in kept]]


@pytest.mark.parametrize(("backend", "clip", "parts"), fits())
def test_accumulation_while_fitting_is_one_larger_batch(backend: str, clip: int, parts: int) -> None:
    """In the compiled steps of `fit`: the same weights, averages and moments."""
    wide = jax.enable_x64(True) if backend == "jax" else contextlib.nullcontext()
    with interpreter(backends.load(backend)), wide:
        wanted = fitted(backend, clip, None)
        assert len(wanted) == 16  # four weights, and of each an average and two moments
        for found, value in zip(fitted(backend, clip, parts), wanted, strict=True):
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, value, rtol=1e-10, atol=1e-12)


# -- loss scaling ------------------------------------------------------------------------------------------------------

SCALED = [
    [1.0, 2.0],
    [2.0, 4.0],
    [1.0, np.inf],
    [1.0, 2.0],
    [np.nan, 1.0],
    [np.nan, 1.0],
    [1.0, 2.0],
    [1.0, 2.0],
    [1.0, 1.0],
]


def test_dynamic_loss_scaling_skips_on_overflow_as_keras_does(kernel: Any) -> None:
    # eager `apply` of Keras's own does not run on jax, its stateless form does
    theirs = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.1, momentum=0.9), 4.0, dynamic_growth_steps=2
    )
    their_weight = keras.Variable(np.array([1.0, 2.0], "float32"))
    theirs.build([their_weight])
    states, values = [v.value for v in theirs.variables], [their_weight.value]
    ours = optimizers.LossScaleOptimizer(optimizers.SGD(0.1, momentum=0.9), 4.0, dynamic_growth_steps=2)
    weight = lamina.Variable(np.array([1.0, 2.0], "float32"))
    ours.build([weight])
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables[:6]] + [
        ours.variables[-1].name
    ]
    for gradient in SCALED:
        gradient = np.array(gradient, "float32")
        values, states = theirs.stateless_apply(states, [keras.ops.convert_to_tensor(gradient)], values)
        ours.apply([gradient], [weight])
        np.testing.assert_allclose(weight.numpy(), values[0], rtol=1e-6)
        np.testing.assert_allclose(float(ours.dynamic_scale), float(states[3]))
        assert [int(v) for v in ours.variables[2:3]] == [int(v) for v in states[2:3]]
    assert int(ours.iterations) == 6
    assert float(ours.scale_loss(3.0)) == 3.0 * float(ours.dynamic_scale)


def test_loss_scaling_inside_a_scope(kernel: Any) -> None:
    ours = optimizers.LossScaleOptimizer(optimizers.SGD(0.5), 4.0)
    weight = lamina.Variable(np.array([1.0, 2.0], "float32"))
    ours.build([weight])
    states = [v.value for v in ours.variables]
    step = lambda s, g, v: ours.stateless_apply(s, [g], [v])
    step = kernel.jit(step) if kernel.functional else step
    for gradient, wanted in (([4.0, 8.0], [0.5, 1.0]), ([4.0, np.inf], [1.0, 2.0])):
        (value,), states_after = step(states, kernel.asarray(np.array(gradient, "float32")), weight.value)
        assert kernel.to_numpy(value).tolist() == wanted
    assert float(kernel.to_numpy(states_after[3])) == 2.0
    assert weight.numpy().tolist() == [1.0, 2.0]


def test_loss_scale_config_and_arguments() -> None:
    ours = optimizers.LossScaleOptimizer(optimizers.SGD(0.1, name="inner"), name="outer")
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, name="inner"), name="outer")
    assert ours.get_config() == theirs.get_config()
    assert optimizers.deserialize(optimizers.serialize(ours)).get_config() == ours.get_config()
    with pytest.raises(TypeError, match="must be an Optimizer"):
        optimizers.LossScaleOptimizer("sgd")
    with pytest.raises(ValueError, match="give that to `inner_optimizer`"):
        optimizers.LossScaleOptimizer(optimizers.SGD(), clipnorm=1.0)


def test_a_static_loss_scale() -> None:
    optimizer = optimizers.SGD(1.0, loss_scale_factor=4.0)
    assert optimizer.scale_loss(2.0) == 8.0
    weight = lamina.Variable([1.0])
    optimizer.apply([np.array([2.0], "float32")], [weight])
    assert weight.numpy().tolist() == [0.5]


# -- several optimizers, and multipliers -------------------------------------------------------------------------------


def test_several_optimizers_are_each_of_them_alone(kernel: Any) -> None:
    table = optimizers.OptimizerMap(optimizers.SGD(0.1, momentum=0.9), {"hidden_.*": optimizers.Adam(0.2)})
    together, alone = variables(), variables()
    both = optimizers.MultiOptimizer(table)
    adam, sgd = optimizers.Adam(0.2), optimizers.SGD(0.1, momentum=0.9)
    both.build(together)
    for _ in range(3):
        grads = gradients([v.numpy() for v in alone])
        both.apply(grads, together)
        adam.apply(grads[2:4], alone[2:4])
        sgd.apply([*grads[:2], *grads[4:]], [*alone[:2], *alone[4:]])
    np.testing.assert_allclose(flat(together), flat(alone), rtol=1e-6)
    assert [type(o).__name__ for o in both.optimizers] == ["Adam", "SGD"]
    again = optimizers.deserialize(optimizers.serialize(both))
    assert again.get_config() == both.get_config()


def test_an_optimizer_map() -> None:
    sgd, adam = optimizers.SGD(), optimizers.Adam()
    table = optimizers.OptimizerMap(sgd, {"encoder/.*": adam})
    assert table["encoder/kernel"] is adam
    assert table["encoder"] is sgd
    table["enc.*/kernel"] = sgd
    with pytest.raises(ValueError, match="is matched by"):
        table["encoder/kernel"]
    with pytest.raises(ValueError, match="already"):
        table["encoder/.*"] = sgd
    with pytest.raises(TypeError, match="holds optimizers"):
        table["x"] = "sgd"
    with pytest.raises(AttributeError, match="no learning rate"):
        _ = optimizers.MultiOptimizer(table).learning_rate


def test_a_multiplier_of_the_learning_rate(kernel: Any) -> None:
    slow, fast = lamina.Variable([1.0]), lamina.Variable([1.0])
    slow.learning_rate_multiplier = 0.5
    optimizers.SGD(0.5).apply([np.ones(1, "float32")] * 2, [slow, fast])
    assert (slow.numpy()[0], fast.numpy()[0]) == (0.75, 0.5)


# -- rules of the user's, dtypes, and the forms of backends ------------------------------------------------------------


class Signs(optimizers.Optimizer):
    """An optimizer as Keras code writes them."""

    def __init__(self, learning_rate: float = 0.5, decay: float = 0.5, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.decay = decay

    def build(self, variables: list[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        self.means = self.add_optimizer_variables(variables, "mean")

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        mean = self.means[self._get_variable_index(variable)]
        self.assign(mean, self.decay * mean + (1 - self.decay) * gradient)
        self.assign_sub(variable, lamina.ops.cast(learning_rate, variable.dtype) * lamina.ops.sign(mean))


def test_an_optimizer_of_the_users(kernel: Any) -> None:
    weight = lamina.Variable([1.0, 2.0], name="w")
    optimizer = Signs(weight_decay=0.5)
    optimizer.apply([np.array([3.0, -3.0], "float32")], [weight])
    assert weight.numpy().tolist() == [0.25, 2.0]
    assert [v.name for v in optimizer.variables] == ["iteration", "learning_rate", "w_mean"]
    again = Signs.from_config(optimizer.get_config())
    assert again.get_config() == optimizer.get_config()


def test_a_subclass_of_a_family(kernel: Any) -> None:
    class Halved(optimizers.Adam):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            super().update_step(gradient, variable, learning_rate / 2)

    halved, adam, one, other = Halved(0.2), optimizers.Adam(0.1), variables(), variables()
    for _ in range(3):
        halved.apply(gradients(STARTS), one)
        adam.apply(gradients(STARTS), other)
    np.testing.assert_allclose(flat(one), flat(other), rtol=1e-6)


def test_a_rule_of_the_users_on_a_family(kernel: Any) -> None:
    class Backwards(optimizers.Adam):
        def rule(self, k: Any, p: Any, g: Any, c: Any, *slots: Any) -> tuple[Any, ...]:
            return super().rule(k, p, -g, c, *slots)

    back, adam, one, other = Backwards(0.1), optimizers.Adam(0.1), variables(), variables()
    back.apply(gradients(STARTS), one)
    adam.apply([-g for g in gradients(STARTS)], other)
    np.testing.assert_allclose(flat(one), flat(other), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("family", ["SGD", "Adam", "RMSprop", "Lion", "Adafactor", "Muon"])
@pytest.mark.filterwarnings("ignore")
def test_other_dtypes(kernel: Any, family: str, dtype: str) -> None:
    if kernel.name == "jax" and dtype == "float64":
        pytest.skip("jax computes in 64 bits only when told so for the whole process")
    weight = lamina.Variable(np.ones((3, 4), "float32").astype("float32"), dtype=dtype)
    optimizer = getattr(optimizers, family)(0.1, use_ema=True, weight_decay=0.01, global_clipnorm=1.0)
    for _ in range(3):
        optimizer.apply([np.full((3, 4), 0.5, "float32")], [weight])
    value = weight.numpy().astype("float64")
    assert weight.dtype == dtype
    assert np.isfinite(value).all()
    assert (value < 1).all()


@pytest.mark.parametrize("backend", [name for name in BACKENDS if name == "torch"])
@pytest.mark.parametrize(
    ("family", "options"),
    [("SGD", {}), ("SGD", {"momentum": 0.9}), ("SGD", {"momentum": 0.9, "nesterov": True}), ("Adam", {}),
     ("Adam", {"amsgrad": True}), ("RMSprop", {}), ("RMSprop", {"centered": True, "momentum": 0.9}), ("Lion", {}),
     ("Ftrl", {"l1_regularization_strength": 0.1}), ("Adagrad", {})],
)  # fmt: skip
def test_the_form_of_a_backend_is_the_rule(backend: str, family: str, options: dict[str, Any]) -> None:
    shapes = [(3, 4), (400, 500), (), (7,), (300, 500)]  # some are cut into portions
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype("float32") for shape in shapes]
    with interpreter(backends.load(backend)) as k:
        fused, plain = (
            [lamina.Variable(s.copy()) for s in starts],
            [lamina.Variable(s.copy()) for s in starts],
        )
        one, other = getattr(optimizers, family)(0.1, **options), getattr(optimizers, family)(0.1, **options)
        one.build(fused)
        other.build(plain)
        for _ in range(3):
            grads = [k.asarray(rng.normal(size=shape).astype("float32")) for shape in shapes]
            one.apply(grads, fused)
            with StatelessScope() as scope:  # in which nothing changes in place
                other.apply(grads, plain)
            for variable in [*plain, *other.variables]:
                variable.assign(
                    scope.get_current_value(variable) if id(variable) in scope.values else variable.value
                )
        for mine, theirs in zip([*fused, *one.variables], [*plain, *other.variables], strict=True):
            np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-4, atol=1e-6)
        assert all(v.handle.grad_fn is None for v in fused)


def test_rates_of_several_optimizers_follow_callbacks():
    """Of a MultiOptimizer, also inside a loss scale, each optimizer's own rate is set, and logged by its name."""
    import lamina

    slow, fast = lamina.optimizers.SGD(0.1, name="slow"), lamina.optimizers.Adam(0.01, name="fast")
    choose = lamina.optimizers.MultiOptimizer(lambda v: slow if v.name == "bias" else fast)
    model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
    model.compile(lamina.optimizers.LossScaleOptimizer(choose, initial_scale=4.0), "mse")
    plateau = lamina.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=0, min_delta=100.0)
    with lamina.backend("torch"):
        x = np.ones((4, 1), "float32")
        history = model.fit(x, x, epochs=3, verbose=0, callbacks=[plateau]).history
        assert (float(slow.learning_rate), float(fast.learning_rate)) == pytest.approx((0.025, 0.0025))
        assert history["learning_rate_slow"] == pytest.approx([0.1, 0.1, 0.05])
        halve = lamina.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
        model.fit(x, x, epochs=1, verbose=0, callbacks=[halve])
    assert (float(slow.learning_rate), float(fast.learning_rate)) == pytest.approx((0.0125, 0.00125))


@pytest.mark.parametrize(
    "config",
    [
        {
            "inner_optimizer": {"class_name": "SGD", "config": {"lr": 0.5}},
            "dynamic": True,
            "initial_scale": 4.0,
        },
        {
            "optimizer": {"class_name": "SGD", "config": {"learning_rate": 0.5}},
            "loss_scale": {
                "class_name": "DynamicLossScale",
                "config": {"initial_loss_scale": 4.0, "growth_interval": 7},
            },
        },
    ],
)
def test_old_configs_of_a_loss_scale(config):
    import lamina

    made = lamina.optimizers.LossScaleOptimizer.from_config(config)
    assert type(made.inner_optimizer) is lamina.optimizers.SGD
    assert float(made.learning_rate) == 0.5
    assert made.initial_scale == 4.0
    assert made.dynamic_growth_steps == (7 if "loss_scale" in config else 2000)
