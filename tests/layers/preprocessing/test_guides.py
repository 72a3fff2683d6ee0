"""Programs as guides to preprocessing show them, with data sets of TensorFlow beside other backends."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lamina as keras
from lamina import backends, layers, ops
from lamina.kernel.context import interpreter

tf = pytest.importorskip("tensorflow")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of the frameworks beside each other


def preprocessing_layers(folder: pathlib.Path) -> None:
    """Layers that learn from data, ahead of a model, inside of it, and both for training and serving."""
    data = np.array([[0.1, 0.2, 0.3], [0.8, 0.9, 1.0], [1.5, 1.6, 1.7]])
    scale = layers.Normalization()
    scale.adapt(data)
    assert abs(float(ops.mean(scale(data)))) < 1e-5
    lines = ["the quick fox", "a slow dog", "the dog and the fox", "quick quick slow"]
    text = layers.TextVectorization(output_mode="int")
    text.adapt(lines)
    assert np.asarray(ops.convert_to_numpy(text([["the fox"]]))).shape == (1, 2)

    augment = layers.Pipeline(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)]
    )
    images = np.random.default_rng(0).uniform(0, 255, (16, 12, 12, 3)).astype("float32")
    kinds = np.arange(16) % 2
    rows = (
        tf.data.Dataset.from_tensor_slices((images, kinds))
        .shuffle(16)
        .batch(8)
        .map(lambda x, y: (augment(x), y))
    )
    inputs = keras.Input((12, 12, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.Flatten()(x)))
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.fit(rows, epochs=1, verbose=0)

    lookup = layers.StringLookup(output_mode="one_hot")
    lookup.adapt(tf.constant([["a"], ["b"], ["c"], ["b"], ["c"], ["a"]]))
    encoded = lookup(tf.constant([["a"], ["b"], ["c"], ["d"], ["e"], [""]]))
    assert ops.convert_to_numpy(encoded).argmax(1).tolist()[3:] == [0, 0, 0]
    whole = layers.IntegerLookup(output_mode="one_hot")
    whole.adapt(tf.constant([[10], [20], [20], [10], [30], [0]]))
    assert ops.convert_to_numpy(whole(tf.constant([[10], [50]]))).shape == (2, 5)
    hashed = layers.CategoryEncoding(num_tokens=64, output_mode="multi_hot")(
        layers.Hashing(num_bins=64, salt=1337)(np.random.default_rng(0).integers(0, 10**5, (20, 1)))
    )
    assert hashed.shape == (20, 64)

    for how in ({"output_mode": "multi_hot", "ngrams": 2}, {"output_mode": "tf_idf", "ngrams": 2}):
        grams = layers.TextVectorization(**how)
        grams.adapt(lines)
        train = tf.data.Dataset.from_tensor_slices((lines, [1.0, 0.0, 1.0, 0.0])).batch(2).map(
            lambda x, y, grams=grams: (grams(x), y))  # fmt: skip
        inputs = keras.Input((len(grams.get_vocabulary()),))
        model = keras.Model(inputs, layers.Dense(1)(inputs))
        model.compile("rmsprop", "mse")
        model.fit(train, verbose=0)
        strings = keras.Input((1,), dtype="string")
        served = keras.Model(strings, model(grams(strings)))
        assert np.isfinite(served.predict(tf.constant([["the fox"]]), verbose=0)).all()
        assert np.isfinite(ops.convert_to_numpy(served(tf.constant([["the fox"]])))).all()


def feature_space(folder: pathlib.Path) -> None:
    """A table: recipes for its columns, a model on what they give, and one on the columns themselves."""
    FeatureSpace = keras.utils.FeatureSpace
    rng = np.random.default_rng(0)
    n = 64
    table = {
        "sex": rng.integers(0, 2, n), "pain": rng.integers(0, 5, n), "thal": rng.choice(["fixed", "normal", "rev"], n),
        "age": rng.integers(29, 77, n), "pressure": rng.normal(130, 10, n), "slope": rng.normal(2, 1, n),
    }  # fmt: skip
    labels = (table["age"] > 50).astype("int32")
    rows = tf.data.Dataset.from_tensor_slices((table, labels)).shuffle(n, seed=1).batch(16)
    space = FeatureSpace(
        features={
            "sex": FeatureSpace.integer_categorical(num_oov_indices=0),
            "pain": "integer_categorical",
            "thal": FeatureSpace.string_categorical(num_oov_indices=1),
            "age": FeatureSpace.float_discretized(num_bins=10),
            "pressure": FeatureSpace.float_normalized(),
            "slope": FeatureSpace.float_rescaled(scale=0.5),
        },
        crosses=[FeatureSpace.cross(feature_names=("sex", "age"), crossing_dim=16), ("thal", "pain")],
        crossing_dim=8,
        output_mode="concat",
    )
    space.adapt(rows.map(lambda x, _: x))
    for x, _ in rows.take(1):
        ready = space(x)
        assert len(ready.shape) == 2
    train = rows.map(lambda x, y: (space(x), y), num_parallel_calls=tf.data.AUTOTUNE).prefetch(
        tf.data.AUTOTUNE
    )
    inputs, encoded = space.get_inputs(), space.get_encoded_features()
    x = layers.Dropout(0.2)(layers.Dense(16, activation="relu")(encoded))
    outputs = layers.Dense(1, activation="sigmoid")(x)
    training = keras.Model(inputs=encoded, outputs=outputs)
    training.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    training.fit(train, epochs=10, verbose=0, validation_data=train)
    serving = keras.Model(inputs=inputs, outputs=outputs)
    sample = {"sex": 1, "pain": 1, "thal": "fixed", "age": 70, "pressure": 145.0, "slope": 3.0}
    young = {**sample, "age": 30}
    answer = [
        serving.predict({k: tf.convert_to_tensor([v]) for k, v in s.items()}, verbose=0)[0, 0]
        for s in (sample, young)
    ]
    assert answer[0] > answer[1]
    space.save(folder / "space.keras")
    loaded = keras.models.load_model(folder / "space.keras")
    row = {k: tf.convert_to_tensor([v]) for k, v in sample.items()}
    np.testing.assert_allclose(*(ops.convert_to_numpy(s(row)) for s in (space, loaded)))


def mixed_images(folder: pathlib.Path) -> None:
    """CutMix, MixUp and RandAugment in a data set, and a classifier with soft labels."""
    rng = np.random.default_rng(0)
    images, kinds = rng.uniform(0, 255, (32, 20, 20, 3)).astype("float32"), np.arange(32) % 3

    def dictionary(image: Any, label: Any) -> dict[str, Any]:
        return {"images": tf.image.resize(image, (16, 16)), "labels": tf.one_hot(label, 3)}

    flip, rand = layers.RandomFlip(), layers.RandAugment(value_range=(0, 255), num_ops=2, factor=0.5)
    cut_mix, mix_up = layers.CutMix(), layers.MixUp(alpha=0.4)
    chooser = keras.layers.Pipeline([layers.RandomBrightness(0.1), layers.RandomContrast(0.1)])

    def prepared(inputs: dict[str, Any]) -> tuple[Any, Any]:
        inputs = rand(flip(inputs, training=True), training=True)
        inputs = cut_mix(inputs, training=True)
        inputs = mix_up(inputs, training=True)
        return chooser(inputs["images"]), inputs["labels"]

    rows = (
        tf.data.Dataset.from_tensor_slices((images, kinds))
        .map(dictionary)
        .shuffle(32)
        .batch(8, drop_remainder=True)
    )
    train = rows.map(prepared, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    for x, y in train.take(1):
        assert x.shape == (8, 16, 16, 3)
        np.testing.assert_allclose(y.numpy().sum(1), 1, rtol=1e-5)
    model = keras.Sequential([
        keras.Input((16, 16, 3)), layers.Rescaling(1 / 255), layers.Conv2D(8, 3, activation="relu"),
        layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", keras.losses.CategoricalCrossentropy(label_smoothing=0.1), metrics=["accuracy"])
    history = model.fit(train, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def text_from_scratch(folder: pathlib.Path) -> None:
    """Files in folders, a standardization of one's own, a convolution, and a model that takes raw strings."""
    for kind, word in (("neg", "awful"), ("pos", "great")):
        for i in range(24):
            path = pathlib.Path(folder, kind, f"{i}.txt")
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"A {word} film,<br /> number {i}! Really {word}.")
    given = {"batch_size": 8, "validation_split": 0.25, "seed": 1337}
    raw_train = keras.utils.text_dataset_from_directory(folder, subset="training", **given)
    raw_val = keras.utils.text_dataset_from_directory(folder, subset="validation", **given)
    raw_test = keras.utils.text_dataset_from_directory(folder, batch_size=8)

    def standardization(text: Any) -> Any:
        text = tf.strings.regex_replace(tf.strings.lower(text), "<br />", " ")
        return tf.strings.regex_replace(text, r"[!,.]", "")

    vectorize = layers.TextVectorization(
        standardize=standardization, max_tokens=50, output_mode="int", output_sequence_length=12
    )
    vectorize.adapt(raw_train.map(lambda x, y: x))
    ready = lambda text, label: (vectorize(tf.expand_dims(text, -1)), label)
    train, val, test = (d.map(ready).cache().prefetch(buffer_size=10) for d in (raw_train, raw_val, raw_test))
    inputs = keras.Input(shape=(None,), dtype="int64")
    x = layers.Dropout(0.2)(layers.Embedding(50, 8)(inputs))
    x = layers.Conv1D(8, 3, padding="valid", activation="relu", strides=1)(x)
    x = layers.GlobalMaxPooling1D()(x)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(x))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=val, epochs=6, verbose=0)
    assert model.evaluate(test, verbose=0)[1] == 1.0
    strings = keras.Input(shape=(1,), dtype="string")
    whole = keras.Model(strings, model(vectorize(strings)))
    whole.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    assert whole.evaluate(raw_test, verbose=0)[1] == 1.0


