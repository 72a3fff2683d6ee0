"""The invariants of layers, over the catalogue and all backends that are installed, in one process."""

from __future__ import annotations

import functools
import json
from typing import Any

import jax
import numpy as np
import pytest
from catalog import APART, LAYERS, Entry, Inner, one_by_one, with_states
from oracle import BACKENDS, keras, keras_masked, masked, numbers

import lamina
from lamina import backends, layers
from lamina.core.masks import get_mask
from lamina.kernel.context import interpreter
from lamina.kernel.trees import leaves

# Keras asks for it in MixUp; jax says that it has 32 bits.
pytestmark = pytest.mark.filterwarnings("ignore:.*Explicitly requested dtype int64")


def shares(parameters: dict[str, Any]) -> Any:
    """All of an entry is compared with one layer of Keras, and one program of it."""
    return parameters.get("entry")


RATE = 0.1  # of the gradient descent in the comparisons


def ids(entries: list[Entry]) -> list[str]:
    seen: dict[str, int] = {}
    for e in entries:
        seen[e.name] = seen.get(e.name, -1) + 1
    count: dict[str, int] = {}
    out = []
    for e in entries:
        count[e.name] = count.get(e.name, -1) + 1
        out.append(f"{e.name}-{count[e.name]}" if seen[e.name] else e.name)
    return out


def over(entries: list[Entry]) -> Any:
    return pytest.mark.parametrize("entry", entries, ids=ids(entries))


@pytest.fixture(autouse=True, scope="module")
def quick_compilation() -> Any:
    """XLA's optimizations would take most of the time of these tests."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(params=BACKENDS)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


def listed(x: Any) -> list[Any]:
    return list(leaves(x))


def build(entry: Entry, space: Any, **more: Any) -> Any:
    return entry.build(entry.make(space, **more))


def run(entry: Entry, layer: Any, inputs: Any, **more: Any) -> Any:
    """The layer's call on these inputs."""
    return layer(*entry.form(inputs), **{**entry.arguments(), **more})


@functools.cache
def of_keras(entry: Entry) -> Any:
    """The built layer of real Keras, made once: its first values cost a compilation each."""
    return build(entry, keras.layers)


@functools.cache
def weights(entry: Entry) -> tuple[np.ndarray, ...]:
    """Weights that leave no symmetry: all of them random, variances positive."""
    rng = np.random.default_rng(5)
    made = []
    for v in of_keras(entry).weights:
        x = rng.normal(size=v.shape).astype("float32") * 0.5
        made.append(np.abs(x) + 0.5 if "variance" in v.path or "stddev" in v.path else x)
    return tuple(made)


def near(ours: Any, theirs: Any, rtol: float) -> None:
    """Equal up to `rtol` of the largest number."""
    ours, theirs = np.asarray(numbers(ours)), np.asarray(theirs)
    assert ours.shape == theirs.shape
    size = max(1.0, float(np.abs(theirs).max())) if theirs.size else 1.0
    np.testing.assert_allclose(ours.astype("float64"), theirs.astype("float64"), rtol=0, atol=rtol * size)


# -- the catalogue -----------------------------------------------------------------------------------------------------


def test_every_layer_has_its_entry() -> None:
    public = {getattr(layers, name) for name in layers.__all__}
    known = {getattr(layers, name) for name in {e.name for e in LAYERS} | set(APART)}
    assert {t for t in public if isinstance(t, type) and issubclass(t, layers.Layer)} == known


# -- shapes ------------------------------------------------------------------------------------------------------------


def unknown(entry: Entry, shape: tuple[int, ...]) -> tuple[int | None, ...]:
    fixed = {axis % len(shape) for axis in entry.fixed}
    return tuple(n if i in fixed else None for i, n in enumerate(shape))


@over(LAYERS)
def test_inferred_shapes_are_the_real_ones(entry: Entry) -> None:
    """With every axis unknown that may be, and with the batch axis unknown: no size contradicts the real one."""
    with interpreter(backends.load("numpy")):
        real = [tuple(y.shape) for y in listed(run(entry, build(entry, layers), entry.inputs()))]
    for loose in (True, False):
        given = [unknown(entry, s) if loose else (None, *s[1:]) for s in entry.shapes]
        inputs = [lamina.KerasTensor(s, entry.dtype) for s in given]
        outputs = listed(entry.make(layers)(*entry.form(inputs), **entry.call))
        for found, wished in zip([y.shape for y in outputs], real, strict=True):
            assert len(found) == len(wished)
            assert all(n is None or n == m for n, m in zip(found, wished, strict=True)), (found, wished)
            if not loose:
                assert None not in found[1:], found
                assert found[0] is None or "mask" in entry.call  # a mask has a batch size


