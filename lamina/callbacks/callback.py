"""Callback: the hooks of training, and the list that calls them."""

from __future__ import annotations

from typing import Any

_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end", "on_test_batch_begin",
          "on_test_batch_end", "on_predict_batch_begin", "on_predict_batch_end")  # fmt: skip


class Callback:
    """Hooks that `fit`, `evaluate` and `predict` call. A subclass defines those it needs.

    A callback that defines a batch hook is called for every batch; otherwise many steps run in one dispatch.

    Attributes:
        model: The model, once training begins.
        params: A dict with "epochs", "steps" and "verbose".

    Example:
        >>> import lamina
        >>> class Stop(lamina.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.model.stop_training = logs["loss"] < 0.1
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        """The model that is trained."""
        return getattr(self, "_model", None)

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive the parameters of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receive the model."""
        self._model = model

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
        add_progbar: Kept for Keras: the progress bar is part of the loop.
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
                raise TypeError(f"`callbacks` must hold Callback objects, got {one!r:.80} ({type(one).__name__}).")
        self.callbacks = list(given)
        self.history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if self.history is None and add_history:
            self.history = History()
            self.callbacks.append(self.history)
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
        """Whether a callback defines one of these hooks itself."""
        return any(
            getattr(type(one), name, None) is not getattr(Callback, name, None) or name in vars(one)
            for one in self.callbacks
            for name in names
        )


def _forward(name: str) -> Any:
    def hook(self: CallbackList, *args: Any, **kwargs: Any) -> None:
        for one in self.callbacks:
            getattr(one, name)(*args, **kwargs)

    hook.__name__ = name
    hook.__doc__ = getattr(Callback, name).__doc__
    return hook


for _name in [n for n in vars(Callback) if n.startswith("on_")]:
    setattr(CallbackList, _name, _forward(_name))
