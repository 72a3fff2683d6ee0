"""The feed that serves what `fit`, `evaluate` and `predict` are given."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from lamina.errors import ArgumentError
from lamina.kernel.trees import map_leaves
from lamina.training.feed.array_feed import ArrayFeed
from lamina.training.feed.arrays import arrays, count_rows, is_array_like, is_table, table_parts
from lamina.training.feed.batch import as_batch, as_it_is
from lamina.training.feed.class_weights import ClassWeights
from lamina.training.feed.stream_feed import StreamFeed


def make_feed(
    x: Any, y: Any = None, sample_weight: Any = None, *, batch_size: int | None = None, shuffle: Any = False,
    steps: int | None = None, class_weight: ClassWeights | None = None,
    as_given: bool = False,
) -> Any:  # fmt: skip
    """The feed for what `fit`, `evaluate` or `predict` was given.

    With `as_given` the batches of a source keep their structure, whatever it is, for a step of the user's own.

    Raises:
        ValueError: if the parts do not belong together.
    """
    check_count("batch_size", batch_size)
    if x is None:
        raise ValueError("There is no data: `x` is None.")
    if is_table(x):
        x, y = table_parts(x, y)
    if is_array_like(x):
        feed = ArrayFeed(x, y, sample_weight, batch_size, shuffle, steps)
        if class_weight is not None:
            feed.tree = class_weight(feed.tree)
        return feed
    if isinstance(x, str | bytes):
        raise ValueError(
            f"Cannot read data from the text {x!r:.80}. Load the file first, as with numpy.load, pandas.read_csv or "
            "lamina.utils.image_dataset_from_directory, and pass the arrays or the source."
        )
    if inspect.isfunction(x) or inspect.ismethod(x):
        raise ValueError(
            f"Cannot read data from the function {x.__name__!r} itself: call it, as in fit({x.__name__}())."
        )
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
    return StreamFeed(
        x, steps, shuffle, class_weight, as_it_is if as_given and class_weight is None else as_batch
    )


def warn_of_batch_size(x: Any, batch_size: int | None) -> None:
    """Warn where a number of rows per step is given beside a source that makes batches itself."""
    if batch_size is not None and x is not None and not is_array_like(x) and not is_table(x):
        warnings.warn(
            f"`batch_size={batch_size}` changes nothing: the data source ({type(x).__name__}) makes the batches. Leave it out.",
            stacklevel=4,
        )


def check_count(name: str, value: Any, *, least: int = 1) -> None:
    """That an argument is a whole number, or None.

    Raises:
        ValueError: otherwise.
    """
    if value is None:
        return
    if not hasattr(value, "__index__") or isinstance(value, bool) or value.__index__() < least:
        raise ArgumentError(f"`{name}` must be an integer of at least {least}, got {value!r}.")


def split_validation(feed_args: tuple, fraction: float) -> tuple[tuple, tuple]:
    """The first rows to train on and the last ones, a fraction, to validate on.

    Raises:
        ValueError: if the data is no arrays, or too short.
    """
    if not 0 < fraction < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, got {fraction}.")
    x, y, weight = feed_args
    if not is_array_like(x):
        raise ValueError(
            "`validation_split` needs data in memory; give `validation_data` beside a data source."
        )
    parts = (arrays(x, "`x`", texts=True), arrays(y, "`y`"), arrays(weight, "`sample_weight`"))
    rows = count_rows(
        {n: p for n, p in zip(("x", "y", "sample_weight"), parts, strict=True) if p is not None}
    )
    split = int(rows * (1 - fraction))
    if split == 0 or split == rows:
        raise ValueError(f"`validation_split={fraction}` of {rows} rows leaves an empty part.")
    cut = lambda a, b: map_leaves(lambda leaf: None if leaf is None else leaf[a:b], parts)
    return cut(0, split), cut(split, rows)
