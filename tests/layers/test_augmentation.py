"""Image layers: their numbers are Keras's under one transformation, their draws are the same on every backend."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest
from images import ALL, COLORS, FIXED, GEOMETRIC, RANDOM, images
from oracle import BACKENDS, keras

import lamina
from lamina import backends, layers
from lamina.kernel.context import interpreter

X = images()


def shares(parameters: dict[str, Any]) -> Any:
    """What Keras makes of the images is found once for all backends."""
    return (parameters["name"], parameters["data_format"]) if "data_format" in parameters else None


# Images are compared with Keras's where an operation starts at once; that all backends agree is tested below.
@pytest.fixture(
    params=[b if b in ("numpy", "torch") else pytest.param(b, marks=pytest.mark.slow) for b in BACKENDS]
)
def k(request: pytest.FixtureRequest) -> Any:
    kernel = backends.load(request.param)
    with interpreter(kernel):
        yield kernel


@pytest.fixture
def on_numpy() -> Any:
    with interpreter(backends.load("numpy")):
        yield


def make(name: str, **more: Any) -> Any:
    kwargs = {**ALL[name], **more}
    if name not in FIXED and "seed" not in kwargs:
        kwargs["seed"] = 6
    return getattr(layers, name)(**kwargs)


def arrays(t: Any) -> Any:
    if isinstance(t, dict):
        return {n: arrays(v) for n, v in t.items()}
    if isinstance(t, list | tuple):
        return type(t)(arrays(v) for v in t)
    return np.asarray(t) if hasattr(t, "shape") else t


# -- against Keras, under one transformation ---------------------------------------------------------------------------

# In [0, 255] Keras's saturation runs past 1 and leaves the range, so it is compared in [0, 1].
RANGES: dict[str, Any] = {"RandomSaturation": (0, 1)}


@functools.cache
def wanted_of(name: str, data_format: str) -> tuple[np.ndarray, Any, np.ndarray]:
    high = RANGES.get(name, (0, 255))[1]
    x = X * (high / 255)
    x = np.transpose(x, (0, 3, 1, 2)) if data_format == "channels_first" else x
    return x, *of_keras(name, x, **arguments(name, data_format))


def arguments(name: str, data_format: str) -> dict[str, Any]:
    return {"data_format": data_format, **({"value_range": RANGES[name]} if name in RANGES else {})}


def of_keras(name: str, x: np.ndarray, **more: Any) -> tuple[Any, np.ndarray]:
    layer = getattr(keras.layers, name)(**ALL[name], **more)
    drawn = layer.get_random_transformation(x, training=True, seed=keras.random.SeedGenerator(7))
    out = layer.transform_images(keras.ops.convert_to_tensor(x), drawn, training=True)
    return arrays(drawn), np.asarray(out)


COMPARED = [
    *GEOMETRIC,
    *COLORS,
    "RandomCrop",
    "Resizing",
    "CenterCrop",
    "ContrastLimitedAdaptiveHistogramEqualization",
]
QUICK_FIRST = ("RandomFlip", "RandomRotation", "RandomContrast", "RandomGaussianBlur", "RandomErasing", "RandomCrop",
               "Resizing")  # fmt: skip


def formats() -> list[Any]:
    """Every layer with channels last; with channels first one of each kind, the others are slow."""
    params = []
    for name in COMPARED:
        params.append(pytest.param(name, "channels_last", id=f"{name}-channels_last"))
        marks = [] if name in QUICK_FIRST else [pytest.mark.slow]
        params.append(pytest.param(name, "channels_first", id=f"{name}-channels_first", marks=marks))
    return params


@pytest.mark.parametrize(("name", "data_format"), formats())
def test_given_a_transformation_images_are_those_of_keras(name: str, data_format: str, k: Any) -> None:
    high = RANGES.get(name, (0, 255))[1]
    x, drawn, wanted = wanted_of(name, data_format)
    got = k.to_numpy(make(name, **arguments(name, data_format)).transform_images(x, drawn, training=True))
    assert got.dtype == wanted.dtype
    np.testing.assert_allclose(got, wanted, atol=1e-4 * high if name == "RandomPerspective" else 1e-6 * high)


def test_equalization_and_auto_contrast_are_those_of_keras_image_by_image(k: Any) -> None:
    """Image by image: in a batch, Keras's equalization lets images change one another."""
    for name, bins, theirs in ((("Equalization", 256, toned_by_keras("Equalization", 256))),
                               ("Equalization", 20, toned_by_keras("Equalization", 20)),
                               ("AutoContrast", None, toned_by_keras("AutoContrast", None))):  # fmt: skip
        layer = getattr(layers, name)(**({"bins": bins} if bins else {}))
        np.testing.assert_allclose(k.to_numpy(layer(X)), theirs, atol=1e-3)


