"""FeatureSpace against that of Keras: encodings, sources, files, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import BACKENDS, keras, numbers

import lamina
from lamina import backends
from lamina.kernel.context import interpreter

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*Explicitly requested dtype int64"
)  # Keras on jax, of its results
DATA: dict[str, list[Any]] = {
    "s": ["a", "b", "c", "a"], "i": [1, 2, 2, 3], "f": [0.1, 0.2, 0.5, 1.0], "n": [1.0, 2.0, 3.0, 4.0],
    "d": [1.0, 2.0, 3.0, 4.0], "h": ["u", "v", "w", "x"], "ih": [5, 6, 7, 8], "si": ["q", "q", "r", "s"],
}  # fmt: skip


def make(space: Any, output_mode: str = "concat") -> Any:
    """One of each recipe."""
    return space(
        features={
            "s": space.string_categorical(), "i": space.integer_categorical(), "h": space.string_hashed(num_bins=4),
            "f": space.float_rescaled(scale=2.0, offset=1.0), "n": space.float_normalized(), "si": "string_categorical",
            "d": space.float_discretized(num_bins=3),
            "ih": space.integer_hashed(num_bins=3, output_mode="int" if output_mode == "dict" else "one_hot"),
        },
        output_mode=output_mode, crosses=[("s", "i"), space.cross(("h", "i"), 5)], crossing_dim=8,
    )  # fmt: skip


@pytest.fixture(scope="module", params=["concat", "dict"])
def theirs(request: pytest.FixtureRequest) -> Any:
    import tensorflow as tf

    made = make(keras.utils.FeatureSpace, request.param)
    made.adapt(tf.data.Dataset.from_tensor_slices(DATA))
    return made


def ours_of(theirs: Any, data: Any = DATA) -> Any:
    made = make(lamina.utils.FeatureSpace, theirs.output_mode)
    made.adapt(data)
    return made


def same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for name in theirs:
            same(ours[name], theirs[name])
        return
    ours, theirs = numbers(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("backend", BACKENDS)
def test_encodings_are_those_of_keras(backend: str, theirs: Any) -> None:
    with interpreter(backends.load(backend)):
        ours = ours_of(theirs)
        for data in (
            DATA,
            {n: v[0] for n, v in DATA.items()},
            {n: np.array(v)[:, None] for n, v in DATA.items()},
        ):
            same(ours(data), theirs(data))


def test_it_is_traced_by_tf_data(theirs: Any) -> None:
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(DATA)
    for source in (dataset, dataset.batch(2)):
        ours = ours_of(theirs, source)
        for one, two in zip(source.map(ours), source.map(theirs), strict=True):
            same(one, two)


def test_it_reads_any_table(theirs: Any) -> None:
    import pandas
    import polars
    import pyarrow

    rows = [dict(zip(DATA, values, strict=True)) for values in zip(*DATA.values(), strict=True)]
    tables = [pandas.DataFrame(DATA), polars.DataFrame(DATA), pyarrow.table(DATA), DATA | {"unused": [0] * 4}]
    with interpreter(backends.load("numpy")):
        for table in tables:
            same(ours_of(theirs, table)(table), theirs(DATA))
        same(ours_of(theirs, rows)(DATA), theirs(DATA))
        same(ours_of(theirs, (r for r in rows))(DATA), theirs(DATA))


def test_files_pass_both_ways(theirs: Any, tmp_path: Any) -> None:
    ours = ours_of(theirs)
    ours.save(tmp_path / "ours.keras")
    theirs.save(str(tmp_path / "theirs.keras"))
    with interpreter(backends.load("numpy")):
        same(lamina.models.load_model(tmp_path / "ours.keras")(DATA), theirs(DATA))
        same(lamina.models.load_model(tmp_path / "theirs.keras")(DATA), theirs(DATA))
    for name in ("ours", "theirs"):
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        for key in ("s", "i", "si"):
            assert loaded.preprocessors[key].get_vocabulary() == theirs.preprocessors[key].get_vocabulary()


def test_a_model_on_raw_columns() -> None:
    with interpreter(backends.load("torch")):
        space = make(lamina.utils.FeatureSpace)
        space.adapt(DATA)
        assert {n: (x.shape, x.dtype) for n, x in space.get_inputs().items()}["s"] == ((None, 1), "string")
        encoded = space.get_encoded_features()
        assert encoded.shape == (None, int(space(DATA).shape[1]))
        head = lamina.layers.Dense(1)
        model = lamina.Model(space.get_inputs(), head(encoded))
        np.testing.assert_allclose(model.predict(DATA, verbose=0), numbers(head(space(DATA))), rtol=1e-5)


def test_recipes_by_name_and_of_ones_own() -> None:
    space_of = lamina.utils.FeatureSpace
    with interpreter(backends.load("numpy")):
        own = space_of.feature(
            dtype="float32", preprocessor=lamina.layers.Rescaling(3.0), output_mode="float"
        )
        space = space_of(
            {"own": own, "plain": space_of.float(), "h": space_of.string_hashed(3, "int")}, "dict"
        )
        found = space({"own": 2.0, "plain": 4.0, "h": "a"})
        assert {n: v.tolist() for n, v in found.items()} == {"h": [0], "own": [6.0], "plain": [4.0]}
        edges = space_of({"d": space_of.float_discretized(3, bin_boundaries=[1.0, 2.0])})
        assert edges({"d": [0.0, 1.5]}).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_bad_input_is_refused() -> None:
    space_of = lamina.utils.FeatureSpace
    with pytest.raises(ValueError, match=r"`features` must be a dict of columns and their recipes"):
        space_of({})
    with pytest.raises(
        ValueError, match=r"unknown recipe 'string_categoric'.*Did you mean 'string_categorical'"
    ):
        space_of({"a": "string_categoric"})
    with pytest.raises(ValueError, match=r"`output_mode` must be 'concat' or 'dict'; got 'sum'"):
        space_of({"a": "float"}, output_mode="sum")
    with pytest.raises(ValueError, match=r"a cross names 'b', which is not among the features: a"):
        space_of({"a": "string_hashed"}, crosses=[("a", "b")])
    with pytest.raises(ValueError, match=r"names 'a', whose values are floats"):
        space_of({"a": "float", "b": "string_hashed"}, crosses=[("a", "b")])
    with pytest.raises(
        ValueError, match=r"`output_mode` must be one of 'int', 'one_hot', 'float'; got 'count'"
    ):
        space_of.string_hashed(3, output_mode="count")
    space = space_of({"a": "string_categorical", "b": "float_normalized"}, name="space")
    with pytest.raises(ValueError, match=r"'space' must learn from data.*wait for it: a, b"):
        space({"a": ["x"], "b": [1.0]})
    with pytest.raises(ValueError, match=r"there is no column 'b'. Columns: a"):
        space.adapt({"a": ["x"]})
    with pytest.raises(ValueError, match=r"the data gives tuple. Leave targets out"):
        space.adapt([({"a": "x"}, 1)])
    with pytest.raises(ValueError, match=r"'space': there is no column 'b'"):
        space({"a": ["x"]})
    with pytest.raises(ValueError, match=r"is called on a dict of columns or a table; got list"):
        space([1])
    mixed = space_of({"a": space_of.string_hashed(3, output_mode="int"), "b": "float"})
    with pytest.raises(ValueError, match=r"'a' is not encoded \(its dtype is int.*output_mode='dict'"):
        mixed({"a": ["x"], "b": [1.0]})
