"""The loops of fit, evaluate and predict."""

from __future__ import annotations

import sys
import warnings
from contextlib import closing
from typing import Any

import numpy as np

from lamina import config
from lamina.callbacks.callback_list import CallbackList
from lamina.kernel.context import current
from lamina.kernel.trees import leaves, map_leaves
from lamina.training import engine
from lamina.training.chunks import Pass
from lamina.training.data import make_feed
from lamina.training.progress import Progress
from lamina.training.steps import own_predict_step, run_on_shapes

_TRAIN_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")
_PREDICT_HOOKS = ("on_predict_batch_begin", "on_predict_batch_end")


def fit(
    model: Any, feed: Any, validate: Any, *, epochs: int, verbose: int, callbacks: Any, initial_epoch: int,
    steps_per_epoch: int | None, validation_steps: int | None, validation_freq: Any, resume: Any = None,
) -> Any:  # fmt: skip
    """Train for some epochs; gives the History."""
    most = config.max_epochs()
    epochs = epochs if most is None else min(epochs, initial_epoch + most)
    steps = _steps(feed, steps_per_epoch)
    limit = _limit(steps_per_epoch)
    hooks = _callbacks(
        model,
        callbacks,
        epochs=epochs,
        steps=steps,
        verbose=verbose,
        add_history=True,
        validates=validate is not None,
    )
    backup = _backup(model, hooks, resume)
    if backup is not None:
        backup.open({"train": feed} | ({} if validate is None else {"validate": validate}))
    program = model._program("train", feed.sample())
    run = _Run(model, program, feed, hooks, "train", model.steps_per_execution, backup)
    verbose = 0 if hooks.has_bar else verbose
    model.stop_training = False
    logs: dict[str, Any] = {}
    hooks.on_train_begin()
    first, start = _begin(backup, program, hooks) or (initial_epoch, 0)
    for epoch in range(first, epochs):
        if model.stop_training:  # also what a resumed run had come to
            break
        if not start:
            model.reset_metrics()
        hooks.on_epoch_begin(epoch)
        progress = Progress(steps, verbose, f"Epoch {epoch + 1}/{epochs}")
        try:
            count, logs = run.epoch(epoch, limit, progress, start)
            if not count:  # the data has ended
                break
            start = 0
            if validate is not None and _due(epoch + 1, validation_freq):
                found = evaluate(model, validate, verbose=0, callbacks=hooks, steps=validation_steps)
                logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
            progress.finish(count, logs)
        finally:
            progress.close()
        hooks.on_epoch_end(epoch, logs)
        if backup is not None:
            backup.after_epoch(epoch)
        program = model._program("train", feed.sample()) if _stale(model, program) else program
        run.program = program
    _finish_optimizer(model)
    hooks.on_train_end(logs)
    return hooks.history


def _backup(model: Any, hooks: CallbackList, resume: Any) -> Any:
    """The BackupAndRestore among the callbacks, or one for the folder that `resume` names."""
    from lamina.callbacks.backup import BackupAndRestore

    found = [one for one in hooks.callbacks if isinstance(one, BackupAndRestore)]
    if resume is not None:
        made = (
            resume
            if isinstance(resume, BackupAndRestore)
            else BackupAndRestore(resume, delete_checkpoint=False)
        )
        made.set_model(model)
        hooks.append(made)
        found.append(made)
    if len(found) > 1:
        raise ValueError(
            "Training can be resumed from one folder: give one BackupAndRestore, or `resume`, not several."
        )
    return found[0] if found else None


def _begin(backup: Any, program: Any, hooks: CallbackList) -> tuple[int, int] | None:
    """The epoch and the batch where a run that was interrupted goes on; None at a new beginning."""
    if backup is None:
        return None
    place = backup.restore(program.variables, [one for one in hooks.callbacks if one is not backup])
    return None if place is None else (place.epoch, place.batch)


