"""Callback: the hooks of training, and the list that calls them."""

from __future__ import annotations

from typing import Any


class Callback:
    """Hooks that `fit`, `evaluate` and `predict` call. A subclass defines those it needs.

    A callback that defines a batch hook is called for every batch; otherwise many steps run in one dispatch.
    What a callback must remember for training to be resumed exactly (see `BackupAndRestore`) it gives by
    `state_dict` and takes back by `load_state_dict`.

    Attributes:
        model: The model, once training begins.
        params: A dict with "epochs", "steps" and "verbose".

    Example:
        >>> import lamina
        >>> class Stop(lamina.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.model.stop_training = logs["loss"] < 0.1
    """

    params: dict[str, Any] | None = None
    _model: Any = None
    _kept: tuple[str, ...] = ()  # the attributes that `state_dict` holds

    def __init__(self) -> None:
        self.params = None
        self._model = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive the parameters of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receive the model."""
        self._model = model

    def state_dict(self) -> dict[str, Any]:
        """What it must remember for an exact resume: numbers, texts, arrays, lists and dicts of them."""
        return {name: getattr(self, name) for name in self._kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave; comes after `on_train_begin`.

        Args:
            state: The dict.
        """
        for name, value in state.items():
            setattr(self, name, value)

    def batches_until_call(self) -> int | None:
        """In how many batches a batch hook wants to be called; 0 is never, None is as the hooks it defines say."""
        return None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch; `logs` has its metrics, validation included."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """An older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a training batch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a training batch; `logs` has the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before an evaluation batch."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After an evaluation batch."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a prediction batch."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a prediction batch; `logs` has its "outputs"."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After training."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before evaluation (also inside training)."""

    def on_test_end(self, logs: Any = None) -> None:
        """After evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After prediction."""


class CallbackList(Callback):
    """Several callbacks as one.

    Args:
        callbacks: The callbacks, in order.
        add_history: Whether to add a History when there is none.
        add_progbar: Whether to add a ProgbarLogger when there is none.
        model: The model to hand out.
        **params: The parameters to hand out.
    """

    def __init__(
        self, callbacks: Any = None, add_history: bool = False, add_progbar: bool = False, model: Any = None,
        **params: Any,
    ) -> None:  # fmt: skip
        from lamina.callbacks.history import History

        super().__init__()
        given = callbacks if isinstance(callbacks, list | tuple) else [] if callbacks is None else [callbacks]
        for one in given:
            if not hasattr(one, "on_epoch_end"):
                raise TypeError(
                    f"`callbacks` must hold Callback objects, got {one!r:.80} ({type(one).__name__})."
                )
        self.callbacks = list(given)
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
        if add_progbar:
            from lamina.callbacks.logs import ProgbarLogger

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
        from lamina.callbacks.logs import ProgbarLogger

        return any(isinstance(one, ProgbarLogger) for one in self.callbacks)

    def batches_until(self, names: tuple[str, ...]) -> int:
        """In how many batches the first callback wants to be called by one of these hooks; 0 is never."""
        return min((n for one in self.callbacks if (n := _wait(one, names)) > 0), default=0)


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


def _forward(name: str) -> Any:
    counted = "epoch" in name or "batch" in name

    def with_number(self: CallbackList, number: int, logs: Any = None) -> None:
        logs = {} if logs is None else logs  # one dict for all: a callback may add to it
        for one in self.callbacks:
            getattr(one, name)(number, logs)

    def without_number(self: CallbackList, logs: Any = None) -> None:
        logs = {} if logs is None else logs
        for one in self.callbacks:
            getattr(one, name)(logs)

    hook = with_number if counted else without_number
    hook.__name__ = name
    hook.__doc__ = getattr(Callback, name).__doc__
    return hook


for _name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(CallbackList, _name, _forward(_name))
