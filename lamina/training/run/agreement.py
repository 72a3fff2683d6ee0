"""Processes that train together must do the same: whether they do is found before the first step, not by waiting for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from lamina.core.release import version
from lamina.distribution import group
from lamina.errors import ProcessError
from lamina.kernel.context import distribution_in_force
from lamina.kernel.trees import leaves, map_leaves

_MOST = 8  # differences that are told


class Fact(NamedTuple):
    """Something that must be equal in all processes.

    Fields:
        key: What is compared with what.
        name: What it is called in words; it may differ.
        value: What must be equal.
    """

    key: str
    name: str
    value: str


def agree(what: str, facts: Iterable[Fact]) -> None:
    """Compare facts with those of the other processes.

    Args:
        what: Where all processes are, in words.
        facts: Those of this one.

    Raises:
        ProcessError: in every process, if they are not equal.
    """
    mine = list(facts)
    compared = json.dumps([(fact.key, fact.value) for fact in mine])
    digests = group.gather(what, hashlib.sha256(compared.encode()).hexdigest())
    if len(set(digests)) == 1:
        return
    texts = group.gather(f"{what}, in words", written(mine))
    told = [[Fact(*fact) for fact in json.loads(text)] for text in texts]
    lines = [line for rank, other in enumerate(told) for line in differences(told[0], other, rank)]
    more = f"\n  and {len(lines) - _MOST} more" if len(lines) > _MOST else ""
    raise ProcessError(
        f"The processes have come to {what}, but not with the same model and data:\n"
        + "\n".join(lines[:_MOST])
        + f"{more}\nEvery process runs the same script: look for what depends on its number, its files or its random seed."
    )


def written(facts: list[Fact]) -> str:
    """Facts as a text."""
    return json.dumps(facts)


def differences(first: list[Fact], other: list[Fact], rank: int) -> list[str]:
    """What differs between the first process and another one, in words."""
    known, found, lines = {f.key: f for f in first}, {f.key: f for f in other}, []
    for key in dict.fromkeys([*known, *found]):
        here, there = known.get(key), found.get(key)
        if here is None or there is None or here.value != there.value:
            lines.append(
                f"  process {rank} has {_told(there, here)}, process 0 {_told(here, there, after=True)}"
            )
    return lines


def _told(fact: Fact | None, other: Fact | None, after: bool = False) -> str:
    if fact is None:
        return "none" if after or other is None else f"no {other.name}"
    same = after and other is not None and fact.name == other.name
    return fact.value if same else f"{fact.name} {fact.value}"


# -- the facts -----------------------------------------------------------------------------------------------------------


def facts_of_run(
    model: Any, k: Any, variables: list[Any], feeds: dict[str, Any], **settings: Any
) -> list[Fact]:
    """What decides about the steps of a `fit` or `evaluate`.

    Args:
        model: The model.
        k: The kernel.
        variables: Those of its program.
        feeds: The data by name.
        **settings: What else must be equal.
    """
    distribution: Any = distribution_in_force()
    stream = model._model_state.stream
    stream.split()
    settings = {
        "lamina": version(), "backend": k.name, "distribution": _words_of(distribution),
        "optimizer": _config_of(model.optimizer), "random seed": stream._first_key, **settings,
    }  # fmt: skip
    own_rows = not distribution.auto_shard_dataset
    return [
        *(Fact(name, name, str(value)) for name, value in settings.items()),
        *(Fact(f"variable {i}", f"weight {v.path!r}", _variable(v)) for i, v in enumerate(variables)),
        *(fact for name, feed in feeds.items() for fact in _of_feed(name, feed, own_rows)),
    ]


def _words_of(distribution: Any) -> str:
    mesh = distribution.device_mesh
    return (
        f"{type(distribution).__name__} over {mesh.placement().names} {mesh.placement().sizes} of "
        f"{', '.join(mesh.placement().devices)}, auto_shard_dataset={distribution.auto_shard_dataset}"
    )


def _config_of(thing: Any) -> str:
    """A config without names, which are counted up, and without addresses, which differ."""
    if thing is None:
        return "none"
    config = {name: value for name, value in thing.get_config().items() if name != "name"}
    return f"{type(thing).__name__} {json.dumps(config, default=lambda x: type(x).__name__, sort_keys=True)}"


def _variable(v: Any) -> str:
    layout = "" if v.layout is None or not any(v.layout.axes) else f" as {v.layout.axes}"
    return f"{tuple(v.shape)} {v.dtype}{layout}{'' if v.trainable else ', not trainable'}"


def _of_feed(name: str, feed: Any, own_rows: bool) -> list[Fact]:
    """What all processes must have in common of data; where each has rows of its own, how many is its affair."""
    sizes = {
        "batch size": feed.batch_size,
        "batches": feed.steps,
        "order (seed)": getattr(feed, "seed", None),
    }
    facts = (
        [] if own_rows else [Fact(f"{name} {what}", f"{name} {what}", str(n)) for what, n in sizes.items()]
    )
    tree = getattr(feed, "tree", None)
    if tree is None and own_rows:
        return facts  # a source may have no batch here
    tree = feed.sample() if tree is None else tree
    structure = map_leaves(lambda leaf: None if leaf is None else 0, tree)
    facts.append(Fact(f"{name} structure", f"{name} structure", str(structure)))
    for i, leaf in enumerate(leaves(tree)):
        if hasattr(leaf, "shape"):  # a step of the user's own may take anything
            shape = tuple(leaf.shape)[1 if own_rows else 0 :]
            facts.append(Fact(f"{name} {i}", f"{name} array {i} of", f"shape {shape} {leaf.dtype}"))
    return facts
