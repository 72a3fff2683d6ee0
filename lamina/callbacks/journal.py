"""Exact resume: all that training needs to go on as if it had never stopped, in one file that is replaced at once."""

from __future__ import annotations

import json
import os
import pathlib
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.core.seeds import random_state, set_random_state
from lamina.errors import SerializationError
from lamina.saving.atomic import writing

_LATEST, _BEFORE = "training.safetensors", "training.previous.safetensors"
_FORMAT = 2  # 1 had no random stream of the model


@dataclass
class Position:
    """Where training stands: so many epochs are done, and so many batches of the next one."""

    epoch: int = 0
    batch: int = 0


class Journal:
    """The state of a run of `fit` in a folder.

    Args:
        folder: The folder; it is made when missing.
        keep_previous: Whether the state before the last one stays, too.
    """

    def __init__(self, folder: Any, keep_previous: bool = False) -> None:
        self.folder = pathlib.Path(folder)
        self.keep_previous = keep_previous

    def open(self, model: Any, feeds: dict[str, Any]) -> bool:
        """Read the last good state, and move the data to its place: before anything is taken from it.

        Args:
            model: The model.
            feeds: The data by name.

        Returns:
            Whether there is a state.

        Raises:
            SerializationError: if no file can be read.
        """
        self.model, self.feeds = model, feeds
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f".{_LATEST}.*.tmp"):  # of a run that was killed while it wrote
            left.unlink(missing_ok=True)
        self._found = self._read()
        if self._found is not None:
            for name, feed in feeds.items():
                if name in self._found[0]["feeds"]:
                    feed.load_state_dict(self._found[0]["feeds"][name])
        return self._found is not None

    def found(self) -> str:
        """What `open` has read, in words."""
        if self._found is None:
            return f"no state in {str(self.folder)!r}"
        facts = self._found[0]
        return f"epoch {facts['epoch']}, batch {facts['batch']} (checksum {facts['checksum']})"

    # -- writing -------------------------------------------------------------------------------------------------------

    def save(self, position: Position) -> None:
        """Write the state; the last good one stays until the new one is whole."""
        from safetensors.numpy import save_file

        tensors: dict[str, np.ndarray] = {}
        facts = {
            "format": _FORMAT,
            "epoch": position.epoch,
            "batch": position.batch,
            "variables": [[v.path, list(v.shape), v.dtype] for v in self.variables],
            "random": random_state(),
            "feeds": {name: feed.state_dict() for name, feed in self.feeds.items()},
            "stop": bool(self.model.stop_training),
            "callbacks": [
                [name, _packed(state, tensors, f"callbacks.{name}")]
                for name, one in _named(self.callbacks)
                if (state := one.state_dict())
            ],
        }
        for i, v in enumerate(self.variables):
            tensors[f"variables.{i}"] = _plain(v.numpy())
        facts["checksum"] = _checksum(tensors)
        latest = self.folder / _LATEST
        with writing(latest) as temporary:
            save_file(tensors, temporary, {"lamina": json.dumps(facts)})
            if self.keep_previous and latest.exists():
                os.replace(latest, self.folder / _BEFORE)

    def delete(self) -> None:
        """Remove the state."""
        for name in (_LATEST, _BEFORE):
            (self.folder / name).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()

    # -- reading -------------------------------------------------------------------------------------------------------

    def restore(self, variables: list[Any], callbacks: list[Any]) -> Position | None:
        """Put the state that `open` has read in place.

        Args:
            variables: All variables of the step.
            callbacks: The callbacks.

        Returns:
            Where training stands; None where there is no state.

        Raises:
            SerializationError: if the state belongs to another model.
        """
        self.variables, self.callbacks = variables, callbacks
        if self._found is None:
            return None
        (facts, tensors), self._found = self._found, None
        self._check(facts)
        for i, v in enumerate(self.variables):
            v.assign(_as(tensors[f"variables.{i}"], v))
        replayed = any(feed.replays for feed in self.feeds.values())
        set_random_state({} if replayed else facts["random"])
        self.model.stop_training = facts["stop"]
        self._load_callbacks(dict(facts["callbacks"]), tensors)
        return Position(facts["epoch"], facts["batch"])

    def _read(self) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
        errors = []
        for name in (_LATEST, _BEFORE):
            path = self.folder / name
            if not path.exists():
                continue
            try:
                found = _open(path)
            except SerializationError as error:
                errors.append(str(error))
                continue
            if errors:
                warnings.warn(f"{errors[0]} Training goes on from {name}.", stacklevel=7)
            return found
        if errors:
            raise SerializationError(f"{errors[0]} Remove the folder {self.folder} to begin training anew.")
        return None

    def _check(self, facts: dict[str, Any]) -> None:
        have = [[v.path, list(v.shape), v.dtype] for v in self.variables]
        shapes = lambda listed: [entry[1:] for entry in listed]
        if shapes(have) != shapes(facts["variables"]):
            lines = [
                f"  - in the file: {p} {tuple(s)} {d}"
                for p, s, d in facts["variables"]
                if [p, s, d] not in have
            ]
            lines += [
                f"  + in the model: {p} {tuple(s)} {d}"
                for p, s, d in have
                if [p, s, d] not in facts["variables"]
            ]
            raise SerializationError(
                f"The state in {self.folder} belongs to another model or optimizer:\n"
                + "\n".join(lines[:20])
                + "\n"
                "Make the model as it was, or choose another folder."
            )

    def _load_callbacks(self, states: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        for name, one in _named(self.callbacks):
            if name in states:
                one.load_state_dict(_unpacked(states.pop(name), tensors))
        if states:
            warnings.warn(f"The state of these callbacks is not used: {', '.join(states)}.", stacklevel=8)


def _open(path: pathlib.Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {}).get("lamina", "null"))
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise SerializationError(f"{path}: not a readable state of training ({error}).") from None
    if not isinstance(facts, dict) or facts.get("format") != _FORMAT:
        raise SerializationError(f"{path}: not a state of training that this version can read.")
    if facts["checksum"] != _checksum(tensors):
        raise SerializationError(f"{path}: damaged, the checksum does not fit.")
    return facts, tensors


