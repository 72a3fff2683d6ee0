"""IntegerLookup: integers to indices by a vocabulary, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.kernel import dtypes
from lamina.layers.preprocessing.base import one_of
from lamina.layers.preprocessing.bins import bins_in_program, bins_of_integers
from lamina.layers.preprocessing.encode import encode
from lamina.layers.preprocessing.host import integers, whole
from lamina.layers.preprocessing.lookup import Lookup
from lamina.layers.preprocessing.streams import numbers


class IntegerLookup(Lookup):
    """Integers to indices by a vocabulary; unknown ones share an index, or several.

    The vocabulary is given, or learned by `adapt`: by frequency, then by value, both from the highest down. Inside a
    compiled model the backend searches the sorted vocabulary.

    Args:
        max_tokens: How large the vocabulary may be, special tokens included; None means any size.
        num_oov_indices: How many indices unknown integers share; with 0 they are an error.
        mask_token: An integer with index 0 ("int") or without any trace; None for no mask.
        oov_token: What unknown indices become with `invert`.
        vocabulary: Integers in the order of their indices, or the path of a file with one a line.
        vocabulary_dtype: "int64".
        idf_weights: For "tf_idf" with a given vocabulary: the inverse document frequency of each integer.
        invert: Whether to turn indices into the integers of the vocabulary.
        output_mode: "int"; "one_hot", a vector for each integer; "multi_hot", "count" or "tf_idf", one for the last axis.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        pad_to_max_tokens: Whether vectors have the size `max_tokens` also if the vocabulary is smaller.
        oov_method: How unknown integers share several indices: "floormod", or "farmhash" of their digits.
        salt: An integer or a pair: a key for "farmhash", which is then SipHash.
        name: A name.
        **kwargs: `dtype` (of vectors), `trainable`.

    Returns:
        Integers of the input's shape, or floats (..., size).

    Raises:
        ValueError: if arguments contradict each other, or an integer is unknown with `num_oov_indices=0` (on the host;
            a compiled program cannot raise: the index is then -1).
        RuntimeError: if there is no vocabulary yet.

    Example:
        >>> layer = lamina.layers.IntegerLookup(vocabulary=[12, 36, 1138])
        >>> lamina.ops.convert_to_numpy(layer([[12, 1138, 7]])).tolist()
        [[1, 3, 0]]
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)  # of configs
        super().__init__(name=name, **kwargs)
        one_of(self, "vocabulary_dtype", vocabulary_dtype, ("int64",))
        self.oov_method = one_of(self, "oov_method", oov_method, ("floormod", "farmhash"))
        if salt is not None and oov_method != "farmhash":
            raise ValueError(
                "IntegerLookup: `salt` is for `oov_method='farmhash'`; the method is 'floormod'."
            )
        self.mask_token, self.oov_token, self.vocabulary_dtype = mask_token, oov_token, "int64"
        self._settle(max_tokens, num_oov_indices, invert, output_mode, pad_to_max_tokens, sparse, salt, size)
        self._take_given(vocabulary, idf_weights)

    def _tokens_of(self, vocabulary: Any) -> list[int]:
        try:
            if isinstance(vocabulary, list | tuple):
                vocabulary = [int(t) for t in vocabulary]
            return np.asarray(vocabulary).astype(np.int64).ravel().tolist()
        except (TypeError, ValueError) as error:
            raise ValueError(f"IntegerLookup: the vocabulary must hold integers: {error}.") from None

    def _tokens_and_shape(self, data: Any) -> tuple[list[int], tuple[int, ...]]:
        found = integers(numbers(data, "IntegerLookup.adapt"))
        return found.ravel().tolist(), found.shape

    def _keep(self, tokens: list[Any], weights: np.ndarray | None) -> None:
        super()._keep(tokens, weights)
        vocabulary = self._ready()
        keys, indices = vocabulary.sorted()
        if not len(keys):  # a search needs one
            keys, indices = np.zeros(1, np.int64), np.array([vocabulary.missing])
        self._keys, self._indices = keys, indices
        self._names = np.array([*self.get_vocabulary(), self.oov_token], np.int64)

    def _takes(self, dtype: str) -> None:
        if dtype == "string" or (self.invert and dtype not in dtypes.IS_INTEGER):
            raise TypeError(
                f"Layer {self.path!r} (IntegerLookup) takes integers, got {dtype}."
                f"{' Use StringLookup for strings.' if dtype == 'string' else ''}"
            )

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        vocabulary, inputs = self._ready(), integers(inputs)
        if self.invert:
            last = len(self._names) - 1
            return self._names[np.where((inputs < 0) | (inputs >= last), last, inputs)]
        keys, indices, flat = self._keys, self._indices, inputs.reshape(-1)
        places = np.minimum(np.searchsorted(keys, flat), len(keys) - 1)
        ids = np.where(keys[places] == flat, indices[places], vocabulary.missing)
        if self.num_oov_indices != 1 and (unknown := ids == -1).any():
            if not self.num_oov_indices:
                self._refuse_unknown(flat[unknown].tolist())
            ids[unknown] = self._mask_indices + self._shared(flat[unknown])
        return self._encoded(ids.reshape(inputs.shape))

    def _shared(self, unknown: np.ndarray) -> np.ndarray:
        if self.oov_method == "floormod":
            return unknown % self.num_oov_indices
        return bins_of_integers(unknown, self.num_oov_indices, self.salt)

    def _in_program(self, k: Any, inputs: Any) -> Any:
        vocabulary, inputs = self._ready(), whole(k, inputs)
        inputs = k.astype(inputs, "int64")
        if self.invert:
            names, last = self._constant(k, self._names), len(self._names) - 1
            outside = k.logical_or(
                k.less(inputs, self._one(k, 0, inputs)), k.greater_equal(inputs, self._one(k, last, inputs))
            )
            return k.take(names, k.where(outside, self._one(k, last, inputs), inputs), 0)
        keys, indices = self._constant(k, self._keys), self._constant(k, self._indices)
        places = k.searchsorted(keys, inputs, "left")
        places = k.minimum(places, k.full((), keys.shape[0] - 1, k.dtype(places)))
        unknown = k.not_equal(k.take(keys, places, 0), inputs)
        ids = k.where(unknown, self._one(k, vocabulary.missing, indices), k.take(indices, places, 0))
        if self.num_oov_indices > 1:
            ids = k.where(unknown, k.astype(self._shared_in_program(k, inputs), k.dtype(ids)), ids)
        return self._encoded_in_program(k, ids)

    def _shared_in_program(self, k: Any, inputs: Any) -> Any:
        if self.oov_method == "floormod":
            found = k.remainder(inputs, self._one(k, self.num_oov_indices, inputs))
        else:
            found = bins_in_program(k, inputs, self.num_oov_indices, self.salt)
        return k.add(found, self._one(k, self._mask_indices, found))

    def _encoded_in_program(self, k: Any, ids: Any) -> Any:
        mode, dtype = self.output_mode, self._output_dtype()
        if mode != "tf_idf":
            return encode(k, ids, mode, 0 if mode == "int" else self._depth(), dtype)
        return k.multiply(encode(k, ids, "count", self._depth(), dtype), k.asarray(self._idf(), dtype))

    @staticmethod
    def _one(k: Any, value: int, like: Any) -> Any:
        return k.full((), value, k.dtype(like))

    def _constant(self, k: Any, array: np.ndarray) -> Any:
        """An array of the vocabulary as a tensor.

        Raises:
            ValueError: if the backend has no 64 bits and the vocabulary needs them.
        """
        made = k.asarray(array, "int64")
        if k.dtype(made) != "int64" and array.size and np.abs(array).max() >= 1 << 31:
            raise ValueError(
                f"Layer {self.path!r} (IntegerLookup) has tokens of more than 32 bits, which this backend does not compute "
                "with. Look them up ahead of the model: pass NumPy arrays to the layer."
            )
        return made
