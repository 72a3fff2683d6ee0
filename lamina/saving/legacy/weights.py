"""Weights by layers and names: the layout of Keras 1 and 2, which published weights have."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import h5py
import numpy as np

from lamina.core.tracking import made_trainable
from lamina.core.variable import Variable
from lamina.errors import SerializationError
from lamina.saving import attributes, hdf5
from lamina.saving.legacy import gates
from lamina.saving.report import convertible, report
from lamina.saving.weights import Read, hand_over

TOP_LEVEL = "top_level_model_weights"


class Entry(NamedTuple):
    """The weights of one layer in a file: their names, and their paths in it."""

    layer: str
    names: list[str]
    paths: list[str]


class Found(NamedTuple):
    """What goes into a layer: its variables, and for each a function that reads it."""

    variables: list[Variable]
    reads: list[Callable[[], np.ndarray]]


def is_legacy(file: h5py.File) -> bool:
    """Whether an open file lists its weights by layer."""
    with hdf5.guarded(str(file.filename)):
        group = _weights_group(file)
        return group is not None and any(n in group.attrs for n in ("layer_names", "layer_names0"))


def _weights_group(file: h5py.File) -> h5py.Group | None:
    if "layer_names" in file.attrs or "layer_names0" in file.attrs or "model_weights" not in file:
        return file
    if not isinstance(file.get("model_weights", getlink=True), h5py.HardLink):
        return None
    found = file["model_weights"]
    return found if isinstance(found, h5py.Group) else None


def entries(file: h5py.File, label: str) -> tuple[hdf5.TensorFile, list[Entry]]:
    """The layers that have weights in a file.

    Raises:
        SerializationError: if the lists of names and the tensors do not agree.
    """
    with hdf5.guarded(label):
        group = _weights_group(file)
    if group is None:
        raise SerializationError(f"{label}: the file has no weights listed by layer.")
    tensors = hdf5.TensorFile(group, label)
    names = attributes.strings(group, "layer_names", label)
    if names is None:
        raise SerializationError(f"{label}: the file has no weights listed by layer.")
    out = [_entry(tensors, name, label) for name in names]
    if TOP_LEVEL in tensors.groups and TOP_LEVEL not in names:
        out.append(_entry(tensors, TOP_LEVEL, label))
    return tensors, [e for e in out if e.paths]


def _entry(tensors: hdf5.TensorFile, name: str, label: str) -> Entry:
    if name not in tensors.groups:
        raise SerializationError(f"{label}: layer {name!r} is listed, but the file has no group for it.")
    weights = attributes.strings(tensors.groups[name], "weight_names", f"{label}: {name}") or []
    paths = [f"{name}/{w}" for w in weights]
    lost = [p for p in paths if p not in tensors.tensors]
    if lost:
        raise SerializationError(f"{label}: these weights are listed, but not there: {lost[:5]}.")
    return Entry(name, weights, paths)


def read(
    model: Any,
    file: h5py.File,
    label: str,
    *,
    by_name: bool = False,
    skip_mismatch: bool = False,
    skip: Any = None,
) -> None:
    """Read weights into the layers of a model, in their order or by their names.

    Args:
        model: A built model.
        file: An open file.
        label: Its name, for errors.
        by_name: Whether layers are found by name; those that the file does not have stay as they are.
        skip_mismatch: Whether to leave out what does not fit, with a warning that lists it.
        skip: Names of layers that stay as they are.

    Raises:
        SerializationError: if it does not fit (all differences are listed), or the file breaks a rule.
    """
    tensors, listed = entries(file, label)
    layers = [v for v in _layers(model) if v.weights]
    own = model._own_weights()
    top = [e for e in listed if e.layer == TOP_LEVEL]
    listed = [e for e in listed if e.layer != TOP_LEVEL]
    differences: list[str] = []
    pairs = _by_name(layers, listed) if by_name else _by_order(layers, listed, label, differences)
    found = [_matched(v.weights, v, e, tensors, differences) for v, e in pairs if v.name not in (skip or ())]
    found += [_matched(own, model, e, tensors, differences) for e in top]
    if differences and not skip_mismatch:
        raise SerializationError(report(label, differences))
    pairs = [pair for f in found if f for pair in zip(f.variables, f.reads, strict=True)]
    hand_over([Read(v, 4 * math.prod(v.shape), read, read) for v, read in pairs], label)
    if differences:
        import warnings

        warnings.warn(report(label, differences, skipped=True), stacklevel=4)


def _layers(model: Any) -> list[Any]:
    return list(getattr(model, "layers", None) or model._layers)


def _by_name(layers: list[Any], listed: list[Entry]) -> list[tuple[Any, Entry]]:
    known = {e.layer: e for e in listed}
    if any("/" in e.layer for e in listed):  # written before layers lost their slashes
        known = {_name_of_today(e.layer): e for e in listed} | known
    return [(v, known[v.name]) for v in layers if v.name in known]


def _name_of_today(layer: str) -> str:
    """A layer's name as Keras 3 made it over: Conv_1/BatchNorm of MobileNetV3 is conv_1_bn, conv1/bn of DenseNet conv1_bn."""
    return layer.replace("/", "_").replace("BatchNorm", "bn").lower()


