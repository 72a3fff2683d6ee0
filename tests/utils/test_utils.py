"""The helpers of `lamina.utils` and the pictures of models, against real Keras where it has the same."""

import keras
import numpy as np
import pytest

import lamina
from lamina import layers


@pytest.mark.parametrize("x", [[0, 2, 1], [[1], [3]], np.array([[0, 1], [2, 2]])])
def test_to_categorical(x):
    np.testing.assert_array_equal(lamina.utils.to_categorical(x), keras.utils.to_categorical(x))
    np.testing.assert_array_equal(lamina.utils.to_categorical(x, 5), keras.utils.to_categorical(x, 5))


def test_to_categorical_out_of_range():
    with pytest.raises(ValueError, match="from 0 to 7, which does not fit 3 classes"):
        lamina.utils.to_categorical([0, 7], 3)


@pytest.mark.parametrize("order", [1, 2])
def test_normalize(order):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1] = 0
    np.testing.assert_allclose(lamina.utils.normalize(x, order=order), keras.utils.normalize(x, order=order))


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 2, 5])
def test_pad_sequences(padding, truncating, maxlen):
    rows = [[1], [2, 3, 4], [], [5, 6]]
    given = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 9}
    np.testing.assert_array_equal(
        lamina.utils.pad_sequences(rows, **given), keras.utils.pad_sequences(rows, **given)
    )


def test_picture_of_a_model(tmp_path):
    x = lamina.Input((4,), name="x")
    inner = lamina.Sequential([lamina.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    model = lamina.Model(x, layers.Add(name="sum")([x, inner(x)]) * 2.0)
    source = lamina.utils.model_to_dot(model, show_shapes=True, expand_nested=True).source
    assert all(
        word in source for word in ("sum (Add)", "(None, 4)", "cluster_inner", "deep (Dense)", "Multiply")
    )
    lamina.utils.plot_model(model, tmp_path / "m.dot", show_layer_names=True)
    assert "sum (Add)" in (tmp_path / "m.dot").read_text()


def test_summary_text():
    x = lamina.Input((4,), name="x")
    model = lamina.Model(x, layers.Add()([x, layers.Dense(4, name="dense_a")(x)]), name="net")
    said = []
    model.summary(print_fn=said.append, show_trainable=True)
    text = said[0]
    assert 'Model: "net"' in text
    assert all(
        word in text for word in ("dense_a (Dense)", "(None, 4)", "Total params: 20 (80.00 B)", "x[0][0]")
    )
    with pytest.raises(ValueError, match="no layer is called"):
        model.summary(layer_range=["nothing", "x"])


def test_trees_against_keras():
    tree = {"b": [1, (2, None)], "a": 3}
    for name, args in {
        "flatten": (tree,),
        "flatten_with_path": (tree,),
        "lists_to_tuples": (tree,),
        "pack_sequence_as": (tree, [9, 8, 7, 6]),
        "map_structure": (lambda x: x, tree),
        "map_structure_up_to": ([0, 0], lambda a, b: (a, b), [[1], 2], [[3], 4]),
        "map_shape_structure": (str, [(1, 2), {"a": (None, 3)}]),
        "traverse": (lambda x: "list" if isinstance(x, list) else None, tree),
    }.items():
        assert getattr(lamina.tree, name)(*args) == getattr(keras.tree, name)(*args), name
    for value in (3, [], None, {}, (1,)):
        assert lamina.tree.is_nested(value) == keras.tree.is_nested(value)
    with pytest.raises(ValueError, match="paths differ"):
        lamina.tree.assert_same_paths({"a": 1}, {"b": 1})
    with pytest.raises(ValueError, match="structures differ"):
        lamina.tree.assert_same_structure([1, 2], (1, 2))
