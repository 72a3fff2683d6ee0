"""Linear algebra over the last two axes, and the Fourier transforms over the last one."""

from __future__ import annotations

import builtins as py
from typing import Any

import numpy as np

from lamina.backends.numpy.array import wide
from lamina.kernel.contract import NOT_POSITIVE

# Linear


def matmul(x1: Any, x2: Any) -> Any:
    return np.matmul(wide(x1), wide(x2)).astype(x1.dtype, copy=False)


def tensordot(x1: Any, x2: Any, axes: Any) -> Any:
    return np.tensordot(wide(x1), wide(x2), axes).astype(x1.dtype, copy=False)


def einsum(equation: str, *arrays: Any) -> Any:
    result = np.einsum(equation, *[wide(a) for a in arrays], optimize=len(arrays) > 2)
    return result.astype(arrays[0].dtype, copy=False)


def cholesky(x: Any, upper: bool) -> Any:
    try:
        return np.linalg.cholesky(x, upper=upper)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(NOT_POSITIVE) from error


det = np.linalg.det


def eig(x: Any) -> tuple:
    values, vectors = np.linalg.eig(x)  # real when all values happen to be real
    dtype = "complex64" if x.dtype in (np.float32, np.complex64) else "complex128"
    return values.astype(dtype), vectors.astype(dtype)


def eigh(x: Any) -> tuple:
    return tuple(np.linalg.eigh(x))


inv = np.linalg.inv


def lstsq(a: Any, b: Any, rcond: float | None) -> Any:
    return np.linalg.lstsq(a, b, rcond)[0]


def lu_factor(x: Any) -> tuple:
    flat = np.array(x).reshape(-1, *x.shape[-2:])
    pivots = np.stack([_lu_in_place(matrix) for matrix in flat])
    return flat.reshape(x.shape), pivots.reshape(*x.shape[:-2], -1)


def _lu_in_place(a: Any) -> Any:
    """Gaussian elimination with row exchanges; the factors replace a, the exchanges are returned."""
    pivots = np.arange(py.min(a.shape), dtype=np.int32)
    for i in range(len(pivots)):
        pivots[i] = i + np.argmax(np.abs(a[i:, i]))
        a[[i, pivots[i]]] = a[[pivots[i], i]]
        if a[i, i] != 0:
            a[i + 1 :, i] /= a[i, i]
        a[i + 1 :, i + 1 :] -= np.outer(a[i + 1 :, i], a[i, i + 1 :])
    return pivots


def qr(x: Any, mode: Any) -> tuple:
    return tuple(np.linalg.qr(x, mode))


def slogdet(x: Any) -> tuple:
    return tuple(np.linalg.slogdet(x))


solve = np.linalg.solve


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    n = a.shape[-1]
    rows = range(n) if lower else range(n - 1, -1, -1)
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.zeros((*batch, n, b.shape[-1]), np.result_type(a, b))
    for i in rows:
        known = np.matmul(a[..., i, None, :] * _others(i, n, lower), x)[..., 0, :]
        x[..., i, :] = (b[..., i, :] - known) / a[..., i, i, None]
    return x


def _others(i: int, n: int, lower: bool) -> Any:
    """1 at the unknowns that are known when row i is solved, so that the other triangle is never read."""
    return np.arange(n) < i if lower else np.arange(n) > i


def svd(x: Any, full_matrices: bool) -> tuple:
    return tuple(np.linalg.svd(x, full_matrices))


# Fourier

fft = np.fft.fft
ifft = np.fft.ifft
rfft = np.fft.rfft
irfft = np.fft.irfft
