"""Compiled functions that only read the state of a model: predictions, and the results of metrics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from lamina.core.seeds import Stream, drawing_from
from lamina.core.stateless import run_pure
from lamina.core.storage import take_back
from lamina.core.variable import Variable
from lamina.kernel.trees import leaves, map_leaves


class Reader:
    """A function that only reads state, compiled: forward passes, metric results.

    Args:
        k: The kernel.
        function: The function.
        variables: All variables that it may read; what it assigns to them is not kept.
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
        self._known: set[Any] = set()  # kinds of arguments that there is a program for
        self._program: Any = None
        if compiled and k.functional:
            self._program = k.jit(self._pure, forward=True)
        elif compiled and k.traced_step:
            self._program = k.jit(self._run, forward=True)

    def _run(self, *args: Any) -> Any:
        if self.stream is None:
            return self.function(*args)
        with drawing_from(self.stream.predictions):
            return self.function(*args)

    def _pure(self, values: list[Any], key: Any, args: tuple) -> Any:
        draws = [] if self.stream is None else [self.stream.predictions.state]
        return run_pure(self._run, [*self.variables, *draws], [*values, *([key] if draws else [])], args)[0]

    def __call__(self, *args: Any) -> Any:
        """The result for tensors or NumPy arrays; any thread may call."""
        if self.stream is not None:
            self.stream.split()
        if self._program is None:
            return self._run(*to_device(self.k, args))
        kinds = tuple([_kind(leaf) for leaf in leaves(args)])
        if kinds in self._known:
            return self._program(*self._taken(args))
        with self._lock:  # of several threads one compiles
            result = self._program(*self._taken(args))
        self._known.add(kinds)
        return result

    def _taken(self, args: tuple) -> tuple:
        """The arguments of the program: where state flows, the values that the variables have now."""
        if not self.k.functional:
            return args
        with self._lock:
            take_back(self.variables)
            values = [v.value for v in self.variables]
        return values, None if self.stream is None else self.stream.key(), args


def _kind(leaf: Any) -> Any:
    return getattr(leaf, "shape", None), getattr(leaf, "dtype", type(leaf))


def to_device(k: Any, tree: Any) -> Any:
    """A batch as tensors of the kernel, for a step that runs as it is; a program takes arrays, and faster."""
    return map_leaves(lambda x: x if x is None or isinstance(x, k.Tensor) else k.put(x), tree)
