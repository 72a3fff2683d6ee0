"""The loops of fit and evaluate."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from typing import Any

from lamina import config
from lamina.backends.process import training
from lamina.callbacks.backup import BackupAndRestore
from lamina.callbacks.callback_list import CallbackList
from lamina.callbacks.live.callback import Live
from lamina.callbacks.progress import Progress
from lamina.core.seeds import global_generator
from lamina.distribution import group
from lamina.kernel.context import current
from lamina.training.compile.first_batch import check_labels
from lamina.training.feed.array_feed import ArrayFeed
from lamina.training.feed.chunks import Pass
from lamina.training.run import interrupt
from lamina.training.run import steps as steps_of_model
from lamina.training.run.agreement import agree, facts_of_run
from lamina.training.run.pace import Pace, Times, Unmeasured, slowest
from lamina.training.run.schedule import Clock, Governor, Schedule, callback_list, limit_of, steps_of

_TRAIN_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
_TEST_HOOKS = ("on_test_batch_begin", "on_test_batch_end")


def fit(
    model: Any, feed: Any, validate: Any, *, epochs: int, verbose: int, callbacks: Any, initial_epoch: int,
    steps_per_epoch: int | None, validation_steps: int | None, validation_freq: Any, resume: Any = None, live: Any = False,
) -> Any:  # fmt: skip
    """Train for some epochs; gives the History."""
    with training(), _changing(model, "fit"):
        return _fit(
            model, feed, validate, epochs, verbose, callbacks, initial_epoch, steps_per_epoch, validation_steps,
            validation_freq, resume, live,
        )  # fmt: skip


@contextmanager
def _changing(model: Any, what: str, *, part: bool = False) -> Iterator[None]:
    """What changes a model's weights or metrics: no other thread does, and Ctrl-C waits for dispatches.

    Inside another such call, in a callback, it leaves that one's metrics as they were, unless it is a `part` of it.
    """
    turns = model._model_state.turns
    inside = turns.inside and not part
    with (
        turns.alone(what, model.name),
        interrupt.interrupts(),
        _set_aside(model) if inside else nullcontext(),
        group.together(),
    ):
        yield


@contextmanager
def _set_aside(model: Any) -> Iterator[None]:
    """Give the metrics, and what steps show of them, back as they were."""
    metrics = {id(v): v for metric in model.metrics for v in metric.variables}.values()
    programs = model._model_state.programs.all()
    kept, shown = [(v, v.numpy().copy()) for v in metrics], [(p, p.last) for p in programs]
    try:
        yield
    finally:
        for v, value in kept:
            v.assign(value)
        for program, last in shown:
            program.last = last


def _fit(
    model: Any, feed: Any, validate: Any, epochs: int, verbose: int, callbacks: Any, initial_epoch: int,
    steps_per_epoch: int | None, validation_steps: int | None, validation_freq: Any, resume: Any, live: Any,
) -> Any:  # fmt: skip
    most = config.max_epochs()
    epochs = epochs if most is None else min(epochs, initial_epoch + most)
    steps = steps_of(feed, steps_per_epoch)
    limit = limit_of(steps_per_epoch)
    hooks = callback_list(
        model,
        callbacks,
        epochs=epochs,
        steps=steps,
        verbose=verbose,
        add_history=True,
    )
    if live:
        _show(model, hooks, live)
    backup = _backup(model, hooks, resume)
    if backup is not None:
        model._model_state.stream.split()  # before a feed that reads its source again turns the random state back
        backup.open({"train": feed} | ({} if validate is None else {"validate": validate}))
    k, programs = current(), model._model_state.programs
    if backup is not None and not model.built and model.run_eagerly:
        steps_of_model.build_on_numbers(model, k, feed.sample())  # what is restored must be there
        model.optimizer.build(model.trainable_variables)
    program = programs.get(model, "train", k, feed.sample)
    if isinstance(feed, ArrayFeed):
        check_labels(model._model_state.losses, *feed.tree[1:])
    if group.shared():
        feeds = {"data": feed} | ({} if validate is None else {"validation data": validate})
        agree("the beginning of `fit`", facts_of_run(
            model, k, program.variables, feeds, epochs=(initial_epoch, epochs), steps=limit, validation=validation_freq,
            resume=None if backup is None else backup.found(),
        ))  # fmt: skip
    run = _Run(model, program, feed, hooks, "train", backup)
    verbose = 0 if hooks.has_bar else verbose
    model.stop_training = False
    logs: dict[str, Any] = {}
    hooks.on_train_begin()
    place = _begin(backup, model, program, hooks)
    first, start = place or (initial_epoch, 0)
    if resume is None and hooks.history is not None:  # as in Keras: only the epochs that run now
        hooks.history._forget()
    ended = place is not None and model.stop_training  # what a resumed run had come to
    for epoch in range(first, first if ended else epochs):
        if not start:
            model.reset_metrics()
        hooks.on_epoch_begin(epoch)
        progress = Progress(steps, verbose, f"Epoch {epoch + 1}/{epochs}")
        run.name = f"epoch {epoch + 1}"
        try:
            count, logs = run.epoch(epoch - initial_epoch, limit, progress, start)
            if not count:  # the data has ended
                break
            start = 0
            if validate is not None and _due(epoch + 1, validation_freq):
                found = evaluate(model, validate, verbose=0, callbacks=hooks, steps=validation_steps)
                logs = {**logs, **{f"val_{name}": value for name, value in found.items()}}
            progress.finish(count, logs)
        finally:
            progress.close()
        hooks.on_epoch_end(epoch, dict(logs))  # what callbacks add is for those after them
        if backup is not None:
            backup.after_epoch(epoch)
        if model.stop_training:
            break
        run.program = programs.get(model, "train", k, feed.sample)  # callbacks may have changed the model
    _finish_optimizer(model)
    hooks.on_train_end(logs)
    return hooks.history


def _show(model: Any, hooks: CallbackList, live: Any) -> None:
    """A page that shows this run; `live` may name the folder of its records."""
    shown = Live(None if live is True else live)
    shown.set_model(model)
    shown.set_params(hooks.params or {})
    hooks.append(shown)


def _backup(model: Any, hooks: CallbackList, resume: Any) -> Any:
    """The BackupAndRestore among the callbacks, or one for the folder that `resume` names."""
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


def _begin(backup: Any, model: Any, program: Any, hooks: CallbackList) -> tuple[int, int] | None:
    """The epoch and the batch where a run that was interrupted goes on; None at a new beginning."""
    if backup is None:
        return None
    norms = model._model_state.gradient_norms
    seen_only = set() if norms is None else {id(v) for v in norms.variables}
    variables = [*(v for v in program.variables if id(v) not in seen_only), global_generator().state]
    place = backup.restore(variables, [one for one in hooks.callbacks if one is not backup])
    return None if place is None else (place.epoch, place.batch)


def evaluate(model: Any, feed: Any, *, verbose: int, callbacks: Any, steps: int | None) -> dict[str, Any]:
    """The metrics over all batches."""
    with _changing(model, "evaluate", part=isinstance(callbacks, CallbackList)):
        return _evaluate(model, feed, verbose, callbacks, steps)


def _evaluate(model: Any, feed: Any, verbose: int, callbacks: Any, steps: int | None) -> dict[str, Any]:
    inside = isinstance(callbacks, CallbackList)
    hooks = (
        callbacks
        if inside
        else callback_list(model, callbacks, epochs=1, steps=steps_of(feed, steps), verbose=verbose)
    )
    program = model._model_state.programs.get(model, "test", current(), feed.sample)
    if isinstance(feed, ArrayFeed):
        check_labels(model._model_state.losses, *feed.tree[1:])
    if group.shared() and not inside:
        facts = facts_of_run(model, current(), program.variables, {"data": feed}, steps=limit_of(steps))
        agree("the beginning of `evaluate`", facts)
    run = _Run(model, program, feed, hooks, "test")
    model.stop_evaluating = False
    hooks.on_test_begin()
    limit = limit_of(steps)
    progress = Progress(steps_of(feed, limit), verbose)
    feed.rewind()
    try:
        model.reset_metrics()
        count, logs = run.epoch(0, limit, progress)
        progress.finish(count, logs)
    finally:
        progress.close()
    logs = logs if count else {}  # of a generator that is used up
    hooks.on_test_end(dict(logs))
    return logs


class _Run:
    """Passes over the data of one kind; the epochs of a `fit` share it."""

    def __init__(
        self, model: Any, program: Any, feed: Any, hooks: CallbackList, kind: str, backup: Any = None
    ) -> None:
        self.model, self.program, self.feed, self.kind, self.backup = model, program, feed, kind, backup
        names = _TRAIN_HOOKS if kind == "train" else _TEST_HOOKS
        wait = lambda: hooks.batches_until(names)
        save = (lambda done: 0) if backup is None else backup.batches_until_save
        self.schedule = Schedule(wait, model.steps_per_execution, save, hooks.has_hook(*names))
        self.governor = Governor()
        self.begin, self.end = getattr(hooks, names[0]), getattr(hooks, names[1])
        self.shared, self.name = group.shared(), "an evaluation"
        self.pace = Pace() if self.shared else Unmeasured()

    def epoch(
        self, epoch: int, limit: int | None, progress: Progress, start: int = 0
    ) -> tuple[int, dict[str, Any]]:
        """One pass, from batch `start`; gives the number of steps and the logs."""
        self.program.last = None
        self.schedule.start(start)
        count = self._walk(epoch, limit, progress, start)
        self.feed.end_epoch()
        if self.shared:
            self._compare(count)
        if count < (limit or 1) and not self._stopped():
            self._ran_out(count, limit)
        if self.schedule.over(count):
            self.end(count - 1, self._logs())
        return count, self._logs()

    def _compare(self, count: int) -> None:
        """Every process has come to the end of the pass; one that took longer than the others is named."""
        self.program.wait()
        self.pace.lap("steps")
        texts = group.gather(f"the end of {self.name}", self.pace.written(count))
        found = slowest([Times.read(text) for text in texts])
        if found is not None and not group.rank():
            group.say(f"{self.name}: {found}.")

    def _walk(self, epoch: int, limit: int | None, progress: Progress, done: int) -> int:
        """Many steps per dispatch; a smaller batch, and one that came alone, is a dispatch of its own."""
        k, lines, indices, pace = self.program.k, None, None, self.pace
        pace.begin()
        with closing(self.feed.chunks(self._asked(epoch, limit, done))) as chunks:
            for chunk in chunks:
                pace.lap("data")
                first, end = done, done + chunk.count
                if chunk.lines is not lines and chunk.lines is not None:
                    lines = chunk.lines
                    # numbers of stacked batches stay on the host: each of several processes has them
                    indices = k.put(lines) if lines.ndim == 2 else lines
                while done < end:
                    block = self.schedule.block(done, end, self.governor.size)
                    if self.schedule.begins(done):
                        self.begin(done)
                    self.feed.taken(block)
                    if self.shared:
                        which = f"step {done + 1}" if block == 1 else f"steps {done + 1} to {done + block}"
                        group.turn(f"{which} of {self.name}", block)
                    pace.lap("callbacks")
                    if chunk.lines is None:
                        self.program.run_batch(chunk.data)
                    else:
                        usual = self.feed.batch_size in (None, chunk.rows)
                        self._dispatch(chunk.data, indices, done - first, done - first + block, usual)
                    self.done = done = done + block
                    if self.shared and self.schedule.hears(done):
                        self.program.wait()  # as who hears does: what callbacks take is their own time
                    pace.lap("steps")
                    self._after(epoch, done)
                    if progress.wants_numbers():
                        progress.update(done, self._logs())
                    pace.lap("callbacks")
                    # the next chunk is not asked for: a source would be read for nothing
                    if self._stopped() and self.schedule.whole(done):
                        return done
        return done

    def _asked(self, epoch: int, limit: int | None, start: int) -> Pass:
        self.done = start
        want = lambda: self.schedule.left(self.done)
        k = self.program.k
        # where a step alone is another program, callbacks must not choose it: it may round in another way
        together = self.program.loops and (k.functional or want() != 1)
        # how many batches a source has ready differs from process to process
        alike = not self.shared or k.spread.stacks_apart
        return Pass(epoch, start, limit, k, want if together and alike else None, self.pace)

    def _dispatch(self, data: Any, indices: Any, start: int, stop: int, usual: bool) -> None:
        clock = Clock()
        self.program.run(data, indices, start, stop)
        if self.schedule.free:
            self.program.wait()
            if usual:  # a smaller batch says nothing about the others
                self.governor.took(stop - start, clock.lap())

    def _after(self, epoch: int, done: int) -> None:
        if self.schedule.ends(done):
            self.end(done - 1, self._logs())
        if self.backup is not None:
            self.backup.after_batches(epoch, done)

    def _stopped(self) -> bool:
        return self.model.stop_training if self.kind == "train" else self.model.stop_evaluating

    def _logs(self) -> dict[str, Any]:
        return in_order(self.model, self.program.shown())

    def _ran_out(self, count: int, limit: int | None) -> None:
        """Say that the data ended early, and end training that has no more."""
        if count == 0 and not self.feed.used:
            raise ValueError("The data holds no rows, so there is no batch: check how it was read or cut.")
        asked = "" if limit is None else f", {limit} were asked for"
        training = self.kind == "train"
        if not self.feed.one_pass or (count and not training):
            if limit is not None or not count:
                warnings.warn(
                    f"The data ended after {count} batches{asked}"
                    + (
                        ": the epoch ends, and the next one begins with the first batch." if training else "."
                    ),
                    stacklevel=7,
                )
            return
        warnings.warn(
            f"The data ended after {count} batches{asked}, so {'training' if training else 'validation'} ends. "
            "A generator serves one pass: give a data set, or one that repeats.",
            stacklevel=7,
        )
        if training:
            self.model.stop_training = True


def _due(epoch: int, every: Any) -> bool:
    if isinstance(every, int):
        return epoch % every == 0
    return epoch in every


def _finish_optimizer(model: Any) -> None:
    finalize = getattr(model.optimizer, "finalize_variable_values", None)
    if finalize is not None:
        finalize(model.trainable_variables)


def one_batch(model: Any, kind: str, batch: Any, *, fresh: bool = False) -> dict[str, Any]:
    """One step on one batch; gives the logs as numbers, of this batch alone where the metrics are `fresh`."""
    with _changing(model, f"{kind}_on_batch"):
        if fresh:
            model.reset_metrics()
        program = model._model_state.programs.get(model, kind, current(), lambda: batch)
        if len(batch) == 3:
            check_labels(model._model_state.losses, *batch[1:])
        if group.shared():
            group.turn(f"`{kind}_on_batch`")
        program.run_batch(batch)
        return in_order(model, program.shown())


def in_order(model: Any, logs: dict[str, Any]) -> dict[str, Any]:
    """The logs in the order of the metrics (compiled programs give dicts by sorted keys)."""
    known = {name: logs[name] for name in model.metrics_names if name in logs}
    return known | logs
