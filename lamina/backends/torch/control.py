"""Control flow, and the transformations of functions.

Outside a compiler control flow is Python's own: reading a predicate costs less than anything torch has for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import optree
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.checkpoint import checkpoint

from lamina.backends import process
from lamina.backends.torch import dtensor
from lamina.backends.torch._support import DTYPES, is_hidden
from lamina.backends.torch.array import dtype
from lamina.backends.torch.shaping import concat, flip, select, stack
from lamina.errors import BackendError
from lamina.kernel.context import distribution_in_force

trees: Any = optree  # the recursive type in its stub does not take a tuple of tensors


def cond(pred: Any, true: Callable[[], Any], false: Callable[[], Any]) -> Any:
    if is_hidden(pred):
        return _choose(pred, true(), false())
    return true() if pred else false()


def _choose(pred: Tensor, true: Any, false: Any) -> Any:
    """The one tree or the other, leaf by leaf; torch.cond would forbid branches that return their operands."""
    return trees.tree_map(
        lambda a, b: torch.where(pred, a, b) if isinstance(a, Tensor) else a,
        true,
        false,
    )


def switch(index: Any, branches: Sequence[Callable], operands: Sequence[Any]) -> Any:
    if is_hidden(index):
        result = branches[0](*operands)
        for i, branch in enumerate(branches[1:], 1):
            result = _choose(index >= i, branch(*operands), result)
        return result
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(cond: Callable, body: Callable, state: tuple, limit: int | None) -> tuple:
    turns = 0
    while limit is None or turns < limit:
        go_on = cond(*state)
        if is_hidden(go_on):
            return _while_hidden(cond, body, state, limit, turns)
        if not go_on:
            break
        state = tuple(body(*state))
        turns += 1
    return state


def _while_hidden(cond: Callable, body: Callable, state: tuple, limit: int | None, turns: int) -> tuple:
    """The loop as one operator, which torch does not differentiate; in a mapped function, as masked turns."""
    if torch.compiler.is_compiling():
        return _while_traced(cond, body, state, limit, turns)
    if limit is None:
        raise BackendError(
            "On torch, a while_loop inside vmap needs `maximum_iterations`: its rows end at different turns, and "
            "nothing can be read from them."
        )
    for _ in range(turns, limit):
        state = _choose(cond(*state), tuple(body(*state)), state)
    return state


def _while_traced(cond: Callable, body: Callable, state: tuple, limit: int | None, turns: int) -> tuple:
    from torch._higher_order_ops import while_loop as operator

    if limit is None:
        return operator(cond, lambda *s: tuple([t.clone() for t in body(*s)]), state)
    counter = torch.full((), turns, dtype=torch.int64)
    return operator(
        lambda n, *s: (n < limit) & cond(*s),
        lambda n, *s: (n + 1, *[t.clone() for t in body(*s)]),
        (counter, *state),
    )[1:]


def scan(f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int) -> tuple[Any, Any]:
    leaves, spec = trees.tree_flatten(xs)
    if length == 0:
        return init, _no_rows(
            f,
            init,
            trees.tree_unflatten(spec, [x.new_zeros(x.shape[1:]) for x in leaves]),
        )
    rows = list(zip(*[x.unbind(0) for x in leaves], strict=True)) or [()] * length
    carry, ys = init, [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys[i] = f(carry, trees.tree_unflatten(spec, rows[i]))
    return carry, trees.tree_map(lambda *y: torch.stack(y), *ys)


def _no_rows(f: Callable, init: Any, x: Any) -> Any:
    """What stacking no results of f gives."""
    return trees.tree_map(lambda y: y.new_empty((0, *y.shape)), f(init, x)[1])


def associative_scan(f: Callable, elems: Any, reverse: bool, axis: int) -> Any:
    if reverse:
        elems = trees.tree_map(lambda x: flip(x, axis), elems)
    result = _prefixes(f, elems, axis)
    return trees.tree_map(lambda x: flip(x, axis), result) if reverse else result


def _prefixes(f: Callable, elems: Any, axis: int) -> Any:
    """All prefixes in about 2 log(n) calls: those of pairs, then one more step for every other element."""
    n = trees.tree_leaves(elems)[0].shape[axis]
    if n < 2:
        return elems
    odd = _prefixes(f, f(_every_other(elems, 0, n - 1, axis), _every_other(elems, 1, n, axis)), axis)
    if n == 2:
        return trees.tree_map(lambda x, y: concat([x.narrow(axis, 0, 1), y], axis), elems, odd)
    even = f(
        _every_other(odd, 0, (n - 1) // 2, axis, step=1),
        _every_other(elems, 2, n, axis),
    )
    return trees.tree_map(lambda x, e, o: _interleave(x.narrow(axis, 0, 1), e, o, axis), elems, even, odd)


def _every_other(tree: Any, start: int, stop: int, axis: int, step: int = 2) -> Any:
    def cut(x: Tensor) -> Tensor:
        return x[(slice(None),) * (axis % x.ndim) + (slice(start, stop, step),)]

    return trees.tree_map(cut, tree)


def _interleave(first: Tensor, even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """first, odd[0], even[0], odd[1], even[1], ..."""
    axis = axis % first.ndim
    n = even.shape[axis]
    pairs = stack([odd.narrow(axis, 0, n), even], axis + 1).flatten(axis, axis + 1)
    return concat([first, pairs, odd.narrow(axis, n, odd.shape[axis] - n)], axis)


def vmap(f: Callable, in_axes: Any, out_axes: Any) -> Callable:
    return torch.func.vmap(f, in_axes, out_axes, randomness="different")


stop_gradient = torch.detach


class _Custom(torch.autograd.Function):
    """A function with its own gradient; the trees' leaves pass through torch one by one."""

    @staticmethod
    def forward(ctx: Any, run: Callable[..., tuple], *leaves: Any) -> Any:
        outputs, ctx.grad = run(*leaves)
        return outputs

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple:
        return (None, *ctx.grad(*upstream))


