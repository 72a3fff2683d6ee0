"""Work beside the model: whose data pipeline, or which worker process, a call comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from lamina.backends import KNOWN, load, loaded
from lamina.kernel.context import state
from lamina.kernel.trees import leaves


def kernel_beside(structure: Any) -> Any:
    """The interpreter for a call that is no part of the model's own program; None where the one in force is right.

    A graph's tensor belongs to the framework whose pipeline traces it. In a worker process (they are daemons, in every
    loader) NumPy does the work: importing a framework there, or using one that was forked, would cost more, or hang.
    """
    inputs = list(leaves(structure))
    for x in inputs:
        if is_of_a_graph(x):
            found = backend_of(x)
            return None if state.kernel is found else found
    if worker() is not None:
        k = state.kernel
        if k is None or (
            k is not on_host() and not k.abstract and not any(isinstance(x, k.Tensor) for x in inputs)
        ):
            return on_host()
    return None


def on_host() -> Any:
    """The interpreter for work on the host, which needs no framework."""
    return load("numpy")


def backend_of(x: Any) -> Any:
    """The interpreter of the backend whose framework made x; None for what no backend's framework has made."""
    name = _framework(x)
    return load(name) if name in KNOWN else None


def _framework(x: Any) -> str:
    return type(x).__module__.partition(".")[0]


def is_of_a_graph(x: Any) -> bool:
    """Whether x is a tensor of a graph (also one of strings, or ragged), while a pipeline traces what it calls."""
    known = KNOWN.get(_framework(x))
    return known is not None and known.pipelines and not hasattr(x, "numpy") and hasattr(x, "dtype")


def worker() -> str | None:
    """The name of this process if it is a worker of a data loader or pool; None in a program's own process.

    Loaders start their workers as daemons, so that they end with the program; processes that train are none.
    """
    processes = sys.modules.get("multiprocessing.process")
    if processes is None or processes.parent_process() is None:
        return None
    process = processes.current_process()
    return process.name if process.daemon else None


def seed_all(value: int) -> None:
    """Seed each generator of the process once: of the backends in use, of frameworks that are merely imported, of NumPy.

    An interpreter of somebody's own that is in force is asked too; the functions that it borrows have been called.
    """
    ways = [load(name).seed for name in loaded()]
    if state.kernel is not None and state.kernel.seed not in ways:
        ways.append(state.kernel.seed)
    for name, known in KNOWN.items():
        if name not in loaded() and known.seed and (seed := _found(name, known.seed)) is not None:
            ways.append(seed)
    for seed in ways:
        seed(value)


def _found(module: str, path: str) -> Any:
    """A function of a module that is imported; None if it is not, or only in part so far."""
    found: Any = sys.modules.get(module)
    for name in path.split("."):
        found = getattr(found, name, None)
    return found


def has_scopes() -> bool:
    """Whether the program has imported a framework in whose scopes models are made."""
    return any(known.scopes and name in sys.modules for name, known in KNOWN.items())


def host_call(
    k: Any, function: Callable[..., Any], inputs: Sequence[Any], dtype: str, shape: Sequence[int | None]
) -> Any:
    """The tensor that `function` makes of the NumPy arrays in `inputs`, from inside a program that is being traced.

    Args:
        k: The kernel of the inputs.
        function: Arrays to one array; strings come as arrays of `bytes`.
        inputs: Tensors.
        dtype: The result's dtype.
        shape: What is known of the result's shape.

    Raises:
        NotImplementedError: if the backend has no such call.
    """
    if not k.host.offered():
        raise NotImplementedError(
            f"The backend {k.name!r} cannot call Python from inside a compiled program."
        )
    return k.host.call(function, inputs, dtype, shape)