@functools.cache
def toned_by_keras(name: str, bins: int | None) -> np.ndarray:
    layer = getattr(keras.layers, name)(**({"bins": bins} if bins else {}))
    return np.stack([np.asarray(layer(x[None]))[0] for x in X])


@functools.cache
def mixed_by_keras() -> dict[tuple[str, str], Any]:
    data = {"images": X, "labels": np.eye(3, dtype="float32")}
    found: dict[tuple[str, str], Any] = {}
    for name in ("MixUp", "CutMix"):
        layer = getattr(keras.layers, name)()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of jax, about a dtype that Keras asks for
            drawn = layer.get_random_transformation(data, training=True, seed=keras.random.SeedGenerator(7))
        drawn = arrays(drawn)
        drawn["permutation_order"] = np.array([2, 0, 1])
        for method, value in (("transform_images", X), ("transform_labels", data["labels"])):
            found[name, method] = (
                value,
                drawn,
                np.asarray(getattr(layer, method)(keras.ops.array(value), drawn)),
            )
    return found


def test_mixing_is_that_of_keras(k: Any) -> None:
    for (name, method), (value, drawn, wanted) in mixed_by_keras().items():
        got = getattr(make(name), method)(value, drawn)
        np.testing.assert_allclose(k.to_numpy(got), wanted, atol=1e-3)


@functools.cache
def chosen_by_keras() -> tuple[Any, list[np.ndarray], Any, np.ndarray]:
    x = X[:1]  # one image: Keras's equalization mixes up several
    layer = keras.layers.RandAugment(num_ops=1)
    drawn = layer.get_random_transformation(x, training=True, seed=keras.random.SeedGenerator(7))
    outputs = []
    for place in range(11):
        drawn["layer_idxes"] = np.array([place], "int32")
        outputs.append(np.asarray(layer.transform_images(x, drawn, training=True)))
    mixing = keras.layers.AugMix()
    chains = mixing.get_random_transformation(x, training=True, seed=keras.random.SeedGenerator(7))
    return (
        arrays(drawn),
        outputs,
        arrays(chains),
        np.asarray(mixing.transform_images(x, chains, training=True)),
    )


@pytest.mark.slow
def test_chosen_changes_are_those_of_keras(k: Any) -> None:
    drawn, outputs, chains, mixed = chosen_by_keras()
    ours = make("RandAugment", num_ops=1)
    for place, wanted in enumerate(outputs):
        drawn["layer_idxes"] = np.array([place], "int32")
        np.testing.assert_allclose(k.to_numpy(ours.transform_images(X[:1], drawn)), wanted, atol=1e-3)
    np.testing.assert_allclose(k.to_numpy(make("AugMix").transform_images(X[:1], chains)), mixed, atol=1e-3)


# -- draws -------------------------------------------------------------------------------------------------------------


def drawn_by(name: str, backend: str, x: np.ndarray = X, calls: int = 2) -> list[np.ndarray]:
    with interpreter(backends.load(backend)) as kernel:
        layer = make(name)
        return [kernel.to_numpy(layer(x, training=True)) for _ in range(calls)]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "AugMix" else n for n in RANDOM]
)
def test_one_seed_gives_the_same_images_on_every_backend(name: str) -> None:
    first, *others = [
        drawn_by(name, backend, calls=2 if place else 4) for place, backend in enumerate(BACKENDS)
    ]
    tolerance = 0.02 if name == "RandomPerspective" else 2e-3
    for other in others:
        np.testing.assert_allclose(other[0], first[0], atol=tolerance)
        np.testing.assert_allclose(other[1], first[1], atol=tolerance)
    assert any(not np.array_equal(first[0], later) for later in first[1:])  # the stream goes on