def custom_gradient(f: Callable, args: tuple) -> Any:
    if torch._C._are_functorch_transforms_active():
        raise BackendError("On torch, a function with its own gradient cannot be inside vmap or jvp.")
    leaves, spec = trees.tree_flatten(args)
    result_spec: list = []

    def run(*inner: Any) -> tuple:
        output, grad = f(*trees.tree_unflatten(spec, [_another(x) for x in inner]))
        outputs, out_spec = trees.tree_flatten(output)
        result_spec.append(out_spec)

        def backward(*upstream: Tensor) -> list:
            gradients = grad(*upstream)
            gradients = tuple(gradients) if isinstance(gradients, (tuple, list)) else (gradients,)
            return _per_leaf(args, gradients)

        return tuple(outputs), backward

    outputs = _Custom.apply(run, *leaves)
    return trees.tree_unflatten(result_spec[-1], outputs)


def _another(x: Any) -> Any:
    """x as a new tensor: an input that is returned as it is would not get the function's gradient."""
    if not isinstance(x, Tensor):
        return x
    return x.clone() if torch.compiler.is_compiling() else x.view_as(x)


def _per_leaf(args: tuple, gradients: tuple) -> list:
    """One gradient per leaf of args; None stands for a whole argument without one."""
    flat: list = []
    for arg, gradient in zip(args, gradients, strict=True):
        leaves = trees.tree_leaves(arg)
        flat += [None] * len(leaves) if gradient is None else trees.tree_leaves(gradient, none_is_leaf=True)
    return flat


class _Nesting(threading.local):
    """How many value_and_grad this thread is inside of."""

    def __init__(self) -> None:
        self.depth = 0  # not on the class: the compiler cannot follow how a write hides a class's attribute


_nesting = _Nesting()


def is_nested() -> bool:
    """Whether the gradient that is taken will be differentiated itself."""
    return _nesting.depth > 1


