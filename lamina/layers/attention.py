"""Dot-product and additive attention, and what all attention layers share."""

from __future__ import annotations

from typing import Any

from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.layers._masks import alike, check_mask
from lamina.layers.regularize import Dropout
from lamina.ops.checks import one_of, shown
from lamina.ops.nn.activations import softmax
from lamina.ops.tensors import in_floats

NEVER = -1e9  # a logit that leaves nothing; finite, so that a row without a place gives a mean, not NaN


def weights_of(k: Kernel, logits: Any, mask: Any, axis: Any = -1) -> Any:
    """The softmax of the logits, in float32, over the places that the mask allows."""
    dtype = k.dtype(logits)
    wide = logits if dtype == "float64" else k.astype(logits, "float32")
    if mask is not None:
        wide = k.where(mask, wide, NEVER)
    return k.astype(softmax(wide, axis), dtype)


def causal_mask(k: Kernel, queries: Any, places: Any) -> Any:
    """(queries, places): whether the place is not after the query."""
    return k.arange(0, places, 1, "int32") <= k.expand_dims(k.arange(0, queries, 1, "int32"), 1)


class Attention(Layer):
    """Attention of queries to values, by the likeness of queries and keys.

    `softmax(scale Q K^T) V`, or for "concat" `softmax(weight sum(tanh(scale (q + k)))) V`

    Args:
        use_scale: Whether to learn `scale`, which begins at one.
        score_mode: "dot" or "concat".
        dropout: The part of the weights that is dropped during training.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, queries, width) from [query (batch, queries, size), value (batch, places, width), key (batch, places,
        size); the value by default]; with `return_attention_scores=True` also the weights (batch, queries, places).
        Masks come as [query mask, value mask]: outputs of masked queries are zero, masked places get no weight.

    Raises:
        ValueError: if an argument is unknown, or inputs or masks are no lists of two or three.

    Example:
        >>> import lamina
        >>> query, value = lamina.ops.ones((2, 3, 4)), lamina.ops.ones((2, 5, 4))
        >>> lamina.layers.Attention()([query, value]).shape == (2, 3, 4)
        True

    Reference:
        Luong et al., 2015: Effective Approaches to Attention-based Neural Machine Translation,
        https://arxiv.org/abs/1508.04025
    """

    scale: Any = None
    concat_score_weight: Any = None

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale = use_scale
        self.score_mode = one_of(type(self).__name__, "score_mode", score_mode, ("dot", "concat"))
        self.dropout, self.seed = dropout, seed
        if dropout:
            self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype_policy)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((), "ones", name="scale")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight((), "ones", name="concat_score_weight")

    def _check_inputs(self, inputs: Any, masks: Any = None) -> None:
        kind = f"Layer {self.path!r} ({type(self).__name__})"
        if not isinstance(inputs, list | tuple) or len(inputs) not in (2, 3):
            raise ValueError(
                f"{kind} takes a list [query, value] or [query, value, key], got {_listed(inputs)}."
            )
        if masks is not None and (not isinstance(masks, list | tuple) or len(masks) not in (2, 3)):
            raise ValueError(f"{kind}: `mask` must be a list [query mask, value mask], got {_listed(masks)}.")

    def _check_shapes(self, query: Any, value: Any, key: Any, query_mask: Any, value_mask: Any) -> None:
        q, v, s = query.shape, value.shape, key.shape
        if not (
            len(q) == len(v) == len(s) == 3 and alike((q[0], q[2]), (s[0], s[2])) and alike(v[:2], s[:2])
        ):
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) expected query (batch, queries, size), value (batch, "
                f"places, width) and key (batch, places, size), got query {shown(q)}, value {shown(v)}, key "
                f"{shown(s)}. The key is the value if it is not given; a Dense layer brings sizes together."
            )
        if query_mask is not None:
            check_mask(self, "the query's mask", query_mask.shape, "(batch, queries)", q[:2], spread=True)
        if value_mask is not None:
            check_mask(self, "the value's mask", value_mask.shape, "(batch, places)", v[:2], spread=True)

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_inputs(inputs, mask)
        k = current()
        inputs = [in_floats(k, x, self.compute_dtype) for x in inputs]
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) == 3 else value
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        self._check_shapes(query, value, key, query_mask, value_mask)
        allowed = None if value_mask is None else k.expand_dims(k.astype(value_mask, "bool"), 1)
        if use_causal_mask:
            causal = causal_mask(k, k.shape(query)[1], k.shape(key)[1])
            allowed = causal if allowed is None else k.logical_and(causal, allowed)
        weights = weights_of(k, self._calculate_scores(query, key), allowed)
        if self.dropout:
            weights = self._dropout_layer(weights, training=training)
        result = k.matmul(weights, value)
        if query_mask is not None:
            result = k.where(k.expand_dims(k.astype(query_mask, "bool"), 2), result, 0.0)
        return (result, weights) if return_attention_scores else result

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        """The logits (batch, queries, places)."""
        k = current()
        if self.score_mode == "dot":
            scores = k.matmul(query, k.permute_dims(key, (0, 2, 1)))
            return scores if self.scale is None else scores * self.scale.value
        sums = _pairs(k, query, key)
        sums = sums if self.scale is None else sums * self.scale.value
        return k.sum(k.tanh(sums), -1) * self.concat_score_weight.value

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query."""
        return mask[0] if isinstance(mask, list | tuple) and mask else None


def _pairs(k: Kernel, query: Any, key: Any) -> Any:
    """(batch, queries, places, size): each query plus each key."""
    return k.expand_dims(query, 2) + k.expand_dims(key, 1)


def _listed(given: Any) -> str:
    if isinstance(given, list | tuple):
        return f"{len(given)} of them"
    return f"a tensor of shape {shown(given.shape)}" if hasattr(given, "shape") else repr(given)


class AdditiveAttention(Attention):
    """Attention of queries to values, by a learned sum.

    `softmax(sum(scale tanh(q + k))) V`

    Args:
        use_scale: Whether to learn `scale`, one number per feature.
        dropout: The part of the weights that is dropped during training.
        **kwargs: `name`, `dtype`, `trainable`, `seed`.

    Returns:
        (batch, queries, width) from [query (batch, queries, size), value (batch, places, width), key (batch, places,
        size); the value by default]; with `return_attention_scores=True` also the weights (batch, queries, places).
        Masks come as [query mask, value mask].

    Raises:
        ValueError: if inputs or masks are no lists of two or three.

    Example:
        >>> import lamina
        >>> query, value = lamina.ops.ones((2, 3, 4)), lamina.ops.ones((2, 5, 4))
        >>> lamina.layers.AdditiveAttention()([query, value]).shape == (2, 3, 4)
        True

    Reference:
        Bahdanau et al., 2014: Neural Machine Translation by Jointly Learning to Align and Translate,
        https://arxiv.org/abs/1409.0473
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check_inputs(input_shape)
        if self.use_scale:
            self.scale = self.add_weight((input_shape[0][-1],), "glorot_uniform", name="scale")

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        k = current()
        raised = k.tanh(_pairs(k, query, key))
        return k.sum(raised if self.scale is None else raised * self.scale.value, -1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, with the seed."""
        return {**super().get_config(), "seed": self.seed}
