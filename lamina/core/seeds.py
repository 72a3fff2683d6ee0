"""Random state: one seed for the process, host draws for initial weights, SeedGenerators for layers."""

from __future__ import annotations

import random as python_random
import threading
from itertools import count
from typing import Any

import numpy as np

from lamina.backends.beside import seed_all
from lamina.core import names
from lamina.core.variable import Variable
from lamina.errors import NoValue
from lamina.kernel.context import _activate, state
from lamina.kernel.namespaces import public_in

_global: SeedGenerator | None = None


@public_in("lamina.utils")
def set_random_seed(seed: int) -> None:
    """Make everything that draws numbers repeatable: Lamina, Python, NumPy, and the frameworks that are imported.

    Args:
        seed: An integer in [0, 2**32).

    Raises:
        ValueError: for anything else.

    Example:
        >>> import lamina
        >>> lamina.utils.set_random_seed(1)
    """
    global _global
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must be an integer from 0 to 2**32 - 1, got {seed!r}.")
    python_random.seed(seed)
    seed_all(seed)
    _global = None


def make_seed() -> int:
    """A new seed, drawn by Python's `random`: repeatable after `set_random_seed`, and after `random.seed`."""
    return python_random.randrange(2**31)


def host_generator(*key: int) -> np.random.Generator:
    """A counter-based NumPy generator: the same key gives the same numbers on every machine and backend."""
    return np.random.Generator(np.random.Philox(key=np.random.SeedSequence(key).generate_state(2, np.uint64)))


