"""Bad input to layers: the error says what was received and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lamina import Input, layers
from lamina.errors import SerializationError


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, "float32")


CONSTRUCTORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: layers.Dense(0), "Dense: `units` must be an integer of at least 1, got 0"),
    (lambda: layers.Dense(2.5), "`units` must be an integer of at least 1, got 2.5"),
    (lambda: layers.Dense(3, activation="rellu"), "'rellu'.*[Dd]id you mean 'relu'"),
    (lambda: layers.Dense(3, unit=2), "Dense got an unknown argument 'unit'.*did you mean 'units'"),
    (lambda: layers.Embedding(0, 3), "Embedding: `input_dim` must be an integer of at least 1, got 0"),
    (lambda: layers.Conv2D(0, 3), "Conv2D: `filters` must be an integer of at least 1, got 0"),
    (lambda: layers.Conv2D(4, (3, 3, 3)), r"Conv2D: `kernel_size` must be an integer or 2 integers, got \(3, 3, 3\)"),
    (lambda: layers.Conv2D(4, 3, padding="sam"), "Conv2D: unknown padding 'sam'.*'same'"),
    (lambda: layers.Conv2D(4, 3, padding="causal"), "Conv2D: unknown padding 'causal'"),
    (lambda: layers.Conv2D(4, 3, strides=0), "Conv2D: `strides` must be an integer of at least 1, got 0"),
    (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), r"`strides` and `dilation_rate` cannot both be above 1"),
    (lambda: layers.Conv2D(4, 3, groups=3), "Conv2D: `filters` must be a multiple of `groups`, got 4 and 3"),
    (lambda: layers.Conv2D(4, 3, data_format="channels"), "data_format.*'channels'"),
    (lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2), "`output_padding` must be less than `strides`"),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), "`depth_multiplier` must be an integer of at least 1, got 0"),
    (lambda: layers.MaxPooling2D((2, 2, 2)), "MaxPooling2D: `pool_size` must be an integer or 2 integers"),
    (lambda: layers.MaxPooling2D(padding="full"), "MaxPooling2D: unknown padding 'full'"),
    (lambda: layers.AdaptiveMaxPooling2D(0), "AdaptiveMaxPooling2D: `output_size` must be an integer of at least 1"),
    (lambda: layers.BatchNormalization(momentum=2), "`momentum` must be from 0 to 1, got 2"),
    (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1}), "'max'.*'rmin'"),
    (lambda: layers.BatchNormalization(renorm=True, renorm_clipping={"rmin": 2, "rmax": 1}), "rmin above rmax"),
    (lambda: layers.GroupNormalization(0), "GroupNormalization: `groups` must be an integer of at least 1, got 0"),
    (lambda: layers.Dropout(1.5), r"Dropout: `rate` must be a number from 0 to 1 .*got 1.5"),
    (lambda: layers.SpatialDropout1D(-0.1), "SpatialDropout1D: `rate` must be a number from 0 to 1"),
    (lambda: layers.Dropout(0.5, seed="a"), "`seed` must be an integer or None, got 'a'"),
    (lambda: layers.GaussianNoise(-1), "GaussianNoise: `stddev` must be a number of at least 0, got -1"),
    (lambda: layers.ReLU(max_value=-1), "ReLU: `max_value` must be a number of at least 0, got -1"),
    (lambda: layers.LeakyReLU(-0.1), "LeakyReLU: `negative_slope` must be a number of at least 0, got -0.1"),
    (lambda: layers.PReLU(shared_axes=[0]), "PReLU: `shared_axes` must be an integer of at least 1, got 0"),
    (lambda: layers.Reshape((-1, -1)), r"Reshape: at most one size of `target_shape` may be -1, got \(-1, -1\)"),
    (lambda: layers.Permute((0, 1)), r"Permute: `dims` must be a permutation of 1 to 2 .*got \(0, 1\)"),
    (lambda: layers.RepeatVector(0), "RepeatVector: `n` must be an integer of at least 1, got 0"),
    (lambda: layers.Cropping2D((1, 2, 3)), r"Cropping2D: `cropping` must be an integer, or 2 integers or pairs"),
    (lambda: layers.ZeroPadding1D(-1), "ZeroPadding1D: `padding` must be an integer of at least 0, got -1"),
    (lambda: layers.UpSampling2D(0), "UpSampling2D: `size` must be an integer of at least 1, got 0"),
    (lambda: layers.UpSampling2D(interpolation="cubic"), "UpSampling2D: unknown interpolation 'cubic'.*'bicubic'"),
    (lambda: layers.EinsumDense("ab,bc", 3), r"`equation` must look like 'ab,bc->ac'.*got 'ab,bc'"),
    (lambda: layers.EinsumDense("ab,cd->ac", 3), "axis 'd' of the kernel is in neither input nor output"),
    (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="b"), "`bias_axes` 'b' names 'b', which is not an output axis"),
    (lambda: layers.Dot(axes="a"), "Dot: `axes` must be an integer or two integers, got 'a'"),
    (lambda: layers.Wrapper(3), "Wrapper: `layer` must be a layer, got 3"),
    (lambda: layers.Lambda(3), "Lambda: `function` must be callable, got 3"),
    (lambda: layers.SpectralNormalization(layers.Dense(2), 0), "`power_iterations` must be an integer of at least 1"),
    (lambda: layers.LayerNormalization(axis="a"), "`axis` must be an integer or several, got 'a'"),
    (lambda: layers.RepeatVector(True), "RepeatVector: `n` must be an integer of at least 1, got True"),
    (lambda: layers.MaxPooling2D(strides=True), "`strides` must be an integer of at least 1, got True"),
    (lambda: layers.MelSpectrogram(sequence_length=True), "`sequence_length` must be an integer of at least 1, got True"),
    (lambda: layers.STFTSpectrogram(frame_step=True), "`frame_step` must be a positive integer.*got True"),
    (lambda: layers.STFTSpectrogram(window="nonsense"), "nonsense"),
    (lambda: layers.Softmax(axis=True), "Softmax: `axis` must be an integer, several, or None for all, got True"),
    (lambda: layers.Softmax(axis=()), r"Softmax: `axis` must be .*, got \(\)"),
    (lambda: layers.MultiHeadAttention(2, 3, attention_axes=()), r"`attention_axes` must be .*, got \(\)"),
    (lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes=0), "`bias_axes` must be letters.*got 0"),
    (lambda: layers.BatchNormalization(epsilon=None), "BatchNormalization: `epsilon` must be a number, got None"),
    (lambda: layers.BatchNormalization(renorm=True, renorm_clipping=[1, 2]), r"must be a dict of bounds, got \[1, 2\]"),
    (lambda: layers.Normalization(mean="2", variance=1.0), "Normalization: `mean` must be a number or several; got '2'"),
    (lambda: layers.Discretization(num_bins=True), "`num_bins` must be an integer of 0 or more; got True"),
    (lambda: layers.RandomElasticTransform(value_range=()), r"`value_range` must be two numbers .*got \(\)"),
    (lambda: layers.RandomRotation(0.1, fill_value=None), "RandomRotation: `fill_value` must be a number, got None"),
    (lambda: layers.Resizing(4, 4, fill_value="1"), "Resizing: `fill_value` must be a number, got '1'"),
    (lambda: layers.RandomGaussianBlur(kernel_size=None), "`kernel_size` must be an odd integer or two of them, got None"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "text"), CONSTRUCTORS, ids=[text[:40] for _, text in CONSTRUCTORS])
def test_constructors_check_their_arguments(make: Callable[[], Any], text: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"(?is){text}"):
        make()


CALLS: list[tuple[Callable[[], Any], Any, str]] = [
    (lambda: layers.Dense(3, name="d"), ones(4), r"'d' \(Dense\) expected an input of rank 2 at least.*\(4,\)"),
    (lambda: layers.Conv2D(3, 3, name="c"), ones(2, 5, 5), r"'c' \(Conv2D\).*rank 4, such as \(batch, height, width, chan"),
    (lambda: layers.Conv2D(4, 3, groups=2, name="c"), ones(2, 5, 5, 3), "'c'.*3 channels must be a multiple of `groups`"),
    (lambda: layers.Conv2D(4, 3, name="c"), Input((5, 5, None)), r"'c'.*needs to know the number of channels \(axis -1\)"),
    (lambda: layers.MaxPooling1D(name="p"), ones(2, 5), r"'p' \(MaxPooling1D\).*rank 3"),
    (lambda: layers.GroupNormalization(3, name="g"), ones(2, 4), "'g'.*4 channels.*must be a multiple of `groups`.*3"),
    (lambda: layers.LayerNormalization(name="n"), Input((5, None)), "'n'.*normalizes over an unknown size"),
    (lambda: layers.LayerNormalization(axis=3, name="n"), ones(2, 4), "'n'.*axis 3 is out of range.*rank 2"),
    (lambda: layers.BatchNormalization(name="b"), Input((None,)), "'b'.*axis -1.*is unknown"),
    (lambda: layers.BatchNormalization(axis=4), ones(2, 4), "axis 4 is out of range"),
    (lambda: layers.Add(name="a"), ones(2, 3), r"'a' \(Add\) takes a list of tensors.*Add\(\)\(\[x1, x2\]\)"),
    (lambda: layers.Add(name="a"), [ones(2, 3), ones(4, 3)], "'a'.*different batch sizes"),
    (lambda: layers.Subtract(name="s"), [ones(2, 3)] * 3, r"'s' \(Subtract\) takes 2 inputs, got 3"),
    (lambda: layers.Concatenate(name="c"), [ones(2, 3), ones(2, 3, 4)], "'c'.*inputs of one rank"),
    (lambda: layers.Concatenate(axis=1, name="c"), [ones(2, 3, 4), ones(2, 3, 5)], "'c'.*equal sizes in all axes but 1"),
    (lambda: layers.Dot(axes=1, name="d"), [ones(2, 3), ones(2, 4)], "'d'.*axes of sizes 3 and 4, which must be equal"),
    (lambda: layers.Reshape((4, 4)), ones(2, 6), r"samples of shape \(6,\) have 6 entries.*\(4, 4\)"),
    (lambda: layers.Permute((2, 1), name="p"), ones(2, 3), "'p'.*rank 3"),
    (lambda: layers.RepeatVector(2, name="r"), ones(2, 3, 4), "'r'.*rank 2.*Flatten or Reshape"),
    (lambda: layers.Cropping1D(3), ones(2, 5, 3), r"leaves nothing of an input of shape \(2, 5, 3\)"),
    (lambda: layers.EinsumDense("abc,cd->abd", 3), ones(2, 5), r"'abc' does not fit a tensor of shape \(2, 5\)"),
    (lambda: layers.EinsumDense("abc,cd->abd", (7, 3), name="e"), ones(2, 5, 4), "'e'.*axis 'b'.*size 5.*but 7"),
    (lambda: layers.SpectralNormalization(layers.ReLU(), name="s"), ones(2, 3), "'s'.*neither a kernel nor embeddings"),
    (lambda: layers.PReLU(shared_axes=[3], name="p"), ones(2, 5, 3), r"'p'.*\[3\] must be axes of the input.*\(2, 5, 3\)"),
    (lambda: layers.RNN(layers.GRUCell(4), name="r"), ones(1, 2, 5, 3), r"'r'.*\(batch, steps, features\), got \(1, 2, 5, 3\)"),
    (lambda: layers.RandomColorDegeneration(1.0), ones(2, 6, 8, 2), r"3 channels, or 1 if they are gray.*\(2, 6, 8, 2\)"),
    (lambda: layers.RandomGrayscale(data_format="channels_first"), ones(2, 6, 8, 3), "3 channels.*'channels_first'"),
    (lambda: layers.RandAugment(data_format="channels_first"), ones(2, 6, 8, 3), "3 channels.*'channels_first'"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "x", "text"), CALLS, ids=[text[:40] for _, _, text in CALLS])
def test_calls_check_their_inputs(make: Callable[[], Any], x: Any, text: str) -> None:
    with pytest.raises(ValueError, match=f"(?is){text}"):
        make()(x)


def test_a_built_dot_wants_one_batch_size() -> None:
    layer = layers.Dot(axes=1, name="d")
    layer([ones(2, 4), ones(2, 4)])
    with pytest.raises(ValueError, match=r"'d'.*different batch sizes: \(1, 4\) and \(2, 4\)"):
        layer([ones(1, 4), ones(2, 4)])


@pytest.mark.parametrize("cell", [layers.SimpleRNNCell, layers.GRUCell, layers.LSTMCell])
@pytest.mark.parametrize(("x", "state"), [((2, 3, 3), (2, 4)), ((2, 3), (4,)), ((2, 3), (3, 4))])
def test_states_of_cells_fit_their_inputs(cell: Any, x: tuple, state: tuple) -> None:
    with pytest.raises(ValueError, match=r"states of inputs of shape .* must have shape"):
        cell(4)(ones(*x), [ones(*state)] * (2 if cell is layers.LSTMCell else 1))


# what -> (the call, the layer's path or kind, what was received, what was expected, what to do)
TAUGHT: dict[str, tuple[Callable[[], Any], str, str, str, str]] = {
    "wrong rank": (lambda: layers.Dense(3, name="a")(ones(4)),
                   "'a' (Dense)", "(4,)", "rank 2 at least", "add it: x[None]"),
    "wrong rank of an image": (lambda: layers.Conv2D(3, 3, name="a")(ones(2, 5, 5)),
                               "'a' (Conv2D)", "(2, 5, 5)", "rank 4", "add it: x[..., None]"),
    "wrong rank of a sequence": (lambda: layers.LSTM(3, name="a")(ones(2, 5)),
                                 "'a' (LSTM)", "(2, 5)", "rank 3", "add an axis: x[..., None]"),
    "wrong rank for a pool": (lambda: layers.MaxPooling2D(name="a")(ones(2, 5, 5)),
                              "'a' (MaxPooling2D)", "(2, 5, 5)", "rank 4", "add it: x[..., None]"),
    "wrong rank for attention": (lambda: layers.Attention(name="a")([ones(2, 5), ones(2, 5)]),
                                 "'a' (Attention)", "query (2, 5)", "query (batch, queries, size)", "a Dense layer"),
    "wrong rank for heads": (lambda: layers.MultiHeadAttention(2, 3, name="a")(ones(2, 5), ones(2, 5)),
                             "'a' (MultiHeadAttention)", "query (2, 5)", "rank, 3 or more", "layer(query, value)"),
    "wrong rank for every step": (lambda: layers.TimeDistributed(layers.Dense(2), name="a")(ones(2, 5)),
                                  "'a' (TimeDistributed)", "(2, 5)", "three axes or more", "call the inner layer"),
    "channels and groups": (lambda: layers.Conv2D(4, 3, groups=2, name="a")(ones(2, 5, 5, 3)),
                            "'a' (Conv2D)", "(2, 5, 5, 3)", "multiple of `groups` (2)", "Use `groups` that divide"),
    "filters and groups": (lambda: layers.Conv2D(4, 3, groups=3),
                           "Conv2D", "got 4 and 3", "multiple of `groups`", "Use `groups` that divide"),
    "normalized groups": (lambda: layers.GroupNormalization(3, name="a")(ones(2, 4)),
                          "'a' (GroupNormalization)", "(2, 4)", "multiple of `groups`", "Use `groups` that divide"),
    "strides with dilation": (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2),
                              "Conv2D", "dilation_rate=(2, 2)", "cannot both be above 1", "Set one of them to 1"),
    "transposed": (lambda: layers.Conv1DTranspose(4, 3, strides=2, dilation_rate=2),
                   "Conv1DTranspose", "strides=(2,)", "cannot both be above 1", "Set one of them to 1"),
    "strides with dilation over time": (lambda: layers.ConvLSTM2D(4, 3, strides=2, dilation_rate=2),
                                        "ConvLSTM2D", "(2, 2)", "cannot both be above 1", "Set one of them to 1"),
    "mask of steps": (lambda: layers.LSTM(4, name="a")(ones(2, 5, 3), mask=np.ones((2, 4), bool)),
                      "'a' (LSTM)", "got (2, 4)", "(batch, steps) = (2, 5)", "Give one truth value"),
    "mask of a mean": (lambda: layers.GlobalAveragePooling1D(name="a")(ones(2, 5, 3), mask=np.ones((2, 4), bool)),
                       "'a' (GlobalAveragePooling1D)", "got (2, 4)", "(batch, steps) = (2, 5)", "Give one truth value"),
    "mask of places": (lambda: layers.Attention(name="a")([ones(2, 5, 3)] * 2, mask=[None, np.ones((2, 4), bool)]),
                       "'a' (Attention)", "got (2, 4)", "(batch, places) = (2, 5)", "Give one truth value"),
    "mask of heads": (lambda: layers.MultiHeadAttention(2, 3, name="a")(
                          ones(2, 5, 3), ones(2, 6, 3), attention_mask=np.ones((2, 4, 6), bool)),
                      "'a' (MultiHeadAttention)", "got (4, 6)", "(queries, places) = (5, 6)", "Give one truth value"),
    "heads that do not divide": (lambda: layers.GroupQueryAttention(3, 4, 3),
                                 "GroupedQueryAttention", "got 4 and 3", "multiple of `num_key", "that divides the heads"),
    "unknown padding": (lambda: layers.Conv2D(4, 3, padding="sam"),
                        "Conv2D", "unknown padding 'sam'", "Known: 'valid', 'same'", "Did you mean 'same'"),
    "unknown padding of a pool": (lambda: layers.MaxPooling1D(padding="vald"),
                                  "MaxPooling1D", "unknown padding 'vald'", "Known: 'valid'", "Did you mean 'valid'"),
    "list for a tensor": (lambda: layers.Dense(3, name="a")([ones(2, 3), ones(2, 3)]),
                          "'a' (Dense)", "received a list of 2", "takes one tensor", "Call it with one of them"),
    "dict for a tensor": (lambda: layers.BatchNormalization(name="a")({"x": ones(2, 3)}),
                          "'a' (BatchNormalization)", "received a dict", "takes one tensor", "Call it with one of them"),
    "list of indices": (lambda: layers.Embedding(3, 2, name="a")([np.ones((2, 3), int)] * 2),
                        "'a' (Embedding)", "received a list of 2", "takes one tensor", "Call it with one of them"),
    "tensor for a list": (lambda: layers.Add(name="a")(ones(2, 3)),
                          "'a' (Add)", "one of shape (2, 3)", "takes a list", "Call it so: Add()([x1, x2])"),
    "list for query and value": (lambda: layers.MultiHeadAttention(2, 3, name="a")([ones(2, 5, 3), ones(2, 5, 3)]),
                                 "'a' (MultiHeadAttention)", "without `value`", "layer(query, value", "not in a list"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAUGHT)
def test_errors_teach(what: str) -> None:
    """Where it happened, what was received, what was expected, what to do; never a framework's own words."""
    call, *parts = TAUGHT[what]
    with pytest.raises(ValueError, match=None) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


