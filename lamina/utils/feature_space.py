"""FeatureSpace: a table's columns to one vector, by a recipe for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import ops
from lamina.core.codec import serialize
from lamina.core.layer import Layer
from lamina.core.tensor import KerasTensor
from lamina.errors import suggestion
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.shapes.spec import Spec
from lamina.layers.input import Input
from lamina.layers.preprocessing import features as recipes
from lamina.layers.preprocessing.base import Preprocessing
from lamina.layers.preprocessing.category_encoding import CategoryEncoding
from lamina.layers.preprocessing.columns import batches, column_names, is_scalar
from lamina.layers.preprocessing.features import Cross, Feature
from lamina.layers.preprocessing.hashing import HashedCrossing
from lamina.layers.preprocessing.host import received
from lamina.layers.preprocessing.normalization import Normalization
from lamina.layers.preprocessing.strings import Strings
from lamina.saving.models import save_model


class FeatureSpace(Preprocessing):
    """Prepare and encode the columns of a table, each by a recipe of its own, and put them together.

    Args:
        features: Column name -> recipe: what a method such as `FeatureSpace.string_categorical()` gives, or its name.
        output_mode: "concat" for one vector for each row, "dict" for an encoding of each column.
        crosses: Columns to cross: tuples of names, or what `FeatureSpace.cross` gives.
        crossing_dim: How many bins the combinations of a tuple are hashed into.
        hashing_dim: How many bins "string_hashed" and "integer_hashed" by name have.
        num_discretization_bins: How many bins "float_discretized" by name has.
        name: A name.

    Returns:
        Floats (batch, size), the columns in the order of their names, then the crosses; or a dict of encodings.

    Raises:
        ValueError: if a recipe or a crossed column is unknown, or it is called before it has learned what it must.

    Example:
        >>> space = lamina.utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
        >>> space.adapt({"age": [20.0, 40.0], "city": ["Bern", "Rome"]})
        >>> lamina.ops.convert_to_numpy(space({"age": [40.0], "city": ["Rome"]})).tolist()
        [[1.0, 0.0, 1.0, 0.0]]
    """

    _convert_input_args = False

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Any = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not isinstance(features, dict) or not features:
            raise ValueError(
                f"FeatureSpace: `features` must be a dict of columns and their recipes; got {features!r:.80}."
            )
        if output_mode not in ("concat", "dict"):
            raise ValueError(f"FeatureSpace: `output_mode` must be 'concat' or 'dict'; got {output_mode!r}.")
        self.crossing_dim, self.hashing_dim = crossing_dim, hashing_dim
        self.num_discretization_bins, self.output_mode = num_discretization_bins, output_mode
        self.features = {n: self._recipe(n, f) for n, f in features.items()}
        self.crosses = [self._cross(c) for c in crosses or ()]
        self.crosses_by_name = {c.name: c for c in self.crosses}
        self.preprocessors = {n: f.preprocessor for n, f in self.features.items()}
        self.crossers = {c.name: HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.one_hot_encoders: dict[str, Layer] = {}
        self._symbolic_inputs: dict[str, KerasTensor] = {}
        self.encoded_features: Any = None
        self.built = True

    # -- recipes ------------------------------------------------------------------------------------------------------

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: int, output_mode: str = "one_hot") -> Cross:
        """A cross of columns.

        Args:
            feature_names: The columns.
            crossing_dim: How many bins their combinations are hashed into.
            output_mode: "int" or "one_hot".
        """
        return Cross(feature_names, crossing_dim, output_mode)

    @classmethod
    def feature(cls, dtype: str, preprocessor: Any, output_mode: str) -> Feature:
        """A recipe with a layer of your own.

        Args:
            dtype: Of the column: "string", "int32", "float32".
            preprocessor: The layer that it goes through.
            output_mode: "int", "one_hot" or "float".
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """A number as it is."""
        return recipes.plain(name)

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """A number times `scale` plus `offset`."""
        return recipes.rescaled(scale, offset, name)

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """A number shifted and scaled to mean 0 and variance 1, which are learned."""
        return recipes.normalized(name)

    @classmethod
    def float_discretized(
        cls, num_bins: int, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """A number's bin: `num_bins` of about equal content, which are learned, or those between boundaries."""
        return recipes.discretized(num_bins, bin_boundaries, output_mode, name)

    @classmethod
    def integer_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """An integer by a vocabulary, which is learned."""
        return recipes.categorical("integer", max_tokens, num_oov_indices, output_mode, name)

    @classmethod
    def string_categorical(
        cls,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        output_mode: str = "one_hot",
        name: str | None = None,
    ) -> Feature:
        """A string by a vocabulary, which is learned."""
        return recipes.categorical("string", max_tokens, num_oov_indices, output_mode, name)

    @classmethod
    def string_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """A string by its hash."""
        return recipes.hashed("string", num_bins, output_mode, name)

    @classmethod
    def integer_hashed(cls, num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """An integer by its hash."""
        return recipes.hashed("integer", num_bins, output_mode, name)

    def _recipe(self, name: str, given: Any) -> Feature:
        if isinstance(given, Feature):
            return given
        by_name = {
            "float": lambda: recipes.plain(name),
            "float_rescaled": lambda: recipes.rescaled(name=name),
            "float_normalized": lambda: recipes.normalized(name),
            "float_discretized": lambda: recipes.discretized(self.num_discretization_bins, name=name),
            "integer_categorical": lambda: recipes.categorical("integer", None, 1, "one_hot", name),
            "string_categorical": lambda: recipes.categorical("string", None, 1, "one_hot", name),
            "integer_hashed": lambda: recipes.hashed("integer", self.hashing_dim, "one_hot", name),
            "string_hashed": lambda: recipes.hashed("string", self.hashing_dim, "one_hot", name),
        }
        if not isinstance(given, str) or given not in by_name:
            raise ValueError(
                f"FeatureSpace: feature {name!r} has the unknown recipe {given!r:.60}.{suggestion(str(given), by_name)} Known: "
                f"{', '.join(by_name)}, or what a method of FeatureSpace gives."
            )
        return by_name[given]()

    def _cross(self, given: Any) -> Cross:
        cross = given if isinstance(given, Cross) else Cross(given, self.crossing_dim, "one_hot")
        unknown = [n for n in cross.feature_names if n not in self.features]
        if unknown:
            raise ValueError(
                f"FeatureSpace: a cross names {unknown[0]!r}, which is not among the features: {', '.join(self.features)}."
            )
        if len(cross.feature_names) < 2:
            raise ValueError(f"FeatureSpace: a cross needs two columns or more; got {cross.feature_names}.")
        floats = [n for n in cross.feature_names if self.features[n].output_mode == "float"]
        if floats:
            raise ValueError(
                f"FeatureSpace: the cross {cross.name!r} names {floats[0]!r}, whose values are floats. Cross categories, or "
                "discretize it."
            )
        return cross

    # -- learning -----------------------------------------------------------------------------------------------------

    def adapt(self, dataset: Any) -> None:
        """Learn vocabularies, means and bins from a table, in one pass.

        Args:
            dataset: A dict of columns, a data frame, an Arrow table, a data set of columns; or an iterable of dicts, each a
                row or a batch, such as a `tf.data.Dataset`. Columns that are no features are left alone.

        Raises:
            ValueError: if a column is missing.
        """
        learning: dict[str, Any] = {n: p for n, p in self.preprocessors.items() if recipes.adaptable(p)}
        for layer in learning.values():
            if isinstance(layer, Normalization):
                layer._moments = None
            elif hasattr(layer, "reset_state"):
                layer.reset_state()
        for batch in batches(dataset, list(learning), "FeatureSpace.adapt"):
            for name, layer in learning.items():
                column = _column(received(_listed(batch[name]), f"FeatureSpace: feature {name!r}"))
                layer._add(column) if isinstance(layer, Normalization) else layer.update_state(column)
        for layer in learning.values():
            layer.finalize_state()
        self.one_hot_encoders, self.encoded_features = {}, None

    def _check_learned(self) -> None:
        waiting = [n for n, p in self.preprocessors.items() if recipes.learns(p)]
        if waiting:
            raise ValueError(
                f"FeatureSpace {self.name!r} must learn from data before it is used: call `adapt(data)`. These features wait "
                f"for it: {', '.join(waiting)}."
            )

    # -- encoding -----------------------------------------------------------------------------------------------------

    def get_inputs(self) -> dict[str, KerasTensor]:
        """An Input for each column, of shape (1,), for a functional model on raw columns."""
        if not self._symbolic_inputs:
            self._symbolic_inputs = {
                n: Input(shape=(1,), dtype=f.dtype, name=n) for n, f in self.features.items()
            }
        return dict(self._symbolic_inputs)

    def get_encoded_features(self) -> Any:
        """The encodings of `get_inputs()`, for a functional model on raw columns.

        Raises:
            ValueError: if it has not learned yet.
        """
        if self.encoded_features is None:
            self._check_learned()
            self.encoded_features = self._encoded(self.get_inputs())
        return self.encoded_features

    def compute_output_spec(self, inputs: Any) -> Any:
        """The symbolic encodings."""
        self._check_learned()
        return self._encoded({n: inputs[n] for n in self.features})

    def __call__(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        names = column_names(data)
        if names is None:
            raise ValueError(
                f"FeatureSpace {self.name!r} is called on a dict of columns or a table; got {type(data).__name__}."
            )
        absent = [n for n in self.features if n not in names]
        if absent:
            raise ValueError(
                f"FeatureSpace {self.name!r}: there is no column {absent[0]!r}. Columns: {', '.join(names)}."
            )
        columns = {n: received(_listed(data[n]), f"FeatureSpace: feature {n!r}") for n in self.features}
        return super().__call__(columns, *args, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Nothing to make: recipes are layers of their own."""

    def call(self, data: Any) -> Any:
        self._check_learned()
        single = all(len(x.shape) == 0 for x in data.values())
        out = self._encoded({n: _column(x) for n, x in data.items()})
        if not single:
            return out
        k = current()
        squeeze = lambda x: k.squeeze(x, (0,))
        return {n: squeeze(x) for n, x in out.items()} if isinstance(out, dict) else squeeze(out)

    def _encoded(self, columns: dict[str, Any]) -> Any:
        prepared = {n: self.preprocessors[n](x) for n, x in columns.items()}
        crossed = {
            c.name: self.crossers[c.name]([prepared[n] for n in c.feature_names]) for c in self.crosses
        }
        found = {n: self._encoding(n, prepared[n], self.features[n].output_mode) for n in sorted(prepared)}
        for name in sorted(crossed):
            found[name] = self._encoding(name, crossed[name], self.crosses_by_name[name].output_mode)
        return found if self.output_mode == "dict" else self._joined(found)

    def _encoding(self, name: str, x: Any, mode: str) -> Any:
        if mode != "one_hot":
            return x
        dtype = _dtype(x)
        if dtype not in dtypes.IS_INTEGER:
            raise ValueError(
                f"FeatureSpace: feature {name!r} has output_mode='one_hot', so its preprocessor must give integers; it gives "
                f"{dtype}."
            )
        if name not in self.one_hot_encoders:
            if name in self.crosses_by_name:
                size = self.crosses_by_name[name].crossing_dim
            else:
                size = recipes.cardinality(name, self.preprocessors[name])
            self.one_hot_encoders[name] = CategoryEncoding(num_tokens=size, output_mode="multi_hot")
        return self.one_hot_encoders[name](x)

    def _joined(self, found: dict[str, Any]) -> Any:
        for name, x in found.items():
            if _dtype(x) not in dtypes.IS_FLOAT:
                raise ValueError(
                    f"FeatureSpace: feature {name!r} is not encoded (its dtype is {_dtype(x)}), so it cannot be put behind the "
                    "others. Use output_mode='one_hot' for it, or output_mode='dict' for all."
                )

        return (
            ops.concatenate(list(found.values()), axis=-1) if len(found) > 1 else next(iter(found.values()))
        )

    # -- configs and files --------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The recipes and the arguments."""
        return {
            "features": {n: serialize(f) for n, f in self.features.items()}, "output_mode": self.output_mode,
            "crosses": [serialize(c) for c in self.crosses], "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim, "num_discretization_bins": self.num_discretization_bins,
        }  # fmt: skip

    def get_build_config(self) -> dict[str, Any]:
        """What each preprocessor was built with."""
        return {n: p.get_build_config() or {} for n, p in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the preprocessors."""
        for name, given in config.items():
            layer = self.preprocessors.get(name)
            if layer is not None and not layer.built and isinstance(given, dict) and given:
                layer.build_from_config(given)

    def save(self, filepath: Any) -> None:
        """Write it into a `.keras` file; `lamina.models.load_model` reads it.

        Args:
            filepath: The file; its name ends in ".keras".
        """
        save_model(self, filepath)


def _dtype(x: Any) -> str:
    return x.dtype if isinstance(x, KerasTensor | Spec) else current().dtype(x)


def _listed(x: Any) -> Any:
    """A single value as an array of no axes; numbers of Python take the width of tensors."""
    if is_scalar(x) and not isinstance(x, str | bytes) and not hasattr(x, "dtype"):
        return np.asarray(x)
    return x


def _column(x: Any) -> Any:
    """A value or a column as (batch, 1)."""
    rank = len(x.shape)
    if rank > 1 or isinstance(x, KerasTensor):
        return x
    if isinstance(x, Strings):
        return x.reshaped((len(x), 1))
    if isinstance(x, np.ndarray):
        return x.reshape(-1, 1)
    k = current()
    return k.reshape(x, (-1, 1))
