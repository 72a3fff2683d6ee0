"""Initializer: what the first value of a weight is, drawn on the host."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

import numpy as np

from lamina.core.codec import deserialize
from lamina.core.config import Configurable
from lamina.core.seeds import SeedGenerator, host_generator, make_seed
from lamina.kernel import dtypes
from lamina.kernel.context import current


class Plan:
    """An array that is not drawn yet: a call draws it, an index of slices a part of it, of the same numbers."""

    def __init__(
        self, initializer: HostInitializer, shape: tuple[int, ...], dtype: str, key: Any = None
    ) -> None:
        self.initializer, self.shape, self.dtype, self.key = initializer, shape, host_dtype(dtype), key
        self._name = dtype

    def _generator(self) -> Any:
        return None if self.key is None else host_generator(*self.key)

    def __call__(self) -> np.ndarray:
        return self.initializer.draw(self.shape, self._name, self._generator())

    def __getitem__(self, index: tuple[slice, ...]) -> np.ndarray:
        full = (*index, *[slice(None)] * (len(self.shape) - len(index)))
        bounds = tuple([slice(*s.indices(n)) for s, n in zip(full, self.shape, strict=True)])
        if all(s.stop - s.start == n for s, n in zip(bounds, self.shape, strict=True)):
            return self()
        return self.initializer.draw_part(self.shape, self._name, self._generator(), bounds)


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
    so that threads may draw them side by side, and who needs a part alone leaves the others out."""
    if isinstance(generator, Part):
        return _part_of_blocks(generator, shape, dtype, fill)
    out = np.empty(math.prod(shape), width(dtype))
    starts = range(0, out.size, BLOCK)

    def draw(start: int) -> None:
        fill(_of_block(generator, start // BLOCK), out[start : start + BLOCK])

    if len(starts) > 1:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            list(pool.map(draw, starts))
    else:
        fill(generator, out)
    return out.reshape(shape).astype(host_dtype(dtype), copy=False)


def _of_block(generator: Any, number: int) -> Any:
    return np.random.Generator(
        generator.bit_generator.jumped(number)
    )  # each jump is 2**128 numbers: no two blocks overlap


def sizes(bounds: tuple[slice, ...]) -> tuple[int, ...]:
    """The shape of what lies within bounds."""
    return tuple([s.stop - s.start for s in bounds])


class Part(NamedTuple):
    """In place of a generator: only the entries at `bounds` are wanted."""

    generator: Any
    bounds: tuple[slice, ...]


def _part_of_blocks(
    part: Part, shape: tuple[int, ...], dtype: str, fill: Callable[[Any, np.ndarray], None]
) -> np.ndarray:
    """The entries at some bounds of what `in_blocks` draws; one block at a time is held beside them."""
    size, inner = math.prod(shape), math.prod(shape[1:])
    out = np.empty(sizes(part.bounds), width(dtype))
    first, last = part.bounds[0].start * inner, part.bounds[0].stop * inner
    for number in range(first // BLOCK, -(-last // BLOCK)):
        start = number * BLOCK
        block = np.empty(min(BLOCK, size - start), out.dtype)
        fill(part.generator if size <= BLOCK else _of_block(part.generator, number), block)
        low, high = max(first, start), min(last, start + block.size)
        places = np.unravel_index(np.arange(low, high), shape)
        kept = np.ones(high - low, bool)
        for place, bound in zip(places, part.bounds, strict=True):
            kept &= (place >= bound.start) & (place < bound.stop)
        target = tuple([p[kept] - bound.start for p, bound in zip(places, part.bounds, strict=True)])
        out[target] = block[low - start : high - start][kept]
    return out.astype(host_dtype(dtype), copy=False)


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

    def draw_part(
        self, shape: tuple[int, ...], dtype: str, generator: Any, bounds: tuple[slice, ...]
    ) -> np.ndarray:
        """A part of the array that `draw` gives; where entries depend on each other, all are drawn for it."""
        owner = next(c for c in type(self).__mro__ if "draw" in c.__dict__)
        if owner.__dict__.get("_by_entry", False):
            return self.draw(shape, dtype, Part(generator, bounds))
        return self.draw(shape, dtype, generator)[bounds]

    _by_entry = False  # whether `draw` is `in_blocks` and nothing that looks at several entries

    def plan(self, shape: Sequence[int], dtype: Any = None) -> Plan:
        """The array to come: whoever first reads the weight calls it, or takes a part of it by slices."""
        shape, dtype = tuple(shape), dtypes.standardize(dtype)
        self.check(shape, dtype)
        return Plan(self, shape, dtype)

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
        """The array to come: whoever first reads the weight calls it, or takes a part of it by slices."""
        shape, dtype = tuple(shape), dtypes.standardize(dtype)
        self.check(shape, dtype)
        return Plan(self, shape, dtype, self._key())

    def _key(self) -> tuple[int, ...]:
        if isinstance(self._stream, SeedGenerator):
            k = current()
            return tuple(int(n) for n in k.to_numpy(self._stream.next()))
        if self.seed is not None:
            return (self._stream & 0xFFFFFFFFFFFFFFFF,)
        self._plans += 1
        return (self._stream, self._plans)