@over([e for e in LAYERS if getattr(layers, e.name)._keeps_marks])
def test_one_run_tells_what_two_tell(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that says it keeps the marks of unknown sizes does: the second run, which would find those that were lost,
    finds none."""
    given = [[unknown(entry, s) for s in entry.shapes], [(None, *s[1:]) for s in entry.shapes]]
    found = []
    for _ in range(2):
        for shapes in given:
            inputs = [lamina.KerasTensor(s, entry.dtype) for s in shapes]
            outputs = entry.make(layers)(*entry.form(inputs), **entry.call)
            found.append([(y.shape, y.dtype) for y in listed(outputs)])
        monkeypatch.setattr("lamina.core.layer.tells_in_one_run", lambda layer: False)
    assert found[:2] == found[2:]


def test_code_of_others_runs_twice_on_shapes() -> None:
    """A subclass or an activation of the user's may lose the mark of an unknown size."""

    class Doubled(layers.Dense):
        def call(self, inputs: Any) -> Any:
            return twice(super().call(inputs))

    def twice(x: Any) -> Any:
        return lamina.ops.zeros((2 * int(x.shape[0]), 3))

    for layer in (Doubled(3), layers.Dense(3, activation=twice), layers.Activation(twice)):
        assert layer(lamina.Input((3,))).shape == (None, 3)


# -- configs -----------------------------------------------------------------------------------------------------------


def normal(config: Any) -> Any:
    """As JSON writes it, without automatic names."""
    out = json.loads(json.dumps(config, default=str))

    def named(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: named(v) for key, v in x.items() if key not in ("name", "build_config")}
        if isinstance(x, float):
            return float(f"{x:.6g}")  # Keras keeps some in float32
        return [named(v) for v in x] if isinstance(x, list) else x

    return named(out)


@over(LAYERS)
def test_config_is_that_of_keras(entry: Entry) -> None:
    ours, theirs = entry.make(layers).get_config(), entry.make(keras.layers).get_config()
    assert set(ours) == set(theirs)
    assert normal(ours) == normal(theirs)


@over(LAYERS)
def test_config_round_trip(entry: Entry) -> None:
    layer = entry.make(layers)
    config = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(config)))
    assert normal(again.get_config()) == normal(config)  # JSON has lists for tuples
    through_codec = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    assert type(through_codec) is type(layer)
    assert normal(through_codec.get_config()) == normal(config)


@over(LAYERS)
def test_weights_have_the_names_order_and_shapes_of_keras(entry: Entry) -> None:
    def facts(layer: Any) -> list[Any]:
        return [(v.path.split("/")[-1], tuple(v.shape), v.trainable) for v in layer.weights]

    assert facts(build(entry, layers)) == facts(of_keras(entry))


# -- numbers -----------------------------------------------------------------------------------------------------------


def mixing(shape: tuple[int, ...]) -> np.ndarray:
    """Factors that make a scalar of an output so that every entry counts differently."""
    return np.random.default_rng(9).normal(size=shape).astype("float32")


def loss_of(outputs: Any, total: Any) -> Any:
    return sum(total(y * mixing(tuple(y.shape))) for y in listed(outputs))


@functools.cache
def wanted(entry: Entry) -> dict[str, Any]:
    """What real Keras gives: outputs, and the gradients and state after each step. Compiled: one compilation."""
    layer = of_keras(entry)
    layer.set_weights(list(weights(entry)))
    trained = [v.value for v in layer.trainable_variables]
    other = [v.value for v in layer.non_trainable_variables]
    inputs = [jax.numpy.asarray(x) for x in entry.inputs()]
    free = entry.dtype == "float32"

    def compute(parts: Any, other: Any) -> Any:
        trained, given = parts
        given = entry.form(given if free else inputs)
        outputs, updated = layer.stateless_call(trained, other, *given, **entry.arguments())
        return loss_of(outputs, jax.numpy.sum), (outputs, updated)

    step = jax.jit(jax.value_and_grad(compute, has_aux=True))
    found: dict[str, Any] = {"outputs": [], "steps": []}
    for _ in range(entry.steps):
        parts = (trained, inputs if free else [])
        (_, (outputs, other)), (by_weight, by_input) = step(parts, other)
        found["outputs"] = found["outputs"] or [np.asarray(y) for y in listed(outputs)]
        found["steps"].append(([np.asarray(g) for g in by_weight + by_input], [np.asarray(v) for v in other]))
        trained = [v - RATE * g for v, g in zip(trained, by_weight, strict=True)]
    return found