def test_a_built_layer_wants_the_same_width() -> None:
    layer = layers.Dense(3, name="d")
    layer(ones(2, 4))
    with pytest.raises(
        ValueError, match=r"'d' \(Dense\) expected an input of size 4 in axis -1.*\(2, 5\).*was built for"
    ):
        layer(ones(2, 5))
    kernel = layers.Conv1D(3, 2, name="c")
    kernel(ones(2, 5, 4))
    with pytest.raises(ValueError, match=r"'c'.*size 4 in axis -1"):
        kernel(ones(2, 5, 3))


def test_masks_of_the_wrong_shape() -> None:
    wrong = np.ones((2, 4), bool)
    with pytest.raises(
        ValueError,
        match=r"`mask` must have the first sizes of the input's shape \(2, 5, 3\), or 1 .*got \(2, 4\)",
    ):
        layers.BatchNormalization()(ones(2, 5, 3), training=True, mask=wrong)
    with pytest.raises(
        ValueError, match=r"`mask` must have the shape of the input, \(2, 5, 3\).*got \(2, 4\)"
    ):
        layers.Softmax()(ones(2, 5, 3), mask=wrong)
    with pytest.raises(ValueError, match="`mask` must be a list with one mask for each of the 2 inputs"):
        layers.Add().compute_mask([ones(2, 3), ones(2, 3)], [wrong])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: layers.Dense(3, lora_rank=2), "lora_rank"),
        (lambda: layers.Dense(3, quantization_config={"mode": "int8"}), "quantization_config"),
        (lambda: layers.Embedding(3, 2, lora_rank=2), "lora_rank"),
        (
            lambda: layers.EinsumDense("ab,bc->ac", 3, gptq_unpacked_column_size=2),
            "gptq_unpacked_column_size",
        ),
    ],
)
def test_what_is_not_there_yet_says_so(make: Callable[[], Any], name: str) -> None:
    with pytest.raises(NotImplementedError, match=f"`{name}` is not supported yet"):
        make()


def test_low_rank_adaptation_is_not_there_yet() -> None:
    for layer in (layers.Dense(3), layers.Conv2D(3, 3), layers.Embedding(3, 2)):
        with pytest.raises(NotImplementedError, match="LoRA"):
            layer.enable_lora(2)


def test_a_config_of_something_else() -> None:
    with pytest.raises(TypeError, match="describes no layer"):
        layers.deserialize(
            {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
        )
    with pytest.raises(SerializationError, match=r"'Dens' is not a class.*'Dense'"):
        layers.deserialize({"class_name": "Dens", "config": {}})
