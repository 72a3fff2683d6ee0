"""Attention with several heads: each with its own keys and values, or shared by groups of heads."""

from __future__ import annotations

import math
import string
from typing import Any

from lamina import config, constraints, initializers, ops, regularizers
from lamina.core.codec import serialize
from lamina.core.layer import Layer
from lamina.kernel.context import current
from lamina.kernel.contract import Kernel
from lamina.layers._masks import check_mask
from lamina.layers.attention import causal_mask, weights_of
from lamina.layers.einsum_dense import EinsumDense
from lamina.layers.regularize import Dropout
from lamina.ops.checks import at_least
from lamina.ops.nn.attention import dot_product_attention

_ARGUMENTS = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
              "kernel_constraint", "bias_constraint")  # fmt: skip


class _Heads(Layer):
    """Projections to heads, attention in each, and the projection back."""

    _prefix = ""  # before the names of the projections, which files hold

    def __init__(
        self, heads: int, groups: int, size: int, value_size: int, dropout: float, use_bias: bool,
        sliding_window: int | None, flash_attention: bool | None, kernel_initializer: Any, bias_initializer: Any,
        kernel_regularizer: Any, bias_regularizer: Any, activity_regularizer: Any, kernel_constraint: Any,
        bias_constraint: Any, use_gate: bool, seed: int | None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        kind = type(self).__name__
        self._heads, self._groups, self._size, self._value_size = heads, groups, size, value_size
        self.dropout, self.use_bias, self.use_gate, self.seed = dropout, use_bias, use_gate, seed
        self.sliding_window = sliding_window
        if sliding_window is not None:
            at_least(kind, "sliding_window", sliding_window, 1)
        self.flash_attention = flash_attention
        if flash_attention and dropout:
            raise ValueError(
                f"{kind}: flash_attention=True cannot drop weights. Use dropout=0 or flash_attention=None."
            )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self._activity = regularizers.get(activity_regularizer)  # of the projections, not of the layer
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.supports_masking = True
        if dropout:
            self._dropout_layer = Dropout(dropout, seed=seed, dtype=self.dtype_policy)

    # -- weights ------------------------------------------------------------------------------------------------------

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_shapes(query_shape, value_shape, key_shape)
        self._add(f"{self._prefix}query_dense", "query", query_shape, self._heads, self._size)
        self._add(f"{self._prefix}key_dense", "key", key_shape, self._groups, self._size)
        if self.use_gate:
            self._add("_gate_dense", "gate", query_shape, self._heads, self._value_size)
        self._add(f"{self._prefix}value_dense", "value", value_shape, self._groups, self._value_size)
        inner = (*query_shape[:-1], self._heads, self._value_size)
        self._add_output(inner, self._output_sizes(query_shape))

    def _output_sizes(self, query_shape: tuple) -> tuple[int, ...]:
        return (query_shape[-1],)

    def _check_shapes(self, query: tuple, value: tuple, key: tuple) -> None:
        kind = f"Layer {self.path!r} ({type(self).__name__})"
        listed = f"query {query}, value {value}, key {key}"
        tensors = all(n is None or isinstance(n, int) for n in (*query, *value, *key))
        if not tensors or not len(query) == len(value) == len(key) or len(query) < 3:
            raise ValueError(
                f"{kind} expected tensors (batch, ..., features) of one rank, 3 or more, got {listed}. Call it so: "
                "layer(query, value), each with an axis of steps."
            )
        if any(a != b and None not in (a, b) for a, b in zip(value[:-1], key[:-1], strict=True)):
            raise ValueError(f"{kind}: value and key may differ in their last size only, got {listed}.")

    def _add(self, attribute: str, name: str, shape: tuple, heads: int, size: int) -> None:
        free = string.ascii_lowercase[: len(shape) - 1]
        dense = EinsumDense(
            f"{free}x,xyz->{free}yz", (*[None] * (len(shape) - 2), heads, size),
            bias_axes="yz" if self.use_bias else None, name=name, **self._shared(),
        )  # fmt: skip
        self._keep(attribute, dense, shape)

    def _add_output(self, shape: tuple, sizes: tuple[int, ...]) -> None:
        free = string.ascii_lowercase[: len(shape) - 2]
        out = string.ascii_uppercase[: len(sizes)]
        dense = EinsumDense(
            f"{free}yz,yz{out}->{free}{out}", (*[None] * (len(shape) - 3), *sizes),
            bias_axes=out if self.use_bias else None, name="attention_output", **self._shared(),
        )  # fmt: skip
        self._keep(f"{self._prefix}output_dense", dense, shape)

    def _keep(self, attribute: str, dense: EinsumDense, shape: tuple) -> None:
        dense.supports_masking = True  # it works step by step here, so the mask goes through
        setattr(self, attribute, dense)
        dense.build(shape)

    def _shared(self) -> dict[str, Any]:
        """The projections' arguments; random initializers are copies, each with a stream of its own."""
        given = {name: getattr(self, name) for name in _ARGUMENTS}
        for name in ("kernel_initializer", "bias_initializer"):
            if hasattr(given[name], "clone"):
                given[name] = given[name].clone()
        return {**given, "activity_regularizer": self._activity, "dtype": self.dtype_policy}

    # -- the computation ----------------------------------------------------------------------------------------------

    def call(
        self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
        key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False,
        training: bool | None = None, use_causal_mask: bool = False,
    ) -> Any:  # fmt: skip
        if return_attention_scores and self.flash_attention:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}): flash attention never has the scores. Use "
                "flash_attention=None, or return_attention_scores=False."
            )
        k = current()
        key = value if key is None else key
        mask = self._mask(k, query, key, query_mask, (value_mask, key_mask), attention_mask)
        gate = ops.sigmoid(getattr(self, "_gate_dense")(query)) if self.use_gate else None  # noqa: B009 - set by _add
        project = lambda name, x: getattr(self, f"{self._prefix}{name}_dense")(x)
        query, key, value = project("query", query), project("key", key), project("value", value)
        scores = None
        if self._why_by_steps(return_attention_scores, training) is None:
            attended = dot_product_attention(
                query, key, value, mask=mask, scale=self._size**-0.5, is_causal=use_causal_mask,
                flash_attention=config.is_flash_attention_enabled() if self.flash_attention is None else self.flash_attention,
            )  # fmt: skip
        else:
            attended, scores = self._attend(k, query, key, value, mask, use_causal_mask, training)
        attended = attended if gate is None else attended * gate
        outputs = getattr(self, f"{self._prefix}output_dense")(attended)
        return (outputs, scores) if return_attention_scores else outputs

    def why_not_fused(
        self, return_attention_scores: bool = False, training: bool | None = None
    ) -> str | None:
        """What keeps such a call from the framework's fused kernel.

        Args:
            return_attention_scores: Whether the call asks for the scores.
            training: Whether the layer is being trained.

        Returns:
            The reason, or None if nothing does. Which of several fused kernels it is, the framework decides by the
            tensors; with `flash_attention=True` an error gives its reasons.

        Example:
            >>> import lamina
            >>> lamina.layers.MultiHeadAttention(2, 4, dropout=0.1).why_not_fused(training=True)
            'dropout drops single weights'
        """
        reason, k = self._why_by_steps(return_attention_scores, training), current()
        if reason is None and "dot_product_attention" not in k.overrides:
            return f"the backend {k.name!r} has no fused attention"
        return reason

    def _why_by_steps(self, return_attention_scores: bool, training: bool | None) -> str | None:
        """What in the call itself needs the weights at hand."""
        checks = [
            (return_attention_scores, "the scores are asked for"),
            (bool(self.dropout and training), "dropout drops single weights"),
            (not self._is_plain(), "it attends over other axes than axis 1 of tensors of rank 3"),
        ]
        return next((reason for found, reason in checks if found), None)

    def _is_plain(self) -> bool:
        return True

    def _axes(self) -> tuple[int, ...]:
        """The axes that attention goes over."""
        return (1,)

    def _attend(
        self, k: Kernel, query: Any, key: Any, value: Any, mask: Any, causal: bool, training: Any
    ) -> tuple:
        """With the weights at hand: (batch, ..., heads, size) and (batch, others, heads, queries, places)."""
        share = self._heads // self._groups
        if share > 1:
            key, value = (k.repeat(x, share, len(x.shape) - 2) for x in (key, value))
        n = len(self._axes())
        order = _heads_first(len(query.shape), self._axes())
        query, key, value = (k.permute_dims(x, order) for x in (query * self._size**-0.5, key, value))
        queries, places = k.shape(query)[-1 - n : -1], k.shape(key)[-1 - n : -1]
        query, key, value = (_merged(k, x, n) for x in (query, key, value))
        rank = len(key.shape)
        logits = k.matmul(query, k.permute_dims(key, (*range(rank - 2), rank - 1, rank - 2)))
        merged = k.shape(logits)
        logits = k.reshape(logits, (*merged[:-2], *queries, *places))
        if causal:
            if n > 1:
                raise ValueError(
                    f"Layer {self.path!r} ({type(self).__name__}): `use_causal_mask` needs a single attention axis."
                )
            early = causal_mask(k, queries[0], places[0])
            mask = early if mask is None else k.logical_and(early, mask)
        weights = weights_of(k, logits, mask, tuple(range(-n, 0)) if n > 1 else -1)
        if mask is not None:
            weights = k.where(mask, weights, 0.0)  # a query without a place gets nothing here, as in Keras
        dropped = self._dropout_layer(weights, training=training) if self.dropout else weights
        result = k.matmul(k.reshape(dropped, merged), value)
        result = k.reshape(result, (*merged[:-2], *queries, k.shape(value)[-1]))
        back = sorted(range(len(order)), key=lambda i: order[i])
        return k.permute_dims(result, tuple(back)), weights

    def _mask(
        self, k: Kernel, query: Any, key: Any, query_mask: Any, place_masks: tuple, attention_mask: Any
    ) -> Any:
        """All masks and the window in one, with as many axes as the logits; None if there are none."""
        axes = self._axes()
        n = len(axes)
        queries, places = ([x.shape[a] for a in axes] for x in (query, key))
        found = []
        if query_mask is not None and self._hides_queries:
            self._check_one(query_mask, "query_mask", query.shape[0], queries)
            found.append(k.expand_dims(query_mask, tuple(range(n + 1, 2 * n + 1))))
        for name, mask in zip(("value_mask", "key_mask"), place_masks, strict=True):
            if mask is not None:
                self._check_one(mask, name, key.shape[0], places)
                found.append(k.expand_dims(mask, tuple(range(1, n + 1))))
        if attention_mask is not None:
            last = attention_mask.shape[-2 * n :]
            check_mask(
                self,
                "the end of `attention_mask`",
                last,
                "(queries, places)",
                [*queries, *places],
                spread=True,
            )
            found.append(attention_mask)
        if self.sliding_window is not None:
            found.append(self._window(k, k.shape(query)[axes[0]], k.shape(key)[axes[0]]))
        both = None
        for mask in found:
            spread = _spread(k, k.astype(mask, "bool"), n, len(query.shape) + n)
            both = spread if both is None else k.logical_and(both, spread)
        return both

    _hides_queries = True  # whether masked queries get no weights; their outputs carry the mask in any case

    def _check_one(self, mask: Any, name: str, batch: Any, sizes: list[Any]) -> None:
        axes = "(batch, axes that are attended over)"
        check_mask(
            self, f"`{name}` (unlike `attention_mask`)", mask.shape, axes, [batch, *sizes], spread=True
        )

    def _window(self, k: Kernel, queries: Any, places: Any) -> Any:
        row = k.expand_dims(k.arange(0, queries, 1, "int32"), 1)
        return k.abs(row - k.arange(0, places, 1, "int32")) < self.sliding_window

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; `flash_attention`, which Keras leaves out, only where it says something."""
        config = {**super().get_config(), "activity_regularizer": serialize(self._activity)}
        return (
            config
            if self.flash_attention is not None
            else {k: v for k, v in config.items() if k != "flash_attention"}
        )


def _heads_first(rank: int, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order (batch, other axes, heads, attended axes, size) of a tensor (batch, ..., heads, size)."""
    others = [a for a in range(1, rank - 2) if a not in axes]
    return (0, *others, rank - 2, *axes, rank - 1)