@over(LAYERS)
def test_agrees_with_keras(entry: Entry, k: Any) -> None:
    """Outputs; and, where the backend differentiates, gradients and state over the steps of gradient descent."""
    layer = build(entry, layers)
    layer.set_weights(weights(entry))
    data, expected = entry.inputs(), wanted(entry)
    if not k.differentiable:
        for ours, theirs in zip(listed(run(entry, layer, data)), expected["outputs"], strict=True):
            near(ours, theirs, entry.rtol)
        return
    trained = [v.value for v in layer.trainable_variables]
    other = [v.value for v in layer.non_trainable_variables]
    inputs = [k.asarray(x) for x in data]
    free = entry.dtype == "float32"
    count = len(trained)

    def differentiate(trained: list[Any], other: list[Any]) -> Any:
        def compute(parts: list[Any]) -> Any:
            given = entry.form(list(parts[count:]) if free else inputs)
            outputs, updated = layer.stateless_call(parts[:count], other, *given, **entry.arguments())
            total = sum(k.sum(y * k.asarray(mixing(tuple(y.shape)))) for y in listed(outputs))
            return total, (listed(outputs), updated)

        (_, (outputs, updated)), gradients = k.value_and_grad(compute, [*trained, *(inputs if free else [])])
        return outputs, updated, gradients

    step = k.jit(differentiate) if k.functional else differentiate  # op by op, jax compiles each operation
    for i, (by_all, state) in enumerate(expected["steps"]):
        outputs, other, gradients = step(trained, other)
        for ours, theirs in zip(outputs, expected["outputs"] if i == 0 else [], strict=False):
            near(ours, theirs, entry.rtol)
        assert len(gradients) == len(by_all)
        for ours, theirs in zip(gradients, by_all, strict=True):
            near(
                np.zeros_like(theirs) if ours is None else ours,
                theirs,
                entry.rtol * (1 if entry.steps == 1 else 10),
            )
        floats = [v for v in other if k.dtype(v) == "float32"]  # random states are each library's own
        for ours, theirs in zip(floats, [v for v in state if v.dtype.kind == "f"], strict=True):
            near(ours, theirs, entry.rtol)
        trained = [v if g is None else v - g * RATE for v, g in zip(trained, gradients, strict=False)]


@pytest.mark.filterwarnings("ignore")  # of frameworks' compilers
@over([e for e in LAYERS if e.compiled])
def test_eager_equals_compiled(entry: Entry, k: Any) -> None:
    if k.name == "torch" and entry.name != "Dense":
        pytest.skip(
            "torch takes seconds to compile, so one stands for all, and one with a state in a slow test"
        )
    compare_with_compiled(entry, k)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@over([e for e in LAYERS if e.compiled and e.name == "BatchNormalization"])
def test_torch_compiles_a_layer_with_a_state(entry: Entry) -> None:
    if "torch" not in BACKENDS:
        pytest.skip("torch is not installed")
    with interpreter(backends.load("torch")) as k:
        compare_with_compiled(entry, k)


def compare_with_compiled(entry: Entry, k: Any) -> None:
    layer = build(entry, layers)
    layer.set_weights(weights(entry))
    trained = [v.value for v in layer.trainable_variables]
    other = [v.value for v in layer.non_trainable_variables]
    data = [k.asarray(x) for x in entry.inputs()]

    def compute(trained: Any, other: Any, data: Any) -> Any:
        return layer.stateless_call(trained, other, *entry.form(data), **entry.arguments())

    eager = compute(trained, other, data)
    compiled = k.jit(compute)(trained, other, data)
    for one, two in zip(
        listed(eager[0]) + list(eager[1]), listed(compiled[0]) + list(compiled[1]), strict=True
    ):
        near(two, numbers(one), 1e-5)


