"""What a compiled step exchanges and holds: against the closed form, and against what `model.plan` says beforehand.

XLA divides no sum among the devices of a CPU: where a plan has a reduce-scatter, the compiled step has an all-reduce of which
each device keeps its part, and sends twice as much. So that is how it is counted here.
"""

from typing import NamedTuple

import hlo
import jax
import numpy as np
import pytest

import lamina

L, D = lamina.layers, lamina.distribution
LOSS = 4  # bytes; the one number of a step that is summed whatever the model
ROWS = 512


def mlp():
    i = lamina.Input((64,))
    x = L.Dense(512, activation="relu", name="up")(i)
    x = L.Dense(512, activation="relu", name="down")(x)
    return lamina.Model(i, L.Dense(4, name="head")(x))


def conv():
    i = lamina.Input((8, 8, 4))
    x = L.ReLU()(L.BatchNormalization(name="norm_up")(L.Conv2D(64, 3, use_bias=False, name="up")(i)))
    x = L.ReLU()(L.BatchNormalization(name="norm_down", scale=False)(L.Conv2D(32, 3, name="down")(x)))
    return lamina.Model(i, L.Dense(8, name="head")(L.GlobalAveragePooling2D()(x)))


def transformer():
    i = lamina.Input((12,), dtype="int32")
    x = L.Embedding(48, 64, name="embed")(i)
    for block in range(2):
        h = L.LayerNormalization()(x)
        x = L.Add()([x, L.MultiHeadAttention(8, 8, name=f"attention{block}")(h, h)])
        h = L.Dense(256, activation="gelu", name=f"up{block}")(L.LayerNormalization()(x))
        x = L.Add()([x, L.Dense(64, name=f"down{block}")(h)])
    return lamina.Model(i, L.Dense(8, name="head")(L.GlobalAveragePooling1D()(x)))


MODELS = {"mlp": mlp, "conv": conv, "transformer": transformer}


def data(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, ROWS)
    if kind == "transformer":
        return rng.integers(0, 48, (ROWS, 12)), y
    return rng.random((ROWS, 64) if kind == "mlp" else (ROWS, 8, 8, 4), "float32"), y


def layouts():
    """Units, filters or heads of one layer divided, and the inputs of the next."""
    found = D.LayoutMap(D.DeviceMesh((2, 4), ["batch", "model"]))
    found["embed/embeddings"] = ("model", None)
    found[r"up\d?/kernel"], found[r"(norm_)?up\d?/(bias|gamma|beta|moving.*)"] = (None, "model"), ("model",)
    found[r"attention\d/(query|key|value)/kernel"] = (None, "model", None)
    found[r"attention\d/(query|key|value)/bias"] = ("model", None)
    found[r"attention\d/attention_output/kernel"] = ("model", None, None)
    found[r"down\d?/kernel"] = ("model", None)
    return found


def of_convolutions():
    found = D.LayoutMap(D.DeviceMesh((2, 4), ["batch", "model"]))
    found["up/kernel"], found["norm_up/.*"] = (None, None, None, "model"), ("model",)
    found["down/kernel"] = (None, None, "model", None)
    return found


DISTRIBUTIONS = {
    "data": lambda kind: D.DataParallel(),
    "kept": lambda kind: D.FullyShardedDataParallel(min_size=200, reshard_after_forward=False),
    "sharded": lambda kind: D.FullyShardedDataParallel(min_size=200),
    "model": lambda kind: D.ModelParallel(layout_map=of_convolutions() if kind == "conv" else layouts()),
}


class Step(NamedTuple):
    model: object
    plan: object
    sent: dict
    held: int
    needed: int


@pytest.fixture(scope="module")
def step():
    """The steps, each compiled once."""
    made = {}

    def found(kind, name):
        if (kind, name) not in made:
            distribution = DISTRIBUTIONS[name](kind)
            with distribution.scope():
                model = MODELS[kind]()
                loss = lamina.losses.SparseCategoricalCrossentropy(from_logits=True)
                model.compile("adam", loss)
                plan = model.plan(distribution, batch=ROWS)  # before there is anything to measure
                compiled = hlo.compiled_step(model, *data(kind))
            made[kind, name] = Step(model, plan, hlo.sent(compiled.as_text()), *hlo.memory(compiled))
        return made[kind, name]

    return found


def size(variables):
    return sum(4 * int(np.prod(v.shape)) for v in variables)


def moments(model):
    """Bytes of what BatchNormalization sums over the batch: two moments, and two more sums for the gradient."""
    return sum(4 * size([x.moving_mean]) for x in model.layers if isinstance(x, L.BatchNormalization))


def factors(model):
    """Of BatchNormalization: their gradients are made of the sums above."""
    found = [(x.gamma, x.beta) for x in model.layers if isinstance(x, L.BatchNormalization)]
    return [v for pair in found for v in pair if v is not None]


# -- the closed form -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
def test_data_parallel_exchanges_gradients_once(step, kind):
    """2 (p - 1) / p of the gradients, and of what the batch is normalized by."""
    found = step(kind, "data")
    gradients = size(found.model.trainable_variables) - size(factors(found.model))
    assert found.sent == {"all-reduce": 2 * 7 / 8 * (gradients + moments(found.model) + LOSS)}
    assert (moments(found.model) > 0) == (kind == "conv")


