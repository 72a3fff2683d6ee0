"""Products whose derivatives are products of a form that XLA compiles well on the CPU.

The derivative of JAX's own product leaves no choice of which operand of `x^T g` is laid out anew. These primitives
state the rules that a linear or bilinear map has, so that they can be differentiated any number of times, in either
direction, and mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamina.backends.jax.cpu import constants
from lamina.backends.jax.cpu.internals import HAS_PRIMITIVES, Primitive, ShapedArray, ad, batching, mlir


def linear(name: str, function: Callable, transposed: Callable, static: Sequence[str]) -> Any:
    """The primitive of a linear map of one array; `transposed(g, x, **static)` is its transpose, in a list."""
    if not HAS_PRIMITIVES:  # then `cpu.on()` is false, and nobody calls it
        return None
    primitive = Primitive(name)

    def shape(x: Any, **how: Any) -> Any:
        result = jax.eval_shape(partial(function, **how), x)
        return ShapedArray(result.shape, result.dtype)

    primitive.def_impl(jax.jit(function, static_argnames=static))
    primitive.def_abstract_eval(shape)
    ad.deflinear2(primitive, transposed)
    mlir.register_lowering(primitive, mlir.lower_fun(function, multiple_results=False))
    batching.primitive_batchers[primitive] = lambda xs, axes, **how: (
        jax.vmap(partial(function, **how), axes)(*xs),
        0,
    )
    return primitive


def product(x: Any, kernel: Any) -> Any:
    """`x @ kernel` of two matrices."""
    if x.dtype != kernel.dtype or not jnp.issubdtype(x.dtype, jnp.floating):
        return x @ kernel
    return _product.bind(x, kernel)


def _plain(x: Any, kernel: Any) -> Any:
    return lax.dot(x, kernel)


def _for_x(g: Any, x: Any, kernel: Any) -> Any:
    return lax.dot_general(g, kernel, (((1,), (1,)), ((), ())))


def _for_kernel(g: Any, x: Any, kernel: Any) -> Any:
    """`x^T g`: with the smaller operand transposed before, where the sum is long against the copy."""
    (rows, width), features = x.shape, g.shape[1]
    copy_x, copy_g = rows * width, (rows + width) * features
    least = min(copy_x, copy_g)
    if least > constants.COPY_MOST or rows * width * features < constants.COPY_WORTH * least:
        return lax.dot_general(x, g, (((0,), (0,)), ((), ())))
    if copy_x < copy_g:
        return lax.dot(_transposed(x), g)
    return lax.optimization_barrier(lax.dot(_transposed(g), x)).T


def _transposed(x: Any) -> Any:
    """x^T, which XLA does not see through: it would make the slow product of it."""
    return lax.optimization_barrier(x.T)


def _bilinear() -> Any:
    if not HAS_PRIMITIVES:
        return None
    primitive = Primitive("lamina_product")
    primitive.def_impl(jax.jit(_plain))
    primitive.def_abstract_eval(lambda x, kernel: ShapedArray((x.shape[0], kernel.shape[1]), x.dtype))
    ad.defbilinear(primitive, _for_x, _for_kernel)
    mlir.register_lowering(primitive, mlir.lower_fun(_plain, multiple_results=False))
    batching.primitive_batchers[primitive] = lambda args, axes: (jax.vmap(_plain, axes)(*args), 0)
    return primitive


_product = _bilinear()


def sum_of_rows(x: Any, count: int, step: int, padding: tuple[int, int]) -> Any:
    """From (batch, rows, ..., count * n), its rows padded, sums along falling diagonals: (batch, sums, ..., n)."""
    return _sum_of_rows.bind(x, count=count, step=step, padding=padding)


def _widths(count: int, step: int, padding: tuple[int, int]) -> list[tuple[int, int]]:
    """How the rows of each n channels are padded, or cut, to become those of the sum."""
    return [(padding[0] - i * step, padding[1] - (count - 1 - i) * step) for i in range(count)]


def _pad_rows(x: Any, low: int, high: int) -> Any:
    none = (0, 0, 0)
    return lax.pad(x, x.dtype.type(0), [none, (low, high, 0), *[none] * (x.ndim - 2)])


def _diagonals(x: Any, *, count: int, step: int, padding: tuple[int, int]) -> Any:
    parts = jnp.split(x, count, -1)
    return reduce(
        jnp.add, [_pad_rows(p, *w) for p, w in zip(parts, _widths(count, step, padding), strict=True)]
    )


def _shifted(g: Any, _: Any, *, count: int, step: int, padding: tuple[int, int]) -> list:
    """Each n channels are g, one step further down: a copy, where JAX would add `count` padded tensors."""
    return [jnp.concatenate([_pad_rows(g, -low, -high) for low, high in _widths(count, step, padding)], -1)]


_sum_of_rows = linear("lamina_sum_of_rows", _diagonals, _shifted, ("count", "step", "padding"))
