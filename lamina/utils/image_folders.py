"""Images of a folder as a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import backends, config, ops
from lamina.kernel.context import interpreter
from lamina.kernel.tracebacks import folds_frames
from lamina.ops.checks import one_of
from lamina.utils.files import batches_of, check_split, find, finished, parts, read_all
from lamina.utils.images import img_to_array, load_img

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


@folds_frames
def image_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    color_mode: str = "rgb", batch_size: int | None = 32, image_size: Any = (256, 256), shuffle: bool = True,
    seed: int | None = None, validation_split: float | None = None, subset: str | None = None,
    interpolation: str = "bilinear", follow_links: bool = False, crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False, data_format: str | None = None, format: str = "tf", verbose: bool = True,
) -> Any:  # fmt: skip
    """The images below a folder, whose subfolders are the classes.

    Args:
        directory: The folder.
        labels: "inferred" from the names of subfolders, None, or one integer for each file in the order of paths.
        label_mode: "int", "categorical" (one-hot), "binary" or None.
        class_names: The order of the subfolders; alphabetical by default.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: How many images a batch has; None gives single ones.
        image_size: (height, width) to resize to.
        shuffle: Whether the order is random, another one in each epoch.
        seed: An integer for repeatable orders and splits.
        validation_split: The part of the files that is for validation.
        subset: "training", "validation" or "both" (a pair of data sets).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        follow_links: Whether links to folders are followed.
        crop_to_aspect_ratio: Whether images are cut to the ratio of the size first.
        pad_to_aspect_ratio: Whether images are filled up to it.
        data_format: "channels_last", "channels_first" or None for the default.
        format: "tf" gives a `tf.data.Dataset` (without TensorFlow the native form), "grain" a Grain data set, "native" a
            `PyDataset` that can be iterated over.
        verbose: Whether to print how many files were found.

    Returns:
        A data set of images, or (images, labels); it has `class_names` and `file_paths`.

    Raises:
        ValueError: if arguments are unknown or do not go together, or there are no images.
        FileNotFoundError: if there is no such folder.
        ImportError: without Pillow, or without Grain where it is wanted.

    Example:
        >>> import lamina, os
        >>> for name in ("cats", "dogs"):
        ...     os.makedirs(f"pets/{name}")
        ...     lamina.utils.save_img(f"pets/{name}/1.png", np.zeros((8, 8, 3)))
        >>> data = lamina.utils.image_dataset_from_directory("pets", image_size=(4, 6), format="native", verbose=False)
        >>> x, y = data[0]
        >>> x.shape, sorted(y.tolist()), data.class_names
        ((2, 4, 6, 3), [0, 1], ['cats', 'dogs'])
    """
    name = "image_dataset_from_directory"
    one_of(name, "color_mode", color_mode, _CHANNELS)
    one_of(name, "interpolation", interpolation, _INTERPOLATIONS)
    size = tuple(image_size) if isinstance(image_size, list | tuple) else ()
    if len(size) != 2 or not all(isinstance(n, int) and n > 0 for n in size):
        raise ValueError(f"{name}: `image_size` must be (height, width), got {image_size!r}.")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{name}: only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True.")
    check_split(name, validation_split, subset, shuffle, seed)
    if seed is None and shuffle:
        seed = int(np.random.randint(1_000_000))
    found = find(
        name, directory, labels, label_mode, class_names, ENDINGS, follow_links, shuffle, seed, "images"
    )
    form = config.standardize_data_format(data_format)
    read = _Reader(color_mode, size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, form)
    made = [
        finished(name, batches_of(part, read, batch_size, shuffle, seed), format)
        for part in parts(found, validation_split, subset, verbose)
    ]
    return made[0] if len(made) == 1 else made


class _Reader:
    """Reads and resizes images."""

    def __init__(
        self, mode: str, size: Any, interpolation: str, crop: bool, pad: bool, data_format: str
    ) -> None:
        self.mode, self.data_format = mode, data_format
        self.given = (size, interpolation)
        self.more = {"crop_to_aspect_ratio": crop, "pad_to_aspect_ratio": pad, "data_format": data_format}

    def __call__(self, paths: list[str]) -> np.ndarray:
        return np.stack(read_all(self._one, paths))

    def _one(self, path: str) -> np.ndarray:
        image = img_to_array(load_img(path, self.mode), self.data_format, "float32")
        with interpreter(backends.host()):
            return np.asarray(ops.image.resize(image, *self.given, **self.more))