@pytest.mark.parametrize("kind", MODELS)
def test_fully_sharded_gathers_weights_and_divides_gradients(step, kind):
    """3 (p - 1) / p of the weights, less of those that no gradient reads again."""
    kept, sharded = step(kind, "kept"), step(kind, "sharded")
    divided = [v for v in kept.model.weights if v.placement.gathered]
    assert size(divided) > 0.9 * size(kept.model.weights)
    assert set(kept.sent) == {"all-reduce", "all-gather"}
    assert kept.sent["all-gather"] == 7 / 8 * size(divided)
    gradients = size(kept.model.trainable_variables) - size(factors(kept.model))
    assert kept.sent["all-reduce"] == 2 * 7 / 8 * (gradients + moments(kept.model) + LOSS)
    assert sharded.sent["all-reduce"] == kept.sent["all-reduce"]
    # once more what the gradient of a layer's input is made with: no vector, no table, not the first layer's kernel
    again = [v for v in divided if v.name == "kernel" and v.path != "up/kernel"]
    assert sharded.sent["all-gather"] == 7 / 8 * (size(divided) + size(again))
    assert sharded.sent["all-gather"] + 7 / 8 * size(divided) <= 3 * 7 / 8 * size(divided)


@pytest.mark.parametrize("kind", MODELS)
def test_model_parallel_gathers_no_weight(step, kind):
    found = step(kind, "model")
    assert set(found.sent) == {"all-reduce"}
    parts = sum(v.value.addressable_data(0).nbytes for v in found.model.weights)
    whole = [v for v in found.model.weights if not any(v.layout.axes)]
    assert parts == size(whole) + (size(found.model.weights) - size(whole)) / 4
    if kind != "conv":  # whose second layer has all biases and moments
        assert parts <= 1.05 / 4 * size(found.model.weights)


def test_model_parallel_sums_products_over_the_model_and_gradients_over_the_batch(step):
    """The MLP by hand: the second layer sums partial products, of 512 / 2 rows."""
    found = step("mlp", "model")
    products = 256 * 512 * 4
    divided = size(v for v in found.model.weights if any(v.layout.axes)) / 4
    gradients = divided + size(v for v in found.model.weights if not any(v.layout.axes))
    assert found.sent["all-reduce"] == 2 * 3 / 4 * products + 2 * 1 / 2 * (gradients + LOSS)


# -- the plan --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("kind", MODELS)
def test_plans_are_what_is_compiled(step, kind, name):
    found = step(kind, name)
    planned = {}
    for one in found.plan.collectives:
        # see above: the sum of which each device keeps a part
        kind_, times = ("all-reduce", 2) if one.kind == "reduce-scatter" else (one.kind, 1)
        planned[kind_] = planned.get(kind_, 0) + times * one.sent
    assert planned == found.sent


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("kind", MODELS)
def test_plans_of_memory(step, kind, name):
    """Weights and the optimizer's state to the byte; of all, XLA counts from 0.65 to 1.4 of what the plan does."""
    found = step(kind, name)
    assert found.plan.weights == sum(v.value.addressable_data(0).nbytes for v in found.model.weights)
    optimizer = found.model.optimizer.variables
    assert found.plan.optimizer == sum(v.value.addressable_data(0).nbytes for v in optimizer)
    assert 0 <= found.held - found.plan.weights - found.plan.optimizer <= 64  # the loss so far, the seed
    undivided = (
        0 if name in ("data", "model") else size(found.model.trainable_variables) - found.plan.gradients
    )
    assert (
        0.65 <= found.needed / (found.plan.memory + undivided) <= 1.4
    )  # sums are whole on the CPU, as said above


def test_half_precision_is_gathered_as_it_is_read():
    """Weights of float32 that a layer reads as bfloat16 are cast first: half the bytes move, and none is kept whole."""
    sharded = D.FullyShardedDataParallel(min_size=200)
    lamina.config.set_dtype_policy("mixed_bfloat16")
    try:
        with sharded.scope():
            model = mlp()
            model.compile("sgd", "mse")
            traced = hlo.traced_step(model, data("mlp")[0][:128], np.zeros((128, 4), "float32"))
            gathered = next(c for c in model.plan(sharded, batch=128).collectives if c.kind == "all-gather")
    finally:
        lamina.config.set_dtype_policy("float32")
    named = [eqn for eqn in hlo.equations(traced) if eqn.primitive.name == "name"]
    divided = [v for v in model.weights if v.placement.gathered]
    assert len(named) == len(divided) + 2  # forward, and two kernels once more
    assert {str(eqn.outvars[0].aval.dtype) for eqn in named} == {"bfloat16"}
    assert gathered.size == size(divided) / 2
    (again,) = [eqn for eqn in hlo.equations(traced) if eqn.primitive.name == "remat2"]
    wholes = {v.shape for v in divided}
    kept = [x.aval for x in again.invars if x.aval.shape in wholes]
    assert len(kept) <= len(divided), kept  # the parts that are gathered from, and no whole one beside
    assert jax.device_count() == 8
