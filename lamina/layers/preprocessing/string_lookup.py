"""StringLookup: strings to indices by a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.beside import host_call, is_of_a_graph
from lamina.kernel import dtypes
from lamina.layers.preprocessing.bins import bins_of_texts
from lamina.layers.preprocessing.lookup import Lookup
from lamina.layers.preprocessing.streams import numbers
from lamina.layers.preprocessing.strings import Strings, is_strings, strings

_FEW = 500  # strings that are looked up one by one sooner than all at once


class StringLookup(Lookup):
    """Strings to indices by a vocabulary; unknown ones share an index, or several by their hash.

    The vocabulary is given, or learned by `adapt`: by frequency, then by bytes, both from the highest down. Looking up
    happens on the host, ahead of the compiled model.

    Args:
        max_tokens: How large the vocabulary may be, special tokens included; None means any size.
        num_oov_indices: How many indices unknown strings share (by FarmHash if more than one); with 0 they are an error.
        mask_token: A string with index 0 ("int") or without any trace; None for no mask.
        oov_token: What unknown indices become with `invert`.
        vocabulary: Strings in the order of their indices, or the path of a file with one a line.
        idf_weights: For "tf_idf" with a given vocabulary: the inverse document frequency of each string.
        invert: Whether to turn indices into strings.
        output_mode: "int"; "one_hot", a vector for each string; "multi_hot", "count" or "tf_idf", one for the last axis.
        pad_to_max_tokens: Whether vectors have the size `max_tokens` also if the vocabulary is smaller.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        encoding: How bytes become text.
        name: A name.
        salt: An integer or a pair: unknown strings get their index by SipHash under that key.
        **kwargs: `dtype` (of vectors), `trainable`.

    Returns:
        Integers of the input's shape, floats (..., size), or an array of strings with `invert`.

    Raises:
        ValueError: if arguments contradict each other, or a string is unknown with `num_oov_indices=0`.
        RuntimeError: if there is no vocabulary yet.

    Example:
        >>> layer = lamina.layers.StringLookup()
        >>> layer.adapt(["cat", "dog", "cat"])
        >>> layer.get_vocabulary()
        ['[UNK]', 'cat', 'dog']
        >>> lamina.ops.convert_to_numpy(layer([["dog", "cow"]])).tolist()
        [[2, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        size, _ = kwargs.pop("vocabulary_size", None), kwargs.pop("oov_method", None)  # of configs
        super().__init__(name=name, **kwargs)
        self.mask_token, self.oov_token, self.encoding = _text(mask_token), _text(oov_token), encoding
        self._settle(max_tokens, num_oov_indices, invert, output_mode, pad_to_max_tokens, sparse, salt, size)
        self._takes_text = not self.invert
        self._take_given(vocabulary, idf_weights)

    def _tokens_of(self, vocabulary: Any) -> list[str]:
        if isinstance(vocabulary, list | tuple) and not vocabulary:
            return []
        return strings(vocabulary, "StringLookup: the vocabulary").text(self.encoding)

    def _tokens_and_shape(self, data: Any) -> tuple[list[str], tuple[int, ...]]:
        found = strings(data, "StringLookup.adapt")
        return found.text(self.encoding), found.shape

    def _order(self, token: Any) -> bytes:
        return token.encode(self.encoding, "surrogateescape")

    def _takes(self, dtype: str) -> None:
        if self.invert and dtype not in dtypes.IS_INTEGER:
            raise TypeError(
                f"Layer {self.path!r} (StringLookup) with `invert=True` takes integers, the indices; got {dtype}."
            )
        if not self.invert and dtype != "string":
            raise TypeError(
                f"Layer {self.path!r} (StringLookup) takes strings, got {dtype}. Declare the input with "
                "`dtype='string'`, or use IntegerLookup for numbers."
            )

    def _received(self, inputs: Any) -> Any:
        if self.invert and isinstance(inputs, list | tuple) and not is_strings(inputs):
            return numbers(inputs, "StringLookup")
        return super()._received(inputs)

    def _output_dtype(self) -> str:
        return "string" if self.invert else super()._output_dtype()

    def _of_strings(self, inputs: Strings) -> Any:
        vocabulary = self._ready()
        if len(inputs) < _FEW:
            flat = inputs.text(self.encoding)
            ids = vocabulary.indices(flat, len(flat))
        else:
            ids = inputs.mapped(self.encoding, lambda texts: vocabulary.find(texts, self.encoding))
        return self._encoded(self._resolved(ids, inputs).reshape(inputs.shape))

    def _resolved(self, ids: np.ndarray, inputs: Strings) -> np.ndarray:
        """Indices in which unknown tokens have theirs."""
        if self.num_oov_indices == 1:
            return ids
        places = np.flatnonzero(ids == -1)
        if places.size:
            tokens = inputs.text(self.encoding)
            unknown = [tokens[i] for i in places.tolist()]
            if not self.num_oov_indices:
                self._refuse_unknown(unknown)
            ids[places] = self._mask_indices + bins_of_texts(
                unknown, self.num_oov_indices, self.salt, self.encoding
            )
        return ids

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        names = np.array([*self.get_vocabulary(), self.oov_token], object)
        self._ready()
        last = len(names) - 1
        return names[np.where((inputs < 0) | (inputs >= last), last, inputs)]

    def _in_program(self, k: Any, inputs: Any) -> Any:
        if is_of_a_graph(inputs):
            return host_call(
                k, lambda x: self._of_numbers(x).astype(object), [inputs], "string", inputs.shape
            )
        return super()._in_program(k, inputs)


def _text(token: Any) -> Any:
    return token.decode() if isinstance(token, bytes) else token
