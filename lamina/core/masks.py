"""Masks travel beside tensors: which steps of a sequence are real.

A mask is an attribute of its tensor where the framework allows one, otherwise an entry of a table that lasts as
long as the call or trace in which the tensor was made.
"""

from __future__ import annotations

import weakref
from typing import Any

from lamina.kernel.context import state


def get_mask(x: Any) -> Any:
    """The mask of a tensor, or None."""
    mask = getattr(x, "_keras_mask", None)
    if mask is None and state.masks:
        entry = state.masks.get(id(x))
        if entry is not None and entry[0]() is x:
            return entry[1]
    return mask


def set_mask(x: Any, mask: Any) -> None:
    """Attach a mask to a tensor."""
    if state.masks is None:
        state.masks = {}  # from now on layer calls in this thread look for masks
    try:
        x._keras_mask = mask
    except AttributeError:
        state.masks[id(x)] = (_reference(x, state.masks), mask)


def _reference(x: Any, table: dict) -> Any:
    key = id(x)
    try:
        return weakref.ref(x, lambda _: table.pop(key, None))
    except TypeError:  # a tracer: kept alive with its trace
        return lambda: x
