"""Hashing, of one column and of a cross of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.backends.beside import host_call
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.layers.preprocessing import fingerprint
from lamina.layers.preprocessing.base import is_abstract, one_of, only_shapes, sparse_output, symbolic
from lamina.layers.preprocessing.bins import bins_in_program, bins_of_integers, bins_of_packed, checked_salt
from lamina.layers.preprocessing.encode import MODES, encode, encode_on_host, encoded_shape
from lamina.layers.preprocessing.host import OnHost, integers, received, whole
from lamina.layers.preprocessing.index import Index
from lamina.layers.preprocessing.packed import Packed, pack
from lamina.layers.preprocessing.strings import Strings, strings
from lamina.layers.preprocessing.words import Word


def _dtype_for(layer: str, mode: str, dtype: Any) -> Any:
    """The dtype argument: int64 for bins, the default float for vectors.

    Raises:
        ValueError: if bins are wanted in a dtype that is no integer.
    """
    if dtype is None:
        return "int64" if mode == "int" else None
    name = getattr(dtype, "name", dtype)
    if isinstance(dtype, dict):
        name = dtype.get("config", {}).get("name", "")
    if mode == "int" and not str(name).startswith(("int", "uint")):
        raise ValueError(
            f"{layer}: bins (output_mode='int') are integers: `dtype` must be 'int64' or 'int32'; got {name!r}."
        )
    return dtype


def _positive(layer: Any, num_bins: Any) -> int:
    if isinstance(num_bins, bool) or not hasattr(num_bins, "__index__") or num_bins <= 0:
        raise ValueError(f"{type(layer).__name__}: `num_bins` must be a positive integer; got {num_bins!r}.")
    return int(num_bins)


class Hashing(OnHost):
    """Put strings and integers into bins by their hash, without a vocabulary.

    `bin = FarmHash64(text of x) mod num_bins`; with a salt, SipHash-2-4 under that key. An integer's text is its decimal
    digits; of floats the fraction is left out. The bins are those of Keras on TensorFlow.

    Strings are hashed on the host. Integers are hashed by the backend inside a compiled model.

    Args:
        num_bins: How many bins there are, that of the mask included.
        mask_value: What goes to bin 0, alone; the other bins are then 1 and up.
        salt: An integer or a pair of integers: the key of a hash that others cannot foresee.
        output_mode: "int" for the bins, "one_hot" for a vector for each value, "multi_hot" or "count" for one vector for
            the last axis.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        **kwargs: `name`, `dtype` (of the output; int64 for bins by default), `trainable`.

    Returns:
        Integers of the input's shape, or floats (..., num_bins).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> layer = lamina.layers.Hashing(num_bins=3)
        >>> lamina.ops.convert_to_numpy(layer([["A"], ["B"], ["C"], ["D"]])).ravel().tolist()
        [1, 0, 1, 1]

    Reference:
        FarmHash: https://github.com/google/farmhash; SipHash: https://doi.org/10.1007/978-3-642-34931-7_28
    """

    def __init__(
        self,
        num_bins: int,
        mask_value: Any = None,
        salt: Any = None,
        output_mode: str = "int",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        one_of(self, "output_mode", output_mode, MODES)
        kwargs["dtype"] = _dtype_for("Hashing", output_mode, kwargs.get("dtype"))
        super().__init__(**kwargs)
        self.num_bins = _positive(self, num_bins)
        if mask_value is not None and self.num_bins < 2:
            raise ValueError(
                "Hashing: `mask_value` takes one bin for itself, so `num_bins` must be 2 or more; got 1."
            )
        self.mask_value, self.output_mode = mask_value, output_mode
        self.sparse = sparse_output(self, sparse, output_mode)
        self.salt = checked_salt(self, salt)
        self.supports_masking = False

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)

    @property
    def _free(self) -> int:
        """The bins that hashes go to."""
        return self.num_bins - (self.mask_value is not None)

    def _of_strings(self, inputs: Strings) -> Any:
        hidden = isinstance(self.mask_value, str | bytes)
        mask = Index(pack([self.mask_value]), np.zeros(1, np.int64), -1) if hidden else None

        def binned(texts: Packed) -> np.ndarray:
            bins = bins_of_packed(texts, self._free, self.salt)
            if self.mask_value is not None:
                bins += 1
            return bins if mask is None else np.where(mask.find(texts) == 0, 0, bins)

        return self._encoded(inputs.mapped("utf-8", binned).reshape(inputs.shape))

    def _of_numbers(self, inputs: np.ndarray) -> Any:
        inputs = integers(inputs)
        bins = bins_of_integers(inputs, self._free, self.salt)
        if self.mask_value is not None:
            bins = np.where(inputs == self._mask_number(), 0, bins + 1)
        return self._encoded(bins)

    def _encoded(self, bins: np.ndarray) -> np.ndarray:
        return encode_on_host(bins, self.output_mode, self.num_bins, self._host_dtype())

    def _mask_number(self) -> int:
        if isinstance(self.mask_value, str | bytes):
            raise TypeError(
                f"Layer {self.path!r} (Hashing) got numbers, but its `mask_value` is the string {self.mask_value!r}. Use a "
                "number, or pass strings."
            )
        value: Any = self.mask_value
        return int(value)

    def _in_program(self, k: Any, inputs: Any) -> Any:
        inputs = whole(k, inputs)
        bins = bins_in_program(k, inputs, self._free, self.salt)
        if self.mask_value is not None:
            one = k.full((), 1, "int32")
            hidden = k.equal(inputs, k.full((), self._mask_number(), k.dtype(inputs)))
            bins = k.where(hidden, k.full((), 0, "int32"), k.add(bins, one))
        return encode(k, bins, self.output_mode, self.num_bins, self._output_dtype())


class HashedCrossing(OnHost):
    """Put combinations of several columns into bins by their hash.

    The hash starts as a constant and takes up the columns one after the other with FarmHash's FingerprintCat64: strings by
    their fingerprint, integers by their 64 bits. The bins are those of Keras on TensorFlow.

    Args:
        num_bins: How many bins there are.
        output_mode: "int" for the bins, "one_hot" for a vector for each row.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        name: A name.
        dtype: Of the output; int64 for bins by default.
        **kwargs: `trainable`.

    Returns:
        For columns of shape (), (batch,) or (batch, 1): integers of that shape, or floats (batch, num_bins).

    Raises:
        ValueError: if there are fewer than two columns, or their shapes differ.

    Example:
        >>> layer = lamina.layers.HashedCrossing(num_bins=5)
        >>> lamina.ops.convert_to_numpy(layer((["A", "B"], [101, 104]))).tolist()
        [1, 3]
    """

    def __init__(
        self,
        num_bins: int,
        output_mode: str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        one_of(self, "output_mode", output_mode, ("int", "one_hot"))
        super().__init__(name=name, dtype=_dtype_for("HashedCrossing", output_mode, dtype), **kwargs)
        self.num_bins, self.output_mode = _positive(self, num_bins), output_mode
        self.sparse = sparse_output(self, sparse, output_mode)

    def _received(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple) or len(inputs) < 2:
            raise ValueError(
                f"Layer {self.path!r} (HashedCrossing) crosses two columns or more, in a list or tuple; got "
                f"{type(inputs).__name__}{f' of {len(inputs)}' if isinstance(inputs, list | tuple) else ''}."
            )
        return [received(x, "HashedCrossing") for x in inputs]

    def build(self, input_shape: Any) -> None:
        """Nothing to make."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        return encoded_shape(input_shape[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic output."""
        self._check([x.shape for x in inputs], [x.dtype for x in inputs])
        return symbolic(self.compute_output_shape([x.shape for x in inputs]), self._output_dtype())

    def _check(self, shapes: list[Any], kinds: list[str]) -> None:
        for i, kind in enumerate(kinds):
            if kind != "string" and kind not in dtypes.IS_INTEGER:
                raise ValueError(
                    f"Layer {self.path!r} (HashedCrossing) crosses strings and integers; column {i} has dtype {kind}."
                )
        first = shapes[0]
        same = all(
            len(s) == len(first) and all(_may_be(a, b) for a, b in zip(s, first, strict=True)) for s in shapes
        )
        if not same or len(first) > 2 or (len(first) == 2 and not _may_be(first[1], 1)):
            raise ValueError(
                f"Layer {self.path!r} (HashedCrossing): all columns must have one shape, (), (batch,) or (batch, 1); got "
                f"{', '.join(str(tuple(s)) for s in shapes)}."
            )

    def call(self, inputs: Any) -> Any:
        k = current()
        kind = lambda x: (
            "string" if isinstance(x, Strings) else x.dtype.name if isinstance(x, np.ndarray) else k.dtype(x)
        )
        kinds = [kind(x) for x in inputs]
        self._check([tuple(x.shape) for x in inputs], kinds)
        if all(isinstance(x, Strings | np.ndarray) for x in inputs):
            return self._out(self._crossed(inputs))
        tensors = [k.asarray(x) if isinstance(x, np.ndarray) else x for x in inputs]
        if "string" not in kinds:
            return self._in_program(k, tensors)
        if any(is_abstract(x) for x in tensors):
            return only_shapes(self.compute_output_shape([x.shape for x in inputs]), self._output_dtype())
        if any(isinstance(x, Strings) for x in tensors):  # beside tensors with values
            return self._out(self._crossed([x if isinstance(x, Strings) else k.to_numpy(x) for x in tensors]))

        read = lambda x: strings(x, "HashedCrossing") if x.dtype.kind == "O" else x
        compute = lambda *columns: self._crossed([read(np.asarray(x)) for x in columns])
        shape = self.compute_output_shape([x.shape for x in inputs])
        return host_call(k, compute, tensors, self._output_dtype(), shape)

    def _crossed(self, columns: list[Any]) -> np.ndarray:
        result: Any = np.uint64(fingerprint.CROSSING_SEED) * np.ones(1, np.uint64)
        for x in columns:
            if isinstance(x, Strings):
                hashes = x.mapped("utf-8", fingerprint.fingerprint64)
            else:
                hashes = x.astype(np.int64).reshape(-1).view(np.uint64)
            result = fingerprint.joined(result, hashes)
        bins = (result % np.uint64(self.num_bins)).astype(np.int64).reshape(columns[0].shape)
        return encode_on_host(bins, self.output_mode, self.num_bins, self._host_dtype())

    def _in_program(self, k: Any, inputs: Any) -> Any:
        first = Word.of_integers(k, inputs[0])
        result = (first ^ first) ^ fingerprint.CROSSING_SEED
        for x in inputs:
            result = fingerprint.joined(result, Word.of_integers(k, x))
        return encode(
            k, result.remainder(self.num_bins), self.output_mode, self.num_bins, self._output_dtype()
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments, the dtype by its name."""
        return {
            "num_bins": self.num_bins, "output_mode": self.output_mode, "sparse": self.sparse, "name": self.name,
            "dtype": self.dtype_policy.name,
        }  # fmt: skip


def _may_be(a: Any, b: Any) -> bool:
    return a is None or b is None or type(a) is not int or type(b) is not int or a == b
