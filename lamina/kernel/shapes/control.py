"""Control flow and transformations under the shape interpreter: each inner program runs once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import optree

from lamina.kernel.shapes.spec import Spec, Unknown, spec


def _map(function: Callable[..., Any], *trees: Any) -> Any:
    return optree.tree_map(function, *trees, is_leaf=lambda x: isinstance(x, Spec), none_is_leaf=False)


def _merge(a: Any, b: Any) -> Any:
    """Two branches' results: a size that differs is unknown."""
    if not isinstance(a, Spec):
        return a
    if len(a.shape) != len(spec(b).shape):
        raise ValueError(f"The branches give tensors of different rank: {a.shape} and {spec(b).shape}.")
    sizes = [n if n == m else Unknown(n) for n, m in zip(a.shape, spec(b).shape, strict=True)]
    return Spec(tuple(sizes), a.dtype)


def cond(pred: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    return _map(_merge, true(), false())


def switch(index: Any, branches: Sequence[Callable], operands: Sequence[Any]) -> Any:
    first, *rest = [branch(*operands) for branch in branches]
    for other in rest:
        first = _map(_merge, first, other)
    return first


def while_loop(cond: Callable, body: Callable, state: tuple, limit: int | None) -> tuple:
    cond(*state)
    return body(*state)


def _row(x: Spec) -> Spec:
    return Spec(x.shape[1:], x.dtype)


def scan(f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    carry, y = f(init, _map(_row, xs))
    return carry, _map(lambda leaf: Spec((length, *spec(leaf).shape), spec(leaf).dtype), y)


def associative_scan(f: Callable, elems: Any, reverse: bool, axis: int) -> Any:
    return elems


def vmap(f: Callable, in_axes: Any, out_axes: Any) -> Callable:
    def mapped(*args: Any) -> Any:
        axes = in_axes if isinstance(in_axes, tuple | list) else [in_axes] * len(args)
        size = next(
            leaf.shape[axis]
            for arg, axis in zip(args, axes, strict=True)
            if axis is not None
            for leaf in optree.tree_leaves(arg, is_leaf=lambda x: isinstance(x, Spec))
        )
        inner = [
            a if i is None else _map(lambda x, i=i: _without(x, i), a)
            for a, i in zip(args, axes, strict=True)
        ]
        return _map(lambda x: _with(x, out_axes, size), f(*inner))

    return mapped


def _without(x: Spec, axis: int) -> Spec:
    axis = axis % len(x.shape)
    return Spec((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype)


def _with(x: Any, axis: int, size: int) -> Spec:
    sizes = list(spec(x).shape)
    sizes.insert(axis % (len(sizes) + 1), size)
    return Spec(tuple(sizes), spec(x).dtype)


def custom_gradient(f: Callable, args: tuple) -> Any:
    return f(*args)[0]


def value_and_grad(f: Callable, values: list) -> tuple[tuple[Any, Any], list]:
    return f(values), [Spec(v.shape, v.dtype) for v in values]


def jvp(f: Callable, primals: tuple, tangents: tuple) -> tuple[Any, Any]:
    out = f(*primals)
    return out, out


def jit(f: Callable, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
    return f


def remat(f: Callable) -> Callable:
    return f


def without_gradient(f: Callable) -> Callable:
    return f


def eval_shape(f: Callable, specs: Any) -> Any:
    return f(specs)


def loop(
    step: Callable[[Any, Any], Any], donate: bool, finish: Callable[[Any], Any] | None = None
) -> Callable:
    def run(state: Any, data: Any, indices: Any, start: int, stop: int, shared: Any = ()) -> Any:
        rows = spec(indices).shape[1:]
        state = step(state, _map(lambda x: Spec((*rows, *x.shape[1:]), x.dtype), data))
        return state if finish is None else finish(state)

    return run


def device(name: str | None) -> Any:
    return nullcontext()
