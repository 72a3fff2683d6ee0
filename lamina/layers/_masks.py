"""Whether shapes go together, and the one wording for masks that do not."""

from __future__ import annotations

from typing import Any

from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown


def alike(given: Any, wanted: Any, spread: bool = False) -> bool:
    """Whether two shapes can be the same, as far as they are known; with `spread` sizes of 1 fit all others."""
    if len(given) != len(wanted):
        return False
    return all(
        a == b or (spread and a == 1) or not _known(a) or not _known(b)
        for a, b in zip(given, wanted, strict=True)
    )


def broadcasts_to(given: Any, wanted: Any) -> bool:
    """Whether a shape spreads over another, as far as both are known: trailing sizes are equal or 1."""
    if len(given) > len(wanted):
        return False
    pairs = zip(reversed(tuple(given)), reversed(tuple(wanted)), strict=False)
    return all(a in (1, b) or not _known(a) or not _known(b) for a, b in pairs)


def _known(size: Any) -> bool:
    return isinstance(size, int) and type(size) is not Unknown


def check_mask(layer: Any, name: str, given: Any, axes: str, wanted: Any, spread: bool = False) -> None:
    """That a mask has the shape that a layer wants.

    Raises:
        ValueError: naming the layer's path, what the mask's axes are to be, what came and what to do.
    """
    if not alike(given, wanted, spread):
        raise ValueError(
            f"Layer {layer.path!r} ({type(layer).__name__}): {name} must have the shape {axes} = {shown(wanted)} of the "
            f"input, got {shown(given)}. Give one truth value for each of these places."
        )
