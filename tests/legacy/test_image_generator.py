"""`ImageDataGenerator`: from tables, folders and arrays, into files; single changes as in Keras."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from lamina import utils
from lamina.legacy import image

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 255, (6, 5, 4, 3)).astype("float32")


@pytest.fixture
def pictures(tmp_path: pathlib.Path) -> pathlib.Path:
    """Six pictures, each of one color."""
    for i in range(6):
        utils.save_img(tmp_path / f"{i}.png", np.full((5, 4, 3), 40.0 * i), scale=False)
    return tmp_path


def table(folder: pathlib.Path, library: str) -> Any:
    columns = {
        "filename": [f"{i}.png" for i in range(6)], "class": ["b", "a", "c", "a", "b", "a"],
        "x": [0.0, 1, 2, 3, 4, 5], "y": [5, 4, 3, 2, 1, 0], "weight": [1.0, 2, 1, 2, 1, 2],
    }  # fmt: skip
    return columns if library == "dict" else pytest.importorskip(library).DataFrame(columns)


@pytest.mark.parametrize("library", ["dict", "pandas", "polars"])
def test_rows_of_a_table(pictures: pathlib.Path, library: str) -> None:
    flow = image.ImageDataGenerator().flow_from_dataframe
    given: dict[str, Any] = {"target_size": (5, 4), "batch_size": 4, "shuffle": False}
    rows = flow(table(pictures, library), pictures, weight_col="weight", **given)
    x, y, weights = rows[0]
    assert x.shape == (4, 5, 4, 3)
    assert x[:, 0, 0, 0].tolist() == [0, 40, 80, 120]
    assert y.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert weights.tolist() == [1, 2, 1, 2]
    assert rows.class_indices == {"a": 0, "b": 1, "c": 2}
    assert (rows.n, len(rows), rows.image_shape, rows.classes) == (6, 2, (5, 4, 3), [1, 0, 2, 0, 1, 0])
    modes = {
        "sparse": [1, 0, 2, 0], "raw": [[0, 5], [1, 4], [2, 3], [3, 2]], "multi_output": [[0, 1, 2, 3], [5, 4, 3, 2]],
    }  # fmt: skip
    for mode, wanted in modes.items():
        columns: Any = "class" if mode == "sparse" else ["x", "y"]
        (_, y) = flow(table(pictures, library), pictures, y_col=columns, class_mode=mode, **given)[0]
        assert [np.asarray(v).tolist() for v in y] == wanted
    x, same = flow(table(pictures, library), pictures, class_mode="input", **given)[0]
    np.testing.assert_array_equal(x, same)
    assert flow(table(pictures, library), pictures, class_mode=None, **given)[1].shape == (2, 5, 4, 3)


def test_chosen_classes_several_classes_and_subsets(pictures: pathlib.Path) -> None:
    made = image.ImageDataGenerator(validation_split=0.34)
    given: dict[str, Any] = {"target_size": (5, 4), "batch_size": 9, "shuffle": False}
    rows = made.flow_from_dataframe(
        table(pictures, "dict"), pictures, classes=["b", "a"], class_mode="binary", **given
    )
    assert rows.filenames == ["0.png", "1.png", "3.png", "4.png", "5.png"]
    assert rows[0][1].tolist() == [0, 1, 1, 0, 1]
    parts = {s: made.flow_from_dataframe(table(pictures, "dict"), pictures, subset=s, **given) for s in ("training", "validation")}  # fmt: skip
    assert parts["validation"].filenames == ["0.png", "1.png"]
    assert parts["training"].filenames == ["2.png", "3.png", "4.png", "5.png"]
    several = {**table(pictures, "dict"), "class": [["a", "b"], "a", ["c"], "b", [], ["c", "a"]]}
    rows = made.flow_from_dataframe(several, pictures, **given)
    assert rows[0][1].tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0], [1, 0, 1]]
    whole = {**several, "filename": [str(pictures / n) for n in several["filename"]]}
    assert made.flow_from_dataframe(whole, **given).filepaths == rows.filepaths


def test_bad_tables_are_named(pictures: pathlib.Path) -> None:
    flow = image.ImageDataGenerator().flow_from_dataframe
    columns = table(pictures, "dict")
    with pytest.raises(ValueError, match=r"no column 'file'\. Columns: filename, class, x, y, weight"):
        flow(columns, pictures, x_col="file")
    with pytest.raises(TypeError, match=r"column 'x' holds classes by name, but row 0 is 0\.0\. Convert"):
        flow(columns, pictures, y_col="x")
    with pytest.raises(ValueError, match=r"binary'` takes two classes, the column 'class' has 3"):
        flow(columns, pictures, class_mode="binary")
    with pytest.raises(ValueError, match="Unknown `class_mode` 'other'"):
        flow(columns, pictures, class_mode="other")
    with pytest.raises(ValueError, match="takes one column"):
        flow(columns, pictures, y_col=["x", "y"])
    with pytest.raises(TypeError, match=r"`sort` is gone since Keras 2\.3"):
        flow(columns, pictures, sort=True)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*Make it first"):
        flow(columns, pictures, save_to_dir=pictures / "none")
    bad = {**columns, "filename": ["0.png", "none.png", "2.txt", "3.png", "4.png", "5.png"]}
    with pytest.warns(
        UserWarning, match=r"Found 2 invalid image filename\(s\) in column 'filename', such as"
    ):
        assert flow(bad, pictures).filenames == ["0.png", "3.png", "4.png", "5.png"]


def test_batches_are_written_into_files(pictures: pathlib.Path, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    made = image.ImageDataGenerator(horizontal_flip=True)
    with_files = made.flow(
        X, shuffle=False, seed=1, batch_size=4, save_to_dir=folder, save_prefix="a", save_format="png"
    )
    without = made.flow(X, shuffle=False, seed=1, batch_size=4)
    np.testing.assert_array_equal(next(with_files), next(without))  # files change nothing
    next(with_files)
    names = sorted(p.name for p in folder.iterdir())
    assert [n.split("_")[:2] for n in names] == [["a", str(i)] for i in range(6)]
    first = utils.img_to_array(utils.load_img(folder / names[0]))
    wanted = without[0][0]
    wanted = (wanted - wanted.min()) / (wanted.max() - wanted.min()) * 255
    np.testing.assert_allclose(first, wanted, atol=1.5)
    made.flow_from_dataframe(
        table(pictures, "dict"), pictures, save_to_dir=folder, save_prefix="t", save_format="jpeg"
    )[0]
    assert len(list(folder.glob("t_*.jpeg"))) == 6


def test_arrays_beside_images_dtypes_and_subsets() -> None:
    made = image.ImageDataGenerator(dtype="float64", validation_split=0.5)
    (x, other), y = made.flow((X, np.arange(6)), np.arange(6) % 2, batch_size=3, shuffle=False)[1]
    assert x.dtype == np.float64
    assert (other.tolist(), y.tolist()) == ([3, 4, 5], [1, 0, 1])
    with pytest.raises(ValueError, match="subset 'training' has 1 of the 2 classes"):
        made.flow(X, np.array([0, 0, 0, 1, 1, 1]), subset="training")
    assert made.flow(X, np.array([0, 0, 0, 1, 1, 1]), subset="training", ignore_class_split=True).n == 3
    with pytest.raises(IndexError, match="There are 2 batches; got number 2"):
        made.flow(X, batch_size=3)[2]


def test_splines_of_higher_order_are_nearer_to_a_smooth_image() -> None:
    y, x = np.mgrid[:24, :24] / 24
    smooth = np.sin(9 * x + 5 * y)[..., None]
    far = lambda order: np.abs(
        image.apply_affine_transform(smooth, ty=0.5, row_axis=0, col_axis=1, channel_axis=2, order=order)
        - np.sin(9 * x + 5 * (y + 0.5 / 24))[..., None]
    )[4:-4, 4:-4].max()  # fmt: skip
    assert far(3) < far(1) / 10
    with pytest.raises(ValueError, match="integer from 0 to 5, got 7"):
        image.ImageDataGenerator(interpolation_order=7)


def test_shifts_are_in_the_direction_of_their_name() -> None:
    rows, columns = np.mgrid[:9, :7].astype("float32")
    ramp = np.stack([rows, columns], -1)
    made = image.ImageDataGenerator(height_shift_range=[2], fill_mode="nearest")
    p = made.get_random_transform(ramp.shape, seed=1)
    moved = made.apply_transform(ramp, p)
    assert (abs(p["ty"]), p["tx"]) == (2, 0)
    np.testing.assert_allclose(moved[..., 1], columns)
    np.testing.assert_allclose(moved[3, 3, 0], 3 + p["ty"])
    whole = image.ImageDataGenerator(width_shift_range=3)
    drawn = {whole.get_random_transform(ramp.shape, seed=i)["tx"] for i in range(60)}
    assert drawn == {-2.0, -1.0, 0.0, 1.0, 2.0}
    share = image.ImageDataGenerator(height_shift_range=0.5)
    assert 2 < max(share.get_random_transform(ramp.shape, seed=i)["ty"] for i in range(60)) < 4.5


@pytest.mark.slow
def test_single_changes_are_those_of_keras() -> None:
    theirs = pytest.importorskip("keras._tf_keras.keras.preprocessing.image")
    x = X[0]
    last = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
    for mode in ("nearest", "constant", "reflect", "wrap"):
        for order in (0, 1, 3):
            for p in (
                {"theta": 30},
                {"shear": 20},
                {"zx": 0.7, "zy": 1.2},
                {"tx": 1.3, "ty": -0.6, "theta": 10},
            ):
                given = {**p, **last, "fill_mode": mode, "cval": 7.0, "order": order}
                ours, wanted = (m.apply_affine_transform(x, **given) for m in (image, theirs))
                inside = np.isclose(ours, wanted, atol=0.05).mean()
                assert inside > (0.97 if order == 0 else 0.999), given
    np.testing.assert_allclose(
        image.apply_channel_shift(x, 30.0), theirs.apply_channel_shift(x, 30.0, 2), atol=1e-4
    )
    for factor in (0.4, 1.6):
        for scale in (True, False):
            for picture in (x, x - 100):
                np.testing.assert_allclose(
                    image.apply_brightness_shift(picture, factor, scale),
                    theirs.apply_brightness_shift(picture, factor, scale), atol=1.01,
                )  # fmt: skip
