"""Folders of checkpoints, in which several processes wrote the parts of a model's state that each of them held.

A folder holds folders by number; the format of each says what is in it: `orbax` on jax, `dcp` on torch. Whichever wrote
it, it is read on any backend, mesh and number of processes: each process reads what its own devices hold.
"""

from __future__ import annotations

import math
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from lamina.core.codec import deserialize
from lamina.core.limits import check_weights
from lamina.core.variable import Variable
from lamina.errors import NoSuchFile, SerializationError
from lamina.saving import dcp, orbax
from lamina.saving.matching import OPTIMIZER, WEIGHTS, Place, paired
from lamina.saving.report import report


class Checkpoint(Protocol):
    """One checkpoint, opened.

    Attributes:
        label: What it is called in errors.
        arrays: What has a shape and a dtype, for each array in it.
    """

    label: str
    arrays: Mapping[Place, Any]

    def config(self) -> dict[str, Any] | None:
        """The model's config; None where there are weights alone."""

    def read(self, pairs: list[tuple[Variable, Place]]) -> None:
        """Give variables the numbers of these arrays, each process those of its own devices."""


class _Format(NamedTuple):
    finished: Any  # whether a folder is a finished checkpoint of this format
    open: Any


_FORMATS = (_Format(orbax.is_finished, orbax.OrbaxFolder), _Format(dcp.is_finished, dcp.DcpFolder))


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether a path is a folder of checkpoints, or one of them."""
    return path.is_dir() and (_format(path) is not None or bool(steps(path)))


def steps(path: pathlib.Path) -> list[pathlib.Path]:
    """The finished checkpoints in a folder, the latest last."""
    found = [p for p in path.iterdir() if p.name.isdecimal() and not p.is_symlink() and _format(p)]
    return sorted(found, key=lambda p: int(p.name))


def _format(path: pathlib.Path) -> _Format | None:
    return next((one for one in _FORMATS if one.finished(path)), None)


def _opened(path: pathlib.Path, label: str | None = None) -> Checkpoint:
    """A checkpoint, or the latest of a folder of them."""
    found = _format(path)
    if found is not None:
        return found.open(path, label or path.name)
    latest = steps(path)[-1]
    return _opened(latest, f"{path.name}/{latest.name}")


def load(path: pathlib.Path, custom_objects: Any = None, compile: bool = True) -> Any:
    """The model of the latest checkpoint in a folder, or of one that is named.

    Args:
        path: The folder.
        custom_objects: Name -> class or function, for this call.
        compile: Whether to restore the compile arguments and the optimizer's state.

    Returns:
        The model.

    Raises:
        SerializationError: if the folder breaks a rule of the loader, or holds weights alone.
        ImportError: if a package that is needed to read it is not installed.
    """
    found = _opened(path)
    config = found.config()
    if config is None:
        raise SerializationError(
            f"{found.label}: the checkpoint holds weights alone (`save_weights_only=True`): build the model and call "
            "`model.load_weights`."
        )
    if not compile:
        config.pop("compile_config", None)
    model = deserialize(config, custom_objects, where=found.label)
    if not hasattr(model, "_layer_state"):
        raise SerializationError(
            f"{found.label}: the config describes a {type(model).__name__}, not a model."
        )
    _read(model, found, with_optimizer=compile and _with_optimizer(model))
    return model


def load_weights(model: Any, path: pathlib.Path, *, skip_mismatch: bool = False, skip: Any = None) -> None:
    """Read the weights of the latest checkpoint in a folder, or of one that is named.

    Args:
        model: A built model.
        path: The folder.
        skip_mismatch: Whether to leave out what does not fit, with a warning that lists it.
        skip: Layers, or names of layers, that stay as they are.

    Raises:
        SerializationError: if names or shapes differ (all differences are listed), or the folder breaks a rule.
        ImportError: if a package that is needed to read it is not installed.
    """
    kept = {id(v) for layer in model._flatten_layers() if _skipped(layer, skip) for v in layer.variables}
    _read(model, _opened(path), with_optimizer=False, skip_mismatch=skip_mismatch, kept=kept)


def restore(model: Any, directory: Any, step: int | None = None) -> int:
    """Put the weights, and the optimizer's state where a checkpoint has it, into a model.

    Args:
        model: A built model, compiled where the optimizer is to go on.
        directory: The folder of the checkpoints.
        step: The number of a checkpoint; None for the latest.

    Returns:
        The number of the checkpoint.

    Raises:
        NoSuchFile: if there is no finished checkpoint, or none of this number.
        SerializationError: if names or shapes differ (all differences are listed), or the folder breaks a rule.
        ImportError: if a package that is needed to read it is not installed.
    """
    path = pathlib.Path(directory)
    model._needs_built("restore")
    there = {int(p.name): p for p in steps(path)} if path.is_dir() else {}
    number = max(there, default=None) if step is None else step
    if number is None or number not in there:
        known = f" There are {', '.join(map(str, there))}." if there else ""
        wanted = "finished checkpoint" if step is None else f"finished checkpoint {step}"
        raise NoSuchFile(f"There is no {wanted} in {path}.{known}")
    found = _opened(there[number], f"{path.name}/{number}")
    saved = any(place[0] in OPTIMIZER for place in found.arrays)
    _read(model, found, with_optimizer=saved and _with_optimizer(model))
    return number


def _with_optimizer(model: Any) -> bool:
    """Whether a model has an optimizer; its state has a place then."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return optimizer is not None


def _skipped(layer: Any, skip: Any) -> bool:
    return any(one is layer or one == layer.name for one in skip or ())


def _read(
    model: Any, found: Checkpoint, *, with_optimizer: bool, skip_mismatch: bool = False, kept: Any = ()
) -> None:
    """Read all state that a model has a place for, after all names, shapes and dtypes were compared."""
    have = {place: leaf for place, leaf in found.arrays.items() if place[0] in (*WEIGHTS, *OPTIMIZER)}
    pairs, differences = paired(model, have, with_optimizer)
    if differences and not skip_mismatch:
        raise SerializationError(report(found.label, differences))
    pairs = [(v, place) for v, place in pairs if id(v) not in kept]
    size = sum(math.prod(v.shape) * np.dtype(have[place].dtype).itemsize for v, place in pairs)
    check_weights(size, found.label)
    found.read(pairs)
    if differences:
        warnings.warn(report(found.label, differences, skipped=True), stacklevel=5)
