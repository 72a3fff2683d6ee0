"""Steps of the user's own: written once for all backends, or in the form that Keras gives them on one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from lamina.core.stateless import StatelessScope
from lamina.core.variable import Variable
from lamina.kernel import dtypes
from lamina.kernel.context import current
from lamina.kernel.shapes.infer import STAND_INS, infer
from lamina.kernel.shapes.spec import NeedsNumbers
from lamina.kernel.trees import leaves, map_leaves
from lamina.training.feed.batch import pack_x_y_sample_weight


def dtype_of(k: Any, leaf: Any) -> str:
    """The dtype of a tensor or an array."""
    return k.dtype(leaf) if isinstance(leaf, k.Tensor) else dtypes.standardize(leaf.dtype)


def own_step(model: Any, name: str) -> Callable[[Any], Any]:
    """A step that the model defines, as a function of (x, y, sample_weight) that gives logs of tensors.

    `step(data)` changes variables as it runs. `step(state, data) -> logs, state` is pure, as Keras has it on jax: state
    is a tuple of lists of values.

    Args:
        model: The model.
        name: "train_step" or "test_step".

    Raises:
        TypeError: if the step gives no dict.
    """
    method = getattr(model, name)
    if takes_state(method):
        method = _with_state(model, method, training=name == "train_step")

    def step(tree: tuple) -> dict[str, Any]:
        logs = method(pack_x_y_sample_weight(*tree))
        if logs is None:
            return {}
        if not isinstance(logs, dict):
            raise TypeError(
                f"`{name}` of {type(model).__name__} must give a dict of numbers by name, got {logs!r:.80}."
            )
        return map_leaves(_tensor, logs)

    return step


def own_predict_step(model: Any) -> Callable[[Any], Any]:
    """`predict_step` of a model as a function of (x,)."""
    method = model.predict_step
    if not takes_state(method):
        return lambda tree: method(pack_x_y_sample_weight(*tree))

    def step(tree: tuple) -> Any:
        lists = _state_lists(model, training=False)[:2]
        out, _ = method(
            tuple([v.value for v in variables] for variables in lists), pack_x_y_sample_weight(*tree)
        )
        return out

    return step


def takes_state(method: Any) -> bool:
    """Whether a step has the form `(state, data)`."""
    kinds = inspect.Parameter
    needed = [
        p
        for p in inspect.signature(method).parameters.values()
        if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) and p.default is kinds.empty
    ]
    return len(needed) == 2


def _with_state(model: Any, method: Any, *, training: bool) -> Callable[[Any], Any]:
    def step(data: Any) -> Any:
        lists = _state_lists(model, training=training)
        logs, new = method(tuple([v.value for v in variables] for variables in lists), data)
        for variables, values in zip(lists, new, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return logs

    return step


def _state_lists(model: Any, *, training: bool) -> list[list[Variable]]:
    """The lists of a step's state: trainable, non-trainable, (optimizer,) metrics."""
    optimizer = [list(model.optimizer.variables)] if training and model.optimizer is not None else []
    return [model.trainable_variables, model.non_trainable_variables, *optimizer, model.metrics_variables]


def _tensor(x: Any) -> Any:
    k = current()
    x = x.value if isinstance(x, Variable) else x
    return x if isinstance(x, k.Tensor) else k.asarray(x)


# -- what a step touches -------------------------------------------------------------------------------------------------


class _Recorder(StatelessScope):
    """A scope that notes which variables are read or written; they read as zeros, and are not drawn."""

    def __init__(self, k: Any) -> None:
        super().__init__(collect_losses=True)
        self.k = k
        self.found: dict[int, Variable] = {}

    def get_current_value(self, variable: Any) -> Any:
        self.found[id(variable)] = variable
        value = super().get_current_value(variable)
        return self.k.zeros(variable.shape, variable.dtype) if value is None else value

    def add_update(self, update: tuple[Any, Any]) -> None:
        self.found[id(update[0])] = update[0]
        super().add_update(update)


def run_on_shapes(k: Any, program: Callable[[list[Any]], Any], specs: list[Any]) -> None:
    """Run a program without numbers; where it leaves `lamina.ops`, the framework itself does.

    Args:
        k: The kernel.
        program: A function of a list of tensors.
        specs: Their shapes, None for a size that is not known, and dtypes.
    """
    try:
        infer(program, specs)
    except (NeedsNumbers, TypeError, AttributeError, NotImplementedError) as error:
        known = [(tuple(STAND_INS[0] if n is None else n for n in shape), dtype) for shape, dtype in specs]
        try:
            with _Recorder(k):
                k.eval_shape(program, known)
        except Exception:  # noqa: BLE001  (the first failure says more than that of the second try)
            raise error from None


def probe(
    k: Any, step: Callable[[Any], Any], batch: Any, dtype_of: Callable[[Any], str]
) -> tuple[list[Variable], Any]:
    """Run a step once without numbers.

    Args:
        k: The kernel.
        step: The step.
        batch: A batch, for its shapes.
        dtype_of: Gives the dtype of an array.

    Returns:
        The variables it touches (also of optimizers and metrics that nobody tracks), and its logs as (shape, dtype).
    """
    tensors = [leaf for leaf in leaves(batch) if leaf is not None]
    recorder = _Recorder(k)
    names: list[Any] = []

    def program(given: list[Any]) -> Any:
        table = {id(t): g for t, g in zip(tensors, given, strict=True)}
        with recorder if k.functional else nullcontext():  # a tape follows the variables themselves
            logs = step(map_leaves(lambda leaf: None if leaf is None else table[id(leaf)], batch))
        names[:] = [logs]
        return list(leaves(logs))

    specs = [(tuple(int(n) for n in t.shape), dtype_of(t)) for t in tensors]
    shapes = iter(k.eval_shape(program, specs))
    return list(recorder.found.values()), map_leaves(lambda _: next(shapes), names[0])
