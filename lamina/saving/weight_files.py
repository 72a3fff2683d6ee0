"""Weights to and from files, by what the file is."""

from __future__ import annotations

import json
import pathlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lamina.core.limits import limited
from lamina.errors import NoSuchFile, SerializationError
from lamina.kernel.tracebacks import folds_frames
from lamina.saving import archive, checkpoints, hdf5, members, shards, sources, weights
from lamina.saving.atomic import may_replace, writing
from lamina.saving.checksum import check_sha256
from lamina.saving.legacy import weights as by_layer
from lamina.saving.report import naming

_HDF5 = b"\x89HDF\r\n\x1a\n"
_WRITTEN = (".weights.h5", ".safetensors", ".npz")
_ENDINGS = ".weights.h5, .safetensors, .npz, .h5, .hdf5 or .weights.json"


@folds_frames
def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Write the weights of a model.

    Args:
        model: A built model or layer.
        filepath: Its name says the format: ".weights.h5", ".safetensors", ".npz", or ".weights.json" for shards beside
            an index. Or a file-like object that is open for writing bytes: it gets the format of its `name`, HDF5 if
            that says nothing.
        overwrite: Whether a file that is there may be replaced; False asks (an error without a terminal).
        max_shard_size: The greatest size of one file in GB; more is split into several, beside a JSON index.
        **kwargs: `objects_to_skip` (layers, or names of layers, that are not written).

    Raises:
        ValueError: if the name has another ending, or the model is not built.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_weights(model, "model.safetensors")
    """
    skip = kwargs.pop("objects_to_skip", None)
    if kwargs:
        raise TypeError(f"save_weights got unknown arguments: {', '.join(kwargs)}.")
    model._needs_built("save_weights")
    if hasattr(filepath, "write"):
        if max_shard_size is not None:
            raise ValueError(
                "Shards are several files: give the name of their index, not a file-like object."
            )
        _write_into(model, filepath, skip)
        return
    path = pathlib.Path(filepath)
    if path.name.endswith(".weights.json") or max_shard_size is not None:
        shards.save(model, path, overwrite, max_shard_size, skip)
        return
    if not path.name.endswith(_WRITTEN):
        hint = ""
        if path.suffix in (".h5", ".hdf5"):
            hint = f" For a whole model in the old format: model.save({path.name!r})."
        raise ValueError(
            f"The file name must end in '.weights.h5', '.safetensors', '.npz' or '.weights.json', got {path.name!r}.{hint}"
        )
    may_replace(path, overwrite)
    with writing(path) as temporary:
        if path.suffix == ".h5":
            _write(model, temporary, ".h5", skip)
        else:
            with open(temporary, "wb") as file:
                _write(model, file, path.suffix, skip)


def _write_into(model: Any, target: Any, skip: Any) -> None:
    """Write into an open file; by way of a nameless one, since HDF5 goes back and forth."""
    name = str(getattr(target, "name", ""))
    with tempfile.TemporaryFile() as buffer:
        _write(model, buffer, pathlib.Path(name).suffix if name.endswith(_WRITTEN) else ".h5", skip)
        buffer.seek(0)
        shutil.copyfileobj(buffer, target, 1 << 20)


def _write(model: Any, target: Any, suffix: str, skip: Any) -> None:
    """Write one file in the format of a suffix, to a path (HDF5 alone) or into an open file."""
    if suffix == ".h5":
        with hdf5.created(target) as file:
            weights.write(model, file, with_optimizer=False, skip=skip)
    elif suffix == ".npz":
        tensors = {
            sources.key_of(p): value for p, value in weights.written(model, with_optimizer=False, skip=skip)
        }
        _refuse_narrow(tensors)
        np.savez(target, **tensors)  # pyright: ignore[reportArgumentType]  # its stub mixes up names and arrays
    else:
        _write_safetensors(model, target, skip)


def _write_safetensors(model: Any, file: Any, skip: Any) -> None:
    """A header with all places, then the tensors one after the other: the library's own writer wants all at once."""
    names = {np.dtype(sources.dtype_of(word)): word for word in sources.SAFETENSORS}
    header: dict[str, Any] = {}
    at = 0
    for p, value in weights.written(model, with_optimizer=False, skip=skip):
        if value.dtype not in names:
            raise ValueError(
                f"The .safetensors format has no dtype for {p} ({value.dtype}). Use '.weights.h5'."
            )
        header[sources.key_of(p)] = {
            "dtype": names[value.dtype], "shape": list(value.shape), "data_offsets": [at, at + value.nbytes],
        }  # fmt: skip
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for _, value in weights.written(model, with_optimizer=False, skip=skip):
        file.write(np.ascontiguousarray(value).reshape(-1).view(np.uint8))


def _refuse_narrow(tensors: dict[str, np.ndarray]) -> None:
    narrow = [
        key
        for key, value in tensors.items()
        if value.dtype.kind == "V" or value.dtype.name.startswith(("bf", "float8"))
    ]
    if narrow:
        raise ValueError(
            f"The .npz format has no dtype for {narrow[0]} ({tensors[narrow[0]].dtype}). Use '.safetensors' or '.weights.h5'."
        )


# -- reading -----------------------------------------------------------------------------------------------------------


