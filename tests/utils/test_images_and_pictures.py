"""Images between files and arrays, the progress bar, and pictures of boxes and masks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracle import keras

import lamina
from lamina import backends, utils, visualization
from lamina.kernel.context import interpreter

X = np.random.default_rng(0).integers(0, 256, (8, 12, 3)).astype("uint8")


@pytest.fixture(autouse=True)
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def test_images_are_those_of_keras(tmp_path: Path) -> None:
    path = str(tmp_path / "x.png")
    utils.save_img(path, X, scale=False)
    for mode in ("rgb", "rgba", "grayscale"):
        for more in ({}, {"target_size": (5, 7)}, {"target_size": (4, 4), "interpolation": "bilinear"},
                     {"target_size": (4, 4), "keep_aspect_ratio": True}):  # fmt: skip
            ours, theirs = (lib.utils.load_img(path, color_mode=mode, **more) for lib in (lamina, keras))
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
            for form in ("channels_last", "channels_first"):
                a, b = (lib.utils.img_to_array(ours, form) for lib in (lamina, keras))
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)
    for x in (X, X[..., :1], X.astype("float32") * 3 - 100):
        for scale in (True, False):
            a, b = (np.asarray(lib.utils.array_to_img(x, scale=scale)) for lib in (lamina, keras))
            np.testing.assert_array_equal(a, b)
    utils.save_img(tmp_path / "y.jpg", np.concatenate([X, X[..., :1]], -1))
    assert utils.load_img(tmp_path / "y.jpg").size == (12, 8)


def test_smart_resize_is_that_of_keras() -> None:
    for x in (X.astype("float32"), np.stack([X, X]).astype("float32")):
        for size in ((4, 4), (6, 3), (16, 4)):
            ours = utils.smart_resize(x, size)
            assert isinstance(ours, np.ndarray)
            np.testing.assert_allclose(
                ours, np.asarray(keras.preprocessing.image.smart_resize(x, size)), atol=1e-3
            )


def test_errors() -> None:
    for call, text in (
        (lambda: utils.load_img("x.png", color_mode="cmyk"), "unknown color_mode 'cmyk'"),
        (lambda: utils.load_img("x.png", interpolation="x"), "unknown interpolation 'x'"),
        (lambda: utils.array_to_img(np.zeros((2, 2))), r"one image of rank 3, got shape \(2, 2\)"),
        (lambda: utils.array_to_img(np.zeros((2, 2, 5))), "1, 3 or 4 channels, got 5"),
        (lambda: visualization.draw_bounding_boxes(X, {}, "xyxy"), "must be a batch of rank 4"),
        (lambda: visualization.draw_bounding_boxes(X[None], {}, "xyxy"), "entries 'boxes' and 'labels'"),
        (
            lambda: visualization.draw_segmentation_masks(X[None], np.zeros((1, 2, 2))),
            r"masks of shape \(1, 2, 2\)",
        ),
        (lambda: utils.Progbar(3, verbose=5), "`verbose` must be 0, 1 or 2"),
    ):
        with pytest.raises(ValueError, match=text):
            call()


def test_boxes_are_drawn_where_they_are() -> None:
    boxes = {"boxes": [[[2.0, 1, 10, 6], [0, 0, 3, 3]]], "labels": [[0, -1]], "confidence": [[0.9, 0.1]]}
    for color in ((1, 2, 3), (200, 0, 0)):
        out = visualization.draw_bounding_boxes(
            np.zeros((1, 8, 12, 3)), boxes, "xyxy", color=color, line_thickness=1
        )
        drawn = (out[0] == color).all(-1)
        wanted = np.zeros((8, 12), bool)
        wanted[1:6, 2:10] = True
        wanted[2:5, 3:9] = False
        np.testing.assert_array_equal(drawn, wanted)
    first = visualization.draw_bounding_boxes(
        np.zeros((1, 3, 40, 60)), {"boxes": [[[0.1, 0.5, 0.9, 0.9]]], "labels": [[1]]}, "rel_xyxy", {1: "cat"},
        data_format="channels_first",
    )  # fmt: skip
    assert first.shape == (1, 3, 40, 60)
    assert (first[0, 0, 5:19] > 0).any()  # the name, above the box


def test_galleries(tmp_path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    images = np.zeros((3, 8, 8, 3))
    visualization.plot_image_gallery(images, y_true=[0, 1, 1], label_map={0: "a"}, path=tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    boxes = {"boxes": np.ones((3, 1, 4)) * [1, 1, 6, 6], "labels": np.zeros((3, 1))}
    figure = visualization.plot_bounding_box_gallery(images, "xyxy", boxes, boxes, legend=True, show=False)
    assert len(figure.legends) == 1
    masks = np.ones((3, 8, 8), int)
    figure = visualization.plot_segmentation_mask_gallery(images, 2, y_true=masks, y_pred=masks, show=False)
    assert figure.axes[0].images[0].get_array().shape == (8, 24, 3)
    with pytest.raises(ValueError, match="not both"):
        visualization.plot_image_gallery(images, path="x", show=True)


def test_progress_shows_means(capsys: pytest.CaptureFixture[str]) -> None:
    bar = utils.Progbar(4, stateful_metrics=["last"], interval=0)
    for i in range(4):
        bar.add(1, [("loss", float(i)), ("last", float(i))])
    out = capsys.readouterr().out
    assert out.endswith("\n")
    last = out.rstrip().split("\r")[-1]
    assert re.fullmatch(r"4/4 ━{20} \d+s \d+(ms|us|s)/step - loss: 1\.5000 - last: 3\.0000", last), last
    endless = utils.Progbar(None, verbose=1, interval=0)
    endless.update(2, [("x", 1.0)], finalize=True)
    assert "2/Unknown" in capsys.readouterr().out
    utils.Progbar(2, verbose=0).update(2)
    assert capsys.readouterr().out == ""
