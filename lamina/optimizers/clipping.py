"""Gradients made shorter."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel, Unfit


def by_norm(k: Kernel, gradient: Any, limit: float) -> Any:
    """The gradient, no longer than `limit`."""
    norm = k.sqrt(k.sum(k.square(gradient)))
    return gradient * (limit / k.maximum(norm, limit))


def global_norm(k: Kernel, grads: list[Any]) -> Any:
    """The norm of all gradients together; float32 at least."""
    found = k.fused.global_norm(grads)
    if not isinstance(found, Unfit):
        return found
    total: Any = 0.0
    for gradient in grads:
        wide = k.astype(gradient, "float32") if k.dtype(gradient) in ("float16", "bfloat16") else gradient
        total = k.sum(k.square(wide)) + total
    return k.sqrt(total)


def by_global_norm(k: Kernel, grads: list[Any], limit: float) -> list[Any]:
    """The gradients, together no longer than `limit`; all NaN if one is not finite."""
    norm = global_norm(k, grads)
    scale = limit / k.maximum(norm, limit) + (norm - norm)
    scales = {dtype: k.astype(scale, dtype) for dtype in {k.dtype(g) for g in grads}}
    return [g * scales[k.dtype(g)] for g in grads]
