"""Configs of old files in the layout of today: classes get their namespace, arguments their present names.

What comes out is read by the one object codec; nothing here makes an object or looks up a name by itself.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from lamina.core import registry
from lamina.core.limits import in_force
from lamina.errors import SerializationError
from lamina.saving.legacy import first_keras, functions, nodes

MAX_DEPTH = 100  # a level takes several calls here
_SPACES = ("layers", "models", "initializers", "regularizers", "constraints", "optimizers.schedules", "losses",
           "metrics", "optimizers", "dtype_policies")  # fmt: skip
# Where a nested config stands says what it is, where classes of two kinds share a name.
_BY_KEY = {
    "initializer": "initializers", "regularizer": "regularizers", "constraint": "constraints",
    "learning_rate": "optimizers.schedules", "optimizer": "optimizers", "loss": "losses", "metrics": "metrics",
    "weighted_metrics": "metrics",
}  # fmt: skip
_OLD_CLASSES = {
    "TruncatedNormalV2": "TruncatedNormal", "RandomNormalV2": "RandomNormal", "RandomUniformV2": "RandomUniform",
    "BatchNormalizationV1": "BatchNormalization", "BatchNormalizationV2": "BatchNormalization",
    "LayerNormalizationV2": "LayerNormalization", "Model": "Functional", "LSTMV2": "LSTM", "GRUV2": "GRU",
    "ThresholdedRelu": "ThresholdedReLU", "DepthwiseConv2DNative": "DepthwiseConv2D",
    "GroupedQueryAttention": "GroupQueryAttention",
}  # fmt: skip
# Arguments that said nothing, or that only one implementation of the past had.
_DROPPED = {"ragged", "fused", "virtual_batch_size", "time_major", "input_dtype", "batch_input_shape", "jit_compile",
            "is_legacy_optimizer", "experimental_run_tf_function"}  # fmt: skip


def upgraded(config: Any, label: str) -> dict[str, Any]:
    """The config of a model in an old file, in the layout that the codec reads.

    Args:
        config: `class_name` and `config` of a model, as JSON gave them.
        label: The file, for errors.

    Raises:
        SerializationError: if it is none.
    """
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise SerializationError(f"{label}: the configuration does not describe a model.")
    return _entry(config, "models", 0)


@lru_cache(maxsize=1)
def _homes() -> dict[tuple[str, str], str]:
    return {(module.removeprefix("keras."), name): module for module, name in registry.table()}


def _module(name: str, space: str | None) -> str | None:
    spaces = _SPACES if space is None else (space, *_SPACES)
    return next((_homes()[s, name] for s in spaces if (s, name) in _homes()), None)


def _entry(entry: dict[str, Any], space: str | None, depth: int) -> dict[str, Any]:
    """One `class_name` and `config`, and whatever is nested in it."""
    _check_depth(depth)
    name, config = str(entry["class_name"]), entry.get("config")
    written = entry.get("module")
    if (
        name.startswith("__")
        or name == "function"
        or (written is not None and not str(written).startswith("keras."))
    ):
        return _nested(entry, depth)
    if written is not None:  # later files have it for what is nested in layers
        space = str(written).removeprefix("keras.")
    out = {
        k: _nested(v, depth)
        for k, v in entry.items()
        if k not in ("class_name", "config", "module", "registered_name")
    }
    known = registry.get_registered_object(name) is not None
    if not known:
        name = name.split(">")[-1] if _module(name.split(">")[-1], space) else name
        name = str(_OLD_CLASSES.get(name, name))
    if name == "Sequential" and isinstance(config, list):  # Keras 1 and the first ones of Keras 2
        config = {"name": None, "layers": config}
    if name == "Policy" and isinstance(config, dict):
        return config.get("name", "float32")
    if not isinstance(config, dict):
        return {"class_name": name, "config": config, "module": _module(name, space)} | out
    config = dict(config)
    if not known:
        name, config = first_keras.renamed(name, config)
        name, config = _arguments(name, config, space)
    if "layers" in config and ("input_layers" in config or name == "Functional"):
        config = _graph(config, depth)
        module = "keras.src.models.functional" if name == "Functional" else _module(name, "models")
        return {"class_name": name, "module": module, "config": config, "registered_name": None} | out
    config = {k: _value(v, k, depth) for k, v in config.items()}
    module = _module(name, space)
    return {
        "class_name": name,
        "module": module,
        "config": config,
        "registered_name": None if module else name,
    } | out


def _check_depth(depth: int) -> None:
    allowed = min(MAX_DEPTH, in_force().config_depth)
    if depth > allowed:
        raise SerializationError(f"The configuration is nested more than {allowed} levels deep.")


def _nested(value: Any, depth: int) -> Any:
    _check_depth(depth)
    if isinstance(value, dict):
        return {k: _value(v, k, depth + 1) for k, v in value.items()}
    return [_value(v, "", depth + 1) for v in value] if isinstance(value, list) else value


def _value(value: Any, key: str, depth: int) -> Any:
    if isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value:
        space = next((s for end, s in _BY_KEY.items() if key.endswith(end)), None)
        return _entry(value, space or ("layers" if "layer" in key or "cell" in key else None), depth + 1)
    if isinstance(value, list) and key in ("layers", "cells", "metrics", "weighted_metrics", "loss"):
        return [_value(v, key.rstrip("s") if key in ("layers", "cells") else key, depth + 1) for v in value]
    return _nested(value, depth)


def _graph(config: dict[str, Any], depth: int) -> dict[str, Any]:
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(
        isinstance(v, dict) and isinstance(v.get("class_name"), str) for v in layers
    ):
        raise SerializationError("The config of a functional model must have a list of layers.")
    if not all(isinstance(v.get("inbound_nodes") or [], list) for v in layers):
        raise SerializationError("The calls of each layer in a functional model must be a list.")
    config = dict(config)
    if any(isinstance(n, dict) for v in layers for n in v.get("inbound_nodes") or ()):
        config["layers"] = [_operation(v) or _layer(v, depth) for v in layers]  # nodes of Keras 3
        return config
    layers = functions.without_shapes(layers)
    shifts = nodes.shifts(layers)
    config["layers"] = [
        functions.translated(v, shifts)
        if v["class_name"] in functions.CLASSES
        else _layer(nodes.upgraded(v, shifts), depth)
        for v in layers
    ]
    for end in ("input_layers", "output_layers"):
        config[end] = nodes.endpoints(config.get(end), shifts)
    return config


def _operation(entry: dict[str, Any]) -> dict[str, Any] | None:
    """The entry of an operation in a file of Keras 3; None for a layer, which alone has `trainable`.

    Keras writes both by the same names (`Multiply`), and does not read operations back.
    """
    name, config = entry["class_name"], entry.get("config")
    if not isinstance(config, dict) or "trainable" in config or name not in nodes.classes():
        return None
    if registry.get_registered_object(name) is not None:
        return None
    return {**entry, "module": "keras.src.ops.numpy", "registered_name": name}


def _layer(entry: dict[str, Any], depth: int) -> dict[str, Any]:
    inbound = entry.get("inbound_nodes") or []
    return _entry({k: v for k, v in entry.items() if k != "inbound_nodes"}, "layers", depth + 1) | {
        "inbound_nodes": inbound
    }


def _arguments(name: str, config: dict[str, Any], space: str | None) -> tuple[str, dict[str, Any]]:
    """Arguments of Keras 2 under their present names."""
    if name == "InputLayer" and "batch_input_shape" in config:
        config["batch_shape"] = config.pop("batch_input_shape")
    given = config.get("batch_input_shape")
    config = {k: v for k, v in config.items() if k not in _DROPPED}
    if given is not None:
        config["batch_shape" if name == "InputLayer" else "batch_input_shape"] = given
    if config.get("sparse") is False and name != "InputLayer" and "Lookup" not in name:
        del config["sparse"]
    axis = config.get("axis")
    if name == "BatchNormalization":
        if isinstance(axis, list) and len(axis) == 1:
            config["axis"] = axis[0]
        if not config.get("renorm"):
            config = {k: v for k, v in config.items() if not k.startswith("renorm")}
    if name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    if name in ("DepthwiseConv2D", "DepthwiseConv1D"):
        config = {k: v for k, v in config.items() if k not in ("groups", "filters", "kernel_initializer",
                  "kernel_regularizer", "kernel_constraint")}  # fmt: skip
    if name in ("SeparableConv2D", "SeparableConv1D"):
        config = {k: v for k, v in config.items() if k not in ("groups", "kernel_initializer", "kernel_regularizer",
                  "kernel_constraint")}  # fmt: skip
    if name == "Embedding":
        config.pop("input_length", None)
    if name in ("CuDNNLSTM", "CuDNNGRU"):  # what cuDNN computes, which today's layers do as well
        more = {"activation": "tanh", "recurrent_activation": "sigmoid"}
        name, config = name.removeprefix("CuDNN"), {**config, **more}
        if name == "GRU":
            config["reset_after"] = True
    if name == "Lambda":
        config = _lambda(config)
    if name == "MultiHeadAttention":
        config = {k: v for k, v in config.items() if k not in ("query_shape", "key_shape", "value_shape",
                  "softmax_robust_masking")}  # fmt: skip
    if _module(name, "initializers") == "keras.initializers" and space != "layers":
        config.pop("dtype", None)
        if config.get("distribution") == "normal":
            config["distribution"] = "truncated_normal"
    if space == "optimizers" or _module(name, None) == "keras.optimizers":
        config = optimizer_arguments(config)
    return name, config


def _lambda(config: dict[str, Any]) -> dict[str, Any]:
    """A Lambda's function by its name; what was bytecode becomes the mark that the codec refuses."""
    out = {k: v for k, v in config.items() if k not in ("function_type", "module", "output_shape_type",
           "output_shape_module")}  # fmt: skip
    for key in ("function", "output_shape"):
        value, kind = out.get(key), config.get("function_type" if key == "function" else "output_shape_type")
        if kind == "lambda" or (key == "function" and isinstance(value, list)):
            out[key] = {"class_name": "__lambda__", "config": {}}
        elif kind == "function" or (key == "function" and isinstance(value, str)):
            out[key] = {"module": None, "class_name": "function", "config": value, "registered_name": value}
    return out


