"""The `.keras` model: metadata.json, config.json, model.weights.h5 and assets, in a zip or a folder."""

from __future__ import annotations

import datetime
import json
import pathlib
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina.core.codec import check_depth, deserialize, serialize
from lamina.core.sharing import sharing
from lamina.errors import SerializationError
from lamina.saving import assets, hdf5, weights
from lamina.saving.atomic import writing, writing_folder
from lamina.saving.members import NAMES, WEIGHTS, opened
from lamina.saving.report import build_optimizer, naming
from lamina.saving.window import zip_of_one

FORMAT = "3.15.0"  # the version of Keras whose layout is written


def save(model: Any, target: Any, zipped: bool = True, include_optimizer: bool = True) -> None:
    """Write a model: its architecture, weights and training state.

    Args:
        model: A model.
        target: A path, or a file-like object that is open for writing.
        zipped: Whether into one file, or into a folder.
        include_optimizer: Whether to write the optimizer's state.
    """
    config = _config(model)

    def fill(file: Any) -> None:
        with hdf5.created(file) as tensors:
            weights.write(model, tensors, with_optimizer=include_optimizer)

    if not zipped:
        with writing_folder(target, NAMES | {"assets"}) as folder:
            with open(folder / WEIGHTS, "w+b") as file:
                fill(file)
            _write(model, config, _Folder(folder))
    elif hasattr(target, "write"):
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive, tempfile.TemporaryFile() as buffer:
            fill(buffer)  # the weights go through a nameless file, not through memory
            buffer.seek(0)
            with archive.open(WEIGHTS, "w", force_zip64=True) as member:
                shutil.copyfileobj(buffer, member, 1 << 20)
            _write(model, config, archive)
    else:
        with writing(target) as temporary, open(temporary, "w+b") as file:
            zip_of_one(file, WEIGHTS, fill)
            with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
                _write(model, config, archive)


def _config(model: Any) -> str:
    with sharing() as met:
        config = json.dumps(serialize(model))
    if met.lambdas:
        warnings.warn(
            "The model holds Python lambdas, whose code no file holds. To load it, pass the functions: "
            f"custom_objects={{{', '.join(f'{name!r}: ...' for name in met.lambdas)}}}.",
            stacklevel=5,
        )
    return config


def _write(model: Any, config: str, archive: Any) -> None:
    """Everything but the weights."""
    metadata = {"keras_version": FORMAT, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    archive.writestr("metadata.json", json.dumps(metadata))
    archive.writestr("config.json", config)
    assets.write(model, archive)


class _Folder:
    """A folder that is written like a zip."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder

    def writestr(self, name: str, data: Any) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else bytes(data))


def load(source: Any, label: str, custom_objects: Any = None, compile: bool = True) -> Any:
    """Read a model.

    Args:
        source: A path of a file or folder, or a file-like object.
        label: Its name, for errors.
        custom_objects: Name -> class or function, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.

    Returns:
        The model.

    Raises:
        SerializationError: if the file breaks a rule of the loader, or does not hold together.
    """
    with naming(label), opened(source, label) as parts:
        config = parts.json("config.json")
        if "metadata.json" in parts.namelist():
            parts.json("metadata.json")
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            raise SerializationError(f"{label}: config.json does not describe a model.")
        check_depth(config, label)
        if not compile:
            config.pop("compile_config", None)
        model = deserialize(config, custom_objects, where=label)
        if not hasattr(model, "_layer_state"):
            raise SerializationError(f"{label}: config.json describes a {type(model).__name__}, not a model.")
        with _h5(parts, label) as tensors:
            trained = _trained(model, config, tensors, label) if compile else False
            if trained:
                build_optimizer(model, label)
            weights.read(model, tensors, label, with_optimizer=trained)
        assets.read(model, parts, parts.read, label)  # pyright: ignore[reportArgumentType]  # it lists its names
    return model


def _trained(model: Any, config: dict[str, Any], tensors: hdf5.TensorFile, label: str) -> bool:
    """Whether the optimizer's state is to be read."""
    if getattr(model, "optimizer", None) is None or "optimizer" not in tensors.groups:
        return False
    compiled = config.get("compile_config")
    if (
        isinstance(compiled, dict) and "optimizer" not in compiled
    ):  # Keras writes that after a file in the old format
        warnings.warn(
            f"{label}: the file holds the state of an optimizer, but not which one: it was left out, and the model has "
            f"{type(model.optimizer).__name__}. Compile it before training.",
            stacklevel=5,
        )
        return False
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    if compiled is None and not _holds(
        tensors, model.optimizer
    ):  # the class compiles itself, and may do it otherwise
        warnings.warn(
            f"{label}: the file holds the state of another optimizer than the {type(model.optimizer).__name__} that "
            f"{type(model).__name__} compiles itself with, and not which one: it was left out. Compile the model before "
            "training.",
            stacklevel=5,
        )
        return False
    return True


def _holds(tensors: hdf5.TensorFile, optimizer: Any) -> bool:
    """Whether the file has the state of such an optimizer."""
    found = {p: tuple(tensors.tensors[p].shape) for p in tensors.below("optimizer/vars")}
    return found == {f"optimizer/vars/{i}": tuple(v.shape) for i, v in enumerate(optimizer.variables)}


@contextmanager
def _h5(parts: Any, label: str) -> Iterator[hdf5.TensorFile]:
    with parts.weights() as data, hdf5.opened(data, label) as file:
        yield hdf5.TensorFile(file, label)


@contextmanager
def opened_weights(source: Any, label: str) -> Iterator[hdf5.TensorFile]:
    """The tensors inside a `.keras` file, folder, or file-like object."""
    with opened(source, label) as parts, _h5(parts, label) as tensors:
        yield tensors
