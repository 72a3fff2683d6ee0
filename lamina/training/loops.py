"""The loops of fit, evaluate and predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import config
from lamina.callbacks.callback import CallbackList
from lamina.core import tracking
from lamina.core.operation import leaves, map_leaves
from lamina.kernel.context import current
from lamina.training import engine
from lamina.training.data import make_feed
from lamina.training.progress import Progress

_TRAIN_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def fit(
    model: Any, feed: Any, validate: Any, *, epochs: int, verbose: int, callbacks: Any, initial_epoch: int,
    steps_per_epoch: int | None, validation_steps: int | None, validation_freq: Any,
) -> Any:  # fmt: skip
    """Train for some epochs; gives the History."""
    if config.max_epochs() is not None:
        epochs = min(epochs, initial_epoch + config.max_epochs())
    steps = _steps(feed, steps_per_epoch)
    limit = steps if steps_per_epoch is not None or config.max_steps_per_epoch() is not None else None
    hooks = _callbacks(model, callbacks, epochs=epochs, steps=steps, verbose=verbose, add_history=True)
    program = model._program("train", feed.sample())
    run = _Run(model, program, feed, hooks, "train", model.steps_per_execution)
    model.stop_training = False
    logs: dict[str, Any] = {}
    try:
        hooks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            model.reset_metrics()
            hooks.on_epoch_begin(epoch)
            progress = Progress(steps, verbose, f"Epoch {epoch + 1}/{epochs}")
            try:
                count, logs = run.epoch(epoch, limit, progress)
                if validate is not None and _due(epoch + 1, validation_freq):
                    found = evaluate(model, validate, verbose=0, callbacks=hooks, steps=validation_steps)
                    logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
                progress.finish(count, logs)
            finally:
                progress.close()
            program.release()
            hooks.on_epoch_end(epoch, logs)
            program = model._program("train", feed.sample()) if _stale(model, program) else program
            run.program = program
            if model.stop_training:
                break
        _finish_optimizer(model)
        hooks.on_train_end(logs)
    finally:
        program.release()
    return model.history if model.history is not None else hooks.history


def evaluate(model: Any, feed: Any, *, verbose: int, callbacks: Any, steps: int | None) -> dict[str, Any]:
    """The metrics over all batches."""
    inside = isinstance(callbacks, CallbackList)
    hooks = callbacks if inside else _callbacks(model, callbacks, epochs=1, steps=_steps(feed, steps), verbose=verbose)
    program = model._program("test", feed.sample())
    run = _Run(model, program, feed, hooks, "test", model.steps_per_execution)
    hooks.on_test_begin()
    total = _steps(feed, steps)
    steps = total if steps is not None or config.max_steps_per_epoch() is not None else None
    progress = Progress(total, verbose)
    try:
        model.reset_metrics()
        count, logs = run.epoch(0, steps, progress)
        progress.finish(count, logs)
    finally:
        progress.close()
        program.release()
    hooks.on_test_end(logs)
    return logs


class _Run:
    """What one pass over the data needs; the epochs of a `fit` share it."""

    def __init__(self, model: Any, program: Any, feed: Any, hooks: CallbackList, kind: str, every: int) -> None:
        self.model, self.program, self.feed, self.hooks = model, program, feed, hooks
        self.kind, self.every = kind, every
        self.governor = engine.Governor()
        names = _TRAIN_HOOKS if kind == "train" else _TEST_HOOKS
        self.each = hooks.has_hook(*names)
        self.begin, self.end = getattr(hooks, names[0]), getattr(hooks, names[1])

    def epoch(self, epoch: int, limit: int | None, progress: Progress) -> tuple[int, dict[str, Any]]:
        """One pass; gives the number of steps and the logs."""
        blocks = self.feed.in_memory and not self.program.gives_logs
        count = self._blocks(epoch, limit, progress) if blocks else self._batches(epoch, limit, progress)
        if count == 0:
            raise ValueError("The data source gave no batch in this epoch.")
        return count, self._logs()

    def _logs(self) -> dict[str, Any]:
        if self.program.gives_logs and self._last is not None:
            return engine.to_host(self.program.k, self._last)
        return in_order(self.model, engine.to_host(self.program.k, self.program.results()))

    _last: Any = None

    def _blocks(self, epoch: int, limit: int | None, progress: Progress) -> int:
        """Data on the device: many steps per dispatch; the last, smaller batch is one of its own."""
        feed, k = self.feed, self.program.k
        data, order, size = feed.on_device(k), feed.order(epoch), feed.batch_size
        full = feed.rows // size
        full = full if limit is None else min(full, limit)
        indices = k.put(np.ascontiguousarray(order[: full * size].reshape(full, size)))
        done = 0
        while done < full and not self._stopped():
            block = min(self.every if self.each else self.governor.next(full - done), full - done)
            self._dispatch(data, indices, done, done + block)
            done += block
            if progress.wants_numbers():
                progress.update(done, self._logs())
        rest = order[full * size :]
        if len(rest) and (limit is None or done < limit) and not self._stopped():
            self._dispatch(data, k.put(np.ascontiguousarray(rest[None])), 0, 1, shown=done, learn=False)
            done += 1
        return done

    def _stopped(self) -> bool:
        return self.kind == "train" and self.each and self.model.stop_training

    def _dispatch(self, data: Any, indices: Any, start: int, stop: int, shown: int | None = None, learn: bool = True) -> None:
        first = start if shown is None else shown
        if self.each:
            self.begin(first)
        clock = engine.Clock()
        self.program.run(data, indices, start, stop)
        if self.each:
            self.end(first + stop - start - 1, self._logs())
        else:
            self.program.wait()
            if learn:
                self.governor.took(stop - start, clock.lap())

    def _batches(self, epoch: int, limit: int | None, progress: Progress) -> int:
        """Batches as they come, one step each."""
        done = 0
        for batch in self._source(epoch):
            if (limit is not None and done >= limit) or self._stopped():
                break
            if self.each and done % self.every == 0:
                self.begin(done)
            self._last = self.program.run_batch(engine.to_device(self.program.k, batch))
            done += 1
            if self.each and done % self.every == 0:
                self.end(done - 1, self._logs())
            if progress.wants_numbers():
                progress.update(done, self._logs())
            if limit is not None and done >= limit:
                break
        if not self.feed.in_memory:
            self.feed.end_epoch()
        return done

    def _source(self, epoch: int) -> Any:
        feed = self.feed
        if not feed.in_memory:
            return feed.batches(epoch)
        order = feed.order(epoch)
        return (_shortest(feed.batch(order[i : i + feed.batch_size])) for i in range(0, feed.rows, feed.batch_size))


def _shortest(tree: tuple) -> Any:
    """(x, y, w) without what is absent, as a step of the user's own expects its data."""
    from lamina.training.data import pack_x_y_sample_weight

    return pack_x_y_sample_weight(*tree)


