"""Weights written as several HDF5 files beside a JSON index.

The shards of a new save get numbers that no file has, and the index is exchanged last: until then the old index names the
old shards, and all of it is whole.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

from lamina.errors import SerializationError
from lamina.saving import hdf5, weights
from lamina.saving.atomic import may_replace, writing
from lamina.saving.sources import shard_names


def save(model: Any, path: pathlib.Path, overwrite: bool, size: float | None, skip: Any) -> None:
    """Write shards of at most `size` GB (10 where it is None) and their index.

    Raises:
        ValueError: if the size is none, or the name has another ending.
    """
    size = 10.0 if size is None else size
    if not isinstance(size, int | float) or size <= 0:
        raise ValueError(f"`max_shard_size` must be a positive number of GB, got {size!r}.")
    if not path.name.endswith((".weights.h5", ".weights.json")):
        raise ValueError(f"Sharded weights go to a name that ends in '.weights.json', got {path.name!r}.")
    stem = path.name.removesuffix(".json").removesuffix(".h5").removesuffix(".weights")
    index = path.with_name(f"{stem}.weights.json")
    may_replace(index, overwrite)
    old = _named(index)
    names = _free(index.parent, stem)
    made: list[str] = []
    try:
        total, places = _write(model, index, names, made, size * 2**30, skip)
        with writing(index) as temporary:
            temporary.write_text(
                json.dumps({"metadata": {"total_size": total}, "weight_map": places}, indent=4)
            )
    except BaseException:
        old = made  # the save has failed: its own shards go
        raise
    finally:
        for name in old:
            index.with_name(name).unlink(missing_ok=True)


def _named(index: pathlib.Path) -> list[str]:
    """The shards of an index that is there."""
    try:
        return shard_names(index) if index.is_file() else []
    except SerializationError:
        return []  # it is replaced, whatever it was


def _free(folder: pathlib.Path, stem: str) -> Iterator[str]:
    """Names of shards that no file has."""
    there = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
    names = (f"{stem}_{number:05d}.weights.h5" for number in itertools.count())
    return (name for name in names if name not in there)


def _write(
    model: Any, index: pathlib.Path, names: Iterator[str], made: list[str], room: float, skip: Any
) -> tuple[int, dict[str, list[str]]]:
    """All tensors in shards: their size, and the files of each group."""
    total = 0
    places: dict[str, list[str]] = {}
    tensors = weights.written(model, with_optimizer=False, skip=skip)
    first = next(tensors, None)
    while first is not None or not made:
        made.append(next(names))
        filled = 0
        with writing(index.with_name(made[-1])) as temporary, hdf5.created(temporary) as file:
            following = None
            for path, value in itertools.chain([first] if first else [], tensors):
                if filled and filled + value.nbytes > room:
                    following = path, value
                    break
                owner, _, name = path.rpartition("/")
                hdf5.write_tensor(file.require_group(owner), name, value)
                filled += value.nbytes
                files = places.setdefault(f"/{owner}", [])
                if made[-1] not in files:
                    files.append(made[-1])
            first = following
        total += filled
    return total, places
