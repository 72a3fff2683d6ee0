"""Pipelines that see images through several maps at once: the geometry of the layers one by one, sampled once."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from images import images
from oracle import BACKENDS

from lamina import backends, layers
from lamina.kernel.context import interpreter
from lamina.layers.augmentation.fused import Fused


def run(**given: Any) -> list[Any]:
    return [
        layers.RandomFlip(seed=1, **given), layers.RandomRotation(0.1, seed=2, **given),
        layers.RandomZoom(0.2, 0.1, seed=3, **given), layers.RandomTranslation(0.1, 0.2, seed=4, **given),
        layers.RandomShear(0.1, 0.1, seed=5, **given),
    ]  # fmt: skip


def smooth(count: int = 4, size: int = 48) -> np.ndarray:
    """Images that a linear sampling hardly blurs."""
    y, x = np.mgrid[:size, :size] / size
    phase = np.arange(count)[:, None, None]
    return (100 * np.sin(3 * x + phase) + 100 * np.cos(4 * y * x + phase))[..., None].astype("float32")


@pytest.mark.parametrize("backend", BACKENDS)
def test_inside_the_image_the_numbers_are_those_of_the_layers_in_turn(backend: str) -> None:
    x = smooth()
    with interpreter(backends.load(backend)) as k:
        apart, together = layers.Pipeline(run()), layers.Pipeline(run(), fuse=True)
        one, other = (k.to_numpy(p(x))[:, 16:32, 16:32] for p in (apart, together))
    np.testing.assert_allclose(one, other, atol=0.5)
    assert np.abs(one - x[:, 16:32, 16:32]).max() > 10  # something was done


def test_boxes_stay_around_what_they_were_around() -> None:
    """A bright square under strong maps: its box holds it, and is no wider than that of the layers in turn."""
    x = np.zeros((8, 64, 64, 1), "float32")
    x[:, 20:36, 26:40] = 1.0
    boxes = {
        "boxes": np.tile([26.0, 20, 40, 36], (8, 1, 1)).astype("float32"),
        "labels": np.ones((8, 1), "int32"),
    }
    data = {"images": x, "bounding_boxes": boxes, "segmentation_masks": x.astype("int32")}
    given = {"fill_mode": "constant", "bounding_box_format": "xyxy"}
    made = lambda: [type(r)(**r.get_config() | given) for r in run()[1:]]
    with interpreter(backends.load("numpy")):
        apart, together = layers.Pipeline(made())(data), layers.Pipeline(made(), fuse=True)(data)
    for i in range(8):
        rows, columns = np.nonzero(together["images"][i, ..., 0] > 0.5)
        left, top, right, bottom = together["bounding_boxes"]["boxes"][i, 0]
        assert left - 1 <= columns.min()
        assert columns.max() + 1 <= right + 1
        assert top - 1 <= rows.min()
        assert rows.max() + 1 <= bottom + 1
        wide = apart["bounding_boxes"]["boxes"][i, 0]
        assert (right - left) * (bottom - top) <= (wide[2] - wide[0]) * (wide[3] - wide[1]) + 1e-3
        same = together["segmentation_masks"][i, ..., 0] == (together["images"][i, ..., 0] > 0.5)
        assert same.mean() > 0.97


def test_what_cannot_be_one_map_stays_apart() -> None:
    steps = lambda made: [type(x).__name__ for x in layers.Pipeline(made, fuse=True).__dict__["_steps"]]
    flip, turn, zoom = layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1)
    assert steps([flip, turn, zoom]) == ["Fused"]
    assert steps([flip, layers.RandomContrast(0.1), turn]) == [
        "RandomFlip",
        "RandomContrast",
        "RandomRotation",
    ]
    assert steps([turn, layers.RandomZoom(0.1, fill_mode="wrap"), zoom]) == [
        "RandomRotation", "RandomZoom", "RandomZoom"
    ]  # fmt: skip
    assert steps([flip, flip]) == ["RandomFlip", "RandomFlip"]  # no sampling at all
    assert steps([turn, layers.RandomPerspective(), zoom, flip]) == [
        "RandomRotation",
        "RandomPerspective",
        "Fused",
    ]

    class Mine(layers.RandomRotation):
        """May do more than its map says."""

    assert steps([Mine(0.1), zoom]) == ["Mine", "RandomZoom"]


def test_nothing_is_done_outside_of_training_and_configs_keep_the_choice() -> None:
    with interpreter(backends.load("numpy")):
        x, pipeline = images(), layers.Pipeline(run(), fuse=True)
        np.testing.assert_array_equal(pipeline(x, training=False), x)
        again = layers.Pipeline.from_config(pipeline.get_config())
        copied = pickle.loads(pickle.dumps(again))
        first = pipeline(x)
        np.testing.assert_array_equal(again(x), first)
        np.testing.assert_array_equal(copied(x), first)
        assert isinstance(copied.__dict__["_steps"][0], Fused)
        assert len(pipeline.layers) == 5
        assert len(pipeline.weights) == len(layers.Pipeline(run()).weights)
    assert "fuse" not in layers.Pipeline(run()).get_config()
    assert pipeline.get_config()["fuse"] is True