def time_series(folder: pathlib.Path) -> None:
    """Windows of a series with a target some steps ahead."""
    t = np.arange(600)
    series = np.stack([np.sin(t / 10), np.cos(t / 7)], 1).astype("float32")
    past, future, step = 60, 12, 6
    made = keras.utils.timeseries_dataset_from_array(
        series[: -past - future],
        series[past + future :, 0],
        sequence_length=past // step,
        sampling_rate=step,
        batch_size=32,
    )
    for batch in made.take(1):
        inputs, targets = batch
    assert tuple(inputs.shape) == (32, 10, 2)
    assert tuple(targets.shape) == (32,)
    x = keras.Input(shape=(inputs.shape[1], inputs.shape[2]))
    model = keras.Model(x, layers.Dense(1)(layers.LSTM(8)(x)))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse")
    history = model.fit(made, epochs=3, validation_data=made, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    for x, y in made.take(2):
        assert model.predict(x, verbose=0).shape == (len(y), 1)


PROGRAMS = (preprocessing_layers, feature_space, mixed_images, text_from_scratch, time_series)


@pytest.mark.parametrize("backend", [b for b in ("jax", "torch") if b in backends.installed()])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_guide(program: Callable[[pathlib.Path], None], backend: str, tmp_path: pathlib.Path) -> None:
    with interpreter(backends.load(backend)):
        keras.utils.set_random_seed(1)
        program(tmp_path)
