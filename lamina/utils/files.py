"""Files of a folder with their labels, and data sets that read them batch by batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lamina import backends
from lamina.core.seeds import host_generator, make_seed
from lamina.ops.checks import one_of
from lamina.utils.batches import PyDataset

FORMATS = ("tf", "grain", "native")
_MODES = ("int", "categorical", "binary", None)


class Batches(PyDataset):
    """Batches that are read when they are asked for; iterable, and for `fit` like every `PyDataset`.

    Args:
        read: Gives the rows with these numbers as one batch.
        count: How many rows there are.
        batch_size: How many rows a batch has; None gives single rows.
        shuffle: Whether rows come in a new order in every epoch.
        seed: An integer for repeatable orders.
        workers: How many batches are read at the same time, by threads.
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None
    free_axes: tuple[int, ...] = ()  # of a row of the first part: their sizes differ from batch to batch

    def __init__(
        self,
        read: Callable[[np.ndarray], Any],
        count: int,
        batch_size: int | None,
        shuffle: bool,
        seed: int | None,
        workers: int = 2,
    ) -> None:
        super().__init__(workers=workers)
        self.read, self.count, self.batch_size, self.shuffle = read, count, batch_size, shuffle
        self.seed = make_seed() if seed is None else seed
        self.epoch = 0
        self._order()

    def _order(self) -> None:
        self.order = np.arange(self.count)
        if self.shuffle:
            host_generator(self.seed, self.epoch).shuffle(self.order)

    def __len__(self) -> int:
        return self.count if self.batch_size is None else -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches, so there is none with number {index}.")
        if self.batch_size is None:
            rows = self.read(self.order[index : index + 1])
            return tuple(x[0] for x in rows) if isinstance(rows, tuple) else rows[0]
        return self.read(self.order[index * self.batch_size : (index + 1) * self.batch_size])

    def __iter__(self) -> Iterator[Any]:
        for i in range(len(self)):
            yield self[i]
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """The next epoch has another order."""
        self.epoch += 1
        self._order()


def finished(function: str, data: Batches, form: str, ragged: bool = False) -> Any:
    """A data set in the form that the caller wants.

    Args:
        function: Who asks, for messages.
        data: The batches.
        form: "native", "grain", or "tf": TensorFlow's, and where that is not installed the native one.
        ragged: Whether rows differ in length.

    Raises:
        ImportError: if Grain is wanted and not installed.
    """
    one_of(function, "format", form, FORMATS)
    if form == "grain":
        try:
            import grain  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ImportError(
                f"{function}: format='grain' needs Grain. Install it with `pip install grain`."
            ) from error
        made = grain.MapDataset.source(data)
    elif form == "tf" and backends.has_pipelines():
        made = import_module(backends.PIPELINES).from_batches(data, ragged)
    else:
        return data
    made.class_names, made.file_paths = data.class_names, data.file_paths
    return made


def read_all(read: Callable[[str], Any], paths: list[str]) -> list[Any]:
    """What several files hold, read by a few threads: most of it is waiting and decoding."""
    if len(paths) < 4:
        return [read(p) for p in paths]
    with ThreadPoolExecutor(min(8, len(paths))) as pool:
        return list(pool.map(read, paths))


class Found:
    """The files of a folder and their labels, in a fixed order."""

    def __init__(self, paths: list[str], labels: Any, class_names: list[str] | None) -> None:
        self.paths, self.labels, self.class_names = paths, labels, class_names

    def part(self, rows: slice) -> Found:
        """Some of them."""
        return Found(self.paths[rows], None if self.labels is None else self.labels[rows], self.class_names)


