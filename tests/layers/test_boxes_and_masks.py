"""Boxes and masks follow the images: a painted box is found where the box went."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from images import ALL

from lamina import backends, layers, utils
from lamina.kernel.context import interpreter
from lamina.utils.bounding_boxes.formats import FORMATS

HEIGHT, WIDTH = 120, 160
# left, top, right, bottom: far enough inside that little is lost at the borders
BOXES = np.array([[[50, 40, 90, 75]], [[60, 50, 100, 70]], [[70, 45, 95, 80]], [[55, 42, 80, 78]]], "float32")
STILL = {"fill_mode": "constant"}  # a reflected box would be seen twice
CASES: list[tuple[str, dict[str, Any]]] = [
    ("RandomFlip", {}),
    ("RandomFlip", {"mode": "horizontal"}),
    ("RandomFlip", {"mode": "vertical"}),
    ("RandomRotation", {"factor": 0.3, **STILL}),
    ("RandomZoom", {"height_factor": 0.3, "width_factor": 0.2, **STILL}),
    ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.2, **STILL}),
    ("RandomTranslation", {"height_factor": 0.5, "width_factor": 0.5, **STILL}),  # out of the image, partly
    ("RandomShear", {"x_factor": 0.3, "y_factor": 0.2, **STILL}),
    ("RandomPerspective", {"factor": (1.0, 1.0), "scale": 0.3}),
    ("RandomElasticTransform", {"factor": (1.0, 1.0), "scale": 0.4, **STILL}),
    ("RandomCrop", {"height": 90, "width": 110}),
    ("CenterCrop", {"height": 70, "width": 90}),
    ("CenterCrop", {"height": 200, "width": 90}),
    ("Resizing", {"height": 80, "width": 200}),
    ("Resizing", {"height": 240, "width": 240, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 240, "width": 240, "pad_to_aspect_ratio": True}),
]
RANDOM_CASES = {name for name, _ in CASES} - {"CenterCrop", "Resizing"}


def painted(boxes: np.ndarray) -> np.ndarray:
    images = np.zeros((len(boxes), HEIGHT, WIDTH, 3), "float32")
    for image, ((left, top, right, bottom),) in zip(images, boxes.astype(int), strict=True):
        image[top:bottom, left:right] = 255
    return images


def found(mask: np.ndarray) -> np.ndarray | None:
    """The box around what is painted."""
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) if len(rows) else None


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    inner = np.prod(np.maximum(high - low, 0))
    return inner / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inner)


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_a_painted_box_is_where_the_box_is(name: str, kwargs: dict[str, Any]) -> None:
    seed = {"seed": 4} if name in RANDOM_CASES else {}
    with interpreter(backends.load("numpy")):
        layer = getattr(layers, name)(**kwargs, **seed, bounding_box_format="xyxy")
        for _ in range(3):
            images = painted(BOXES)
            masks = (images[..., :1] > 0).astype("int32")
            data = {
                "images": images,
                "segmentation_masks": masks,
                "bounding_boxes": {"boxes": BOXES, "labels": np.arange(4)[:, None]},
            }
            out = layer(data)
            assert out["segmentation_masks"].dtype == np.int32
            assert set(np.unique(out["segmentation_masks"])) <= {0, 1}
            for i, mask in enumerate(out["segmentation_masks"][..., 0]):
                seen = found(mask > 0)
                box, label = out["bounding_boxes"]["boxes"][i, 0], out["bounding_boxes"]["labels"][i, 0]
                if seen is None:
                    assert label == -1 or np.prod(box[2:] - box[:2]) < 100
                else:
                    assert label == i
                    assert overlap(seen, box) >= 0.94, (
                        seen,
                        box,
                    )  # pixels are whole: a border of half a pixel
                image = out["images"][i, :, :, 0] > 127
                assert (image == (mask > 0)).mean() > 0.97


@pytest.mark.parametrize("form", FORMATS)
def test_boxes_in_every_format_move_alike(form: str) -> None:
    kwargs = {"factor": 0.2, "seed": 3, **STILL}
    convert = utils.bounding_boxes.convert_format
    with interpreter(backends.load("numpy")):
        plain = layers.RandomRotation(**kwargs, bounding_box_format="xyxy")
        other = layers.RandomRotation(**kwargs, bounding_box_format=form)
        images, labels = painted(BOXES), np.zeros((4, 1), "int32")
        wanted = plain({"images": images, "bounding_boxes": {"boxes": BOXES, "labels": labels}})[
            "bounding_boxes"
        ]
        given = convert(BOXES, "xyxy", form, HEIGHT, WIDTH)
        got = other({"images": images, "bounding_boxes": {"boxes": given, "labels": labels}})[
            "bounding_boxes"
        ]
        back = convert(got["boxes"], form, "xyxy", HEIGHT, WIDTH)
        np.testing.assert_allclose(back, wanted["boxes"], atol=1e-2)


def test_chosen_changes_move_boxes_and_masks_as_the_layers_do() -> None:
    with interpreter(backends.load("numpy")):
        layer = layers.RandAugment(num_ops=4, factor=0.3, seed=1, bounding_box_format="xyxy")
        boxes, masks = (
            {"boxes": BOXES, "labels": np.arange(4)[:, None]},
            (painted(BOXES)[..., :1] > 0).astype("int32"),
        )
        drawn = layer.get_random_transformation(painted(BOXES))
        drawn["layer_idxes"] = np.array([2, 5, 0, 1], "int32")
        got = layer.transform_bounding_boxes(boxes, drawn)
        seen = layer.transform_segmentation_masks(masks, drawn)
        for name in ("random_rotation", "random_contrast", "random_shear", "random_translation"):
            boxes = getattr(layer, name).transform_bounding_boxes(boxes, drawn["transforms"][name])
            masks = getattr(layer, name).transform_segmentation_masks(masks, drawn["transforms"][name])
        np.testing.assert_array_equal(got["boxes"], boxes["boxes"])
        np.testing.assert_array_equal(seen, masks)


def test_what_leaves_the_image_is_marked() -> None:
    with interpreter(backends.load("numpy")):
        layer = layers.CenterCrop(10, 10, bounding_box_format="xyxy")
        boxes = {
            "boxes": np.array([[[0, 0, 5, 5], [74, 54, 84, 64]]], "float32"),
            "labels": np.array([[1, 2]]),
        }
        out = layer({"images": np.zeros((1, HEIGHT, WIDTH, 3)), "bounding_boxes": boxes})["bounding_boxes"]
        assert out["labels"].tolist() == [[-1, 2]]
        assert out["boxes"][0, 0].tolist() == [0, 0, 0, 0]


def test_masks_without_a_channel_axis_and_single_images() -> None:
    with interpreter(backends.load("numpy")):
        image, mask = painted(BOXES)[0], (painted(BOXES)[0, ..., 0] > 0).astype("uint8")
        out = layers.RandomRotation(0.2, "constant", seed=1)({"images": image, "segmentation_masks": mask})
        assert out["segmentation_masks"].shape == (HEIGHT, WIDTH)
        assert ((out["images"][..., 0] > 127) == (out["segmentation_masks"] > 0)).mean() > 0.98


def test_mixing_keeps_the_boxes_of_both() -> None:
    with interpreter(backends.load("numpy")):
        layer = layers.MixUp(seed=1, bounding_box_format="xyxy")
        boxes = {"boxes": BOXES, "labels": np.arange(4)[:, None]}
        data = {"images": painted(BOXES), "labels": np.eye(4, dtype="float32"), "bounding_boxes": boxes}
        out = layer(data)
        assert out["bounding_boxes"]["boxes"].shape == (4, 2, 4)
        assert out["bounding_boxes"]["labels"].shape == (4, 2)
        other = out["bounding_boxes"]["labels"][:, 1]
        np.testing.assert_array_equal(out["bounding_boxes"]["boxes"][:, 1], BOXES[other, 0])
        np.testing.assert_allclose(out["labels"].sum(1), 1, atol=1e-6)


def test_a_fixed_number_of_boxes() -> None:
    with interpreter(backends.load("numpy")):
        boxes = {"boxes": np.ones((2, 3, 4), "float32"), "labels": np.ones((2, 3), "int32")}
        data = {"images": np.zeros((2, 8, 8, 3)), "bounding_boxes": boxes}
        more = layers.MaxNumBoundingBoxes(4, fill_value=-2, bounding_box_format="xyxy")(data)[
            "bounding_boxes"
        ]
        fewer = layers.MaxNumBoundingBoxes(2, bounding_box_format="xyxy")(data)["bounding_boxes"]
        assert more["labels"].tolist() == [[1, 1, 1, -2]] * 2
        assert more["boxes"].shape == (2, 4, 4)
        assert fewer["boxes"].shape == (2, 2, 4)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_boxes_are_around_what_cutmix_leaves_of_them(data_format: str) -> None:
    """Pixel by pixel: an own box holds what the rectangle leaves of it, the other image's what lies inside."""
    rng, count = np.random.default_rng(0), 200
    low = rng.integers(0, 20, (count, 2, 2))
    high = np.minimum(low + rng.integers(4, 16, low.shape), 24)
    boxes = np.concatenate([low, high], -1).astype("float32")
    boxes[: count // 4, 0] = [10, 10, 12, 12]  # small ones, that vanish whole
    labels = np.arange(2 * count).reshape(count, 2)
    painted = np.zeros((count, 2, 24, 24), "float32")
    for i, j in np.ndindex(count, 2):
        left, top, right, bottom = boxes[i, j].astype(int)
        painted[i, j, top:bottom, left:right] = 1
    images = painted if data_format == "channels_first" else painted.transpose(0, 2, 3, 1)
    with interpreter(backends.load("numpy")):
        layer = layers.CutMix(seed=3, bounding_box_format="xyxy", data_format=data_format)
        data = {"images": images, "bounding_boxes": {"boxes": boxes, "labels": labels}}
        drawn = layer.get_random_transformation(data)
        out = layer.transform_bounding_boxes(data["bounding_boxes"], drawn)
    masks = drawn["batch_masks"].any(1 if data_format == "channels_first" else -1)
    seen = {"own": 0, "other": 0, "cut": 0, "gone": 0}
    for i, j in np.ndindex(count, 4):
        own = j < 2
        source = i if own else int(drawn["permutation_order"][i])
        left_of_it = painted[source, j % 2] * (~masks[i] if own else masks[i])
        wanted, box = found(left_of_it > 0), out["boxes"][i, j]
        seen["own" if own else "other"] += wanted is not None
        if wanted is None:
            seen["gone"] += 1
            assert out["labels"][i, j] == -1
            continue
        seen["cut"] += not np.array_equal(wanted, boxes[source, j % 2])
        assert out["labels"][i, j] == labels[source, j % 2]
        np.testing.assert_array_equal(box, wanted)
    assert min(seen.values()) > 20, seen


def test_layers_that_move_nothing_leave_boxes_and_masks() -> None:
    moving = {name for name, _ in CASES} | {"MixUp", "CutMix", "MaxNumBoundingBoxes", "RandAugment"}
    boxes = {"boxes": BOXES, "labels": np.arange(4)[:, None]}
    masks = (painted(BOXES)[..., :1] > 0).astype("int32")
    with interpreter(backends.load("numpy")):
        for name in ALL.keys() - moving - {"RandomCrop"}:
            layer = getattr(layers, name)(**ALL[name], bounding_box_format="xyxy")
            out = layer({"images": painted(BOXES), "bounding_boxes": boxes, "segmentation_masks": masks})
            np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], BOXES)
            np.testing.assert_array_equal(out["segmentation_masks"], masks)