def optimizer_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an optimizer of Keras 1 and 2 under their present names; `decay` becomes a schedule."""
    config = {k: v for k, v in config.items() if k not in _DROPPED}
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    decay = config.pop("decay", 0) or 0
    config.pop("schedule_decay", None)
    if decay and isinstance(config.get("learning_rate"), int | float):
        schedule = {"initial_learning_rate": config["learning_rate"], "decay_steps": 1, "decay_rate": decay}
        config["learning_rate"] = {
            "module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "config": schedule,
            "registered_name": None,
        }  # fmt: skip
    if config.get("epsilon", 0) is None:
        del config["epsilon"]
    return config


def compile_config(training: Any, label: str) -> dict[str, Any]:
    """`compile` arguments of an old file's `training_config`.

    Raises:
        SerializationError: if it is none.
    """
    if not isinstance(training, dict):
        raise SerializationError(f"{label}: training_config must be a dict, got {type(training).__name__}.")
    optimizer = training.get("optimizer_config")
    if optimizer is not None and not (
        isinstance(optimizer, dict) and isinstance(optimizer.get("class_name"), str)
    ):
        raise SerializationError(f"{label}: optimizer_config does not describe an optimizer.")
    if optimizer is not None:
        name = optimizer["class_name"]
        if name.islower():  # Keras 1 wrote "adam"
            names = {n.lower(): n for s, n in _homes() if s == "optimizers"}
            optimizer = {**optimizer, "class_name": names.get(name, name)}
        optimizer = _entry(optimizer, "optimizers", 0)
    out = {"optimizer": optimizer}
    for key in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        out[key] = _metric(_value(training.get(key), key, 0))
    if training.get("sample_weight_mode"):
        raise SerializationError(
            f"{label}: sample_weight_mode is not supported: give weights of the targets' shape."
        )
    for key in ("run_eagerly", "steps_per_execution", "jit_compile"):
        if key in training:
            out[key] = training[key]
    return out


def _metric(value: Any) -> Any:
    """Metrics that Keras 2 made from a function's name go by that name again; a list for one output is flat."""
    if isinstance(value, dict) and value.get("class_name") in ("MeanMetricWrapper", "LossFunctionWrapper"):
        config = value.get("config")
        fn = config.get("fn") if isinstance(config, dict) else None
        return fn if isinstance(fn, str) else value
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _metric(v) for k, v in value.items()}
    if isinstance(value, list):
        inner = [_metric(v) for v in value]
        return inner[0] if len(inner) == 1 and isinstance(inner[0], list) else inner
    return value


def read_json(text: str, label: str, what: str) -> Any:
    """JSON from a file, refused in Lamina's words where it is broken or nested too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{label}: {what} is not valid JSON ({error!s:.200}).") from None
