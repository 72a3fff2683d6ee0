"""What arguments were called in Keras 1 and 2, class by class: tables of (old name -> new name) and of conversions.

A conversion takes the keyword arguments, changes them in place, and is the last to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina import activations

Arguments = dict[str, Any]

_ORDERINGS = {"th": "channels_first", "tf": "channels_last", "default": None}

WEIGHTS = {
    "init": "kernel_initializer", "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "bias": "use_bias",
}  # fmt: skip
CONVOLUTION = {
    **WEIGHTS, "nb_filter": "filters", "filter_length": "kernel_size", "subsample_length": "strides",
    "subsample": "strides", "border_mode": "padding", "dim_ordering": "data_format", "atrous_rate": "dilation_rate",
}  # fmt: skip
RECURRENT = {
    **WEIGHTS, "output_dim": "units", "inner_init": "recurrent_initializer", "U_regularizer": "recurrent_regularizer",
    "inner_activation": "recurrent_activation", "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
    "forget_bias_init": "unit_forget_bias",
}  # fmt: skip
POOLING = {
    "pool_length": "pool_size", "stride": "strides", "border_mode": "padding", "dim_ordering": "data_format",
}  # fmt: skip
DROPOUT = {"p": "rate", "dim_ordering": "data_format"}
RENAMES: dict[str, dict[str, str]] = {
    "Layer": {"input_dtype": "dtype"},
    "Dense": {**WEIGHTS, "output_dim": "units"},
    "Embedding": {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
                  "W_constraint": "embeddings_constraint"},
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose"), CONVOLUTION),
    "SeparableConv2D": {
        **CONVOLUTION, "init": "depthwise_initializer", "depthwise_init": "depthwise_initializer",
        "pointwise_init": "pointwise_initializer",
    },
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), RECURRENT),
    "BatchNormalization": {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D", "AveragePooling2D",
                     "AveragePooling3D", "GlobalMaxPooling2D", "GlobalAveragePooling2D", "ZeroPadding2D",
                     "ZeroPadding3D", "Cropping2D", "Cropping3D", "UpSampling2D", "UpSampling3D", "Flatten"), POOLING),
    "UpSampling1D": {"length": "size"},
    **dict.fromkeys(("Dropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
                     "AlphaDropout"), DROPOUT),
    "GaussianNoise": {"sigma": "stddev"},
    "LeakyReLU": {"alpha": "negative_slope"},
    "PReLU": {"init": "alpha_initializer"},
    "ReLU": {},
    "RepeatVector": {},
    "ModelCheckpoint": {}, "EarlyStopping": {}, "TensorBoard": {},
    "ReduceLROnPlateau": {"epsilon": "min_delta"},
}  # fmt: skip


def kernel_size(*names: str) -> Callable[[Arguments, tuple], tuple]:
    """Separate sizes become one tuple: by name, or where integers stand for them, as Keras 1 had it."""

    def convert(kwargs: Arguments, args: tuple) -> tuple:
        if any(name in kwargs for name in names):
            kwargs["kernel_size"] = tuple(kwargs.pop(name) for name in names)
        count = len(names)
        if len(args) == 1 + count and all(type(n) is int for n in args):  # Conv2D(32, 3, 3)
            kwargs["kernel_size"], args = tuple(args[1:]), args[:1]
        return args

    return convert


def dense(kwargs: Arguments, args: tuple) -> tuple:
    """`Dense(64, 'uniform')`: the initializer stood where the activation stands."""
    if len(args) > 1 and isinstance(args[1], str) and not hasattr(activations, args[1]):
        kwargs["kernel_initializer"], args = args[1], (*args[:1], *args[2:])
    return args


def embedding(kwargs: Arguments, args: tuple) -> tuple:
    """`input_length` is the shape of the input; `dropout` is gone."""
    length = kwargs.pop("input_length", None)
    if kwargs.pop("dropout", 0.0):
        raise NotImplementedError(
            "Embedding(dropout=...): put a SpatialDropout1D layer behind the Embedding."
        )
    if length is not None and not {"input_shape", "batch_input_shape"} & set(kwargs):
        sizes = tuple(length) if isinstance(length, list | tuple) else (length,)
        kwargs["batch_input_shape"] = (kwargs.pop("batch_size", None), *sizes)
    if kwargs.get("weights") is not None and isinstance(kwargs["weights"], list | tuple):
        kwargs["weights"] = kwargs["weights"][0]
    return args


def recurrent(kwargs: Arguments, args: tuple) -> tuple:
    """`input_dim` with `input_length` is the shape of the input; how it was computed does not matter."""
    for gone in ("consume_less", "implementation", "unit_forget_bias_init"):
        kwargs.pop(gone, None)
    length = kwargs.pop("input_length", None)
    if "input_dim" in kwargs:
        kwargs["batch_input_shape"] = (kwargs.pop("batch_size", None), length, kwargs.pop("input_dim"))
    forget = kwargs.get("unit_forget_bias")
    if isinstance(forget, str):
        kwargs["unit_forget_bias"] = forget in ("one", "ones")
    if kwargs.pop("time_major", False):
        raise NotImplementedError("time_major=True: transpose the input, the batch axis comes first.")
    return args


def normalization(kwargs: Arguments, args: tuple) -> tuple:
    """`mode` 0 is the only one left; Keras 1 wrote `epsilon` first."""
    if kwargs.pop("mode", 0) not in (0, 2):
        raise NotImplementedError(
            "BatchNormalization(mode=1) is a normalization per row: use LayerNormalization."
        )
    for gone in ("fused", "virtual_batch_size"):
        kwargs.pop(gone, None)
    if args and isinstance(args[0], float):
        kwargs["epsilon"], args = args[0], args[1:]
    return args


def checkpoint(kwargs: Arguments, args: tuple) -> tuple:
    """`period` counted epochs."""
    period = kwargs.pop("period", 1)
    if period != 1:
        raise NotImplementedError(
            "ModelCheckpoint(period=...): give `save_freq` a number of batches (epochs times steps per epoch)."
        )
    return args


def tensorboard(kwargs: Arguments, args: tuple) -> tuple:
    """What TensorFlow 1 could write besides."""
    for gone in ("write_grads", "batch_size"):
        kwargs.pop(gone, None)
    return args


CONVERSIONS: dict[str, Callable[[Arguments, tuple], tuple]] = {
    "Dense": dense,
    "Embedding": embedding,
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN"), recurrent),
    "Conv2D": kernel_size("nb_row", "nb_col"),
    "SeparableConv2D": kernel_size("nb_row", "nb_col"),
    "Conv2DTranspose": kernel_size("nb_row", "nb_col"),
    "Conv3D": kernel_size("kernel_dim1", "kernel_dim2", "kernel_dim3"),
    "BatchNormalization": normalization,
    "ModelCheckpoint": checkpoint,
    "TensorBoard": tensorboard,
}


def data_format(value: Any) -> Any:
    """The image layout by its name of today."""
    return _ORDERINGS.get(value, value)