@pytest.mark.parametrize("name", [n for n in RANDOM if n != "RandomCrop"])
def test_each_image_has_a_draw_of_its_own(name: str) -> None:
    """Equal images come out different. `RandomCrop` documents that a batch shares the place."""
    batch = np.repeat(X[:1], 8, 0) * np.linspace(0.99, 1, 8, dtype="float32")[:, None, None, None]
    for out in drawn_by(name, "numpy", batch, calls=4):
        scaled = out / np.linspace(0.99, 1, 8)[:, None, None, None]
        if len({y.round(0).tobytes() for y in scaled}) > 1:
            return
    raise AssertionError(f"{name}: eight images were treated alike")


@pytest.mark.parametrize("name", RANDOM)
def test_without_training_images_stay(name: str, on_numpy: Any) -> None:
    out = make(name)(X, training=False)
    assert out.dtype == np.float32
    if name != "RandomCrop":  # whose result has the window's size
        np.testing.assert_array_equal(out, X)


RANGE_OF = {  # (argument, key) -> the factor's documented range
    ("RandomBrightness", "rgb_delta"): ({"factor": (0.1, 0.3)}, 25.5, 76.5),
    ("RandomContrast", "contrast_factor"): ({"factor": (0.1, 0.3)}, 0.9, 1.3),
    ("RandomRotation", "angle"): ({"factor": (0.1, 0.3)}, 36.0, 108.0),
    ("RandomZoom", "height_zoom"): ({"height_factor": (-0.3, 0.2), "width_factor": None}, 0.7, 1.2),
    ("RandomTranslation", "translations"): ({"height_factor": 0.25, "width_factor": 0.2}, -2.0, 2.0),
    ("RandomHue", "factor"): ({"factor": (0.0, 0.4)}, -0.2, 0.2),
    ("RandomSaturation", "factor"): ({"factor": (0.6, 0.9)}, 1.5, 9.0),
    ("RandomPosterization", "shift_factor"): ({"factor": (2, 7)}, 2, 6),
    ("Solarization", "additions"): ({"addition_factor": (0.1, 0.3), "threshold_factor": 0.4}, 25.5, 76.5),
    ("MixUp", "mix_weight"): ({"alpha": 0.2}, 0.0, 1.0),
}


@pytest.mark.parametrize(("name", "key"), RANGE_OF, ids=lambda v: v)
def test_draws_fill_their_range(name: str, key: str, on_numpy: Any) -> None:
    kwargs, low, high = RANGE_OF[name, key]
    layer = getattr(layers, name)(**kwargs, seed=3)
    drawn = layer.get_random_transformation(np.zeros((4000, 8, 10, 3), "float32"))[key]
    width = high - low
    assert low - 1e-3 <= drawn.min() <= low + 0.02 * width
    assert high - 0.03 * width <= drawn.max() <= high + 1e-3


def test_parts_that_are_chosen_have_the_probability_of_keras(on_numpy: Any) -> None:
    many = np.zeros((4000, 4, 4, 3), "float32")
    for name, key in (("RandomInvert", "apply_inversion"), ("RandomErasing", "apply_erasing"),
                      ("RandomGaussianBlur", "should_apply_blur"), ("RandomPerspective", "apply_perspective")):  # fmt: skip
        drawn = getattr(layers, name)(factor=(0.3, 0.6), seed=3).get_random_transformation(many)[key]
        assert abs(drawn.mean() - 0.45) < 0.03
    assert abs(layers.RandomGrayscale(0.3, seed=3).get_random_transformation(many).mean() - 0.3) < 0.03
    assert abs(layers.RandomFlip(seed=3).get_random_transformation(many)["flips"].mean() - 0.5) < 0.03


