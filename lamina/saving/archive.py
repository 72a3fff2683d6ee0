"""The `.keras` archive: a zip of metadata.json, config.json and model.weights.h5. Members are read, never extracted."""

from __future__ import annotations

import datetime
import io
import json
import pathlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from lamina.core.codec import deserialize, serialize
from lamina.errors import SerializationError
from lamina.saving import assets, weights
from lamina.saving.atomic import writing

MAX_JSON = 64 << 20  # bytes of a config; the largest real ones have a few hundred kilobytes
MAX_RATIO = 200  # how far a member may grow when it is unpacked
_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
FORMAT = "3.15.0"  # the version of Keras whose layout is written


def save(model: Any, path: Any, overwrite: bool = True) -> None:
    """Write a model: its architecture, weights and training state.

    Args:
        model: A model.
        path: The file; its name ends in ".keras".
        overwrite: Whether a file that is there may be replaced.
    """
    metadata = {"keras_version": FORMAT, "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}
    config = json.dumps(serialize(model))
    with (
        writing(path, overwrite) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("config.json", config)
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            weights.write(model, file)
        archive.writestr("model.weights.h5", buffer.getbuffer())
        assets.write(model, archive)


def load(path: Any, custom_objects: Any = None, compile: bool = True) -> Any:
    """Read a model.

    Args:
        path: The file.
        custom_objects: Name -> class or function, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.

    Returns:
        The model.

    Raises:
        SerializationError: if the file breaks a rule of the loader, or does not hold together.
    """
    label = pathlib.Path(path).name
    with _opened(path) as archive:
        config = _json(archive, "config.json", label)
        _json(archive, "metadata.json", label)
        if not isinstance(config, dict):
            raise SerializationError(f"{label}: config.json does not describe a model.")
        if not compile:
            config.pop("compile_config", None)
        model = deserialize(config, custom_objects, where=label)
        if "model.weights.h5" in archive.namelist():
            data = io.BytesIO(_member(archive, "model.weights.h5", label))
            with weights.open_h5(data) as file:
                trained = compile and getattr(model, "optimizer", None) is not None and "optimizer" in file
                if trained and not model.optimizer.built:
                    model.optimizer.build(model.trainable_variables)
                weights.read(model, file, label, with_optimizer=trained)
        assets.read(model, archive, lambda name: _member(archive, name, label), label)
    return model


@contextmanager
def opened_weights(path: Any) -> Iterator[h5py.File]:
    """The weights file inside an archive."""
    with _opened(path) as archive:
        data = io.BytesIO(_member(archive, "model.weights.h5", pathlib.Path(path).name))
        with weights.open_h5(data) as file:
            yield file


@contextmanager
def _opened(path: Any) -> Iterator[zipfile.ZipFile]:
    label = pathlib.Path(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            unknown = [n for n in names if n not in _MEMBERS and not n.startswith("assets/")]
            if unknown or len(set(names)) != len(names):
                raise SerializationError(
                    f"{label}: the archive holds unexpected members: {unknown[:5] or names[:5]}."
                )
            if "config.json" not in names:
                raise SerializationError(
                    f"{label}: the archive has no config.json, so it is not a .keras file."
                )
            yield archive
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
            raise
        raise SerializationError(f"{label}: not a readable .keras file ({error}).") from None


def _member(archive: zipfile.ZipFile, name: str, label: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise SerializationError(f"{label}: the archive has no {name}.") from None
    if info.flag_bits & 1:
        raise SerializationError(f"{label}: {name} is encrypted.")
    limit = max(info.compress_size * MAX_RATIO, 1 << 20) if info.compress_type else info.compress_size
    if info.file_size > limit or (name.endswith(".json") and info.file_size > MAX_JSON):
        raise SerializationError(
            f"{label}: {name} would unpack to {info.file_size} bytes, more than its size allows."
        )
    try:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise SerializationError(f"{label}: {name} is damaged ({error}).") from None
    if len(data) > info.file_size:
        raise SerializationError(f"{label}: {name} is longer than it declares.")
    return data


def _json(archive: zipfile.ZipFile, name: str, label: str) -> Any:
    try:
        return json.loads(_member(archive, name, label))
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{label}: {name} is not valid JSON ({error}).") from None
