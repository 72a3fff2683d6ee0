"""Products whose derivatives are products of a form that XLA compiles well on the CPU.

A product of matrices has one more derivative than a primitive of JAX lets one write down: which operand of
`x^T g` is laid out anew. `_product` is a primitive of its own with the two rules that a bilinear map has, so it
can be differentiated any number of times, in either direction, and mapped.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

# Multiplications per number laid out anew, from which the faster product pays for the copy; and the number of rows
# beyond which the copy leaves the cache.
_WORTH, _ROWS = 90, 16384


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
    if rows > _ROWS or rows * width * features < _WORTH * min(copy_x, copy_g):
        return lax.dot_general(x, g, (((0,), (0,)), ((), ())))
    if copy_x < copy_g:
        return lax.dot(_laid_out(x.T), g)
    return _laid_out(lax.dot(_laid_out(g.T), x)).T


# else XLA sees through the transposition and makes the slow product of it
_laid_out = lax.optimization_barrier


_product = Primitive("lamina_product")
_product.def_impl(jax.jit(_plain))
_product.def_abstract_eval(lambda x, kernel: jax.core.ShapedArray((x.shape[0], kernel.shape[1]), x.dtype))
ad.defbilinear(_product, _for_x, _for_kernel)
mlir.register_lowering(_product, mlir.lower_fun(_plain, multiple_results=False))
batching.primitive_batchers[_product] = lambda args, axes: (jax.vmap(_plain, axes)(*args), 0)
