"""`jit`, `value_and_grad`, `grad` and `vmap` over functions that read and assign Variables, on every backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.core.graph import _pack
from lamina.core.masks import get_mask, set_mask
from lamina.core.stateless import StatelessScope
from lamina.core.variable import Variable
from lamina.kernel.context import current, state
from lamina.kernel.trees import leaves, map_leaves
from lamina.ops.op import convert


def value_and_grad(
    function: Callable[..., Any], variables: Sequence[Variable] | None = None, has_aux: bool = False
) -> Callable[..., Any]:
    r"""A function that gives the value of `function` and its gradient.

    $$ f, \; \partial f / \partial v $$

    Args:
        function: Gives a scalar, or (scalar, anything) with `has_aux`. It may read and assign Variables.
        variables: What to differentiate by; by default the first argument (a tensor or a tree of them).
        has_aux: Whether the function gives something besides the scalar.

    Returns:
        A function of the same arguments that gives (value, gradients): one gradient per variable (None where the
        value does not depend on it), or a tree like the first argument. With `has_aux`, value is the pair.

    Example:
        >>> import lamina
        >>> w = lamina.Variable([2.0])
        >>> loss, (g,) = lamina.value_and_grad(lambda: lamina.ops.sum(w * w), [w])()
        >>> float(loss), float(g[0])
        (4.0, 4.0)
    """
    if variables is None:
        return _by_argument(function, has_aux)
    wanted = list(variables)

    def call(*args: Any, **kwargs: Any) -> Any:
        return _run(lambda: function(*args, **kwargs), wanted, has_aux)

    return call


def _run(function: Callable[[], Any], variables: list[Variable], has_aux: bool) -> Any:
    k = current()
    before = state.frame
    state.frame = before._replace(
        autocast=None
    )  # differentiate by the values that are kept, not by casts of them
    try:
        values = [v.value for v in variables]
    finally:
        state.frame = before
    written: list[Variable] = []

    def pure(given: list[Any]) -> tuple[Any, Any]:
        scope = StatelessScope(collect_losses=True)
        scope.values = {id(v): value for v, value in zip(variables, given, strict=True)}
        with scope:
            out = function()
        written[:] = scope.written.values()
        loss, aux = out if has_aux else (out, None)
        return loss, (aux, [scope.values[id(v)] for v in written], masks_of(aux))

    masks_of = lambda tree: {i: m for i, x in enumerate(leaves(tree)) if (m := get_mask(x)) is not None}
    spread = state.frame.spread
    differentiated = k.spread.sparing(pure) if spread is not None and spread.gathers_again else pure
    (loss, (aux, updates, masks)), gradients = k.value_and_grad(differentiated, values)
    for i, x in enumerate(leaves(aux)):  # these are other tensors than those inside
        if i in masks:
            set_mask(x, masks[i])
    for variable, value in zip(written, updates, strict=True):
        variable.assign(value)
    return ((loss, aux) if has_aux else loss), gradients


def _by_argument(function: Callable[..., Any], has_aux: bool) -> Callable[..., Any]:
    def call(first: Any, *args: Any, **kwargs: Any) -> Any:
        k = current()
        flat = [convert(k, x) for x in leaves(first)]

        def pure(given: list[Any]) -> tuple[Any, Any]:
            out = function(_pack(first, given), *args, **kwargs)
            return out if has_aux else (out, None)

        (loss, aux), gradients = k.value_and_grad(pure, flat)
        return ((loss, aux) if has_aux else loss), _pack(first, gradients)

    return call


def grad(
    function: Callable[..., Any], variables: Sequence[Variable] | None = None, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that gives the gradient of `function` (see `value_and_grad`).

    Args:
        function: Gives a scalar, or (scalar, anything) with `has_aux`.
        variables: What to differentiate by; by default the first argument.
        has_aux: Whether the function gives something besides the scalar.

    Returns:
        A function of the same arguments that gives the gradients, or (gradients, aux) with `has_aux`.

    Example:
        >>> import lamina
        >>> float(lamina.grad(lambda x: x * x)(lamina.ops.array(3.0)))
        6.0
    """
    both = value_and_grad(function, variables, has_aux)

    def call(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return call


class _Recorder(StatelessScope):
    """A scope that notes which variables are read, and keeps what is written."""

    def __init__(self) -> None:
        super().__init__(collect_losses=True)
        self.read: dict[int, Variable] = {}

    def get_current_value(self, variable: Any) -> Any:
        if id(variable) not in self.written:
            self.read[id(variable)] = variable
        return super().get_current_value(variable)


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, compiled by the backend in force; Variables that it reads and assigns work as outside.

    Args:
        function: A function of tensors and trees of them; other arguments are part of the program.

    Returns:
        The compiled function.

    Example:
        >>> import lamina
        >>> count = lamina.Variable(0.0)
        >>> @lamina.jit
        ... def add(x):
        ...     count.assign_add(x)
        ...     return count * 2
        >>> float(add(3.0)), float(add(1.0))
        (6.0, 8.0)
    """
    programs: dict[Any, Any] = {}

    def call(*args: Any, **kwargs: Any) -> Any:
        k = current()
        if not k.functional:
            if k not in programs:
                programs[k] = k.jit(function)
            return programs[k](*args, **kwargs)
        key = (k, *(_signature(x) for x in leaves((args, list(kwargs.values())))))
        if key not in programs:
            programs[key] = _functional_program(k, function, args, kwargs)
        program, variables, written = programs[key]
        out, updates = program([v.value for v in variables], args, kwargs)
        for variable, value in zip(written, updates, strict=True):
            variable.assign(value)
        return out

    call.__wrapped__ = function  # type: ignore[attr-defined]
    return call


def _signature(x: Any) -> Any:
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return (tuple(x.shape), str(x.dtype))
    try:
        hash(x)
    except TypeError:
        return type(x)
    return (type(x), x)


def _functional_program(k: Any, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    """A pure program, and the variables that go in and come out: found by one abstract run."""
    recorder = _Recorder()
    recorder.outer = state.scope

    def probe(a: Any, kw: Any) -> Any:
        with recorder:
            function(*a, **kw)
        return ()

    k.jit(probe)(args, kwargs)
    variables, written = list(recorder.read.values()), list(recorder.written.values())

    def pure(values: list[Any], a: Any, kw: Any) -> tuple[Any, list[Any]]:
        scope = StatelessScope(collect_losses=True)
        scope.values = {id(v): value for v, value in zip(variables, values, strict=True)}
        with scope:
            out = function(*a, **kw)
        return out, [scope.values[id(v)] for v in written]

    return k.jit(pure), variables, written


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """`function` over a mapped axis of its arguments.

    Args:
        function: A function of tensors.
        in_axes: The mapped axis of each argument (None: not mapped), or one for all.
        out_axes: Where the mapped axis goes in the results.

    Returns:
        The mapped function.

    Example:
        >>> import lamina
        >>> dots = lamina.vmap(lamina.ops.dot)
        >>> dots(lamina.ops.ones((3, 4)), lamina.ops.ones((3, 4))).shape[0]
        3
    """

    def call(*args: Any) -> Any:
        k = current()
        args = map_leaves(lambda x: convert(k, x), args)
        return k.vmap(function, in_axes, out_axes)(*args)

    return call
