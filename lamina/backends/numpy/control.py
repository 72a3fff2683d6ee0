"""Control flow as plain Python, and the transformations: without derivatives, without a compiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import optree

from lamina.backends.numpy.array import DTYPES, Tensor, dtype
from lamina.errors import BackendError


def cond(pred: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    return true() if pred else false()


def switch(index: Any, branches: Any, operands: Any) -> Any:
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(cond: Callable, body: Callable, state: tuple, limit: int | None) -> tuple:
    turns = 0
    while (limit is None or turns < limit) and cond(*state):
        state = body(*state)
        turns += 1
    return state


def scan(f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    carry, ys = init, [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys[i] = f(carry, _rows(xs, i))
    return carry, _stack(ys)


def _rows(tree: Any, positions: Any) -> Any:
    return optree.tree_map(lambda x: x[positions], tree)


def associative_scan(f: Callable, elems: Any, reverse: bool, axis: int) -> Any:
    leaves, structure = optree.tree_flatten(elems)
    cut = [np.split(x, x.shape[axis], axis) for x in leaves]
    parts = [structure.unflatten(rows) for rows in zip(*cut, strict=True)]
    parts = parts[::-1] if reverse else parts
    for i in range(1, len(parts)):
        parts[i] = f(parts[i - 1], parts[i])
    parts = parts[::-1] if reverse else parts
    return optree.tree_map(lambda *x: np.concatenate(x, axis), *parts)


def vmap(f: Callable, in_axes: Any, out_axes: Any) -> Callable:
    def mapped(*args: Any) -> Any:
        axes = list(in_axes) if isinstance(in_axes, (tuple, list)) else [in_axes] * len(args)
        flat = [_spread_axes(axis, arg) for axis, arg in zip(axes, args, strict=True)]
        size = next(x.shape[a] for tree in flat for a, x in tree if a is not None)
        specs = [optree.tree_structure(arg) for arg in args]
        results = []
        for i in range(size):
            rows = [[x if a is None else np.take(x, i, a) for a, x in tree] for tree in flat]
            results.append(f(*[spec.unflatten(r) for spec, r in zip(specs, rows, strict=True)]))
        stacked = [_join(a, xs) for a, xs in _columns(out_axes, results)]
        return optree.tree_structure(results[0]).unflatten(stacked)

    return mapped


def _spread_axes(axes: Any, tree: Any) -> list[tuple[int | None, Any]]:
    """(axis, leaf) for each leaf, where `axes` is one axis, None, or a tree that begins like `tree`."""
    if axes is None or isinstance(axes, int):
        return [(axes, leaf) for leaf in optree.tree_leaves(tree)]
    children, axis_children = (
        optree.tree_flatten_one_level(tree)[0],
        optree.tree_flatten_one_level(axes)[0],
    )
    return [pair for a, t in zip(axis_children, children, strict=True) for pair in _spread_axes(a, t)]


def _columns(axes: Any, trees: list) -> list[tuple[int | None, list]]:
    """(axis, the leaf of every tree) for each leaf."""
    rows = [_spread_axes(axes, tree) for tree in trees]
    return [(column[0][0], [leaf for _, leaf in column]) for column in zip(*rows, strict=True)]


def _join(axis: int | None, leaves: list) -> Any:
    return leaves[0] if axis is None else np.stack(leaves, axis)


def _stack(trees: list) -> Any:
    return optree.tree_map(lambda *leaves: np.stack(leaves), *trees) if trees else None


def stop_gradient(x: Any) -> Any:
    return x


def custom_gradient(f: Callable, args: tuple) -> Any:
    return f(*args)[0]


def value_and_grad(f: Callable, values: list) -> NoReturn:
    raise BackendError(_NO_GRADIENT)


def jvp(f: Callable, primals: tuple, tangents: tuple) -> NoReturn:
    raise BackendError(_NO_GRADIENT)


_NO_GRADIENT = (
    "The numpy backend computes no gradients, so it cannot train. Install one that does "
    "(`pip install lamina[jax]`, `lamina[torch]` or `lamina[tensorflow]`) and choose it with "
    "`lamina.config.set_backend('jax')` or the environment variable LAMINA_BACKEND=jax."
)


def jit(f: Callable, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
    return f


def remat(f: Callable) -> Callable:
    return f


def without_gradient(f: Callable) -> Callable:
    return f


def eval_shape(f: Callable, specs: Any) -> Any:
    def stand_in(spec: Any) -> Any:
        return np.broadcast_to(np.ones((), DTYPES[spec[1]]), spec[0])  # one number, whatever the shape

    result = f(optree.tree_map(stand_in, specs, is_leaf=_is_spec))
    return optree.tree_map(lambda x: (x.shape, dtype(x)) if isinstance(x, Tensor) else x, result)


def _is_spec(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and isinstance(x[1], str)


def loop(
    step: Callable[[Any, Any], Any], donate: bool, finish: Callable[[Any], Any] | None = None
) -> Callable:
    def run(state: Any, data: Any, indices: Any, start: int, stop: int, shared: Any = ()) -> Any:
        for i in range(start, stop):
            state = step(state, _rows(data, indices[i]))
        return finish(state) if finish else state

    return run
