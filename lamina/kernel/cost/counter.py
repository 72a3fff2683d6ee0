"""The interpreter that counts: shapes as `SHAPES` has them, and a ledger of what computing them would take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import optree

from lamina.kernel.context import state
from lamina.kernel.contract import Fused
from lamina.kernel.cost import rules
from lamina.kernel.cost.ledger import Ledger, Product
from lamina.kernel.cost.tensor import Buffer, Traced
from lamina.kernel.dtypes import IS_INEXACT
from lamina.kernel.interpreter import Interpreter
from lamina.kernel.shapes import SHAPES, Spec
from lamina.kernel.trees import leaves

_CONTROL = frozenset((
    "cond", "switch", "while_loop", "scan", "associative_scan", "vmap", "custom_gradient", "value_and_grad", "jvp", "jit",
    "remat", "without_gradient", "eval_shape", "loop", "variable", "read", "write", "wait", "device", "devices", "is_tensor", "dtype", "shape",
    "to_numpy",
))  # fmt: skip


class Cost(Interpreter):
    """The shape interpreter with a ledger.

    A loop's body runs once and counts as often as the loop goes round; of two branches the one with more multiply-adds
    counts. Counts are filed under the layer calls that are open (`state.names`), so layers must be called on the full
    path. The rules are those of `lamina.kernel.cost.rules`.

    Attributes:
        ledger: The counts.
    """

    name = "cost"
    overrides: dict = {}
    fused = Fused()

    def __init__(self) -> None:
        self.ledger = Ledger()
        super().__init__(SHAPES)

    def given(
        self, shape: Sequence[int], dtype: str, wanted: bool = False, parts: Sequence[int] = ()
    ) -> Traced:
        """A tensor that is there before the program begins: an input, or the value of a variable.

        Args:
            shape, dtype: Of the whole.
            wanted: Whether a gradient of it is wanted.
            parts: Into how many parts each of its axes is divided, where several devices share a model.
        """
        found = Traced(tuple(shape), dtype, self, wanted)
        found.buffer = Buffer(found.buffer.size, True, tuple(parts))
        return found

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which also counts."""
        if name in _CONTROL:
            return function
        return lambda *args, **kwargs: self.note(name, args, kwargs, function(*args, **kwargs))

    def note(self, name: str, args: tuple, kwargs: dict, out: Any) -> Any:
        """Count a call that gave `out`; the result is followed from here on."""
        operands = [x for x in leaves((args, list(kwargs.values()))) if isinstance(x, Spec)]
        traced = [x for x in operands if isinstance(x, Traced)]
        wanted = name not in rules.FLAT and any(x.wanted for x in traced)
        if (
            name in rules.VIEWS
            and isinstance(out, Spec)
            and len(traced) == 1
            and out.dtype == traced[0].dtype
        ):
            return Traced(out.shape, out.dtype, self, wanted, traced[0].buffer)
        out = self._traced(out, wanted)
        made = [x for x in leaves(out) if isinstance(x, Traced)]
        if not made:
            return out
        for x in made:
            x.buffer.shared = max([1, *[other.buffer.shared for other in traced]])
        if name == "astype" and traced:
            made[0].buffer.source = traced[0].buffer.source
        if (
            name in rules.PRODUCTS or name == "take"
        ):  # of a table of which each device has some rows: a sum of ones and zeros
            self._note_product(name, args, operands, made[0])
        in_place = name in rules.ELEMENTWISE or name == "astype"
        self.ledger.happened([x.buffer for x in traced], [x.buffer for x in made], in_place)
        counts = rules.forward(name, args, kwargs, made[0])
        place = self.ledger.place(state.names)
        for kind, n in counts.items():
            place.forward[kind] += n * self.ledger.times
        if any(x.wanted for x in made):
            back = rules.backward(name, operands, sum(int(x.size) for x in made), counts)
            for kind, n in back.items():
                place.backward[kind] += n * self.ledger.times
            self._keep(name, operands, made)
        return out

    def _traced(self, out: Any, wanted: bool) -> Any:
        if isinstance(out, Spec):
            return Traced(out.shape, out.dtype, self, wanted)
        if isinstance(out, list | tuple):
            return type(out)([self._traced(x, wanted) for x in out])
        return out

    def _note_product(self, name: str, args: tuple, operands: list[Any], out: Traced) -> None:
        pair = operands[:2]
        if len(pair) < 2:
            return
        for i, (weight, x) in enumerate(zip(pair, pair[::-1], strict=True)):
            if not isinstance(weight, Traced) or not weight.buffer.source.given:
                continue
            source, summed = weight.buffer.source, rules.summed(name, args, i)
            if summed is not None:
                if source.shared > 1:  # by the axes that stay; what is summed over devices is whole on each
                    stay = [n for axis, n in enumerate(source.parts) if axis not in summed]
                    out.buffer.shared = math.prod(stay)
                self.ledger.products.append(Product(state.names, source, summed, x, out, self.ledger.times))
            if getattr(x, "wanted", False) and name in rules.PRODUCTS:
                self.ledger.factors[id(source)] = source

    def _keep(self, name: str, operands: list[Any], made: list[Traced]) -> None:
        kept: list[Any] = []
        if name in rules.PRODUCTS:
            x1, x2 = [*operands, None][:2]
            kept = [x for x, other in ((x1, x2), (x2, x1)) if getattr(other, "wanted", False)]
        elif name in rules.READS_OUTPUT:
            kept = list(made)
        elif name in rules.READS_INPUT:
            kept = operands
        elif name in rules.GATHERS:  # the places, which are integers
            kept = [x for x in operands if x.dtype not in IS_INEXACT]
        self.ledger.keep(state.names, [x.buffer for x in kept if isinstance(x, Traced)])

    # -- what needs care ------------------------------------------------------------------------------------------------

    def arange(self, start: Any, stop: Any, step: Any, dtype: str, /) -> Any:
        plain = [Spec(x.shape, x.dtype) if isinstance(x, Spec) else x for x in (start, stop, step)]
        return self.base.arange(*plain, dtype)

    def cond(self, pred: Any, true: Callable[[], Any], false: Callable[[], Any], /) -> Any:
        return self.switch(pred, (true, false), ())

    def switch(self, index: Any, branches: Sequence[Callable], operands: Sequence[Any], /) -> Any:
        results, bills = [], []
        for branch in branches:
            with self.ledger.apart() as places:
                results.append(branch(*operands))
            bills.append(places)
        self.ledger.add(max(bills, key=lambda bill: sum(p.multiply_adds() for p in bill.values())))
        wanted = any(getattr(x, "wanted", False) for r in results for x in tensors(r))
        return self._map(self.base.switch(0, [lambda r=r: r for r in results], ()), wanted)

    def while_loop(self, cond: Callable, body: Callable, state_: tuple, limit: int | None, /) -> tuple:
        if limit is None:
            self.ledger.unbounded.add(state.names)
        with self.ledger.repeated(1 if limit is None else limit):
            cond(*state_)
            return body(*self._looped(state_, lambda given: body(*given)))

    def scan(
        self, f: Callable, init: Any, xs: Any, length: int, reverse: bool, unroll: int, /
    ) -> tuple[Any, Any]:
        rows = optree.tree_map(lambda x: self.getitem(x, 0), xs, is_leaf=_is_spec)
        init = self._looped(init, lambda carry: f(carry, rows)[0])
        with self.ledger.repeated(length):
            carry, y = f(init, rows)
        stacked = optree.tree_map(
            lambda x: Traced((length, *x.shape), x.dtype, self, getattr(x, "wanted", False)),
            y,
            is_leaf=_is_spec,
        )
        self.ledger.happened([x.buffer for x in tensors(y) if isinstance(x, Traced)],
                             [x.buffer for x in tensors(stacked)])  # fmt: skip
        return carry, stacked

    def _looped(self, carry: Any, once: Callable[[Any], Any]) -> Any:
        """What is carried from round to round, wanted from the second round on if the body makes it so."""
        ledger = self.ledger
        self.ledger = Ledger()
        try:
            after = tensors(once(carry))
        finally:
            self.ledger = ledger
        wanted = iter([getattr(x, "wanted", False) for x in after])

        def turned(x: Any) -> Any:
            grows = next(wanted, False)
            if not isinstance(x, Spec):
                return x
            known = x if isinstance(x, Traced) else Traced(x.shape, x.dtype, self)
            return Traced(x.shape, x.dtype, self, known.wanted or grows, known.buffer)

        return optree.tree_map(turned, carry, is_leaf=_is_spec)

    def associative_scan(self, f: Callable, elems: Any, reverse: bool, axis: int, /) -> Any:
        row = optree.tree_map(lambda x: self.take(x, Spec((1,), "int32"), axis), elems, is_leaf=_is_spec)
        steps = int(tensors(elems)[0].shape[axis])
        with self.ledger.repeated(max(steps - 1, 0)):  # each prefix but the first takes one more step
            out = f(row, row)
        return self._map(elems, any(getattr(x, "wanted", False) for x in tensors(out)))

    def vmap(self, f: Callable, in_axes: Any, out_axes: Any, /) -> Callable:
        def mapped(*args: Any) -> Any:
            axes = in_axes if isinstance(in_axes, tuple | list) else [in_axes] * len(args)
            sizes = [x.shape[i] for a, i in zip(args, axes, strict=True) if i is not None for x in tensors(a)]
            wanted = any(getattr(x, "wanted", False) for a in args for x in tensors(a))
            with self.ledger.repeated(int(sizes[0])):
                inner = lambda *given: f(*[self._map(g, wanted) for g in given])
                return self._map(self.base.vmap(inner, in_axes, out_axes)(*args), wanted)

        return mapped

    def custom_gradient(self, f: Callable, args: tuple, /) -> Any:
        return self._map(f(*args)[0], any(getattr(x, "wanted", False) for x in tensors(args)))

    def value_and_grad(self, f: Callable, values: list, /) -> Any:
        with self.ledger.apart() as places:
            result = f([Traced(v.shape, v.dtype, self, True) for v in values])
        for place in places.values():  # a gradient that the program itself takes is part of its forward pass
            place.forward.update(place.backward)
            place.backward.clear()
        self.ledger.add(places)
        return result, [Traced(v.shape, v.dtype, self) for v in values]

    def eval_shape(self, f: Callable, specs: Any, /) -> Any:
        with self.ledger.apart():
            return f(specs)

    def _map(self, tree: Any, wanted: bool) -> Any:
        def one(x: Any) -> Any:
            return (
                Traced(x.shape, x.dtype, self, wanted, getattr(x, "buffer", None))
                if isinstance(x, Spec)
                else x
            )

        return optree.tree_map(one, tree, is_leaf=_is_spec)


def _is_spec(x: Any) -> bool:
    return isinstance(x, Spec)


def tensors(tree: Any) -> list[Any]:
    return [x for x in optree.tree_leaves(tree, is_leaf=_is_spec) if isinstance(x, Spec)]