@folds_frames
def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Read the weights of a model.

    Args:
        model: A built model or layer.
        filepath: A `.weights.h5`, `.keras`, `.safetensors`, `.npz`, `.weights.json` or old `.h5` file, or a folder that
            `save_model(zipped=False)` or `OrbaxCheckpoint` made. Or a file-like object that is open for reading bytes, with any of these in
            it but an index.
        skip_mismatch: Whether to leave out what does not fit, with a warning that lists it.
        **kwargs: `by_name` (find layers by their names: old `.h5` files only), `objects_to_skip` (layers, or names of
            layers, that stay as they are), `sha256` (the file's checksum, compared before anything is read), `limits` (the
            budgets of the loader, see `Limits`).

    Raises:
        SerializationError: if names or shapes differ (all differences are listed), or the file breaks a rule.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_weights(model, "model.weights.h5")
        >>> lamina.saving.load_weights(model, "model.weights.h5")
    """
    by_name, skip = kwargs.pop("by_name", False), kwargs.pop("objects_to_skip", None)
    expected, limits = kwargs.pop("sha256", None), kwargs.pop("limits", None)
    if kwargs:
        raise TypeError(f"load_weights got unknown arguments: {', '.join(kwargs)}.")
    model._needs_built("load_weights")
    given = filepath if hasattr(filepath, "read") else pathlib.Path(filepath)
    label = str(getattr(given, "name", "the file"))
    with limited(limits), naming(label):
        check_sha256(given, expected)
        if isinstance(given, pathlib.Path) and checkpoints.is_checkpoint(given):
            checkpoints.load_weights(model, given, skip_mismatch=skip_mismatch, skip=skip)
            return
        if _is_hdf5(given, label):
            with hdf5.opened(given, label) as file:
                if by_layer.is_legacy(file):
                    by_layer.read(model, file, label, by_name=by_name, skip_mismatch=skip_mismatch, skip=skip)
                    return
        if by_name:
            raise ValueError(
                f"`by_name=True` reads old .h5 files that list weights by layer; {label!r} is none. Pass skip_mismatch=True "
                "to load what fits."
            )
        with (
            opened_source(given)
            if isinstance(given, pathlib.Path)
            else _opened_object(given, label) as source
        ):
            weights.read(model, source, label, skip_mismatch=skip_mismatch, skip=skip, with_optimizer=False)


def _is_hdf5(given: Any, label: str) -> bool:
    if isinstance(given, pathlib.Path):
        return given.suffix in (".h5", ".hdf5") and given.is_file()
    return _start(given, label).startswith(_HDF5)


def _start(file: Any, label: str) -> bytes:
    """The first bytes of an open file, which stays at its beginning."""
    if not hasattr(file, "seek"):
        raise ValueError(f"{label}: a file-like object must be one that can be read at any place (`seek`).")
    file.seek(0)
    start = file.read(32)
    file.seek(0)
    if not isinstance(start, bytes):
        raise ValueError(
            f"{label}: the file-like object gives {type(start).__name__}, not bytes: open it in mode 'rb'."
        )
    return start


@contextmanager
def _opened_object(file: Any, label: str) -> Iterator[Any]:
    """The tensors in an open file, by its content.

    Raises:
        SerializationError: if it holds no weights.
    """
    start = _start(file, label)
    if start.startswith(_HDF5):
        with hdf5.opened(file, label) as opened:
            yield hdf5.TensorFile(opened, label)
    elif start.startswith(b"PK"):
        with sources.damaged_zip(label, "the archive"):
            archived = zipfile.ZipFile(file)
        with archived:
            names = archived.namelist()
            if members.WEIGHTS not in names:
                yield sources.Npz(archived, label)
                return
        with archive.opened_weights(file, label) as opened:
            yield opened
    elif start[8:9] == b"{":
        yield sources.Safetensors(file, label)
    else:
        raise SerializationError(f"{label}: this is {members.kind_of(start)}, not a file of weights.")


@contextmanager
def opened_source(path: pathlib.Path) -> Iterator[Any]:
    """The tensors of a file of weights, by its ending.

    Raises:
        FileNotFoundError: if there is no such file.
        SerializationError: if the file is not what its name says.
        ValueError: if the ending says nothing.
    """
    if path.is_dir():
        with archive.opened_weights(path, path.name) as file:
            yield file
        return
    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.")
    if path.name.endswith(".safetensors"):
        with open(path, "rb") as file:
            yield sources.Safetensors(file, path.name, mapped=True)
    elif path.name.endswith(".npz"):
        with sources.damaged_zip(path.name, "the archive"):
            opened = zipfile.ZipFile(path)
        with opened:
            yield sources.Npz(opened, path.name)
    elif path.name.endswith(".json"):
        with sources.opened_shards(path) as source:
            yield source
    elif path.name.endswith(".keras"):
        with archive.opened_weights(path, path.name) as file:
            yield file
    elif path.suffix in (".h5", ".hdf5"):
        with hdf5.opened(path, path.name) as file:
            yield hdf5.TensorFile(file, path.name)
    else:
        raise ValueError(f"Weights lie in files that end in {_ENDINGS} or .keras, got {path.name!r}.")


__all__ = ["load_weights", "opened_source", "save_weights"]
