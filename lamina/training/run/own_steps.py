"""Steps of the user's own: written once for all backends, or in the form that Keras gives them on one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from lamina.core.stateless import run_pure
from lamina.core.variable import Variable
from lamina.kernel.context import current
from lamina.kernel.trees import map_leaves
from lamina.training.feed.batch import pack_x_y_sample_weight


def own_step(model: Any, name: str) -> Callable[[Any], Any]:
    """A step that the model defines, as a function of (x, y, sample_weight), or of (data,), that gives logs.

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
        method = _with_state(model, method, name)

    def step(tree: tuple) -> dict[str, Any]:
        logs = method(tree[0] if len(tree) == 1 else pack_x_y_sample_weight(*tree))
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
    if not model._has_own("predict_step") or not takes_state(method):
        return lambda tree: method(pack_x_y_sample_weight(*tree))

    def step(tree: tuple) -> Any:
        lists = _state_lists(model, "predict_step")
        state = tuple([v.value for v in variables] for variables in lists)
        out, new = method(state, pack_x_y_sample_weight(*tree))
        for variable, value in zip(lists[1], new, strict=True):
            variable.assign(value)
        return out

    return step


def takes_state(method: Any) -> bool:
    """Whether a step has the form `(state, data)`. One that takes `*args` gets on a functional backend what Keras gives."""
    kinds = inspect.Parameter
    parameters = list(inspect.signature(method).parameters.values())
    named = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    if not named and any(p.kind is kinds.VAR_POSITIONAL for p in parameters):
        return current().functional
    return len([p for p in named if p.default is kinds.empty]) == 2


def with_or_without_state(
    model: Any, name: str, step: Callable[[Any], Any], args: tuple, kwargs: dict[str, Any]
) -> Any:
    """A usual step, called as `step(data)` or as `step(state, data)`.

    Args:
        model: The model.
        name: "train_step", "test_step" or "predict_step".
        step: The step as a function of the data, which changes variables as it runs.
        args, kwargs: What the caller gave.

    Returns:
        What the step gives; with a state, (that, the state afterwards).

    Raises:
        TypeError: if the arguments are neither of the two.
        ValueError: if the state does not fit the model's variables.
    """
    if len(args) == 1 and not kwargs:
        return step(args[0])
    given = dict(zip(("state", "data")[2 - len(args) :], args, strict=False)) | kwargs
    if len(given) != len(args) + len(kwargs) or not {"data"} <= set(given) <= {"state", "data"}:
        raise TypeError(
            f"`{name}` takes (data), or (state, data), got {len(args)} arguments"
            + (f" and {', '.join(kwargs)}" if kwargs else "")
            + "."
        )
    if "state" not in given:
        return step(given["data"])
    lists = _state_lists(model, name)
    if [len(part) for part in given["state"]] != [len(part) for part in lists]:
        raise ValueError(
            f"The state for `{name}` of model {model.name!r} must hold lists of {', '.join(str(len(p)) for p in lists)} values "
            f"({_PARTS[name]}), got lists of {', '.join(str(len(part)) for part in given['state'])}."
        )
    variables = [v for part in lists for v in part]
    out, new, scope = run_pure(lambda: step(given["data"]), variables, [v for p in given["state"] for v in p])
    known = {id(v) for v in variables}
    for variable in scope.written.values():  # what no list holds, such as where draws without a seed stand
        if id(variable) not in known:
            variable.assign(scope.values[id(variable)])
    values = iter(new)
    after = tuple([next(values) for _ in part] for part in lists)
    return out, after[1] if name == "predict_step" else after


_PARTS = {
    "train_step": "trainable, non-trainable, optimizer's, metrics'",
    "test_step": "trainable, non-trainable, metrics'",
    "predict_step": "trainable, non-trainable",
}


def _with_state(model: Any, method: Any, name: str) -> Callable[[Any], Any]:
    def step(data: Any) -> Any:
        lists = _state_lists(model, name)
        logs, new = method(tuple([v.value for v in variables] for variables in lists), data)
        for variables, values in zip(lists, new, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return logs

    return step


def _state_lists(model: Any, name: str) -> list[list[Variable]]:
    """The lists of a step's state: trainable, non-trainable, (optimizer,) metrics."""
    lists = [model.trainable_variables, model.non_trainable_variables]
    if name == "predict_step":
        return lists
    optimizer: Any = model.optimizer if name == "train_step" else None
    return [*lists, *([] if optimizer is None else [list(optimizer.variables)]), model.metrics_variables]


def _tensor(x: Any) -> Any:
    k = current()
    x = x.value if isinstance(x, Variable) else x
    return x if isinstance(x, k.Tensor) else k.asarray(x)
