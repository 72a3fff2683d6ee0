"""Windows of time series, and data sets in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import backends
from lamina.kernel.trees import leaves, map_leaves
from lamina.ops.checks import one_of
from lamina.utils.files import Batches, finished


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1, sampling_rate: int = 1,
    batch_size: int | None = 128, shuffle: bool = False, seed: int | None = None, start_index: int | None = None,
    end_index: int | None = None, format: str = "tf",
) -> Any:  # fmt: skip
    """Windows of a series, each with the target of its first step.

    Window i has steps `start + i stride + (0, rate, 2 rate, ...)`.

    Args:
        data: Array (steps, ...).
        targets: Array whose entry i belongs to the window that begins at step i; None for windows alone.
        sequence_length: How many steps a window has.
        sequence_stride: How far apart windows begin.
        sampling_rate: How far apart steps in a window are.
        batch_size: How many windows a batch has; None gives single ones.
        shuffle: Whether windows come in random order, another one in each epoch.
        seed: An integer for repeatable orders.
        start_index: The first step that is used.
        end_index: The first step that is not used any more.
        format: "tf" (without TensorFlow the native form), "grain" or "native".

    Returns:
        A data set of windows, or of (windows, targets).

    Raises:
        ValueError: if a number is out of range.

    Example:
        >>> import lamina
        >>> windows = lamina.utils.timeseries_dataset_from_array(np.arange(5), None, 3, format="native")
        >>> windows[0].tolist()
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    """
    name = "timeseries_dataset_from_array"
    series = np.asarray(data)
    steps = len(series)
    start, end = start_index or 0, steps if end_index is None else end_index
    if not 0 <= start < steps:
        raise ValueError(f"{name}: `start_index` must be from 0 to {steps - 1}, got {start_index}.")
    if not start < end <= steps:
        raise ValueError(
            f"{name}: `end_index` must be above `start_index` ({start}) and at most {steps}, got {end_index}."
        )
    for value, parameter in ((sequence_length, "sequence_length"), (sequence_stride, "sequence_stride"),
                             (sampling_rate, "sampling_rate")):  # fmt: skip
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{name}: `{parameter}` must be an integer of at least 1, got {value!r}.")
        if value >= steps + (parameter == "sequence_length"):
            raise ValueError(f"{name}: `{parameter}` is {value}, but there are {steps} steps.")
    room = end - start - (sequence_length - 1) * sampling_rate
    labels = None if targets is None else np.asarray(targets)
    if labels is not None:
        room = min(room, len(labels))
    firsts = np.arange(0, max(room, 0), sequence_stride)
    if not len(firsts):
        raise ValueError(f"{name}: no window of {sequence_length} steps fits between {start} and {end}.")
    inside = np.arange(sequence_length) * sampling_rate

    def read(rows: np.ndarray) -> Any:
        begin = firsts[rows]
        windows = series[start + begin[:, None] + inside]
        return windows if labels is None else (windows, labels[start + begin if start_index else begin])

    return finished(name, Batches(read, len(firsts), batch_size, shuffle, seed), format)


def split_dataset(
    dataset: Any, left_size: Any = None, right_size: Any = None, shuffle: bool = False, seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """A data set in two parts.

    Args:
        dataset: Arrays (one, or a list, tuple or dict of them), a list of samples, a `tf.data.Dataset`, a `PyDataset` of
            batches or another iterable; all but arrays are read once, whole.
        left_size: How many samples the first part has, or (a number below 1) which share.
        right_size: The same for the second part; the rest if it is None.
        shuffle: Whether samples are mixed first.
        seed: An integer for a repeatable order.
        preferred_backend: The name of a backend or of a form: TensorFlow's ("tf") gives `tf.data` data sets, all others
            native ones; None means "tf" where TensorFlow is installed.

    Returns:
        The two parts: data sets of single samples.

    Raises:
        ValueError: if the sizes do not fit.

    Example:
        >>> import lamina
        >>> left, right = lamina.utils.split_dataset(np.arange(10), 0.7, preferred_backend="native")
        >>> [int(x) for x in left], [int(x) for x in right]
        ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9])
    """
    name = "split_dataset"
    columns, structure = _columns(dataset)
    count = len(columns[0])
    left, right = _part_sizes(name, count, left_size, right_size)
    order = np.arange(count)
    if shuffle:
        np.random.RandomState(seed).shuffle(order)
    form = _form(name, preferred_backend)
    return tuple(
        finished(name, _Rows(columns, structure, rows), form)
        for rows in (order[:left], order[count - right :] if right else order[:0])
    )  # type: ignore[return-value]


def _form(function: str, preferred: str | None) -> str:
    if preferred in (None, "tf", backends.WITH_PIPELINES):
        return "tf"
    return one_of(
        function,
        "preferred_backend",
        "native" if preferred in backends.NAMES else preferred,
        ("tf", "native"),
    )


class _Rows(Batches):
    """Single samples of columns, in the structure that they came in."""

    def __init__(self, columns: list[np.ndarray], structure: Any, rows: np.ndarray) -> None:
        self.columns, self.structure, self.rows = columns, structure, rows
        super().__init__(self._read, len(rows), None, False, 0)

    def _read(self, numbers: np.ndarray) -> Any:
        return self._sample(int(self.rows[numbers[0]]))

    def _sample(self, row: Any) -> Any:
        values = iter([c[row] for c in self.columns])
        return map_leaves(lambda _: next(values), self.structure)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} samples, so there is none with number {index}.")
        return self._sample(self.rows[index])


def _columns(dataset: Any) -> tuple[list[np.ndarray], Any]:
    """The data as one array for each part of a sample, and the structure of samples."""
    arrays = isinstance(dataset, np.ndarray) or (
        isinstance(dataset, tuple | dict) and all(isinstance(x, np.ndarray) for x in leaves(dataset))
    )
    if (
        isinstance(dataset, list)
        and dataset
        and all(isinstance(x, np.ndarray) for x in dataset)
        and dataset[0].ndim
    ):
        arrays, dataset = len({len(x) for x in dataset}) == 1, tuple(dataset)
    if arrays:
        found = list(leaves(dataset))
        if len({len(x) for x in found}) != 1:
            raise ValueError(
                f"split_dataset: all arrays must be equally long, got {[len(x) for x in found]}."
            )
        return found, dataset
    samples = list(_samples(dataset))
    if not samples:
        raise ValueError("split_dataset: the data set is empty.")
    flat = [list(leaves(s)) for s in samples]
    return [np.stack([np.asarray(row[i]) for row in flat]) for i in range(len(flat[0]))], samples[0]


def _samples(dataset: Any) -> Any:
    if hasattr(dataset, "batch_size") and hasattr(dataset, "num_batches") and not isinstance(dataset, _Rows):
        for i in range(len(dataset)):  # batches: their rows are the samples
            batch = dataset[i]
            parts = list(leaves(batch))
            for row in range(len(parts[0])):
                values = iter([p[row] for p in parts])
                yield map_leaves(lambda _, values=values: next(values), batch)
        return
    for sample in dataset:
        yield map_leaves(np.asarray, sample)


def _part_sizes(name: str, count: int, left: Any, right: Any) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError(f"{name}: give `left_size`, `right_size` or both.")
    found = []
    for value, parameter in ((left, "left_size"), (right, "right_size")):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (
            number and (0 < value < 1 if isinstance(value, float) else 0 < value < count)
        ):
            raise ValueError(
                f"{name}: `{parameter}` must be a share between 0 and 1 or a number of samples below {count}, got {value!r}."
            )
        found.append(None if value is None else (round(value * count) if isinstance(value, float) else value))
    if found[0] is None:
        found[0] = count - found[1]
    if found[1] is None:
        found[1] = count - found[0]
    if found[0] + found[1] > count:
        raise ValueError(
            f"{name}: the parts ({found[0]} and {found[1]}) are larger than the data set of {count}."
        )
    return found[0], found[1]