def evaluate(model: Any, feed: Any, *, verbose: int, callbacks: Any, steps: int | None) -> dict[str, Any]:
    """The metrics over all batches."""
    inside = isinstance(callbacks, CallbackList)
    hooks = (
        callbacks
        if inside
        else _callbacks(model, callbacks, epochs=1, steps=_steps(feed, steps), verbose=verbose)
    )
    program = model._program("test", feed.sample())
    run = _Run(model, program, feed, hooks, "test", model.steps_per_execution)
    hooks.on_test_begin()
    limit = _limit(steps)
    if limit is not None and feed.available is not None:
        limit = min(limit, feed.available)  # nothing is judged twice
    total = _steps(feed, limit)
    progress = Progress(total, verbose)
    try:
        model.reset_metrics()
        count, logs = run.epoch(0, limit, progress)
        progress.finish(count, logs)
    finally:
        progress.close()
    hooks.on_test_end(logs)
    return logs


class _Run:
    """What one pass over the data needs; the epochs of a `fit` share it."""

    def __init__(
        self, model: Any, program: Any, feed: Any, hooks: CallbackList, kind: str, every: int, backup: Any = None
    ) -> None:  # fmt: skip
        self.model, self.program, self.feed, self.hooks = model, program, feed, hooks
        self.kind, self.every, self.backup = kind, every, backup
        self.governor = engine.Governor()
        self.names = _TRAIN_HOOKS if kind == "train" else _TEST_HOOKS
        self.each = hooks.has_hook(*self.names)
        self.begin, self.end = getattr(hooks, self.names[0]), getattr(hooks, self.names[1])

    def epoch(
        self, epoch: int, limit: int | None, progress: Progress, start: int = 0
    ) -> tuple[int, dict[str, Any]]:
        """One pass, from batch `start`; gives the number of steps and the logs."""
        self.program.last, self._called, self._due = None, start, self._next_call(start)
        count = self._walk(epoch, limit, progress, start)
        self.feed.end_epoch()
        if count < (limit or 1) and not self._stopped():
            self._ran_out(epoch, count, limit)
        if self.each and self._called < count:
            self.end(count - 1, self._logs())
        return count, self._logs()

    def _ran_out(self, epoch: int, count: int, limit: int | None) -> None:
        if self.kind == "test" and count:
            return
        if count == 0 and epoch == 0:
            raise ValueError("The data source gave no batch.")
        warnings.warn(
            f"The data ended after {count} batches of epoch {epoch + 1}"
            + ("" if limit is None else f", {limit} were asked for")
            + ", so training ends. A generator serves one pass: give a data set, or one that repeats.",
            stacklevel=4,
        )
        self.model.stop_training = True

    def _logs(self) -> dict[str, Any]:
        return in_order(self.model, self.program.shown())

    _called = _due = 0  # the batches that callbacks know of; after how many they want to be called

    def _walk(self, epoch: int, limit: int | None, progress: Progress, start: int) -> int:
        """Many steps per dispatch; a smaller batch, and one that came alone, is a dispatch of its own."""
        k, done, lines, indices = self.program.k, start, None, None

        def want() -> int:
            return self._left(done)

        # where a step alone is another program, callbacks must not choose it: it may round in another way
        together = self.program.loops and (k.functional or want() != 1)
        asked = Pass(epoch, start, limit, k, self.kind == "train", want if together else None)
        with closing(self.feed.chunks(asked)) as chunks:
            for chunk in chunks:
                first, end = done, done + chunk.count
                if chunk.lines is not lines and chunk.lines is not None:
                    lines, indices = chunk.lines, k.put(chunk.lines)
                while done < end and not self._stopped():
                    block = self._block(done, end)
                    self._before(done)
                    self.feed.taken(block)
                    if chunk.lines is None:
                        self.program.run_batch(chunk.data)
                    else:
                        learn = self.feed.batch_size in (None, lines.shape[1])
                        self._dispatch(chunk.data, indices, done - first, done - first + block, learn)
                    done += block
                    self._after(epoch, done)
                    if progress.wants_numbers():
                        progress.update(done, self._logs())
                if self._stopped():  # the next chunk is not asked for: a source would be read for nothing
                    break
        return done

    def _stopped(self) -> bool:
        return self.kind == "train" and self.model.stop_training

    def _next_call(self, done: int) -> int:
        wait = self.hooks.batches_until(self.names) if self.each else 0
        return done + (self.every if wait == 1 else wait) if wait else 0

    def _left(self, done: int) -> int:
        """After how many steps somebody is to be called."""
        stops = [sys.maxsize]
        if self._due:
            stops.append(self._due - done)
        if self.backup is not None and (wait := self.backup.batches_until_save(done)):
            stops.append(wait)
        return min(stops)

    def _block(self, done: int, end: int) -> int:
        """How many steps the next dispatch takes: no more than until somebody is to be called."""
        left = min(end - done, self._left(done))
        return left if self._due == done + left else min(self.governor.next(left), left)

    def _before(self, done: int) -> None:
        if self.each and self._called == done:
            self.begin(done)

    def _after(self, epoch: int, done: int) -> None:
        """Call who wants to be called after `done` batches."""
        if self.each and done >= self._due > 0:
            self.end(done - 1, self._logs())
            self._called, self._due = done, self._next_call(done)
        if self.backup is not None and self.kind == "train":
            self.backup.after_batches(epoch, done)

    def _dispatch(self, data: Any, indices: Any, start: int, stop: int, learn: bool = True) -> None:
        clock = engine.Clock()
        self.program.run(data, indices, start, stop)
        if self._due == 0 or self._due - self._called > self.every:
            self.program.wait()
            if learn:
                self.governor.took(stop - start, clock.lap())