def _callbacks(model: Any, given: Any, *, epochs: int, steps: Any, verbose: int, add_history: bool = False) -> Any:
    if isinstance(given, CallbackList):
        return given
    return CallbackList(given, add_history=add_history, model=model, epochs=epochs, steps=steps, verbose=verbose)


def _steps(feed: Any, limit: int | None) -> int | None:
    cap = config.max_steps_per_epoch()
    limit = cap if limit is None else limit if cap is None else min(limit, cap)
    if limit is not None and feed.steps is not None:
        return min(feed.steps, limit) if feed.in_memory else limit
    return limit if limit is not None else feed.steps


def _due(epoch: int, every: Any) -> bool:
    if isinstance(every, int):
        return epoch % every == 0
    return epoch in every


def _stale(model: Any, program: Any) -> bool:
    return all(program is not p for p in model._programs.values()) or not any(
        key[2] == tracking.version() for key, p in model._programs.items() if p is program
    )


def _finish_optimizer(model: Any) -> None:
    finalize = getattr(model.optimizer, "finalize_variable_values", None)
    if finalize is not None:
        finalize(model.trainable_variables)


# -- single batches ------------------------------------------------------------------------------------------------------


def one_batch(model: Any, kind: str, batch: Any) -> dict[str, Any]:
    """One step on one batch; gives the logs as numbers."""
    program = model._program(kind, batch)
    logs = program.run_batch(engine.to_device(program.k, batch))
    out = engine.to_host(program.k, logs if program.gives_logs else program.results())
    program.release()
    return in_order(model, out)


