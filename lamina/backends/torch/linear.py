"""Linear algebra over the last two axes, and the Fourier transforms over the last one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.backends.torch._support import is_hidden
from lamina.kernel.contract import NOT_POSITIVE

_NO_PRODUCT = frozenset((torch.bool, torch.uint16, torch.uint32, torch.uint64))

# Linear


def matmul(x1: Tensor, x2: Tensor) -> Tensor:
    return torch.matmul(x1, x2) if x1.dtype.is_floating_point else _exact(torch.matmul, x1, x2)


def _exact(product: Callable[..., Tensor], *arrays: Tensor) -> Tensor:
    """A product, of integers and bool in a dtype that the device has one for."""
    dtype = arrays[0].dtype
    if dtype.is_floating_point or dtype.is_complex:
        return product(*arrays)
    if arrays[0].is_cuda:
        wide = torch.float64  # CUDA has no integer product; float64 is exact up to 2^53
    else:
        wide = torch.int64 if dtype in _NO_PRODUCT else dtype
    return product(*[a.to(wide) for a in arrays]).to(dtype)


def tensordot(x1: Tensor, x2: Tensor, axes: Any) -> Tensor:
    return _exact(lambda a, b: torch.tensordot(a, b, dims=axes), x1, x2)


def einsum(equation: str, *arrays: Tensor) -> Tensor:
    return _exact(lambda *wide: torch.einsum(equation, *wide), *arrays)


def cholesky(x: Tensor, upper: bool) -> Tensor:
    factor, failed = torch.linalg.cholesky_ex(x, upper=upper)
    if is_hidden(failed):
        return torch.where(failed[..., None, None] > 0, torch.nan, factor)
    if failed.any():
        raise np.linalg.LinAlgError(NOT_POSITIVE)
    return factor


LARGEST_EXPANSION = 24  # rows; the expansion costs n^4 and loses digits as n grows


def det(x: Tensor) -> Tensor:
    """torch takes the gradient through the inverse, and 0 where there is none; there it is that of the expansion."""
    found = torch.linalg.det(x)
    if not x.requires_grad or not 0 < x.shape[-1] <= LARGEST_EXPANSION:
        return found
    # up to rounding, by Hadamard's bound
    rows = torch.linalg.vector_norm(x.detach(), dim=-1)
    singular = found.detach().abs() <= 8 * x.shape[-1] * torch.finfo(x.dtype).eps * rows.prod(-1)
    if not is_hidden(singular) and not bool(singular.any()):
        return found
    at = singular[..., None, None]
    regular = torch.linalg.det(torch.where(at, torch.eye(x.shape[-1], dtype=x.dtype, device=x.device), x))
    return torch.where(singular, _expansion(torch.where(at, x, torch.zeros_like(x))), regular)


def _expansion(x: Tensor) -> Tensor:
    """The determinant as a polynomial of the entries (Bird, 2011), which can be differentiated anywhere, and again."""
    wide = x.to(torch.promote_types(x.dtype, torch.float64))
    f = wide
    for _ in range(x.shape[-1] - 1):
        diagonal = torch.diagonal(f, dim1=-2, dim2=-1)
        below = diagonal.flip(-1).cumsum(-1).flip(-1) - diagonal
        f = -(torch.triu(f, 1) - torch.diag_embed(below)) @ wide
    return f[..., 0, 0].to(x.dtype)


def eig(x: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(torch.linalg.eig(x))


def eigh(x: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(torch.linalg.eigh(x))


inv = torch.linalg.inv


def lstsq(a: Tensor, b: Tensor, rcond: float | None) -> Tensor:
    if b.ndim == 1:
        return lstsq(a, b.unsqueeze(-1), rcond).squeeze(-1)
    if (
        a.is_cuda or torch.compiler.is_compiling()
    ):  # the only solver on CUDA wants full rank; none can be traced
        return torch.linalg.pinv(a, rtol=rcond) @ b
    return torch.linalg.lstsq(a, b, rcond=rcond, driver="gelsd").solution


def lu_factor(x: Tensor) -> tuple[Tensor, Tensor]:
    factors, pivots = torch.linalg.lu_factor(x)
    return factors, pivots - 1  # torch counts rows from 1, as LAPACK does


def qr(x: Tensor, mode: str) -> tuple[Tensor, Tensor]:
    return tuple(torch.linalg.qr(x, mode))


def slogdet(x: Tensor) -> tuple[Tensor, Tensor]:
    return tuple(torch.linalg.slogdet(x))


solve = torch.linalg.solve


def solve_triangular(a: Tensor, b: Tensor, lower: bool) -> Tensor:
    return torch.linalg.solve_triangular(a, b, upper=not lower)


def svd(x: Tensor, full_matrices: bool) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.linalg.svd(x, full_matrices))


# Fourier


def _transformed(transform: Callable[..., Tensor], x: Tensor, *length: int) -> Tensor:
    """MKL has an error for a transform of no rows: then only its shape and dtype are asked for."""
    if x.numel():
        return transform(x, *length)
    shown = transform(torch.empty_like(x, device="meta"), *length)
    return torch.zeros_like(shown, device=x.device)


def fft(x: Tensor) -> Tensor:
    return _transformed(torch.fft.fft, x)


def ifft(x: Tensor) -> Tensor:
    return _transformed(torch.fft.ifft, x)


def rfft(x: Tensor, n: int) -> Tensor:
    return _transformed(torch.fft.rfft, x, n)


def irfft(x: Tensor, n: int) -> Tensor:
    return _transformed(torch.fft.irfft, x, n)
