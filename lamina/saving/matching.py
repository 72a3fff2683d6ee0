"""Which variable of a model is which array of a checkpoint: by its path, also where automatic names differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lamina.saving.report import convertible

WEIGHTS = ("trainable_variables", "non_trainable_variables")
OPTIMIZER = ("optimizer_variables",)
_SEEDS = "seed_generator_state"
Place = tuple[str, ...]  # the part of the state, and the names on the way to a variable


def paired(
    model: Any, have: dict[Place, Any], with_optimizer: bool
) -> tuple[list[tuple[Any, Place]], list[str]]:
    """Each variable with its place in the folder, and what has none."""
    parts = model._state_parts()
    weights = {place[1:]: place for place in have if place[0] in WEIGHTS}
    variables = [v for part in WEIGHTS for v in parts[part]]
    seeds = [v for v in variables if v.name == _SEEDS]
    others = [v for v in variables if v.name != _SEEDS]
    names = _same_names(others, {n: p for n, p in weights.items() if n[-1] != _SEEDS}, have)
    pairs = [(v, weights[names[id(v)]]) for v in others if id(v) in names]
    # seeds have the numbers of the process that made them in their paths: what counts is their order
    stored = sorted((n for n in weights if n[-1] == _SEEDS), key=lambda n: [_natural(part) for part in n])
    if len(stored) == len(seeds):
        pairs += [(v, weights[n]) for v, n in zip(seeds, stored, strict=True)]
    if with_optimizer:
        state = {"/".join(place[1:]): place for place in have if place[0] in OPTIMIZER}
        renamed = {v.path.replace("/", "_"): "_".join(names[id(v)]) for v in others if id(v) in names}
        heads = _same_heads([v.path for v in parts[OPTIMIZER[0]]], list(state))
        found = {id(v): _optimizer_path(v.path, renamed, heads, state) for v in parts[OPTIMIZER[0]]}
        pairs += [(v, state[found[id(v)]]) for v in parts[OPTIMIZER[0]] if found[id(v)] in state]
        others = [*others, *parts[OPTIMIZER[0]]]
    return _compared(pairs, others, have, with_optimizer)


def _same_names(variables: list[Any], places: dict[Place, Any], have: dict[Place, Any]) -> dict[int, Place]:
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


def _ranked(paths: Iterable[Place]) -> dict[Place, tuple[Any, ...]]:
    """Each path with the numbers of automatic names counted anew among those beside it.

    `dense_4` and `dense_7` of one process are `dense` and `dense_1` of another: what counts is their order.
    """
    paths = list(paths)
    beside: dict[Place, set[str]] = {}
    for path in paths:
        for i, part in enumerate(path):
            beside.setdefault(path[:i], set()).add(part)
    ranks: dict[Place, tuple[str, int]] = {}
    for above, parts in beside.items():
        counts: dict[str, int] = {}
        for part in sorted(parts, key=_natural):
            stem = _natural(part)[0]
            counts[stem] = counts.get(stem, -1) + 1
            ranks[*above, part] = (stem, counts[stem])
    return {path: tuple(ranks[path[: i + 1]] for i in range(len(path))) for path in paths}


def _ends_alike(a: Place, b: Place) -> bool:
    shorter = min(len(a), len(b))
    return a[-shorter:] == b[-shorter:]


def _same_heads(mine: list[str], theirs: list[str]) -> dict[str, str]:
    """The names of optimizers in the folder; automatic numbers are counted anew, as those of layers are."""
    heads = lambda paths: dict.fromkeys((path.partition("/")[0],) for path in paths)
    have, wanted = heads(theirs), heads(mine)
    by_rank = {rank: head for (head,), rank in zip(have, _ranked(have).values(), strict=True)}
    ranks = _ranked(wanted)
    return {head: head if (head,) in have else by_rank.get(ranks[head,], head) for (head,) in wanted}


def _optimizer_path(path: str, renamed: dict[str, str], heads: dict[str, str], state: dict[str, Any]) -> str:
    """The path of an optimizer's variable, in which that of a weight stands with "_" for "/"."""
    head, _, tail = path.partition("/")
    path = f"{heads[head]}/{tail}"
    known = [name for name in renamed if tail.startswith(name)] if path not in state else []
    longest = max(known, key=len, default=None)
    return path if longest is None else f"{heads[head]}/{renamed[longest]}{tail[len(longest) :]}"


def _natural(text: str) -> tuple[str, int]:
    stem = text.rstrip("0123456789")
    return stem.rstrip("_"), int(text[len(stem) :] or 0)


def _compared(
    pairs: list[tuple[Any, Place]],
    wanted: list[Any],
    have: dict[Place, Any],
    with_optimizer: bool,
) -> tuple[list[tuple[Any, Place]], list[str]]:
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
        if place not in used and place[-1] != _SEEDS and (with_optimizer or place[0] not in OPTIMIZER)
    ]
    return fitting, differences
