"""The backend in force: names, dtypes and numbers that belong to it. `with lamina.backend("torch"):` changes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lamina import backends
from lamina.kernel.context import interpreter
from lamina.kernel.namespaces import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)


@contextmanager
def use(name: str) -> Iterator[Any]:
    """Put a backend in force for the block, in this thread.

    Args:
        name: Its name.

    Raises:
        ValueError: if there is no such backend.
        BackendError: if its framework is not installed.

    Example:
        >>> import lamina
        >>> with lamina.backend("numpy"):
        ...     lamina.backend.backend()
        'numpy'
    """
    with interpreter(backends.load(name)) as kernel:
        yield kernel


class _Callable(type(sys.modules[__name__])):
    """The namespace of Keras's `keras.backend`, which can also be called."""

    def __call__(self, name: str) -> Any:
        return use(name)


# the way that Python's data model has for it ("Customizing module attribute access"); no other module is touched
sys.modules[__name__].__class__ = _Callable
