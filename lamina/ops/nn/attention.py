"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

from lamina.kernel.contract import Kernel
from lamina.kernel.shapes.spec import Unknown
from lamina.ops.checks import shown
from lamina.ops.op import Output, Tensor, op
from lamina.ops.tensors import together

_NEVER = (
    -0.7 * 3.4028234663852886e38
)  # far below any logit, and finite: a row without a place gives a mean, not NaN


def _check(query: Any, key: Any, value: Any) -> None:
    shapes = [x.shape for x in (query, key, value)]
    listed = f"query {shown(shapes[0])}, key {shown(shapes[1])}, value {shown(shapes[2])}"
    if any(len(s) != 4 for s in shapes):
        raise ValueError(f"dot_product_attention: expected three tensors of rank 4, got {listed}.")

    def differ(n: Any, m: Any) -> bool:
        return n != m and Unknown not in (type(n), type(m))

    if differ(shapes[1][1], shapes[2][1]) or differ(shapes[1][2], shapes[2][2]):
        raise ValueError(f"dot_product_attention: key and value differ in length or heads: {listed}.")
    if differ(shapes[0][0], shapes[1][0]) or differ(shapes[0][3], shapes[1][3]):
        raise ValueError(f"dot_product_attention: query and key differ in batch or head size: {listed}.")
    heads, groups = shapes[0][2], shapes[1][2]
    if Unknown not in (type(heads), type(groups)) and (groups < 1 or heads % groups):
        raise ValueError(
            f"dot_product_attention: {heads} query heads cannot share {groups} key heads: {listed}."
        )


@op("query", "key", "value", "bias", "mask", given=("scale",), module="nn")
def dot_product_attention(
    k: Kernel,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None = None,
    mask: Tensor | None = None,
    scale: Any = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Output:
    """Attention of each query to all keys, per head.

    `softmax(scale Q K^T + bias) V`, in float32 between the products.

    Args:
        query: Tensor (batch, queries, heads, size).
        key: Tensor (batch, places, key heads, size); the heads are a multiple of the key heads, which they share.
        value: Tensor (batch, places, key heads, size).
        bias: Tensor that broadcasts to (batch, heads, queries, places), or None.
        mask: Boolean tensor that broadcasts to (batch, heads, queries, places), True where a query may look.
        scale: None means `1 / sqrt(size)`.
        is_causal: Whether query i sees the places 0 .. i only.
        flash_attention: True asks for the framework's fused kernel, and is an error where there is none.
        attn_logits_soft_cap: Caps the scaled products softly: `cap tanh(logits / cap)`, before the bias.

    Returns:
        A tensor (batch, queries, heads, size).

    Raises:
        ValueError: if the shapes do not fit.
        RuntimeError: for flash_attention=True without such a kernel.

    Example:
        >>> import lamina
        >>> x = lamina.ops.ones((1, 3, 2, 4))
        >>> lamina.ops.dot_product_attention(x, x, x, is_causal=True).shape == (1, 3, 2, 4)
        True

    Reference:
        Vaswani et al., 2017: Attention Is All You Need, https://arxiv.org/abs/1706.03762
    """
    _check(query, key, value)
    if flash_attention and not k.abstract:
        raise RuntimeError(
            f"dot_product_attention: the backend {k.name!r} has no flash kernel for this call. Use "
            "flash_attention=None."
        )
    query, key, value = together(k, query, key, value)
    (batch, queries), (heads, size) = k.shape(query)[:2], query.shape[2:]
    places, groups = k.shape(key)[1], key.shape[2]
    dtype = k.dtype(query)
    share = heads // groups
    grouped = k.reshape(query, (batch, queries, groups, share, size))
    logits = k.einsum("btgsh,bugh->bgstu", grouped, key)
    logits = k.reshape(
        k.astype(logits, "float64" if dtype == "float64" else "float32"), (batch, heads, queries, places)
    )
    logits = logits * (size**-0.5 if scale is None else scale)
    if attn_logits_soft_cap is not None:
        logits = k.tanh(logits / attn_logits_soft_cap) * attn_logits_soft_cap
    if bias is not None:
        logits = logits + k.astype(bias, k.dtype(logits))
    if mask is not None:
        logits = k.where(k.astype(mask, "bool"), logits, _NEVER)
    if is_causal:
        row = k.expand_dims(k.arange(0, queries, 1, "int32"), 1)
        logits = k.where(k.arange(0, places, 1, "int32") <= row, logits, _NEVER)
    weights = k.astype(_weights(k, logits), dtype)
    weights = k.reshape(weights, (batch, groups, share, queries, places))
    out = k.einsum("bgstu,bugh->btgsh", weights, value)
    return k.reshape(out, (batch, queries, heads, value.shape[-1]))


def _weights(k: Kernel, logits: Any) -> Any:
    """The softmax over the last axis, which may be empty."""
    if 0 in logits.shape:
        return logits
    raised = k.exp(logits - k.stop_gradient(k.max(logits, -1, True)))
    return raised / k.sum(raised, -1, True)
