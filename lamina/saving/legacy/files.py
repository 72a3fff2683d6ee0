"""Whole models in one HDF5 file: config and compile arguments in attributes, weights by layer, optimizer state."""

from __future__ import annotations

import json
import warnings
from typing import Any

import h5py

from lamina import losses
from lamina.core import codec
from lamina.core.registry import CustomObjectScope
from lamina.errors import SerializationError
from lamina.kernel.context import real_kernel
from lamina.saving import attributes, hdf5
from lamina.saving.atomic import writing
from lamina.saving.legacy import configs, optimizer
from lamina.saving.legacy import weights as by_layer
from lamina.saving.report import naming


def load(source: Any, label: str, custom_objects: Any = None, compile: bool = True) -> Any:
    """Read a whole model.

    Args:
        source: A path or a file-like object.
        label: Its name, for errors.
        custom_objects: Name -> class or function, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.

    Returns:
        The model.

    Raises:
        SerializationError: if the file breaks a rule of the loader, or holds no model.
    """
    with naming(label), hdf5.opened(source, label) as file, CustomObjectScope(custom_objects or {}):
        text = attributes.text(file, "model_config", label)
        if text is None:
            hint = (
                "weights of single layers: `model.load_weights`"
                if by_layer.is_legacy(file)
                else "no Keras model"
            )
            raise SerializationError(f"{label}: the file has no model_config; it holds {hint}.")
        config = configs.upgraded(configs.read_json(text, label, "model_config"), label)
        model = codec.deserialize(config, where=label)
        if not hasattr(model, "_layer_state"):
            raise SerializationError(
                f"{label}: model_config describes a {type(model).__name__}, not a model."
            )
        by_layer.read(model, file, label)
        training = attributes.text(file, "training_config", label) if compile else None
        if training is not None:
            _compile(model, file, configs.read_json(training, label, "training_config"), label)
    return model


def _compile(model: Any, file: h5py.File, training: Any, label: str) -> None:
    arguments = configs.compile_config(training, label)
    try:
        model.compile_from_config(arguments)
    except SerializationError as error:
        raise SerializationError(
            f"{label}: training_config: {error} Or load the model with compile=False."
        ) from None
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise SerializationError(
            f"{label}: training_config: the model cannot be compiled as it was: {error} Load it with compile=False."
        ) from error
    if model.optimizer is not None:
        optimizer.read(model, file, label)


def save(model: Any, path: Any, version: str, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Write a whole model, as Keras 3 reads it; a format of the past, which the warning says.

    Args:
        model: A Functional or Sequential model.
        path: The file; its name ends in ".h5" or ".hdf5".
        version: The version of Keras whose layout this is.
        overwrite: Whether a file that is there may be replaced.
        include_optimizer: Whether to write the optimizer's state.

    Raises:
        NotImplementedError: for a model that is no graph of layers.
    """
    if not (model.__dict__.get("_stack") or model.__dict__.get("_operations")):  # no graph of layers
        raise NotImplementedError(
            f"{type(model).__name__} {model.name!r}: only Functional and Sequential models can be written in the old HDF5 "
            "format. Save it as '.keras', or its weights with `save_weights`."
        )
    warnings.warn(
        "The HDF5 format for whole models is legacy: it has no dtype policies of quantized layers, assets or checks. "
        "Save as '.keras' instead: model.save('model.keras').",
        stacklevel=4,
    )
    config = _plain(codec.serialize(model), True)
    with writing(path, overwrite) as temporary, hdf5.created(temporary) as file:
        backend = real_kernel().name
        file.attrs["keras_version"], file.attrs["backend"] = version, backend
        file.attrs["model_config"] = json.dumps(config)
        by_layer.write(model, file.create_group("model_weights"), version, backend)
        if include_optimizer and model.get_compile_config() is not None:
            _write_training(model, file)


def save_weights(model: Any, path: Any, version: str) -> None:
    """Write the weights alone, listed by layer, as Keras 1 and 2 did and read them.

    Args:
        model: A built model.
        path: The file.
        version: The version of Keras that the file names.
    """
    model._needs_built("save_weights")
    with writing(path) as temporary, h5py.File(temporary, "w") as file:
        by_layer.write(model, file, version, real_kernel().name)


def _write_training(model: Any, file: h5py.File) -> None:
    training = model.get_compile_config()
    kept = (
        "loss",
        "loss_weights",
        "metrics",
        "weighted_metrics",
        "run_eagerly",
        "steps_per_execution",
        "jit_compile",
    )
    out = {key: training.get(key) for key in kept}
    out["loss"] = _long_names(out["loss"])
    out["optimizer_config"] = _class_and_config(training["optimizer"]) if training.get("optimizer") else None
    file.attrs["training_config"] = json.dumps(out)
    if model.optimizer is not None and model.optimizer.built:
        named = [(v.path, v) for v in model.optimizer.variables]
        by_layer.write_tensors(file.create_group("optimizer_weights"), named)


def _long_names(loss: Any) -> Any:
    """Losses by their full names: Keras does not find "mse" and its kin in a file of the old format."""
    if isinstance(loss, str):
        return getattr(losses.get(loss), "__name__", loss)
    if isinstance(loss, list):
        return [_long_names(one) for one in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: _long_names(one) for name, one in loss.items()}
    return loss


def _class_and_config(entry: dict[str, Any]) -> dict[str, Any]:
    registered = entry.get("registered_name")
    name = registered if isinstance(registered, str) and ">" in registered else entry["class_name"]
    return {"class_name": name, "config": entry["config"]}


def _plain(entry: dict[str, Any], model: bool = False) -> dict[str, Any]:
    """A layer's or operation's entry as old files have it: class and config alone, and so for what is in a model."""
    out = _class_and_config(entry) | {k: entry[k] for k in ("name", "inbound_nodes") if k in entry}
    config = entry["config"]
    if isinstance(config.get("layers"), list):
        out["config"] = {**config, "layers": [_plain(v) for v in config["layers"]]}
    return out
