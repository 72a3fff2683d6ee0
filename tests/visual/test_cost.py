"""What models cost: closed forms for the catalogue, published counts, and the counts of torch and XLA."""

from __future__ import annotations

from typing import Any

import catalog
import pytest

import lamina
from lamina import backends, layers, ops
from lamina.kernel.context import interpreter
from lamina.visual.cost import cost

# Class -> forward multiply-adds of its entries in the catalogue, in order, taps on padding apart: (inside, on padding).
# Two rows each; a convolution along one axis is (positions x taps inside).
FORWARD: dict[str, list[Any]] = {
    "Dense": [2 * 4 * 3, 2 * 5 * 4 * 3, 2 * 4 * 3],
    "EinsumDense": [2 * 4 * 3, 2 * 5 * 4 * 6, 2 * 5 * 4 * (3 * 2), 2 * 5 * 4 * 3, 2 * 5 * 4 * 3],
    "ReversibleEmbedding": [0, 2 * 5 * 3 * 6, 2 * 5 * 3 * 6],
    "Conv1D": [2 * (4 * 3) * 3 * 4, (2 * (6 + 4 + 2) * 3 * 4, 2 * (0 + 2 + 4) * 3 * 4), 2 * (3 * 2) * 2 * 4],
    "Conv2D": [
        2 * (4 * 3) * (4 * 3) * 3 * 4,
        (2 * (2 + 3 + 2) * (3 * 2) * 3 * 4, 2 * (9 - 7) * 6 * 3 * 4),
        2 * (2 * 3) * (4 * 3) * 2 * 6,
        2 * (4 * 3) * (3 * 3) * 3 * 4,
    ],
    "Conv3D": [(2 * 7 * 4 * 7 * 2 * 3, 2 * (8 * 4 * 8 - 7 * 4 * 7) * 2 * 3)],
    "Conv1DTranspose": [2 * (5 * 3) * 3 * 4, (2 * 14 * 3 * 4, 2 * 1 * 3 * 4), 2 * (5 * 3) * 3 * 4],
    "Conv2DTranspose": [
        (2 * 11 * 11 * 3 * 4, 2 * (12 * 12 - 11 * 11) * 3 * 4),
        2 * (4 * 2) * (4 * 3) * 3 * 2,
        2 * (4 * 3) * (4 * 3) * 3 * 2,
    ],
    "Conv3DTranspose": [2 * (3 * 2) ** 3 * 2 * 2],
    "DepthwiseConv1D": [2 * (4 * 3) * 3 * 2],
    "DepthwiseConv2D": [(2 * 7 * 7 * 3, 2 * (9 * 9 - 7 * 7) * 3)],
    "SeparableConv1D": [(2 * 16 * 6 + 2 * 6 * 6 * 4, 2 * 2 * 6)],
    "SeparableConv2D": [2 * 9 * 9 * 3 + 2 * 9 * 3 * 4, 2 * 9 * 9 * 3 + 2 * 9 * 3 * 4],
    "AdaptiveAveragePooling1D": [2 * 3 * (2 * 5)],
    "AdaptiveAveragePooling2D": [2 * 3 * (2 * 5 * 4 + 2 * 3 * 4)],
    "AdaptiveAveragePooling3D": [2 * 2 * (2 * 3 * 4 * 5 + 2 * 2 * 4 * 5 + 2 * 2 * 2 * 5)],
    "Dot": [2 * 4, 2 * 4 * 5 * 3, 2 * 4 * 5 * 3],
    "Attention": [2 * 5 * 6 * (4 + 4), 2 * 5 * 6 * 3, 0],
    "AdditiveAttention": [2 * 5 * 6 * 4],
    "MultiHeadAttention": [
        2 * (5 * 4 + 6 * 3 + 6 * 3) * 6 + 2 * 2 * 5 * 6 * (3 + 3) + 2 * 5 * 6 * 4,
        2 * 12 * 4 * 6 * 3 + 2 * 2 * 12 * 12 * (3 + 3) + 2 * 12 * 6 * 4,
        2 * 5 * 4 * (6 + 6 + 8 + 8) + 2 * 2 * 5 * 5 * (3 + 4) + 2 * 5 * 8 * 6,
    ],
    "GroupQueryAttention": [2 * 4 * (5 * 12 + 6 * 6 + 6 * 6) + 2 * 4 * 5 * 6 * (3 + 3) + 2 * 5 * 12 * 4],
    "SimpleRNN": [2 * 5 * (3 + 4) * 4] * 2,
    "LSTM": [2 * 5 * (3 + 4) * 16] * 4,
    "GRU": [2 * 5 * (3 + 4) * 12] * 3,
    "RNN": [2 * 5 * (3 + 4) * 16, 2 * 5 * ((3 + 4) * 12 + (4 + 2) * 2)],
    "Bidirectional": [2 * 2 * 5 * (3 + 4) * 16, 2 * 2 * 5 * (3 + 4) * 12],
    "TimeDistributed": [2 * 5 * 3 * 4, 0],
    "ConvLSTM1D": [
        (2 * 4 * (8 * 3 + 7 * 2) * 8, 2 * 4 * (1 * 3 + 2 * 2) * 8),
    ],
    "ConvLSTM2D": [
        (2 * 3 * (9 * 6 * 2 + 7 * 5 * 2) * 8, 2 * 3 * (9 * 6 - 7 * 5) * 2 * 8),
        (2 * 3 * (6 * 4 * 2 + 5 * 3 * 2) * 8, 2 * 3 * (6 * 4 - 5 * 3) * 2 * 8),
    ],
    "ConvLSTM3D": [(2 * 2 * (8 * 8 * 1 + 27 * 2) * 8, 2 * 2 * (8 * 8 - 27) * 2 * 8)],
    "SimpleRNNCell": [2 * (3 + 4) * 4],
    "LSTMCell": [2 * (3 + 4) * 16],
    "GRUCell": [2 * (3 + 4) * 12] * 2,
    "StackedRNNCells": [2 * (3 + 4) * 16 + 2 * (4 + 2) * 6],
}  # fmt: skip
# (in x out) matrices and filters that are constants: no weights learn there
CONSTANT = ("AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D")
PLACES: dict[Any, tuple[str, int]] = {}
for _entry in catalog.LAYERS:
    PLACES[_entry] = (_entry.name, sum(e.name == _entry.name for e in PLACES))
