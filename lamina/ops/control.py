"""Control flow and derivatives: programs that take programs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import optree

from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.kernel.symbolic import Symbolic
from lamina.ops.checks import at_least, axis_of, shown
from lamina.ops.op import Output, Tensor, convert, op


def leading(*trees: Any) -> tuple[Any, ...]:
    """The interpreter in force, and the trees with every leaf as one of its tensors."""
    k = current()
    return k, *(tensors(k, tree) for tree in trees)


def tensors(k: Kernel, tree: Any) -> Any:
    """The tree with every leaf as a tensor."""
    return optree.tree_map(lambda leaf: convert(k, leaf), tree)


def _symbolic(*trees: Any) -> Any:
    """The first symbolic leaf, or None."""
    forest: Any = trees
    return next((x for x in optree.tree_leaves(forest) if isinstance(x, Symbolic)), None)


def _length(name: str, xs: Any, axis: int = 0) -> int:
    """The common size of the leaves along an axis.

    Raises:
        ValueError: if a leaf has no axes, or they differ.
    """
    sizes = []
    for leaf in optree.tree_leaves(xs):
        axis_of(name, axis, len(leaf.shape))
        sizes.append(leaf.shape[axis])
    if not sizes:
        raise ValueError(f"{name}: there is no tensor to go over.")
    known = {n for n in sizes if type(n) is not Unknown}
    if len(known) > 1:
        raise ValueError(f"{name}: the tensors differ in size along axis {axis}: {sorted(known)}.")
    return sizes[0]


@op("variable", module="core")
def stop_gradient(k: Kernel, variable: Tensor) -> Output:
    """The same values, constant to differentiation.

    Args:
        variable: A tensor.

    Returns:
        A tensor of the same shape and dtype, through which no gradient flows.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.stop_gradient([1.0])).tolist()
        [1.0]
    """
    return k.stop_gradient(variable)


@op("pred", module="core")
def cond(k: Kernel, pred: Tensor, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """One of two programs, by a condition that may be known only when the program runs.

    Args:
        pred: Boolean scalar.
        true_fn: A function without arguments: what to give if it is true.
        false_fn: What to give if it is false: tensors of the same shapes and dtypes.

    Returns:
        What the chosen function gives.

    Raises:
        ValueError: if the condition is no scalar.

    Example:
        >>> import lamina
        >>> float(lamina.ops.cond(True, lambda: lamina.ops.ones(()), lambda: lamina.ops.zeros(())))
        1.0
    """
    if not callable(true_fn) or not callable(false_fn):
        raise TypeError("cond: `true_fn` and `false_fn` must be functions.")
    if pred.shape not in ((), (1,)):
        raise ValueError(f"cond: `pred` must be a scalar, got shape {shown(pred.shape)}.")
    flag = k.astype(k.reshape(pred, ()), "bool")
    return k.cond(flag, lambda: _outputs(k, true_fn()), lambda: _outputs(k, false_fn()))


def _outputs(k: Kernel, tree: Any) -> Any:
    """What a user's function gave, with numbers as tensors, so that all branches give the same kind of thing."""
    return optree.tree_map(lambda leaf: convert(k, leaf), tree)


