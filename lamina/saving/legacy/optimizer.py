"""The state of optimizers in old whole-model files."""

from __future__ import annotations

import warnings
from typing import Any

import h5py
import numpy as np

from lamina.errors import SerializationError
from lamina.saving import attributes, hdf5
from lamina.saving.report import build_optimizer, convertible

# The last part of a name in files whose state is listed group by group: all first moments, then all second ones.
_GROUPED = {"m", "v", "vhat", "momentum", "rms", "mg", "accumulator", "accum_grad", "accum_var", "linear"}


def read(model: Any, file: h5py.File, label: str) -> None:
    """Read the optimizer's state; one of another kind is left as new, with a warning that says so.

    Raises:
        SerializationError: if the file breaks a rule of the loader.
    """
    with hdf5.guarded(label):
        if "optimizer_weights" not in file:
            return
        if not isinstance(file.get("optimizer_weights", getlink=True), h5py.HardLink):
            raise SerializationError(f"{label}: optimizer_weights: a link points elsewhere.")
        group = file["optimizer_weights"]
        if not isinstance(group, h5py.Group):
            raise SerializationError(f"{label}: optimizer_weights is not a group.")
    tensors = hdf5.TensorFile(group, f"{label}: optimizer_weights")
    names = attributes.strings(group, "weight_names", label) or []
    lost = [n for n in names if n not in tensors.tensors]
    if lost:
        raise SerializationError(
            f"{label}: these are listed in optimizer_weights, but not there: {lost[:5]}."
        )
    optimizer = model.optimizer
    build_optimizer(model, label)
    pairs = _paired(optimizer, names, tensors)
    if pairs is None:
        have = ", ".join(f"{n} {tensors.tensors[n].shape}" for n in names[:6])
        warnings.warn(
            f"{label}: the state of the optimizer does not fit {type(optimizer).__name__} ({len(names)} arrays: {have}"
            f"{', ...' if len(names) > 6 else ''}). It begins anew.",
            stacklevel=4,
        )
        return
    values = [(v, tensors.read(n, tensors.tensors[n].shape)) for v, n in pairs]
    for v, value in values:
        v.assign(np.reshape(value, v.shape))


def _paired(optimizer: Any, names: list[str], tensors: hdf5.TensorFile) -> list[tuple[Any, str]] | None:
    """Each variable of the optimizer with its name in the file; None if they do not fit."""
    variables = optimizer.variables
    if _fits(variables, names, tensors):
        return list(zip(variables, names, strict=True))  # Keras 3
    state = [v for v in variables if v.shape != () or v.name not in ("iteration", "learning_rate")]
    first = [n for n in names[:2] if tensors.tensors[n].shape == ()]  # Keras 2 may list the rate, too
    rest = names[len(first) :]
    if rest and all(_last(n) in _GROUPED or _last(n).startswith("Variable") for n in rest):
        state = _by_group(optimizer, state)
    if not _fits(state, rest, tensors):
        return None
    count = [(v, first[0]) for v in variables if v.name == "iteration" and first]
    return [*count, *zip(state, rest, strict=True)]


def _last(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0].rstrip("0123456789").rstrip("_")


def _by_group(optimizer: Any, state: list[Any]) -> list[Any]:
    """State that today alternates between groups, in groups."""
    groups = sum(len(g) for g in optimizer.slot_groups())
    per = len(optimizer._slots[0]) if optimizer._slots else 0
    if not groups or per != groups or len(state) != per * len(optimizer._slots):
        return state
    return [slots[i] for i in range(per) for slots in optimizer._slots]


def _fits(variables: list[Any], names: list[str], tensors: hdf5.TensorFile) -> bool:
    return len(variables) == len(names) and all(
        tuple(tensors.tensors[n].shape) == tuple(v.shape) and convertible(tensors.tensors[n].dtype, v.dtype)
        for v, n in zip(variables, names, strict=True)
    )
