"""Which interpreter a layer needs that is called inside a data pipeline, whatever is in force in the process."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from lamina import backends


def wanted(values: Iterable[Any]) -> Any:
    """The interpreter for these inputs, or None where the one in force will do.

    Two places cannot use the one in force: a function that `tf.data` (or `tf.function`) traces, whose tensors have no
    numbers yet; and a worker process of a data loader, where NumPy does without importing or forking a framework.

    Args:
        values: The tensors and arrays that go in.

    Returns:
        A backend's module, or None.
    """
    tensors = [x for x in values if hasattr(x, "shape")]
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and not getattr(tensorflow, "executing_eagerly", bool)():
        if any(tensorflow.is_tensor(x) for x in tensors):
            return backends.load("tensorflow")
    if tensors and worker() is not None and all(isinstance(x, np.ndarray | np.generic) for x in tensors):
        return backends.load("numpy")
    return None


def worker() -> str | None:
    """The name of this process if it is a worker of a data loader or pool; None in a program's own process.

    Loaders start their workers as daemons, so that they end with the program; processes that train are none.
    """
    process = multiprocessing.current_process()
    return process.name if process.daemon and multiprocessing.parent_process() is not None else None
