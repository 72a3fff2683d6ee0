"""Exact resume: all that training needs to go on as if it had never stopped, in one file that is replaced at once.

Of several processes the first one writes it. What none of them holds alone lies in a folder of parts, a file of each process,
which is whole before the file names it.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.core.seeds import random_state, set_random_state
from lamina.distribution.group import meet
from lamina.errors import SerializationError
from lamina.kernel.context import distribution_in_force, processes, real_kernel
from lamina.saving import divided
from lamina.saving.atomic import writing
from lamina.saving.divided import checksum, plain
from lamina.saving.parts import Parted

_LATEST, _BEFORE = "training.safetensors", "training.previous.safetensors"
_FORMAT = 2  # 1 had no random stream of the model
_PARTS = re.compile(r"parts\.(\d+)")  # folders of what several processes hold


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
        self._rank, self._count = processes()
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._rank == 0:
            for left in self.folder.glob(f".{_LATEST}.*.tmp"):  # of a run that was killed while it wrote
                left.unlink(missing_ok=True)
            self._remove_parts()
        meet("the folder of the resume")
        self._number = max(self._folders(), default=0)
        self._found = self._read()
        if self._found is not None:
            facts = self._found.facts
            states = self._own(facts).get("feeds", facts["feeds"])
            for name, feed in feeds.items():
                if name in states:
                    feed.load_state_dict(states[name])
        return self._found is not None

    def found(self) -> str:
        """What `open` has read, in words."""
        if self._found is None:
            return f"no state in {str(self.folder)!r}"
        facts = self._found.facts
        return f"epoch {facts['epoch']}, batch {facts['batch']} (checksum {facts['checksum']})"

    # -- writing -------------------------------------------------------------------------------------------------------

    def save(self, position: Position) -> None:
        """Write the state; the last good one stays until the new one is whole.

        Args:
            position: Where training stands.
        """
        tensors: dict[str, np.ndarray] = {}
        facts = {
            "format": _FORMAT,
            "epoch": position.epoch,
            "batch": position.batch,
            "variables": [[v.path, list(v.shape), v.dtype] for v in self.variables],
            "stop": bool(self.model.stop_training),
            "callbacks": [
                [name, _packed(state, tensors, f"callbacks.{name}")]
                for name, one in _named(self.callbacks)
                if (state := one.state_dict())
            ],
            **self._of_processes(),
            "parts": self._write_parts(),
        }
        with writing(self.folder / _LATEST) as temporary:
            if self._rank == 0:
                self._write(facts, tensors, temporary)
        if self._rank == 0:
            self._remove_parts()

    def _of_processes(self) -> dict[str, Any]:
        """Random numbers and the place in the data; of each process, where they differ."""
        own = {
            "random": random_state(),
            "feeds": {name: feed.state_dict() for name, feed in self.feeds.items()},
        }
        found = _of_each(own)
        facts = {**found[0], "processes": len(found), "apart": _apart()}
        return facts if all(one == found[0] for one in found) else {**facts, "own": found}

    def _write_parts(self) -> dict[str, Any] | None:
        """Write what no process holds alone; gives where, and of which variables."""
        numbers = [i for i, v in enumerate(self.variables) if self._count > 1 and _is_divided(v)]
        if not numbers:
            return None
        self._number += 1
        name = f"parts.{self._number}"
        arrays = ((str(i), self.variables[i].own_parts()) for i in numbers)
        divided.write(self.folder / name, self._rank, arrays)
        meet("the folder of the resume")
        return {"folder": name, "variables": numbers}

    def _write(self, facts: dict[str, Any], tensors: dict[str, np.ndarray], path: pathlib.Path) -> None:
        from safetensors.numpy import save_file

        elsewhere = set((facts["parts"] or {}).get("variables", ()))
        for i, v in enumerate(self.variables):
            if i not in elsewhere:
                tensors[f"variables.{i}"] = plain(v.numpy())
        facts["checksum"] = _checksum(tensors)
        save_file(tensors, path, {"lamina": json.dumps(facts)})
        latest = self.folder / _LATEST
        if self.keep_previous and latest.exists():
            os.replace(latest, self.folder / _BEFORE)

    def own_parts(self) -> pathlib.Path | None:
        """The file in which this process wrote its parts of the last state, for who keeps a folder for each process; those of
        states before go. None where nothing is divided."""
        last = self.folder / f"parts.{self._number}" / f"{self._rank}.safetensors"
        for number, folder in self._folders().items():
            if number < self._number:
                divided.remove(folder)
        return last if last.exists() else None

    def _folders(self) -> dict[int, pathlib.Path]:
        """The folders of parts, by number."""
        found = ((_PARTS.fullmatch(p.name), p) for p in self.folder.iterdir() if not p.is_symlink())
        return {int(match[1]): path for match, path in found if match is not None}

    def _remove_parts(self) -> None:
        """Remove the folders of parts that no file names."""
        files = [self.folder / name for name in (_LATEST, _BEFORE) if (self.folder / name).exists()]
        folders = self._folders().values()
        named = {name for file in files for name in _parts_of(file)} if folders else set()
        for folder in folders:
            if folder.name not in named:
                divided.remove(folder)

    def delete(self) -> None:
        """Remove the state."""
        if self._rank == 0:
            for name in (_LATEST, _BEFORE):
                (self.folder / name).unlink(missing_ok=True)
            if self.folder.is_dir():
                self._remove_parts()
                if not any(self.folder.iterdir()):
                    self.folder.rmdir()
        meet("the folder of the resume")

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
        found, self._found = self._found, None
        facts = found.facts
        self._check(facts)
        position = Position(facts["epoch"], facts["batch"])
        self._check_world(facts, position)
        parts = found.parts(self.variables)
        for i, v in enumerate(self.variables):
            if i in parts:
                v.take_parts(parts[i])
                parts[i].forget()
            else:
                v.assign(_as(found.tensors[f"variables.{i}"], v))
        replayed = any(feed.replays for feed in self.feeds.values())
        set_random_state({} if replayed else self._own(facts).get("random", facts["random"]))
        self.model.stop_training = facts["stop"]
        self._load_callbacks(dict(facts["callbacks"]), found.tensors)
        return position

    def _own(self, facts: dict[str, Any]) -> dict[str, Any]:
        """What this process left, where the processes are as many as they were and each had something of its own."""
        own = facts.get("own")
        return own[self._rank] if own is not None and len(own) == self._count else {}

    def _check_world(self, facts: dict[str, Any], position: Position) -> None:
        """That the place in the data means the same to these processes."""
        before = facts.get("processes", 1)
        inside = position.batch or any(state.get("taken") for state in facts["feeds"].values())
        if before != self._count and inside and (facts.get("apart") or _apart()):
            raise ValueError(
                f"The state in {self.folder} stands inside an epoch of {before} processes, and with auto_shard_dataset=False "
                f"each of {self._count} reads other rows than those did. Go on with {before} processes, or from a state at "
                "the end of an epoch, or with auto_shard_dataset=True."
            )

    def _read(self) -> _State | None:
        errors = []
        for name in (_LATEST, _BEFORE):
            path = self.folder / name
            if not path.exists():
                continue
            try:
                found, error = _open(path, self._rank, self._count), ""
            except SerializationError as damage:
                found, error = None, str(damage)
            # each process has compared its share of the parts: what one of them found counts for all
            told = [text for text in _of_each(error) if text]
            if told:
                errors += told[:1]
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


@dataclass
class _State:
    """What a file says: facts, arrays, and the parts of others."""

    facts: dict[str, Any]
    tensors: dict[str, np.ndarray]
    files: divided.Files | None

    def parts(self, variables: list[Any]) -> dict[int, Parted]:
        """The variables that lie in parts, by number."""
        if self.files is None:
            return {}
        import ml_dtypes  # noqa: F401  (makes its dtypes known to NumPy by name)

        wanted = {i: variables[i] for i in self.facts["parts"]["variables"]}
        found = self.files.parts({str(i): np.dtype(v.dtype) for i, v in wanted.items()})
        return {i: Parted(v.shape, v.dtype, found[str(i)], v.path) for i, v in wanted.items()}


def _open(path: pathlib.Path, rank: int, count: int) -> _State:
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
    if not facts.get("parts"):
        return _State(facts, tensors, None)
    files = divided.Files(path.parent / facts["parts"]["folder"], facts["processes"])
    files.check(rank, count)
    return _State(facts, tensors, files)


def _parts_of(path: pathlib.Path) -> list[str]:
    """The folders of parts that a file names."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            facts = json.loads((file.metadata() or {}).get("lamina", "null"))
    except (SafetensorError, OSError, ValueError):
        return []
    parts = facts.get("parts") if isinstance(facts, dict) else None
    return [parts["folder"]] if parts else []


def _is_divided(variable: Any) -> bool:
    return variable.placement is not None and any(n > 1 for n in variable.placement.parts)


def _apart() -> bool:
    """Whether each of several processes reads rows of its own."""
    distribution = distribution_in_force()
    return processes()[1] > 1 and distribution is not None and not distribution.auto_shard_dataset


def _of_each(value: Any) -> list[Any]:
    """A value that JSON can hold, of each process, on each of them."""
    if processes()[1] == 1:
        return [value]
    spread = real_kernel().spread
    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    sizes = spread.collect(np.asarray(text.size, np.int32)).tolist()
    room = np.zeros(max(sizes), np.uint8)
    room[: text.size] = text
    return [json.loads(row[:size].tobytes()) for row, size in zip(spread.collect(room), sizes, strict=True)]


def _checksum(tensors: dict[str, np.ndarray]) -> int:
    total = 0
    for key in sorted(tensors):
        total = checksum(tensors[key], total)
    return total


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
        tensors[where] = plain(value)
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
