"""Compiled steps: the state of a model as one list of tensors, and the programs that move it on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from lamina.core import seeds
from lamina.core.stateless import run_pure
from lamina.core.storage import donate, mark_lost, take_back, values_for
from lamina.core.tracking import owned
from lamina.core.variable import Variable
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.interrupt import kept_whole


class Program:
    """A step `step(batch) -> logs` of a model, compiled for one backend.

    Where variables change in place the step runs on them; where state must flow (see `Kernel.functional`) it becomes
    a pure function of the values of all variables, which are handed on from dispatch to dispatch.

    Args:
        k: The kernel.
        step: The stateful step, written once.
        variables: All variables that the step may read or assign.
        compiled: Whether to compile; False runs the step as it is written.
    """

    def __init__(
        self, k: Any, step: Callable[[Any], Any], variables: list[Variable], compiled: bool = True
    ) -> None:
        self.k, self.step, self.variables = k, step, variables
        self.compiled = compiled
        self._loop: Any = None
        self._single: Any = None
        self.gives_logs = False  # whether the step is the user's own, which says itself what is shown
        self.logs: Any = None  # their shapes and dtypes
        self.last: Any = None  # what is shown after the last dispatch, where that gave it
        self.results: Any = None  # reads the metrics; compiled steps give what it gives along with the state

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

    def _failed(self, error: BaseException) -> None:
        """What the failed step had taken over is gone; whatever it had only a copy of stays."""
        mark_lost(self.variables, f"a compiled step that raised {type(error).__name__}")

    def _pure(self, values: list[Any], batch: Any) -> tuple[list[Any], Any]:
        logs, updated, _ = run_pure(self.step, self.variables, values, (batch,))
        return updated, logs

    # -- many steps on data that lives on the device ----------------------------------------------------------------------

    def run(self, data: Any, indices: Any, start: int, stop: int) -> None:
        """The steps from start to stop: each takes the rows that its line of `indices` names."""
        k, self.last = self.k, None
        if not self.compiled:
            for i in range(start, stop):
                places = k.asarray(indices[i]) if isinstance(indices, np.ndarray) else indices[i]
                self.last = self.step(
                    map_leaves(lambda x, p=places: None if x is None else k.take(x, p, 0), data)
                )
        elif k.functional:
            if self._loop is None:
                self._loop = k.loop(self._pure_turn, True, self._pure_end)
            values, held = self._values()
            try:
                with kept_whole():
                    values, self.last = self._loop(
                        (values, self._no_logs()), data, indices, start, stop, held
                    )
                    self._store(values)
            except BaseException as error:
                self._failed(error)
                raise
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
        return map_logs(lambda spec: self.k.zeros(*spec), self.logs)

    # -- one step on a batch that comes -----------------------------------------------------------------------------------

    def run_batch(self, batch: Any) -> None:
        """One step on tensors or NumPy arrays."""
        k = self.k
        if self.compiled and k.functional:
            if self._single is None:
                self._single = k.jit(lambda values, batch: self._pure_end(self._pure(values, batch)), (0,))
            values, held = self._values()
            try:
                with kept_whole():
                    values, self.last = self._single(values, batch, shared=held)
                    self._store(values)
            except BaseException as error:
                self._failed(error)
                raise
        elif self.compiled and k.traced_step:
            if self._single is None:
                self._single = k.jit(lambda batch: self._end(self.step(batch)))
            self.last = self._single(batch)
        else:
            self.last = self.step(to_device(k, batch))

    def shown(self) -> dict[str, Any]:
        """The numbers to show after the last dispatch."""
        if self.last is not None:
            try:
                return to_host(self.k, self.last)
            except (
                Exception
            ) as error:  # a device that works on its own says so when its numbers are asked for
                self._failed(error)
                raise
        return {} if self.gives_logs else to_host(self.k, self.results())

    def wait(self) -> None:
        """Until the last dispatch is done."""
        if self.variables:
            v = self.variables[-1]
            taken = v._stored.take(self.k)  # looked at, it would be no longer the steps' own
            self.k.wait(v.value if taken is None else taken[0])


class Reader:
    """A function that only reads state, compiled: forward passes, metric results."""

    def __init__(
        self, k: Any, function: Callable[..., Any], variables: list[Variable], compiled: bool = True
    ) -> None:
        self.k, self.function, self.variables = k, function, variables
        if not compiled:
            self._program = None
        elif k.functional:
            self._program = k.jit(lambda values, args: run_pure(function, variables, values, args)[0])
        else:
            self._program = k.jit(function) if k.traced_step else None

    def __call__(self, *args: Any) -> Any:
        """The result for tensors or NumPy arrays."""
        if self._program is None:
            return self.function(*to_device(self.k, args))
        if self.k.functional:
            take_back(self.variables)
            return self._program([v.value for v in self.variables], args)
        return self._program(*args)


class Governor:
    """Chooses how many steps a dispatch takes, so that one lasts about `target` seconds.

    Long enough that Python costs nothing, short enough that a progress bar and Ctrl-C stay alive.
    """

    def __init__(self, target: float = 0.25) -> None:
        self.target = target
        self.size = 1
        self._warm = False

    def next(self, left: int) -> int:
        """The size of the next block."""
        return max(1, min(self.size, left))

    def took(self, steps: int, seconds: float) -> None:
        """Learn from a block; the first one compiles and says nothing."""
        if not self._warm:
            self._warm = True
            self.size = 4
            return
        ideal = self.target / max(seconds / steps, 1e-7)
        self.size = int(max(1, min(ideal, self.size * 8, 1_000_000)))


def all_variables(model: Any, *, training: bool) -> list[Variable]:
    """Every variable that a step may touch, each once."""
    found = list(model.variables)
    found += model.metrics_variables
    if training:
        found += [v for optimizer in owned(model, "optimizer") for v in optimizer.variables]
    found.append(seeds.global_generator().state)
    return list({id(v): v for v in found}.values())


def prepare(variables: list[Variable], k: Any) -> None:
    """Bring all variables to the kernel: their first values are made now."""
    for v in variables:
        v._own(k)


def map_logs(function: Callable[[Any], Any], logs: Any) -> Any:
    """A function on every (shape, dtype) of a step's logs."""
    if isinstance(logs, dict):
        return {name: map_logs(function, value) for name, value in logs.items()}
    return function(logs)


def to_device(k: Any, tree: Any) -> Any:
    """A batch as tensors of the kernel, for a step that runs as it is; a program takes arrays, and faster."""
    return map_leaves(lambda x: x if x is None or isinstance(x, k.Tensor) else k.put(x), tree)


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


class Clock:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self._then = time.perf_counter()

    def lap(self) -> float:
        now = time.perf_counter()
        took, self._then = now - self._then, now
        return took
