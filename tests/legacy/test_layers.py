"""Layers, texts, sequences, images and estimators that Keras 3 has no more, against NumPy."""

import numpy as np
import pytest

import lamina
from lamina.legacy import image, layers, sequence, text, utils, warp, wrappers
from lamina.legacy.export import lamina_export

RNG = np.random.default_rng(11)
X = RNG.normal(size=(5, 4)).astype("float32")


@pytest.fixture(autouse=True)
def numpy_backend():
    with lamina.backend("numpy"):
        yield


def values(layer, x):
    return lamina.ops.convert_to_numpy(layer(x))


def test_highway_mixes_the_input_and_its_transform():
    layer = layers.Highway(activation="tanh")
    y = values(layer, X)
    w, wt, b, bt = (v.numpy() for v in (layer.kernel, layer.gate_kernel, layer.bias, layer.gate_bias))
    gate = 1 / (1 + np.exp(-(X @ wt + bt)))
    np.testing.assert_allclose(y, gate * np.tanh(X @ w + b) + (1 - gate) * X, rtol=1e-5)
    assert bt.tolist() == [-1.0] * 4


def test_maxout_takes_the_largest_map():
    layer = layers.MaxoutDense(3, nb_feature=2)
    y = values(layer, X)
    np.testing.assert_allclose(y, (X @ layer.kernel.numpy() + layer.bias.numpy()[:, None]).max(0), rtol=1e-5)


def test_thresholded_relu():
    assert np.array_equal(values(layers.ThresholdedReLU(0.5), X), np.where(X > 0.5, X, 0))


