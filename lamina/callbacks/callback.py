"""Callback: the hooks of training, and the list that calls them."""

from __future__ import annotations

from typing import Any

from lamina.kernel.tracebacks import fold_constructor


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

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        fold_constructor(cls)

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
