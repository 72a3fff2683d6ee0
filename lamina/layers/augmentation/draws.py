"""Where the random numbers of image layers come from: the same ones on every backend, from the same seed."""

from __future__ import annotations

import functools
import math
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lamina import ops
from lamina.backends.beside import worker
from lamina.core.sample import seed_of_sample
from lamina.core.seeds import SeedGenerator, draw_seed
from lamina.kernel.context import current, state
from lamina.random import portable

_LEAST = 2.0**-25  # below any draw but 0: for logarithms
_ROUNDS = 8
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
    in the pipeline's framework, the latter because a copied state would give every worker the same images. Inside
    `for_sample` the seed follows from the sample alone.
    """

    def __init__(self, seed: Any) -> None:
        self.generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)
        self.elsewhere: dict[tuple[str, str | None], SeedGenerator] = {}

    def next(self) -> Any:
        """The next seed."""
        if state.scope is None and (seed := seed_of_sample(self, self.generator.seed)) is not None:
            return seed
        process = worker()
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


class Tape:
    """Uniform numbers drawn ahead for several layers: they take theirs from it as if it were a seed."""

    def __init__(self, drawn: Any) -> None:
        self.drawn, self.used = drawn, 0

    def take(self, count: int) -> list[Any]:
        """The next `count` tensors (batch,)."""
        start = self.used
        self.used += count
        return [self.drawn[:, i] for i in range(start, self.used)]


def uniforms(seed: Any, shape: Sequence[Any], stream: int = 0) -> Any:
    """Draws in [0, 1) of one (2,) seed: the same bits whatever the backend.

    Args:
        seed: A seed, integer or SeedGenerator.
        shape: The result's shape; sizes may be unknown.
        stream: Tells apart what is drawn of one seed.

    Returns:
        A float32 tensor.
    """
    k = current()
    drawn = seed if k.is_tensor(seed) else draw_seed(seed)
    sizes = tuple(shape)
    if (k.functional or k.traced_step) and all(type(n) is int for n in sizes):
        return _program(k.name, sizes, stream)(drawn)
    return portable.random_uniform(k, drawn, sizes, "float32", stream)


@functools.lru_cache(maxsize=256)
def _program(name: str, shape: tuple[int, ...], stream: int) -> Any:
    """The draw as one program where each operation would be one: a hundred and fifty of them for a few numbers."""
    k = current()
    return k.jit(lambda seed: portable.random_uniform(k, seed, shape, "float32", stream))


def normals(seed: Any, shape: Sequence[Any], stream: int = 1) -> Any:
    """Standard normal draws, the same on every backend but for the last digit (Box and Muller, 1958)."""
    radius, angle = uniforms(seed, shape, 2 * stream), uniforms(seed, shape, 2 * stream + 1)
    return ops.sqrt(-2.0 * ops.log(radius + _LEAST)) * ops.cos(angle * (2.0 * math.pi))


def gammas(seed: Any, shape: Sequence[Any], alpha: Any, stream: int = 2) -> Any:
    """Logarithms of gamma draws of scale 1: small parameters would give 0 otherwise.

    `log G(a) = log G(a + 1) + log(u) / a`, and G(a + 1) by Marsaglia and Tsang's rejection (2000), all rounds at once:
    each accepts more than 95 in 100.
    """
    shape, d = tuple(shape), alpha + (1.0 - 1.0 / 3.0)
    normal = normals(seed, (_ROUNDS, *shape), stream)
    u = uniforms(seed, (_ROUNDS + 1, *shape), 2 * stream + 20) + _LEAST
    v = ops.power(1.0 + normal / ops.sqrt(9.0 * d), 3)
    positive = ops.maximum(v, _LEAST)
    level = 0.5 * ops.square(normal) + d * (1.0 - positive + ops.log(positive))
    good = ops.logical_and(v > 0, ops.log(u[1:]) < level)
    first = ops.expand_dims(ops.argmax(ops.cast(good, "int32"), 0), 0)
    chosen = ops.take_along_axis(positive, first, 0)[0]
    return ops.log(d * chosen) + ops.log(u[0]) / alpha


def beta(seed: Any, shape: Sequence[Any], alpha: Any) -> Any:
    """Draws of a beta distribution (alpha, alpha) in [0, 1], float32.

    Args:
        seed: A seed, integer or SeedGenerator.
        shape: The result's shape.
        alpha: A tensor that broadcasts with the shape, above 0.
    """
    logs = gammas(seed, (2, *shape), alpha)
    return 1.0 / (1.0 + ops.exp(ops.clip(logs[1] - logs[0], -80.0, 80.0)))
