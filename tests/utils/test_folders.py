"""Data sets from folders and series: the files, orders, labels and numbers of Keras."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends, utils
from lamina.kernel.context import interpreter

needs_tf = pytest.mark.skipif("tensorflow" not in backends.installed(), reason="TensorFlow is not installed")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for i, name in enumerate(("b", "a", "c")):
        (folder / name).mkdir()
        for j in range(4 + i):
            utils.save_img(folder / name / f"{j}.png", np.full((6, 8, 3), 10 * i + j, "uint8"), scale=False)
    return folder


KW: dict[str, Any] = {"image_size": (5, 7), "batch_size": 4, "verbose": False}


@needs_tf
@pytest.mark.parametrize("more", [
    {"shuffle": False}, {"seed": 1}, {"seed": 2, "validation_split": 0.3, "subset": "training"},
    {"seed": 2, "validation_split": 0.3, "subset": "validation"}, {"shuffle": False, "label_mode": "categorical"},
    {"shuffle": False, "class_names": ["c", "a", "b"]}, {"shuffle": False, "label_mode": None},
], ids=str)  # fmt: skip
def test_files_and_labels_are_those_of_keras(pictures: Path, more: dict[str, Any]) -> None:
    theirs = keras.utils.image_dataset_from_directory(str(pictures), **KW, **more)
    ours = utils.image_dataset_from_directory(str(pictures), format="native", **KW, **more)
    assert ours.file_paths == theirs.file_paths
    assert ours.class_names == theirs.class_names
    if more.get("shuffle") is False:
        for a, b in zip(ours, theirs, strict=True):
            for x, y in zip(
                a if isinstance(a, tuple) else [a], b if isinstance(b, tuple) else [b], strict=True
            ):
                assert x.dtype == y.numpy().dtype
                np.testing.assert_allclose(x, y.numpy(), atol=1e-3)


@needs_tf
def test_tensorflows_form(pictures: Path) -> None:
    theirs = keras.utils.image_dataset_from_directory(str(pictures), shuffle=False, **KW)
    ours = utils.image_dataset_from_directory(str(pictures), shuffle=False, **KW)
    assert ours.element_spec == theirs.element_spec
    assert len(ours) == len(theirs)
    assert ours.class_names == theirs.class_names
    for (a, b), (c, d) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, c, atol=1e-3)
        np.testing.assert_array_equal(b, d)


def test_epochs_have_orders_of_their_own_and_fit_takes_it(pictures: Path) -> None:
    data = utils.image_dataset_from_directory(str(pictures), seed=1, format="native", **KW)
    first, second = (np.concatenate([y for _, y in data]) for _ in range(2))
    assert sorted(first) == sorted(second)
    assert not np.array_equal(first, second)
    train, test = utils.image_dataset_from_directory(
        str(pictures), seed=1, format="native", validation_split=0.3, subset="both", **KW
    )
    assert not set(train.file_paths) & set(test.file_paths)
    with interpreter(backends.load("torch" if "torch" in backends.installed() else "jax")):
        model = lamina.Sequential([lamina.Input((5, 7, 3)), lamina.layers.Flatten(), lamina.layers.Dense(3)])
        model.compile("sgd", lamina.losses.SparseCategoricalCrossentropy(from_logits=True))
        assert len(model.fit(train, validation_data=test, verbose=0).history["val_loss"]) == 1


def test_errors(pictures: Path, tmp_path: Path) -> None:
    where = str(pictures)

    def call(**more: Any) -> Any:
        return utils.image_dataset_from_directory(**{"directory": where, "format": "native", **KW, **more})

    for more, text in (
        ({"label_mode": "binary"}, "needs two classes, found 3"),
        ({"label_mode": "x"}, "unknown label_mode 'x'"),
        ({"validation_split": 2.0, "subset": "training", "seed": 1}, "must be between 0 and 1, got 2.0"),
        ({"validation_split": 0.2}, "`validation_split` and `subset` belong together"),
        ({"validation_split": 0.2, "subset": "training"}, "give a `seed`"),
        ({"labels": "x"}, "`labels` must be 'inferred', None or a list"),
        ({"labels": [1, 2]}, "2 labels were given for 15 files"),
        ({"class_names": ["z"]}, r"missing are \['z'\]"),
        ({"color_mode": "x"}, "unknown color_mode 'x'"),
        ({"image_size": 3}, r"`image_size` must be \(height, width\), got 3"),
        ({"directory": str(tmp_path)}, "no images found in"),
        ({"format": "x"}, "unknown format 'x'"),
    ):
        with pytest.raises(ValueError, match=text):
            call(**more)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        call(directory="/nowhere")
    with pytest.raises(ImportError, match="pip install grain"):
        call(format="grain")


def test_texts(tmp_path: Path) -> None:
    for name in ("bad", "good"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(f"a {name} one, übel")
    data = utils.text_dataset_from_directory(
        str(tmp_path), shuffle=False, format="native", verbose=False, max_length=5
    )
    x, y = data[0]
    assert x.tolist() == ["a bad", "a goo"]
    assert y.tolist() == [0, 1]
    if backends.has_pipelines():
        (both,) = list(utils.text_dataset_from_directory(str(tmp_path), shuffle=False, verbose=False))
        assert both[0].numpy()[1].decode() == "a good one, übel"


def test_sounds(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    rng = np.random.default_rng(0)
    kept = []
    for i, length in enumerate((100, 150)):
        samples = rng.integers(-(2**15), 2**15, (length, 2)).astype("<i2")
        kept.append(samples.astype("float32") / 2**15)
        with wave.open(str(tmp_path / "one" / f"{i}.wav"), "wb") as file:
            file.setparams((2, 2, 8000, 0, "NONE", "none"))
            file.writeframes(samples.tobytes())

    def read(**more: Any) -> Any:
        return utils.audio_dataset_from_directory(
            str(tmp_path), None, shuffle=False, format="native", verbose=False, **more
        )

    assert read()[0].shape == (2, 150, 2)
    np.testing.assert_array_equal(read()[0][1], kept[1])
    assert (read()[0][0, 100:] == 0).all()
    assert read(output_sequence_length=120)[0].shape == (2, 120, 2)
    assert [len(x) for x in read(ragged=True)[0]] == [100, 150]
    assert read(sampling_rate=4000)[0].shape == (2, 75, 2)
    if backends.has_pipelines():
        (x,) = list(
            utils.audio_dataset_from_directory(str(tmp_path), None, shuffle=False, verbose=False, ragged=True)
        )
        assert x.row_lengths().numpy().tolist() == [100, 150]
    (tmp_path / "one" / "2.wav").write_bytes(b"no sound")
    with pytest.raises(ValueError, match="cannot be read as a WAV file"):
        read()[0]


@needs_tf
@pytest.mark.parametrize("more", [
    {}, {"sequence_stride": 2}, {"sampling_rate": 2}, {"start_index": 2, "end_index": 12},
    {"sequence_stride": 3, "sampling_rate": 2}, {"batch_size": None},
], ids=str)  # fmt: skip
def test_windows_are_those_of_keras(more: dict[str, Any]) -> None:
    x = np.arange(40).reshape(20, 2)
    kwargs: dict[str, Any] = {"sequence_length": 4, "batch_size": 3, **more}
    for targets in (None, np.arange(20) * 10, np.arange(15)):
        if targets is not None and len(targets) < 20 and "start_index" in more:
            continue
        theirs = list(keras.utils.timeseries_dataset_from_array(x, targets, **kwargs))
        ours = list(utils.timeseries_dataset_from_array(x, targets, format="native", **kwargs))
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            for u, v in zip(
                a if isinstance(a, tuple) else [a], b if isinstance(b, tuple) else [b], strict=True
            ):
                np.testing.assert_array_equal(u, v.numpy())


def test_errors_of_windows() -> None:
    for kwargs, text in (({"sequence_length": 0}, "`sequence_length` must be an integer of at least 1"),
                         ({"sequence_length": 3, "end_index": 99}, "`end_index` must be above `start_index`"),
                         ({"sequence_length": 9, "sampling_rate": 3}, "no window of 9 steps fits")):  # fmt: skip
        with pytest.raises(ValueError, match=text):
            utils.timeseries_dataset_from_array(np.arange(10), None, format="native", **kwargs)


def test_data_sets_in_two_parts(pictures: Path) -> None:
    def split(*args: Any, **kwargs: Any) -> Any:
        return [list(p) for p in utils.split_dataset(*args, **kwargs, preferred_backend="native")]

    assert split(np.arange(10), 0.7) == [list(range(7)), [7, 8, 9]]
    assert split(np.arange(10), right_size=2)[1] == [8, 9]
    left, right = split((np.arange(4), np.arange(4) * 2), 1)
    assert [tuple(map(int, v)) for v in right] == [(1, 2), (2, 4), (3, 6)]
    left, right = split({"x": np.arange(4)}, 0.5, shuffle=True, seed=1)
    assert sorted(int(v["x"]) for v in left + right) == [0, 1, 2, 3]
    data = utils.image_dataset_from_directory(str(pictures), shuffle=False, format="native", **KW)
    left, right = split(data, 10)
    assert (len(left), len(right)) == (10, 5)
    assert left[0][0].shape == (5, 7, 3)
    if backends.has_pipelines():
        ours, theirs = (
            lib.utils.split_dataset(np.arange(10), left_size=3, shuffle=True, seed=1)
            for lib in (lamina, keras)
        )
        assert sorted(int(v) for part in ours for v in part) == list(range(10))
        assert len(list(ours[0])) == len(list(theirs[0]))
    with pytest.raises(ValueError, match="give `left_size`"):
        utils.split_dataset(np.arange(4))
    with pytest.raises(ValueError, match=r"the parts .* are larger"):
        utils.split_dataset(np.arange(4), 0.9, 0.9)
