"""Live: writes what training does while it runs, for a page that shows it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from typing import Any

import numpy as np

from lamina.callbacks.callback import Callback
from lamina.callbacks.live import records
from lamina.callbacks.live.server import serve
from lamina.callbacks.message import say
from lamina.callbacks.rates import _log_rates
from lamina.kernel.context import real_kernel

_MOST_NORMS = 200  # weights whose norms a record names; of more it has the norm of all

_own_folder: Any = None  # of runs that no folder was named for; it goes with the process


class Live(Callback):
    """Shows training in the browser while it runs: curves, steps per second, memory, learning rate, norms of gradients.

    It writes a record about once in `interval` seconds, between dispatches of many steps, so that it costs next to nothing;
    `lamina watch FOLDER` shows the same from another process. The page is served to this machine alone, under an
    address with a secret in it. `fit(live=True)` adds one. Norms are those of `fit`'s own step: a `train_step` of your
    own has none.

    Args:
        folder: Where the records are kept, a file for each run; a temporary folder when None.
        serve: Whether to serve the page, and to print its address.
        interval: Seconds between two records.
        norms: Whether to record the norms of the gradients.
        clock: Gives the time in seconds.

    Raises:
        ValueError: if `interval` is negative.

    Example:
        >>> import lamina, numpy as np, tempfile, pathlib
        >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)], name="line")
        >>> model.compile("sgd", "mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     live = lamina.callbacks.Live(folder, serve=False)
        ...     history = model.fit(np.ones((4, 1)), np.ones((4, 1)), callbacks=[live], verbose=0)
        ...     live.path.name
        '0001-line.live.jsonl'
    """

    def __init__(
        self, folder: Any = None, serve: bool = True, interval: float = 1.0, norms: bool = True,
        clock: Any = time.perf_counter,
    ) -> None:  # fmt: skip
        super().__init__()
        if interval < 0:
            raise ValueError(f"The `interval` of Live must be 0 seconds or more, got {interval!r}.")
        self.folder, self.serve, self.interval, self.norms, self.clock = folder, serve, interval, norms, clock
        self.path: Any = None
        self.address: str | None = None
        self._stride = (
            2  # batches from one call to the next: one alone would be another program on some backends
        )

    def set_model(self, model: Any) -> None:
        """Receive the model: its step keeps the norms of its gradients from now on."""
        super().set_model(model)
        if self.norms:
            model._model_state.keep_gradient_norms()

    def batches_until_call(self) -> int:
        """In how many batches it wants to be called, as many as fit into the interval."""
        return self._stride

    # -- hooks ---------------------------------------------------------------------------------------------------------

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin the record of a run, and serve it."""
        folder = _temporary() if self.folder is None else self.folder
        self.path, self._lines = records.begin(folder, self.model.name), []
        self._began = self._written = self.clock()
        self._steps, self._in_epoch, self._epoch, self._last = 0, 0, 0, (self._began, 0)
        known = self.params or {}
        self._add("begin", model=self.model.name, epochs=known.get("epochs"), steps=known.get("steps"),
                  backend=real_kernel().name, at=time.time())  # fmt: skip
        self._write()
        if self.serve:
            self.address = serve(folder)
            say(f"Training can be watched at {self.address}")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Count the epoch's batches from 0."""
        self._epoch, self._in_epoch = epoch, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Record what stands there now, if that is due."""
        self._count(batch + 1)
        now = self.clock()
        then, steps = self._last
        took, done = now - then, self._steps - steps
        if done and took >= self.interval:
            speed = done / max(took, 1e-9) if steps else None  # the first steps are compiled
            self._add("batch", epoch=self._epoch, batch=batch + 1, logs=logs, speed=speed, **self._state())
            self._last = (now, self._steps)
            self._write()
        if done:
            fitting = done * self.interval / max(took, 1e-9)
            self._stride = int(max(2, min(fitting, 8 * self._stride, 1_000_000)))

    def on_test_begin(self, logs: Any = None) -> None:
        """Stop the clock of the steps."""
        self._paused = self.clock()

    def on_test_end(self, logs: Any = None) -> None:
        """Let it go on."""
        if self.path is not None:
            then, steps = self._last
            self._last = (then + self.clock() - self._paused, steps)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Record the numbers of the epoch; quick epochs are written several at a time."""
        known = (self.params or {}).get("steps")
        self._count(self._in_epoch or known or 0)
        self._add("epoch", epoch=epoch, logs=logs)
        if self.clock() - self._written >= self.interval:
            self._write()

    def on_train_end(self, logs: Any = None) -> None:
        """Record the end."""
        self._add("end", logs=logs, stopped=bool(self.model.stop_training), **self._state())
        self._write()

    # -- records ---------------------------------------------------------------------------------------------------------

    def _count(self, in_epoch: int) -> None:
        self._steps += in_epoch - self._in_epoch
        self._in_epoch = in_epoch

    def _add(self, kind: str, **facts: Any) -> None:
        seconds = self.clock() - self._began
        self._lines.append(records.line({"kind": kind, "seconds": seconds, "step": self._steps, **facts}))

    def _write(self) -> None:
        self._written = self.clock()
        with open(self.path, "a", encoding="utf-8") as file:
            file.write("".join(self._lines))
        self._lines = []

    def _state(self) -> dict[str, Any]:
        """What is looked up when a record is due: rates, memory, norms."""
        found: dict[str, Any] = {"rates": {}, "memory": _memory()}
        if self.model.optimizer is not None:
            _log_rates(self.model, found["rates"])
        kept = self.model._model_state.gradient_norms
        if kept is not None and kept.values is not None:
            norms = kept.values.numpy().astype("float64")
            found["norm"] = float(np.sqrt(np.sum(norms**2)))
            if len(norms) <= _MOST_NORMS:
                found["norms"] = dict(zip(kept.paths, norms.tolist(), strict=True))
        return found


def _temporary() -> str:
    global _own_folder
    if _own_folder is None:
        _own_folder = tempfile.TemporaryDirectory(prefix="lamina-live-", ignore_cleanup_errors=True)
    return _own_folder.name


def _memory() -> int | None:
    """The bytes of the process's memory; None where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _most_memory()


def _most_memory() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