@pytest.mark.parametrize("strides", [1, 2])
def test_locally_connected_layers(strides):
    x = RNG.normal(size=(2, 6, 6, 3)).astype("float32")
    layer = layers.LocallyConnected2D(4, 2, strides=strides)
    y, k, n = values(layer, x), layer.kernel.numpy(), layer.places[0]
    for p, (i, j) in enumerate(np.ndindex(n, n)):
        window = x[:, i * strides : i * strides + 2, j * strides : j * strides + 2].reshape(2, -1)
        np.testing.assert_allclose(y[:, i, j], window @ k[p], rtol=1e-4, atol=1e-5)
    again = lamina.layers.deserialize(lamina.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    with pytest.raises(ValueError, match="`padding` must be 'valid', got 'same'"):
        layers.LocallyConnected1D(4, 2, padding="same")


MODES = {
    "sum": lambda a, b: a + b, "mul": lambda a, b: a * b, "ave": lambda a, b: (a + b) / 2, "max": np.maximum,
    "concat": lambda a, b: np.concatenate([a, b], -1), "dot": lambda a, b: (a * b).sum(1, keepdims=True),
    "cos": lambda a, b: ((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)))[:, None],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::lamina.legacy.spellings.OldSpelling")
@pytest.mark.parametrize("mode", MODES)
def test_merge(mode):
    a, b = lamina.Input((4,)), lamina.Input((4,))
    model = lamina.Model([a, b], layers.merge([a, b], mode=mode))
    found = model.predict([X, X[::-1].copy()], verbose=0)
    np.testing.assert_allclose(found, MODES[mode](X, X[::-1]), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::lamina.legacy.spellings.OldSpelling")
def test_an_unknown_mode_of_merge_is_told():
    with pytest.raises(ValueError, match=r"unknown mode 'add'\. Use 'sum', 'mul'"):
        layers.merge([lamina.Input((4,))] * 2, mode="add")


def test_tokenizer():
    t = text.Tokenizer(num_words=4, oov_token="?")
    t.fit_on_texts(["a b a c", "a b d"])
    assert t.word_index == {"?": 1, "a": 2, "b": 3, "c": 4, "d": 5}
    assert t.texts_to_sequences(["a d b"]) == [[2, 1, 3]]
    assert t.sequences_to_texts([[2, 3]]) == ["a b"]
    assert t.sequences_to_matrix([[2, 2, 3]], "count").tolist() == [[0, 0, 2, 1]]
    assert t.sequences_to_matrix([[2, 2, 3]], "binary").tolist() == [[0, 0, 1, 1]]
    np.testing.assert_allclose(t.sequences_to_matrix([[2, 2, 3]], "freq"), [[0, 0, 2 / 3, 1 / 3]])
    rare = np.log(1 + 2 / (1 + 2))  # both words stand in both texts
    np.testing.assert_allclose(
        t.sequences_to_matrix([[2, 2, 3]], "tfidf"), [[0, 0, (1 + np.log(2)) * rare, rare]]
    )
    again = text.tokenizer_from_json(t.to_json())
    assert again.word_index == t.word_index
    assert again.texts_to_sequences(["a d"]) == [[2, 1]]
    with pytest.raises(ValueError, match="unknown mode 'many'"):
        t.sequences_to_matrix([[1]], "many")
    assert text.hashing_trick("a b a", 9, "md5")[0] == text.hashing_trick("a", 9, "md5")[0]


def test_windows_of_a_series():
    data = np.arange(10)
    g = sequence.TimeseriesGenerator(data, data * 10, length=4, sampling_rate=2, stride=2, batch_size=2)
    assert len(g) == 2
    assert [b.tolist() for b in g[0]] == [[[0, 2], [2, 4]], [40, 60]]
    assert [b.tolist() for b in g[1]] == [[[4, 6]], [80]]
    with pytest.raises(ValueError, match="no window of 20 steps fits"):
        sequence.TimeseriesGenerator(data, data, length=20)


def test_skipgrams_are_neighbors():
    pairs, labels = sequence.skipgrams([1, 2, 3, 0, 4], 5, window_size=1, negative_samples=0, shuffle=False)
    assert pairs == [[1, 2], [2, 1], [2, 3], [3, 2]]
    assert labels == [1] * 4
    table = sequence.make_sampling_table(10)[:4]  # the numbers of Keras's documentation
    np.testing.assert_allclose(table, [0.00315225, 0.00315225, 0.00547597, 0.00741556], rtol=1e-5)


def test_a_quarter_turn_and_a_shift_move_pixels_where_they_belong():
    x = RNG.normal(size=(4, 4, 1))
    turned = warp.moved(x, warp.transform_of({"theta": 90}, 4, 4), "nearest", 0.0)
    assert np.allclose(turned, np.rot90(x, -1)) or np.allclose(turned, np.rot90(x))
    shifted = warp.moved(x, warp.transform_of({"ty": 1}, 4, 4), "constant", 7.0)
    np.testing.assert_allclose(shifted[:3], x[1:])
    assert (shifted[3] == 7.0).all()
    assert warp.transform_of({}, 4, 4) is None
    wrapped = warp.moved(x, warp.transform_of({"tx": -1}, 4, 4), "wrap", 0.0)
    np.testing.assert_allclose(wrapped, x[:, [2, 0, 1, 2]], atol=1e-5)  # as SciPy and Keras do
    mirrored = warp.moved(x, warp.transform_of({"tx": -2}, 4, 4), "reflect", 0.0)
    np.testing.assert_allclose(mirrored[:, :2], x[:, 1::-1], atol=1e-6)


def test_image_generator():
    x = RNG.uniform(size=(6, 4, 4, 3)).astype("float32")
    g = image.ImageDataGenerator(
        featurewise_center=True, featurewise_std_normalization=True, horizontal_flip=True
    )
    with pytest.raises(ValueError, match=r"call `fit\(x\)` before"):
        next(g.flow(x))
    g.fit(x)
    plain = image.ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    plain.fit(x)
    batch = next(plain.flow(x, batch_size=6, shuffle=False))
    np.testing.assert_allclose(batch.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(batch.std((0, 1, 2)), 1, atol=1e-4)
    first, again = (g.flow(x, np.arange(6), batch_size=4, seed=3) for _ in range(2))
    for _ in range(4):
        (a, i), (b, j) = next(first), next(again)
        assert np.array_equal(a, b)
        assert np.array_equal(i, j)
    white = image.ImageDataGenerator(zca_whitening=True)
    many = RNG.normal(size=(200, 2, 2, 1)) @ np.array([[2.0]])
    white.fit(many)
    flat = np.stack([white.standardize(i).ravel() for i in many])
    np.testing.assert_allclose(np.cov(flat.T), np.eye(4), atol=0.05)


def test_labels_and_lengths():
    assert utils.to_ordinal(np.array([0, 2]), 4).tolist() == [[0, 0, 0], [1, 1, 0]]
    assert [utils.conv_output_length(9, 3, p, 2) for p in ("valid", "same", "full")] == [4, 5, 6]
    assert utils.probas_to_classes(np.array([[0.2], [0.8]])).tolist() == [0, 1]


def test_estimators_take_arguments_of_the_building_function():
    def build(units=3, rate=0.1):
        return lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(units)])

    estimator = wrappers.KerasClassifier(build, units=5, epochs=2)
    assert estimator.get_params()["units"] == 5
    assert estimator.set_params(rate=0.5).sk_params["rate"] == 0.5
    with pytest.raises(ValueError, match="'depth' is no argument of the building function"):
        wrappers.KerasRegressor(build, depth=2)


def test_export_gives_a_public_path_and_refuses_a_second_owner():
    @lamina_export(["shop.Scale", "shop.layers.Scale"])
    class Hidden(lamina.layers.Layer):
        def call(self, x):
            return x * 2

    assert (Hidden.__module__, lamina.saving.get_registered_name(Hidden)) == ("shop", "shop>Scale")
    assert lamina_export.find("shop.layers.Scale") is Hidden
    model = lamina.Sequential([lamina.Input((2,)), Hidden()])
    assert type(lamina.models.model_from_json(model.to_json()).layers[0]) is Hidden
    with pytest.raises(ValueError, match=r"'shop\.Scale' is taken by"):
        lamina_export("shop.Scale")(type("Other", (lamina.layers.Layer,), {}))
    with pytest.raises(ValueError, match="has no package in front"):
        lamina_export("Scale")
