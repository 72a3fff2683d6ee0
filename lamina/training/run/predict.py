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
from lamina.training.run.program import Reader, all_variables, prepare
from lamina.training.run.schedule import callback_list, steps_of
from lamina.training.run.steps import dtype_of, own_predict_step, run_on_shapes

_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def _forward(model: Any, sample: Any) -> Any:
    """The compiled forward pass, made when first needed or when the model has changed."""
    k = current()
    key = ("predict", k, model._structure, model.run_eagerly)
    reader = model._programs.get(key)
    if reader is None:
        if not model.built:
            x = sample[0] if isinstance(sample, tuple) else sample
            _build(model, x)
        variables = all_variables(model, training=False)
        prepare(variables, k)
        step = own_predict_step(model)
        reader = Reader(k, step, variables, not model.run_eagerly)
        for old in [old for old in model._programs if old[0] == "predict"]:
            del model._programs[old]
        model._programs["predict", k, model._structure, model.run_eagerly] = reader
    return reader


def _build(model: Any, x: Any) -> None:
    k = current()
    tensors = [leaf for leaf in leaves(x) if leaf is not None]

    def program(given: list[Any]) -> Any:
        table = {id(t): s for t, s in zip(tensors, given, strict=True)}
        model(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], x))
        return ()

    run_on_shapes(k, program, [((None, *t.shape[1:]), dtype_of(k, t)) for t in tensors])


def predict_batch(model: Any, batch: Any) -> Any:
    """The outputs for one batch as NumPy arrays."""
    reader = _forward(model, batch)
    k = reader.k
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
    reader = _forward(model, feed.sample()[0])
    k = reader.k
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
