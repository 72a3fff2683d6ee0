"""All layers, each with the calls by which it is tested. A new layer adds its entries here and gets every invariant.

An entry reads as the constructor's call and the shapes of its inputs: `Entry("Dense", (2, 4), units=3)`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np


def together(inputs: list[Any]) -> tuple[Any, ...]:
    """The input, or the list of them."""
    return (inputs,) if len(inputs) > 1 else tuple(inputs)


def one_by_one(inputs: list[Any]) -> tuple[Any, ...]:
    """Query, value, key."""
    return tuple(inputs)


def with_states(inputs: list[Any]) -> tuple[Any, ...]:
    """A step's input and the states of a cell."""
    return inputs[0], inputs[1:]


def with_states_of_two(inputs: list[Any]) -> tuple[Any, ...]:
    """A step's input, two states of a first cell, one of a second."""
    return inputs[0], [inputs[1:3], inputs[3:]]


@dataclasses.dataclass(frozen=True, eq=False)
class Entry:
    """One layer and its inputs.

    Fields besides the call are set with `but`:
        dtype: Of the inputs; "int32" inputs are indices below 5.
        call: More arguments of the call, such as masks.
        training: The training flag of the comparisons with Keras.
        inference: Whether calls say that they do not train: layers of images do by default.
        random: Whether the training flag brings in random numbers.
        fixed: Axes whose size must be known to build the layer; every other may be unknown.
        steps: How many steps of gradient descent must agree.
        compiled: Whether to compare with a compiled call (on one entry of a family: compiling is slow).
        half: The tolerance of half precision; 0 means the layer has no float output.
        masks: Whether to compare masks that the layer gets and gives.
        rtol: The tolerance of outputs and gradients, relative to the largest number.
        form: How the inputs become the call's arguments.
    """

    name: str
    shapes: tuple[tuple[int, ...], ...]
    kwargs: dict[str, Any]
    dtype: str = "float32"
    call: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: bool = False
    inference: bool = False
    random: bool = False
    fixed: tuple[int, ...] = (-1,)
    steps: int = 1
    compiled: bool = False
    half: float = 2e-2
    masks: bool = True
    rtol: float = 1e-5
    form: Callable[[list[Any]], tuple[Any, ...]] = dataclasses.field(default_factory=lambda: together)

    def __init__(self, name: str, *shapes: tuple[int, ...], **kwargs: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "shapes", shapes)
        object.__setattr__(self, "kwargs", kwargs)
        object.__setattr__(self, "call", {})
        object.__setattr__(self, "form", together)

    def but(self, **fields: Any) -> Entry:
        """The same call with other fields."""
        new = Entry(self.name, *self.shapes, **self.kwargs)
        for field in dataclasses.fields(self):
            object.__setattr__(new, field.name, fields.pop(field.name, getattr(self, field.name)))
        if fields:
            raise TypeError(f"An entry has no field {', '.join(fields)}.")
        return new

    def make(self, layers: Any, **more: Any) -> Any:
        """The layer, from `lamina.layers` or `keras.layers`. A function among the arguments makes an inner layer."""
        given = {k: v(layers) if isinstance(v, Inner) else v for k, v in self.kwargs.items()}
        return getattr(layers, self.name)(**given, **more)

    def inputs(self) -> list[Any]:
        """The inputs, as arrays."""
        rng = np.random.default_rng(len(self.name) + sum(map(sum, self.shapes)))
        if self.dtype == "int32":
            return [rng.integers(0, 5, shape).astype("int32") for shape in self.shapes]
        return [rng.normal(size=shape).astype(self.dtype) for shape in self.shapes]

    def build(self, layer: Any) -> Any:
        """The layer, built for the inputs. Cells are built for a step's input alone."""
        shapes = self.form(list(self.shapes))
        layer.build(*(shapes[:1] if self.form in (with_states, with_states_of_two) else shapes))
        layer.built = True
        return layer

    def arguments(self) -> dict[str, Any]:
        """The arguments of the call besides the inputs."""
        if self.training or self.inference:
            return {**self.call, "training": self.training}
        return dict(self.call)

    def __repr__(self) -> str:
        given = ", ".join(f"{k}={v}" for k, v in self.kwargs.items())
        return f"{self.name}({given})({', '.join(map(str, self.shapes))})"


