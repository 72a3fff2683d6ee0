"""Embedding: a table of vectors, read by index."""

from __future__ import annotations

import warnings
from typing import Any

from lamina import constraints, initializers, ops, regularizers
from lamina.core.codec import serialize
from lamina.core.input_spec import InputSpec
from lamina.core.masks import get_mask
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.layers._later import Adaptable, not_yet
from lamina.ops.checks import at_least


class Embedding(Adaptable):
    """Vectors for integers.

    `y = embeddings[x]`

    Args:
        input_dim: The number of vectors: the largest index plus 1.
        output_dim: The size of a vector.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: The table's first values, penalty,
            projection.
        mask_zero: Whether index 0 marks padding: the output then has the mask `x != 0`.
        weights: A list with the table's first values, instead of an initializer.
        lora_rank, lora_alpha, quantization_config: Not supported yet.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (..., output_dim) from integers of any shape.

    Raises:
        ValueError: if a dimension is no positive integer.

    Example:
        >>> import lamina
        >>> lamina.layers.Embedding(10, 4)(lamina.ops.array([[1, 2, 3]])).shape == (1, 3, 4)
        True
    """

    _keeps_marks = True
    _takes_indices = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        input_length = kwargs.pop("input_length", None)  # of Keras 2: only said the number of steps
        if input_length is not None:
            warnings.warn(f"{type(self).__name__}: `input_length` is deprecated, leave it out.", stacklevel=2)
            kwargs.setdefault("input_shape", input_length)
        super().__init__(**kwargs)
        not_yet(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.input_spec = InputSpec(min_ndim=0)
        kind = type(self).__name__
        self.input_dim = at_least(kind, "input_dim", input_dim, 1)
        self.output_dim = at_least(kind, "output_dim", output_dim, 1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero
        self._makes_masks = bool(mask_zero)
        self.autocast = False  # indices must not pass through half precision
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list | tuple) else [weights])

    def build(self, input_shape: Any = None) -> None:
        self._embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, name="embeddings",
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip

    @property
    def embeddings(self) -> Any:
        """The table, a Variable (input_dim, output_dim)."""
        return self.__dict__.get("_embeddings")

    @embeddings.setter
    def embeddings(self, value: Any) -> None:
        self._embeddings = value

    def call(self, inputs: Any) -> Any:
        if current().dtype(inputs) not in dtypes.IS_INTEGER:
            inputs = ops.cast(inputs, "int32")
        return ops.cast(ops.take(self._embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Where the index is not 0, if `mask_zero`."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments without first values."""
        config = {k: v for k, v in super().get_config().items() if k != "weights"}
        config["input_dim"] = (
            self.input_dim
        )  # elsewhere the old name of an input's size, which no config holds
        return {**config, "activity_regularizer": serialize(self.activity_regularizer)}


class ReversibleEmbedding(Embedding):
    """An embedding that can also map vectors back to scores of the indices.

    `embeddings[x]`, or with reverse=True `x reverse_embeddings`, which are the transposed embeddings when tied

    Args:
        input_dim: The number of vectors.
        output_dim: The size of a vector.
        tie_weights: Whether the way back uses the same table.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: The tables' first values, penalty,
            projection.
        mask_zero: Whether index 0 marks padding.
        reverse_dtype: The dtype in which the way back is computed; the compute dtype by default.
        logit_soft_cap: A bound c of the scores, by `c tanh(scores / c)`.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        (..., output_dim) from integers; (..., input_dim) from vectors under `reverse=True`.

    Raises:
        ValueError: if a dimension is no positive integer.

    Example:
        >>> import lamina
        >>> layer = lamina.layers.ReversibleEmbedding(10, 4)
        >>> vectors = layer(lamina.ops.array([[1, 2, 3]]))
        >>> layer(vectors, reverse=True).shape == (1, 3, 10)
        True

    Reference:
        Press and Wolf, 2016: Using the Output Embedding, https://arxiv.org/abs/1608.05859
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        tie_weights: bool = True,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        reverse_dtype: Any = None,
        logit_soft_cap: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint,
            mask_zero, **kwargs,
        )  # fmt: skip
        self.tie_weights = tie_weights
        self.reverse_dtype = None if reverse_dtype is None else dtypes.standardize(reverse_dtype)
        self.logit_soft_cap = logit_soft_cap
        self.quantization_config = None

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(
                (self.output_dim, self.input_dim), self.embeddings_initializer, name="reverse_embeddings",
                regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
            )  # fmt: skip

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if not reverse:
            return super().call(inputs)
        dtype = self.reverse_dtype or self.compute_dtype
        kernel = ops.transpose(self._embeddings) if self.tie_weights else self.reverse_embeddings
        scores = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
        cap = self.logit_soft_cap
        return scores if cap is None else ops.tanh(scores / cap) * cap

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of vectors on the way back, else as `Embedding`."""
        if dtypes.is_float(inputs.dtype):
            return get_mask(inputs)
        return super().compute_mask(inputs, previous_mask)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "quantization_config": None}
