"""SwapEMAWeights: judge the model by its averaged weights."""

from __future__ import annotations

from typing import Any

from lamina.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Puts the moving averages of the weights into the model while it is judged, and the weights back afterwards.

    The optimizer keeps the averages: make it with `use_ema=True`.

    Args:
        swap_on_epoch: Whether the averages also stand in the model from the end of an epoch to the beginning of the
            next, so that callbacks after this one (such as ModelCheckpoint) see them.

    Raises:
        ValueError: if the optimizer keeps no averages.

    Example:
        >>> import lamina
        >>> callback = lamina.callbacks.SwapEMAWeights(swap_on_epoch=True)
    """

    _kept = ("_raw",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._raw: list[Any] | None = None  # the weights, while the averages stand in the model

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("SwapEMAWeights needs an optimizer with `use_ema=True`.")
        return list(zip(optimizer._trainable_variables, optimizer._averages, strict=True))

    def _swap(self) -> None:
        if self._raw is None:
            pairs = self._pairs()
            self._raw = [weight.numpy().copy() for weight, _ in pairs]
            for weight, average in pairs:
                weight.assign(average.numpy())

    def _swap_back(self) -> None:
        if self._raw is not None:
            for (weight, _), value in zip(self._pairs(), self._raw, strict=True):
                weight.assign(value)
            self._raw = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Check that there are averages."""
        self._raw = None
        self._pairs()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The weights again."""
        self._swap_back()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The averages, for the callbacks behind this one."""
        if self.swap_on_epoch:
            self._swap()

    def on_test_begin(self, logs: Any = None) -> None:
        """The averages."""
        self._swap()

    def on_test_end(self, logs: Any = None) -> None:
        """The weights again."""
        self._swap_back()

    def on_predict_begin(self, logs: Any = None) -> None:
        """The averages."""
        self._swap()

    def on_predict_end(self, logs: Any = None) -> None:
        """The weights again."""
        self._swap_back()

    def on_train_end(self, logs: Any = None) -> None:
        """The averages stay in the model."""
        self._raw = None