class Inner:
    """A layer among the arguments of another: `Inner(lambda layers: layers.Dense(3))`."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make

    def __call__(self, layers: Any) -> Any:
        return self.make(layers)

    def __repr__(self) -> str:
        return "Inner"


WHOLE = {"fixed": ()}  # any axis may be unknown
SECOND = {"fixed": (1,)}  # channels first
STEPS_MASK = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 0, 0]], bool)

CORE = [
    Entry("Dense", (2, 4), units=3).but(steps=3, compiled=True),
    Entry("Dense", (2, 5, 4), units=3, activation="relu", use_bias=False),
    Entry("Dense", (2, 4), units=3, activation="tanh", kernel_regularizer="l2", bias_constraint="non_neg",
          kernel_initializer="he_normal", activity_regularizer="l1"),
    Entry("EinsumDense", (2, 4), equation="ab,bc->ac", output_shape=3, bias_axes="c").but(steps=3, compiled=True),
    Entry("EinsumDense", (2, 5, 4), equation="abc,cd->abd", output_shape=(None, 6), bias_axes="d"),
    Entry("EinsumDense", (2, 5, 4), equation="...x,xyz->...yz", output_shape=(3, 2), bias_axes="yz", activation="relu"),
    Entry("EinsumDense", (2, 5, 4), equation="abc,dc->abd", output_shape=(5, 3), bias_axes="bd").but(fixed=(1, 2)),
    Entry("EinsumDense", (2, 4, 5), equation="ab...,bc->ac...", output_shape=(3, None), bias_axes="c").but(fixed=(1, 2)),
    Entry("Embedding", (2, 5), input_dim=5, output_dim=3).but(dtype="int32", steps=3, compiled=True, **WHOLE),
    Entry("Embedding", (2, 5), input_dim=5, output_dim=3, mask_zero=True, embeddings_initializer="normal").but(
        dtype="int32", **WHOLE),
    Entry("ReversibleEmbedding", (2, 5), input_dim=5, output_dim=3, tie_weights=False).but(dtype="int32", **WHOLE),
    Entry("ReversibleEmbedding", (2, 5, 3), input_dim=6, output_dim=3, logit_soft_cap=2.0).but(
        call={"reverse": True}, compiled=True),
    Entry("ReversibleEmbedding", (2, 5, 3), input_dim=6, output_dim=3, tie_weights=False, reverse_dtype="float32").but(
        call={"reverse": True}, half=0),
    Entry("Masking", (2, 5, 3)).but(**WHOLE),
    Entry("Identity", (2, 5, 3)).but(**WHOLE),
    Entry("ActivityRegularization", (2, 5, 3), l1=0.1, l2=0.2).but(**WHOLE),
]  # fmt: skip

ACTIVATIONS = [
    Entry("Activation", (2, 5, 3), activation="gelu").but(compiled=True, **WHOLE),
    Entry("Activation", (2, 4), activation="softmax"),
    Entry("ReLU", (2, 5, 3)).but(**WHOLE),
    Entry("ReLU", (2, 4), max_value=1.0, negative_slope=0.1, threshold=0.2).but(compiled=True, **WHOLE),
    Entry("LeakyReLU", (2, 5, 3), negative_slope=0.2).but(**WHOLE),
    Entry("PReLU", (2, 5, 3), alpha_initializer="ones").but(fixed=(1, 2), steps=3),
    Entry("PReLU", (2, 4, 4, 3), alpha_initializer="normal", shared_axes=[1, 2]).but(compiled=True),
    Entry("ELU", (2, 5, 3), alpha=0.7).but(**WHOLE),
    Entry("Softmax", (2, 5, 3)).but(masks=False, **WHOLE),
    Entry("Softmax", (2, 4, 3), axis=(1, 2)).but(compiled=True, masks=False, **WHOLE),
    Entry("Softmax", (2, 5)).but(call={"mask": STEPS_MASK}),
]

CONVOLUTION = [
    Entry("Conv1D", (2, 6, 3), filters=4, kernel_size=3).but(steps=3),
    Entry("Conv1D", (2, 6, 3), filters=4, kernel_size=3, padding="causal", dilation_rate=2, activation="relu"),
    Entry("Conv1D", (2, 6, 4), filters=4, kernel_size=2, strides=2, padding="same", groups=2, use_bias=False),
    Entry("Conv2D", (2, 6, 6, 3), filters=4, kernel_size=3, activation="relu").but(steps=3, compiled=True),
    Entry("Conv2D", (2, 5, 6, 3), filters=4, kernel_size=(3, 2), strides=2, padding="same", kernel_regularizer="l2"),
    Entry("Conv2D", (2, 6, 6, 4), filters=6, kernel_size=3, groups=2, dilation_rate=(2, 1)),
    Entry("Conv3D", (2, 4, 4, 4, 2), filters=3, kernel_size=2, strides=(1, 2, 1), padding="same"),
    Entry("Conv1DTranspose", (2, 5, 3), filters=4, kernel_size=3, strides=2),
    Entry("Conv1DTranspose", (2, 5, 3), filters=4, kernel_size=3, strides=2, padding="same", output_padding=1),
    Entry("Conv2DTranspose", (2, 4, 4, 3), filters=4, kernel_size=3, strides=2, padding="same").but(
        steps=3, compiled=True),
    Entry("Conv2DTranspose", (2, 4, 4, 3), filters=2, kernel_size=(2, 3), strides=(3, 2), activation="relu"),
    Entry("Conv2DTranspose", (2, 4, 4, 3), filters=2, kernel_size=3, dilation_rate=2),
    Entry("Conv3DTranspose", (2, 3, 3, 3, 2), filters=2, kernel_size=2, strides=2),
    Entry("DepthwiseConv1D", (2, 6, 3), kernel_size=3, depth_multiplier=2),
    Entry("DepthwiseConv2D", (2, 5, 5, 3), kernel_size=3, strides=2, padding="same").but(steps=3, compiled=True),
    Entry("SeparableConv1D", (2, 6, 3), filters=4, kernel_size=3, depth_multiplier=2, padding="same"),
    Entry("SeparableConv2D", (2, 5, 5, 3), filters=4, kernel_size=3, activation="relu").but(steps=3, compiled=True),
    Entry("Conv2D", (2, 3, 6, 5), filters=4, kernel_size=3, data_format="channels_first").but(**SECOND),
    Entry("Conv1DTranspose", (2, 3, 5), filters=4, kernel_size=3, data_format="channels_first").but(**SECOND),
    Entry("SeparableConv2D", (2, 3, 5, 5), filters=4, kernel_size=3, data_format="channels_first").but(**SECOND),
]  # fmt: skip

POOLING = [
    Entry("MaxPooling1D", (2, 7, 3), pool_size=2).but(**WHOLE),
    Entry("MaxPooling2D", (2, 6, 6, 3)).but(compiled=True, **WHOLE),
    Entry("MaxPooling2D", (2, 5, 6, 3), pool_size=3, strides=2, padding="same").but(**WHOLE),
    Entry("MaxPooling2D", (2, 3, 6, 6), data_format="channels_first").but(**WHOLE),
    Entry("MaxPooling3D", (2, 4, 4, 4, 2)).but(**WHOLE),
    Entry("AveragePooling1D", (2, 7, 3), pool_size=3, strides=2, padding="same").but(**WHOLE),
    Entry("AveragePooling2D", (2, 6, 6, 3), pool_size=2).but(compiled=True, **WHOLE),
    Entry("AveragePooling2D", (2, 3, 6, 6), pool_size=2, data_format="channels_first").but(**WHOLE),
    Entry("AveragePooling3D", (2, 4, 4, 4, 2), pool_size=2).but(**WHOLE),
    Entry("GlobalAveragePooling1D", (2, 5, 3)).but(**WHOLE),
    Entry("GlobalAveragePooling1D", (2, 3, 5), data_format="channels_first", keepdims=True).but(
        call={"mask": STEPS_MASK}, masks=False, **WHOLE),
    Entry("GlobalAveragePooling2D", (2, 4, 4, 3), keepdims=True).but(compiled=True, **WHOLE),
    Entry("GlobalAveragePooling3D", (2, 3, 3, 3, 2)).but(**WHOLE),
    Entry("GlobalMaxPooling1D", (2, 5, 3)).but(**WHOLE),
    Entry("GlobalMaxPooling2D", (2, 3, 4, 4), data_format="channels_first").but(compiled=True, **WHOLE),
    Entry("GlobalMaxPooling3D", (2, 3, 3, 3, 2)).but(**WHOLE),
    Entry("AdaptiveAveragePooling1D", (2, 5, 3), output_size=2).but(**WHOLE),
    Entry("AdaptiveAveragePooling2D", (2, 5, 4, 3), output_size=(2, 3)).but(compiled=True, **WHOLE),
    Entry("AdaptiveAveragePooling3D", (2, 3, 4, 5, 2), output_size=2).but(**WHOLE),
    Entry("AdaptiveMaxPooling1D", (2, 3, 5), output_size=2, data_format="channels_first").but(**WHOLE),
    Entry("AdaptiveMaxPooling2D", (2, 5, 4, 3), output_size=2).but(compiled=True, **WHOLE),
    Entry("AdaptiveMaxPooling3D", (2, 3, 4, 5, 2), output_size=2).but(**WHOLE),
]  # fmt: skip

NORMALIZATION = [
    Entry("BatchNormalization", (4, 3)).but(training=True, steps=3, rtol=3e-5),
    Entry("BatchNormalization", (3, 4, 4, 3), momentum=0.8).but(training=True, compiled=True, rtol=3e-5),
    Entry("BatchNormalization", (3, 3, 4, 4), axis=1, scale=False, gamma_initializer="normal").but(**SECOND),
    Entry("BatchNormalization", (2, 5, 3), center=False).but(
        training=True, call={"mask": STEPS_MASK}, rtol=3e-5, half=5e-2),
    Entry("BatchNormalization", (6, 3), renorm=True, momentum=0.7, renorm_momentum=0.8).but(
        training=True, steps=3, rtol=3e-5, half=5e-2),
    Entry("BatchNormalization", (6, 3), renorm=True, center=False,
          renorm_clipping={"rmin": 0.9, "rmax": 1.5, "dmax": 0.3}).but(training=True, rtol=3e-5, half=5e-2),
    Entry("LayerNormalization", (2, 5, 4)).but(steps=3, compiled=True),
    Entry("LayerNormalization", (2, 3, 4), axis=(1, 2), center=False, epsilon=1e-2).but(fixed=(1, 2)),
    Entry("GroupNormalization", (2, 4, 4, 6), groups=3).but(steps=3, compiled=True),
    Entry("GroupNormalization", (2, 4, 5), groups=-1, axis=1, scale=False).but(**SECOND),
    Entry("RMSNormalization", (2, 5, 4)).but(compiled=True),
    Entry("RMSNormalization", (2, 3, 4), axis=(1, 2), epsilon=1e-3).but(fixed=(1, 2)),
    Entry("UnitNormalization", (2, 5, 4)).but(**WHOLE),
    Entry("UnitNormalization", (2, 3, 4), axis=[1, 2]).but(compiled=True, **WHOLE),
    Entry("SpectralNormalization", (2, 4), layer=Inner(lambda layers: layers.Dense(3))).but(training=True, compiled=True),
    Entry("SpectralNormalization", (2, 5, 5, 3), layer=Inner(lambda layers: layers.Conv2D(4, 3)), power_iterations=2).but(
        training=True),
]  # fmt: skip

MERGING = [
    Entry("Add", (2, 4), (2, 4), (2, 4)).but(compiled=True, **WHOLE),
    Entry("Add", (2, 4), (2, 3, 4)).but(**WHOLE),
    Entry("Subtract", (2, 5, 4), (2, 5, 4)).but(**WHOLE),
    Entry("Multiply", (2, 5, 4), (2, 1, 4)).but(**WHOLE, masks=False),
    Entry("Average", (2, 5, 4), (2, 5, 4)).but(**WHOLE),
    Entry("Maximum", (2, 5, 4), (2, 5, 4)).but(**WHOLE),
    Entry("Minimum", (2, 5, 4), (2, 5, 4)).but(**WHOLE),
    Entry("Concatenate", (2, 5, 4), (2, 5, 3)).but(compiled=True, **WHOLE),
    Entry("Concatenate", (2, 5, 4), (2, 3, 4), axis=1).but(**WHOLE),
    Entry("Dot", (2, 4), (2, 4), axes=1).but(**WHOLE),
    Entry("Dot", (2, 4, 3), (2, 5, 3), axes=-1, normalize=True).but(compiled=True, **WHOLE),
    Entry("Dot", (2, 3, 4), (2, 5, 3), axes=(1, 2)).but(**WHOLE),
]

RESHAPING = [
    Entry("Flatten", (2, 3, 4)).but(compiled=True, **WHOLE),
    Entry("Flatten", (2, 3, 4, 2), data_format="channels_first").but(**WHOLE),
    Entry("Flatten", (2,)).but(fixed=()),
    Entry("Reshape", (2, 6), target_shape=(3, 2)),
    Entry("Reshape", (2, 3, 4), target_shape=(2, -1, 3)).but(compiled=True, **WHOLE),
    Entry("Permute", (2, 3, 4), dims=(2, 1)).but(**WHOLE),
    Entry("RepeatVector", (2, 4), n=3).but(**WHOLE),
    Entry("ZeroPadding1D", (2, 5, 3), padding=(1, 2)).but(**WHOLE),
    Entry("ZeroPadding2D", (2, 4, 4, 3), padding=((1, 2), (0, 1))).but(compiled=True, **WHOLE),
    Entry("ZeroPadding2D", (2, 3, 4, 4), padding=(1, 2), data_format="channels_first").but(**WHOLE),
    Entry("ZeroPadding3D", (2, 3, 3, 3, 2), padding=2).but(**WHOLE),
    Entry("Cropping1D", (2, 5, 3), cropping=(1, 2)).but(**WHOLE),
    Entry("Cropping2D", (2, 4, 4, 3), cropping=((1, 0), (0, 1))).but(compiled=True, **WHOLE),
    Entry("Cropping2D", (2, 3, 5, 5), cropping=(1, 2), data_format="channels_first").but(**WHOLE),
    Entry("Cropping3D", (2, 3, 3, 3, 2)).but(**WHOLE),
    Entry("UpSampling1D", (2, 5, 3), size=2).but(**WHOLE),
    Entry("UpSampling2D", (2, 4, 4, 3), size=(2, 3)).but(compiled=True, **WHOLE),
    Entry("UpSampling2D", (2, 4, 3, 3), interpolation="bilinear").but(**WHOLE),
    Entry(
        "UpSampling2D", (2, 3, 4, 3), interpolation="bicubic", size=(1, 3), data_format="channels_first"
    ).but(**WHOLE),
    Entry("UpSampling3D", (2, 3, 3, 3, 2), size=2).but(**WHOLE),
]

NOISE = [
    Entry("Dropout", (2, 5, 4), rate=0.5, seed=3).but(random=True, **WHOLE),
    Entry("Dropout", (2, 5, 4), rate=0.25, noise_shape=(None, 1, None), seed=3).but(random=True, **WHOLE),
    Entry("SpatialDropout1D", (2, 5, 4), rate=0.5, seed=3).but(random=True, **WHOLE),
    Entry("SpatialDropout2D", (2, 4, 4, 3), rate=0.5, seed=3).but(random=True, **WHOLE),
    Entry("SpatialDropout3D", (2, 3, 3, 3, 2), rate=0.5, seed=3, data_format="channels_last").but(
        random=True, **WHOLE
    ),
    Entry("GaussianDropout", (2, 5, 4), rate=0.5, seed=3).but(random=True, **WHOLE),
    Entry("GaussianNoise", (2, 5, 4), stddev=0.5, seed=3).but(random=True, **WHOLE),
    Entry("AlphaDropout", (2, 5, 4), rate=0.3, seed=3).but(random=True, **WHOLE),
]

ATTENTION = [
    Entry("Attention", (2, 5, 4), (2, 6, 4)).but(compiled=True, rtol=1e-4, **WHOLE),
    Entry("Attention", (2, 5, 4), (2, 6, 3), (2, 6, 4), use_scale=True, score_mode="concat").but(
        rtol=1e-4, **WHOLE
    ),
    Entry("AdditiveAttention", (2, 5, 4), (2, 6, 4)).but(compiled=True, rtol=1e-4),
    Entry("MultiHeadAttention", (2, 5, 4), (2, 6, 3), num_heads=2, key_dim=3).but(
        compiled=True, rtol=1e-4, form=one_by_one
    ),
    Entry("MultiHeadAttention", (2, 3, 4, 4), (2, 3, 4, 4), num_heads=2, key_dim=3, attention_axes=(1, 2)).but(
        rtol=1e-4, form=one_by_one
    ),
    Entry("MultiHeadAttention", (2, 5, 4), (2, 5, 4), num_heads=2, key_dim=3, value_dim=4, use_gate=True, dropout=0.1,
          output_shape=6, use_bias=False).but(call={"use_causal_mask": True}, rtol=1e-4, form=one_by_one),
    Entry("GroupQueryAttention", (2, 5, 4), (2, 6, 4), (2, 6, 4), head_dim=3, num_query_heads=4,
          num_key_value_heads=2).but(compiled=True, rtol=1e-4, form=one_by_one),
]  # fmt: skip

ALL_STEPS = {"return_sequences": True}
RECURRENT = [
    Entry("SimpleRNN", (2, 5, 3), units=4).but(steps=3, compiled=True, rtol=1e-4),
    Entry("SimpleRNN", (2, 5, 3), units=4, activation="relu", use_bias=False, go_backwards=True, **ALL_STEPS).but(
        rtol=1e-4),
    Entry("LSTM", (2, 5, 3), units=4).but(steps=3, compiled=True, rtol=1e-4),
    Entry("LSTM", (2, 5, 3), units=4, unit_forget_bias=False, go_backwards=True, activity_regularizer="l2",
          kernel_regularizer="l1", **ALL_STEPS).but(rtol=1e-4),
    Entry("LSTM", (2, 5, 3), units=4, activation="relu", recurrent_activation="hard_sigmoid", use_bias=False).but(
        half=5e-2, rtol=1e-4),
    Entry("LSTM", (2, 5, 3), units=4, **ALL_STEPS).but(call={"mask": STEPS_MASK}, rtol=1e-4),
    Entry("GRU", (2, 5, 3), units=4).but(steps=3, compiled=True, rtol=1e-4),
    Entry("GRU", (2, 5, 3), units=4, reset_after=False, **ALL_STEPS).but(rtol=1e-4),
    Entry("GRU", (2, 5, 3), units=4, go_backwards=True, **ALL_STEPS).but(call={"mask": STEPS_MASK}, rtol=1e-4),
    Entry("RNN", (2, 5, 3), cell=Inner(lambda layers: layers.LSTMCell(4))).but(rtol=1e-4),
    Entry("RNN", (2, 5, 3), cell=Inner(lambda layers: [layers.GRUCell(4), layers.SimpleRNNCell(2)]), **ALL_STEPS).but(
        compiled=True, rtol=1e-4),
    Entry("Bidirectional", (2, 5, 3), layer=Inner(lambda layers: layers.LSTM(4, return_sequences=True))).but(
        compiled=True, rtol=1e-4),
    Entry("Bidirectional", (2, 5, 3), layer=Inner(lambda layers: layers.GRU(4)), merge_mode="ave").but(
        rtol=1e-4),
    Entry("TimeDistributed", (2, 5, 3), layer=Inner(lambda layers: layers.Dense(4))).but(
        compiled=True),
    Entry("TimeDistributed", (2, 5, 3), layer=Inner(lambda layers: layers.BatchNormalization())).but(
        training=True, rtol=1e-4, half=1e-1),
    Entry("ConvLSTM1D", (2, 4, 6, 3), filters=2, kernel_size=3, strides=2, padding="same").but(
        fixed=(2, 3), rtol=1e-4),
    Entry("ConvLSTM2D", (2, 3, 5, 4, 2), filters=2, kernel_size=(3, 2), **ALL_STEPS).but(
        fixed=(2, 3, 4), compiled=True, rtol=1e-4),
    Entry("ConvLSTM2D", (2, 3, 2, 5, 4), filters=2, kernel_size=2, dilation_rate=2, data_format="channels_first").but(
        fixed=(2, 3, 4), rtol=1e-4),
    Entry("ConvLSTM3D", (2, 2, 3, 3, 3, 1), filters=2, kernel_size=2).but(fixed=(2, 3, 4, 5), rtol=1e-4),
]  # fmt: skip

CELLS = [
    Entry("SimpleRNNCell", (2, 3), (2, 4), units=4).but(compiled=True, form=with_states),
    Entry("LSTMCell", (2, 3), (2, 4), (2, 4), units=4).but(compiled=True, form=with_states),
    Entry("GRUCell", (2, 3), (2, 4), units=4).but(compiled=True, form=with_states),
    Entry("GRUCell", (2, 3), (2, 4), units=4, reset_after=False, recurrent_activation="hard_sigmoid").but(
        form=with_states),
    Entry("StackedRNNCells", (2, 3), (2, 4), (2, 4), (2, 2),
          cells=Inner(lambda layers: [layers.LSTMCell(4), layers.GRUCell(2)])).but(form=with_states_of_two),
]  # fmt: skip

PREPROCESSING = [
    Entry("Normalization", (2, 3, 4), axis=1, mean=[0.5, 1.0, -1.0], variance=[1.0, 4.0, 0.25]).but(
        fixed=(1,), compiled=True),
    Entry("Normalization", (2, 3), axis=None, mean=1.0, variance=4.0, invert=True).but(**WHOLE),
    Entry("Rescaling", (2, 3), scale=2.0, offset=-1.0).but(compiled=True, **WHOLE),
    Entry("Rescaling", (2, 5, 3), scale=[1.0, 2.0, 3.0], offset=[0.5, 0.0, 1.0]),
    Entry("Discretization", (2, 3), bin_boundaries=[-0.5, 0.0, 0.5], output_mode="one_hot").but(compiled=True, **WHOLE),
    Entry("Discretization", (2, 3), bin_boundaries=[0.0], output_mode="count").but(**WHOLE),
    Entry("CategoryEncoding", (2, 3), num_tokens=5).but(dtype="int32", compiled=True, **WHOLE),
    Entry("CategoryEncoding", (2, 1), num_tokens=4, output_mode="one_hot").but(dtype="int32"),
    Entry("CategoryEncoding", (2, 3), num_tokens=5, output_mode="count").but(dtype="int32", **WHOLE),
    Entry("STFTSpectrogram", (2, 30, 2), mode="magnitude", frame_length=8, frame_step=4).but(
        fixed=(2,), compiled=True, rtol=1e-4),
    Entry("STFTSpectrogram", (2, 30, 2), mode="stft", frame_length=8, fft_length=16, padding="same", expand_dims=True,
          scaling="spectrum", window="hamming", periodic=True).but(fixed=(2,), rtol=1e-4),
    Entry("MelSpectrogram", (2, 200), fft_length=32, sequence_stride=16, num_mel_bins=8).but(
        **WHOLE, rtol=1e-4, compiled=True),
    Entry("MelSpectrogram", (2, 200), fft_length=64, sequence_length=48, sequence_stride=16, num_mel_bins=6,
          power_to_db=False, mag_exp=1.0, sampling_rate=8000).but(**WHOLE, rtol=1e-4),
]  # fmt: skip

# layers that the invariants do not fit, and what proves them instead
PICTURE = (2, 6, 8, 3)
STILL = {"inference": True, "masks": False, "fixed": (1, 2, 3)}
IMAGES = [
    Entry("Resizing", PICTURE, height=4, width=5).but(compiled=True, masks=False),
    Entry("Resizing", PICTURE, height=4, width=4, crop_to_aspect_ratio=True, interpolation="bicubic").but(masks=False),
    Entry("Resizing", (2, 3, 6, 8), height=9, width=5, pad_to_aspect_ratio=True, data_format="channels_first").but(
        masks=False, **SECOND),
    Entry("CenterCrop", PICTURE, height=4, width=5).but(compiled=True, masks=False),
    Entry("CenterCrop", PICTURE, height=9, width=5).but(masks=False, fixed=(1, 2, 3)),
    Entry("RandomCrop", PICTURE, height=6, width=8, seed=1).but(**STILL),
    Entry("RandomFlip", PICTURE, mode="vertical", seed=1).but(**STILL),
    Entry("RandomRotation", PICTURE, factor=(-0.1, 0.3), fill_mode="constant", fill_value=2.0, seed=1).but(**STILL),
    Entry("RandomZoom", PICTURE, height_factor=(-0.2, 0.3), width_factor=0.1, seed=1).but(**STILL),
    Entry("RandomTranslation", PICTURE, height_factor=0.2, width_factor=(0.1, 0.3), seed=1).but(**STILL),
    Entry("RandomShear", PICTURE, x_factor=(0.1, 0.3), y_factor=(0.1, 0.2), seed=1).but(**STILL),
    Entry("RandomPerspective", PICTURE, factor=0.5, scale=0.4, seed=1).but(**STILL),
    Entry("RandomElasticTransform", PICTURE, factor=0.5, scale=(0.1, 0.4), seed=1).but(**STILL),
    Entry("RandomBrightness", PICTURE, factor=0.2, value_range=(0, 1), seed=1).but(**STILL),
    Entry("RandomContrast", PICTURE, factor=(0.1, 0.4), seed=1).but(**STILL),
    Entry("RandomColorDegeneration", PICTURE, factor=0.3, seed=1).but(**STILL),
    Entry("RandomGrayscale", PICTURE, factor=0.3).but(**STILL),
    Entry("RandomHue", PICTURE, factor=0.3, seed=1).but(**STILL),
    Entry("RandomSaturation", PICTURE, factor=(0.3, 0.7), seed=1).but(**STILL),
    Entry("RandomColorJitter", PICTURE, brightness_factor=0.2, contrast_factor=0.1, saturation_factor=0.3,
          hue_factor=(0.1, 0.2), seed=1).but(**STILL),
    Entry("RandomInvert", PICTURE, factor=(0.1, 0.3), seed=1).but(**STILL),
    Entry("RandomPosterization", PICTURE, factor=(2, 5), seed=1).but(**STILL),
    Entry("RandomSharpness", PICTURE, factor=0.3, seed=1).but(**STILL),
    Entry("RandomGaussianBlur", PICTURE, factor=0.3, kernel_size=(3, 5), sigma=0.7, seed=1).but(**STILL),
    Entry("RandomErasing", PICTURE, factor=0.3, scale=(0.1, 0.2), fill_value=1.0, seed=1).but(**STILL),
    Entry("Solarization", PICTURE, addition_factor=0.3, threshold_factor=(0.1, 0.4), seed=1).but(**STILL),
    Entry("AutoContrast", PICTURE, value_range=(0, 1)).but(masks=False, compiled=True),
    Entry("ContrastLimitedAdaptiveHistogramEqualization", PICTURE, value_range=(-3, 3), tile_grid_size=(2, 3)).but(
        masks=False, half=0, compiled=True, **SECOND),
    Entry("MaxNumBoundingBoxes", PICTURE, max_number=3).but(**WHOLE, masks=False),
    Entry("MixUp", PICTURE, alpha=0.3, seed=1).but(**STILL),
    Entry("CutMix", PICTURE, factor=(0.2, 0.8), seed=1).but(**STILL),
    Entry("RandAugment", PICTURE, num_ops=3, factor=(0.1, 0.4), interpolation="nearest", seed=1).but(**STILL),
    Entry("AugMix", PICTURE, num_chains=2, chain_depth=2, factor=0.2, all_ops=False, seed=1).but(**STILL),
]  # fmt: skip

APART = {
    "ImageAugmentation": "a base that computes nothing: test_augmentation.py",
    "Equalization": "Keras draws its graph with a cycle, and lets images change one another: test_augmentation.py",
    "Layer": "the base: tests/core",
    "Wrapper": "a base that computes nothing: test_particular.py, TimeDistributed and SpectralNormalization",
    "InputLayer": "has no input: the functional models of all tests and files",
    "Lambda": "holds code, which no file may: test_particular.py",
    "JaxLayer": "runs another library's code, which no file may: test_bridges.py",
    "FlaxLayer": "runs another library's code, which no file may: test_bridges.py",
    "TorchModuleWrapper": "runs another library's code, which no file may: test_bridges.py",
    "TFSMLayer": "runs another library's code, which no file may: test_bridges.py",
    "Pipeline": "no layer of a model in Keras, which warns of its build: tests/layers/preprocessing",
    "Hashing": "Keras hashes by TensorFlow, outside its compiled functions: tests/layers/preprocessing",
    "HashedCrossing": "as Hashing",
    "IntegerLookup": "Keras looks up by TensorFlow, outside its compiled functions: tests/layers/preprocessing",
    "StringLookup": "takes strings: tests/layers/preprocessing",
    "TextVectorization": "takes strings: tests/layers/preprocessing",
}

LAYERS = [
    *CORE, *ACTIVATIONS, *CONVOLUTION, *POOLING, *NORMALIZATION, *MERGING, *RESHAPING, *NOISE, *ATTENTION, *RECURRENT,
    *CELLS, *IMAGES, *PREPROCESSING,
]  # fmt: skip