CASES = [e for e, (name, i) in PLACES.items() if name in FORWARD]


def costs_of(entry: Any, **more: Any) -> Any:
    layer = entry.build(entry.make(layers))
    inputs = entry.form([(shape, entry.dtype) for shape in entry.shapes])
    return cost(layer, inputs=inputs, call=entry.arguments(), **more).at()


@pytest.mark.parametrize("entry", CASES, ids=repr)
def test_closed_forms(entry: Any) -> None:
    name, place = PLACES[entry]
    expected = FORWARD[name][place] if place < len(FORWARD[name]) else 0
    inside, outside = expected if isinstance(expected, tuple) else (expected, 0)
    found = costs_of(entry, input_gradient=True)
    assert found.multiply_adds(padding_taps=False) == inside
    assert found.multiply_adds() == inside + outside
    times = 1 if name in CONSTANT else 2  # every product of two wanted factors comes back twice
    assert found.multiply_adds(backward=True) == times * (inside + outside)


def test_table_is_whole() -> None:
    """Whatever else has multiply-adds works with constant matrices, or iterates."""
    others = {"SpectralNormalization", "UpSampling2D", "Resizing", "CenterCrop", "STFTSpectrogram", "MelSpectrogram"}  # fmt: skip
    for entry in catalog.LAYERS:
        if entry.name not in FORWARD and costs_of(entry).multiply_adds():
            assert entry.name in others


@pytest.mark.parametrize(
    ("name", "kwargs", "shapes", "expected"),
    [
        ("Dense", {"units": 3}, [(2, 4)], 2 * 4 * 3),  # no gradient of the input
        ("SeparableConv2D", {"filters": 4, "kernel_size": 3}, [(2, 5, 5, 3)], 2 * 81 * 3 + 2 * (2 * 9 * 3 * 4)),
        ("LSTM", {"units": 4}, [(2, 5, 3)], 2 * 5 * (3 + 2 * 4) * 16),
        ("GRU", {"units": 4}, [(2, 5, 3)], 2 * 5 * (3 + 2 * 4) * 12),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, [(2, 5, 4), (2, 6, 3)],
         2 * (20 + 18 + 18) * 6 + 2 * (2 * 2 * 5 * 6 * 6 + 2 * 5 * 6 * 4)),
        ("Attention", {}, [[(2, 5, 4), (2, 6, 4)]], 0),  # nothing learns
    ],
)  # fmt: skip
def test_backward_of_a_first_layer(name: str, kwargs: Any, shapes: Any, expected: int) -> None:
    layer = getattr(layers, name)(**kwargs)
    layer.build(*shapes)
    layer.built = True
    assert cost(layer, inputs=shapes).backward_multiply_adds == expected


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("VGG16", 15.47),
        ("MobileNetV2", 0.30),
        ("ResNet50", 3.86),
        ("EfficientNetB0", 0.39),
        ("DenseNet121", 2.83),
    ],
)
def test_published_counts(name: str, billions: float) -> None:
    model = getattr(lamina.applications, name)(weights=None)
    report = cost(model, batch_size=2)
    assert round(report.multiply_adds / 2e9, 2) == billions


