"""The loop of predict."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from lamina.callbacks.callback_list import CallbackList
from lamina.callbacks.progress import Progress
from lamina.distribution import group
from lamina.kernel.context import current
from lamina.kernel.trees import map_leaves
from lamina.training.feed.arrays import as_array
from lamina.training.feed.make import make_feed
from lamina.training.feed.spread import spreader
from lamina.training.run.outputs import Outputs, writable
from lamina.training.run.schedule import callback_list, limit_of, steps_of

_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def predict_batch(model: Any, batch: Any) -> Any:
    """The outputs for one batch as NumPy arrays."""
    k = current()
    _check_rows(k)
    reader = model._model_state.programs.get(model, "predict", k, lambda: batch)
    if not group.shared():  # the routine case, of microseconds
        return _arrays(k, reader(batch))
    with group.together():
        group.turn("`predict`")
        return _arrays(k, reader(batch))


def _arrays(k: Any, outputs: Any) -> Any:
    return map_leaves(lambda x: writable(k.to_numpy(x)), outputs)


def _check_rows(k: Any) -> None:
    spread = spreader(k)
    if spread is not None and spread.apart:
        raise ValueError(
            "predict: every process gives the same rows and gets all predictions, but the distribution in force says "
            "auto_shard_dataset=False: that each process has rows of its own. Predict in the scope of one with True."
        )


def predict(
    model: Any, x: Any, *, batch_size: int | None, verbose: Any, steps: int | None, callbacks: Any
) -> Any:  # fmt: skip
    """The outputs for all rows as NumPy arrays."""
    small = type(x) is np.ndarray and callbacks is None and verbose in ("auto", 0)
    if small and x.ndim and 0 < x.shape[0] <= (batch_size or 32) and steps in (None, 1):
        return predict_batch(model, (as_array(x, "`x`"),))
    _check_rows(current())
    feed = make_feed(x, batch_size=batch_size, steps=steps)
    total = steps_of(feed, steps)
    hooks = callback_list(model, callbacks, epochs=1, steps=total, verbose=0)
    k = current()
    reader = model._model_state.programs.get(model, "predict", k, lambda: feed.sample()[:1])
    progress = Progress(total, 1 if verbose == "auto" else int(verbose))
    model.stop_predicting = False
    hooks.on_predict_begin()
    try:
        outputs = Outputs(reader.k, getattr(feed, "rows", None))
        with group.together():
            _run(model, reader, _predict_batches(feed, k, limit_of(steps)), outputs, hooks, progress)
        if not outputs.count:
            return _no_rows(model, feed)
        if steps is not None and outputs.count < steps and not model.stop_predicting:
            warnings.warn(
                f"The data ended after {outputs.count} batches, {steps} were asked for.", stacklevel=3
            )
        found = outputs.result()
        if verbose in (1, 2, True):
            progress.finish(outputs.count, {})
    finally:
        progress.close()
    hooks.on_predict_end()
    return found


def _run(
    model: Any, reader: Any, batches: Iterator[Any], outputs: Outputs, hooks: CallbackList, progress: Progress
) -> None:
    """Bring the outputs of each batch together; callbacks hear of each execution of one step or several."""
    heard = hooks.has_hook(*_PREDICT_HOOKS)
    first, every, shared = 0, model.steps_per_execution, group.shared()

    def end() -> None:
        nonlocal first
        hooks.on_predict_batch_end(outputs.count - 1, {"outputs": outputs.since(first)})
        first = outputs.count

    for i, batch in enumerate(batches):
        if heard and i == first:
            hooks.on_predict_batch_begin(i)
        if shared:
            group.turn(f"batch {i + 1} of `predict`")
        outputs.add(reader(batch))
        if heard and outputs.count - first == every:
            end()
        if progress.wants_numbers():
            progress.update(i + 1, {})
        if model.stop_predicting and outputs.count % every == 0:  # an execution that has begun is not left
            break
    if heard and first < outputs.count:
        end()


def _predict_batches(feed: Any, k: Any, steps: int | None) -> Iterator[Any]:
    if feed.in_memory:
        x = feed.tree[0]
        for i in range(feed.steps if steps is None else min(steps, feed.steps)):
            rows = slice(i * feed.batch_size, (i + 1) * feed.batch_size)
            yield (map_leaves(lambda leaf, r=rows: None if leaf is None else leaf[r], x),)
        return
    with closing(feed.batches(0, 0, steps, k)) as batches:
        for batch in batches:
            yield (batch[0],)


def _no_rows(model: Any, feed: Any) -> Any:
    """For no rows at all: arrays of the outputs' shapes with no rows."""
    x = map_leaves(
        lambda leaf: None if leaf is None else np.zeros((1, *leaf.shape[1:]), leaf.dtype), feed.tree[0]
    )
    return map_leaves(lambda a: a[:0], predict_batch(model, (x,)))
