"""Private names of Keras's layers that packages use in classes of their own, for what Lamina's layers have under others.

They are set while the alias stands. Each gives way to an attribute of that name that a package sets itself.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from lamina import config, layers, ops
from lamina.core.layer import Layer
from lamina.core.variable import Variable
from lamina.kernel.context import current
from lamina.layers.attention import causal_mask
from lamina.layers.conv import BaseConv
from lamina.layers.multi_head_attention import _Heads, _spread
from lamina.legacy.equations import _build_attention_equation


class Inside:
    """An attribute that is computed where the instance has none of this name."""

    def __init__(self, get: Callable[[Any], Any]) -> None:
        self.get = get

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.get(instance)


def _compute_attention(
    self: Any, query: Any, key: Any, value: Any, attention_mask: Any = None, return_attention_scores: Any = None,
    training: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Attention of projected tensors (batch, ..., heads, size): what is read, and the scores where they are asked for.

    The scores are None where a fused kernel made the result.
    """
    k, mask = current(), attention_mask
    if mask is not None:
        n = len(self._axes())
        mask = _spread(k, k.astype(k.asarray(mask), "bool"), n, len(query.shape) - 1 + n)
    if self._why_by_steps(bool(return_attention_scores), training) is None:
        fast = config.is_flash_attention_enabled() if self.flash_attention is None else self.flash_attention
        found = ops.dot_product_attention(
            query, key, value, mask=mask, scale=self._size**-0.5, flash_attention=fast
        )
        return found, None
    return self._attend(k, query, key, value, mask, False, training)


def _compute_attention_mask(
    self: Any, query: Any, value: Any, query_mask: Any = None, value_mask: Any = None, key_mask: Any = None,
    attention_mask: Any = None, use_causal_mask: bool = False,
) -> Any:  # fmt: skip
    """All masks in one, (batch, queries, places) or a shape that spreads to it; None without any."""
    k = current()
    found = [] if attention_mask is None else [attention_mask]
    found += [] if query_mask is None else [k.expand_dims(query_mask, (-1,))]
    found += [k.expand_dims(mask, (-2,)) for mask in (value_mask, key_mask) if mask is not None]
    if use_causal_mask:
        early = causal_mask(k, k.shape(query)[1], k.shape(value)[1])
        found.append(k.expand_dims(early, (0,)))
    both = None
    for mask in found:
        mask = k.astype(k.asarray(mask), "bool")
        both = mask if both is None else k.logical_and(both, mask)
    return both


def _masked_softmax(self: Any, scores: Any, attention_mask: Any = None) -> Any:
    """The layer's softmax of (batch, heads, queries, places), with a mask (batch, queries, places)."""
    if attention_mask is not None:
        for _ in range(len(scores.shape) - len(attention_mask.shape)):
            attention_mask = ops.expand_dims(attention_mask, -len(self._attention_axes) * 2 - 1)
    return self._softmax(scores, mask=attention_mask)


def _equations(self: Any) -> tuple[str, str, int]:
    return _build_attention_equation(len(self._axes()) + 3, self._axes())


def patches() -> list[tuple[Any, str, Any]]:
    """(class, attribute, value)."""
    heads = {
        "_compute_attention": _compute_attention,
        "_compute_attention_mask": _compute_attention_mask,
        "_masked_softmax": _masked_softmax,
        "_output_shape": Inside(lambda self: vars(self).get("output_shape")),
        "_num_heads": Inside(lambda self: self._heads),
        "_key_dim": Inside(lambda self: self._size),
        "_value_dim": Inside(lambda self: self._value_size),
        "_use_bias": Inside(lambda self: self.use_bias),
        "_dropout": Inside(lambda self: self.dropout),
        "_inverse_sqrt_key_dim": Inside(lambda self: self._size**-0.5),
        "_attention_axes": Inside(lambda self: self._axes()),
        "_dot_product_equation": Inside(lambda self: _equations(self)[0]),
        "_combine_equation": Inside(lambda self: _equations(self)[1]),
        "_get_common_kwargs_for_sublayer": lambda self: self._shared(),
    }
    projections = ("query_dense", "key_dense", "value_dense", "output_dense")
    kernel = Inside(lambda self: self.kernel)
    return [
        *((_Heads, name, value) for name, value in heads.items()),
        *((layers.MultiHeadAttention, f"_{name}", Inside(operator.attrgetter(name))) for name in projections),
        *((cls, "_kernel", kernel) for cls in (layers.Dense, layers.EinsumDense, BaseConv)),
        (layers.Embedding, "_embeddings", Inside(lambda self: self.embeddings)),
        (Layer, "_post_build", lambda self: None),
        # what packages free before they load weights: there is something to free once a device holds the value
        (Variable, "_value", Inside(lambda self: self._stored.tensor)),
    ]
