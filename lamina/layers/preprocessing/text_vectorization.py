"""TextVectorization: texts to indices, or to counts, of their tokens."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from lamina.errors import SerializationError
from lamina.kernel.context import current
from lamina.kernel.tracebacks import folds_frames
from lamina.layers.preprocessing.base import one_of, sparse_output
from lamina.layers.preprocessing.encode import scatter
from lamina.layers.preprocessing.host import OnHost
from lamina.layers.preprocessing.lookup import MODES
from lamina.layers.preprocessing.streams import pieces
from lamina.layers.preprocessing.string_lookup import StringLookup
from lamina.layers.preprocessing.strings import Strings, strings
from lamina.layers.preprocessing.texts import SPLIT, STANDARDIZE, Tokenizer, runs
from lamina.layers.preprocessing.vocabulary import Counts

_FEW = 100  # texts that are looked up one by one sooner than all at once


class TextVectorization(OnHost):
    """Texts to the indices of their tokens, or to a vector that counts them.

    A text is standardized, split into tokens, runs of tokens are added, and each token is looked up in a vocabulary that
    was given or learned by `adapt`. That happens on the host, ahead of the compiled model, without TensorFlow and with
    its results: only letters of ASCII become lower-case, only blanks of ASCII separate.

    Args:
        max_tokens: How large the vocabulary may be, special tokens included; None means any size.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of a string that
            gives a string.
        split: "whitespace", "character", None (a text is a token), or a function of a string that gives its tokens.
        ngrams: An integer n for runs of up to n tokens, a tuple for runs of these lengths, None for single tokens.
        output_mode: "int" for indices; "multi_hot", "count" or "tf_idf" for one vector for each text; "one_hot", a vector
            for each token.
        output_sequence_length: For "int": the length that indices are cut or filled up to; None for the longest text's.
        pad_to_max_tokens: Whether vectors have the size `max_tokens` also if the vocabulary is smaller.
        vocabulary: Tokens in the order of their indices, or the path of a file with one a line.
        idf_weights: For "tf_idf" with a given vocabulary: the inverse document frequency of each token.
        sparse: Whether vectors are sparse tensors of jax or TensorFlow; in a compiled program they stay dense.
        ragged: For "int": whether texts keep their own lengths, as a list of arrays (a ragged tensor on TensorFlow).
        encoding: How bytes become text.
        name: A name.
        **kwargs: `dtype` (of vectors), `trainable`.

    Returns:
        Integers (batch, length) with 0 where a text has ended, or floats (batch, size).

    Raises:
        ValueError: if arguments contradict each other, or texts stand in several columns.
        RuntimeError: if there is no vocabulary yet.

    Example:
        >>> layer = lamina.layers.TextVectorization()
        >>> layer.adapt(["The cat sat.", "The dog ran!"])
        >>> layer.get_vocabulary()[:3]
        ['', '[UNK]', 'the']
        >>> lamina.ops.convert_to_numpy(layer(["The cow sat", "dog"])).tolist()
        [[2, 1, 3], [5, 0, 0]]
    """

    _takes_text = True

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)  # of configs
        super().__init__(name=name, **kwargs)
        if not callable(standardize) and standardize is not None:
            one_of(self, "standardize", standardize, STANDARDIZE)
        if not callable(split) and split is not None:
            one_of(self, "split", split, SPLIT)
        one_of(self, "output_mode", output_mode, MODES)
        self.output_sequence_length = _checked_length(output_sequence_length, output_mode)
        if ragged and output_mode != "int":
            raise ValueError(
                f"TextVectorization: `ragged=True` is for `output_mode='int'`; the mode is {output_mode!r}."
            )
        self.standardize, self.split, self.ngrams = standardize, split, ngrams
        self.max_tokens, self.output_mode, self.pad_to_max_tokens = (
            max_tokens,
            output_mode,
            bool(pad_to_max_tokens),
        )
        self.sparse = sparse_output(self, sparse, output_mode)
        self.ragged, self.encoding = bool(ragged), encoding
        self.vocabulary = self.idf_weights = None  # for the config: the lookup layer keeps them
        self._tokenizer = Tokenizer(standardize, split, _lengths(ngrams), encoding)
        self._counts: Counts | None = None
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, pad_to_max_tokens=pad_to_max_tokens,
            mask_token="", output_mode=output_mode, encoding=encoding, vocabulary_size=size, dtype=self.dtype_policy,
        )  # fmt: skip

    # -- the vocabulary -----------------------------------------------------------------------------------------------

    @folds_frames
    def adapt(
        self, data: Any, batch_size: int | None = None, steps: int | None = None, progress: Any = None
    ) -> None:
        """Make the vocabulary from texts: their tokens by how often they occur.

        Args:
            data: An array, list or column of texts, or an iterable of batches of them.
            batch_size: Not needed: data is read in pieces of a size that suits the cache.
            steps: How many batches of an iterable to read; None reads all.
            progress: Called after each part of the data with the number of rows so far, such as
                `lamina.utils.Progbar(None, unit_name="row").update`.

        Raises:
            ValueError: if the vocabulary was given, or the data is a table of several columns.
        """
        self.reset_state()
        for piece in pieces(data, "TextVectorization.adapt", steps, progress):
            self.update_state(piece)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of texts, (batch,) or (batch, 1)."""
        if self._lookup_layer._static:
            raise ValueError(
                f"Layer {self.path!r} (TextVectorization) has a vocabulary that was given to it, so it cannot adapt. Make "
                "one without `vocabulary=`."
            )
        if self._counts is None:
            self._counts = Counts(self.output_mode == "tf_idf")
        texts = strings(data, "TextVectorization.adapt")
        if self.split is not None:
            self._one_column(texts.shape)
        if self.output_mode == "tf_idf":
            self._counts.add_documents(self._rows(texts)[0])
        elif self._tokenizer.splits_at_once:
            for tokens, _ in self._tokenizer.at_once(texts):
                self._counts.add_packed(tokens)
        else:
            self._counts.add(chain.from_iterable(self._tokenizer.rows(texts.flat)))

    def finalize_state(self) -> None:
        """Make the vocabulary from what `update_state` counted."""
        if self._counts is None or self._lookup_layer._static:
            return
        inner = self._lookup_layer
        room = None if inner.max_tokens is None else max(inner.max_tokens - inner._first_index, 0)
        without = {inner.oov_token.encode(self.encoding), b""}
        tokens = self._counts.most_frequent(room, without, lambda token: token)
        weights = self._counts.idf(tokens) if self.output_mode == "tf_idf" else None
        inner._keep([t.decode(self.encoding, "surrogateescape") for t in tokens], weights)

    def reset_state(self) -> None:
        """Forget what was counted; the vocabulary stays until the next one is made."""
        self._counts = None

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: Whether the mask and the unknown token stand in front.

        Returns:
            A list of strings.
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    @folds_frames
    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary instead of adapting.

        Args:
            vocabulary: Tokens, or the path of a file with one a line.
            idf_weights: For "tf_idf": the inverse document frequency of each token.
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    def vocabulary_size(self) -> int:
        """How many tokens there are, special ones included."""
        return self._lookup_layer.vocabulary_size()

    # -- computing ----------------------------------------------------------------------------------------------------

    def _takes(self, dtype: str) -> None:
        if dtype != "string":
            raise TypeError(
                f"Layer {self.path!r} (TextVectorization) takes strings, got {dtype}. Declare the input with "
                "`dtype='string'`."
            )

    def _one_column(self, shape: Any) -> tuple[Any, ...]:
        """The axes in front of the texts' own.

        Raises:
            ValueError: if there is more than one text in the last axis.
        """
        shape = tuple(shape)
        if len(shape) > 1 and shape[-1] not in (1, None):
            raise ValueError(
                f"Layer {self.path!r} (TextVectorization) splits texts of shape (batch,) or (batch, 1), got {shape}. Call it "
                "once for each column, or set `split=None` if these are tokens."
            )
        return shape[:-1] if len(shape) > 1 else shape

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output; the length of the longest text is None."""
        if self.split is None and self.ngrams is None:
            shape = tuple(input_shape)
            if self.output_mode == "int" and self.output_sequence_length is not None and len(shape) > 1:
                return (*shape[:-1], self.output_sequence_length)
            return self._lookup_layer.compute_output_shape(shape)
        if self.output_mode == "int":
            return (*self._axes(input_shape), self.output_sequence_length)
        return self._lookup_layer.compute_output_shape((*self._axes(input_shape), None))

    def _axes(self, shape: Any) -> tuple[Any, ...]:
        return self._one_column(shape) if self.split is not None else tuple(shape)[:-1]

    def _output_dtype(self) -> str:
        return self._lookup_layer._output_dtype()

    def _rows(self, texts: Strings) -> tuple[list[list[bytes]], tuple[int, ...]]:
        """The tokens of each text, and the axes in front of them."""
        if self.split is not None:
            return self._tokenizer.rows(texts.flat), self._one_column(texts.shape)
        plain = (
            Tokenizer(self.standardize, None, None, self.encoding).standardized(texts.flat)
            if texts.flat
            else []
        )
        ngrams, flat = self._tokenizer.ngrams, len(texts.shape) < 2
        # without runs each of a column of texts stands for itself
        width = (len(plain) if ngrams else 1) if flat else texts.shape[-1]
        rows = [plain[i : i + width] for i in range(0, len(plain), width or 1)]
        if ngrams is not None:
            rows = [runs(row, ngrams) for row in rows]
        return rows, texts.shape if flat and ngrams is None else texts.shape[:-1]

    def _of_strings(self, inputs: Strings) -> Any:
        vocabulary = self._lookup_layer._ready()
        if self._tokenizer.splits_at_once and len(inputs) >= _FEW:
            axes = self._one_column(inputs.shape)
            parts = [
                (vocabulary.find(tokens, self.encoding), n) for tokens, n in self._tokenizer.at_once(inputs)
            ]
            ids, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
        else:
            rows, axes = self._rows(inputs)
            lengths = np.fromiter(map(len, rows), np.int64, len(rows))
            ids = vocabulary.indices(chain.from_iterable(rows), int(lengths.sum()), self.encoding)
        if self.output_mode != "int":
            return self._vectors(ids, lengths, axes)
        if self.ragged:
            return _Ragged(ids, lengths, self.output_sequence_length)
        if self.split is None and self._tokenizer.ngrams is None and len(inputs.shape) < 2:
            return ids.reshape(inputs.shape)
        return self._padded(ids, lengths).reshape(
            *axes, -1 if len(lengths) else self.output_sequence_length or 0
        )

    def _padded(self, ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        width = self.output_sequence_length
        if width is None:
            width = int(lengths.max(initial=0))
        inside = np.arange(width) < lengths[:, None]
        out = np.zeros((len(lengths), width), np.int64)
        if lengths.max(initial=0) > width:
            starts = np.cumsum(lengths) - lengths
            ids = ids[(np.arange(len(ids)) - np.repeat(starts, lengths)) < width]
        out[inside] = ids
        return out

    def _vectors(self, ids: np.ndarray, lengths: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        inner, mode = self._lookup_layer, self.output_mode
        depth = inner._depth()
        if mode == "one_hot":
            ids, count = self._padded(ids + 1, lengths) - 1, int(lengths.max(initial=0))
            made = scatter(np.arange(ids.size), ids.reshape(-1), ids.size, mode, depth, self._host_dtype())
            return made.reshape(*axes, count, depth)
        rows = np.repeat(np.arange(len(lengths)), lengths)
        kind = "count" if mode == "tf_idf" else mode
        made = scatter(rows, ids, len(lengths), kind, depth, self._host_dtype())
        return (made * inner._idf() if mode == "tf_idf" else made).reshape(*axes, depth)

    def _out(self, array: Any) -> Any:
        if not isinstance(array, _Ragged):
            return super()._out(array)
        return current().host.ragged(*array.cut())

    def _strings_of_a_program(self, k: Any, inputs: Any) -> Any:
        if self.ragged and not k.abstract:
            raise NotImplementedError(
                f"Layer {self.path!r} (TextVectorization): `ragged=True` is not supported inside a traced data pipeline. "
                "Leave it out: 0 fills up shorter texts."
            )
        return super()._strings_of_a_program(k, inputs)

    # -- configs and files --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments, and the vocabulary if it was given (one that was adapted stands in a file of its own)."""
        inner = self._lookup_layer.get_config()
        return super().get_config() | {
            "vocabulary": inner["vocabulary"], "idf_weights": inner["idf_weights"], "sparse": self.sparse,
            "vocabulary_size": self.vocabulary_size(),
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer from its config.

        Raises:
            SerializationError: if the config names a file; files are not opened because a config says so.
        """
        if isinstance(config.get("vocabulary"), str):
            raise SerializationError(
                f"{cls.__name__} {config.get('name')!r}: the config names the vocabulary file {config['vocabulary']!r}, which "
                "is not read. Make the layer with `vocabulary=[...]` and save it again."
            )
        return super().from_config(config)

    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary into a folder, as `vocabulary.txt`."""
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Read the vocabulary that `save_assets` wrote."""
        self._lookup_layer.load_assets(dir_path)

    def _assets(self) -> dict[str, bytes]:
        return self._lookup_layer._assets()

    def _set_assets(self, files: dict[str, bytes]) -> None:
        self._lookup_layer._set_assets(files)

    def save_own_variables(self, store: Any) -> None:
        """Write the idf weights, as Keras does also here."""
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Read the idf weights."""
        self._lookup_layer.load_own_variables(store)


class _Ragged:
    """Indices of texts that keep their lengths."""

    def __init__(self, flat: np.ndarray, lengths: np.ndarray, longest: int | None) -> None:
        self.flat, self.lengths, self.longest = flat, lengths, longest

    def cut(self) -> tuple[np.ndarray, np.ndarray]:
        """The indices and lengths, none longer than wanted."""
        if self.longest is None:
            return self.flat, self.lengths
        starts = np.cumsum(self.lengths) - self.lengths
        place = np.arange(len(self.flat)) - np.repeat(starts, self.lengths)
        return self.flat[place < self.longest], np.minimum(self.lengths, self.longest)


def _lengths(ngrams: Any) -> tuple[int, ...] | None:
    """The lengths of runs.

    Raises:
        ValueError: if it is no positive integer, or no sequence of such.
    """
    if ngrams is None:
        return None
    found = (
        tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) and not isinstance(ngrams, bool) else ngrams
    )
    if (
        not isinstance(found, list | tuple)
        or not found
        or not all(isinstance(n, int) and n > 0 for n in found)
    ):
        raise ValueError(
            f"TextVectorization: `ngrams` must be a positive integer, a tuple of such, or None; got {ngrams!r}."
        )
    return tuple(found)


def _checked_length(length: Any, mode: str) -> int | None:
    if length is None:
        return None
    if mode != "int":
        raise ValueError(
            f"TextVectorization: `output_sequence_length` is for `output_mode='int'`; the mode is {mode!r}."
        )
    if isinstance(length, bool) or not hasattr(length, "__index__") or length <= 0:
        raise ValueError(
            f"TextVectorization: `output_sequence_length` must be a positive integer, or None; got {length!r}."
        )
    return int(length)