@op("index", "*operands", module="core")
def switch(k: Kernel, index: Tensor, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """One of several programs, by number.

    Args:
        index: Integer scalar; outside 0 .. len(branches) - 1 the nearest branch is taken.
        branches: Functions of the operands that give tensors of the same shapes and dtypes.
        *operands: What the functions get.

    Returns:
        What the chosen function gives.

    Raises:
        ValueError: if there are no branches or the index is no scalar.

    Example:
        >>> import lamina
        >>> float(lamina.ops.switch(1, [lamina.ops.add, lamina.ops.subtract], 5.0, 3.0))
        2.0
    """
    if not branches:
        raise ValueError("switch: there must be at least one branch.")
    if index.shape != ():
        raise ValueError(f"switch: `index` must be a scalar, got shape {shown(index.shape)}.")
    symbolic = _symbolic(operands)
    if symbolic is not None:
        return symbolic.apply_op(switch.op, (index, branches, *operands), {})
    programs = [lambda *given, f=f: _outputs(k, f(*given)) for f in branches]
    return k.switch(k.astype(index, "int32"), programs, tensors(k, operands))


@op(module="core")
def while_loop(
    k: Kernel,
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: Any = None,
) -> Any:
    """Repeat while a condition holds.

    `while cond(*v): v = body(*v)`

    Args:
        cond: Gets the loop variables, gives a boolean scalar.
        body: Gets the loop variables, gives new ones of the same shapes and dtypes.
        loop_vars: A tuple or list of (trees of) tensors, or one tensor.
        maximum_iterations: How often at most, an integer or an integer scalar, or None.

    Returns:
        The last loop variables as a tuple, or one tensor if one was given.

    Raises:
        TypeError: if `cond` or `body` is no function.

    Example:
        >>> import lamina
        >>> i, = lamina.ops.while_loop(lambda i: i < 10, lambda i: (i + 3,), (0,))
        >>> int(i)
        12
    """
    if not callable(cond) or not callable(body):
        raise TypeError("while_loop: `cond` and `body` must be functions.")
    symbolic = _symbolic(loop_vars)
    if symbolic is not None:
        given = {"cond": cond, "body": body, "loop_vars": loop_vars, "maximum_iterations": maximum_iterations}
        return symbolic.apply_op(while_loop.op, (), given)
    many = isinstance(loop_vars, list | tuple)
    state = tensors(k, tuple(loop_vars) if many else (loop_vars,))

    def step(*values: Any) -> tuple:
        out = body(*values)
        return tensors(k, tuple(out) if isinstance(out, list | tuple) else (out,))

    def test(*values: Any) -> Any:
        return k.reshape(convert(k, cond(*values), "bool"), ())

    if isinstance(
        maximum_iterations, k.Tensor
    ):  # its value may not be known: the turns are counted with the state
        most = k.astype(k.reshape(maximum_iterations, ()), "int32")
        last = k.while_loop(
            lambda turn, *values: k.logical_and(turn < most, test(*values)),
            lambda turn, *values: (turn + 1, *step(*values)),
            (k.zeros((), "int32"), *state),
            None,
        )[1:]
        return last if many else last[0]
    limit = (
        None
        if maximum_iterations is None
        else at_least("while_loop", "maximum_iterations", maximum_iterations, 0)
    )
    last = k.while_loop(test, step, state, limit)
    return last if many else last[0]


@op(module="core")
def fori_loop(k: Kernel, lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Repeat for each number of a range.

    `for i in range(lower, upper): v = body_fun(i, v)`

    Args:
        lower: Where to begin, an integer or an integer scalar.
        upper: Where to end (not included).
        body_fun: Gets the number and the value, gives a new value of the same shapes and dtypes.
        init_val: The first value: a tree of tensors.

    Returns:
        The last value.

    Example:
        >>> import lamina
        >>> int(lamina.ops.fori_loop(0, 4, lambda i, v: v + i, 0))
        6
    """
    symbolic = _symbolic(init_val, lower, upper)
    if symbolic is not None:
        given = {"lower": lower, "upper": upper, "body_fun": body_fun, "init_val": init_val}
        return symbolic.apply_op(fori_loop.op, (), given)
    value = tensors(k, init_val)
    if isinstance(lower, int) and isinstance(upper, int):
        # A known number of rounds is a scan, through which gradients flow on every backend.
        count = max(upper - lower, 0)
        numbers = k.arange(lower, lower + count, 1, "int32")
        return k.scan(lambda v, i: (tensors(k, body_fun(i, v)), None), value, numbers, count, False, 1)[0]
    first, last = convert(k, lower, "int32"), convert(k, upper, "int32")
    return k.while_loop(
        lambda i, _: i < last, lambda i, v: (i + 1, tensors(k, body_fun(i, v))), (first, value), None
    )[1]


@op(module="core")
def scan(
    k: Kernel,
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Go over the first axis, carrying a value along.

    `carry, y[i] = f(carry, x[i])`

    Args:
        f: Gets the carried value and an entry of xs, gives the next value and an entry of the result.
        init: The first carried value: a tree of tensors.
        xs: A tree of tensors of equal first size, or None.
        length: How many steps; needed without xs.
        reverse: Whether to begin at the end.
        unroll: How many steps a compiled program takes per round; True means all.

    Returns:
        (the last carried value, the tree of stacked results).

    Raises:
        ValueError: if the number of steps is not given or not the same everywhere.
        TypeError: if `f` is no function.

    Example:
        >>> import lamina
        >>> total, sums = lamina.ops.scan(lambda c, x: (c + x, c + x), 0, lamina.ops.arange(4))
        >>> int(total), lamina.ops.convert_to_numpy(sums).tolist()
        (6, [0, 1, 3, 6])
    """
    if not callable(f):
        raise TypeError("scan: `f` must be a function.")
    if not isinstance(unroll, bool):
        at_least("scan", "unroll", unroll, 1)
    symbolic = _symbolic(init, xs)
    if symbolic is not None:
        given = {"f": f, "init": init, "xs": xs, "length": length, "reverse": reverse, "unroll": unroll}
        return symbolic.apply_op(scan.op, (), given)
    init, xs = tensors(k, init), tensors(k, xs)
    if xs is None:
        if length is None:
            raise ValueError("scan: give `xs` or `length`: without them the number of steps is not known.")
        size = at_least("scan", "length", length, 0)
    else:
        size = _length("scan", xs)
        if length is not None and length != size and type(size) is not Unknown:
            raise ValueError(f"scan: `length` is {length}, but `xs` has {size} entries.")
    rounds = (size if unroll else 1) if isinstance(unroll, bool) else unroll

    def step(carry: Any, x: Any) -> Any:
        return tensors(k, tuple(f(carry, x)))

    return k.scan(step, init, xs, size, bool(reverse), max(rounds, 1))


@op(module="core")
def associative_scan(
    k: Kernel, f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All prefixes under an associative function, in a number of steps that grows with the logarithm.

    `y[i] = f(y[i - 1], x[i])` with f(f(a, b), c) = f(a, f(b, c))

    Args:
        f: Combines two trees like `elems`, entry by entry along the axis.
        elems: A tree of tensors of equal size along the axis.
        reverse: Whether to begin at the end.
        axis: The axis to go along.

    Returns:
        A tree like `elems`.

    Raises:
        ValueError: if the sizes differ or the axis is out of range.

    Example:
        >>> import lamina
        >>> sums = lamina.ops.associative_scan(lamina.ops.add, lamina.ops.arange(4))
        >>> lamina.ops.convert_to_numpy(sums).tolist()
        [0, 1, 3, 6]

    Reference:
        Blelloch, 1990: Prefix Sums and Their Applications
    """
    if not callable(f):
        raise TypeError("associative_scan: `f` must be a function.")
    symbolic = _symbolic(elems)
    if symbolic is not None:
        given = {"f": f, "elems": elems, "reverse": reverse, "axis": axis}
        return symbolic.apply_op(associative_scan.op, (), given)
    elems = tensors(k, elems)
    size = _length("associative_scan", elems, axis)
    if size == 0 and type(size) is not Unknown:
        return elems
    return k.associative_scan(f, elems, bool(reverse), axis)


@op(module="core")
def map(k: Kernel, f: Callable[[Any], Any], xs: Any) -> Any:
    """A function over the first axis, one entry after the other.

    `y[i] = f(x[i])`

    Args:
        f: Gets an entry of xs, gives a tree of tensors.
        xs: A tree of tensors of equal first size.

    Returns:
        The tree of stacked results.

    Raises:
        ValueError: if the first sizes differ.

    Example:
        >>> import lamina
        >>> lamina.ops.convert_to_numpy(lamina.ops.map(lambda x: x * x, lamina.ops.arange(3))).tolist()
        [0, 1, 4]
    """
    if not callable(f):
        raise TypeError("map: `f` must be a function.")
    symbolic = _symbolic(xs)
    if symbolic is not None:
        return symbolic.apply_op(map.op, (f, xs), {})
    xs = tensors(k, xs)
    size = _length("map", xs)
    return k.scan(lambda carry, x: (carry, _outputs(k, f(x))), (), xs, size, False, 1)[1]


@op(module="core")
def vectorized_map(k: Kernel, function: Callable[[Any], Any], elements: Any) -> Any:
    """A function over the first axis, all entries at once.

    `y[i] = f(x[i])`

    Args:
        function: Gets an entry of the elements, gives a tree of tensors.
        elements: A tree of tensors of equal first size.

    Returns:
        The tree of stacked results.

    Raises:
        ValueError: if the first sizes differ.

    Example:
        >>> import lamina
        >>> squares = lamina.ops.vectorized_map(lambda x: x * x, lamina.ops.arange(3))
        >>> lamina.ops.convert_to_numpy(squares).tolist()
        [0, 1, 4]
    """
    if not callable(function):
        raise TypeError("vectorized_map: `function` must be a function.")
    symbolic = _symbolic(elements)
    if symbolic is not None:
        return symbolic.apply_op(vectorized_map.op, (function, elements), {})
    elements = tensors(k, elements)
    _length("vectorized_map", elements)
    return k.vmap(lambda x: _outputs(k, function(x)), 0, 0)(elements)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a derivative of its own.

    Args:
        f: Gets tensors; gives (output, grad), where `grad(*upstream)` gives the gradients of the arguments.

    Returns:
        A function of the same arguments that gives the output.

    Example:
        >>> import lamina
        >>> @lamina.ops.custom_gradient
        ... def double(x):
        ...     return x * 2.0, lambda upstream: upstream * 2.0
        >>> float(double(3.0))
        6.0
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        k, values = leading(args)
        return k.custom_gradient(lambda *given: f(*given, **kwargs), values)

    return call
