"""Whether programs are tuned for the CPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax

from lamina.backends.jax.cpu.internals import HAS_PRIMITIVES
from lamina.kernel.context import distribution_in_force

_on = os.environ.get("LAMINA_JAX_TUNING", "1").lower() not in ("0", "off", "false", "no")


def on() -> bool:
    """Whether what is traced now is tuned: compiled for the CPU, not switched off, and not spread over devices.

    XLA divides plain forms well. Of ours it would bring parts of the batch together to lay them out anew.
    """
    return _on and HAS_PRIMITIVES and jax.default_backend() == "cpu" and distribution_in_force() is None


def switch(flag: bool) -> bool:
    """Tune what is traced from here on, or leave it as JAX has it; programs that exist stay as they are.

    Returns:
        Whether it was on before.
    """
    global _on
    before, _on = _on, bool(flag)
    return before


class _Traced(threading.local):
    def __init__(self) -> None:
        self.forward = False


_traced = _Traced()


def forward_only() -> bool:
    """Whether what is traced now is a forward pass that is neither differentiated nor inside a loop.

    There XLA's own convolution is the faster one: it is made in one piece with the bias, the activation and the pooling
    behind it (a prediction of the benchmarks' convnet: 0.45 of the time). Its gradient is slow, and so is a loop of it.
    """
    return _traced.forward


@contextmanager
def tracing(forward: bool) -> Iterator[None]:
    """Say of what is traced in the block whether it is such a forward pass."""
    before, _traced.forward = _traced.forward, forward
    try:
        yield
    finally:
        _traced.forward = before


def inside(f: Callable) -> Callable:
    """`f` as the body of a loop, or to be differentiated: no forward pass alone."""
    if not _traced.forward:
        return f

    def body(*args: Any) -> Any:
        with tracing(False):
            return f(*args)

    return body
