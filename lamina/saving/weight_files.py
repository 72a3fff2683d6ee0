"""Weights to and from files, by what the file is."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from lamina.errors import NoSuchFile, SerializationError
from lamina.kernel.tracebacks import folds_frames
from lamina.saving import archive, hdf5, sources, weights
from lamina.saving.atomic import may_replace, writing
from lamina.saving.checksum import check_sha256
from lamina.saving.legacy import weights as by_layer

_ENDINGS = ".weights.h5, .safetensors, .npz, .h5, .hdf5 or .weights.json"


@folds_frames
def save_weights(
    model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Write the weights of a model.

    Args:
        model: A built model or layer.
        filepath: Its name says the format: ".weights.h5", ".safetensors", ".npz", or ".weights.json" for shards beside
            an index.
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
    path = pathlib.Path(filepath)
    if path.name.endswith(".weights.json") or max_shard_size is not None:
        _save_shards(model, path, overwrite, max_shard_size, skip)
        return
    if not path.name.endswith((".weights.h5", ".safetensors", ".npz")):
        hint = ""
        if path.suffix in (".h5", ".hdf5"):
            hint = f" For a whole model in the old format: model.save({path.name!r})."
        raise ValueError(
            f"The file name must end in '.weights.h5', '.safetensors', '.npz' or '.weights.json', got {path.name!r}.{hint}"
        )
    may_replace(path, overwrite)
    with writing(path) as temporary:
        if path.suffix == ".h5":
            with h5py.File(temporary, "w") as file:
                weights.write(model, file, with_optimizer=False, skip=skip)
            return
        tensors = {
            sources.key_of(p): value for p, value in weights.written(model, with_optimizer=False, skip=skip)
        }
        if path.suffix == ".npz":
            _refuse_narrow(tensors)
            with open(temporary, "wb") as file:
                np.savez(file, **tensors)  # pyright: ignore[reportArgumentType]  # its stub mixes up names and arrays
        else:
            _write_safetensors(model, temporary, skip)


def _write_safetensors(model: Any, path: pathlib.Path, skip: Any) -> None:
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
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, value in weights.written(model, with_optimizer=False, skip=skip):
            file.write(np.ascontiguousarray(value).tobytes())


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


def _save_shards(model: Any, path: pathlib.Path, overwrite: bool, size: float | None, skip: Any) -> None:
    size = 10.0 if size is None else size
    if not isinstance(size, int | float) or size <= 0:
        raise ValueError(f"`max_shard_size` must be a positive number of GB, got {size!r}.")
    if not path.name.endswith((".weights.h5", ".weights.json")):
        raise ValueError(f"Sharded weights go to a name that ends in '.weights.json', got {path.name!r}.")
    stem = path.name.removesuffix(".json").removesuffix(".h5").removesuffix(".weights")
    index = path.with_name(f"{stem}.weights.json")
    may_replace(index, overwrite)
    parts: list[list[tuple[str, np.ndarray]]] = [[]]
    places: dict[str, list[str]] = {}
    total, room = 0, size * 2**30
    number = -1

    def flush() -> None:
        nonlocal number
        number += 1
        with writing(index.with_name(_shard(stem, number))) as temporary, h5py.File(temporary, "w") as file:
            for p, value in parts[-1]:
                owner, _, name = p.rpartition("/")
                hdf5.write_tensor(file.require_group(owner), name, value)
        parts[-1] = []

    filled = 0
    for p, value in weights.written(model, with_optimizer=False, skip=skip):
        if parts[-1] and filled + value.nbytes > room:
            flush()
            filled = 0
        parts[-1].append((p, value))
        filled, total = filled + value.nbytes, total + value.nbytes
        files = places.setdefault("/" + p.rpartition("/")[0], [])
        if _shard(stem, number + 1) not in files:
            files.append(_shard(stem, number + 1))
    flush()
    with writing(index) as temporary:
        temporary.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": places}, indent=4))


def _shard(stem: str, number: int) -> str:
    return f"{stem}_{number:05d}.weights.h5"


# -- reading -----------------------------------------------------------------------------------------------------------


@folds_frames
def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Read the weights of a model.

    Args:
        model: A built model or layer.
        filepath: A `.weights.h5`, `.keras`, `.safetensors`, `.npz`, `.weights.json` or old `.h5` file, or a folder that
            `save_model(zipped=False)` made.
        skip_mismatch: Whether to leave out what does not fit, with a warning that lists it.
        **kwargs: `by_name` (find layers by their names: old `.h5` files only), `objects_to_skip` (layers, or names of
            layers, that stay as they are), `sha256` (the file's checksum, compared before anything is read).

    Raises:
        SerializationError: if names or shapes differ (all differences are listed), or the file breaks a rule.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_weights(model, "model.weights.h5")
        >>> lamina.saving.load_weights(model, "model.weights.h5")
    """
    by_name, skip = kwargs.pop("by_name", False), kwargs.pop("objects_to_skip", None)
    expected = kwargs.pop("sha256", None)
    if kwargs:
        raise TypeError(f"load_weights got unknown arguments: {', '.join(kwargs)}.")
    model._needs_built("load_weights")
    path = pathlib.Path(filepath)
    check_sha256(path, expected)
    if path.suffix in (".h5", ".hdf5") and path.is_file():
        with hdf5.opened(path, path.name) as file:
            if by_layer.is_legacy(file):
                by_layer.read(model, file, path.name, by_name=by_name, skip_mismatch=skip_mismatch, skip=skip)
                return
    if by_name:
        raise ValueError(
            f"`by_name=True` reads old .h5 files that list weights by layer; {path.name!r} is none. Pass skip_mismatch=True to "
            "load what fits."
        )
    with opened_source(path) as source:
        weights.read(model, source, path.name, skip_mismatch=skip_mismatch, skip=skip, with_optimizer=False)


@contextmanager
def opened_source(path: pathlib.Path) -> Iterator[Any]:
    """The tensors of a file of weights, by its ending.

    Raises:
        FileNotFoundError: if there is no such file.
        SerializationError: if the file is not what its name says.
        ValueError: if the ending says nothing.
    """
    if path.is_dir():
        with archive.opened_weights(path) as file:
            yield file
        return
    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.")
    if path.name.endswith(".safetensors"):
        with _safetensors(path) as source:
            yield source
    elif path.name.endswith(".npz"):
        with sources.damaged_zip(path.name, "the archive"):
            opened = zipfile_of(path)
        with opened:
            yield sources.Npz(opened, path.name)
    elif path.name.endswith(".json"):
        with sources.opened_shards(path) as source:
            yield source
    elif path.name.endswith(".keras"):
        with archive.opened_weights(path) as file:
            yield file
    elif path.suffix in (".h5", ".hdf5"):
        with hdf5.opened(path, path.name) as file:
            yield hdf5.TensorFile(file, path.name)
    else:
        raise ValueError(f"Weights lie in files that end in {_ENDINGS} or .keras, got {path.name!r}.")


def zipfile_of(path: pathlib.Path) -> Any:
    import zipfile

    return zipfile.ZipFile(path)


@contextmanager
def _safetensors(path: pathlib.Path) -> Iterator[sources.Safetensors]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            yield sources.Safetensors(file, path.name)
    except SafetensorError as error:
        raise SerializationError(f"{path.name}: not a readable safetensors file ({error}).") from None


__all__ = ["load_weights", "opened_source", "save_weights"]
