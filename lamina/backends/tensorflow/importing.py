"""TensorFlow without what it loads ahead of use: Keras, with all that Keras imports, and JAX.

Where they are installed, `import tensorflow` loads both, and goes on where that fails. Training with Lamina needs
neither. `tf.keras` loads Keras when it is first used, as ever; only TFLite's deprecated `experimental_from_jax` finds
no JAX, unless TensorFlow was imported before Lamina's backend.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import get_ident
from types import ModuleType

_AHEAD = ("keras", "jax")


class _Later(MetaPathFinder, Loader):
    """Finds the packages, for TensorFlow asks where they lie, but does not load them for the thread that made it."""

    def __init__(self) -> None:
        self.thread = get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _AHEAD or get_ident() != self.thread:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        raise ImportError(f"{module.__name__} is not loaded together with TensorFlow.", name=module.__name__)


@contextmanager
def without_the_rest() -> Iterator[None]:
    """While TensorFlow is imported."""
    finder = _Later()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
