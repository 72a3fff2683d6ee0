"""Draws from a torch generator that is made from the seed each time.

A compiler cannot trace a generator, and a mapped function has many seeds in one tensor: there the same draw runs as
the custom operator `lamina::draw`, so that the numbers are the same in either case.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.backends.torch._support import DTYPES, is_hidden, place, whole

_MASK = 2**64 - 1
_EDGE = math.erf(math.sqrt(2.0))  # the probability of lying within two deviations


def generator(seed: Tensor, device: torch.device) -> torch.Generator:
    """torch's generator with this seed."""
    low, high = whole(seed).tolist()
    # the CPU's generator uses 32 bits of its seed only: mix both words into them (the finalizer of splitmix64)
    key = (low | high << 32) + 0x9E3779B97F4A7C15 & _MASK
    key = (key ^ key >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    key = (key ^ key >> 27) * 0x94D049BB133111EB & _MASK
    return torch.Generator(device).manual_seed(key ^ key >> 31)


def _uniform(source: torch.Generator, shape: list[int], dtype: torch.dtype) -> Tensor:
    return torch.rand(shape, generator=source, dtype=_drawn(dtype), device=source.device)


def _normal(source: torch.Generator, shape: list[int], dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=source, dtype=_drawn(dtype), device=source.device)


def _truncated(source: torch.Generator, shape: list[int], dtype: torch.dtype) -> Tensor:
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    centered = 2 * torch.rand(shape, generator=source, dtype=wide, device=source.device) - 1
    return (torch.erfinv(centered * _EDGE) * math.sqrt(2.0)).clamp_(-2.0, 2.0)


def _integers(source: torch.Generator, shape: list[int], dtype: torch.dtype, low: int, high: int) -> Tensor:
    return torch.randint(low, high, shape, generator=source, dtype=torch.int64, device=source.device)


def _integers_between(
    source: torch.Generator,
    shape: list[int],
    dtype: torch.dtype,
    low: Tensor,
    high: Tensor,
) -> Tensor:
    draws = torch.rand(shape, generator=source, dtype=torch.float64, device=source.device)
    return (low + (draws * (high - low)).floor()).to(torch.int64)


def _gamma(source: torch.Generator, shape: list[int], dtype: torch.dtype, alpha: Tensor) -> Tensor:
    wide = alpha if alpha.dtype is torch.float64 else alpha.float()
    return torch.ops.aten._standard_gamma(wide.expand(shape), generator=source)


def _binomial(
    source: torch.Generator,
    shape: list[int],
    dtype: torch.dtype,
    counts: Tensor,
    probs: Tensor,
) -> Tensor:
    return torch.binomial(counts.expand(shape).float(), probs.expand(shape).float(), generator=source)


def _categorical(source: torch.Generator, shape: list[int], dtype: torch.dtype, logits: Tensor) -> Tensor:
    noise = torch.rand((*shape, logits.shape[-1]), generator=source, device=source.device)
    # the largest of logits plus Gumbel noise; multinomial() would stop at 2^24 classes
    return torch.argmax(logits.float().unsqueeze(-2) - torch.log(-torch.log(noise)), -1)


def _permutation(source: torch.Generator, shape: list[int], dtype: torch.dtype) -> Tensor:
    return torch.randperm(shape[0], generator=source, device=source.device)


_DRAWS: dict[str, Callable[..., Tensor]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated": _truncated,
    "integers": _integers,
    "integers_between": _integers_between,
    "gamma": _gamma,
    "binomial": _binomial,
    "categorical": _categorical,
    "permutation": _permutation,
}


def _drawn(dtype: torch.dtype) -> torch.dtype:
    """The dtype that a float is drawn in: torch draws halves, but no float8."""
    return torch.float32 if dtype.itemsize == 1 else dtype


def _draw(kind: str, seed: Tensor, shape: Sequence[int], dtype: str, *args: Any) -> Tensor:
    """One draw; args are tensors, or two integers for "integers"."""
    device, shape = place.device, list(shape)
    if is_hidden(seed):
        tensors, bounds = (list(args), []) if kind != "integers" else ([], list(args))
        return _draw_op(kind, seed, shape, DTYPES[dtype], tensors, bounds, device)
    return _DRAWS[kind](generator(seed, device), shape, DTYPES[dtype], *args).to(DTYPES[dtype])


@torch.library.custom_op("lamina::draw", mutates_args=())
def _draw_op(
    kind: str,
    seed: Tensor,
    shape: Sequence[int],
    dtype: torch.dtype,
    tensors: Sequence[Tensor],
    bounds: Sequence[int],
    device: torch.device,
) -> Tensor:
    args = (*tensors, *bounds)
    return _DRAWS[kind](generator(seed, device), list(shape), dtype, *args).to(dtype, copy=True)


@_draw_op.register_fake
def _(kind, seed, shape, dtype, tensors, bounds, device):
    return torch.empty(shape, dtype=dtype, device=device)


def _save_gamma(ctx: Any, inputs: tuple, output: Tensor) -> None:
    ctx.kind, ctx.bounds = inputs[0], len(inputs[5])
    ctx.save_for_backward(output, *inputs[4])


def _gamma_gradient(ctx: Any, upstream: Tensor) -> tuple:
    draw, *tensors = ctx.saved_tensors
    gradients: list = [None] * len(tensors)
    if ctx.kind == "gamma":  # the only draw that torch differentiates
        alpha = tensors[0].expand(draw.shape)
        slope = torch.ops.aten._standard_gamma_grad(alpha.to(draw.dtype), draw)
        gradients = [(upstream * slope).sum_to_size(tensors[0].shape).to(alpha.dtype)]
    return None, None, None, None, gradients, [None] * ctx.bounds, None


_draw_op.register_autograd(_gamma_gradient, setup_context=_save_gamma)


@_draw_op.register_vmap
def _(info, in_dims, kind, seed, shape, dtype, tensors, bounds, device):
    _, seed_dim, _, _, tensor_dims, _, _ = in_dims
    rows = []
    for i in range(info.batch_size):
        own = seed if seed_dim is None else seed.select(seed_dim, i)
        args = [t if d is None else t.select(d, i) for t, d in zip(tensors, tensor_dims or [], strict=True)]
        rows.append(_draw_op(kind, own, shape, dtype, args, bounds, device))
    return torch.stack(rows), 0


def random_uniform(seed: Tensor, shape: Sequence[int], dtype: str) -> Tensor:
    return _draw("uniform", seed, shape, dtype)


def random_normal(seed: Tensor, shape: Sequence[int], dtype: str) -> Tensor:
    return _draw("normal", seed, shape, dtype)


def random_integers(seed: Tensor, shape: Sequence[int], low: Any, high: Any, dtype: str) -> Tensor:
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        bounds = [torch.as_tensor(b, device=place.device).to(torch.float64) for b in (low, high)]
        return _draw("integers_between", seed, shape, dtype, *bounds)
    return _draw("integers", seed, shape, dtype, int(low), int(high))


def random_gamma(seed: Tensor, alpha: Tensor, shape: Sequence[int], dtype: str) -> Tensor:
    return _draw("gamma", seed, shape, dtype, alpha)


def random_binomial(seed: Tensor, counts: Tensor, probs: Tensor, shape: Sequence[int], dtype: str) -> Tensor:
    return _draw("binomial", seed, shape, dtype, counts, probs)


def random_categorical(seed: Tensor, logits: Tensor, num: int) -> Tensor:
    return _draw("categorical", seed, (logits.shape[0], num), "int32", logits)


def random_permutation(seed: Tensor, n: int) -> Tensor:
    return _draw("permutation", seed, (n,), "int32")


def random_truncated(seed: Tensor, shape: Sequence[int], dtype: str) -> Tensor:
    return _draw("truncated", seed, shape, dtype)
