"""Compiled functions that read the state of a model: predictions, and the results of metrics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from lamina.core.seeds import Stream, drawing_from
from lamina.core.stateless import run_pure
from lamina.core.storage import OnDevice, take_back
from lamina.core.variable import Variable
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.run import spread


class Reader:
    """A function that reads state, compiled: forward passes, metric results.

    What a forward pass assigns (the seeds of draws, the state of a recurrent layer, a counter) is kept. Only models
    that assign something pay for it: their predictions come one after the other, others run side by side.

    Args:
        k: The kernel.
        function: The function.
        variables: All variables that it may read or assign.
        compiled: Whether to compile.
        lock: Held while the values are read, not while the program runs, and while one is compiled.
        stream: Where draws with no seed of their own come from.
    """

    def __init__(
        self,
        k: Any,
        function: Callable[..., Any],
        variables: list[Variable],
        compiled: bool = True,
        lock: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.k, self.function, self.variables, self.stream = k, function, variables, stream
        self._lock = lock or nullcontext()
        # kinds of arguments that there is a program for -> the variables that it assigns
        self._known: dict[Any, list[Variable]] = {}
        self._assigned: list[Variable] = []  # of the program that was traced last
        self._program: Any = None
        if compiled and k.functional:
            self._program = k.jit(self._pure, forward=True)
        elif compiled and k.traced_step:
            self._program = k.jit(self._run, forward=True)

    def _run(self, *args: Any) -> Any:
        function = spread.taking_part(self.function)
        if self.stream is None:
            return function(*args)
        with drawing_from(self.stream.predictions):
            return function(*args)

    def _pure(self, values: list[Any], key: Any, args: tuple) -> tuple[Any, list[Any]]:
        draws = [] if self.stream is None else [self.stream.predictions.state]
        variables = [*self.variables, *draws]
        out, updated, scope = run_pure(self._run, variables, [*values, *([key] if draws else [])], args)
        written = [
            (v, new) for v, new in zip(self.variables, updated, strict=False) if id(v) in scope.written
        ]
        self._assigned = [v for v, _ in written]
        return spread.results(self.k, out), spread.as_laid_out(
            self.k, self._assigned, [new for _, new in written]
        )

    def __call__(self, *args: Any) -> Any:
        """The result for tensors or NumPy arrays; any thread may call."""
        if self.stream is not None:
            self.stream.split()
        args = spread.batch(self.k, args)
        if self._program is None:
            return self._run(*to_device(self.k, args))
        kinds = tuple([_kind(leaf) for leaf in leaves(args)])
        if not self.k.functional:
            return self._in_place(kinds, args)
        if self._known.get(kinds) == []:  # nothing to keep, so nobody waits
            return self._program(*self._taken(args))[0]
        with self._lock:  # of several threads one compiles; and nobody reads what is about to be assigned
            out, new = self._program(*self._taken(args))
            assigned = self._known.setdefault(kinds, self._assigned)
            for v, value in zip(assigned, new, strict=True):
                v._put(OnDevice(self.k, value, v._stored.placement))
        return out

    def _in_place(self, kinds: tuple, args: tuple) -> Any:
        """Where variables change as the program runs."""
        if kinds in self._known:
            return self._program(*args)
        with self._lock:
            result = self._program(*args)
        self._known[kinds] = []
        return result

    def _taken(self, args: tuple) -> tuple:
        """The arguments of a pure program: the values that the variables have now."""
        with self._lock:
            take_back(self.variables)
            values = [v.value for v in self.variables]
        return values, None if self.stream is None else self.stream.key(), args


def _kind(leaf: Any) -> Any:
    return getattr(leaf, "shape", None), getattr(leaf, "dtype", type(leaf))


def to_device(k: Any, tree: Any) -> Any:
    """A batch as tensors of the kernel, for a step that runs as it is; a program takes arrays, and faster."""
    return map_leaves(lambda x: x if x is None or isinstance(x, k.Tensor) else k.put(x), tree)
