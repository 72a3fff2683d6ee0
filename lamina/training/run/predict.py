"""The loop of predict."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np

from lamina.callbacks.progress import Progress
from lamina.kernel.context import current
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed.arrays import as_array
from lamina.training.feed.make import make_feed
from lamina.training.run.schedule import callback_list, steps_of

_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def predict_batch(model: Any, batch: Any) -> Any:
    """The outputs for one batch as NumPy arrays."""
    k = current()
    reader = model._model_state.programs.get(model, "predict", k, lambda: batch)
    return map_leaves(k.to_numpy, reader(batch))


def predict(
    model: Any, x: Any, *, batch_size: int | None, verbose: Any, steps: int | None, callbacks: Any
) -> Any:  # fmt: skip
    """The outputs for all rows as NumPy arrays."""
    small = type(x) is np.ndarray and callbacks is None and verbose in ("auto", 0)
    if small and x.ndim and 0 < x.shape[0] <= (batch_size or 32):
        return predict_batch(model, (as_array(x, "`x`"),))
    feed = make_feed(x, batch_size=batch_size, steps=steps)
    total = steps_of(feed, steps)
    hooks = callback_list(model, callbacks, epochs=1, steps=total, verbose=0)
    each = hooks.has_hook(*_PREDICT_HOOKS)
    k = current()
    reader = model._model_state.programs.get(model, "predict", k, lambda: feed.sample()[:1])
    progress = Progress(total, 1 if verbose == "auto" else int(verbose))
    hooks.on_predict_begin()
    parts: list[Any] = []
    try:
        for i, batch in enumerate(
            _predict_batches(feed, k, None if steps is None or feed.steps is None else min(steps, feed.steps))
        ):
            if each:
                hooks.on_predict_batch_begin(i)
            parts.append(reader(batch))
            if each:
                hooks.on_predict_batch_end(i, {"outputs": map_leaves(k.to_numpy, parts[-1])})
            if progress.wants_numbers():
                progress.update(i + 1, {})
            if steps is not None and i + 1 >= steps:
                break
        if not parts:
            return _no_rows(model, feed)
        out = map_leaves(k.to_numpy, parts)
        if verbose in (1, 2, True):
            progress.finish(len(parts), {})
    finally:
        progress.close()
    hooks.on_predict_end()
    return _joined(out)


def _predict_batches(feed: Any, k: Any, steps: int | None) -> Any:
    if feed.in_memory:
        x = feed.tree[0]
        for start in range(0, feed.rows, feed.batch_size):
            rows = slice(start, start + feed.batch_size)
            yield (map_leaves(lambda leaf, r=rows: None if leaf is None else leaf[r], x),)
        return
    with closing(feed.batches(0, 0, steps, k)) as batches:
        for batch in batches:
            yield (batch[0],)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    flat = [list(leaves(p)) for p in parts]
    columns = iter([np.concatenate(column) for column in zip(*flat, strict=True)])
    return map_leaves(lambda _: next(columns), parts[0])


def _no_rows(model: Any, feed: Any) -> Any:
    """For no rows at all: arrays of the outputs' shapes with no rows."""
    x = map_leaves(
        lambda leaf: None if leaf is None else np.zeros((1, *leaf.shape[1:]), leaf.dtype), feed.tree[0]
    )
    return map_leaves(lambda a: a[:0], predict_batch(model, (x,)))
