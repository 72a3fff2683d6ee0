"""The shape and dtype of what a program gives, found by running the program itself without numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from lamina.kernel.context import interpreter
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes import SHAPES
from lamina.kernel.shapes.spec import Spec, Unknown
from lamina.kernel.trees import NAMESPACE

# Far apart, so that a size computed from one of them differs even after a division by a stride.
STAND_INS = (1009, 2027)


def infer(
    program: Callable[[list[Spec]], Any],
    inputs: Sequence[tuple[Sequence[int | None], str]],
    kernel: Kernel = SHAPES,
    once: bool = False,
) -> Any:
    """Run `program` on tensors without numbers.

    Args:
        program: Takes a list of `Spec`s, gives a tree of tensors.
        inputs: The shape and dtype of each; an unknown size is None.
        kernel: The shape interpreter, or one derived from it. With unknown sizes it runs the program twice.
        once: Whether one run tells all: whatever the program computes with an unknown size keeps its mark.

    Returns:
        The tree of results, each a `Spec` whose unknown sizes are None.
    """
    with interpreter(kernel):
        first = program(_stand_in(inputs, STAND_INS[0]))
        if once or all(None not in shape for shape, _ in inputs):
            return _map(_strip, first)
        return _map(_agree, first, program(_stand_in(inputs, STAND_INS[1])))


def _stand_in(inputs: Any, prime: int) -> list[Spec]:
    return [
        Spec(tuple([Unknown(prime) if n is None else n for n in shape]), dtype) for shape, dtype in inputs
    ]


def _map(function: Callable[..., Any], first: Any, *rest: Any) -> Any:
    if type(first) is Spec:  # most programs give one tensor
        return function(first, *rest)
    return optree.tree_map(
        function, first, *rest, is_leaf=lambda x: type(x) is Spec, none_is_leaf=True, namespace=NAMESPACE
    )


def _strip(x: Any) -> Any:
    if type(x) is not Spec:
        return x
    return Spec(tuple([None if type(n) is Unknown else n for n in x.shape]), x.dtype)


def _agree(x: Any, y: Any) -> Any:
    if type(x) is not Spec:
        return x
    sizes = [None if type(n) is Unknown or n != m else int(n) for n, m in zip(x.shape, y.shape, strict=True)]
    return Spec(tuple(sizes), x.dtype)
