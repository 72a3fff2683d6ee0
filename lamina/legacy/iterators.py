"""Batches of changed images: from arrays, from folders, and from the rows of a table."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from lamina import config, utils
from lamina.ops.checks import one_of
from lamina.utils import PyDataset, array_to_img, img_to_array

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff", ".gif")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
FOLDER_MODES = ("categorical", "binary", "sparse", "input", None)
TABLE_MODES = (*FOLDER_MODES, "multi_output", "raw")


class Saving:
    """Where the images of batches are written as files, one for each; nowhere by default.

    Args:
        folder: A folder that exists, or None.
        prefix: What the names begin with.
        file_format: The ending, such as "png".
        data_format: Of the images.
    """

    def __init__(self, folder: Any, prefix: str, file_format: str, data_format: str) -> None:
        if folder is not None and not pathlib.Path(folder).is_dir():
            raise FileNotFoundError(f"save_to_dir: there is no folder {str(folder)!r}. Make it first.")
        self.folder, self.prefix = folder, prefix
        self.file_format, self.data_format = file_format, data_format

    def save(self, images: np.ndarray, rows: Sequence[int]) -> None:
        """Write images; a name has the number of the row, and one by which a later epoch's is another file."""
        if self.folder is None:
            return
        rng = np.random.default_rng()
        for image, row in zip(images, rows, strict=True):
            name = f"{self.prefix}_{row}_{rng.integers(10**7)}.{self.file_format}"
            array_to_img(image, self.data_format, scale=True).save(pathlib.Path(self.folder, name))


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
        if not -len(self) <= index < len(self):
            raise IndexError(f"There are {len(self)} batches; got number {index}.")
        index %= len(self)
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
        if not self.n:
            raise ValueError("There are no images to make batches of.")
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
        self, x: Any, y: Any, image_data_generator: Any, batch_size: int = 32, shuffle: bool = True,
        sample_weight: Any = None, seed: int | None = None, data_format: str | None = None, save_to_dir: Any = None,
        save_prefix: str = "", save_format: str = "png", subset: str | None = None, ignore_class_split: bool = False,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        generator, dtype = image_data_generator, dtype or image_data_generator.dtype
        images, others = (x[0], _listed(x[1])) if isinstance(x, tuple) else (x, [])
        x = np.asarray(images, dtype)
        if x.ndim != 4:
            raise ValueError(
                f"ImageDataGenerator.flow takes images (count, rows, columns, channels), got {x.shape}."
            )
        more = [("an array beside the images", v) for v in others]
        for name, other in (("`y`", y), ("`sample_weight`", sample_weight), *more):
            if other is not None and len(other) != len(x):
                raise ValueError(
                    f"ImageDataGenerator.flow: {len(x)} images, but {len(other)} rows of {name}."
                )
        part = generator.part(len(x), subset)
        if subset is not None and y is not None and not ignore_class_split:
            _same_classes(np.asarray(y), part, subset)
        cut = lambda v: None if v is None else np.asarray(v)[part]
        self.x, self.y, self.sample_weight = x[part], cut(y), cut(sample_weight)
        self.x_misc: list[Any] = [cut(v) for v in others]
        self.image_data_generator = generator
        self._saving = Saving(save_to_dir, save_prefix, save_format, data_format or generator.data_format)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        images = np.stack([self.image_data_generator.changed(self.x[i], rng) for i in rows])
        self._saving.save(images, rows.tolist())
        x = [images, *(v[rows] for v in self.x_misc)] if self.x_misc else images
        if self.y is None:
            return x
        found = (x, self.y[rows])
        return found if self.sample_weight is None else (*found, self.sample_weight[rows])


def _listed(value: Any) -> list[Any]:
    return [np.asarray(v) for v in value] if isinstance(value, list | tuple) else [np.asarray(value)]


def _same_classes(y: np.ndarray, part: slice, subset: str) -> None:
    """That both subsets have the same classes, for one without some is rarely meant.

    Raises:
        ValueError: if they do not.
    """
    whole = y if y.ndim == 1 else y.argmax(-1) if y.ndim == 2 and y.shape[-1] > 1 else y.reshape(len(y), -1)
    chosen = np.unique(whole[part], axis=0)
    if len(chosen) != len(np.unique(whole, axis=0)):
        raise ValueError(
            f"ImageDataGenerator.flow: the subset {subset!r} has {len(chosen)} of the {len(np.unique(whole, axis=0))} classes. "
            "Subsets are cut in order: shuffle x and y together first, or pass `ignore_class_split=True`."
        )


