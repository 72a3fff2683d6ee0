"""Masks travel beside tensors: which steps of a sequence are real.

A mask lasts exactly as long as its tensor: it is an attribute of it where the framework allows one, otherwise an entry
of a table that goes when the tensor goes. Nothing else remembers that there was a mask.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

# id of a tensor -> (weak reference to it, its mask). Of all threads, as attributes are.
TABLE: dict[int, tuple[Any, Any]] = {}


def get_mask(x: Any) -> Any:
    """The mask of a tensor, or None."""
    mask = getattr(x, "_keras_mask", None)
    if mask is None and TABLE:
        entry = TABLE.get(id(x))
        if entry is not None and entry[0]() is x:
            return entry[1]
    return mask


def set_mask(x: Any, mask: Any) -> None:
    """Attach a mask to a tensor."""
    try:
        x._keras_mask = mask
    except AttributeError:  # arrays and tracers of jax, arrays of NumPy
        TABLE[id(x)] = (weakref.ref(x, partial(_forget, id(x), TABLE.pop)), mask)


def _forget(key: int, pop: Any, _: Any) -> None:
    pop(key, None)  # handed in: when the process ends, tensors may go after the names of this module
