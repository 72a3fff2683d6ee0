"""Feeding data: arrays that live on the device, and streams that a background thread reads ahead."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lamina.core.operation import leaves, map_leaves
from lamina.core.seeds import host_generator, make_seed
from lamina.kernel import dtypes


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """`x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)` as three values.

    Args:
        data: What a data source gives for a batch.

    Returns:
        (x, y, sample_weight), None where absent.

    Raises:
        ValueError: if there are more than three parts.

    Example:
        >>> import lamina
        >>> lamina.utils.unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"A batch must be x, (x, y) or (x, y, sample_weight); got a tuple of {len(data)} parts.")
    return (*data, *([None] * (3 - len(data))))


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The shortest of `x`, `(x, y)`, `(x, y, sample_weight)` that holds what is given.

    Args:
        x, y, sample_weight: The parts.

    Returns:
        A tuple, or `x` itself when it stands alone and is a tensor.
    """
    if sample_weight is not None:
        return (x, y, sample_weight)
    if y is not None:
        return (x, y)
    return x if not isinstance(x, list | tuple | dict) else (x,)


# -- arrays ------------------------------------------------------------------------------------------------------------


def _is_numbers(x: Any) -> bool:
    """Whether a list is an array written out (numbers at the bottom), not a structure of arrays."""
    while isinstance(x, list | tuple) and x:
        x = x[0]
    return isinstance(x, bool | int | float | str | np.generic)


def as_array(x: Any, what: str) -> Any:
    """A NumPy array (or a tensor of the backend, as it is) from any table or tensor; floats in the default width."""
    if x is None:
        return None
    if hasattr(x, "toarray") and hasattr(x, "nnz"):  # a sparse matrix
        x = x.toarray()
    elif not isinstance(x, np.ndarray):
        from lamina.kernel.context import current

        if isinstance(x, current().Tensor):
            return x
        x = x.to_numpy() if hasattr(x, "to_numpy") else np.asarray(x)
    if x.dtype == object:
        try:
            x = x.astype(dtypes.standardize(None))
        except (TypeError, ValueError):
            raise ValueError(
                f"{what} is an array of Python objects (dtype object), which cannot be trained on. Rows of different "
                "lengths must be padded; texts and categories must be encoded as numbers."
            ) from None
    if x.dtype.kind == "f" and x.dtype.name != dtypes.standardize(None):
        x = x.astype(dtypes.standardize(None))
    return x


def arrays(structure: Any, what: str) -> Any:
    """The structure with every leaf an array."""
    if isinstance(structure, list | tuple) and _is_numbers(structure):
        return as_array(structure, what)
    if hasattr(structure, "to_numpy") and not isinstance(structure, dict):
        return as_array(structure, what)
    return map_leaves(lambda leaf: as_array(leaf, what), structure)


def is_array_like(x: Any) -> bool:
    """Whether `x` is data in memory (not a source of batches)."""
    if x is None:
        return False
    if isinstance(x, dict):
        return all(is_array_like(v) for v in x.values())
    if isinstance(x, list | tuple):
        return _is_numbers(x) or all(v is None or is_array_like(v) for v in x)
    return hasattr(x, "shape") and (hasattr(x, "dtype") or hasattr(x, "dtypes")) or hasattr(x, "to_numpy")


def count_rows(parts: dict[str, Any]) -> int:
    """The number of rows that all parts share.

    Raises:
        ValueError: if they differ, or an array has no rows axis; all are listed.
    """
    sizes = {}
    for name, structure in parts.items():
        flat = [leaf for leaf in leaves(structure) if leaf is not None]
        for i, leaf in enumerate(flat):
            label = name if len(flat) == 1 else f"{name}[{i}]"
            if not leaf.shape:
                raise ValueError(f"{label} is a single number: data needs a first axis that counts the rows.")
            sizes[label] = int(leaf.shape[0])
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{label} has {n}" for label, n in sizes.items())
        raise ValueError(f"All data must have the same number of rows: {listed}.")
    if not sizes:
        raise ValueError("There is no data: `x` is empty or None.")
    return next(iter(sizes.values()))


class ArrayFeed:
    """Data in memory: it goes to the device once, batches are rows taken by index.

    Args:
        x, y, sample_weight: Arrays or structures of arrays.
        batch_size: Rows per batch.
        shuffle: Whether each epoch has an order of its own; "batch" keeps rows of a batch together.
    """

    in_memory = True

    def __init__(self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, shuffle: Any = False) -> None:
        self.tree = (arrays(x, "`x`"), arrays(y, "`y`"), arrays(sample_weight, "`sample_weight`"))
        named = zip(("x", "y", "sample_weight"), self.tree, strict=True)
        self.rows = count_rows({name: part for name, part in named if part is not None})
        self.batch_size = min(batch_size or 32, max(self.rows, 1))
        self.shuffle = shuffle
        self.seed = make_seed() if shuffle else 0
        self._device: Any = None
        self._home: Any = None

    @property
    def steps(self) -> int:
        """Batches in an epoch, the last, smaller one included."""
        return -(-self.rows // self.batch_size)

    def on_device(self, k: Any) -> Any:
        """The arrays as tensors, moved there once."""
        if self._home is not k:
            self._device = map_leaves(lambda leaf: None if leaf is None else k.put(leaf), self.tree)
            self._home = k
        return self._device

    def order(self, epoch: int) -> np.ndarray:
        """The order of the rows in an epoch: the same for the same seed and epoch."""
        if not self.shuffle:
            return np.arange(self.rows, dtype="int32")
        generator = host_generator(self.seed, epoch)
        if self.shuffle == "batch":
            blocks = np.array_split(np.arange(self.rows, dtype="int32"), range(self.batch_size, self.rows, self.batch_size))
            return np.concatenate([blocks[i] for i in generator.permutation(len(blocks))])
        return generator.permutation(self.rows).astype("int32")

    def batch(self, places: np.ndarray) -> Any:
        """One batch on the host."""
        return map_leaves(lambda leaf: None if leaf is None else np.asarray(leaf)[places], self.tree)

    def sample(self) -> Any:
        """The first batch, for its shapes and dtypes."""
        return self.batch(np.arange(min(self.batch_size, self.rows)))

    def slice(self, start: int, stop: int) -> tuple[Any, Any, Any]:
        """The rows from start to stop of each part."""
        return map_leaves(lambda leaf: None if leaf is None else leaf[start:stop], self.tree)


class StreamFeed:
    """Batches from an iterable, a generator or an indexed data set, read ahead by a background thread.

    Args:
        source: Gives batches `x`, `(x, y)` or `(x, y, sample_weight)`.
        steps: Batches per epoch, where the source does not say.
        shuffle: Whether an indexed data set is read in a random order.
    """

    in_memory = False

    def __init__(self, source: Any, steps: int | None = None, shuffle: Any = False) -> None:
        self.source = source
        self.indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, dict)
        self.one_pass = not self.indexed and iter(source) is source
        self.shuffle = shuffle
        self.seed = make_seed() if shuffle else 0
        self._iterator: Iterator[Any] | None = None
        self._first: list[Any] = []
        self.steps = steps if steps is not None else self._length()

    def _length(self) -> int | None:
        count = getattr(self.source, "num_batches", None)
        if count is not None:
            return count() if callable(count) else count
        try:
            return len(self.source)
        except TypeError:
            return None

    def sample(self) -> Any:
        """The first batch, for its shapes and dtypes; it is not lost."""
        if not self._first:
            if self.indexed:
                return self._ready(self.source[0])
            if self._iterator is None:
                self._iterator = iter(self.source)
            try:
                self._first.append(next(self._iterator))
            except StopIteration:
                raise ValueError("The data source gives no batch at all.") from None
        return self._ready(self._first[0])

    def _ready(self, batch: Any) -> Any:
        x, y, w = unpack_x_y_sample_weight(batch)
        return arrays(x, "`x`"), arrays(y, "`y`"), arrays(w, "`sample_weight`")

    def _raw(self, epoch: int) -> Iterator[Any]:
        if self.indexed:
            count = self.steps if self.steps is not None else len(self.source)
            order = host_generator(self.seed, epoch).permutation(count) if self.shuffle else range(count)
            for i in order:
                yield self.source[int(i)]
            return
        if self._iterator is None:
            self._iterator = iter(self.source)
        while True:
            if self._first:
                yield self._first.pop()
                continue
            try:
                yield next(self._iterator)
            except StopIteration:
                self._iterator = None
                return

    def batches(self, epoch: int) -> Iterator[Any]:
        """The batches of an epoch, read ahead; a failure of the source surfaces with its own traceback."""
        with Prefetch(lambda: map(self._ready, self._raw(epoch)), limit=self.steps) as reader:
            yield from reader

    def end_epoch(self) -> None:
        """Let an indexed data set prepare its next epoch."""
        hook = getattr(self.source, "on_epoch_end", None)
        if hook is not None:
            hook()


class Prefetch:
    """Runs an iterator in a thread, a few items ahead.

    Args:
        make: Gives the iterator, in the thread.
        ahead: How many items may wait.
        limit: How many items to read at most.
    """

    def __init__(self, make: Callable[[], Iterator[Any]], ahead: int = 2, limit: int | None = None) -> None:
        self._queue: queue.Queue = queue.Queue(ahead)
        self._stop = threading.Event()
        self._make, self._limit = make, limit
        self._thread = threading.Thread(target=self._work, name="lamina-prefetch", daemon=True)

    def _work(self) -> None:
        try:
            for count, item in enumerate(self._make(), 1):
                if not self._put((item, None)) or count == self._limit:
                    break
            self._put((None, StopIteration()))
        except BaseException as error:  # carried over to the reader, with its traceback
            self._put((None, error))

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __enter__(self) -> Iterator[Any]:
        self._thread.start()
        return self._read()

    def _read(self) -> Iterator[Any]:
        while True:
            item, error = self._queue.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item

    def __exit__(self, *_: Any) -> None:
        self._stop.set()
        self._thread.join(timeout=5)


# -- from the arguments of fit -----------------------------------------------------------------------------------------


def make_feed(
    x: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int | None = None, shuffle: Any = False,
    steps: int | None = None, class_weight: Any = None,
) -> Any:  # fmt: skip
    """The feed for what `fit`, `evaluate` or `predict` was given.

    Raises:
        ValueError: if the parts do not belong together.
    """
    if x is None:
        raise ValueError("There is no data: `x` is None.")
    if is_array_like(x):
        feed = ArrayFeed(x, y, sample_weight, batch_size, shuffle)
        if class_weight is not None:
            feed.tree = (*feed.tree[:2], _class_weights(feed.tree, class_weight))
        return feed
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"`{name}` cannot be given beside a data source ({type(x).__name__}): the source gives (x, y) or "
                "(x, y, sample_weight) itself."
            )
    if not hasattr(x, "__iter__") and not hasattr(x, "__getitem__"):
        raise ValueError(
            f"Cannot read data from {type(x).__name__}. Give arrays, a dict or list of arrays, a generator, a "
            "PyDataset, or any iterable of batches."
        )
    feed = StreamFeed(x, steps, shuffle)
    if class_weight is not None:
        plain = feed._ready
        feed._ready = lambda batch: _weighted(plain(batch), class_weight)  # type: ignore[method-assign]
    return feed


def _weighted(tree: tuple, class_weight: dict) -> tuple:
    return (*tree[:2], _class_weights(tree, class_weight))


def _class_weights(tree: tuple, class_weight: dict) -> np.ndarray:
    """Sample weights from the class of each row."""
    _, y, given = tree
    if isinstance(y, list | tuple | dict) or y is None:
        raise ValueError("`class_weight` is for models with one output; use `sample_weight` for several.")
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        labels = labels.argmax(-1)
    labels = labels.reshape(-1).astype("int64") if labels.ndim == 2 and labels.shape[-1] == 1 else labels.astype("int64")
    missing = sorted(set(np.unique(labels).tolist()) - {int(c) for c in class_weight})
    if missing:
        raise ValueError(f"`class_weight` has no weight for {'classes' if len(missing) > 1 else 'class'} {missing}.")
    table = np.zeros(int(labels.max(initial=0)) + 1, dtypes.standardize(None))
    for label, weight in class_weight.items():
        if int(label) < len(table):
            table[int(label)] = weight
    weights = table[labels]
    return weights if given is None else weights * np.asarray(given)


def split_validation(feed_args: tuple, fraction: float) -> tuple[tuple, tuple]:
    """The first rows to train on and the last ones, a fraction, to validate on.

    Raises:
        ValueError: if the data is no arrays, or too short.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, got {fraction}.")
    x, y, weight = feed_args
    if not is_array_like(x):
        raise ValueError("`validation_split` needs data in memory; give `validation_data` beside a data source.")
    parts = (arrays(x, "`x`"), arrays(y, "`y`"), arrays(weight, "`sample_weight`"))
    rows = count_rows({n: p for n, p in zip(("x", "y", "sample_weight"), parts, strict=True) if p is not None})
    split = int(rows * (1 - fraction))
    if split == 0 or split == rows:
        raise ValueError(f"`validation_split={fraction}` of {rows} rows leaves an empty part.")
    cut = lambda a, b: map_leaves(lambda leaf: None if leaf is None else leaf[a:b], parts)  # noqa: E731
    return cut(0, split), cut(split, rows)
