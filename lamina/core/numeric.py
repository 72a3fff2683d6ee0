"""That arguments which stand for numbers are numbers, read off the types a signature names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any


def check_numbers(owner: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """That what is given for the parameters of type `float` is no text, no list, and None only where it may be.

    Found when an object is made, not in the middle of training, where each framework stumbles over it in its own words.

    Args:
        owner: What is made, for the error.
        function: Whose parameters they are.
        given: The arguments by name.

    Raises:
        ValueError: naming the argument.
    """
    for name, (many, optional) in _numeric(function).items():
        if name not in given:
            continue
        value = given[name]
        wrong = (str, dict) if many else (str, dict, list, tuple)
        if isinstance(value, wrong) or (value is None and not optional):
            raise ValueError(
                f"{owner}: `{name}` must be a number{' or None' if optional else ''}, got {value!r}."
            )


@lru_cache(maxsize=256)
def _numeric(function: Callable[..., Any]) -> dict[str, tuple[bool, bool]]:
    """The parameters that are numbers: whether each may also be a sequence of them, and None."""
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        kinds = str(parameter.annotation).split(" | ")
        if kinds[0] == "float":
            found[name] = any(kind.startswith("Sequence") for kind in kinds), "None" in kinds
    return found