class FileIterator(Iterator):
    """The base of iterators that read files.

    A subclass has `filepaths`, and says what goes with the images of some rows (`_with`).
    """

    filepaths: Any

    def _settle(
        self, generator: Any, target_size: Any, color_mode: str, class_mode: Any, modes: tuple[Any, ...],
        interpolation: str, keep_aspect_ratio: bool, saving: tuple[Any, str, str], dtype: Any,
    ) -> None:  # fmt: skip
        where = type(self).__name__
        one_of(where, "color_mode", color_mode, _CHANNELS)
        if class_mode not in modes:
            raise ValueError(
                f"Unknown `class_mode` {class_mode!r}: it must be one of {', '.join(map(repr, modes))}."
            )
        self.image_data_generator, self.target_size = generator, tuple(target_size)
        self.color_mode, self.class_mode, self.interpolation = color_mode, class_mode, interpolation
        self.keep_aspect_ratio, self.dtype = keep_aspect_ratio, dtype or generator.dtype
        self.data_format = generator.data_format
        size, channels = self.target_size, _CHANNELS[color_mode]
        last = self.data_format == "channels_last"
        self.image_shape = (*size, channels) if last else (channels, *size)
        self._saving = Saving(*saving, self.data_format)

    def _images(self, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = []
        for i in rows:
            image = utils.load_img(
                self.filepaths[i], color_mode=self.color_mode, target_size=self.target_size,
                interpolation=self.interpolation, keep_aspect_ratio=self.keep_aspect_ratio,
            )  # fmt: skip
            array = img_to_array(image, self.data_format, self.dtype)
            images.append(self.image_data_generator.changed(array, rng))
        found = np.stack(images).astype(self.dtype)
        self._saving.save(found, rows.tolist())
        return found

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        x = self._images(rows, rng)
        if self.class_mode is None:
            return x
        return x, x.copy() if self.class_mode == "input" else self._with(rows)

    def _with(self, rows: np.ndarray) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define `_with`.")


class DirectoryIterator(FileIterator):
    """Batches of changed images from a folder with a subfolder per class."""

    def __init__(
        self, directory: Any, image_data_generator: Any, target_size: Any = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, data_format: str | None = None, save_to_dir: Any = None, save_prefix: str = "",
        save_format: str = "png", follow_links: bool = False, subset: str | None = None,
        interpolation: str = "nearest", keep_aspect_ratio: bool = False, dtype: Any = None,
    ) -> None:  # fmt: skip
        folder = pathlib.Path(directory)
        if not folder.is_dir():
            raise FileNotFoundError(f"flow_from_directory: there is no folder {folder}.")
        self._settle(
            image_data_generator, target_size, color_mode, class_mode, FOLDER_MODES, interpolation,
            keep_aspect_ratio, (save_to_dir, save_prefix, save_format), dtype,
        )  # fmt: skip
        names = list(classes) if classes else sorted(p.name for p in folder.iterdir() if p.is_dir())
        self.class_indices = {name: i for i, name in enumerate(names)}
        files: list[tuple[str, int]] = []
        for name, i in self.class_indices.items():
            inside = _pictures(folder / name, follow_links)
            kept = np.arange(len(inside))[image_data_generator.part(len(inside), subset)]
            files += [(str(inside[k].relative_to(folder)), i) for k in kept]
        self.filenames, self.classes = [f for f, _ in files], np.array([i for _, i in files], "int32")
        self.directory, self.num_classes, self.samples = folder, len(names), len(files)
        self.filepaths = [str(folder / name) for name in self.filenames]
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def labels(self) -> np.ndarray:
        """The class number of each file."""
        return self.classes

    def _with(self, rows: np.ndarray) -> Any:
        return _encoded(self.classes[rows], self.class_mode, self.num_classes)


def _pictures(folder: pathlib.Path, follow_links: bool) -> list[pathlib.Path]:
    """The pictures in a folder and below, in the order of their names."""
    found = [
        pathlib.Path(place, name)
        for place, _, names in os.walk(folder, followlinks=follow_links)
        for name in names
    ]
    return sorted(p for p in found if p.suffix.lower() in ENDINGS)


def _encoded(numbers: np.ndarray, mode: Any, count: int) -> np.ndarray:
    """Class numbers as one-hot rows in mode "categorical", as floats otherwise."""
    if mode == "categorical":
        return np.eye(count, dtype=config.floatx())[numbers]
    return numbers.astype(config.floatx())


class DataFrameIterator(FileIterator):
    """Batches of changed images from the files that a column of a table names, with what other columns say of them."""

    def __init__(
        self, dataframe: Any, directory: Any = None, image_data_generator: Any = None, x_col: str = "filename",
        y_col: Any = "class", weight_col: str | None = None, target_size: Any = (256, 256), color_mode: str = "rgb",
        classes: Any = None, class_mode: str | None = "categorical", batch_size: int = 32, shuffle: bool = True,
        seed: int | None = None, data_format: str = "channels_last", save_to_dir: Any = None, save_prefix: str = "",
        save_format: str = "png", subset: str | None = None, interpolation: str = "nearest",
        keep_aspect_ratio: bool = False, dtype: Any = None, validate_filenames: bool = True,
    ) -> None:  # fmt: skip
        self._settle(
            image_data_generator, target_size, color_mode, class_mode, TABLE_MODES, interpolation,
            keep_aspect_ratio, (save_to_dir, save_prefix, save_format), dtype,
        )  # fmt: skip
        names = [str(v) for v in _column(dataframe, x_col)]
        places = [str(pathlib.Path(directory, n)) if directory is not None else n for n in names]
        columns: list[str] = [y_col] if isinstance(y_col, str) else list(y_col or ())
        values = [_column(dataframe, c) for c in columns] if class_mode not in ("input", None) else []
        weights = None if weight_col is None else np.asarray(_column(dataframe, weight_col), config.floatx())
        kept = _valid(places, x_col) if validate_filenames else list(range(len(places)))
        kept = self._classes_of(kept, values, columns, classes)
        kept = [kept[i] for i in range(len(kept))[image_data_generator.part(len(kept), subset)]]
        self.filenames, self.filepaths = [names[i] for i in kept], [places[i] for i in kept]
        self.directory, self.samples = directory, len(kept)
        self.sample_weight = None if weights is None else weights[kept]
        self._values = [np.array([v[i] for i in kept], object) for v in values]
        if self._by_class:
            several = self._several
            number = self.class_indices.__getitem__
            self.classes: Any = [
                [number(t) for t in v if t in self.class_indices] if several else number(v) for v in self._values[0]
            ]  # fmt: skip
            about = f" belonging to {len(self.class_indices)} classes"
        else:
            about = ""
        print(f"Found {self.samples} validated image filenames{about}.")
        super().__init__(self.samples, batch_size, shuffle, seed)

    @property
    def _by_class(self) -> bool:
        return self.class_mode in ("categorical", "binary", "sparse")

    def _classes_of(self, kept: list[int], values: list[Any], columns: list[str], classes: Any) -> list[int]:
        """The rows whose class counts; makes `class_indices`."""
        self._several = False
        if not self._by_class:
            return kept
        if len(columns) != 1:
            raise ValueError(
                f"flow_from_dataframe: `class_mode={self.class_mode!r}` takes one column `y_col`, got {columns}. Several columns "
                "are for 'raw' and 'multi_output'."
            )
        labels = values[0]
        found: dict[Any, None] = {}
        for i in kept:
            several = isinstance(labels[i], list | tuple)
            if not isinstance(labels[i], str) and not (several and self.class_mode == "categorical"):
                raise TypeError(
                    f"flow_from_dataframe: with `class_mode={self.class_mode!r}` the column {columns[0]!r} holds classes by name, "
                    f"but row {i} is {labels[i]!r}. Convert it with `.astype(str)`, or use `class_mode='raw'`."
                )
            self._several |= several
            found.update(dict.fromkeys(labels[i] if several else [labels[i]]))
        if self._several:
            labels[:] = [v if isinstance(v, list | tuple) else [v] for v in labels]
        names = list(dict.fromkeys(classes)) if classes else sorted(found)
        if self.class_mode == "binary" and len(names) != 2:
            raise ValueError(
                f"flow_from_dataframe: `class_mode='binary'` takes two classes, the column {columns[0]!r} has {len(names)}: {names[:8]}."
            )
        self.class_indices = {name: i for i, name in enumerate(names)}
        if not classes:
            return kept
        counts = lambda v: (
            any(t in self.class_indices for t in v) if self._several else v in self.class_indices
        )
        return [i for i in kept if counts(labels[i])]

    @property
    def labels(self) -> Any:
        """The class of each file, or what the columns say of it."""
        if self._by_class:
            return self.classes
        found = [np.array(v.tolist()) for v in self._values]
        if self.class_mode == "multi_output":
            return found
        return found[0] if len(found) == 1 else np.stack(found, 1)

    def _batch(self, rows: np.ndarray, rng: np.random.Generator) -> Any:
        found = super()._batch(rows, rng)
        if self.sample_weight is None or self.class_mode is None:
            return found
        return (*found, self.sample_weight[rows])

    def _with(self, rows: np.ndarray) -> Any:
        if self._several:
            out = np.zeros((len(rows), len(self.class_indices)), config.floatx())
            for row, i in enumerate(rows):
                out[row, self.classes[i]] = 1
            return out
        if self._by_class:
            return _encoded(np.asarray(self.classes)[rows], self.class_mode, len(self.class_indices))
        if self.class_mode == "multi_output":
            return [v[rows] for v in self.labels]
        return self.labels[rows]


def _column(table: Any, name: Any) -> list[Any]:
    """A column of a data frame or dict, as a list."""
    names = list(table) if isinstance(table, dict) else [str(c) for c in getattr(table, "columns", ())]
    if name not in names:
        raise ValueError(
            f"flow_from_dataframe: the table has no column {name!r}. Columns: {', '.join(map(str, names))}."
        )
    column = table[name]
    return list(column.tolist() if hasattr(column, "tolist") else column)


def _valid(places: list[str], column: str) -> list[int]:
    """The rows whose file is there and a picture."""
    kept = [
        i
        for i, p in enumerate(places)
        if pathlib.Path(p).suffix.lower() in ENDINGS and pathlib.Path(p).is_file()
    ]
    missing = len(places) - len(kept)
    if missing:
        first = next(p for i, p in enumerate(places) if i not in set(kept))
        warnings.warn(
            f"Found {missing} invalid image filename(s) in column {column!r}, such as {first!r}. These rows are left out.",
            stacklevel=4,
        )
    return kept