def _merged(k: Kernel, x: Any, n: int) -> Any:
    """The n axes before the last as one."""
    if n == 1:
        return x
    sizes = k.shape(x)
    return k.reshape(x, (*sizes[: -1 - n], math.prod(sizes[-1 - n : -1]), sizes[-1]))


def _spread(k: Kernel, mask: Any, n: int, rank: int) -> Any:
    """A mask (batch, queries, places), each n axes, or one with heads, with as many axes as the logits."""
    place = len(mask.shape) - 2 * n
    missing = rank - len(mask.shape)
    return k.expand_dims(mask, tuple(range(place, place + missing))) if missing else mask


def _checked_sizes(output_shape: Any) -> Any:
    """The sizes of the output behind the queries' axes, or None.

    Raises:
        ValueError: if they are no positive integers.
    """
    if output_shape is None:
        return None
    sizes = (output_shape,) if isinstance(output_shape, int) else output_shape
    if not isinstance(sizes, list | tuple) or not all(hasattr(n, "__index__") and n > 0 for n in sizes):
        raise ValueError(
            f"MultiHeadAttention: `output_shape` must be a positive integer or several, got {output_shape!r}."
        )
    return tuple(sizes)


class MultiHeadAttention(_Heads):
    """Attention in several heads, each on projections of its own.

    `y = concat_h(softmax(Q_h K_h^T / sqrt(key_dim)) V_h) W`, where Q_h, K_h, V_h are affine maps of query, key, value

    Args:
        num_heads: The number of heads.
        key_dim: The size of queries and keys in each head.
        value_dim: The size of values in each head; `key_dim` by default.
        dropout: The part of the weights that is dropped during training.
        use_bias: Whether the projections have biases.
        output_shape: The size or sizes of the output behind the queries' axes; the query's by default.
        attention_axes: The axes that attention goes over; all between batch and features by default.
        sliding_window: How near a place must be: `|query - place| < sliding_window`.
        flash_attention: True insists on the framework's fused kernel; None takes one where there is one.
            `why_not_fused` says what keeps a call from it.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the projections.
        kernel_constraint, bias_constraint: Projections after each update.
        use_gate: Whether each head's result is multiplied by `sigmoid` of a map of the query.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, queries, features) from query (batch, queries, features), value (batch, places, features) and
        key (like the value, which it is by default); with `return_attention_scores=True` also the weights (batch,
        heads, queries, places). Boolean masks say what may be looked at: `value_mask` and `key_mask` (batch, places),
        `attention_mask` (batch, queries, places), `use_causal_mask` for places not after the query. The query's mask
        is the output's.

    Raises:
        ValueError: if an argument is out of range, or shapes do not fit.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.MultiHeadAttention(num_heads=2, key_dim=4)
        >>> x = lamina.ops.ones((2, 5, 6))
        >>> layer(x, x, use_causal_mask=True).shape == (2, 5, 6)
        True

    Reference:
        Vaswani et al., 2017: Attention Is All You Need, https://arxiv.org/abs/1706.03762
    """

    num_heads: int = 1
    key_dim: int = 1
    value_dim: int = 1
    dropout: float = 0.0
    use_bias: bool = True
    attention_axes: Any = None
    _hides_queries = False  # as in Keras

    def __init__(
        self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0,
        use_bias: bool = True, output_shape: Any = None, attention_axes: Any = None,
        sliding_window: int | None = None, flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, use_gate: bool = False, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.num_heads = at_least("MultiHeadAttention", "num_heads", num_heads, 1)
        self.key_dim = at_least("MultiHeadAttention", "key_dim", key_dim, 1)
        self.value_dim = (
            key_dim if value_dim is None else at_least("MultiHeadAttention", "value_dim", value_dim, 1)
        )
        super().__init__(
            num_heads, num_heads, key_dim, self.value_dim, dropout, use_bias, sliding_window, flash_attention,
            kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
            kernel_constraint, bias_constraint, use_gate, seed, **kwargs,
        )  # fmt: skip
        self.output_shape = _checked_sizes(output_shape)
        if not isinstance(attention_axes, int | list | tuple | None) or attention_axes in ((), []):
            raise ValueError(
                f"MultiHeadAttention: `attention_axes` must be an integer, several, or None, got {attention_axes!r}."
            )
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes

    # filled by `build`; their names are those of files
    query_dense: Any = None
    key_dense: Any = None
    value_dense: Any = None
    output_dense: Any = None
    # the names that packages read
    _query_dense = property(lambda self: self.query_dense)
    _key_dense = property(lambda self: self.key_dense)
    _value_dense = property(lambda self: self.value_dense)
    _output_dense = property(lambda self: self.output_dense)

    def build(self, query_shape: tuple, value_shape: tuple, key_shape: Any = None) -> None:
        rank = len(query_shape)
        given = range(1, rank - 1) if self.attention_axes is None else self.attention_axes
        axes = tuple(a % rank for a in given)
        if any(not 0 < a < rank - 1 for a in axes):
            raise ValueError(
                f"Layer {self.path!r} (MultiHeadAttention): `attention_axes` {tuple(given)} must lie between the batch "
                f"and the features of a query of shape {query_shape}."
            )
        self.attention_axes, self._rank = axes, rank
        if len(axes) > 1 and self.sliding_window is not None:
            raise ValueError(
                f"Layer {self.path!r} (MultiHeadAttention): `sliding_window` needs a single attention axis."
            )
        super().build(query_shape, value_shape, key_shape)

    def _output_sizes(self, query_shape: tuple) -> tuple[int, ...]:
        return super()._output_sizes(query_shape) if self.output_shape is None else tuple(self.output_shape)

    def _axes(self) -> tuple[int, ...]:
        return (1,) if self.attention_axes is None else tuple(self.attention_axes)

    def _is_plain(self) -> bool:
        return self.query_dense is None or (self._axes() == (1,) and self._rank == 3)


class GroupedQueryAttention(_Heads):
    """Attention in several heads, of which groups share their keys and values.

    `y = concat_h(softmax(Q_h K_g^T / sqrt(head_dim)) V_g) W`, where g is the group of head h

    Args:
        head_dim: The size of queries, keys and values in each head.
        num_query_heads: The number of heads.
        num_key_value_heads: The number of groups; it divides the number of heads.
        dropout: The part of the weights that is dropped during training.
        use_bias: Whether the projections have biases.
        sliding_window: How near a place must be: `|query - place| < sliding_window`.
        flash_attention: True insists on the framework's fused kernel; None takes one where there is one.
            `why_not_fused` says what keeps a call from it.
        kernel_initializer, bias_initializer: First values.
        kernel_regularizer, bias_regularizer, activity_regularizer: Penalties on the projections.
        kernel_constraint, bias_constraint: Projections after each update.
        use_gate: Whether each head's result is multiplied by `sigmoid` of a map of the query.
        seed: An integer for repeatable dropout.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (batch, queries, features) from query (batch, queries, features), value (batch, places, features) and
        key (like the value, which it is by default); with `return_attention_scores=True` also the weights (batch,
        heads, queries, places). Masks are those of `MultiHeadAttention`, and `query_mask` (batch, queries).

    Raises:
        ValueError: if the groups do not divide the heads, an argument is out of range, or shapes do not fit.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
        >>> x = lamina.ops.ones((2, 5, 6))
        >>> layer(x, x).shape == (2, 5, 6)
        True

    Reference:
        Ainslie et al., 2023: GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints,
        https://arxiv.org/abs/2305.13245
    """

    _prefix = "_"

    def __init__(
        self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
        use_bias: bool = True, sliding_window: int | None = None, flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
        bias_constraint: Any = None, use_gate: bool = False, seed: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        self.head_dim = at_least("GroupedQueryAttention", "head_dim", head_dim, 1)
        self.num_query_heads = at_least("GroupedQueryAttention", "num_query_heads", num_query_heads, 1)
        self.num_key_value_heads = at_least(
            "GroupedQueryAttention", "num_key_value_heads", num_key_value_heads, 1
        )
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                f"GroupedQueryAttention: `num_query_heads` must be a multiple of `num_key_value_heads`, got "
                f"{num_query_heads} and {num_key_value_heads}. Use a number of groups that divides the heads."
            )
        super().__init__(
            num_query_heads, num_key_value_heads, head_dim, head_dim, dropout, use_bias, sliding_window,
            flash_attention, kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            activity_regularizer, kernel_constraint, bias_constraint, use_gate, seed, **kwargs,
        )  # fmt: skip


GroupQueryAttention = GroupedQueryAttention  # the public name, which files have; `__name__` and names made from it are as in Keras
GroupedQueryAttention.__qualname__ = "GroupQueryAttention"
