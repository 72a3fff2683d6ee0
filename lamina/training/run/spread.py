"""Steps on several devices: where their state lies before and after, and what it asks of the distribution in force."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina.core.variable import Variable
from lamina.kernel.context import distribution_in_force, real_kernel, state
from lamina.kernel.contract import Placement
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed.spread import spreader


def lay_out(variables: Sequence[Variable]) -> None:
    """Let variables lie as the distribution in force says, also those that were made before it was; what has a layout on its
    mesh stays."""
    distribution = distribution_in_force()
    if distribution is None:
        return
    grid, regrids = distribution.device_mesh.placement(), real_kernel().spread.regrids
    for v in variables:
        if not _lies_on(v.placement, grid, regrids):
            follows = v._follows
            if follows is not None and follows.layout is not None and follows.shape == v.shape:
                v._lie(follows.layout)
            else:
                v.layout = None
                v._lie(distribution.get_variable_layout(v))


def _lies_on(placement: Placement | None, grid: Placement, regrids: bool) -> bool:
    """Whether a tensor lies on the devices of a grid, and where programs need that, on the same grid of them."""
    if placement is None:
        return False
    if regrids:
        return set(placement.devices) == set(grid.devices)
    return placement[:3] == grid[:3]


def taking_part(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step; layers inside it ask the distribution in force, where that has something to say to them."""
    distribution = distribution_in_force()
    if distribution is None or not distribution._takes_part:
        return step

    def run(*args: Any) -> Any:
        before = state.frame
        state.frame = before._replace(spread=distribution)
        try:
            return step(*args)
        finally:
            state.frame = before

    return run


def as_laid_out(k: Any, variables: Sequence[Variable], values: Sequence[Any]) -> list[Any]:
    """New values of variables, inside a program: each lies as the old one does."""
    placements = [v.placement for v in variables]
    return [
        value if p is None else k.spread.constrain(value, p)
        for value, p in zip(values, placements, strict=True)
    ]


def batch(k: Any, tree: Any) -> Any:
    """A batch that came as arrays, on the devices of the distribution in force."""
    spread = spreader(k)
    if spread is None:
        return tree
    arrays = [leaf for leaf in leaves(tree) if leaf is not None]
    if not arrays or not all(isinstance(leaf, np.ndarray | k.Tensor) for leaf in arrays):
        return tree
    return spread.batch(tree)


def results(k: Any, out: Any) -> Any:
    """What a forward pass gives, inside a program: whole on each device, so that every process can read it."""
    distribution = distribution_in_force()
    if distribution is None:
        return out
    whole = distribution.device_mesh.placement()
    return map_leaves(lambda x: k.spread.constrain(x, whole) if isinstance(x, k.Tensor) else x, out)


def zeros(k: Any, shape: Sequence[int], dtype: str) -> Any:
    """Zeros, on the devices of the distribution in force."""
    distribution = distribution_in_force()
    if distribution is None:
        return k.zeros(shape, dtype)
    return k.put(np.zeros(shape, "float32"), dtype, placement=distribution.device_mesh.placement())
