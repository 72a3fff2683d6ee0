"""Running a step without numbers: to build what it needs, and to see which variables it touches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from lamina.core.stateless import StatelessScope
from lamina.core.variable import Variable
from lamina.kernel import dtypes
from lamina.kernel.shapes.infer import STAND_INS, infer
from lamina.kernel.shapes.spec import NeedsNumbers
from lamina.kernel.trees import leaves, map_leaves


def dtype_of(k: Any, leaf: Any) -> str:
    """The dtype of a tensor or an array."""
    return k.dtype(leaf) if isinstance(leaf, k.Tensor) else dtypes.standardize(leaf.dtype)


def build_on_shapes(k: Any, function: Callable[[Any], Any], tree: Any) -> None:
    """Run a function of a tree of arrays on their shapes, of which the number of rows is not known."""
    tensors = [leaf for leaf in leaves(tree) if leaf is not None]

    def program(given: list[Any]) -> Any:
        table = {id(t): s for t, s in zip(tensors, given, strict=True)}
        function(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], tree))
        return ()

    run_on_shapes(k, program, [((None, *t.shape[1:]), dtype_of(k, t)) for t in tensors])


class _Recorder(StatelessScope):
    """A scope that notes which variables are read or written; they read as zeros, and are not drawn."""

    def __init__(self, k: Any) -> None:
        super().__init__(collect_losses=True)
        self.k = k
        self.found: dict[int, Variable] = {}

    def get_current_value(self, variable: Any) -> Any:
        self.found[id(variable)] = variable
        value = super().get_current_value(variable)
        return self.k.zeros(variable.shape, variable.dtype) if value is None else value

    def add_update(self, update: tuple[Any, Any]) -> None:
        self.found[id(update[0])] = update[0]
        super().add_update(update)


def run_on_shapes(k: Any, program: Callable[[list[Any]], Any], specs: list[Any]) -> None:
    """Run a program without numbers; where it leaves `lamina.ops`, the framework itself does.

    Args:
        k: The kernel.
        program: A function of a list of tensors.
        specs: Their shapes, None for a size that is not known, and dtypes.
    """
    try:
        infer(program, specs)
    except (NeedsNumbers, TypeError, AttributeError, NotImplementedError) as error:
        known = [(tuple(STAND_INS[0] if n is None else n for n in shape), dtype) for shape, dtype in specs]
        try:
            with _Recorder(k):
                k.eval_shape(program, known)
        except Exception:  # noqa: BLE001  (the first failure says more than that of the second try)
            raise error from None


def probe(k: Any, step: Callable[[Any], Any], batch: Any) -> tuple[list[Variable], Any]:
    """Run a step once without numbers.

    Args:
        k: The kernel.
        step: The step.
        batch: A batch, for its shapes.

    Returns:
        The variables it touches (also of optimizers and metrics that nobody tracks), and its logs as (shape, dtype).
    """
    tensors = [leaf for leaf in leaves(batch) if leaf is not None]
    recorder = _Recorder(k)
    names: list[Any] = []

    def program(given: list[Any]) -> Any:
        table = {id(t): g for t, g in zip(tensors, given, strict=True)}
        with recorder if k.functional else nullcontext():  # a tape follows the variables themselves
            logs = step(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], batch))
        names[:] = [logs]
        return list(leaves(logs))

    specs = [(tuple(int(n) for n in t.shape), dtype_of(k, t)) for t in tensors]
    shapes = iter(k.eval_shape(program, specs))
    return list(recorder.found.values()), map_leaves(lambda _: next(shapes), names[0])
