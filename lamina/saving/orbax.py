"""Folders that `OrbaxCheckpoint` writes: the state of a model by the paths of its variables, a folder for each number.

Nothing of such a folder is code, but its arrays are read by a library of others. So what the folder says of itself is
compared first: plain files only, the known kind of handler, and the shapes of all arrays with those of the model.
"""

from __future__ import annotations

import json
import math
import pathlib
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from lamina.core.codec import check_depth, deserialize
from lamina.core.limits import check_weights, in_force
from lamina.errors import SerializationError
from lamina.saving.report import convertible, report

_MARK = "_CHECKPOINT_METADATA"
_WEIGHTS = ("trainable_variables", "non_trainable_variables")
_OPTIMIZER = ("optimizer_variables",)
_SEEDS = "seed_generator_state"


def is_checkpoint(path: pathlib.Path) -> bool:
    """Whether a path is a folder of checkpoints, or one of them."""
    return path.is_dir() and ((path / _MARK).is_file() or bool(_steps(path)))


def _steps(path: pathlib.Path) -> list[pathlib.Path]:
    """The finished checkpoints in a folder, the latest last."""
    found = [p for p in path.iterdir() if p.name.isdecimal() and not p.is_symlink() and (p / _MARK).is_file()]
    return sorted(found, key=lambda p: int(p.name))


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
        ImportError: if orbax-checkpoint is not installed.
    """
    step, label = _checked(path)
    file = step / "model_config" / "_strings.json"
    if not file.is_file():
        raise SerializationError(
            f"{label}: the checkpoint holds weights alone (`save_weights_only=True`): build the model and call "
            "`model.load_weights`."
        )
    config = _json(_json(file.read_bytes(), label, file).get("config"), label, "the config")
    if not compile:
        config.pop("compile_config", None)
    model = deserialize(config, custom_objects, where=label)
    if not hasattr(model, "_layer_state"):
        raise SerializationError(f"{label}: the config describes a {type(model).__name__}, not a model.")
    optimizer = getattr(model, "optimizer", None) if compile else None
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    _read(model, step, label, with_optimizer=optimizer is not None)
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
        ImportError: if orbax-checkpoint is not installed.
    """
    step, label = _checked(path)
    kept = {id(v) for layer in model._flatten_layers() if _skipped(layer, skip) for v in layer.variables}
    _read(model, step, label, with_optimizer=False, skip_mismatch=skip_mismatch, kept=kept)


def _skipped(layer: Any, skip: Any) -> bool:
    return any(one is layer or one == layer.name for one in skip or ())


def _checked(path: pathlib.Path) -> tuple[pathlib.Path, str]:
    """The folder of one checkpoint, and what it is called in errors."""
    if find_spec("orbax") is None:
        raise ImportError(
            "Reading an Orbax checkpoint needs the package orbax-checkpoint: `pip install orbax-checkpoint`."
        )
    step = path if (path / _MARK).is_file() else _steps(path)[-1]
    label = path.name if step is path else f"{path.name}/{step.name}"
    for number, file in enumerate(step.rglob("*")):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise SerializationError(f"{label}: {file.name} is not a plain file.")
        if number > in_force().members:
            raise SerializationError(f"{label}: the folder holds more than {in_force().members} files.")
    handlers = _json((step / _MARK).read_bytes(), label, step / _MARK).get("item_handlers")
    if not isinstance(handlers, dict) or not all(
        str(h).startswith("orbax.checkpoint.") for h in handlers.values()
    ):
        raise SerializationError(f"{label}: {_MARK} names no handlers of Orbax's own: {handlers!r:.120}.")
    return step, label


def _json(text: Any, label: str, what: Any) -> dict[str, Any]:
    what = what.name if isinstance(what, pathlib.Path) else what
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


def _read(
    model: Any,
    step: pathlib.Path,
    label: str,
    *,
    with_optimizer: bool,
    skip_mismatch: bool = False,
    kept: Any = (),
) -> None:
    """Read all state that a model has a place for; nothing is assigned before all of it was compared and read."""
    orbax = import_module("orbax.checkpoint").v1
    with _guarded(label):
        tree = orbax.checkpointables_metadata(step).metadata["pytree"]
        have = dict(_flat({part: tree[part] for part in (*_WEIGHTS, *_OPTIMIZER) if part in tree}))
    pairs, differences = _paired(model, have, with_optimizer)
    if differences and not skip_mismatch:
        raise SerializationError(report(label, differences))
    pairs = [(v, place) for v, place in pairs if id(v) not in kept]
    check_weights(sum(math.prod(v.shape) * np.dtype(have[place].dtype).itemsize for v, place in pairs), label)
    wanted = {place for _, place in pairs}
    with _guarded(label):
        # an array of one number that looks large says "as NumPy" and takes no memory
        asked = lambda place, leaf: np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape) if place in wanted else orbax.PLACEHOLDER  # noqa: E501  # fmt: skip
        found = dict(_flat(orbax.load_checkpointables(step, {"pytree": _mapped(asked, tree)})["pytree"]))
    for v, place in pairs:
        v.assign(found[place])
    if differences:
        warnings.warn(report(label, differences, skipped=True), stacklevel=5)


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