FIRST_OF_ALL = list({e.name: e for e in reversed(LAYERS)}.values())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of frameworks' compilers
@over(FIRST_OF_ALL)
def test_every_layer_is_compiled(entry: Entry, k: Any) -> None:
    """As one graph of torch, as a function of TensorFlow; on jax the comparison with Keras is compiled already."""
    if k.name not in ("torch", "tensorflow"):
        pytest.skip("only these")
    layer = build(entry, layers)
    layer.set_weights(weights(entry))
    trained, other = (
        [v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)
    )
    data = [k.asarray(x) for x in entry.inputs()]

    def compute(trained: Any, other: Any, data: Any) -> Any:
        return listed(layer.stateless_call(trained, other, *entry.form(data), **entry.arguments())[0])

    eager = compute(trained, other, data)
    if k.name == "torch":
        import torch

        torch.compiler.reset()
        compiled = torch.compile(compute, fullgraph=True, backend="eager")(trained, other, data)
    else:
        compiled = k.jit(compute)(trained, other, data)
    for one, two in zip(eager, compiled, strict=True):
        near(two, numbers(one), 1e-5)


# -- precision ---------------------------------------------------------------------------------------------------------


HALVES = [e for e in LAYERS if e.half]
FIRST = list({e.name: e for e in reversed(HALVES)}.values())  # of each layer


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
@over(HALVES)
def test_half_precision(entry: Entry, policy: str, k: Any) -> None:
    """The output has the compute dtype, is roughly right, and weights have the dtype of variables."""
    if entry not in FIRST and (k.functional or policy != "mixed_float16"):
        pytest.skip(
            "the first entry of a layer stands for it where calls are compiled, and for other policies"
        )
    if k.functional and policy == "float16":
        pytest.skip("jax promotes dtypes by itself: what is forgotten shows on the others")
    before = lamina.config.dtype_policy()
    lamina.config.set_dtype_policy(policy)  # also of inner layers
    try:
        layer = build(entry, layers)
    finally:
        lamina.config.set_dtype_policy(before)
    layer.set_weights(weights(entry))
    kept = "float32" if policy.startswith("mixed") else policy
    assert {v.dtype for v in layer.weights if "float" in v.dtype} <= {kept}
    call = lambda xs: layer.stateless_call(
        [v.value for v in layer.trainable_variables], [v.value for v in layer.non_trainable_variables],
        *entry.form(xs), **entry.arguments(),
    )[0]  # fmt: skip
    outputs = listed((k.jit(call) if k.functional else call)([k.asarray(x) for x in entry.inputs()]))
    for ours, expected in zip(outputs, wanted(entry)["outputs"], strict=True):
        widened = {"float32"} if k.name == "numpy" else set()  # NumPy widens bfloat16 beside Python numbers
        assert k.dtype(ours) in {policy.removeprefix("mixed_"), *widened}
        near(k.to_numpy(k.astype(ours, "float32")), expected, entry.half)


# -- masks -------------------------------------------------------------------------------------------------------------


def masks_of(entry: Entry) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.random(s[:2]) < 0.6 for s in entry.shapes]


