"""Weights: written and read by the paths of their layers, compared by name and shape before a number is read."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import h5py
import numpy as np

from lamina.core.layer import Layer
from lamina.core.limits import check_weights
from lamina.errors import SerializationError
from lamina.saving import hdf5
from lamina.saving.report import convertible, report
from lamina.saving.sources import Source
from lamina.saving.tree import Place, places

AT_ONCE = 16 << 20  # bytes that may be read before the first is assigned


def _wanted(model: Any, *, with_optimizer: bool, skip: Any = None) -> list[Place]:
    found = [p for p in places(model) if with_optimizer or p.path.split("/")[0] != "optimizer"]
    gone = [p.path for p in found if _skipped(p, skip)]
    return [p for p in found if not any(p.path == g or p.path.startswith(f"{g}/") for g in gone)]


def _skipped(place: Place, skip: Any) -> bool:
    """Whether the caller named an object, or gave it."""
    return bool(place.path) and any(
        place.owner is one or (isinstance(one, str) and one in (_name(place), place.path))
        for one in skip or ()
    )


def write(model: Any, file: h5py.Group, *, with_optimizer: bool = True, skip: Any = None) -> None:
    """Write all variables into an open file in the layout of Keras 3, one after the other."""
    for place in _wanted(model, with_optimizer=with_optimizer, skip=skip):
        group = file.require_group(f"{place.path}/vars" if place.path else "vars")
        group.attrs["name"] = _name(place)
        for key, value in _stored(place):
            hdf5.write_tensor(group, key, value)


def written(model: Any, *, with_optimizer: bool = True, skip: Any = None) -> Iterator[tuple[str, np.ndarray]]:
    """All tensors with their paths in the layout of Keras 3, one after the other."""
    for place in _wanted(model, with_optimizer=with_optimizer, skip=skip):
        start = f"{place.path}/vars" if place.path else "vars"
        for key, value in _stored(place):
            yield f"{start}/{key}", np.asarray(value)


def _stored(place: Place) -> Iterator[tuple[str, Any]]:
    if _own_format(place.owner, "save_own_variables"):
        store = _Store()
        place.owner.save_own_variables(store)
        yield from store.items()
    else:
        for i, v in enumerate(place.variables):
            yield str(i), v.look()  # written before anybody changes it


class _Store(dict):
    """What `save_own_variables` writes into."""


class _Reader:
    """What `load_own_variables` reads from: the tensors of one object."""

    def __init__(self, file: Source, prefix: str) -> None:
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


def read(
    model: Any,
    tensors: Source,
    label: str,
    *,
    skip_mismatch: bool = False,
    skip: Any = None,
    with_optimizer: bool = True,
) -> None:
    """Read all variables from a source; nothing is assigned before everything was compared and could be read.

    Raises:
        SerializationError: if names or shapes differ (all differences are listed), or the file is damaged.
    """
    everything = _wanted(model, with_optimizer=with_optimizer)
    wanted = _wanted(model, with_optimizer=with_optimizer, skip=skip)
    unusual = [p for p in wanted if _own_format(p.owner)]
    plain = [p for p in wanted if not _own_format(p.owner)]
    known = {
        f"{p.path}/vars/{i}" if p.path else f"vars/{i}": v for p in plain for i, v in enumerate(p.variables)
    }
    differences = _differences(known, tensors, everything, wanted, with_optimizer)
    if differences and with_optimizer and not skip_mismatch:
        kept = {path: v for path, v in known.items() if not path.startswith("optimizer/")}
        every, bare = _wanted(model, with_optimizer=False), _wanted(model, with_optimizer=False, skip=skip)
        # only the optimizer differs: what was trained when it was made is not what is now
        if not _differences(kept, tensors, every, bare, False):
            warnings.warn(
                f"{label}: the optimizer's state is that of other weights than those that are trainable now (`trainable` was "
                "changed after `compile`). It is left out: training begins with a fresh one.",
                stacklevel=4,
            )
            known, differences = kept, []
    if differences and not skip_mismatch:
        raise SerializationError(report(label, differences))
    fitting = [
        _reads(tensors, v, path)
        for path, v in known.items()
        if path in tensors.tensors
        and tuple(tensors.tensors[path].shape) == tuple(v.shape)
        and convertible(tensors.tensors[path].dtype, v.dtype)
    ]
    hand_over(fitting, label)
    for place in unusual:
        place.owner.load_own_variables(_Reader(tensors, f"{place.path}/vars" if place.path else "vars"))
    if differences:
        warnings.warn(report(label, differences, skipped=True), stacklevel=4)


class Read(NamedTuple):
    """A variable, what reads its numbers from a file, and what sees beforehand that they can be read."""

    variable: Any
    size: int
    read: Callable[[], np.ndarray]
    check: Callable[[], Any]


def hand_over(reads: list[Read], label: str) -> None:
    """Read and assign. A damaged file shows before the first variable changes.

    What is small is read at once. Of what is large only one tensor at a time lies in memory beside the model.

    Raises:
        SerializationError: if they are more than the budget, or damaged.
    """
    size = sum(one.size for one in reads)
    check_weights(size, label)
    if size <= AT_ONCE:
        values = [one.read() for one in reads]
        for one, value in zip(reads, values, strict=True):
            one.variable.take_over(value)
        return
    for one in reads:
        one.check()
    for one in reads:
        one.variable.take_over(one.read())


def _reads(tensors: Source, v: Any, path: str) -> Read:
    shape = tuple(v.shape)
    size = math.prod(shape) * np.dtype(tensors.tensors[path].dtype).itemsize
    return Read(v, size, partial(tensors.read, path, shape), partial(tensors.check, path, shape))


def _name(place: Place) -> str:
    return getattr(place.owner, "name", "")


def _own_format(owner: Any, name: str = "load_own_variables") -> bool:
    """Whether a layer keeps its variables in a way of its own."""
    method = getattr(type(owner), name, None)
    return isinstance(owner, Layer) and method is not getattr(Layer, name)


def _differences(
    known: dict[str, Any], tensors: Source, everything: list[Place], wanted: list[Place], with_optimizer: bool
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
        elif not convertible(have.dtype, v.dtype):
            out.append(f"! other dtype {path}: the model wants {v.dtype}, the file has {have.dtype}")
    own = {f"{p.path}/vars" if p.path else "vars" for p in wanted if _own_format(p.owner)}
    own_paths = {p.path for p in wanted}
    skipped = {f"{p.path}/vars" for p in everything if p.path not in own_paths}
    for path in tensors.tensors:
        optimizer = path.split("/")[0] == "optimizer" and not with_optimizer
        left = path.rpartition("/")[0] in skipped  # as the caller wishes
        if path not in known and path.rpartition("/")[0] not in own and not optimizer and not left:
            out.append(f"+ unexpected  {path}: the file has {tuple(tensors.tensors[path].shape)}")
    return out