@public_in("lamina.random")
class SeedGenerator:
    """A stream of seeds for stateless draws; its state is a Variable, so compiled steps carry it along.

    Args:
        seed: Where the stream begins; None takes one from the process's source.
        name: A name.

    Example:
        >>> import lamina
        >>> seeds = lamina.random.SeedGenerator(1)
        >>> a = lamina.random.normal((3,), seed=seeds)
    """

    _tracked_as = "seeds"

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        custom_backend = kwargs.pop("backend", None)
        if kwargs or custom_backend is not None:
            raise TypeError(f"SeedGenerator got unknown arguments: {', '.join(kwargs) or 'backend'}.")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            raise ValueError(f"`seed` must be an integer or None, got {seed!r}.")
        self.name = name or names.unique("seed_generator")
        self.seed = make_seed() if seed is None else seed
        self._initial = seed
        with names.name_scope(self.name):  # two of them in a model have two paths
            self.state = Variable(
                np.array([self.seed & 0xFFFFFFFF, 0], "uint32"), trainable=False, name="seed_generator_state"
            )

    def next(self, ordered: bool = True) -> Any:
        """The next seed: a (2,) uint32 tensor."""
        k = state.kernel or _activate()
        seed = self.state.value
        if not k.abstract:
            seed = seed if k.functional else k.copy(seed)  # where assigning changes the tensor itself
            self.state.assign(k.add(seed, _one(k)))
        return seed

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self._initial}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator from `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<SeedGenerator seed={self.seed}>"


def _one(k: Any) -> Any:
    return k.asarray(np.array([0, 1], "uint32"))


def global_generator() -> SeedGenerator:
    """The stream that draws with no seed of their own take from."""
    global _global
    if _global is None:
        _global = SeedGenerator(name="global_seed_generator")
    return _global


def draw_seed(seed: Any) -> Any:
    """A (2,) uint32 tensor from a SeedGenerator, an integer, or None (the global stream)."""
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if seed is None:
        try:
            return (_inner.generator or global_generator()).next()
        except NoValue as error:  # its state cannot keep what stands for numbers in a trace
            raise NoValue(
                "A draw without a seed in a function that is traced would give the same numbers at each call. Give it `seed=`, "
                "a SeedGenerator that a layer or the program keeps, or trace with `lamina.jit`, which carries its state."
            ) from error
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        k = state.kernel or _activate()
        return k.asarray(np.array([int(seed) & 0xFFFFFFFF, 0], "uint32"))
    key = _key_of(seed)
    if key is not None:
        return key
    raise ValueError(
        f"`seed` must be an integer, a SeedGenerator, a key of two integers (jax.random.key) or None, got {seed!r}."
    )


def _key_of(seed: Any) -> Any:
    """The (2,) uint32 tensor in an array of that kind, or in a typed key of jax; None for anything else."""
    k = state.kernel or _activate()
    if not hasattr(seed, "dtype") or not hasattr(seed, "shape"):
        return None
    words = seed
    if str(seed.dtype).startswith("key<"):  # a typed key of jax; one that is traced does not show its words
        words = getattr(seed, "_base_array", None)
        words = k.bitcast(seed, "uint32") if words is None else words
    if tuple(words.shape) != (2,) or "uint32" not in str(words.dtype):
        return None
    return words if isinstance(words, k.Tensor) else k.asarray(np.asarray(words))


class Stream:
    """Random numbers for the steps of one model that draw with no seed of their own.

    It is split from the process's stream when first needed, and again after `set_random_seed`. So a program that takes
    over the memory of its state, or fails with it, has only what is the model's, and two models that are trained in
    two threads draw from two streams. Predictions have a part of their own, so that they change no training.
    """

    def __init__(self) -> None:
        self.steps = SeedGenerator(0, name="step_seed_generator")
        self.predictions = SeedGenerator(0, name="prediction_seed_generator")
        self._origin: SeedGenerator | None = None
        self._first_key, self._keys, self._splitting = 0, count(), threading.Lock()

    def split(self, *, anew: bool = False) -> None:
        """Make the stream ready: `anew` also where it was split from the process's present one before."""
        origin = global_generator()
        if self._origin is origin and not anew:
            return
        with self._splitting:  # of several threads one
            if self._origin is origin and not anew:
                return
            k = state.kernel or _activate()
            self._split(*np.asarray(k.to_numpy(origin.next())).tolist())
            self._origin = origin

    def _split(self, seed: int, place: int) -> None:
        # not the pair itself: the process's stream goes on right behind it
        first, self._first_key = np.random.SeedSequence((seed, place)).generate_state(2).tolist()
        self._keys = count()
        for generator, start in ((self.steps, first), (self.predictions, self._first_key)):
            generator.state.assign(np.array([start, 0], "uint32"))

    def key(self) -> np.ndarray:
        """Where a prediction begins to draw whose program changes no state; any thread may ask."""
        return np.array([(self._first_key + next(self._keys)) % 2**32, 0], "uint32")


class _Inner(threading.local):
    def __init__(self) -> None:
        self.generator: SeedGenerator | None = None  # that of the step that runs in this thread


_inner = _Inner()


class drawing_from:  # noqa: N801 - used as a function; a generator would cost each prediction a microsecond
    """Let draws with no seed of their own take from a generator, in this thread and during the block."""

    __slots__ = ("before", "generator")

    def __init__(self, generator: SeedGenerator) -> None:
        self.generator = generator

    def __enter__(self) -> None:
        self.before, _inner.generator = _inner.generator, self.generator

    def __exit__(self, *_: object) -> None:
        _inner.generator = self.before


# -- random state of the process ---------------------------------------------------------------------------------------


def random_state() -> dict[str, Any]:
    """Where the generators of Python (which gives Lamina its seeds) and NumPy stand."""
    name, keys, place, has_gauss, cached = np.random.get_state()
    return {
        "python": _listed(python_random.getstate()),
        "numpy": [name, np.asarray(keys).tolist(), place, has_gauss, cached],
    }


def set_random_state(kept: dict[str, Any]) -> None:
    """Put the process's generators where they stood: those that `kept` names."""
    if "python" in kept:
        python_random.setstate(_tupled(kept["python"]))
    if "numpy" in kept:
        name, keys, *rest = kept["numpy"]
        np.random.set_state((name, np.array(keys, np.uint32), *rest))


def _listed(state: tuple) -> list[Any]:
    return [state[0], list(state[1]), state[2]]


def _tupled(state: list[Any]) -> tuple:
    return (state[0], tuple(state[1]), state[2])
