"""Linear algebra over the last two axes, and the Fourier transforms over the last one."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer

from lamina.backends.jax import cpu
from lamina.backends.jax.array import int32
from lamina.kernel.contract import NOT_POSITIVE

# Linear


def matmul(x1: Any, x2: Any) -> Any:
    if x1.ndim > 2 and x2.ndim == 2 and cpu.on():
        return cpu.forms.linear(x1, x2, None)
    return jnp.matmul(x1, x2)


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return (cpu.forms.tensordot if cpu.on() else jnp.tensordot)(x1, x2, axes)


def einsum(equation: str, *arrays: Any) -> Any:
    if cpu.on() and cpu.forms.is_product(equation):
        return cpu.forms.einsum(equation, *arrays)
    return jnp.einsum(equation, *arrays)


def cholesky(x: Any, upper: bool) -> Any:
    factor = jnp.linalg.cholesky(x, upper=upper)
    if not isinstance(factor, Tracer) and bool(jnp.isnan(factor).any()):
        raise np.linalg.LinAlgError(NOT_POSITIVE)
    return factor


det = jnp.linalg.det


def eig(x: Any) -> tuple:
    return tuple(jnp.linalg.eig(x))


def eigh(x: Any) -> tuple:
    return tuple(jnp.linalg.eigh(x))


inv = jnp.linalg.inv


def lstsq(a: Any, b: Any, rcond: float | None) -> Any:
    return jnp.linalg.lstsq(a, b, rcond)[0]


def lu_factor(x: Any) -> tuple:
    factors, pivots, _ = lax.linalg.lu(x)
    return factors, int32(pivots)


def qr(x: Any, mode: str) -> tuple:
    return tuple(jnp.linalg.qr(x, mode))


def slogdet(x: Any) -> tuple:
    return tuple(jnp.linalg.slogdet(x))


solve = jnp.linalg.solve


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    batch = jnp.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = jnp.broadcast_to(a, (*batch, *a.shape[-2:])), jnp.broadcast_to(b, (*batch, *b.shape[-2:]))
    return lax.linalg.triangular_solve(a, b, left_side=True, lower=lower)


def svd(x: Any, full_matrices: bool) -> tuple:
    return tuple(jnp.linalg.svd(x, full_matrices))


# Fourier

fft = jnp.fft.fft
ifft = jnp.fft.ifft
rfft = jnp.fft.rfft
irfft = jnp.fft.irfft
