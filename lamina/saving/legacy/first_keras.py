"""Layers of Keras 1 under the names of Keras 2 and 3."""

from __future__ import annotations

from typing import Any

_CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
    "AtrousConvolution2D": "Conv2D", "AtrousConvolution1D": "Conv1D", "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
}  # fmt: skip
_ARGUMENTS = {
    "output_dim": "units", "nb_filter": "filters", "border_mode": "padding", "subsample": "strides",
    "subsample_length": "strides", "filter_length": "kernel_size", "init": "kernel_initializer",
    "inner_init": "recurrent_initializer", "inner_activation": "recurrent_activation", "bias": "use_bias",
    "W_regularizer": "kernel_regularizer", "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint", "p": "rate", "sigma": "stddev",
    "dropout_W": "dropout", "dropout_U": "recurrent_dropout", "pool_length": "pool_size", "stride": "strides",
    "atrous_rate": "dilation_rate", "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
    "length": "size",
}  # fmt: skip
_MERGES = {
    "sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot",
}  # fmt: skip
_GONE = (
    "forget_bias_init",
    "consume_less",
    "mode",
    "input_dim",
    "input_length",
    "input_dtype",
    "depth_multiplier",
)
# Some argument of Keras 1 that no later one has: how its configs are told apart.
_SIGNS = {"output_dim", "nb_filter", "border_mode", "dim_ordering", "W_regularizer", "p", "sigma", "inner_init",
          "pool_length", "gamma_init", "concat_axis", "length", "stride"}  # fmt: skip


def renamed(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and arguments under their later names; what is not of Keras 1 comes back as it is."""
    if name == "Merge":
        return _merge(config)
    if name not in _CLASSES and (not (_SIGNS & set(config)) or "embeddings_initializer" in config):
        return name, config
    out = {_ARGUMENTS.get(k, k): v for k, v in config.items()}
    if name == "Embedding":
        out["output_dim"], out["embeddings_initializer"] = (
            out.pop("units"),
            out.pop("kernel_initializer", "uniform"),
        )
        out["embeddings_regularizer"] = out.pop("kernel_regularizer", None)
        out["embeddings_constraint"] = out.pop("kernel_constraint", None)
        out.pop("dropout", None)
    if name in ("LSTM", "GRU", "SimpleRNN"):
        if name == "LSTM":
            out["unit_forget_bias"] = config.get("forget_bias_init", "one") == "one"
        if name == "GRU":
            out["reset_after"] = False
    ordering = out.pop("dim_ordering", None)
    if ordering is not None:
        out["data_format"] = "channels_first" if ordering == "th" else "channels_last"
    for axes in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        if axes[0] in out:
            out["kernel_size"] = [out.pop(a) for a in axes]
    kept = ("input_dim",) if name == "Embedding" else ()
    out = {k: v for k, v in out.items() if k not in _GONE or k in kept}
    return _CLASSES.get(name, name), out


def _merge(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    name = _MERGES.get(str(config.get("mode")), "Merge")
    out = {k: v for k, v in config.items() if k in ("name", "trainable")}
    if name == "Concatenate":
        out["axis"] = config.get("concat_axis", -1)
    if name == "Dot":
        out["axes"] = config.get("dot_axes", -1)
    return name, out
