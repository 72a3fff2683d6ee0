"""Weights: written and read by the paths of their layers, compared by name and shape before a number is read."""

from __future__ import annotations

import pathlib
from typing import Any

import h5py
import numpy as np

from lamina.errors import SerializationError
from lamina.saving import hdf5
from lamina.saving.atomic import writing
from lamina.saving.tree import Place, places


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: Any = None) -> None:
    """Write the weights of a model.

    Args:
        model: A built model or layer.
        filepath: Its name ends in ".weights.h5" or ".safetensors".
        overwrite: Whether a file that is there may be replaced.
        max_shard_size: Splitting is not there yet; a value raises an error.

    Raises:
        ValueError: if the name has another ending, or the model is not built.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_weights(model, "model.safetensors")
    """
    if max_shard_size is not None:
        raise NotImplementedError(
            "Splitting weights into several files (`max_shard_size`) is not supported yet."
        )
    model._needs_built("save_weights")
    path = pathlib.Path(filepath)
    if path.name.endswith(".safetensors"):
        from safetensors.numpy import save_file

        tensors = {key: np.ascontiguousarray(v.numpy()) for key, v in _keyed(model).items()}
        with writing(path, overwrite) as temporary:
            save_file(tensors, temporary)
        return
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"The file name must end in '.weights.h5' or '.safetensors', got {path.name!r}.")
    with writing(path, overwrite) as temporary, h5py.File(temporary, "w") as file:
        write(model, file, with_optimizer=False)


def _keyed(model: Any) -> dict[str, Any]:
    """Flat names for a file that has no groups: the place of the layer and of the variable in it."""
    return {
        f"{place.path}/{i}" if place.path else str(i): v
        for place in _wanted(model, with_optimizer=False)
        for i, v in enumerate(place.variables)
    }


def _wanted(model: Any, *, with_optimizer: bool) -> list[Place]:
    return [p for p in places(model) if with_optimizer or p.path.split("/")[0] != "optimizer"]


def write(model: Any, file: h5py.Group, *, with_optimizer: bool = True) -> None:
    """Write all variables into an open file in the layout of Keras 3."""
    for place in _wanted(model, with_optimizer=with_optimizer):
        group = file.require_group(f"{place.path}/vars" if place.path else "vars")
        group.attrs["name"] = getattr(place.owner, "name", "")
        store = _Writer(group)
        if hasattr(place.owner, "save_own_variables"):
            place.owner.save_own_variables(store)
        else:
            for i, v in enumerate(place.variables):
                store[str(i)] = v.numpy()


class _Writer:
    """What `save_own_variables` writes into."""

    def __init__(self, group: h5py.Group) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        hdf5.write_tensor(self._group, key, value)

    def keys(self) -> Any:
        return self._group.keys()


class _Reader:
    """What `load_own_variables` reads from: the tensors of one object."""

    def __init__(self, file: hdf5.TensorFile, prefix: str) -> None:
        self._file, self._prefix = file, prefix

    def _paths(self) -> dict[str, str]:
        start = f"{self._prefix}/" if self._prefix else ""
        return {p[len(start) :]: p for p in self._file.below(self._prefix) if "/" not in p[len(start) :]}

    def keys(self) -> list[str]:
        return sorted(self._paths(), key=lambda k: (len(k), k))

    def __len__(self) -> int:
        return len(self._paths())

    def __contains__(self, key: str) -> bool:
        return key in self._paths()

    def __getitem__(self, key: str) -> np.ndarray:
        path = self._paths()[key]
        return self._file.read(path, tuple(self._file.tensors[path].shape))


