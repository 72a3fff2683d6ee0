"""What looking up strings and integers have in common: special tokens, the vocabulary, its counts and its files."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from lamina.core.tracking import changed
from lamina.errors import SerializationError
from lamina.kernel.tracebacks import folds_frames
from lamina.layers.preprocessing.base import one_of, sparse_output
from lamina.layers.preprocessing.bins import checked_salt
from lamina.layers.preprocessing.encode import encode_on_host, encoded_shape
from lamina.layers.preprocessing.host import OnHost
from lamina.layers.preprocessing.streams import pieces
from lamina.layers.preprocessing.vocabulary import (
    Counts,
    Vocabulary,
    from_bytes,
    read_file,
    repeated,
    to_bytes,
)

MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
FILE = "vocabulary.txt"


class Lookup(OnHost):
    """The base of `StringLookup` and `IntegerLookup`.

    Indices: the mask (in mode "int"), then those of unknown tokens, then the vocabulary.
    """

    max_tokens: int | None
    num_oov_indices: int
    mask_token: Any
    oov_token: Any
    invert: bool
    output_mode: str
    pad_to_max_tokens: bool
    encoding = "utf-8"
    salt: Any = None
    oov_method = "floormod"

    def _settle(
        self, max_tokens: Any, num_oov_indices: Any, invert: bool, output_mode: str, pad_to_max_tokens: bool,
        sparse: bool, salt: Any, size: Any,
    ) -> None:  # fmt: skip
        """Check and keep the arguments that both layers have."""
        name = type(self).__name__
        one_of(self, "output_mode", output_mode, MODES)
        if max_tokens is not None and (not hasattr(max_tokens, "__index__") or max_tokens <= 1):
            raise ValueError(
                f"{name}: `max_tokens` must be an integer greater than 1, or None; got {max_tokens!r}."
            )
        if not hasattr(num_oov_indices, "__index__") or num_oov_indices < 0:
            raise ValueError(
                f"{name}: `num_oov_indices` must be an integer of 0 or more; got {num_oov_indices!r}."
            )
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(f"{name}: `pad_to_max_tokens=True` needs `max_tokens`, which is None.")
        if invert and output_mode != "int":
            raise ValueError(f"{name}: with `invert=True`, `output_mode` must be 'int'; got {output_mode!r}.")
        self.max_tokens, self.num_oov_indices = max_tokens, int(num_oov_indices)
        self.invert, self.output_mode, self.pad_to_max_tokens = (
            bool(invert),
            output_mode,
            bool(pad_to_max_tokens),
        )
        self.sparse, self.salt = sparse_output(self, sparse, output_mode), checked_salt(self, salt)
        self.vocabulary = self.idf_weights = None  # for the config: what was given is kept in another form
        self._static = False  # whether the vocabulary was given
        self._vocabulary: Vocabulary | None = None
        self._weights_of_tokens: np.ndarray | None = None
        self._counts: Counts | None = None
        self._size_in_file = size if isinstance(size, int) else None

    def _take_given(self, vocabulary: Any, idf_weights: Any) -> None:
        """The vocabulary of the constructor."""
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(
                f"{type(self).__name__}: `idf_weights` are for `output_mode='tf_idf'`; the mode is {self.output_mode!r}."
            )
        if vocabulary is None:
            return
        self.set_vocabulary(vocabulary, idf_weights)
        self._static = True

    # -- the vocabulary -----------------------------------------------------------------------------------------------

    def _tokens_of(self, vocabulary: Any) -> list[Any]:
        """A vocabulary as it was given, as a list of tokens."""
        raise NotImplementedError

    @property
    def _mask_indices(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def _first_index(self) -> int:
        return self._mask_indices + self.num_oov_indices

    def _special(self) -> list[Any]:
        return [self.mask_token] * self._mask_indices + [self.oov_token] * self.num_oov_indices

    @folds_frames
    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Set the vocabulary instead of adapting.

        Args:
            vocabulary: Tokens in the order of their indices, or the path of a file with one a line. Special tokens may
                stand in front, all of them or none.
            idf_weights: For "tf_idf": the inverse document frequency of each token.

        Raises:
            ValueError: if it is empty, too long, has a token twice, or special tokens elsewhere than in front.
        """
        name = type(self).__name__
        if isinstance(vocabulary, str | pathlib.PurePath):
            vocabulary = read_file(vocabulary, self.encoding, name)
        tokens = self._tokens_of(vocabulary)
        if not tokens:
            raise ValueError(f"{name}: the vocabulary is empty. Give at least one token.")
        if (idf_weights is None) != (self.output_mode != "tf_idf"):
            raise ValueError(
                f"{name}: a vocabulary in mode 'tf_idf' needs `idf_weights`, one for each token."
                if idf_weights is None
                else f"{name}: `idf_weights` are for `output_mode='tf_idf'`; the mode is {self.output_mode!r}."
            )
        weights = None if idf_weights is None else np.asarray(idf_weights, np.float32)
        if weights is not None and weights.shape != (len(tokens),):
            raise ValueError(
                f"{name}: `idf_weights` must have one number for each of the {len(tokens)} tokens; got shape {weights.shape}."
            )
        special = self._special()
        if special and tokens[: len(special)] == special:
            tokens = tokens[len(special) :]
            weights = None if weights is None else weights[len(special) :]
        self._check_tokens(tokens, special)
        self._keep(tokens, weights)

    def _check_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        name = type(self).__name__
        if twice := repeated(tokens):
            raise ValueError(f"{name}: the vocabulary has tokens more than once: {twice[:5]}.")
        reserved = [self.mask_token] if self.mask_token is not None else []
        reserved += [self.oov_token] if self.invert and self.oov_token is not None else []
        for token in reserved:
            if token in tokens:
                raise ValueError(
                    f"{name}: the special token {token!r} stands at place {tokens.index(token)} of the vocabulary. Leave "
                    f"special tokens out, or let it begin with all of them: {special}."
                )
        total = len(tokens) + len(special)
        if self.max_tokens is not None and total > self.max_tokens:
            raise ValueError(
                f"{name}: the vocabulary has {total} tokens with the special ones, more than max_tokens={self.max_tokens}."
            )

    def _keep(self, tokens: list[Any], weights: np.ndarray | None) -> None:
        special = {}
        if self.mask_token is not None:
            special[self.mask_token] = 0 if self._mask_indices else -2  # -2: leaves no trace
        missing = self._mask_indices if self.num_oov_indices == 1 else -1
        self._vocabulary = Vocabulary(tokens, self._first_index, special, missing)
        self._weights_of_tokens = weights
        self._size_in_file = None
        changed(self)  # compiled programs may hold the vocabulary

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: Whether the mask and the tokens for what is unknown stand in front.

        Returns:
            A list.
        """
        tokens = [] if self._vocabulary is None else list(self._vocabulary.tokens)
        return self._special() + tokens if include_special_tokens else tokens

    def vocabulary_size(self) -> int:
        """How many tokens there are, special ones included."""
        if self._vocabulary is None:
            return self._size_in_file or self._first_index
        return len(self._vocabulary.tokens) + self._first_index

    def _ready(self) -> Vocabulary:
        if self._vocabulary is None:
            raise RuntimeError(
                f"Layer {self.path!r} ({type(self).__name__}) has no vocabulary yet. Call `layer.adapt(data)`, "
                "`layer.set_vocabulary(tokens)`, or pass `vocabulary=`."
            )
        return self._vocabulary

    # -- adapting -----------------------------------------------------------------------------------------------------

    @folds_frames
    def adapt(self, data: Any, steps: int | None = None, progress: Any = None) -> None:
        """Make the vocabulary from data: its tokens by how often they occur.

        Args:
            data: An array, list or column of tokens, or an iterable of batches of them.
            steps: How many batches of an iterable to read; None reads all.
            progress: Called after each part of the data with the number of rows so far, such as
                `lamina.utils.Progbar(None, unit_name="row").update`.

        Raises:
            ValueError: if the vocabulary was given, or the data is a table of several columns.
        """
        self.reset_state()
        for piece in pieces(data, f"{type(self).__name__}.adapt", steps, progress):
            self.update_state(piece)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch.

        Args:
            data: Tokens (batch,) or (batch, n); each row is a document for "tf_idf".
        """
        if self._static:
            raise ValueError(
                f"Layer {self.path!r} ({type(self).__name__}) has a vocabulary that was given to it, so it cannot adapt. "
                "Make one without `vocabulary=`."
            )
        if self._counts is None:
            self._counts = Counts(self.output_mode == "tf_idf")
        tokens, shape = self._tokens_and_shape(data)
        if self.output_mode != "tf_idf":
            self._counts.add(tokens)
            return
        width = int(np.prod(shape[1:], dtype=np.int64))
        self._counts.add_documents(tokens[i : i + width] for i in range(0, len(tokens), width or 1))

    def _tokens_and_shape(self, data: Any) -> tuple[list[Any], tuple[int, ...]]:
        raise NotImplementedError

    def _order(self, token: Any) -> Any:
        """What decides between tokens that are equally frequent."""
        return token

    def finalize_state(self) -> None:
        """Make the vocabulary from what `update_state` counted."""
        if self._static or self._counts is None:
            return
        room = None if self.max_tokens is None else max(self.max_tokens - self._first_index, 0)
        without = {self.oov_token, *([] if self.mask_token is None else [self.mask_token])}
        tokens = self._counts.most_frequent(room, without, self._order)
        weights = self._counts.idf(tokens) if self.output_mode == "tf_idf" else None
        self._keep(tokens, weights)

    def reset_state(self) -> None:
        """Forget what was counted; the vocabulary stays until the next one is made."""
        self._counts = None

    # -- encoding -----------------------------------------------------------------------------------------------------

    def _depth(self) -> int:
        if self.pad_to_max_tokens and self.max_tokens is not None:
            return self.max_tokens
        if self._vocabulary is None and self._size_in_file is None:
            self._ready()
        return self.vocabulary_size()

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output."""
        if self.output_mode == "int":
            return tuple(input_shape)
        return encoded_shape(
            input_shape, "count" if self.output_mode == "tf_idf" else self.output_mode, self._depth()
        )

    def _output_dtype(self) -> str:
        return "int64" if self.output_mode == "int" else self.compute_dtype

    def _idf(self) -> np.ndarray:
        """The weight of each index: that of unknown tokens is the mean, room that is left has 0."""
        tokens = self._ready().tokens
        weights = self._weights_of_tokens
        if weights is None or len(weights) != len(tokens):
            raise RuntimeError(
                f"Layer {self.path!r} ({type(self).__name__}) has {len(tokens)} tokens and "
                f"{0 if weights is None else len(weights)} idf weights. Call `adapt`, or load both from one file."
            )
        mean = weights.mean() if len(weights) else 0.0
        full = np.concatenate([np.full(self.num_oov_indices, mean, np.float32), weights])
        return np.pad(full, (0, self._depth() - len(full)))

    def _encoded(self, ids: np.ndarray) -> np.ndarray:
        mode = self.output_mode
        if mode != "tf_idf":
            return encode_on_host(ids, mode, 0 if mode == "int" else self._depth(), self._host_dtype())
        return encode_on_host(ids, "count", self._depth(), np.float32) * self._idf()

    def _refuse_unknown(self, unknown: list[Any]) -> None:
        raise ValueError(
            f"Layer {self.path!r} ({type(self).__name__}) has `num_oov_indices=0`, so every value must be in the "
            f"vocabulary; these are not: {unknown[:5]}. Set `num_oov_indices=1`, or add them."
        )

    # -- configs and files --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments, and the vocabulary if it was given (one that was adapted stands in a file of its own)."""
        config = super().get_config()
        given = self._static and self._vocabulary is not None
        weights = self._weights_of_tokens if given else None
        config.update(
            vocabulary=list(self._vocabulary.tokens) if given else None,  # type: ignore[union-attr]
            idf_weights=None if weights is None else weights.tolist(), sparse=self.sparse,
            vocabulary_size=None if self._vocabulary is None else self.vocabulary_size(),
            oov_method=self.oov_method, salt=self.salt,
        )  # fmt: skip
        return config

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

    def get_build_config(self) -> dict[str, Any]:
        """Nothing: a lookup has no weights."""
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Nothing to build."""

    def _assets(self) -> dict[str, bytes]:
        """What a model's file keeps beside config and weights: name -> bytes."""
        if self._static or self._vocabulary is None:
            return {}
        return {FILE: to_bytes(self.get_vocabulary(), self.encoding, f"Layer {self.path!r}")}

    def _set_assets(self, files: dict[str, bytes]) -> None:
        if self._static or FILE not in files:
            return
        tokens = self._tokens_of(from_bytes(files[FILE], self.encoding))
        special = self._special()
        if (
            not tokens or tokens[: len(special)] != special
        ):  # trailing empty lines, the mask among them, are dropped
            if special[: len(tokens)] != tokens:
                raise SerializationError(
                    f"Layer {self.path!r} ({type(self).__name__}): its vocabulary does not begin with its special tokens "
                    f"{special}."
                )
            tokens = special
        tokens = tokens[len(special) :]
        try:
            self._check_tokens(tokens, special)
        except ValueError as error:
            raise SerializationError(str(error)) from None
        self._keep(tokens, self._weights_of_tokens)

    def save_assets(self, dir_path: Any) -> None:
        """Write the vocabulary into a folder, as `vocabulary.txt`."""
        for name, data in self._assets().items():
            pathlib.Path(dir_path, name).write_bytes(data)

    def load_assets(self, dir_path: Any) -> None:
        """Read the vocabulary that `save_assets` wrote."""
        path = pathlib.Path(dir_path, FILE)
        if path.is_file():
            self._set_assets({FILE: path.read_bytes()})

    def save_own_variables(self, store: Any) -> None:
        """Write the idf weights, those of unknown tokens in front, as Keras does."""
        if self.output_mode == "tf_idf" and self._vocabulary is not None:
            store["idf_weights"] = self._idf()

    def load_own_variables(self, store: Any) -> None:
        """Read the idf weights."""
        if self.output_mode != "tf_idf" or "idf_weights" not in store or self._static:
            return
        weights = np.asarray(store["idf_weights"], np.float32)
        if weights.ndim != 1:
            raise SerializationError(
                f"Layer {self.path!r}: idf weights must have one axis; the file has {weights.shape}."
            )
        size = self._size_in_file if self._vocabulary is None else self.vocabulary_size()
        self._weights_of_tokens = weights[self.num_oov_indices : size]

    def _extra_state(self) -> Any:
        """What copies need besides config and weights."""
        if self._static or self._vocabulary is None:
            return None
        return self._vocabulary.tokens, self._weights_of_tokens

    def _set_extra_state(self, state: Any) -> None:
        self._keep(*state)