def test_shared_layers_and_operations() -> None:
    x = lamina.Input((4,))
    dense = layers.Dense(4, name="twice")
    y = dense(dense(x))
    inner = lamina.Sequential([lamina.Input((4,)), layers.Dense(5, name="within")], name="inner")
    model = lamina.Model(x, ops.matmul(ops.expand_dims(inner(y), 1), ops.expand_dims(inner(y), 2)))
    report = cost(model, batch_size=3)
    assert report.at("twice").multiply_adds() == 2 * 3 * 4 * 4
    # the second call has an input that depends on the weights, the first has none
    assert report.at("twice").multiply_adds(backward=True) == 3 * (3 * 4 * 4)
    assert report.at("inner").multiply_adds() == report.at("inner", "within").multiply_adds() == 2 * 3 * 4 * 5
    product = next(o for o in model.operations if o.name.startswith("matmul"))
    assert report.at(product.name).multiply_adds() == 3 * 5  # its automatic name counts those of the process
    assert report.multiply_adds == 96 + 120 + 15


def test_frozen_layers_have_no_gradient() -> None:
    model = lamina.Sequential([lamina.Input((4,)), layers.Dense(8, name="a"), layers.Dense(2, name="b")])
    model.get_layer("a").trainable = False
    report = cost(model, 5)
    assert report.at("a").multiply_adds(backward=True) == 0
    assert report.at("b").multiply_adds(backward=True) == 5 * 8 * 2
    assert report.kept == 5 * 8 * 4  # the input of b; that of a was there before


def test_control_flow() -> None:
    class Loops(layers.Layer):
        def call(self, x: Any) -> Any:
            round_ = lambda i, y: (i + 1, ops.matmul(y, y))
            x = ops.while_loop(lambda i, y: i < 3, round_, (0, x), maximum_iterations=3)[1]
            x = ops.fori_loop(0, 7, lambda i, y: ops.matmul(y, y), x)
            x = ops.cond(ops.sum(x) > 0, lambda: ops.matmul(x, ops.matmul(x, x)), lambda: ops.matmul(x, x))
            x = ops.scan(lambda c, row: (ops.matmul(c, c), row), x, ops.zeros((11, 2)))[0]
            return ops.vectorized_map(lambda row: ops.matmul(row, row), ops.stack([x] * 5))

    layer = Loops()
    layer.built = True
    assert cost(layer, inputs=[(4, 4)]).multiply_adds == (3 + 7 + 2 + 11 + 5) * 4**3


def test_bytes_and_peak() -> None:
    model = lamina.Sequential([lamina.Input((10,)), layers.Dense(100), layers.Dense(50), layers.Dense(1)])
    report = cost(model, batch_size=8)
    assert report.peak == 8 * (100 + 50) * 4  # a tensor ends where the next is made
    assert report.kept == 8 * (100 + 50) * 4
    assert report.outputs == 8 * 4


def test_errors() -> None:
    with pytest.raises(ValueError, match="is not built yet, so what it costs is not known"):
        cost(lamina.Sequential([layers.Dense(3)]))
    with pytest.raises(ValueError, match=r"has shape \(None, None, 3\): what it costs depends on the sizes"):
        cost(lamina.Sequential([lamina.Input((None, 3)), layers.Dense(3)]))
    with pytest.raises(ValueError, match="'texts' takes strings"):
        text = lamina.Input((1,), dtype="string")
        cost(lamina.Model(text, layers.StringLookup(vocabulary=["a"])(text), name="texts"))
    relu = layers.ReLU()
    relu.built = True
    with pytest.raises(ValueError, match="has no graph that knows its inputs: pass their shapes"):
        cost(relu)


def test_torch_counts_the_same() -> None:
    """Its counter knows products and convolutions; two operations are one multiply-add."""
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    with interpreter(backends.load("torch")):
        model = lamina.Sequential(
            [lamina.Input((9, 9, 3)), layers.Conv2D(4, 3), layers.ReLU(), layers.Conv2D(5, 3, strides=2),
             layers.Flatten(), layers.Dense(6), layers.Dense(2)]
        )  # fmt: skip
        x = torch.zeros((4, 9, 9, 3))
        model(x)
        with FlopCounterMode(display=False) as forward:
            out = model(x)
        with FlopCounterMode(display=False) as backward:
            out.sum().backward()
    report = cost(model, 4)
    assert forward.get_total_flops() == 2 * report.multiply_adds
    assert backward.get_total_flops() == 2 * report.backward_multiply_adds


def _attention() -> tuple[Any, int]:
    x = lamina.Input((32, 64))
    y = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 16)(x, x))
    z = layers.Dense(64)(layers.Dense(256, activation="gelu")(y))
    return lamina.Model(x, layers.LayerNormalization()(y + z)), 16


