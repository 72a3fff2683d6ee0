"""The public function of an op: one small function, compiled for the op's own parameters.

A call of an op costs a few hundred nanoseconds above the backend's own work, and packing arguments into a tuple and
a dictionary costs as much as everything else together. So the function is written out for the op's signature, from the one
template below: the parameters stand in it by name, and the test of the fast path is made of what `@op` declares.
For `@op("x1", "x2", promote=True)` on `body(k, x1, x2, axis=-1)` it reads

    def call(x1, x2, axis):  # with the defaults of the body
        try:
            _k = state.kernel or kernel_for((x1, x2, axis))
            _name, _T = _k.name, _k.Tensor
            if isinstance(x1, _T) and isinstance(x2, _T) and x1.dtype == x2.dtype:
                _body = _bodies.get(_name) or _op.body_for(_k)
                try:
                    _out = _body(_k, x1, x2, axis)
                    return _out if _out is not NotImplemented else _op.body(_k, x1, x2, axis)
                except Exception as _error:
                    _op.explain(_k, _error, (x1, x2, axis), {})
                    raise
            return _op(_k, (x1, x2, axis), {})
        except Exception as _error:
            fold(_error)
            raise

Everything that does not pass the test goes the general way, `Op.__call__`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.kernel.context import _activate, state  # noqa: F401 - the functions made here read `state`
from lamina.kernel.shapes import SHAPES
from lamina.kernel.symbolic import Symbolic
from lamina.kernel.tracebacks import fold  # noqa: F401 - the functions made here call it

if TYPE_CHECKING:
    from lamina.kernel.contract import Kernel
    from lamina.ops.op import Op

NUMBERS = frozenset((int, float))  # beside a float tensor they take its dtype

# The underscores keep the names apart from those of parameters (`k`, `name`).
_TEMPLATE = """
def make(_op, _bodies, _fitting, _floats):
    def call({signature}):
        try:
            _k = state.kernel or kernel_for({positional})
            _name, _T = _k.name, _k.Tensor
            if {fits}:
                _body = _bodies.get(_name) or _op.body_for(_k)
                try:
                    _out = _body(_k, {passed})
                    return _out if _out is not NotImplemented else _op.body(_k, {passed})
                except Exception as _error:
                    _op.explain(_k, _error, {positional}, {named})
                    raise
            return _op(_k, {positional}, {named})
        except Exception as _error:
            fold(_error)
            raise
    return call
"""
_WITHOUT_FAST_PATH = """
def make(_op, _bodies, _fitting, _floats):
    def call({signature}):
        try:
            return _op(state.kernel or kernel_for({positional}), {positional}, {named})
        except Exception as _error:
            fold(_error)
            raise
    return call
"""


def caller(op: Op[Any, Any]) -> Callable[..., Any]:
    """The public function of `op`."""
    leading = op.parameters[: op.leading]
    behind = op.parameters[op.leading :]
    star = [f"*{op.star}"] if op.star else ["*"] if behind else []
    rest = [f"**{op.keywords}"] if op.keywords else []
    source = (_TEMPLATE if (fits := _fits(op)) else _WITHOUT_FAST_PATH).format(
        signature=", ".join([*leading, *star, *behind, *rest]),
        passed=", ".join([*leading, *star[: bool(op.star)], *(f"{p}={p}" for p in behind), *rest]),
        positional=f"({''.join(f'{p}, ' for p in (*leading, *star[: bool(op.star)]))})",
        named="{" + ", ".join([*(f"{p!r}: {p}" for p in behind), *rest]) + "}",
        fits=fits,
    )
    function = _compiled(source)(op, op.bodies, op.fitting, op.floats)
    function.__defaults__, function.__kwdefaults__ = op.body.__defaults__, op.body.__kwdefaults__
    return function


def _fits(op: Op[Any, Any]) -> str:
    """The test that the arguments can go to the body as they are: all tensors of this interpreter, of one fitting dtype.

    Empty where there is no fast path: lists and any number of tensors would need a loop.
    """
    if op.lists or op.star or not op.tensors:
        return ""
    joined = [p for p in (op.only or op.tensors) if op.promote]
    first = joined[0] if joined else None
    optional = {p for p, default in op.defaults.items() if default is None and p != first}
    tests = []
    for p in sorted(op.tensors, key=lambda p: p != first):  # the others are compared with its dtype
        test = f"isinstance({p}, _T)"
        if p == first and op.promote == "float":
            test += f" and {p}.dtype in _fitting.get(_name, ())"
        elif p != first and p in joined:
            test += f" and {p}.dtype == {first}.dtype"
            if op.scalars:
                test = f"({first}.dtype in _floats.get(_name, ()) if type({p}) in NUMBERS else {test})"
        tests.append(f"({p} is None or {test})" if p in optional else test)
    return " and ".join(tests)


@functools.cache
def _compiled(source: str) -> Callable[..., Callable[..., Any]]:
    """The maker of the functions with this source: ops of one signature share it."""
    space: dict[str, Any] = {}
    exec(compile(source, "<lamina.ops.caller>", "exec"), globals(), space)
    return space["make"]


def kernel_for(args: tuple) -> Kernel:
    """The interpreter for the first call in a thread: drawing a graph needs no framework, so none is imported for it."""
    for x in args:
        if isinstance(x, Symbolic) or (
            isinstance(x, list | tuple) and any(isinstance(e, Symbolic) for e in x)
        ):
            return SHAPES
    return _activate()
