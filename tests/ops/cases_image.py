"""Cases of image operations."""

from __future__ import annotations

import numpy as np
from case import Case, integers, normal, positive

CASES: list[Case] = []


def add(name: str, *args, **kwargs) -> None:
    CASES.append(Case("image." + name, *args, **kwargs))


def but(name: str, *args, fields: dict, **kwargs) -> None:
    CASES.append(Case("image." + name, *args, **kwargs).but(**fields))


x = normal(2, 7, 5, 3)
first = normal(2, 3, 5, 6)
unit = positive(2, 3, 4, 3) / 2

# -- resizing ----------------------------------------------------------------------------------------------------------

for method in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    for antialias in (False, True):
        but("resize", x, (3, 8), method, antialias, fields={"atol": 3e-5})
    add("resize", x[0], (1, 1), method)
for size in ((3, 7), (9, 2)):
    add("resize", x, size, crop_to_aspect_ratio=True)
    add("resize", x, size, pad_to_aspect_ratio=True, fill_value=7.0)
add("resize", first, (3, 8), data_format="channels_first")
add("resize", integers(1, 4, 4, 2, low=0, high=256, dtype="uint8"), (5, 8), "bicubic")
add("resize", integers(1, 4, 4, 2), (3, 3))
add("resize", x.astype("float16"), (4, 4))
for method in ("linear", "cubic", "lanczos3", "lanczos5"):
    for antialias in (True, False):
        scale, move = np.array([1.75, 0.5], "float32"), np.array([2.2, -1.1], "float32")
        numbers = {
            "atol": 1e-4,
            "gradient": False,
            "known": (1, 2),
        }  # the inner sums have jumps at their ends
        but(
            "scale_and_translate",
            normal(4, 5),
            (7, 3),
            scale,
            move,
            (0, 1),
            method,
            antialias,
            fields=numbers,
        )

# -- sampling ----------------------------------------------------------------------------------------------------------

places = normal(2, 4, 6) * 3
turn = np.array(
    [[1, 0.13, 1.31, -0.21, 0.93, -0.41, 0, 0], [0.77, 0.13, 0.21, 0.23, 1.31, 1.41, 0, 0]], "float32"
)
ONLY = {"known": (1, 2), "atol": 1e-4}
for fill in ("constant", "nearest", "wrap", "mirror", "reflect"):
    for order in (0, 1):
        but("map_coordinates", normal(5, 3), places, order, fill, 7.0, fields={"known": (1,), "atol": 1e-4})
    for method in ("nearest", "bilinear"):
        smooth = method == "bilinear"  # nearest has jumps
        but("affine_transform", x, turn, method, fill, 9.0, fields={**ONLY, "gradient": smooth})
line = np.array([[-3.2, -1.7, -0.6, 0.1, 0.4, 1.2, 3.9, 4.3, 6.6, 9.9]])
but("map_coordinates", np.arange(5), line, 1, "wrap", fields={"known": (1,)})
but("map_coordinates", normal(1, 3, 2), normal(3, 6), 1, "mirror", fields={"known": (1,)})
but("affine_transform", x[0], turn[0], fields=ONLY)
but("affine_transform", integers(2, 4, 5, 1, low=0, high=200, dtype="uint8"), turn, fields=ONLY)
but("affine_transform", first, turn, data_format="channels_first", fields=ONLY)
corners = np.array([[[0, 0], [0, 6], [4, 0], [4, 6]]] * 2, "float32")
for method in ("nearest", "bilinear"):
    shifted = corners + positive(2, 4, 2) / 2
    but("perspective_transform", x, corners, shifted, method, 3.0, fields={**ONLY, "gradient": False})
but("perspective_transform", x[0], corners[0], shifted[0], fields={**ONLY, "gradient": False})


def bent_by_nothing(images: np.ndarray, *args, **kwargs) -> np.ndarray:
    """Draws differ between libraries; without strength nothing moves."""
    return images


ELASTIC = {"oracle": bent_by_nothing, "gradient": False}
but("elastic_transform", x, 0.0, seed=1, fields=ELASTIC)
but("elastic_transform", first, 0.0, 2.0, "nearest", seed=1, data_format="channels_first", fields=ELASTIC)
but("elastic_transform", x[0], 0.0, fill_mode="constant", fields={**ELASTIC, "jit": False})

# -- colors ------------------------------------------------------------------------------------------------------------

for name in ("rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb"):
    add(name, unit)
    add(name, unit[0])
    add(name, unit.transpose(0, 3, 1, 2).copy(), data_format="channels_first")
    add(name, unit.astype("float16"))
    but(name, np.zeros((1, 2, 2, 3), "float32"), fields={"gradient": False})
add("rgb_to_grayscale", unit[..., :1])
add("rgb_to_grayscale", integers(2, 3, 4, 3, low=0, high=256, dtype="uint8"))

# -- windows -----------------------------------------------------------------------------------------------------------

for padding in ("same", "valid"):
    for arguments in ((2,), ((2, 3), 1), (3, 2), (2, 1, 2)):
        add("extract_patches", x, *arguments, padding=padding)
    add("extract_patches", x[0], 2, padding=padding)
    add("extract_patches", first, 2, 1, padding=padding, data_format="channels_first")
    add("extract_patches_3d", normal(2, 4, 5, 6, 2), (2, 3, 2), 1, padding=padding)
    add("extract_patches_3d", normal(1, 2, 4, 4, 4), 2, padding=padding, data_format="channels_first")
for arguments in ((3, 3), (1.0, 1.0)), ((3, 5), (1.0, 0.5)), ((2, 2), (2.0, 2.0)):
    add("gaussian_blur", first, *arguments, data_format="channels_first")


def through_channels_first(images: np.ndarray) -> np.ndarray:
    """Keras's own channels_last form gives another result; an impulse shows that it is not the window."""
    from keras import ops

    first = np.asarray(ops.image.gaussian_blur(np.moveaxis(images, -1, -3), data_format="channels_first"))
    return np.moveaxis(first, -3, -1)


for images in (x, x[0]):
    but("gaussian_blur", images, fields={"oracle": through_channels_first})
add("sobel_edges", x)
add("sobel_edges", first, data_format="channels_first")
one, other = positive(2, 12, 12, 3) / 2, positive(2, 12, 12, 3) / 2
but("ssim", one, other, fields={"rtol": 1e-4})
but("ssim", one[0], other[0], fields={"rtol": 1e-4})
but("ssim", one, other, 2.0, 5, 1.0, 0.1, 0.2, fields={"rtol": 1e-4})

# -- borders -----------------------------------------------------------------------------------------------------------

add("crop_images", x, 1, 1, 1, 1)
add("crop_images", x, top_cropping=1, left_cropping=1, target_height=2, target_width=2)
add("crop_images", x, bottom_cropping=1, right_cropping=0, target_height=2, target_width=2)
add("crop_images", first, 0, 1, 3, 1, data_format="channels_first")
add("pad_images", x[0], 1, 1, 0, 0)
add("pad_images", x, 1, 0, target_height=9, target_width=8)
add("pad_images", x, bottom_padding=1, right_padding=1, target_height=9, target_width=9)
add("pad_images", first, 0, 1, 3, 1, data_format="channels_first")