def _callbacks(
    model: Any, given: Any, *, epochs: int, steps: Any, verbose: int, add_history: bool = False, **more: Any
) -> CallbackList:
    if isinstance(given, CallbackList):
        if add_history and given.history is None:
            raise ValueError("A CallbackList for `fit` must be made with add_history=True.")
        return given
    return CallbackList(
        given, add_history=add_history, model=model, epochs=epochs, steps=steps, verbose=verbose, **more
    )


def _limit(steps: int | None) -> int | None:
    """How many steps were asked for; None for as many as there are."""
    cap = config.max_steps_per_epoch()
    return cap if steps is None else steps if cap is None else min(steps, cap)


def _steps(feed: Any, asked: int | None) -> int | None:
    limit = _limit(asked)
    return limit if limit is not None else feed.steps


def _due(epoch: int, every: Any) -> bool:
    if isinstance(every, int):
        return epoch % every == 0
    return epoch in every


def _stale(model: Any, program: Any) -> bool:
    return all(program is not p for p in model._programs.values()) or not any(
        key[2] == model._structure for key, p in model._programs.items() if p is program
    )


def _finish_optimizer(model: Any) -> None:
    finalize = getattr(model.optimizer, "finalize_variable_values", None)
    if finalize is not None:
        finalize(model.trainable_variables)


# -- single batches ------------------------------------------------------------------------------------------------------


def one_batch(model: Any, kind: str, batch: Any) -> dict[str, Any]:
    """One step on one batch; gives the logs as numbers."""
    program = model._program(kind, batch)
    program.run_batch(batch)
    return in_order(model, program.shown())


def in_order(model: Any, logs: dict[str, Any]) -> dict[str, Any]:
    """The logs in the order of the metrics (compiled programs give dicts by sorted keys)."""
    known = {name: logs[name] for name in model.metrics_names if name in logs}
    return known | logs


# -- prediction ----------------------------------------------------------------------------------------------------------


def _forward(model: Any, sample: Any) -> Any:
    """The compiled forward pass, made when first needed or when the model has changed."""
    k = current()
    key = ("predict", k, model._structure, model.run_eagerly)
    reader = model._programs.get(key)
    if reader is None:
        if not model.built:
            x = sample[0] if isinstance(sample, tuple) else sample
            _build(model, x)
        variables = engine.all_variables(model, training=False)
        engine.prepare(variables, k)
        step = own_predict_step(model)
        reader = engine.Reader(k, step, variables, not model.run_eagerly)
        for old in [old for old in model._programs if old[0] == "predict"]:
            del model._programs[old]
        model._programs["predict", k, model._structure, model.run_eagerly] = reader
    return reader


def _build(model: Any, x: Any) -> None:
    from lamina.training.trainer import _dtype_of

    k = current()
    tensors = [leaf for leaf in leaves(x) if leaf is not None]

    def program(given: list[Any]) -> Any:
        table = {id(t): s for t, s in zip(tensors, given, strict=True)}
        model(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], x))
        return ()

    run_on_shapes(k, program, [((None, *t.shape[1:]), _dtype_of(k, t)) for t in tensors])


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
        from lamina.training.arrays import as_array

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
