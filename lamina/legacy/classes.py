"""The classes of operations below `keras.src.ops`, one for each function: names to be compared with, as no object is one.

In Lamina an operation of a graph is one class with the function in it.
"""

from __future__ import annotations

from typing import Any

from lamina import ops
from lamina.core.names import to_snake_case
from lamina.legacy.src import _MissingType


def __getattr__(name: str) -> Any:
    if name[:1].isupper() and (name == "GetItem" or hasattr(ops, to_snake_case(name))):
        return _MissingType(name, (), {"__module__": "keras.src.ops"})
    raise AttributeError(f"module 'keras.src.ops' of Lamina has no name {name!r}.")