def find(
    function: str, directory: Any, labels: Any, label_mode: str | None, class_names: Any, endings: tuple[str, ...],
    follow_links: bool, shuffle: bool, seed: int | None, what: str,
) -> Found:  # fmt: skip
    """The files below a folder whose names end so, with one class for each folder in it."""
    one_of(function, "label_mode", label_mode, _MODES)
    folder = Path(directory)
    if not folder.is_dir():
        raise FileNotFoundError(f"{function}: there is no folder {str(directory)!r}.")
    if labels is None:
        label_mode = None
    elif not (
        labels == "inferred" if isinstance(labels, str) else isinstance(labels, list | tuple | np.ndarray)
    ):
        raise ValueError(
            f"{function}: `labels` must be 'inferred', None or a list of integers, got {labels!r}."
        )
    inferred = isinstance(labels, str)
    classes = sorted(p.name for p in folder.iterdir() if p.is_dir()) if inferred else []
    if class_names is not None and not inferred:
        raise ValueError(f"{function}: `class_names` can only be given with labels='inferred'.")
    if class_names is not None:
        if missing := [n for n in class_names if n not in classes]:
            raise ValueError(
                f"{function}: `class_names` must be names of folders; missing are {missing}. Found: {classes}."
            )
        classes = list(class_names)
    if label_mode == "binary" and inferred and len(classes) != 2:
        raise ValueError(
            f"{function}: label_mode='binary' needs two classes, found {len(classes)}: {classes}."
        )
    paths: list[str] = []
    numbers: list[int] = []
    for number, place in enumerate([folder / c for c in classes] if inferred else [folder]):
        found = sorted(_walk(place, endings, follow_links))
        paths += found
        numbers += [number] * len(found)
    if not paths:
        raise ValueError(
            f"{function}: no {what} found in {str(directory)!r}. Names must end in {', '.join(endings)}."
        )
    values = None if label_mode is None else np.asarray(numbers if inferred else labels)
    if values is not None and len(values) != len(paths):
        raise ValueError(
            f"{function}: {len(values)} labels were given for {len(paths)} files in {str(directory)!r}."
        )
    if shuffle:  # one order for both parts of a split
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths = [paths[i] for i in order]
        values = None if values is None else values[order]
    count = len(classes) or (0 if values is None else int(values.max()) + 1)
    return Found(paths, _encoded(values, label_mode, count), None if values is None else classes or None)


def _walk(folder: Path, endings: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    for root, folders, names in os.walk(folder, followlinks=follow_links):
        folders.sort()
        yield from (os.path.join(root, n) for n in sorted(names) if n.lower().endswith(endings))


def _encoded(values: Any, mode: str | None, count: int) -> Any:
    if values is None:
        return None
    if mode == "categorical":
        return np.eye(count, dtype="float32")[values]
    return values.astype("float32")[:, None] if mode == "binary" else values.astype("int32")


def check_split(function: str, validation_split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    """That the arguments of a split go together.

    Raises:
        ValueError: if they do not.
    """
    if (validation_split is None) != (subset is None):
        raise ValueError(
            f"{function}: `validation_split` and `subset` belong together, got {validation_split!r} and {subset!r}."
        )
    if subset is None:
        return
    if not 0 < validation_split < 1:
        raise ValueError(f"{function}: `validation_split` must be between 0 and 1, got {validation_split!r}.")
    one_of(function, "subset", subset, ("training", "validation", "both"))
    if shuffle and seed is None:
        raise ValueError(
            f"{function}: with `validation_split` and shuffle=True give a `seed`, so that no file is in both parts."
        )


def parts(found: Found, validation_split: float | None, subset: str | None, verbose: bool) -> list[Found]:
    """The wanted parts of a split: the last files are for validation."""
    if verbose:
        classes = f" belonging to {len(found.class_names)} classes" if found.class_names else ""
        print(f"Found {len(found.paths)} files{classes}.")
    if validation_split is None:
        return [found]
    count = int(validation_split * len(found.paths))
    both = {"training": found.part(slice(0, len(found.paths) - count)),
            "validation": found.part(slice(len(found.paths) - count, None))}  # fmt: skip
    wanted = list(both) if subset == "both" else [str(subset)]
    for name in wanted:
        if verbose:
            print(f"Using {len(both[name].paths)} files for {name}.")
    return [both[name] for name in wanted]


def batches_of(
    found: Found, read: Callable[[list[str]], Any], batch_size: int | None, shuffle: bool, seed: int | None
) -> Batches:
    """The data set of files."""

    def rows(numbers: np.ndarray) -> Any:
        x = read([found.paths[i] for i in numbers])
        return x if found.labels is None else (x, found.labels[numbers])

    data = Batches(rows, len(found.paths), batch_size, shuffle, seed)
    data.class_names, data.file_paths = found.class_names, found.paths
    return data