def value_and_grad(f: Callable[[list], tuple[Tensor, Any]], values: list) -> tuple[tuple[Tensor, Any], list]:
    is_inner = _nesting.depth > 0  # then an outer one differentiates what this one returns
    _nesting.depth += 1
    try:
        with torch.enable_grad():
            values = [_watched(v, is_inner) for v in values]
            loss, aux = f(values)
            if loss.requires_grad:
                gradients = list(torch.autograd.grad(loss, values, allow_unused=True, create_graph=is_inner))
                if distribution_in_force() is not None:  # parts of sums, until they lie as the values do
                    gradients = [
                        g if g is None else dtensor.like(g, v) for g, v in zip(gradients, values, strict=True)
                    ]
            else:
                gradients = [None] * len(values)
    finally:
        _nesting.depth -= 1
    return ((loss, aux) if is_inner else (loss.detach(), trees.tree_map(_detached, aux))), gradients


def _watched(x: Tensor, is_inner: bool) -> Tensor:
    """x as something to differentiate by: itself where the function may also read it as a variable."""
    if not x.requires_grad:
        return x.detach().requires_grad_()
    if is_inner:
        return x.view_as(x)  # apart from the outer one's other uses of x, but in its graph
    return x if x.is_leaf else x.detach().requires_grad_()


def _detached(x: Any) -> Any:
    """x without the graph that made it, which would stay in memory with it."""
    return x.detach() if isinstance(x, Tensor) and not x.is_leaf else x


def jvp(f: Callable, primals: tuple, tangents: tuple) -> tuple[Any, Any]:
    outputs, directional, *_ = torch.func.jvp(f, tuple(primals), tuple(tangents))
    return outputs, directional


def jit(f: Callable, donate: tuple[int, ...] = (), forward: bool = False) -> Callable:
    # nothing to do for `donate`: torch frees a tensor with its last reference
    if distribution_in_force() is not None:
        return f  # its compiler does not follow what operations on parts exchange
    process.trace_gradients()
    return torch.compile(f)


def remat(f: Callable) -> Callable:
    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        # draws come from seeds, so there is no generator whose state must be kept
        return checkpoint(f, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    return call


def without_gradient(f: Callable) -> Callable:
    # a result would else hold what every operation saved, as long as it lives
    return torch.no_grad()(f)


def eval_shape(f: Callable, specs: Any) -> Any:
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        stand_ins = trees.tree_map(lambda s: torch.empty(s[0], dtype=DTYPES[s[1]]), specs, is_leaf=_is_spec)
        result = f(stand_ins)
        return trees.tree_map(lambda x: (tuple(x.shape), dtype(x)) if isinstance(x, Tensor) else x, result)


def _is_spec(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) == 2 and isinstance(x[1], str)


def loop(
    step: Callable[[Any, Any], Any], donate: bool, finish: Callable[[Any], Any] | None = None
) -> Callable:
    process.keep_memory_for_training()

    def run(state: Any, data: Any, indices: Any, start: int, stop: int, shared: Any = ()) -> Any:
        leaves, spec = trees.tree_flatten(data)
        for rows in _row_takers(indices, start, stop):
            state = step(state, trees.tree_unflatten(spec, [rows(x) for x in leaves]))
        return finish(state) if finish else state

    return run


def _row_takers(indices: Any, start: int, stop: int) -> list[Callable[[Tensor], Tensor]]:
    """One function per step that takes the step's rows of a tensor: a view where they lie one after another."""
    block = indices[start:stop]
    block = block.numpy(force=True) if isinstance(block, Tensor) else np.asarray(block)
    if block.ndim == 1:  # batches that are stacked
        return [lambda x, i=i: x[i] for i in block.tolist()]
    if block.ndim == 2 and block.size and np.array_equal(block, _consecutive(block)):
        return [_slice_taker(int(row[0]), len(row)) for row in block]
    return [_index_taker(row) for row in torch.from_numpy(np.array(block, np.int64))]


def _consecutive(block: np.ndarray) -> np.ndarray:
    """The block that starts its rows with the same elements and counts up from there."""
    return block[:, :1] + np.arange(block.shape[1])


def _slice_taker(first: int, size: int) -> Callable[[Tensor], Tensor]:
    return lambda x: x[first : first + size]


def _index_taker(row: Tensor) -> Callable[[Tensor], Tensor]:
    def take(x: Tensor) -> Tensor:
        return select(x, 0, row.to(x.device, non_blocking=True))

    return take
