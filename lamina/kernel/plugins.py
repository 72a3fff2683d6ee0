"""What lies above the kernel and is found by its name, at first use: the backends, draws with their
seeds, and the layer around a module of torch.

The kernel would have to import them to call them, and they import the kernel. These are the only three.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def default_backend() -> Any:
    """The interpreter that a program gets which names none."""
    backends = import_module("lamina.backends")
    return backends.load(backends.default_name())


def random() -> Any:
    """`lamina.random`, whose draws know seed generators: for an op that draws."""
    return import_module("lamina.random")


def module_layer(module: Any) -> Any:
    """The layer around a framework's own module, for a backend that finds one in an attribute."""
    return import_module("lamina.layers.bridges").TorchModuleWrapper(module)
