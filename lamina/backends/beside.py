"""Work beside the model: whose data pipeline, or which worker process, a call comes from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from lamina.backends import load
from lamina.kernel.context import state
from lamina.kernel.trees import leaves


def kernel_beside(structure: Any) -> Any:
    """The interpreter for a call that is no part of the model's own program; None where the one in force is right.

    A graph's tensor belongs to the framework whose pipeline traces it. In a worker process (they are daemons, in every
    loader) NumPy does the work: importing a framework there, or using one that was forked, would cost more, or hang.
    """
    inputs = list(leaves(structure))
    if any(is_of_a_graph(x) for x in inputs):
        found = load("tensorflow")
        return None if state.kernel is found else found
    if worker() is not None:
        k = state.kernel
        if k is None or (
            k.name != "numpy" and not k.abstract and not any(isinstance(x, k.Tensor) for x in inputs)
        ):
            return on_host()
    return None


def on_host() -> Any:
    """The interpreter for work on the host, which needs no framework."""
    return load("numpy")


def is_of_a_graph(x: Any) -> bool:
    """Whether x is a tensor of a TensorFlow graph (also one of strings, or ragged): there is no framework to ask else."""
    module = type(x).__module__
    return module.startswith("tensorflow.") and not hasattr(x, "numpy") and hasattr(x, "dtype")


def worker() -> str | None:
    """The name of this process if it is a worker of a data loader or pool; None in a program's own process.

    Loaders start their workers as daemons, so that they end with the program; processes that train are none.
    """
    processes = sys.modules.get("multiprocessing.process")
    if processes is None or processes.parent_process() is None:
        return None
    process = processes.current_process()
    return process.name if process.daemon else None


def has_scopes() -> bool:
    """Whether the program has imported a framework in whose scopes models are made: `tf.distribute`'s."""
    return "tensorflow" in sys.modules


def seed_imported(value: int) -> None:
    """Seed the generators of the frameworks that the program has imported, also of those that are not in force."""
    torch, tensorflow = sys.modules.get("torch"), sys.modules.get("tensorflow")
    for seed in (
        getattr(torch, "manual_seed", None),
        getattr(getattr(tensorflow, "random", None), "set_seed", None),
    ):
        if seed is not None:  # a module that is being imported has none yet
            seed(value)


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
    if k.name != "tensorflow":
        raise NotImplementedError(
            f"The backend {k.name!r} cannot call Python from inside a compiled program."
        )
    return import_module("lamina.backends.tensorflow.host").call(function, inputs, dtype, shape)


def ragged(k: Any, flat: Any, lengths: Any) -> Any:
    """Rows of different lengths in the backend's own kind of tensor; a list of arrays where it has none."""
    if k.name == "tensorflow":
        return import_module("lamina.backends.tensorflow.host").ragged(flat, lengths)
    ends = lengths.cumsum()
    return [flat[end - n : end] for end, n in zip(ends.tolist(), lengths.tolist(), strict=True)]
