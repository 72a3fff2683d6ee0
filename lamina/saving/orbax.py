"""Folders that Orbax writes: the state of a model by the paths of its variables.

Nothing of such a folder is code, but its arrays are read by a library of others. So what the folder says of itself is
compared first: plain files only, the known kind of handler, and the shapes of all arrays with those of the model.
"""

from __future__ import annotations

import json
import pathlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from lamina.core.codec import check_depth
from lamina.core.limits import in_force
from lamina.core.variable import Variable
from lamina.distribution.group import gather, meet
from lamina.errors import SerializationError
from lamina.kernel.context import distribution_in_force, processes, real_kernel
from lamina.saving.matching import OPTIMIZER, WEIGHTS, Place

_MARK = "_CHECKPOINT_METADATA"


def is_finished(path: pathlib.Path) -> bool:
    """Whether a folder is one checkpoint of Orbax, wholly written."""
    return (path / _MARK).is_file()


@dataclass(frozen=True)  # a tuple would be a tree to jax
class Lies:
    """What Orbax asks of an array that it is to read: also how it is to lie, so that each process reads its own parts."""

    shape: tuple[int, ...]
    dtype: np.dtype
    sharding: Any


class OrbaxFolder:
    """One checkpoint of Orbax, opened.

    Args:
        path: Its folder.
        label: What it is called in errors.

    Raises:
        SerializationError: if the folder breaks a rule.
        ImportError: if orbax-checkpoint is not installed.
    """

    def __init__(self, path: pathlib.Path, label: str) -> None:
        if find_spec("orbax") is None:
            raise ImportError(
                "Reading an Orbax checkpoint needs the package orbax-checkpoint: `pip install orbax-checkpoint`."
            )
        self.path, self.label = path, label
        check_files(path, label)
        handlers = read_json((path / _MARK).read_bytes(), label, _MARK).get("item_handlers")
        if not isinstance(handlers, dict) or not all(
            str(h).startswith("orbax.checkpoint.") for h in handlers.values()
        ):
            raise SerializationError(f"{label}: {_MARK} names no handlers of Orbax's own: {handlers!r:.120}.")
        self._orbax = import_module("orbax.checkpoint").v1
        with _guarded(label):
            self._tree = self._orbax.checkpointables_metadata(path).metadata["pytree"]
            parts = {part: self._tree[part] for part in (*WEIGHTS, *OPTIMIZER) if part in self._tree}
            self.arrays = dict(_flat(parts))

    def config(self) -> dict[str, Any] | None:
        """The model's config; None where there are weights alone."""
        file = self.path / "model_config" / "_strings.json"
        if not file.is_file():
            return None
        text = read_json(file.read_bytes(), self.label, file.name).get("config")
        return read_json(text, self.label, "the config")

    def read(self, pairs: list[tuple[Variable, Place]]) -> None:
        """Give variables the numbers of these arrays; nothing is assigned before all of them were read."""
        wanted = {place: self._as_it_lies(v, place) for v, place in pairs}
        with _guarded(self.label):
            asked = _mapped(lambda place, _: wanted.get(place, self._orbax.PLACEHOLDER), self._tree)
            found = dict(_flat(self._orbax.load_checkpointables(self.path, {"pytree": asked})["pytree"]))
        for v, place in pairs:
            v.assign(found[place])

    def _as_it_lies(self, v: Variable, place: Place) -> Any:
        leaf = self.arrays[place]
        k = real_kernel()
        if v.placement is not None and k.spread.checkpoints == "orbax":
            return Lies(tuple(leaf.shape), np.dtype(leaf.dtype), k.spread.native(v.placement))
        # an array of one number that looks large says "as NumPy" and takes no memory
        return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape)


