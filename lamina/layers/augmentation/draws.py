"""Where the random numbers of image layers come from: the same ones on every backend, from the same seed."""

from __future__ import annotations

import functools
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lamina.backends import pipelines
from lamina.core.seeds import SeedGenerator, draw_seed
from lamina.kernel.context import current, state
from lamina.random import portable

_call = threading.local()


@contextmanager
def apart() -> Iterator[None]:
    """A block in which the interpreter in force was chosen for one call alone."""
    before = getattr(_call, "apart", False)
    _call.apart = True
    try:
        yield
    finally:
        _call.apart = before


class Stream:
    """The seeds of one layer.

    The state of `generator` belongs to the layer's variables, so that compiled steps carry it along. A function that a
    data pipeline traces, and a worker process, draw from a stream of their own: the former because its state must live
    in the pipeline's framework, the latter because a copied state would give every worker the same images.
    """

    def __init__(self, seed: int | None) -> None:
        self.generator = SeedGenerator(seed)
        self.elsewhere: dict[tuple[str, str | None], SeedGenerator] = {}

    def next(self) -> Any:
        """The next seed."""
        process = pipelines.worker()
        if state.scope is not None or (process is None and not getattr(_call, "apart", False)):
            return self.generator.next()
        key = (current().name, process)
        if key not in self.elsewhere:
            mixed = self.generator.seed ^ zlib.crc32(process.encode()) if process else self.generator.seed
            self.elsewhere[key] = SeedGenerator(mixed & 0x7FFFFFFF)
        return self.elsewhere[key].next()

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to this process."""
        return {"generator": self.generator, "elsewhere": {}}

    def __setstate__(self, given: dict[str, Any]) -> None:
        self.__dict__.update(given)


def uniforms(seed: Any, shape: Sequence[Any]) -> Any:
    """Draws in [0, 1) of one (2,) seed: the same bits whatever the backend.

    Args:
        seed: A seed, integer or SeedGenerator.
        shape: The result's shape; sizes may be unknown.

    Returns:
        A float32 tensor.
    """
    k = current()
    drawn = seed if k.is_tensor(seed) else draw_seed(seed)
    sizes = tuple(shape)
    if k.functional and all(type(n) is int for n in sizes):
        return _program(k.name, sizes)(drawn)
    return portable.random_uniform(k, drawn, sizes, "float32")


@functools.lru_cache(maxsize=256)
def _program(name: str, shape: tuple[int, ...]) -> Any:
    """The draw as one program where each operation would be one: a hundred and fifty of them for a few numbers."""
    k = current()
    return k.jit(lambda seed: portable.random_uniform(k, seed, shape, "float32"))
