"""Operations that torch has a better form of than the composed one, each with its reason.

Each returns NotImplemented for arguments that torch's form does not cover, or that are wrong: then the composed
definition answers, or raises its error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from lamina.backends.torch._support import is_spread
from lamina.backends.torch.control import is_nested
from lamina.kernel import settings


def relu(k: Any, x: Tensor) -> Any:
    """One kernel, and a gradient from its output alone; it keeps NaN, and is flat at 0."""
    return torch.relu(x) if x.dtype.is_floating_point else NotImplemented


def relu6(k: Any, x: Tensor) -> Any:
    """One kernel instead of four, flat at both bounds."""
    return F.relu6(x)


def hard_sigmoid(k: Any, x: Tensor) -> Any:
    """One kernel instead of six, flat at both bounds."""
    return F.hardsigmoid(x)


def elu(k: Any, x: Tensor, alpha: float = 1.0) -> Any:
    """One kernel instead of four."""
    return F.elu(x, alpha)


def selu(k: Any, x: Tensor) -> Any:
    """One kernel instead of five."""
    return F.selu(x)


def silu(k: Any, x: Tensor) -> Any:
    """One kernel; its gradient keeps x only, not the sigmoid too."""
    return F.silu(x)


def gelu(k: Any, x: Tensor, approximate: bool = True) -> Any:
    """One kernel instead of eight; its gradient keeps x only."""
    return F.gelu(x, approximate="tanh" if approximate else "none")


def log_sigmoid(k: Any, x: Tensor) -> Any:
    """One kernel instead of three."""
    return F.logsigmoid(x)


def softmax(k: Any, x: Tensor, axis: Any = -1) -> Any:
    """One kernel, and a gradient from its output alone."""
    return torch.softmax(x, axis) if _is_axis(axis, x) else NotImplemented


def log_softmax(k: Any, x: Tensor, axis: Any = -1) -> Any:
    """One kernel, and a gradient from its output alone."""
    return torch.log_softmax(x, axis) if _is_axis(axis, x) else NotImplemented


def _is_axis(axis: Any, x: Tensor) -> bool:
    return isinstance(axis, int) and -x.ndim <= axis < x.ndim and x.dtype.is_floating_point


def layer_normalization(
    k: Any,
    x: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    axis: Any = -1,
    epsilon: float | None = None,
    rms_scaling: bool = False,
) -> Any:
    """One kernel forward and one backward, instead of eight and more, with sums of halves in float32."""
    sizes = _last_sizes(x, axis)
    if rms_scaling or sizes is None or _differs(gamma, sizes) or _differs(beta, sizes):
        return NotImplemented
    gamma, beta = (None if p is None else p.to(x.dtype) for p in (gamma, beta))
    return F.layer_norm(x, sizes, gamma, beta, _epsilon() if epsilon is None else epsilon)


def rms_normalization(
    k: Any,
    x: Tensor,
    scale: Tensor | None = None,
    axis: Any = -1,
    epsilon: float | None = None,
) -> Any:
    """Fused forward and backward, with sums of halves in float32."""
    sizes = _last_sizes(x, axis)
    if sizes is None or _differs(scale, sizes):
        return NotImplemented
    return F.rms_norm(x, sizes, scale, _epsilon() if epsilon is None else epsilon)


def _last_sizes(x: Tensor, axis: Any) -> tuple[int, ...] | None:
    """The sizes of the axes, if these are the last ones of x: all that torch normalizes over."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis) if isinstance(axis, (tuple, list)) else ()
    found = sorted([a % x.ndim for a in axes if isinstance(a, int) and -x.ndim <= a < x.ndim])
    is_last = len(found) == len(axes) > 0 and found == list(range(x.ndim - len(axes), x.ndim))
    return tuple(x.shape[-len(axes) :]) if is_last and x.dtype.is_floating_point else None


def _differs(parameter: Tensor | None, sizes: tuple[int, ...]) -> bool:
    return parameter is not None and tuple(parameter.shape) != sizes


def _epsilon() -> float:
    return settings.epsilon()


def dot_product_attention(
    k: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Any:
    """One fused kernel, which never holds the weights of all queries and keys in memory."""
    if attn_logits_soft_cap is not None or not _fit(query, key, value):
        return NotImplemented
    if is_spread(query) or is_spread(key):  # torch 2.13 looks for a way to divide the kernel without an end
        return NotImplemented
    if is_nested() and not flash_attention:  # torch's kernels have no second derivative
        return NotImplemented
    if mask is not None or bias is not None:
        allowed, is_causal = _allowed(query, key, mask, is_causal), False
        query, bias = _without_empty_rows(query, bias, allowed)
    with _flash_alone() if flash_attention else nullcontext():
        result = F.scaled_dot_product_attention(
            query.transpose(1, 2),
            key.transpose(1, 2),
            value.transpose(1, 2),
            attn_mask=bias,
            is_causal=is_causal,
            scale=scale,
            enable_gqa=query.shape[2] != key.shape[2],
        )
    return result.transpose(1, 2)


@contextmanager
def _flash_alone() -> Iterator[None]:
    """No kernel but the flash kernel; where it does not serve the call, torch's own reasons, which it warns of."""
    with warnings.catch_warnings(record=True) as reasons, sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        warnings.simplefilter("always")
        try:
            yield
        except RuntimeError as error:
            why = " ".join(str(r.message).split(" (Triggered")[0] for r in reasons)
            raise RuntimeError(
                f"dot_product_attention: torch has no flash kernel for this call: {why or error} Use "
                "flash_attention=None."
            ) from error


def _fit(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether the shapes go together; the composed definition says what is wrong if not."""
    if not query.ndim == key.ndim == value.ndim == 4 or not query.dtype == key.dtype == value.dtype:
        return False
    alike = (
        key.shape[:3] == value.shape[:3] and query.shape[0] == key.shape[0] and query.shape[3] == key.shape[3]
    )
    return alike and key.shape[2] > 0 and query.shape[2] % key.shape[2] == 0 and query.dtype.is_floating_point


def _allowed(query: Tensor, key: Tensor, mask: Tensor | None, is_causal: bool) -> Tensor | None:
    """Where a query may look, or None for everywhere."""
    allowed = None if mask is None else mask.to(torch.bool)
    if is_causal:
        causal = torch.ones((query.shape[1], key.shape[1]), dtype=torch.bool, device=query.device).tril()
        allowed = causal if allowed is None else allowed & causal
    return allowed


def _without_empty_rows(
    query: Tensor, bias: Tensor | None, allowed: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """The query, and what is added to the logits (or a mask).

    A query without a place gets the mean of all values, as in the composed definition; torch would give zeros.
    So it looks everywhere, with the same logit 0.
    """
    if allowed is None:
        return query, None if bias is None else bias.to(query.dtype)
    has_place = torch.any(allowed, -1, True)
    if bias is None:
        added = allowed | ~has_place
    else:
        added = torch.where(has_place, torch.where(allowed, bias.to(query.dtype), -torch.inf), 0.0)
    rows = has_place.reshape((1,) * (4 - has_place.ndim) + tuple(has_place.shape)).transpose(1, 2)
    return torch.where(rows, query, 0.0), added


overrides: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        relu,
        relu6,
        hard_sigmoid,
        elu,
        selu,
        silu,
        gelu,
        log_sigmoid,
        softmax,
        log_softmax,
        layer_normalization,
        rms_normalization,
        dot_product_attention,
    )
}