class OrbaxKeeper:
    """Writes a folder of Orbax's checkpoints: on jax each process the parts that it holds, elsewhere the first one whole arrays.

    Args:
        directory: The folder.
        max_to_keep: How many checkpoints stay; None for all.

    Raises:
        ImportError: if orbax-checkpoint is not installed.
    """

    def __init__(self, directory: str, max_to_keep: int | None) -> None:
        # Orbax divides arrays of jax, and knows of the processes that jax knows of
        by_all = real_kernel().spread.checkpoints == "orbax"
        divided = by_all and distribution_in_force() is not None
        self.value_format = "backend_tensor" if divided else "numpy_array"
        self._waits = not by_all and processes()[1] > 1
        self._keeper = None if self._waits and processes()[0] else _keeper(directory, max_to_keep)
        latest = None if self._keeper is None else self._keeper.latest
        self.next = 0 if latest is None else latest.step + 1
        if self._waits:
            self.next = int(gather("the folder of checkpoints", str(self.next))[0])

    def save(self, number: int, tree: dict[str, Any], config: str | None, background: bool) -> None:
        """Write a checkpoint, once the last one is written.

        Args:
            number: Its number.
            tree: The state, in `value_format`.
            config: The model's config as JSON; None for weights alone.
            background: Whether to return before it is written.
        """
        if self._keeper is None:
            return  # it has helped to bring the arrays together
        content: dict[str, Any] = {"pytree": tree}
        if config is not None:
            content["model_config"] = {"config": config}
        self._keeper.wait()  # while one is written, Orbax would leave the next one out
        if background:
            self._keeper.save_checkpointables_async(number, content)
        else:
            self._keeper.save_checkpointables(number, content)

    def wait(self) -> None:
        """Until everything is written."""
        if self._keeper is not None:
            self._keeper.wait()

    def close(self) -> None:
        """Until everything is written, for the last time, by whichever process."""
        if self._keeper is not None:
            self._keeper.close()
        if self._waits:
            meet("the folder of checkpoints")


def _keeper(directory: str, max_to_keep: int | None) -> Any:
    training = import_module("orbax.checkpoint").v1.training
    policy = None if max_to_keep is None else training.preservation_policies.LatestN(max_to_keep)
    return training.Checkpointer(directory, preservation_policy=policy)


def check_files(path: pathlib.Path, label: str) -> None:
    """That a folder holds plain files and folders, and no more than is allowed.

    Raises:
        SerializationError: otherwise.
    """
    for number, file in enumerate(path.rglob("*")):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise SerializationError(f"{label}: {file.name} is not a plain file.")
        if number > in_force().members:
            raise SerializationError(f"{label}: the folder holds more than {in_force().members} files.")


def read_json(text: Any, label: str, what: str) -> dict[str, Any]:
    """A dict in a JSON text.

    Raises:
        SerializationError: if it is none, or larger or deeper than is allowed.
    """
    if not isinstance(text, str | bytes) or len(text) > in_force().json_bytes:
        raise SerializationError(f"{label}: {what} is no JSON text, or a longer one than is allowed.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{label}: {what} is not valid JSON ({error!s:.200}).") from None
    if not isinstance(found, dict):
        raise SerializationError(f"{label}: {what} must be a dict, got {found!r:.80}.")
    check_depth(found, f"{label}: {what}")
    return found


def _flat(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of nested dicts, with the part of the state and the names on the way to each."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def _mapped(function: Any, tree: Any, above: tuple[str, ...] = ()) -> Any:
    return {
        key: _mapped(function, value, (*above, str(key))) if isinstance(value, dict)
        else function((*above, str(key)), value)
        for key, value in tree.items()
    }  # fmt: skip


@contextmanager
def _guarded(label: str) -> Iterator[None]:
    """A block in which whatever Orbax makes of a damaged folder is raised in Lamina's words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ImportError, SerializationError):
        raise
    except Exception as error:  # noqa: BLE001  # it has dozens of its own, and TensorStore's below them
        raise SerializationError(
            f"{label}: not a readable Orbax checkpoint ({type(error).__name__}: {error!s:.200})."
        ) from None