def _checksum(tensors: dict[str, np.ndarray]) -> int:
    total = 0
    for key in sorted(tensors):
        total = zlib.crc32(np.ascontiguousarray(tensors[key]).reshape(-1).view(np.uint8).data, total)
    return total


def _plain(array: np.ndarray) -> np.ndarray:
    """An array of a dtype that NumPy itself knows: those of ml_dtypes as integers of their width."""
    array = np.ascontiguousarray(array)
    return (
        array.view(f"u{array.dtype.itemsize}")
        if array.dtype.kind in "Vf" and array.dtype.isbuiltin != 1
        else array
    )


def _as(array: np.ndarray, variable: Any) -> np.ndarray:
    if array.dtype.name != variable.dtype:
        import ml_dtypes  # noqa: F401  (makes its dtypes known to NumPy by name)

        array = array.view(np.dtype(variable.dtype))
    return array.reshape(variable.shape)


def _named(callbacks: list[Any]) -> Iterator[tuple[str, Any]]:
    """Callbacks that keep state, by class and number."""
    counts: dict[str, int] = {}
    for one in callbacks:
        kind = type(one).__name__
        counts[kind] = counts.get(kind, -1) + 1
        if hasattr(one, "state_dict") and hasattr(one, "load_state_dict"):
            yield f"{kind}.{counts[kind]}", one


def _packed(value: Any, tensors: dict[str, np.ndarray], where: str) -> Any:
    """A value in a form that JSON can hold; arrays go into `tensors`."""
    if isinstance(value, dict):
        return {str(k): _packed(v, tensors, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(v, tensors, f"{where}.{i}") for i, v in enumerate(value)]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        tensors[where] = _plain(value)
        return {"$array": where, "dtype": value.dtype.name, "shape": list(value.shape)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{where}: a {type(value).__name__} cannot be kept for a resume. `state_dict` gives numbers, texts, arrays, lists "
        "and dicts of them."
    )


def _unpacked(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict) and "$array" in value:
        import ml_dtypes  # noqa: F401  (makes its dtypes known to NumPy by name)

        return tensors[value["$array"]].view(np.dtype(value["dtype"])).reshape(value["shape"])
    if isinstance(value, dict):
        return {k: _unpacked(v, tensors) for k, v in value.items()}
    if isinstance(value, list):
        return [_unpacked(v, tensors) for v in value]
    return value
