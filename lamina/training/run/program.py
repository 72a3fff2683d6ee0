"""Compiled steps: the state of a model as one list of tensors, and the programs that move it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from lamina.core.seeds import Stream, drawing_from
from lamina.core.stateless import run_pure
from lamina.core.storage import donate, mark_lost, values_for
from lamina.core.variable import Variable
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.run import interrupt, spread
from lamina.training.run.reader import Reader, to_device


class Program:
    """A step `step(batch) -> logs` of a model, compiled for one backend.

    Where variables change in place the step runs on them; where state must flow (see `Kernel.functional`) it becomes
    a pure function of the values of all variables, which are handed on from dispatch to dispatch.

    Args:
        k: The kernel.
        step: The stateful step, written once.
        variables: All variables that the step may read or assign.
        results: Reads the metrics; compiled steps give what it gives along with the state.
        compiled: Whether to compile; False runs the step as it is written.
        gives_logs: Whether the step is the user's own, which says itself what is shown.
        logs: The shapes and dtypes of that.
        lock: Held while a dispatch has the memory of the variables.
        stream: Where draws with no seed of their own come from; its state is among the variables.
    """

    def __init__(
        self,
        k: Any,
        step: Callable[[Any], Any],
        variables: list[Variable],
        results: Reader,
        *,
        compiled: bool = True,
        gives_logs: bool = False,
        logs: Any = None,
        lock: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.k, self.variables, self.results = k, variables, results
        self.compiled, self.gives_logs, self.logs = compiled, gives_logs, logs
        self.step, self.stream, self._lock = spread.taking_part(step), stream, lock or nullcontext()
        self._loop: Any = None
        self._single: Any = None
        self.last: Any = None  # what is shown after the last dispatch, where that gave it

    @property
    def loops(self) -> bool:
        """Whether many steps in a dispatch take less time than one by one."""
        return self.compiled and (self.k.functional or self.k.traced_step)

    def _values(self) -> tuple[list[Any], list[bool]]:
        """The values of the variables, and of which others may hold them as well."""
        return values_for(self.k, self.variables)

    def _store(self, values: list[Any]) -> None:
        """Put new values into the variables, which only steps hold until somebody looks."""
        donate(self.k, self.variables, values)

    def _pure(self, values: list[Any], batch: Any) -> tuple[list[Any], Any]:
        values = spread.as_laid_out(self.k, self.variables, values)  # in a loop XLA might lay them otherwise
        logs, updated, _ = run_pure(self.step, self.variables, values, (batch,))
        return spread.as_laid_out(self.k, self.variables, updated), logs

    # -- many steps on data that lives on the device ----------------------------------------------------------------------

    def run(self, data: Any, indices: Any, start: int, stop: int) -> None:
        """The steps from start to stop: each takes the rows that its line of `indices` names."""
        k, self.last = self.k, None
        self._split()
        if not self.compiled:
            for i in range(start, stop):
                places = k.asarray(indices[i]) if isinstance(indices, np.ndarray) else indices[i]
                self.last = self.step(
                    map_leaves(lambda x, p=places: None if x is None else k.take(x, p, 0), data)
                )
        elif k.functional:
            if self._loop is None:
                self._loop = k.loop(self._pure_turn, True, self._pure_end)
            with self._dispatch():
                values, held = self._values()
                values, self.last = self._loop((values, self._no_logs()), data, indices, start, stop, held)
                self._store(values)
        else:
            if self._loop is None:
                self._loop = k.loop(self._in_place, False, self._end if k.traced_step else None)
            logs = self._loop(self._no_logs(), data, indices, start, stop)
            self.last = logs if self.gives_logs or k.traced_step else None

    def _pure_turn(self, state: Any, batch: Any) -> Any:
        values, logs = self._pure(state[0], batch)
        return values, logs if self.gives_logs else ()

    def _pure_end(self, state: Any) -> Any:
        values, logs = state
        return values, run_pure(self._end, self.variables, values, (logs,))[0]

    def _end(self, logs: Any) -> Any:
        return logs if self.gives_logs else self.results.function()

    def _in_place(self, state: Any, batch: Any) -> Any:
        logs = self.step(batch)
        return logs if self.gives_logs else state

    def _no_logs(self) -> Any:
        """Logs of no step, in the structure and dtypes of the real ones; () where a step gives none."""
        if not self.gives_logs or self.logs is None:
            return ()
        return map_logs(lambda spec: spread.zeros(self.k, *spec), self.logs)

    # -- one step on a batch that comes -----------------------------------------------------------------------------------

    def run_batch(self, batch: Any) -> None:
        """One step on tensors or NumPy arrays."""
        k = self.k
        self._split()
        batch = spread.batch(k, batch)
        if self.compiled and k.functional:
            if self._single is None:
                self._single = k.jit(lambda values, batch: self._pure_end(self._pure(values, batch)), (0,))
            with self._dispatch():
                values, held = self._values()
                values, self.last = self._single(values, batch, shared=held)
                self._store(values)
        elif self.compiled and k.traced_step:
            if self._single is None:
                self._single = k.jit(lambda batch: self._end(self.step(batch)))
            self.last = self._single(batch)
        else:
            self.last = self.step(to_device(k, batch))

    def shown(self) -> dict[str, Any]:
        """The numbers to show after the last dispatch."""
        with self._failing():
            if self.last is not None:
                return to_host(self.k, self.last)
            return {} if self.gives_logs else to_host(self.k, self.results())

    def wait(self) -> None:
        """Until the last dispatch is done."""
        if self.variables:
            v = self.variables[-1]
            taken = v._stored.take(self.k)  # looked at, it would be no longer the steps' own
            with self._failing():
                self.k.wait(v.value if taken is None else taken[0])

    # -- failure ------------------------------------------------------------------------------------------------------------

    def _split(self) -> None:
        if self.stream is not None:
            self.stream.split()

    @contextmanager
    def _dispatch(self) -> Iterator[None]:
        """While a program has the memory of the variables: no other thread reads them, and Ctrl-C waits."""
        with self._lock, self._failing(), interrupt.held():
            yield

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Leave the variables usable where a dispatch fails, be it that its results only tell when they are awaited."""
        try:
            yield
        except BaseException as error:
            if self.compiled and self.k.functional:
                with self._lock:
                    self._failed(error)
            raise

    def _failed(self, error: BaseException) -> None:
        """What the failed step had taken over is gone; whatever it had only a copy of stays."""
        words = (
            str(error).split("\n", 1)[0].removesuffix("Traceback (most recent call last):").rstrip(" :")[:200]
        )
        kind = type(error).__name__ + (f" ({words})" if words else "")
        lost = mark_lost(self.variables, f"a compiled step that raised {kind}")
        if self.stream is not None and any(v is self.stream.steps.state for v in lost):
            self.stream.split(anew=True)


def drawing(stream: Stream, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The step, with draws from a stream where they have no seed of their own."""

    def run(batch: Any) -> Any:
        with drawing_from(stream.steps):
            return step(batch)

    return run


def map_logs(function: Callable[[Any], Any], logs: Any) -> Any:
    """A function on every (shape, dtype) of a step's logs."""
    if isinstance(logs, dict):
        return {name: map_logs(function, value) for name, value in logs.items()}
    return function(logs)


def to_host(k: Any, logs: dict[str, Any]) -> dict[str, Any]:
    """Numbers out of a dict of scalars, fetched together."""
    k.wait(list(leaves(logs)))
    out: dict[str, Any] = {}
    for name, value in logs.items():
        if isinstance(value, dict):
            out |= to_host(k, value)
            continue
        array = (
            k.to_numpy(value) if isinstance(value, k.Tensor) else np.asarray(getattr(value, "value", value))
        )
        out[name] = float(array) if array.ndim == 0 else np.array(array)
    return out