def _by_order(
    layers: list[Any], listed: list[Entry], label: str, differences: list[str]
) -> list[tuple[Any, Entry]]:
    if len(layers) != len(listed):
        names = {e.layer for e in listed}
        differences.append(
            f"! the model has {len(layers)} layers with weights, the file {len(listed)}: pass by_name=True to load those "
            "whose names agree"
        )
        differences += [f"- missing     {v.name}" for v in layers if v.name not in names]
        differences += [f"+ unexpected  {e.layer}" for e in listed if e.layer not in {v.name for v in layers}]
        return _by_name(layers, listed)
    return list(zip(layers, listed, strict=True))


def _matched(
    weights: list[Variable], layer: Any, entry: Entry, tensors: hdf5.TensorFile, differences: list[str]
) -> Found | None:
    """The variables of a layer with what the file has for them; differences are noted."""
    held = gates.joined(weights, [tensors.tensors[p] for p in entry.paths])
    if held is not None:
        return Found(*held)
    if len(weights) != len(entry.paths):
        differences.append(
            f"! {layer.name}: the model wants {len(weights)} weights ({', '.join(f'{v.name} {v.shape}' for v in weights)}), "
            f"the file has {len(entry.paths)} in {entry.layer!r} "
            f"({', '.join(f'{n} {tensors.tensors[p].shape}' for n, p in zip(entry.names, entry.paths, strict=True))})"
        )
        return None
    variables = max(_orders(layer, weights), key=lambda order: _fit(order, entry, tensors))
    cudnn = gates.from_cudnn(variables, [tensors.tensors[p] for p in entry.paths])
    kept = []
    for i, (v, path) in enumerate(zip(variables, entry.paths, strict=True)):
        have = tensors.tensors[path]
        if i in cudnn:
            kept.append((v, cudnn[i]))
        elif tuple(have.shape) != tuple(v.shape):
            differences.append(
                f"! other shape {path}: the model wants {v.path} {tuple(v.shape)}, the file has {tuple(have.shape)}"
            )
        elif not convertible(have.dtype, v.dtype):
            differences.append(f"! other dtype {path}: the model wants {v.dtype}, the file has {have.dtype}")
        else:
            kept.append((v, _reader(tensors, path, v.shape)))
    return Found([v for v, _ in kept], [read for _, read in kept])


def _reader(tensors: hdf5.TensorFile, path: str, shape: Any) -> Callable[[], np.ndarray]:
    return lambda: tensors.read(path, shape)


def _orders(layer: Any, weights: list[Variable]) -> list[list[Variable]]:
    """The orders in which a layer's weights may stand: those that are trained first, now or as they were made."""
    return [
        ordered(layer),
        sorted(weights, key=lambda v: not made_trainable(v)),
        list(weights),
    ]


def ordered(layer: Any) -> list[Variable]:
    """The weights of a layer in the order of old files: those that are trained, then the others."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _fit(order: list[Variable], entry: Entry, tensors: hdf5.TensorFile) -> tuple[int, int]:
    """How many shapes agree, then how many names."""
    shapes = sum(
        tuple(tensors.tensors[p].shape) == tuple(v.shape) for v, p in zip(order, entry.paths, strict=False)
    )
    names = sum(
        n.rpartition("/")[2].partition(":")[0] == v.name for v, n in zip(order, entry.names, strict=False)
    )
    return shapes, names


# -- writing -----------------------------------------------------------------------------------------------------------


def write(model: Any, group: h5py.Group, version: str, backend: str) -> None:
    """Write the weights of all layers into a group, listed by layer."""
    layers = [*_layers(model)]
    set_names(group, "layer_names", [v.name for v in layers])
    group.attrs["backend"], group.attrs["keras_version"] = backend, version
    for layer in layers:
        write_tensors(group.create_group(layer.name), [(v.path, v) for v in ordered(layer)])
    write_tensors(group.create_group(TOP_LEVEL), [(v.path, v) for v in model._own_weights()])


def write_tensors(group: h5py.Group, named: list[tuple[str, Variable]]) -> None:
    """Write variables under their names, which must differ, and the list of the names."""
    used: dict[str, int] = {}
    names = []
    for name, v in named:
        count = used[name] = used.get(name, -1) + 1
        names.append(f"{name}_{count}" if count else name)
        hdf5.write_tensor(group, names[-1], v.look())
    set_names(group, "weight_names", names)


def set_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """Write a list of names; HDF5 holds 64 KB in an attribute, so long lists lie in parts."""
    data = np.array([n.encode() for n in names])
    if data.nbytes < 60_000:
        group.attrs[attribute] = data
        return
    parts = -(-data.nbytes // 60_000)
    for i, part in enumerate(np.array_split(data, parts)):
        group.attrs[f"{attribute}{i}"] = part
