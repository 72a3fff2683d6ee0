"""Control flow and the transformations: derivatives, mapping, compilation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from lamina.backends import process
from lamina.backends.jax import cpu
from lamina.backends.jax.array import dtype, real_dtype


def cond(pred: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    # a known choice needs no program: eager `lax.cond` would compile both branches on every call
    if not isinstance(pred, Tracer):
        return true() if pred else false()
    return lax.cond(pred, true, false)


def switch(index: Any, branches: Any, operands: Any) -> Any:
    if not isinstance(index, Tracer):
        return branches[min(max(int(index), 0), len(branches) - 1)](*operands)
    return lax.switch(index, branches, *operands)


def while_loop(cond: Callable, body: Callable, state: tuple, limit: int | None) -> tuple:
    cond, body = cpu.inside(cond), cpu.inside(body)
    if limit is None:
        return lax.while_loop(lambda s: cond(*s), lambda s: tuple(body(*s)), tuple(state))
    _, state = lax.while_loop(
        lambda c: jnp.logical_and(c[0] < limit, cond(*c[1])),
        lambda c: (c[0] + 1, tuple(body(*c[1]))),
        (np.int32(0), tuple(state)),
    )
    return state


def scan(f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    return lax.scan(cpu.inside(f), init, xs, length, reverse, unroll)


def associative_scan(f: Callable, elems: Any, reverse: bool, axis: int) -> Any:
    return lax.associative_scan(f, elems, reverse, axis)


def vmap(f: Callable, in_axes: Any, out_axes: Any) -> Callable:
    return jax.vmap(cpu.inside(f), tuple(in_axes) if isinstance(in_axes, list) else in_axes, out_axes)


stop_gradient = lax.stop_gradient


def custom_gradient(f: Callable, args: tuple) -> Any:
    def ruled(*args: Any) -> tuple[Any, Callable]:
        output, grad = f(*args)
        return output, lambda upstream: grad(*jax.tree_util.tree_leaves(upstream))

    return jax.custom_gradient(ruled)(*args)


def value_and_grad(f: Callable, values: list) -> tuple[tuple[Any, Any], list]:
    return jax.value_and_grad(cpu.inside(f), has_aux=True)(values)


def jvp(f: Callable, primals: tuple, tangents: tuple) -> tuple[Any, Any]:
    return jax.jvp(cpu.inside(f), tuple(primals), tuple(tangents))


@jax.tree_util.register_pytree_node_class
class _Mixed:
    """A tree of which some leaves are no tensors: those belong to its structure, so they select the program."""

    def __init__(self, tensors: list, spec: Any) -> None:
        self.tensors, self.spec = tensors, spec

    def tree_flatten(self) -> tuple[list, Any]:
        return self.tensors, self.spec

    @classmethod
    def tree_unflatten(cls, spec: Any, tensors: Any) -> _Mixed:
        return cls(tensors, spec)


_TENSORS = (jax.Array, np.ndarray, np.generic)
_HOLE = object()  # the position of a tensor among the other leaves


def _seal(tree: Any) -> Any:
    """The tree as `jax.jit` can take it: itself if it is all tensors, which is the common and the fast case."""
    leaves, structure = jax.tree_util.tree_flatten(tree)
    for leaf in leaves:
        if not isinstance(leaf, _TENSORS):
            break
    else:
        return tree
    rest = tuple([_HOLE if isinstance(leaf, _TENSORS) else leaf for leaf in leaves])
    return _Mixed([leaf for leaf in leaves if isinstance(leaf, _TENSORS)], (structure, _Typed(rest)))


def _open(tree: Any) -> Any:
    if not isinstance(tree, _Mixed):
        return tree
    structure, rest = tree.spec
    tensors = iter(tree.tensors)
    return structure.unflatten([next(tensors) if leaf is _HOLE else leaf for leaf in rest.values])


class _Typed:
    """Values that are equal only if their types are: 1, 1.0 and True make three programs."""

    def __init__(self, values: tuple) -> None:
        self.values, self.types = values, tuple([type(v) for v in values])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Typed) and self.types == other.types and self.values == other.values

    def __hash__(self) -> int:
        return hash((self.values, self.types))


def _compiled(f: Callable, donate: tuple[int, ...], loops: int = 0) -> Callable:
    """`f` compiled: as a step if it takes over memory, which no program does that others call."""
    return cpu.plan.step(f, donate, loops) if donate else jax.jit(f)


def jit(f: Callable, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
    if donate:
        process.keep_memory_for_training()

    @partial(_compiled, donate=donate)
    def compiled(*args: Any, **kwargs: Any) -> Any:
        with cpu.tracing(forward):
            return _seal(f(*map(_open, args), **{key: _open(value) for key, value in kwargs.items()}))

    def call(*args: Any, **kwargs: Any) -> Any:
        how = {"shared": kwargs.pop("shared", ())} if donate else {}
        kwargs = {key: _seal(value) for key, value in kwargs.items()} if kwargs else kwargs
        return _open(compiled(*map(_seal, args), **how, **kwargs))

    return call


remat = jax.checkpoint


def without_gradient(f: Callable) -> Callable:
    return f  # only what is asked for is differentiated


def eval_shape(f: Callable, specs: Any) -> Any:
    def stand_in(spec: Any) -> Any:
        return jax.ShapeDtypeStruct(tuple(spec[0]), real_dtype(spec[1]))

    result = jax.eval_shape(f, jax.tree_util.tree_map(stand_in, specs, is_leaf=_is_spec))
    return jax.tree_util.tree_map(lambda x: (x.shape, dtype(x)), result)


def _is_spec(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and isinstance(x[1], str)


def loop(
    step: Callable[[Any, Any], Any], donate: bool, finish: Callable[[Any], Any] | None = None
) -> Callable:
    process.keep_memory_for_training()

    @partial(_compiled, donate=(0,) if donate else (), loops=1)
    def run(state: Any, data: Any, indices: Any, start: Any, stop: Any) -> Any:
        def turn(i: Any, state: Any) -> Any:
            positions = lax.dynamic_index_in_dim(indices, i, keepdims=False)
            return step(state, jax.tree_util.tree_map(lambda x: _rows(x, positions), data))

        state = lax.fori_loop(start, stop, turn, state)
        return finish(state) if finish else state

    def call(state: Any, data: Any, indices: Any, start: Any, stop: Any, shared: Sequence[bool] = ()) -> Any:
        # NumPy scalars keep the bounds out of the program: one compilation serves every number of steps
        bounds = np.int32(start), np.int32(stop)
        how = {"shared": shared} if donate else {}
        return run(state, data, indices, *bounds, **how)

    return call


def _rows(x: Any, positions: Any) -> Any:
    return x.at[positions].get(mode="promise_in_bounds")