def test_mixing_weights_are_beta_distributed(on_numpy: Any) -> None:
    for alpha in (0.2, 1.0, 3.0):
        weights = layers.MixUp(alpha, seed=1).get_random_transformation(np.zeros((6000, 2, 2, 3)))[
            "mix_weight"
        ]
        assert abs(weights.mean() - 0.5) < 0.02
        assert abs(weights.std() - (1 / (4 * (2 * alpha + 1))) ** 0.5) < 0.01


def test_erased_rectangles_lie_inside_and_have_the_size_asked_for(on_numpy: Any) -> None:
    layer = layers.RandomErasing((1.0, 1.0), scale=(0.04, 0.25), seed=2)
    masks = layer.get_random_transformation(np.zeros((300, 40, 60, 3), "float32"))["batch_masks"][..., 0]
    heights, widths = masks.any(2).sum(1), masks.any(1).sum(1)
    assert ((heights >= 7) & (heights <= 21)).all()
    assert ((widths >= 11) & (widths <= 31)).all()
    assert abs(np.corrcoef(heights, widths)[0, 1]) < 0.15
    np.testing.assert_array_equal(masks.sum((1, 2)), heights * widths)


# -- dtypes, inputs, errors --------------------------------------------------------------------------------------------

KEEP_INTEGERS = {"Resizing", "RandomBrightness", "RandomGrayscale", "MaxNumBoundingBoxes",
                 "ContrastLimitedAdaptiveHistogramEqualization"}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_bytes_come_out_in_the_documented_dtype(name: str, on_numpy: Any) -> None:
    for training in (True, False):
        out = make(name)(X.astype("uint8"), training=training)
        assert out.dtype == ("uint8" if name in KEEP_INTEGERS else "float32")


def test_brightness_of_bytes_stays_in_their_range(on_numpy: Any) -> None:
    x = np.full((1, 2, 2, 3), 250, "uint8")
    assert (layers.RandomBrightness((0.5, 0.5))(x) == 255).all()
    assert (layers.RandomBrightness((-0.5, -0.5))(x) == 122).all()


@pytest.mark.parametrize("name", ALL)
def test_single_images_and_dicts(name: str, on_numpy: Any) -> None:
    batch, one = make(name)(X), make(name)(X[0])
    assert one.shape == batch.shape[1:]
    if name not in ("MixUp", "CutMix", "MaxNumBoundingBoxes"):
        data = {"images": X, "labels": np.arange(3), "id": "kept"}
        out = make(name)(data)
        np.testing.assert_array_equal(out["images"], batch)
        np.testing.assert_array_equal(out["labels"], data["labels"])
        assert out["id"] == "kept"


@pytest.mark.parametrize("name", ALL)
def test_the_input_is_left_as_it_was(name: str, on_numpy: Any) -> None:
    boxes = {
        "boxes": np.array([[[1.0, 1, 4, 5], [2, 2, 8, 8]]] * 3, "float32"),
        "labels": np.ones((3, 2), "int32"),
    }
    data = {
        "images": X.copy(),
        "labels": np.eye(3, dtype="float32"),
        "segmentation_masks": np.ones((3, 8, 10, 1), "int32"),
        "bounding_boxes": boxes,
    }
    before = {**data, "images": X.copy(), "bounding_boxes": {n: v.copy() for n, v in boxes.items()}}
    out = make(name, bounding_box_format="xyxy")(data)
    assert out is not data
    assert out["bounding_boxes"] is not boxes
    assert data["bounding_boxes"] is boxes
    for key, value in before.items():
        for ours, theirs in (
            [(data[key], value)] if key != "bounding_boxes" else zip(boxes.values(), value.values())
        ):
            np.testing.assert_array_equal(ours, theirs)


def test_half_precision_leaves_boxes_alone(on_numpy: Any) -> None:
    layer = layers.RandomFlip("horizontal", seed=1, bounding_box_format="xyxy", dtype="mixed_float16")
    boxes = {"boxes": np.array([[[1001.0, 3, 1003, 5]]], "float32"), "labels": np.zeros((1, 1))}
    out = layer({"images": np.zeros((1, 8, 4096, 3), "float32"), "bounding_boxes": boxes}, training=False)
    assert out["images"].dtype == np.float16
    np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], boxes["boxes"])