def _paired(
    model: Any, have: dict[tuple[str, ...], Any], with_optimizer: bool
) -> tuple[list[tuple[Any, tuple[str, ...]]], list[str]]:
    """Each variable with its place in the folder, and what has none."""
    parts = model._state_parts()
    weights = {place[1:]: place for place in have if place[0] in _WEIGHTS}
    variables = [v for part in _WEIGHTS for v in parts[part]]
    seeds = [v for v in variables if v.name == _SEEDS]
    others = [v for v in variables if v.name != _SEEDS]
    names = _same_names(others, {n: p for n, p in weights.items() if n[-1] != _SEEDS}, have)
    pairs = [(v, weights[names[id(v)]]) for v in others if id(v) in names]
    # seeds have the numbers of the process that made them in their paths: what counts is their order
    stored = sorted((n for n in weights if n[-1] == _SEEDS), key=lambda n: [_natural(part) for part in n])
    if len(stored) == len(seeds):
        pairs += [(v, weights[n]) for v, n in zip(seeds, stored, strict=True)]
    if with_optimizer:
        state = {"/".join(place[1:]): place for place in have if place[0] in _OPTIMIZER}
        renamed = {v.path.replace("/", "_"): "_".join(names[id(v)]) for v in others if id(v) in names}
        found = {id(v): _optimizer_path(v.path, renamed, state) for v in parts[_OPTIMIZER[0]]}
        pairs += [(v, state[found[id(v)]]) for v in parts[_OPTIMIZER[0]] if found[id(v)] in state]
        others = [*others, *parts[_OPTIMIZER[0]]]
    return _compared(pairs, others, have, with_optimizer)


def _same_names(
    variables: list[Any], places: dict[tuple[str, ...], Any], have: dict[tuple[str, ...], Any]
) -> dict[int, tuple[str, ...]]:
    """The names of each variable in the folder: the same path, else the only one that ends like it.

    A model that is read from its config is built from the inside, so that its variables may lack the names of models
    around them. At last names are the same that differ by automatic numbers.
    """
    wanted = {id(v): tuple(v.path.split("/")) for v in variables}
    found = {key: names for key, names in wanted.items() if names in places}
    shapes = {id(v): tuple(v.shape) for v in variables}
    while True:
        free = set(places) - set(found.values())
        left = {key: names for key, names in wanted.items() if key not in found}
        maybe = {
            key: [f for f in free if _ends_alike(f, names) and tuple(have[places[f]].shape) == shapes[key]]
            for key, names in left.items()
        }
        claims = [f for candidates in maybe.values() for f in candidates]
        new = {key: one[0] for key, one in maybe.items() if len(one) == 1 and claims.count(one[0]) == 1}
        if not new:
            break
        found |= new
    mine, theirs = _ranked(wanted.values()), _ranked(places)
    by_rank = {theirs[f]: f for f in free}
    for key, names in left.items():
        place = by_rank.get(mine[names])
        if place is not None and tuple(have[places[place]].shape) == shapes[key]:
            found[key] = place
    return found


def _ranked(paths: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Each path with the numbers of automatic names counted anew among those beside it.

    `dense_4` and `dense_7` of one process are `dense` and `dense_1` of another: what counts is their order.
    """
    paths = list(paths)
    beside: dict[tuple[str, ...], set[str]] = {}
    for path in paths:
        for i, part in enumerate(path):
            beside.setdefault(path[:i], set()).add(part)
    ranks: dict[tuple[str, ...], tuple[str, int]] = {}
    for above, parts in beside.items():
        counts: dict[str, int] = {}
        for part in sorted(parts, key=_natural):
            stem = _natural(part)[0]
            counts[stem] = counts.get(stem, -1) + 1
            ranks[*above, part] = (stem, counts[stem])
    return {path: tuple(ranks[path[: i + 1]] for i in range(len(path))) for path in paths}


def _ends_alike(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    shorter = min(len(a), len(b))
    return a[-shorter:] == b[-shorter:]


def _optimizer_path(path: str, renamed: dict[str, str], state: dict[str, Any]) -> str:
    """The path of an optimizer's variable, in which that of a weight stands with "_" for "/"."""
    head, _, tail = path.partition("/")
    known = [name for name in renamed if tail.startswith(name)] if path not in state else []
    longest = max(known, key=len, default=None)
    return path if longest is None else f"{head}/{renamed[longest]}{tail[len(longest) :]}"


def _natural(text: str) -> tuple[str, int]:
    stem = text.rstrip("0123456789")
    return stem.rstrip("_"), int(text[len(stem) :] or 0)


def _compared(
    pairs: list[tuple[Any, tuple[str, ...]]],
    wanted: list[Any],
    have: dict[tuple[str, ...], Any],
    with_optimizer: bool,
) -> tuple[list[tuple[Any, tuple[str, ...]]], list[str]]:
    """The pairs that fit, and all differences."""
    fitting, differences = [], []
    paired = {id(v) for v, _ in pairs}
    for v, place in pairs:
        leaf = have[place]
        if tuple(leaf.shape) != tuple(v.shape):
            differences.append(
                f"! other shape {v.path}: the model wants {tuple(v.shape)}, the checkpoint has {tuple(leaf.shape)}"
            )
        elif not convertible(np.dtype(leaf.dtype), v.dtype):
            differences.append(
                f"! other dtype {v.path}: the model wants {v.dtype}, the checkpoint has {leaf.dtype}"
            )
        else:
            fitting.append((v, place))
    differences += [
        f"- missing     {v.path}: the model wants {tuple(v.shape)}" for v in wanted if id(v) not in paired
    ]
    used = {place for _, place in pairs}
    differences += [
        f"+ unexpected  {'/'.join(place)}: the checkpoint has {tuple(leaf.shape)}"
        for place, leaf in have.items()
        if place not in used and place[-1] != _SEEDS and (with_optimizer or place[0] not in _OPTIMIZER)
    ]
    return fitting, differences


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
