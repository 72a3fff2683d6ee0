"""CategoryEncoding: integers to one-hot, multi-hot or counted vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel.context import current
from lamina.layers.preprocessing.base import one_of, sparse_output, symbolic
from lamina.layers.preprocessing.encode import encode, encode_on_host, encoded_shape
from lamina.layers.preprocessing.host import OnHost, integers, whole
from lamina.layers.preprocessing.streams import numbers


class CategoryEncoding(OnHost):
    """Integers below a known number to vectors: one for each, or one for the last axis.

    Integers outside 0 .. num_tokens - 1 leave no trace.

    Args:
        num_tokens: How many categories there are: the size of the vectors.
        output_mode: "one_hot", a vector for each integer (of a last axis of size 1 that axis goes away); "multi_hot", one
            vector with ones for all that occur in the last axis; "count", how often each occurs.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        **kwargs: `name`, `dtype`, `trainable`.

    Returns:
        Floats (..., num_tokens).

    Raises:
        ValueError: if an argument is out of range, or `count_weights` are given in another mode than "count".

    Example:
        >>> layer = lamina.layers.CategoryEncoding(num_tokens=4, output_mode="count")
        >>> lamina.ops.convert_to_numpy(layer([[0, 1, 1], [3, 0, 0]])).tolist()
        [[1.0, 2.0, 0.0, 0.0], [2.0, 0.0, 0.0, 1.0]]
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        one_of(self, "output_mode", output_mode, ("one_hot", "multi_hot", "count"))
        if (
            num_tokens is None
            or isinstance(num_tokens, bool)
            or not hasattr(num_tokens, "__index__")
            or num_tokens < 1
        ):
            raise ValueError(
                f"CategoryEncoding: `num_tokens` must be a positive integer; got {num_tokens!r}. If it is not known, use "
                "IntegerLookup, which learns it."
            )
        self.num_tokens, self.output_mode = int(num_tokens), output_mode
        self.sparse = sparse_output(self, sparse, output_mode)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        return encoded_shape(input_shape, self.output_mode, self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> Any:
        """The symbolic output."""
        self._takes(inputs.dtype)
        return symbolic(self.compute_output_shape(inputs.shape), self._output_dtype())

    def _takes(self, dtype: str) -> None:
        if dtype == "string":
            raise TypeError(
                f"Layer {self.path!r} (CategoryEncoding) takes integers, got strings. Use StringLookup, which can encode, too."
            )

    def call(self, inputs: Any, count_weights: Any = None) -> Any:
        """Encode.

        Args:
            inputs: Integers (..., n).
            count_weights: What each of them counts in mode "count", of the same shape; 1 by default.
        """
        if count_weights is None:
            return super().call(inputs)
        if self.output_mode != "count":
            raise ValueError(
                f"Layer {self.path!r} (CategoryEncoding): `count_weights` are for `output_mode='count'`; the mode is "
                f"{self.output_mode!r}."
            )
        k = current()
        if isinstance(inputs, np.ndarray) and not (
            isinstance(count_weights, k.Tensor) and k.Tensor is not np.ndarray
        ):
            weights = numbers(count_weights, "CategoryEncoding: `count_weights`")
            if weights.shape != inputs.shape:
                raise ValueError(
                    f"Layer {self.path!r} (CategoryEncoding): `count_weights` must have the shape of the inputs, "
                    f"{inputs.shape}; got {weights.shape}."
                )
            return self._out(self._encoded(inputs, weights))
        return self._in_program(k, k.asarray(inputs), k.asarray(count_weights))

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        return self._encoded(inputs, None)

    def _encoded(self, inputs: np.ndarray, weights: Any) -> np.ndarray:
        return encode_on_host(
            integers(inputs), self.output_mode, self.num_tokens, self._host_dtype(), weights
        )

    def _in_program(self, k: Any, inputs: Any, weights: Any = None) -> Any:
        return encode(k, whole(k, inputs), self.output_mode, self.num_tokens, self._output_dtype(), weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments, without `sparse`, which Keras leaves out, too."""
        config = super().get_config()
        config.pop("sparse", None)
        return config
