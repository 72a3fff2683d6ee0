"""What Lamina uses of jax beyond its public interface: all of it here, each with its plain way where it is missing.

| name | used for | seen in | where it is missing |
|---|---|---|---|
| `jax.extend.core.Primitive`, `jax.core.ShapedArray`, `jax.interpreters.ad`, `batching`, `mlir` | linear maps with derivative rules of their own (products.py) | jax 0.6 and 0.10 | jax's own forms everywhere: `cpu.on()` is false |
| `jax.extend.random.define_prng_impl`, `threefry_prng_impl` | random bits in one pass (bits.py) | jax 0.6 and 0.10 | jax's threefry, the same bits |
| `jax.experimental.xla_metadata.set_xla_metadata` | keeping a gather from fusion (windows.py) | jax 0.6 and 0.10 | fused, slower |
| `jaxlib.xla_client.make_cpu_client` | clients of their own for loops of steps (clients.py) | jaxlib 0.6 and 0.10 | jax's client |
| `jax._src.core.pytype_aval_mappings`, `jax._src.dtypes.canonicalize_value_handlers` | variables as arguments of `jax.jit`, `jax.grad` and `jax.numpy` (../variables.py) | jax 0.10 | `__jax_array__`, which jax 0.6 takes everywhere; later ones in `jax.numpy.asarray` alone |
| primitives' names and parameters in a jaxpr | what a step consists of (plan.py, clients.py) | jax 0.6 and 0.10 | as if nothing were known: jax's client, XLA's options |

`jax.extend` is documented without a promise of compatibility: https://docs.jax.dev/en/latest/jax.extend.html
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

try:
    from jax.core import ShapedArray
    from jax.extend.core import Primitive
    from jax.interpreters import ad, batching, mlir

    _parts = (
        ad.deflinear2,
        ad.defbilinear,
        batching.primitive_batchers,
        mlir.register_lowering,
        mlir.lower_fun,
    )
    HAS_PRIMITIVES = True
except (ImportError, AttributeError):
    ShapedArray = Primitive = ad = batching = mlir = None  # type: ignore[assignment, misc]
    HAS_PRIMITIVES = False

try:
    from jax.extend.random import define_prng_impl, threefry_prng_impl
except ImportError:
    define_prng_impl = threefry_prng_impl = None  # type: ignore[assignment]

try:
    from jax.experimental.xla_metadata import set_xla_metadata
except ImportError:

    def set_xla_metadata(**_: Any) -> Any:
        return nullcontext()


def take_as_arrays(kind: type, array_of: Callable[[Any], Any]) -> None:
    """Let jax take objects of a class wherever it takes arrays; `array_of` gives the array of one."""
    try:
        from jax._src.core import pytype_aval_mappings, typeof
        from jax._src.dtypes import canonicalize_value_handlers
    except ImportError:
        return
    pytype_aval_mappings[kind] = lambda x: typeof(array_of(x))
    canonicalize_value_handlers[kind] = lambda x, **_: array_of(x)


def cpu_client() -> Any:
    """A client of XLA whose programs run in the caller's thread; None with a jaxlib that makes none."""
    try:
        from jaxlib.xla_client import make_cpu_client

        return make_cpu_client(asynchronous=False)
    except (ImportError, AttributeError, TypeError):
        return None


def found_in(jaxpr: Any, look: Callable[..., Any], *args: Any) -> Any:
    """`look(jaxpr, *args)`; None where the program is not written as `look` knows it."""
    try:
        return look(jaxpr, *args)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return None