ERRORS: list[tuple[str, Any, str]] = [
    ("flip", lambda: layers.RandomFlip("sideways"), r"RandomFlip: unknown mode 'sideways'. Known: 'horizontal'"),
    ("rotation", lambda: layers.RandomRotation((1, 2, 3)), r"RandomRotation: `factor` must be a number or a pair"),
    ("backwards", lambda: layers.RandomZoom((0.3, 0.1)), r"pair `height_factor` must be \(from, to\) with from <= to"),
    ("mode", lambda: layers.RandomRotation(0.1, "mirror"), r"RandomRotation: unknown fill_mode 'mirror'. Known: 'reflect'"),
    ("interpolation", lambda: layers.RandomShear(0.1, interpolation="cubic"), r"RandomShear: unknown interpolation 'cubic'"),
    ("range", lambda: layers.RandomBrightness(0.1, 3), r"`value_range` must be two numbers .*got 3"),
    ("size", lambda: layers.CenterCrop(-1, 1), r"`height` must be an integer of at least 1, got -1"),
    ("resizing", lambda: layers.Resizing(0, 3), r"`height` must be an integer of at least 1, got 0"),
    ("kernel", lambda: layers.RandomGaussianBlur(1.0, 2), r"`kernel_size` must be an odd integer"),
    ("alpha", lambda: layers.MixUp(-1), r"`alpha` must be a number above 0, got -1"),
    ("format", lambda: layers.RandomFlip(bounding_box_format="xyxx"), r"unknown bounding_box_format 'xyxx'. Did you mean"),
    ("rank 2", lambda: layers.RandomFlip()(np.zeros((8, 8))), r"expected one image \(rank 3\) or a batch .*\(8, 8\)"),
    ("rank 5", lambda: layers.Resizing(4, 4)(np.zeros((1, 1, 8, 8, 3))), r"rank 4\), got shape \(1, 1, 8, 8, 3\)"),
    ("sizes", lambda: layers.RandomFlip()([np.zeros((8, 8, 3)), np.zeros((9, 8, 3))]), r"different sizes: \(8, 8, 3\)"),
    ("no images", lambda: layers.RandomFlip()({"image": X}), r"a dict must have an entry 'images', got \['image'\]"),
    ("no format", lambda: layers.RandomFlip()({"images": X, "bounding_boxes": {}}), r"give `bounding_box_format`"),
    ("no labels", lambda: layers.RandomFlip(bounding_box_format="xyxy")(
        {"images": X, "bounding_boxes": {"boxes": np.zeros((3, 1, 4))}}), r"'bounding_boxes' must be a dict with"),
    ("three numbers", lambda: layers.RandomFlip(bounding_box_format="xyxy")(
        {"images": X, "bounding_boxes": {"boxes": np.zeros((3, 1, 3)), "labels": np.zeros((3, 1))}}),
     r"'boxes' must have shape \(batch, boxes, 4\), got \(3, 1, 3\)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), [e[1:] for e in ERRORS], ids=[e[0] for e in ERRORS])
def test_errors_say_what_is_wrong(call: Any, text: str, on_numpy: Any) -> None:
    with pytest.raises((ValueError, NotImplementedError), match=text):
        call()


# -- one's own layer ---------------------------------------------------------------------------------------------------


class Darker(layers.ImageAugmentation):
    """A layer as a user writes one."""

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        return self.uniforms(data, 1, seed)[0] if training else None

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Any:
        if transformation is None:
            return images
        return images * lamina.ops.reshape(transformation, (-1, 1, 1, 1))


def test_ones_own_layer_has_all_of_it(k: Any) -> None:
    layer = Darker(seed=3)
    out = layer({"images": X, "labels": np.arange(3)})
    factors = k.to_numpy(out["images"])[:, 0, 0, 0] / X[:, 0, 0, 0]
    assert len(set(factors.round(5))) == 3
    assert layer(X[0], training=True).shape == (8, 10, 3)
    np.testing.assert_array_equal(k.to_numpy(layer(X, training=False)), X)