@functools.cache
def wanted_mask(entry: Entry) -> Any:
    given = [keras_masked(x, m) for x, m in zip(entry.inputs(), masks_of(entry), strict=True)]
    outputs = run(entry, build(entry, keras.layers), given)
    mask = getattr(outputs, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


@pytest.mark.filterwarnings("ignore:.*mask")
@over([e for e in LAYERS if e.masks and not e.call and all(len(s) == 3 for s in e.shapes)])
def test_masks_pass_as_in_keras(entry: Entry, k: Any) -> None:
    if k.functional and not entry.compiled:
        pytest.skip("one of each family stands for it where every operation is compiled")
    given = [masked(k, x, m) for x, m in zip(entry.inputs(), masks_of(entry), strict=True)]
    outputs = run(entry, build(entry, layers), given)
    found, wished = get_mask(outputs), wanted_mask(entry)
    assert (found is None) == (wished is None)
    if found is not None:
        np.testing.assert_array_equal(numbers(found), wished)


# -- training ----------------------------------------------------------------------------------------------------------


@over([e for e in LAYERS if e.random])
def test_training_flag_brings_noise(entry: Entry, k: Any) -> None:
    (data,) = entry.inputs()
    first, second = entry.make(layers), entry.make(layers)
    near(first(data), data, 0)
    near(first(data, training=False), data, 0)
    noisy = numbers(first(data, training=True))
    assert not np.array_equal(noisy, data)
    near(second(data, training=True), noisy, 0)  # the same seed, the same noise
    assert not np.array_equal(numbers(first(data, training=True)), noisy)  # the stream goes on


@over([e for e in LAYERS if e.random])
def test_noise_keeps_the_mean(entry: Entry) -> None:
    big = np.ones((200, *entry.shapes[0][1:]), "float32")
    if entry.name == "AlphaDropout":
        big = np.random.default_rng(0).normal(size=big.shape).astype("float32")
    with interpreter(backends.load("numpy")):
        out = numbers(entry.make(layers)(big, training=True))
    assert abs(out.mean() - big.mean()) < 0.15
    if entry.name == "Dropout":
        assert abs((out == 0).mean() - entry.kwargs["rate"]) < 0.1


# -- first values ------------------------------------------------------------------------------------------------------

LARGE = [
    Entry("Dense", (2, 60), units=50),
    Entry("EinsumDense", (2, 5, 60), equation="abc,cde->abde", output_shape=(None, 5, 10), bias_axes="de"),
    Entry("Embedding", (2, 5), input_dim=60, output_dim=50).but(dtype="int32"),
    Entry("Conv2D", (2, 5, 5, 16), filters=20, kernel_size=3),
    Entry("Conv2DTranspose", (2, 5, 5, 16), filters=20, kernel_size=3),
    Entry("DepthwiseConv2D", (2, 5, 5, 100), kernel_size=3),
    Entry("SeparableConv1D", (2, 9, 80), filters=40, kernel_size=7),
    Entry("BatchNormalization", (2, 60)),
    Entry("GroupNormalization", (2, 64)),
    Entry("Dense", (2, 60), units=50, kernel_initializer="he_normal", bias_initializer="ones"),
    Entry("ReversibleEmbedding", (2, 5), input_dim=60, output_dim=50, tie_weights=False).but(dtype="int32"),
    Entry("PReLU", (2, 600), alpha_initializer="normal"),
    Entry("Conv1D", (2, 9, 20), filters=40, kernel_size=5),
    Entry("Conv3D", (2, 4, 4, 4, 8), filters=10, kernel_size=3),
    Entry("Conv1DTranspose", (2, 9, 20), filters=40, kernel_size=5),
    Entry("Conv3DTranspose", (2, 4, 4, 4, 8), filters=10, kernel_size=3),
    Entry("DepthwiseConv1D", (2, 9, 200), kernel_size=5),
    Entry("SeparableConv2D", (2, 5, 5, 60), filters=40, kernel_size=3),
    Entry("LayerNormalization", (2, 60)),
    Entry("RMSNormalization", (2, 60)),
    Entry("STFTSpectrogram", (2, 600, 1)),
    Entry("SpectralNormalization", (2, 20), layer=Inner(lambda layers: layers.Dense(1500))),
    Entry("Attention", (2, 5, 4), (2, 6, 4), use_scale=True, score_mode="concat"),
    Entry("AdditiveAttention", (2, 5, 1500), (2, 6, 1500)),
    Entry("MultiHeadAttention", (2, 5, 60), (2, 6, 40), num_heads=5, key_dim=10).but(form=one_by_one),
    Entry(
        "GroupQueryAttention", (2, 5, 60), (2, 6, 60), head_dim=15, num_query_heads=4, num_key_value_heads=2
    ).but(form=one_by_one),
    Entry("SimpleRNN", (2, 5, 60), units=50),
    Entry("LSTM", (2, 5, 60), units=30),
    Entry("GRU", (2, 5, 60), units=30),
    Entry("RNN", (2, 5, 60), cell=Inner(lambda layers: layers.LSTMCell(30))),
    Entry("Bidirectional", (2, 5, 60), layer=Inner(lambda layers: layers.GRU(30))),
    Entry("TimeDistributed", (2, 5, 60), layer=Inner(lambda layers: layers.Dense(50))),
    Entry("ConvLSTM1D", (2, 4, 6, 30), filters=20, kernel_size=3),
    Entry("ConvLSTM2D", (2, 3, 5, 5, 12), filters=12, kernel_size=3),
    Entry("ConvLSTM3D", (2, 2, 3, 3, 3, 6), filters=8, kernel_size=3),
    Entry("SimpleRNNCell", (2, 60), units=50).but(form=with_states),
    Entry("LSTMCell", (2, 60), units=30).but(form=with_states),
    Entry("GRUCell", (2, 60), units=30).but(form=with_states),
    Entry(
        "StackedRNNCells", (2, 60), cells=Inner(lambda layers: [layers.LSTMCell(30), layers.GRUCell(30)])
    ).but(form=with_states),
]


def test_first_values_of_every_layer_are_compared() -> None:
    with interpreter(backends.load("numpy")):
        drawn = {e.name for e in LAYERS if build(e, layers).weights}
    assert drawn == {e.name for e in LARGE}


@over(LARGE)
def test_first_values_are_distributed_as_in_keras(entry: Entry) -> None:
    for library in (lamina, keras):
        library.utils.set_random_seed(1)
    for ours, theirs in zip(build(entry, layers).weights, build(entry, keras.layers).weights, strict=True):
        a, b = ours.numpy(), np.asarray(theirs.value)
        assert abs(a.mean() - b.mean()) <= 0.15 * b.std() + 1e-7
        assert abs(a.std() - b.std()) <= 0.1 * b.std()
        assert abs(np.abs(a).max() - np.abs(b).max()) <= 0.25 * np.abs(b).max()


def test_an_integer_seed_gives_the_numbers_on_every_backend() -> None:
    drawn = []
    for name in BACKENDS:
        with interpreter(backends.load(name)):
            layer = layers.Dense(3, kernel_initializer=lamina.initializers.GlorotUniform(seed=4))
            layer.build((None, 4))
            drawn.append(layer.get_weights()[0])
    assert all(np.array_equal(drawn[0], d) for d in drawn)


# -- sizes that only the run knows -------------------------------------------------------------------------------------


def _needs_sizes(entry: Entry) -> bool:
    """What computes places while a graph is made, as in Keras."""
    return entry.name.startswith("Adaptive") or (
        entry.name == "UpSampling2D" and entry.make(layers).interpolation != "nearest"
    )


@over([e for e in LAYERS if not _needs_sizes(e)])
def test_signatures_of_tensorflow_leave_sizes_open(entry: Entry) -> None:
    """As for serving: `tf.function(model, input_signature=[tf.TensorSpec([None, None, None, 3])])`."""
    tf = pytest.importorskip("tensorflow")
    with interpreter(backends.load("tensorflow")) as k:
        layer = build(entry, layers)
        given = [k.asarray(x) for x in entry.inputs()]
        state = [[v.value for v in vs] for vs in (layer.trainable_variables, layer.non_trainable_variables)]
        signature = [tf.TensorSpec(unknown(entry, tuple(x.shape)), x.dtype) for x in given]

        def compute(*inputs: Any) -> Any:
            return listed(layer.stateless_call(*state, *entry.form(list(inputs)), **entry.arguments())[0])

        expected = compute(*given)
        for ours, theirs in zip(
            tf.function(compute, input_signature=signature)(*given), expected, strict=True
        ):
            if k.dtype(theirs) == "string":
                assert numbers(ours).tolist() == numbers(theirs).tolist()
            else:
                near(ours, numbers(theirs), 1e-4)


# -- batches without rows ----------------------------------------------------------------------------------------------


def _has_rows(entry: Entry) -> bool:
    return all(0 not in {axis % len(shape) for axis in entry.fixed} for shape in entry.shapes)


@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")  # NumPy's, of its means
@over([e for e in FIRST if _has_rows(e)])
def test_a_batch_without_rows_has_the_shape_of_one_with_rows(entry: Entry, k: Any) -> None:
    if k.functional and not entry.name.startswith(
        ("Conv", "Depth", "Separable", "Dense", "Mel", "Aug", "Contrast")
    ):
        pytest.skip(
            "jax is asked where Lamina has forms of its own, or takes by place: it compiles each shape"
        )
    layer, given = build(entry, layers), entry.inputs()
    more = {name: x[:0] if np.ndim(x) else x for name, x in entry.arguments().items()}
    found = listed(layer(*entry.form([x[:0] for x in given]), **more))
    for x, with_rows in zip(found, wanted(entry)["outputs"], strict=True):
        assert tuple(x.shape) == (0, *with_rows.shape[1:])
