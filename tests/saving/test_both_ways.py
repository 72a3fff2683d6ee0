"""Kinds of models there and back with real Keras: outputs are equal whoever wrote the file and whoever reads it."""

import keras
import numpy as np
import pytest

import lamina


def sequential(k):
    return k.Sequential([k.Input((4,)), k.layers.Dense(3, activation="relu"), k.layers.Dense(2)]), [(4,)]


def shared(k):
    a, b = k.Input((4,), name="a"), k.Input((4,), name="b")
    dense = k.layers.Dense(3)
    return k.Model([a, b], k.layers.Subtract()([dense(a), dense(b)])), [(4,), (4,)]


def nested(k):
    inner = k.Sequential([k.Input((4,)), k.layers.Dense(4), k.layers.BatchNormalization()])
    a = k.Input((4,))
    deeper = k.Model(a, inner(a))
    b = k.Input((4,))
    return k.Model(b, k.layers.Add()([deeper(b), deeper(k.layers.Dense(4)(b))])), [(4,)]


def operations(k):
    a = k.Input((4,))
    return k.Model(a, k.layers.Dense(2)(a * 2.0 + 1.0)), [(4,)]


def outputs_in_a_dict(k):
    a = k.Input((4,))
    return k.Model(a, {"one": k.layers.Dense(2)(a), "two": k.layers.Dense(3)(a)}), [(4,)]


def recurrent(k):
    return k.Sequential([k.Input((5, 3)), k.layers.Bidirectional(k.layers.GRU(2)), k.layers.Dense(1)]), [
        (5, 3)
    ]


def convolutions(k):
    return k.Sequential(
        [
            k.Input((6, 6, 2)),
            k.layers.SeparableConv2D(3, 3),
            k.layers.DepthwiseConv2D(2),
            k.layers.GlobalMaxPooling2D(),
        ]
    ), [(6, 6, 2)]


def attention(k):
    a = k.Input((5, 4))
    return k.Model(a, k.layers.LayerNormalization()(k.layers.MultiHeadAttention(2, 3)(a, a))), [(5, 4)]


KINDS = [sequential, shared, nested, operations, outputs_in_a_dict, recurrent, convolutions, attention]


def values(outputs, to_numpy):
    if isinstance(outputs, dict):
        outputs = [outputs[key] for key in sorted(outputs)]
    return [to_numpy(x) for x in (outputs if isinstance(outputs, list | tuple) else [outputs])]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@pytest.mark.parametrize("ending", [".keras", ".h5", "", ".weights.h5"])
@pytest.mark.parametrize("writer", [lamina, keras], ids=["ours", "theirs"])
def test_both_ways(tmp_path, kind, ending, writer):
    if ending == ".h5" and kind is operations:
        pytest.skip("the old format knows layers only")
    reader = keras if writer is lamina else lamina
    model, shapes = kind(writer)
    rng = np.random.default_rng(0)
    for v in model.weights:
        v.assign(rng.uniform(0.1, 0.9, v.shape))
    path = tmp_path / f"x{ending}"
    if ending == ".weights.h5":
        model.save_weights(path)
        other = kind(reader)[0]
        other.load_weights(path)
    else:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(path, **({"zipped": False} if not ending else {}))
        other = reader.models.load_model(path)
    x = [rng.normal(size=(3, *s)).astype("float32") for s in shapes]
    x = x[0] if len(x) == 1 else x
    results = {m: values(which(x), m.ops.convert_to_numpy) for m, which in ((writer, model), (reader, other))}
    for a, b in zip(results[writer], results[reader], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def graph(k, layer, name):
    a = k.Input((4,))
    return k.Model(a, layer(a), name=name)


def stack(k, layer, name):
    return k.Sequential([k.Input((4,)), layer], name=name)


@pytest.mark.parametrize("left", [graph, stack], ids=lambda f: f.__name__)
@pytest.mark.parametrize("right", [graph, stack], ids=lambda f: f.__name__)
def test_a_layer_that_two_models_share_is_one(tmp_path, left, right):
    """In Keras's file the first of the two configs has no number, and the weights stand there alone."""
    common, a = keras.layers.Dense(3, name="common"), keras.Input((4,))
    third = keras.Sequential([keras.Input((4,)), common, keras.layers.ReLU()], name="third")
    parts = [left(keras, common, "left")(a), right(keras, common, "right")(a), third(a)]
    model = keras.Model(a, keras.layers.Add()(parts))
    model.save(tmp_path / "x.keras")
    other = lamina.models.load_model(tmp_path / "x.keras")
    assert len(other.weights) == 2
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_allclose(
        lamina.ops.convert_to_numpy(other(x)), keras.ops.convert_to_numpy(model(x)), rtol=1e-5, atol=1e-6
    )


def test_of_two_equal_layers_none_is_taken_for_the_shared_one(tmp_path):
    """Their configs differ in nothing, so the file does not say which of them the third model has."""
    first, second, a = (
        keras.layers.Dense(3, name="common"),
        keras.layers.Dense(3, name="common"),
        keras.Input((4,)),
    )
    parts = [
        graph(keras, layer, name)(a) for layer, name in ((first, "one"), (second, "two"), (second, "three"))
    ]
    keras.Model(a, keras.layers.Add()(parts)).save(tmp_path / "x.keras")
    with pytest.raises(
        lamina.errors.SerializationError, match=r"missing +layers/functional_2/layers/dense/vars/0"
    ):
        lamina.models.load_model(tmp_path / "x.keras")
