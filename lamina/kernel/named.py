"""Modules that are pickled by their names."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def pickled_by_name(module: str) -> Callable[[Any], tuple[Any, tuple[str]]]:
    """What a module takes as its `__reduce_ex__`.

    `cloudpickle` does so for plain modules. Where a package has a function of the name of one of its files, lazy_loader
    gives the package a class of its own, and a user's function that mentions it (`ops`) could not be sent elsewhere.
    """
    return lambda protocol: (import_module, (module,))