def _dense(*units: int, activation: str = "relu") -> Any:
    return lamina.Sequential(
        [lamina.Input((units[0],)), *[layers.Dense(n, activation=activation) for n in units[1:]]]
    )


def _branches() -> tuple[Any, int]:
    x = lamina.Input((128,))
    y = layers.Dense(256, activation="relu")(x)
    z = layers.Dense(256, activation="tanh")(layers.Dense(64)(y))
    return lamina.Model(x, layers.Dense(3)(y + z)), 64


def _convolutions(*more: Any, shape: tuple = (32, 32, 16)) -> tuple[Any, int]:
    return lamina.Sequential(
        [lamina.Input(shape), *more, layers.GlobalAveragePooling2D(), layers.Dense(10)]
    ), 16


def _conv(filters: int, padding: str = "same") -> Any:
    return layers.Conv2D(filters, 3, padding=padding, activation="relu")


def _residual() -> tuple[Any, int]:
    x = inputs = lamina.Input((16, 16, 32))
    for _ in range(2):
        y = layers.BatchNormalization()(layers.Conv2D(32, 3, padding="same", use_bias=False)(x))
        y = layers.Conv2D(32, 3, padding="same", use_bias=False)(layers.ReLU()(y))
        x = layers.ReLU()(x + layers.BatchNormalization()(y))
    return lamina.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x))), 16


def _sequence() -> tuple[Any, int]:
    parts = [layers.Conv1D(32, 5, activation="relu") for _ in range(2)]
    return lamina.Sequential(
        [lamina.Input((100, 16)), *parts, layers.GlobalMaxPooling1D(), layers.Dense(3)]
    ), 16


SMALL = {
    "dense": lambda: (_dense(64, 256, 128, 10), 64),
    "autoencoder": lambda: (_dense(784, 512, 64, 512, 784, activation="sigmoid"), 128),
    "embedding": lambda: (lamina.Sequential([lamina.Input((50,), dtype="int32"), layers.Embedding(1000, 32),
                                             layers.GlobalAveragePooling1D(), layers.Dense(4)]), 32),
    "attention": _attention,
    "branches": _branches,
    "convolutions": lambda: _convolutions(*[_conv(16) for _ in range(4)]),
    "unpadded": lambda: _convolutions(*[_conv(32, "valid") for _ in range(3)]),
    "pooled": lambda: _convolutions(_conv(32), layers.MaxPooling2D(), _conv(64), layers.MaxPooling2D()),
    "residual": _residual,
    "sequence": _sequence,
}  # fmt: skip


@pytest.fixture
def plain_xla() -> Any:
    """Programs as JAX makes them of the model. Forms for a CPU unfold the windows of convolutions into memory, ..."""
    from lamina.backends.jax.cpu import switch

    before = switch(False)
    yield {
        "xla_cpu_experimental_ynn_fusion_type": ""
    }  # ... and XLA does not count what libraries inside it take
    switch(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SMALL))
def test_peak_is_that_of_a_compiled_program(name: str, plain_xla: Any) -> None:
    """Within 10%. A compiler may put temporary tensors into the memory of the results, so its figure is a range."""
    jax = pytest.importorskip("jax")
    model, rows = SMALL[name]()

    def program(values: Any, x: Any) -> Any:
        with lamina.StatelessScope(list(zip(model.variables, values, strict=True))):
            return model(x)

    with interpreter(backends.load("jax")):
        x = jax.numpy.zeros((rows, *model.input_shape[1:]), model.inputs[0].dtype)
        values = [jax.numpy.asarray(v.numpy()) for v in model.variables]
        plan = jax.jit(program).lower(values, x).compile(plain_xla).memory_analysis()
    peak = cost(model, rows).peak
    assert (
        0.9 * plan.temp_size_in_bytes <= peak <= 1.1 * (plan.temp_size_in_bytes + plan.output_size_in_bytes)
    )


@pytest.mark.slow
def test_xla_counts_the_same() -> None:
    """Of products that are not in a loop, the body of which XLA counts once."""
    jax = pytest.importorskip("jax")
    x = lamina.Input((16,))
    y = layers.Dense(8, use_bias=False)(layers.Dense(32, use_bias=False)(x))
    model = lamina.Model(x, ops.einsum("bi,bj->ij", y, y))
    values = [jax.numpy.asarray(v.numpy()) for v in model.variables]

    def program(values: Any, x: Any) -> Any:
        with lamina.StatelessScope(list(zip(model.variables, values, strict=True))):
            return model(x)

    with interpreter(backends.load("jax")):
        found = jax.jit(program).lower(values, jax.numpy.zeros((4, 16))).compile().cost_analysis()
    assert found["flops"] == 2 * cost(model, 4).multiply_adds == 2 * 4 * (16 * 32 + 32 * 8 + 8 * 8)
