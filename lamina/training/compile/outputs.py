"""The outputs of a model, and how what `compile` and `fit` are given is paired with them: by structure and by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamina.errors import PairingError, suggestion
from lamina.kernel.trees import ordered_keys


class Outputs:
    """The outputs of a model: their names, and how values in any accepted structure are put beside them.

    Losses and metrics, weights and targets mirror the structure of the outputs: a list or tuple one of as many, a dict
    one with the same keys. One value at a place stands for what is below it, and a dict by name or a flat list for all.

    Args:
        structure: The model's predictions (tensors, or specs of them).
        names: The names of the outputs in the order of the trees, where the model knows them.

    Attributes:
        names: For errors: the path of each output, such as "boxes/left".
        labels: The same where there is a name, else what stands before it ("boxes"): the loss gives its own.
        short: The last part of each path; None where it is no name.
        prefixes: What stands before the names of metrics: as `short`, but for the only output in a list below a key this key.
        single: Whether there is one output, which is not in a list or dict.
        alone: Whether there is one output: its metrics have no name of an output before theirs.
    """

    def __init__(self, structure: Any, names: list[str] | None) -> None:
        self.structure = structure
        found = list(_walk(structure, ()))
        self.single, self.alone = not _is_node(structure), len(found) == 1
        known = _by_path(structure, names) if names and len(names) == len(found) else {}
        last = [path[-1] if path and isinstance(path[-1], str) else known.get(path) for path, _ in found]
        self.short: list[str | None] = last
        self.prefixes = [
            _only_key(path, [p for p, _ in found]) or own for (path, _), own in zip(found, last, strict=True)
        ]
        self.labels = [
            "/".join([*map(str, path[:-1]), *([] if own is None else [own])])
            for (path, _), own in zip(found, last, strict=True)
        ]
        self.names = [
            label if own is not None else "output" if self.single else f"output_{'_'.join(map(str, path))}"
            for (path, _), label, own in zip(found, self.labels, last, strict=True)
        ]

    def flat(self, structure: Any) -> list[Any]:
        """Predictions in the order of the names, whatever the order of their dicts: a compiled step may sort the keys."""
        return list(_along(self.structure, structure))

    def paired(self, given: Any, what: str, *, missing: bool = True, spread: bool = False) -> list[Any]:
        """Values for the outputs, in the order of the names.

        Args:
            given: One value for a single output (also in a list), or the structure of the outputs, a flat list in
                order, or a dict by name.
            what: What the values are, for errors.
            missing: Whether an output may go without (it gets None).
            spread: Whether one value serves all outputs that it stands for.

        Raises:
            ValueError: if the names or numbers do not match; both lists are printed.
        """
        if given is None:
            return [None] * len(self.names)
        if self.single:
            return self._for_one(given, what)
        if self.alone and not _is_node(given):
            return [given]
        if isinstance(given, dict) and not isinstance(self.structure, dict):
            return self._by_name(given, what, missing)
        flat = isinstance(given, list | tuple) and len(given) == len(self.names)
        if flat and (isinstance(self.structure, dict) or len(self.structure) != len(given)):
            return list(given)
        return self._beside(self.structure, given, what, missing, spread)

    def _for_one(self, given: Any, what: str) -> list[Any]:
        if isinstance(given, dict):
            return self._by_name(given, what, True)
        return list(given) if isinstance(given, list | tuple) and len(given) == 1 else [given]

    def _beside(self, node: Any, given: Any, what: str, missing: bool, spread: bool) -> list[Any]:
        """The values beside the outputs of a part of the structure."""
        count = sum(1 for _ in _walk(node, ()))
        if not _is_node(node):
            return [given]
        if given is None or (spread and not _is_node(given)):
            return [given] * count
        if isinstance(node, dict) and isinstance(given, dict):
            wrong = [key for key in given if key not in node] or [
                key for key in node if key not in given and not missing
            ]
            if wrong:
                self._raise(given, what, wrong, [str(key) for key in node])
            parts = [(part, given.get(key)) for key, part in node.items()]
        elif isinstance(given, list | tuple) and len(given) == len(node):
            parts = list(zip(node.values() if isinstance(node, dict) else node, given, strict=True))
        else:
            self._refuse(given, what)
        return [v for part, own in parts for v in self._beside(part, own, what, missing, spread)]

    def _refuse(self, given: Any, what: str) -> Any:
        outputs = f"{len(self.names)} outputs: {', '.join(self.names)}"
        if isinstance(given, list | tuple):
            raise PairingError(
                f"{what} has {len(given)} entries, but the model has {outputs}. Give one per output, in that order, or a dict "
                "by name."
            )
        raise PairingError(
            f"{what} is one value, but the model has {outputs}. Give a list in that order, or a dict by name."
        )

    def _by_name(self, given: dict, what: str, missing: bool) -> list[Any]:
        known = {own: i for i, own in enumerate(self.short) if own is not None}
        known |= {name: i for i, name in enumerate(self.names)}
        unknown = [k for k in given if k not in known]
        if self.single and len(given) == 1 and unknown:
            return list(given.values()) if self.names == ["output"] else self._raise(given, what, unknown)
        if unknown:
            self._raise(given, what, unknown)
        found = {known[name]: value for name, value in given.items()}
        absent = [name for i, name in enumerate(self.names) if i not in found]
        if absent and not missing:
            self._raise(given, what, absent)
        return [found.get(i) for i in range(len(self.names))]

    def _raise(self, given: dict, what: str, wrong: list[Any], names: list[str] | None = None) -> Any:
        names = names or self.names
        raise PairingError(
            f"The keys of {what[0].lower()}{what[1:]} do not match the outputs of the model at {', '.join(map(repr, wrong))}."
            f"{suggestion(str(wrong[0]), names)}\n  keys given: {', '.join(map(str, given))}\n"
            f"  outputs:    {', '.join(names)}"
        )


def _is_node(x: Any) -> bool:
    return isinstance(x, list | tuple | dict)


def _walk(node: Any, path: tuple, keys: Any = list) -> Iterator[tuple[tuple, Any]]:
    """The leaves with their paths; dicts in their own order, or in that which `keys` gives."""
    if not _is_node(node):
        yield path, node
        return
    parts = [(key, node[key]) for key in keys(node)] if isinstance(node, dict) else enumerate(node)
    for key, part in parts:
        yield from _walk(part, (*path, key), keys)


def _only_key(path: tuple, paths: list[tuple]) -> str | None:
    """The last key of a path that goes on into a list, if nothing else is below it."""
    end = max((i + 1 for i, part in enumerate(path) if isinstance(part, str)), default=0)
    alone = sum(p[:end] == path[:end] for p in paths) == 1
    return path[end - 1] if 0 < end < len(path) and alone else None


def _along(node: Any, values: Any) -> Iterator[Any]:
    """The leaves of `values` in the order of those of `node`."""
    if not _is_node(node):
        yield values
        return
    for key in node if isinstance(node, dict) else range(len(node)):
        yield from _along(node[key], values[key])


def _by_path(structure: Any, names: list[str]) -> dict[tuple, str]:
    """The names, which come in the order of the trees (dicts by sorted keys), by the path of the output."""
    paths = [path for path, _ in _walk(structure, (), ordered_keys)]
    return dict(zip(paths, names, strict=True))


def spread_weights(given: Any, outputs: Outputs) -> list[Any]:
    """One weight per output; a single one serves them all."""
    if given is None or isinstance(given, list | tuple | dict):
        return outputs.paired(given, "`sample_weight`")
    return [given] * len(outputs.names)
