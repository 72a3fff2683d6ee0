"""Scopes of a framework's own that say on which devices a model is to train: `tf.distribute`'s."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from lamina.backends.beside import has_scopes
from lamina.distribution.distributions import DataParallel, Distribution
from lamina.kernel.context import current, distribution_in_force
from lamina.kernel.tracebacks import passes_on

F = TypeVar("F", bound=Callable[..., Any])


def distribution_of_scope() -> Distribution | None:
    """The distribution that a scope of the framework stands for; None where none is open.

    No backend is loaded to find out where its framework was not imported: it has no scope open.
    """
    if not has_scopes():
        return None
    k = current()
    devices = None if k.abstract else k.spread.opened()
    return None if devices is None else DataParallel(devices=devices)


def as_compiled(method: F) -> F:
    """A method of a model, under the distribution that the model was compiled in, unless there is another in force."""

    @passes_on
    @wraps(method)
    def call(model: Any, *args: Any, **kwargs: Any) -> Any:
        own = model._model_state.distribution
        if own is None or distribution_in_force() is not None:
            return method(model, *args, **kwargs)
        with own.scope():
            return method(model, *args, **kwargs)

    return call  # type: ignore[return-value]
