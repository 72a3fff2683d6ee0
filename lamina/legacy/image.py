"""`keras.preprocessing.image`: pictures as arrays, and batches of them with random changes."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lamina import config, utils
from lamina.legacy.renames import data_format as of_today
from lamina.legacy.warp import moved, transform_of
from lamina.utils import PyDataset
from lamina.utils import array_to_img as array_to_img
from lamina.utils import img_to_array as img_to_array
from lamina.utils import save_img as save_img

__all__ = [
    "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator", "array_to_img", "img_to_array",
    "load_img", "save_img",
]  # fmt: skip

_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff", ".gif")


def load_img(
    path: Any, grayscale: bool = False, color_mode: str = "rgb", target_size: Any = None,
    interpolation: str = "nearest",
) -> Any:  # fmt: skip
    """A picture from a file, as Pillow has it; `grayscale` is the old way to ask for that `color_mode`."""
    if not isinstance(grayscale, bool):  # where Keras 3 has `color_mode`
        color_mode, grayscale = grayscale, False
    color_mode = "grayscale" if grayscale else color_mode
    return utils.load_img(path, color_mode=color_mode, target_size=target_size, interpolation=interpolation)


class Iterator(PyDataset):
    """Batches without an end, or by number: the base of the iterators of an `ImageDataGenerator`."""

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        super().__init__()
        self.n, self.batch_size, self.shuffle, self.seed = n, batch_size, shuffle, seed
        self.epoch = self.batch_index = 0
        self._order: np.ndarray | None = None

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def _rng(self, *key: int) -> np.random.Generator:
        if self.seed is None:
            return np.random.default_rng(np.random.randint(2**31))
        return np.random.default_rng((self.seed, *key))

    def _rows(self, index: int) -> np.ndarray:
        if self._order is None:
            self._order = self._rng(self.epoch).permutation(self.n) if self.shuffle else np.arange(self.n)
        return self._order[index * self.batch_size : (index + 1) * self.batch_size]

    def __getitem__(self, index: int) -> Any:
        return self._batch(self._rows(index), self._rng(self.epoch, index + 1))

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define `_batch`.")

    def on_epoch_end(self) -> None:
        """A new order."""
        self.epoch, self._order = self.epoch + 1, None

    def reset(self) -> None:
        """Begin with the first batch."""
        self.batch_index = 0

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Any:
        found = self[self.batch_index]
        self.batch_index += 1
        if self.batch_index >= len(self):
            self.batch_index = 0
            self.on_epoch_end()
        return found

    next = __next__


class NumpyArrayIterator(Iterator):
    """Batches of changed images from an array."""

    def __init__(
        self, x: Any, y: Any, generator: ImageDataGenerator, batch_size: int = 32, shuffle: bool = True,
        sample_weight: Any = None, seed: int | None = None, subset: str | None = None,
    ) -> None:  # fmt: skip
        x = np.asarray(x, config.floatx())
        if x.ndim != 4:
            raise ValueError(
                f"ImageDataGenerator.flow takes images (count, rows, columns, channels), got {x.shape}."
            )
        for name, other in (("y", y), ("sample_weight", sample_weight)):
            if other is not None and len(other) != len(x):
                raise ValueError(
                    f"ImageDataGenerator.flow: {len(x)} images, but {len(other)} rows of `{name}`."
                )
        part = generator.part(len(x), subset)
        cut = lambda v: None if v is None else np.asarray(v)[part]
        self.x, self.y, self.sample_weight, self.generator = x[part], cut(y), cut(sample_weight), generator
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        x = np.stack([self.generator.changed(self.x[i], rng) for i in rows])
        if self.y is None:
            return x
        found = (x, self.y[rows])
        return found if self.sample_weight is None else (*found, self.sample_weight[rows])


class DirectoryIterator(Iterator):
    """Batches of changed images from a folder with a subfolder per class."""

    def __init__(
        self, directory: Any, generator: ImageDataGenerator, target_size: Any = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, subset: str | None = None, interpolation: str = "nearest",
    ) -> None:  # fmt: skip
        folder = pathlib.Path(directory)
        if not folder.is_dir():
            raise FileNotFoundError(f"flow_from_directory: there is no folder {folder}.")
        if class_mode not in ("categorical", "binary", "sparse", "input", None):
            raise ValueError(
                f"Unknown `class_mode` {class_mode!r}: categorical, binary, sparse, input or None."
            )
        names = list(classes) if classes else sorted(p.name for p in folder.iterdir() if p.is_dir())
        self.class_indices = {name: i for i, name in enumerate(names)}
        files: list[tuple[str, int]] = []
        for name, i in self.class_indices.items():
            inside = sorted(p for p in (folder / name).rglob("*") if p.suffix.lower() in _ENDINGS)
            kept = np.arange(len(inside))[generator.part(len(inside), subset)]
            files += [(str(inside[k].relative_to(folder)), i) for k in kept]
        self.filenames, self.classes = [f for f, _ in files], np.array([i for _, i in files], "int32")
        self.directory, self.generator, self.target_size = folder, generator, tuple(target_size)
        self.color_mode, self.class_mode, self.interpolation = color_mode, class_mode, interpolation
        self.num_classes, self.samples = len(names), len(files)
        channels = {"rgb": 3, "rgba": 4, "grayscale": 1}[color_mode]
        last = generator.data_format == "channels_last"
        self.image_shape = (*self.target_size, channels) if last else (channels, *self.target_size)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def filepaths(self) -> list[str]:
        """The files with their folder."""
        return [str(self.directory / name) for name in self.filenames]

    @property
    def labels(self) -> np.ndarray:
        """The class number of each file."""
        return self.classes

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        images = []
        for i in rows:
            image = load_img(
                self.directory / self.filenames[i], color_mode=self.color_mode, target_size=self.target_size,
                interpolation=self.interpolation,
            )  # fmt: skip
            images.append(self.generator.changed(img_to_array(image, self.generator.data_format), rng))
        x, labels = np.stack(images), self.classes[rows]
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=config.floatx())[labels]
        return x, labels.astype(config.floatx())


class ImageDataGenerator:
    """Batches of images with random changes, from arrays or folders.

    Args:
        featurewise_center, featurewise_std_normalization: Whether the mean of the data set becomes 0 and its
            deviation 1, channel by channel (call `fit` first).
        samplewise_center, samplewise_std_normalization: The same for each image by itself.
        zca_whitening, zca_epsilon: Whether the components become uncorrelated (call `fit` first).
        rotation_range: Degrees.
        width_shift_range, height_shift_range: A share of the size, whole pixels (1 and above), or a list to choose from.
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
        dtype: Kept for Keras; images are in the default float.

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
        if interpolation_order not in (0, 1):
            raise NotImplementedError("ImageDataGenerator: `interpolation_order` is 0 or 1.")
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
        whole = isinstance(zoom_range, int | float)
        self.zoom_range = (1.0 - zoom_range, 1.0 + zoom_range) if whole else tuple(zoom_range)
        self.fill_mode, self.cval, self.order = fill_mode, cval, interpolation_order
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale, self.preprocessing_function = rescale, preprocessing_function
        self.data_format = data_format or config.image_data_format()
        self.validation_split = validation_split
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # -- sources -------------------------------------------------------------------------------------------------------

    def flow(
        self, x: Any, y: Any = None, batch_size: int = 32, shuffle: bool = True, sample_weight: Any = None,
        seed: int | None = None, save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png",
        subset: str | None = None,
    ) -> NumpyArrayIterator:  # fmt: skip
        """Batches from arrays; `subset` is "training" or "validation"."""
        if save_to_dir is not None:
            raise NotImplementedError("flow(save_to_dir=...): write the batches with `save_img`.")
        return NumpyArrayIterator(x, y, self, batch_size, shuffle, sample_weight, seed, subset)

    def flow_from_directory(
        self, directory: Any, target_size: Any = (256, 256), color_mode: str = "rgb", classes: Any = None,
        class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True, seed: int | None = None,
        save_to_dir: Any = None, save_prefix: str = "", save_format: str = "png", follow_links: bool = False,
        subset: str | None = None, interpolation: str = "nearest",
    ) -> DirectoryIterator:  # fmt: skip
        """Batches from a folder with a subfolder per class."""
        if save_to_dir is not None:
            raise NotImplementedError(
                "flow_from_directory(save_to_dir=...): write the batches with `save_img`."
            )
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle, seed, subset,
            interpolation,
        )  # fmt: skip

    def flow_from_dataframe(self, *args: Any, **kwargs: Any) -> Any:
        """Not there yet."""
        raise NotImplementedError(
            "ImageDataGenerator.flow_from_dataframe is not there yet: use flow_from_directory."
        )

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
            return about(given * size if abs(given) < 1 else given)  # pyright: ignore

        low, high = self.zoom_range
        zooms = (1.0, 1.0) if low == high == 1 else tuple(rng.uniform(low, high, 2))
        bright = self.brightness_range
        return {
            "theta": about(self.rotation_range), "tx": shift(self.height_shift_range, rows),
            "ty": shift(self.width_shift_range, columns), "shear": about(self.shear_range), "zx": zooms[0],
            "zy": zooms[1], "flip_horizontal": self.horizontal_flip and rng.random() < 0.5,
            "flip_vertical": self.vertical_flip and rng.random() < 0.5,
            "channel_shift_intensity": about(self.channel_shift_range) if self.channel_shift_range else None,
            "brightness": rng.uniform(*bright) if bright is not None else None,
        }  # fmt: skip

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """One image after a change with these numbers."""
        x = np.asarray(x, config.floatx())
        first = self.data_format == "channels_first"
        x, p = x.transpose(1, 2, 0) if first else x, transform_parameters
        matrix = transform_of(p, x.shape[0], x.shape[1])
        if matrix is not None:
            x = moved(x, matrix, self.fill_mode, self.cval, self.order)
        if p.get("channel_shift_intensity") is not None:
            x = np.clip(x + p["channel_shift_intensity"], x.min(), x.max())
        if p.get("flip_horizontal"):
            x = x[:, ::-1]
        if p.get("flip_vertical"):
            x = x[::-1]
        if p.get("brightness") is not None:
            x = np.clip(x * p["brightness"], 0, max(255.0, float(x.max())) if x.max() > 1 else 1.0)
        return np.ascontiguousarray(x.transpose(2, 0, 1) if first else x)

    def standardize(self, x: Any) -> np.ndarray:
        """One image after the normalization."""
        x = np.array(x, config.floatx())
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
        return x.astype(config.floatx())

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Measure the mean, deviation and components of a data set.

        Args:
            x: Images.
            augment: Whether to measure changed images.
            rounds: How many changes of each.
            seed: Of the changes.
        """
        x = np.asarray(x, config.floatx())
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
