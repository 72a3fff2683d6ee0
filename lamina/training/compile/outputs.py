"""The outputs of a model, and how what `compile` and `fit` are given is paired with them: strictly by name."""

from __future__ import annotations

from typing import Any

from lamina.errors import PairingError, suggestion
from lamina.kernel.trees import leaves


class Outputs:
    """The outputs of a model: their names, and how values in any accepted structure are put beside them.

    Args:
        structure: The model's predictions (tensors, or specs of them).
        names: The names of the outputs, where the model knows them; keys are names in a dict.
    """

    def __init__(self, structure: Any, names: list[str] | None) -> None:
        self.is_dict = isinstance(structure, dict)
        self.single = not isinstance(structure, list | tuple | dict)
        if self.is_dict:
            self.names = list(structure)
        elif self.single:
            self.names = [names[0] if names else "output"]
        else:
            count = len(list(leaves(structure)))
            self.names = (
                list(names) if names and len(names) == count else [f"output_{i}" for i in range(count)]
            )

    def flat(self, structure: Any) -> list[Any]:
        """The predictions in the order of the names."""
        if self.is_dict:
            return [structure[name] for name in self.names]
        return [structure] if self.single else list(leaves(structure))

    def paired(self, given: Any, what: str, *, missing: bool = True) -> list[Any]:
        """Values for the outputs, in the order of the names.

        Args:
            given: One value for a single output (also in a list), or a list in order, or a dict by name.
            what: What the values are, for errors.
            missing: Whether an output may go without (it gets None).

        Raises:
            ValueError: if the names or numbers do not match; both lists are printed.
        """
        if given is None:
            return [None] * len(self.names)
        if isinstance(given, dict):
            return self._by_name(given, what, missing)
        if self.single or (len(self.names) == 1 and not isinstance(given, list | tuple)):
            return list(given) if isinstance(given, list | tuple) and len(given) == 1 else [given]
        if isinstance(given, list | tuple):
            if len(given) != len(self.names):
                raise PairingError(
                    f"{what} has {len(given)} entries, but the model has {len(self.names)} outputs: "
                    f"{', '.join(self.names)}. Give one per output, in that order, or a dict by name."
                )
            return list(given)
        raise PairingError(
            f"{what} is one value, but the model has {len(self.names)} outputs: {', '.join(self.names)}. Give a list "
            "in that order, or a dict by name."
        )

    def _by_name(self, given: dict, what: str, missing: bool) -> list[Any]:
        unknown = [k for k in given if k not in self.names]
        if self.single and len(given) == 1 and unknown:
            return list(given.values()) if self.names == ["output"] else self._raise(given, what, unknown)
        if unknown:
            self._raise(given, what, unknown)
        absent = [n for n in self.names if n not in given]
        if absent and not missing:
            self._raise(given, what, absent)
        return [given.get(n) for n in self.names]

    def _raise(self, given: dict, what: str, wrong: list[Any]) -> Any:
        raise PairingError(
            f"The keys of {what[0].lower()}{what[1:]} do not match the outputs of the model at {', '.join(map(repr, wrong))}."
            f"{suggestion(str(wrong[0]), self.names)}\n  keys given: {', '.join(map(str, given))}\n"
            f"  outputs:    {', '.join(self.names)}"
        )


def spread_weights(given: Any, outputs: Outputs) -> list[Any]:
    """One weight per output; a single one serves them all."""
    if given is None or isinstance(given, list | tuple | dict):
        return outputs.paired(given, "`sample_weight`")
    return [given] * len(outputs.names)