def in_order(model: Any, logs: dict[str, Any]) -> dict[str, Any]:
    """The logs in the order of the metrics (compiled programs give dicts by sorted keys)."""
    known = {name: logs[name] for name in model.metrics_names if name in logs}
    return known | logs


# -- prediction ----------------------------------------------------------------------------------------------------------


def _forward(model: Any, sample: Any) -> Any:
    """The compiled forward pass, made when first needed or when the model has changed."""
    k = current()
    key = ("predict", k, tracking.version(), model.run_eagerly)
    reader = model._programs.get(key)
    if reader is None:
        if not model.built:
            x = sample[0] if isinstance(sample, tuple) else sample
            _build(model, x)
        variables = engine.all_variables(model, training=False)
        engine.prepare(variables, k)
        reader = engine.Reader(k, model.predict_step, variables, not model.run_eagerly)
        for old in [old for old in model._programs if old[0] == "predict"]:
            del model._programs[old]
        model._programs["predict", k, tracking.version(), model.run_eagerly] = reader
    return reader


def _build(model: Any, x: Any) -> None:
    from lamina.kernel.shapes.infer import infer
    from lamina.training.trainer import _dtype_of

    k = current()
    tensors = [leaf for leaf in leaves(x) if leaf is not None]

    def program(given: list[Any]) -> Any:
        table = {id(t): s for t, s in zip(tensors, given, strict=True)}
        model(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], x))
        return ()

    infer(program, [((None, *t.shape[1:]), _dtype_of(k, t)) for t in tensors])


def predict_batch(model: Any, batch: Any) -> Any:
    """The outputs for one batch as NumPy arrays."""
    reader = _forward(model, batch)
    k = reader.k
    return map_leaves(k.to_numpy, reader(engine.to_device(k, batch)))


def predict(
    model: Any, x: Any, *, batch_size: int | None, verbose: Any, steps: int | None, callbacks: Any
) -> Any:  # fmt: skip
    """The outputs for all rows as NumPy arrays."""
    small = type(x) is np.ndarray and callbacks is None and verbose in ("auto", 0)
    if small and x.ndim and 0 < x.shape[0] <= (batch_size or 32):
        from lamina.training.data import as_array

        return predict_batch(model, (as_array(x, "`x`"),))
    feed = make_feed(x, batch_size=batch_size, steps=steps)
    total = _steps(feed, steps)
    hooks = _callbacks(model, callbacks, epochs=1, steps=total, verbose=0)
    each = hooks.has_hook(*_PREDICT_HOOKS)
    reader = _forward(model, feed.sample()[0])
    k = reader.k
    progress = Progress(total, 1 if verbose == "auto" else int(verbose))
    hooks.on_predict_begin()
    parts: list[Any] = []
    try:
        for i, batch in enumerate(_predict_batches(feed, k)):
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


def _predict_batches(feed: Any, k: Any) -> Any:
    if not feed.in_memory:
        for batch in feed.batches(0):
            yield engine.to_device(k, (batch[0],))
        return
    x = feed.tree[0]
    for start in range(0, feed.rows, feed.batch_size):
        rows = slice(start, start + feed.batch_size)
        yield engine.to_device(k, (map_leaves(lambda leaf, r=rows: None if leaf is None else leaf[r], x),))


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    flat = [list(leaves(p)) for p in parts]
    columns = iter([np.concatenate(column) for column in zip(*flat, strict=True)])
    return map_leaves(lambda _: next(columns), parts[0])


def _no_rows(model: Any, feed: Any) -> Any:
    """For no rows at all: arrays of the outputs' shapes with no rows."""
    k = current()
    x = map_leaves(lambda leaf: None if leaf is None else np.zeros((1, *leaf.shape[1:]), leaf.dtype), feed.tree[0])
    return map_leaves(lambda a: a[:0], predict_batch(model, engine.to_device(k, (x,))))


