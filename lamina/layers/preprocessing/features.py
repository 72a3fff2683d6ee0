"""The columns of a FeatureSpace: their dtypes, how each is prepared and encoded, and which are crossed."""

from __future__ import annotations

from typing import Any

from lamina.core import names
from lamina.core.config import Configurable
from lamina.core.layer import Layer
from lamina.layers.preprocessing.discretization import Discretization
from lamina.layers.preprocessing.hashing import Hashing
from lamina.layers.preprocessing.host import OnHost
from lamina.layers.preprocessing.integer_lookup import IntegerLookup
from lamina.layers.preprocessing.normalization import Normalization
from lamina.layers.preprocessing.rescaling import Rescaling
from lamina.layers.preprocessing.string_lookup import StringLookup

MODES = ("int", "one_hot", "float")


def _checked_mode(what: str, mode: Any, allowed: tuple[str, ...]) -> str:
    if mode not in allowed:
        raise ValueError(
            f"{what}: `output_mode` must be one of {', '.join(map(repr, allowed))}; got {mode!r}."
        )
    return mode


class Feature(Configurable):
    """How a column is prepared.

    Args:
        dtype: Of the column: "string", "int32", "float32".
        preprocessor: The layer that it goes through.
        output_mode: "int" (left as it is), "one_hot" or "float".
    """

    def __init__(self, dtype: str, preprocessor: Any, output_mode: str) -> None:
        self.output_mode = _checked_mode("A feature", output_mode, MODES)
        if not isinstance(preprocessor, Layer):
            raise TypeError(f"A feature's `preprocessor` must be a layer, got {preprocessor!r:.80}.")
        self.dtype, self.preprocessor = dtype, preprocessor


class Cross(Configurable):
    """Columns that are crossed.

    Args:
        feature_names: The columns.
        crossing_dim: How many bins their combinations are hashed into.
        output_mode: "int" or "one_hot".
    """

    def __init__(self, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> None:
        self.output_mode = _checked_mode("A cross", output_mode, ("int", "one_hot"))
        self.feature_names, self.crossing_dim = tuple(feature_names), crossing_dim

    @property
    def name(self) -> str:
        """The columns' names, joined."""
        return "_X_".join(self.feature_names)


class TFDIdentity(Layer):
    """A column as it is. The name is that of files of Keras."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs


def _named(kind: str, name: str | None) -> str:
    return f"{name or names.unique(kind)}_preprocessor"


def plain(name: str | None = None) -> Feature:
    """A number as it is."""
    return Feature("float32", TFDIdentity(dtype="float32", name=_named("float", name)), "float")


def rescaled(scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
    """A number times a factor plus an offset."""
    return Feature("float32", Rescaling(scale, offset, name=_named("float_rescaled", name)), "float")


def normalized(name: str | None = None) -> Feature:
    """A number shifted and scaled by mean and variance."""
    return Feature("float32", Normalization(axis=-1, name=_named("float_normalized", name)), "float")


def discretized(
    num_bins: int | None, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
) -> Feature:
    """A number's bin."""
    layer = Discretization(
        num_bins=num_bins if bin_boundaries is None else None,
        bin_boundaries=bin_boundaries,
        name=_named("float_discretized", name),
    )
    return Feature("float32", layer, output_mode)


def categorical(
    kind: str, max_tokens: Any, num_oov_indices: int, output_mode: str, name: str | None
) -> Feature:
    """A category by a vocabulary: `kind` is "string" or "integer"."""
    lookup = StringLookup if kind == "string" else IntegerLookup
    layer = lookup(
        max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_named(f"{kind}_categorical", name)
    )
    return Feature("string" if kind == "string" else "int32", layer, output_mode)


def hashed(kind: str, num_bins: int, output_mode: str, name: str | None) -> Feature:
    """A category by its hash."""
    layer = Hashing(num_bins=num_bins, name=_named(f"{kind}_hashed", name))
    return Feature("string" if kind == "string" else "int32", layer, output_mode)


def cardinality(name: str, preprocessor: Any) -> int:
    """How many values the result of a preprocessor may have.

    Raises:
        ValueError: if it cannot be told.
    """
    if isinstance(preprocessor, StringLookup | IntegerLookup):
        return preprocessor.vocabulary_size()
    if isinstance(preprocessor, Hashing):
        return preprocessor.num_bins
    if isinstance(preprocessor, Discretization):
        edges = preprocessor.bin_boundaries
        return len(edges) + 1 if edges is not None else int(preprocessor.num_bins or 0)
    found = getattr(preprocessor, "num_bins", None) or getattr(preprocessor, "vocabulary_size", None)
    found = found() if callable(found) else found
    if not isinstance(found, int):
        raise ValueError(
            f"FeatureSpace: feature {name!r} cannot be one-hot encoded: how many values {type(preprocessor).__name__} gives is "
            "not known. Give it a method `vocabulary_size()`, or use another `output_mode`."
        )
    return found


def learns(preprocessor: Any) -> bool:
    """Whether a preprocessor still has to see data."""
    if isinstance(preprocessor, StringLookup | IntegerLookup):
        return preprocessor._vocabulary is None
    if isinstance(preprocessor, Discretization):
        return preprocessor.bin_boundaries is None
    if isinstance(preprocessor, Normalization):
        if preprocessor._given_mean is not None or preprocessor._known:
            return False
        if not preprocessor.built:
            return True
        mean, variance = preprocessor._constants()
        return bool((mean == 0).all() and (variance == 1).all())
    return False


def adaptable(preprocessor: Any) -> bool:
    """Whether a preprocessor learns from data at all."""
    if isinstance(preprocessor, StringLookup | IntegerLookup | Discretization):
        return not preprocessor._static
    if isinstance(preprocessor, Normalization):
        return preprocessor._given_mean is None
    return hasattr(preprocessor, "adapt") and not isinstance(preprocessor, OnHost)
