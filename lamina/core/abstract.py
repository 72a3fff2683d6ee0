"""Symbolic tensors for shapes, and the outputs of a call that only the framework itself can follow."""

from __future__ import annotations

from typing import Any

from lamina.core.operation import symbolic_leaves
from lamina.core.stateless import StatelessScope
from lamina.core.tensor import KerasTensor
from lamina.kernel.shapes.infer import STAND_INS
from lamina.kernel.trees import leaves, map_leaves


def tensors_of(shapes: Any, dtype: str) -> Any:
    """A symbolic tensor for each shape in a structure of shapes."""
    if isinstance(shapes, KerasTensor) or shapes is None:
        return shapes
    if isinstance(shapes, dict):
        return {name: tensors_of(s, dtype) for name, s in shapes.items()}
    if all(n is None or hasattr(n, "__index__") for n in shapes):
        return KerasTensor(tuple(shapes), dtype)
    return type(shapes)(tensors_of(s, dtype) for s in shapes)


def abstract_call(kernel: Any, layer: Any, args: tuple, kwargs: dict) -> Any:
    """Abstract evaluation by the framework, twice, to find which sizes depend on unknown ones."""
    tensors = symbolic_leaves((args, list(kwargs.values())))

    def run(stand_in: int) -> Any:
        specs = [(tuple(stand_in if n is None else n for n in t.shape), t.dtype) for t in tensors]

        def program(given: list[Any]) -> Any:
            table = {id(t): g for t, g in zip(tensors, given, strict=True)}
            swap = lambda x: table.get(id(x), x)
            with StatelessScope():  # what the call assigns has no numbers either
                return layer.call(*map_leaves(swap, args), **map_leaves(swap, kwargs))

        return list(leaves(kernel.eval_shape(program, specs)))

    first, second = run(STAND_INS[0]), run(STAND_INS[1])
    outs = [
        KerasTensor(tuple(n if n == m else None for n, m in zip(a[0], b[0], strict=True)), a[1])
        for a, b in zip(_pairs(first), _pairs(second), strict=True)
    ]
    return outs[0] if len(outs) == 1 else outs


def _pairs(flat: list[Any]) -> list[tuple[tuple, str]]:
    """(shape, dtype) pairs out of a flattened tree of them."""
    out: list[tuple[tuple, str]] = []
    sizes: list[int] = []
    for leaf in flat:
        if isinstance(leaf, str):
            out.append((tuple(sizes), leaf))
            sizes = []
        else:
            sizes.append(leaf)
    return out
