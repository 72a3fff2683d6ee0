"""CallbackList: several callbacks called as one, and who of them wants to be called when."""

from __future__ import annotations

from typing import Any

from lamina.callbacks.callback import Callback
from lamina.callbacks.history import History
from lamina.callbacks.logs import ProgbarLogger
from lamina.errors import stranger
from lamina.kernel.namespaces import is_ours


class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: The callbacks, in order.
        add_history: Whether to add a History when there is none.
        add_progbar: Whether to add a ProgbarLogger when there is none.
        model: The model to hand out.
        **params: The parameters to hand out.

    Example:
        >>> import lamina
        >>> callbacks = lamina.callbacks.CallbackList(add_history=True)
        >>> [type(callback).__name__ for callback in callbacks.callbacks]
        ['History']
    """

    def __init__(
        self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None,
        **params: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        given = callbacks if isinstance(callbacks, list | tuple) else [] if callbacks is None else [callbacks]
        for one in given:
            if not hasattr(one, "on_epoch_end") or isinstance(one, type):
                raise NoCallback(
                    f"`callbacks` must hold Callback objects, got {getattr(one, '__name__', one)!r:.80} "
                    f"({type(one).__name__}). {_way_to_callback(one)}"
                )
        self.callbacks = list(given)
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
        if add_progbar:
            if not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
                self.callbacks.insert(0, ProgbarLogger())
        if model is not None:
            self.set_model(model)
        self.set_params(params)

    def append(self, callback: Any) -> None:
        """Add a callback."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hand out the parameters."""
        self.params = params
        for one in self.callbacks:
            one.set_params(params)

    def set_model(self, model: Any) -> None:
        """Hand out the model."""
        self._model = model
        for one in self.callbacks:
            one.set_model(model)

    def has_hook(self, *names: str) -> bool:
        """Whether a callback wants to be called by one of these batch hooks."""
        return any(_wait(one, names) > 0 for one in self.callbacks)

    @property
    def has_bar(self) -> bool:
        """Whether a callback shows the progress."""
        return any(isinstance(one, ProgbarLogger) for one in self.callbacks)

    def batches_until(self, names: tuple[str, ...]) -> int:
        """In how many batches the first callback wants to be called by one of these hooks; 0 is never."""
        return min((n for one in self.callbacks if (n := _wait(one, names)) > 0), default=0)


def _way_to_callback(thing: Any) -> str:
    if wrong := stranger(thing):
        return wrong
    if callable(thing):
        return "A function becomes one with LambdaCallback(on_epoch_end=function)."
    return "Derive it from lamina.callbacks.Callback."


class NoCallback(TypeError, AttributeError):
    """Something in a list of callbacks that is none."""


def _wait(one: Any, names: tuple[str, ...]) -> int:
    asked = getattr(one, "batches_until_call", None)
    wanted = asked() if asked is not None else None
    if wanted is not None:
        return wanted
    return int(
        any(
            getattr(type(one), name, None) is not getattr(Callback, name, None) or name in vars(one)
            for name in names
        )
    )


def _explain(error: Exception, callback: Any, hook: str, logs: Any) -> None:
    """Say in which hook of the user's own an error came, and what the logs held."""
    if not is_ours(callback):
        error.add_note(
            f"In {type(callback).__name__}.{hook}, whose logs hold: {', '.join(logs) or 'nothing'}."
        )


def _forward(name: str) -> Any:
    counted = "epoch" in name or "batch" in name

    def with_number(self: CallbackList, number: int, logs: Any = None) -> None:
        logs = {} if logs is None else logs  # one dict for all: a callback may add to it
        for one in self.callbacks:
            try:
                getattr(one, name)(number, logs)
            except Exception as error:
                _explain(error, one, name, logs)
                raise

    def without_number(self: CallbackList, logs: Any = None) -> None:
        logs = {} if logs is None else logs
        for one in self.callbacks:
            try:
                getattr(one, name)(logs)
            except Exception as error:
                _explain(error, one, name, logs)
                raise

    hook = with_number if counted else without_number
    hook.__name__ = name
    hook.__doc__ = getattr(Callback, name).__doc__
    return hook


for _name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(CallbackList, _name, _forward(_name))
