"""Bounding boxes against real Keras, and against the errors it lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import keras, numbers

from lamina import backends
from lamina.kernel.context import interpreter
from lamina.utils import bounding_boxes as ours
from lamina.utils.bounding_boxes.formats import FORMATS

theirs = keras.utils.bounding_boxes
A = np.array([[[1, 2, 5, 8], [3, 1, 12, 4], [-3, -2, -1, -1], [8, 3, 20, 30]],
              [[0, 0, 2, 3], [1, 1, 1, 5], [-1, -1, -1, -1], [2, 2, 4, 9]]], "float32")  # fmt: skip
B = np.array([[[1, 1, 4, 5], [0, 0, 3, 3]], [[1, 2, 3, 9], [5, 5, 9, 9]]], "float32")
ANCHORS = np.array([[0, 0, 4, 4], [2, 2, 8, 8]], "float32")
LABELS = np.array([[0, 1, 2, 3], [1, 2, -1, 3]])

CALLS: list[tuple[str, tuple, dict[str, Any]]] = [
    ("clip_to_image_size", ({"boxes": A, "labels": LABELS}, 10, 12), {}),
    ("clip_to_image_size", ({"boxes": A / 10, "labels": LABELS},), {"bounding_box_format": "rel_xyxy"}),
    ("crop", (A, 1, 2, 6, 7), {}),
    ("pad", (A, 1, 2), {}),
    ("compute_iou", (A, B, "xyxy"), {}),
    ("compute_iou", (A[0], B[0], "yxyx"), {}),
    ("compute_iou", (A, B, "xyxy"), {"use_masking": True, "mask_val": -3}),
    ("compute_iou", (A / 10, B / 10, "rel_xyxy"), {"image_shape": (10, 12, 3)}),
    ("compute_ciou", (A[:, :2], B, "xyxy"), {}),
    ("compute_ciou", (A[0, :2], B[0], "xywh"), {}),
    ("encode_box_to_deltas", (ANCHORS, B, "xyxy", "xyxy"), {}),
    ("encode_box_to_deltas", (ANCHORS, B, "xyxy", "xywh", "center_xywh", [0.1, 0.1, 0.2, 0.2]), {}),
    ("encode_box_to_deltas", (ANCHORS / 10, B, "rel_xyxy", "xyxy"), {"image_shape": (10, 10, 3)}),
    ("decode_deltas_to_boxes", (ANCHORS, B / 10, "xyxy", "xyxy"), {}),
    ("decode_deltas_to_boxes", (ANCHORS, B / 10, "xyxy", "xywh", "center_xywh", [0.1, 0.1, 0.2, 0.2]), {}),
    ("decode_deltas_to_boxes", ({"a": ANCHORS, "b": ANCHORS}, {"a": B / 10, "b": B / 5}, "xyxy", "xyxy"), {}),
]


@pytest.fixture(params=["numpy", "torch"])
def k(request: pytest.FixtureRequest) -> Any:
    with interpreter(backends.load(request.param)) as kernel:
        yield kernel


def same(got: Any, wanted: Any) -> None:
    if isinstance(wanted, dict):
        assert got.keys() == wanted.keys()
        for key in wanted:
            same(got[key], wanted[key])
        return
    np.testing.assert_allclose(numbers(got), np.asarray(wanted), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "args", "kwargs"), CALLS, ids=[c[0] for c in CALLS])
def test_equal_to_keras(name: str, args: tuple, kwargs: dict[str, Any], k: Any) -> None:
    same(getattr(ours, name)(*args, **kwargs), getattr(theirs, name)(*args, **kwargs))


@pytest.mark.parametrize("source", FORMATS)
def test_formats_are_those_of_keras(source: str, k: Any) -> None:
    for target in FORMATS:
        wanted = theirs.convert_format(A, source, target, 10, 12)
        same(ours.convert_format(A, source, target, 10, 12), wanted)


def test_each_format_comes_back(k: Any) -> None:
    for form in FORMATS:
        there = ours.convert_format({"boxes": A, "labels": LABELS}, "xyxy", form, 10, 12)
        assert there["labels"] is LABELS
        same(ours.convert_format(there["boxes"], form, "xyxy", 10, 12), A)


def test_every_format_is_taken(k: Any) -> None:
    """Keras cuts, crops and pads boxes in one format only."""
    for form in FORMATS[:5]:
        given = ours.convert_format(A, "xyxy", form)
        for call in (lambda b, f: ours.crop(b, 1, 2, 6, 7, f), lambda b, f: ours.pad(b, 1, 2, None, None, f),
                     lambda b, f: ours.clip_to_image_size(b, 10, 12, f)):  # fmt: skip
            same(ours.convert_format(call(given, form), form, "xyxy"), numbers(call(A, "xyxy")))
    padded = ours.pad(A / 10, 5, 4, 10, 10, "rel_xyxy")
    same(padded, (A + np.array([4, 5, 4, 5])) / np.array([14, 15, 14, 15]))


def test_turned_boxes(k: Any) -> None:
    """By mathematics: Keras's result does not keep the center of an image where it is."""
    still = dict.fromkeys(("translate_x", "translate_y", "shear_x", "shear_y"), 0.0)
    box = np.array([[[5.0, 4, 9, 6]]], "float32")
    quarter = ours.affine_transform(box, 90.0, scale=1.0, height=10, width=12, **still)
    same(quarter, [[[5.0, 4, 7, 8]]])  # (x, y) -> (cx - (y - cy), cy + (x - cx)) around (6, 5)
    double = ours.affine_transform(box, 0.0, scale=2.0, height=10, width=12, center_x=5, center_y=4, **still)
    same(double, [[[5.0, 4, 13, 8]]])
    moved = ours.affine_transform(box, 0.0, 1.0, -2.0, 1.0, 0.0, 0.0, 10, 12)
    same(moved, [[[6.0, 2, 10, 4]]])
    sheared = ours.affine_transform(box, 0.0, 0.0, 0.0, 1.0, 45.0, 0.0, 10, 12)
    same(sheared, [[[4.0, 4, 10, 6]]])


