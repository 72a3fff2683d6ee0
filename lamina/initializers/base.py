"""Initializer: what the first value of a weight is, drawn on the host."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np

from lamina.core.codec import deserialize
from lamina.core.config import Configurable
from lamina.core.seeds import SeedGenerator, host_generator, make_seed
from lamina.kernel import dtypes
from lamina.kernel.context import current

Plan = Callable[[], np.ndarray]


def host_dtype(dtype: str) -> np.dtype:
    """The NumPy dtype of that name; the narrow floats come from ml_dtypes."""
    if dtype in ("bfloat16", *dtypes.FLOAT8):
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, dtype))
    return np.dtype(dtype)


def width(dtype: str) -> Any:
    """The dtype that numbers are drawn in."""
    if dtype not in dtypes.IS_FLOAT:
        raise ValueError(f"Random initializers draw floats, not {dtype}: use Zeros, Ones or Constant there.")
    return np.float64 if dtype == "float64" else np.float32


BLOCK = 2**20


def in_blocks(
    generator: Any, shape: tuple[int, ...], dtype: str, fill: Callable[[Any, np.ndarray], None]
) -> np.ndarray:
    """An array that `fill(generator, part)` has drawn; a large one in blocks that have their own place in the stream,
    so that threads may draw them side by side."""
    out = np.empty(math.prod(shape), width(dtype))
    starts = range(0, out.size, BLOCK)

    def draw(start: int) -> None:
        # each jump is 2**128 numbers: no two blocks overlap
        fill(np.random.Generator(generator.bit_generator.jumped(start // BLOCK)), out[start : start + BLOCK])

    if len(starts) > 1:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            list(pool.map(draw, starts))
    else:
        fill(generator, out)
    return out.reshape(shape).astype(host_dtype(dtype), copy=False)


class Initializer(Configurable):
    """What the first value of a weight is.

    A subclass of your own defines `__call__(shape, dtype=None)`. The built-in ones define `draw`, which makes a NumPy
    array, so that a weight begins with the same numbers on every backend.

    Example:
        >>> import lamina
        >>> class Halves(lamina.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None, **kwargs):
        ...         return lamina.ops.full(shape, 0.5, dtype=dtype)
        >>> Halves()((2,)).tolist()
        [0.5, 0.5]
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of this shape.

        Args:
            shape: The sizes.
            dtype: A dtype name; None is the default float.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(shape, dtype=None)`.")

    def clone(self) -> Self:
        """An equal initializer."""
        return self.from_config(self.get_config())


class HostInitializer(Initializer):
    """An initializer that makes NumPy arrays."""

    def draw(self, shape: tuple[int, ...], dtype: str, generator: Any) -> np.ndarray:
        """The array; `generator` is a NumPy Generator for those that draw."""
        raise NotImplementedError

    def plan(self, shape: Sequence[int], dtype: Any = None) -> Plan:
        """A function without arguments that makes the array, to be called when the weight is first read."""
        shape, dtype = tuple(shape), dtypes.standardize(dtype)
        self.check(shape, dtype)
        return lambda: self.draw(shape, dtype, None)

    def check(self, shape: tuple[int, ...], dtype: str) -> None:
        """Raise if no weight of this shape and dtype can be made."""

    def __call__(self, shape: Sequence[int], dtype: Any = None, **kwargs: Any) -> Any:
        """A tensor of this shape.

        Args:
            shape: The sizes.
            dtype: A dtype name; None is the default float.
        """
        if set(kwargs) - {"layout"} or kwargs.get("layout") is not None:
            raise TypeError(f"{type(self).__name__} takes `shape` and `dtype`, got also {', '.join(kwargs)}.")
        return current().asarray(self.plan(shape, dtype)())


class RandomInitializer(HostInitializer):
    """An initializer that draws: with an integer seed the same numbers at every call."""

    def __init__(self, seed: Any = None) -> None:
        if seed is not None and (not isinstance(seed, int | SeedGenerator | dict) or isinstance(seed, bool)):
            raise ValueError(f"`seed` must be an integer, a SeedGenerator or None, got {seed!r}.")
        if isinstance(seed, dict):
            seed = deserialize(seed)
        self.seed = seed
        self._stream = make_seed() if seed is None else seed
        self._plans = 0

    def plan(self, shape: Sequence[int], dtype: Any = None) -> Plan:
        """A function without arguments that makes the array, to be called when the weight is first read."""
        shape, dtype = tuple(shape), dtypes.standardize(dtype)
        self.check(shape, dtype)
        key = self._key()
        return lambda: self.draw(shape, dtype, host_generator(*key))

    def _key(self) -> tuple[int, ...]:
        if isinstance(self._stream, SeedGenerator):
            k = current()
            return tuple(int(n) for n in k.to_numpy(self._stream.next()))
        if self.seed is not None:
            return (self._stream & 0xFFFFFFFFFFFFFFFF,)
        self._plans += 1
        return (self._stream, self._plans)
