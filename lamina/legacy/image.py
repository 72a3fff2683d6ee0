"""`keras.preprocessing.image`: pictures as arrays, and batches of them with random changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina import config, utils
from lamina.legacy.changes import apply_affine_transform as apply_affine_transform
from lamina.legacy.changes import apply_brightness_shift as apply_brightness_shift
from lamina.legacy.changes import apply_channel_shift as apply_channel_shift
from lamina.legacy.changes import random_brightness as random_brightness
from lamina.legacy.changes import random_channel_shift as random_channel_shift
from lamina.legacy.changes import random_rotation as random_rotation
from lamina.legacy.changes import random_shear as random_shear
from lamina.legacy.changes import random_shift as random_shift
from lamina.legacy.changes import random_zoom as random_zoom
from lamina.legacy.iterators import DataFrameIterator as DataFrameIterator
from lamina.legacy.iterators import DirectoryIterator as DirectoryIterator
from lamina.legacy.iterators import Iterator as Iterator
from lamina.legacy.iterators import NumpyArrayIterator as NumpyArrayIterator
from lamina.legacy.renames import data_format as of_today
from lamina.utils import array_to_img as array_to_img
from lamina.utils import img_to_array as img_to_array
from lamina.utils import save_img as save_img
from lamina.utils.images import smart_resize as smart_resize

__all__ = [
    "DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator",
    "apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "array_to_img", "img_to_array",
    "load_img", "random_brightness", "random_channel_shift", "random_rotation", "random_shear", "random_shift",
    "random_zoom", "save_img", "smart_resize",
]  # fmt: skip

_GONE = {
    "has_ext": "Names have their endings.",
    "drop_duplicates": "Drop them in the table: `dataframe.drop_duplicates(x_col)`.",
    "sort": "Sort the table.",
}


def load_img(
    path: Any, grayscale: bool = False, color_mode: str = "rgb", target_size: Any = None,
    interpolation: str = "nearest",
) -> Any:  # fmt: skip
    """A picture from a file, as Pillow has it; `grayscale` is the old way to ask for that `color_mode`."""
    if not isinstance(grayscale, bool):  # where Keras 3 has `color_mode`
        color_mode, grayscale = grayscale, False
    color_mode = "grayscale" if grayscale else color_mode
    return utils.load_img(path, color_mode=color_mode, target_size=target_size, interpolation=interpolation)


class ImageDataGenerator:
    """Batches of images with random changes, from arrays or folders.

    Args:
        featurewise_center, featurewise_std_normalization: Whether the mean of the data set becomes 0 and its
            deviation 1, channel by channel (call `fit` first).
        samplewise_center, samplewise_std_normalization: The same for each image by itself.
        zca_whitening, zca_epsilon: Whether the components become uncorrelated (call `fit` first).
        rotation_range: Degrees.
        width_shift_range, height_shift_range: A share of the size (below 1), pixels (1 and above; an integer n means whole
            ones, fewer than n), or a list to choose from. Heights move rows; in Keras 3 they move columns.
        brightness_range: Two factors, between which one is drawn.
        shear_range: Degrees.
        zoom_range: Two factors, or z for 1 - z to 1 + z.
        channel_shift_range: How much each channel may be raised or lowered.
        fill_mode, cval: What stands outside: "nearest", "constant" (`cval`), "reflect" or "wrap".
        horizontal_flip, vertical_flip: Whether half of the images are mirrored.
        rescale: A factor at the end.
        preprocessing_function: Of one image, after the changes.
        data_format: Where the channels are.
        validation_split: The share of the data that is the subset "validation".
        interpolation_order: 0 for the nearest pixel, 1 for linear, 2 to 5 for splines.
        dtype: Of the images; None means the default float.

    Example:
        >>> import numpy as np
        >>> from lamina.legacy.image import ImageDataGenerator
        >>> flow = ImageDataGenerator(rescale=0.5).flow(np.ones((3, 4, 4, 1)), [0, 1, 2], batch_size=2, shuffle=False)
        >>> x, y = next(flow)
        >>> x.shape, float(x.max()), y.tolist()
        ((2, 4, 4, 1), 0.5, [0, 1])
    """

    def __init__(
        self, featurewise_center: bool = False, samplewise_center: bool = False,
        featurewise_std_normalization: bool = False, samplewise_std_normalization: bool = False,
        zca_whitening: bool = False, zca_epsilon: float = 1e-6, rotation_range: float = 0,
        width_shift_range: Any = 0.0, height_shift_range: Any = 0.0, brightness_range: Any = None,
        shear_range: float = 0.0, zoom_range: Any = 0.0, channel_shift_range: float = 0.0, fill_mode: str = "nearest",
        cval: float = 0.0, horizontal_flip: bool = False, vertical_flip: bool = False, rescale: Any = None,
        preprocessing_function: Callable[[Any], Any] | None = None, data_format: str | None = None,
        validation_split: float = 0.0, interpolation_order: int = 1, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip

        data_format = of_today(kwargs.pop("dim_ordering", data_format))
        if kwargs:
            raise TypeError(f"ImageDataGenerator got unknown arguments: {', '.join(kwargs)}.")
        if fill_mode not in ("nearest", "constant", "reflect", "wrap"):
            raise ValueError(f"Unknown `fill_mode` {fill_mode!r}: nearest, constant, reflect or wrap.")
        if interpolation_order not in range(6):
            raise ValueError(
                f"ImageDataGenerator: `interpolation_order` is an integer from 0 to 5, got {interpolation_order!r}."
            )
        if not 0 <= validation_split < 1:
            raise ValueError(f"`validation_split` must be from 0 to 1, got {validation_split!r}.")
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.rotation_range, self.shear_range = rotation_range, shear_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range, self.channel_shift_range = brightness_range, channel_shift_range
        if brightness_range is not None and np.shape(brightness_range) != (2,):
            raise ValueError(f"`brightness_range` must be two factors (from, to), got {brightness_range!r}.")
        whole = isinstance(zoom_range, int | float)
        if not whole and np.shape(zoom_range) != (2,):
            raise ValueError(f"`zoom_range` must be a number or two factors (from, to), got {zoom_range!r}.")
        self.zoom_range = (1.0 - zoom_range, 1.0 + zoom_range) if whole else tuple(zoom_range)
        self.fill_mode, self.cval, self.order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format = data_format or config.image_data_format()
        self.validation_split, self.dtype = validation_split, dtype or config.floatx()
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # -- sources -------------------------------------------------------------------------------------------------------

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        ignore_class_split: bool = False, subset: str | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Batches from arrays.

        Args:
            x: Images (count, rows, columns, channels), or a tuple of images and arrays that go along with them.
            y: What belongs to each image.
            batch_size: How many images a batch has.
            shuffle: Whether each epoch has an order of its own.
            sample_weight: A weight for each image.
            seed: An integer for repeatable orders and changes.
            save_to_dir: A folder into which each image of a batch is written, changed as it is.
            save_prefix: What the names of these files begin with.
            save_format: Their ending.
            ignore_class_split: Whether a subset may lack classes.
            subset: "training" or "validation", as `validation_split` cuts them.
        """
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, self.data_format, save_to_dir, save_prefix, save_format,
            subset, ignore_class_split, self.dtype,
        )  # fmt: skip

    def flow_from_directory(
        self, directory: Any, target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
        subset: str | None = None, interpolation: str = "nearest", keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:  # fmt: skip
        """Batches from a folder with a subfolder per class; the other arguments are those of `flow`.

        Args:
            directory: The folder.
            target_size: (height, width) that images are brought to.
            color_mode: "rgb", "rgba" or "grayscale".
            classes: The subfolders in the order of their numbers; None takes all by name.
            class_mode: "categorical" (one-hot rows), "binary" or "sparse" (numbers), "input" (the images again), None
                (images alone).
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: As in `flow`.
            follow_links: Whether subfolders may be links.
            interpolation: How images are brought to size.
            keep_aspect_ratio: Whether they are cut to the ratio of the target first.
        """
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed, self.data_format,
            save_to_dir, save_prefix, save_format, follow_links, subset, interpolation, keep_aspect_ratio, self.dtype,
        )  # fmt: skip

    def flow_from_dataframe(
        self, dataframe: Any, directory: Any = None, x_col: str = "filename", y_col: Any = "class",
        weight_col: str | None = None, target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", subset: str | None = None,
        interpolation: str = "nearest", validate_filenames: bool = True, **kwargs: Any,
    ) -> DataFrameIterator:  # fmt: skip
        """Batches from the files that a column of a table names.

        Args:
            dataframe: A table: a data frame (pandas, polars) or a dict of columns.
            directory: What the names are relative to; None for whole paths.
            x_col: The column of file names.
            y_col: The column, or columns, of what belongs to each image.
            weight_col: A column of sample weights.
            target_size, color_mode, interpolation: As in `flow_from_directory`.
            classes: The classes in the order of their numbers; rows of others are left out. None takes all by name.
            class_mode: "categorical" (one-hot rows; a list of names in a row marks each of them), "binary" or "sparse"
                (numbers), "raw" (the columns as they are), "multi_output" (one array for each column), "input", None.
            batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset: As in `flow`.
            validate_filenames: Whether rows whose file is not there are left out, with a warning.
        """
        keep = kwargs.pop("keep_aspect_ratio", False)
        for old, reason in _GONE.items():
            if old in kwargs:
                raise TypeError(f"flow_from_dataframe: `{old}` is gone since Keras 2.3. {reason}")
        if kwargs:
            raise TypeError(f"flow_from_dataframe got unknown arguments: {', '.join(kwargs)}.")
        return DataFrameIterator(
            dataframe, directory, self, x_col, y_col, weight_col, target_size, color_mode, classes, class_mode, batch_size,
            shuffle, seed, self.data_format, save_to_dir, save_prefix, save_format, subset, interpolation, keep, self.dtype,
            validate_filenames,
        )  # fmt: skip

    def part(self, count: int, subset: str | None) -> slice:
        """The rows of a subset: the first ones are for validation."""
        if subset not in ("training", "validation", None):
            raise ValueError(f"`subset` must be 'training' or 'validation', got {subset!r}.")
        cut = int(count * self.validation_split)
        return (
            slice(0, count)
            if subset is None
            else slice(cut, count)
            if subset == "training"
            else slice(0, cut)
        )

    # -- one image -----------------------------------------------------------------------------------------------------

    def changed(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image after a random change and the normalization."""
        return self.standardize(self.apply_transform(x, self.drawn(x.shape, rng)))

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """One image after a random change."""
        rng = np.random.default_rng(np.random.randint(2**31) if seed is None else seed)
        return self.apply_transform(x, self.drawn(x.shape, rng))

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """The numbers of a random change, for `apply_transform`."""
        return self.drawn(
            img_shape, np.random.default_rng(np.random.randint(2**31) if seed is None else seed)
        )

    def drawn(self, shape: Sequence[int], rng: np.random.Generator) -> dict[str, Any]:
        """The numbers of a random change."""
        rows, columns = shape[:2] if self.data_format == "channels_last" else shape[1:]
        about = lambda width: rng.uniform(-width, width) if width else 0.0

        def shift(given: Any, size: int) -> float:
            if not np.isscalar(given):
                return float(rng.choice(np.asarray(given)) * rng.choice([-1, 1]))
            if isinstance(given, int | np.integer):  # whole pixels, fewer than these
                return float(rng.integers(1 - given, given)) if given else 0.0
            return about(given * size if abs(given) < 1 else given)  # pyright: ignore

        low, high = self.zoom_range
        zooms = (1.0, 1.0) if low == high == 1 else tuple(rng.uniform(low, high, 2))
        bright = self.brightness_range
        return {
            "theta": about(self.rotation_range), "tx": shift(self.width_shift_range, columns),
            "ty": shift(self.height_shift_range, rows), "shear": about(self.shear_range), "zx": zooms[0],
            "zy": zooms[1], "flip_horizontal": self.horizontal_flip and rng.random() < 0.5,
            "flip_vertical": self.vertical_flip and rng.random() < 0.5,
            "channel_shift_intensity": about(self.channel_shift_range) if self.channel_shift_range else None,
            "brightness": rng.uniform(*bright) if bright is not None else None,
        }  # fmt: skip

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """One image after a change with these numbers."""
        p, row = transform_parameters, 0 if self.data_format == "channels_last" else 1
        moves = {n: p[n] for n in ("theta", "tx", "ty", "shear", "zx", "zy") if n in p}
        x = apply_affine_transform(
            np.asarray(x, self.dtype), **moves, row_axis=row, col_axis=row + 1, channel_axis=2 if row == 0 else 0,
            fill_mode=self.fill_mode, cval=self.cval, order=self.order,
        )  # fmt: skip
        if p.get("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, p["channel_shift_intensity"])
        if p.get("flip_horizontal"):
            x = np.flip(x, row + 1)
        if p.get("flip_vertical"):
            x = np.flip(x, row)
        if p.get("brightness") is not None:
            x = apply_brightness_shift(x, p["brightness"], False)
        return np.ascontiguousarray(x)

    def standardize(self, x: Any) -> np.ndarray:
        """One image after the normalization."""
        x = np.array(x, self.dtype)
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        if self.rescale:
            x = x * self.rescale
        if self.samplewise_center:
            x = x - x.mean()
        if self.samplewise_std_normalization:
            x = x / (x.std() + 1e-6)
        if self.featurewise_center:
            if self.mean is None:
                raise ValueError(
                    "ImageDataGenerator: call `fit(x)` before a featurewise normalization is used."
                )
            x = x - self.mean
        if self.featurewise_std_normalization:
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            x = (x.reshape(1, -1) @ self.zca_whitening_matrix).reshape(x.shape)
        return x.astype(self.dtype)

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Measure the mean, deviation and components of a data set.

        Args:
            x: Images.
            augment: Whether to measure changed images.
            rounds: How many changes of each.
            seed: Of the changes.
        """
        x = np.asarray(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(
                f"ImageDataGenerator.fit takes images (count, rows, columns, channels), got {x.shape}."
            )
        if augment:
            rng = np.random.default_rng(seed)
            x = np.stack(
                [self.apply_transform(i, self.drawn(i.shape, rng)) for _ in range(rounds) for i in x]
            )
        axes = (0, 1, 2) if self.data_format == "channels_last" else (0, 2, 3)
        self.mean = x.mean(axis=axes, keepdims=True)[0]
        x = x - self.mean
        self.std = x.std(axis=axes, keepdims=True)[0]
        if self.featurewise_std_normalization:
            x = x / (self.std + 1e-6)
        if self.zca_whitening:
            flat = x.reshape(len(x), -1)
            u, s, _ = np.linalg.svd(flat.T @ flat / len(flat))
            self.zca_whitening_matrix = (u / np.sqrt(s + self.zca_epsilon)) @ u.T