# -- reading -----------------------------------------------------------------------------------------------------------


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Read the weights of a model.

    Args:
        model: A built model or layer.
        filepath: A `.weights.h5`, `.keras` or `.safetensors` file.
        skip_mismatch: Whether to leave out what does not fit, with a warning that lists it.
        **kwargs: `objects_to_skip` (names of layers).

    Raises:
        SerializationError: if names or shapes differ (all differences are listed), or the file breaks a rule.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> lamina.saving.save_weights(model, "model.weights.h5")
        >>> lamina.saving.load_weights(model, "model.weights.h5")
    """
    objects_to_skip = kwargs.pop("objects_to_skip", None)
    if kwargs:
        raise TypeError(f"load_weights got unknown arguments: {', '.join(kwargs)}.")
    model._needs_built("load_weights")
    path = pathlib.Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}.")
    if path.name.endswith(".safetensors"):
        _load_safetensors(model, path, skip_mismatch)
    elif path.name.endswith(".keras"):
        from lamina.saving.archive import opened_weights

        with opened_weights(path) as file:
            read(
                model,
                file,
                path.name,
                skip_mismatch=skip_mismatch,
                skip=objects_to_skip,
                with_optimizer=False,
            )
    else:
        with open_h5(path) as file:
            read(
                model,
                file,
                path.name,
                skip_mismatch=skip_mismatch,
                skip=objects_to_skip,
                with_optimizer=False,
            )


def open_h5(source: Any) -> h5py.File:
    """An HDF5 file for reading.

    Raises:
        SerializationError: if it is none.
    """
    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise SerializationError(
            f"{getattr(source, 'name', source)}: not a readable HDF5 file ({error})."
        ) from None


def read(
    model: Any,
    file: h5py.File,
    label: str,
    *,
    skip_mismatch: bool = False,
    skip: Any = None,
    with_optimizer: bool = True,
) -> None:
    """Read all variables from an open file; nothing is assigned before everything was compared."""
    tensors = hdf5.TensorFile(file, label)
    wanted = [p for p in _wanted(model, with_optimizer=with_optimizer) if _name(p) not in (skip or ())]
    unusual = [p for p in wanted if _own_format(p.owner)]
    plain = [p for p in wanted if not _own_format(p.owner)]
    known = {
        f"{p.path}/vars/{i}" if p.path else f"vars/{i}": v for p in plain for i, v in enumerate(p.variables)
    }
    differences = _differences(known, tensors, wanted, with_optimizer, skip)
    if differences and not skip_mismatch:
        raise SerializationError(_report(label, differences))
    fitting = [
        (v, path)
        for path, v in known.items()
        if path in tensors.tensors and tuple(tensors.tensors[path].shape) == tuple(v.shape)
    ]
    values = [(v, tensors.read(path, v.shape)) for v, path in fitting]
    for v, value in values:
        v.assign(value)
    for place in unusual:
        place.owner.load_own_variables(_Reader(tensors, f"{place.path}/vars" if place.path else "vars"))
    if differences:
        import warnings

        warnings.warn(_report(label, differences, skipped=True), stacklevel=3)


def _name(place: Place) -> str:
    return getattr(place.owner, "name", "")


def _own_format(owner: Any) -> bool:
    """Whether an object reads its variables in a way of its own."""
    from lamina.core.layer import Layer

    method = getattr(type(owner), "load_own_variables", None)
    return isinstance(owner, Layer) and method is not Layer.load_own_variables


def _differences(
    known: dict[str, Any], tensors: hdf5.TensorFile, wanted: list[Place], with_optimizer: bool, skip: Any
) -> list[str]:
    out = []
    for path, v in known.items():
        have = tensors.tensors.get(path)
        if have is None:
            out.append(f"- missing     {path}: the model wants {v.path} {tuple(v.shape)}")
        elif tuple(have.shape) != tuple(v.shape):
            out.append(
                f"! other shape {path}: the model wants {v.path} {tuple(v.shape)}, the file has {tuple(have.shape)}"
            )
        elif not _convertible(have.dtype, v.dtype):
            out.append(f"! other dtype {path}: the model wants {v.dtype}, the file has {have.dtype}")
    own = {f"{p.path}/vars" if p.path else "vars" for p in wanted if _own_format(p.owner)}
    for path in tensors.tensors:
        optimizer = path.split("/")[0] == "optimizer" and not with_optimizer
        skipped = skip and any(part in skip for part in path.split("/"))
        if path not in known and path.rpartition("/")[0] not in own and not optimizer and not skipped:
            out.append(f"+ unexpected  {path}: the file has {tuple(tensors.tensors[path].shape)}")
    return out


def _convertible(have: Any, wanted: str) -> bool:
    floats = have.kind in "fV"
    return floats == (wanted.startswith(("float", "bfloat"))) or (
        have.kind in "biuf" and wanted.startswith("float")
    )


def _report(label: str, differences: list[str], *, skipped: bool = False) -> str:
    shown = "\n  ".join(differences[:60]) + (
        f"\n  ... and {len(differences) - 60} more" if len(differences) > 60 else ""
    )
    head = "These weights were left as they are" if skipped else "The file does not fit the model"
    tail = (
        "" if skipped else "\nBuild the model as it was saved, or pass skip_mismatch=True to load what fits."
    )
    return f"{label}: {head}:\n  {shown}{tail}"


def _load_safetensors(model: Any, path: pathlib.Path, skip_mismatch: bool) -> None:
    from safetensors import SafetensorError, safe_open

    known = _keyed(model)
    try:
        with safe_open(path, framework="numpy") as file:
            have = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
            differences = [
                f"- missing     {key}: the model wants {v.path} {tuple(v.shape)}"
                for key, v in known.items()
                if key not in have
            ]
            differences += [
                f"! other shape {key}: the model wants {known[key].path} {tuple(known[key].shape)}, the file has {shape}"
                for key, shape in have.items()
                if key in known and shape != tuple(known[key].shape)
            ]
            differences += [
                f"+ unexpected  {key}: the file has {shape}"
                for key, shape in have.items()
                if key not in known
            ]
            if differences and not skip_mismatch:
                raise SerializationError(_report(path.name, differences))
            values = [(v, file.get_tensor(k)) for k, v in known.items() if have.get(k) == tuple(v.shape)]
    except SafetensorError as error:
        raise SerializationError(f"{path.name}: not a readable safetensors file ({error}).") from None
    for v, value in values:
        v.assign(value)
    if differences:
        import warnings

        warnings.warn(_report(path.name, differences, skipped=True), stacklevel=3)