ERRORS: list[tuple[Any, str]] = [
    (
        lambda: ours.convert_format(A, "xyxx", "xyxy"),
        r"`source` must be one of 'xyxy'.*got 'xyxx'. Did you mean",
    ),
    (
        lambda: ours.convert_format(A, "xyxy", "rel_xyxy"),
        r"`height` and `width` of the image are needed between",
    ),
    (
        lambda: ours.convert_format(A[..., :3], "xyxy", "xywh"),
        r"last axis must have size 4, got shape \(2, 4, 3\)",
    ),
    (lambda: ours.clip_to_image_size(A), r"`height` and `width` of the image are needed for 'xyxy'"),
    (
        lambda: ours.compute_iou(A[0, 0], B, "xyxy"),
        r"`boxes1` must have shape \(boxes, 4\) or \(batch, boxes, 4\)",
    ),
    (lambda: ours.compute_iou(A, B, "rel_xyxy"), r"`image_shape` .* is needed for the format 'rel_xyxy'"),
    (lambda: ours.compute_ciou(A, B, "xyxy"), r"the shapes must be equal, got \(2, 4, 4\) and \(2, 2, 4\)"),
    (
        lambda: ours.encode_box_to_deltas(ANCHORS, B, "xyxy", "xyxy", "xyxy"),
        r"unknown encoding_format 'xyxy'",
    ),
    (
        lambda: ours.encode_box_to_deltas(ANCHORS, B, "xyxy", "xyxy", variance=[1, 2]),
        r"`variance` must be four",
    ),
    (lambda: ours.decode_deltas_to_boxes({"a": A}, {"b": A}, "xyxy", "xyxy"), r"dict with the same keys"),
]


@pytest.mark.parametrize(("call", "text"), ERRORS)
def test_errors(call: Any, text: str) -> None:
    with interpreter(backends.load("numpy")), pytest.raises(ValueError, match=text):
        call()
