"""History: the metrics of every epoch."""

from __future__ import annotations

from typing import Any

from lamina.callbacks import curves
from lamina.callbacks.callback import Callback


class History(Callback):
    """Keeps the metrics of every epoch; `fit` returns it.

    Attributes:
        history: Name -> list of values, one per epoch.
        epoch: The epochs' numbers.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=2, verbose=0)
        >>> len(history.history["loss"]), history.epoch
        (2, [0, 1])
    """

    _kept = ("history", "epoch")
    _kind: type[dict] = dict  # of `history`: another one knows old names (`lamina.legacy`)

    def __init__(self) -> None:
        super().__init__()
        self._forget()

    def _forget(self) -> None:
        """Hold no epochs; what was handed out before stays as it is."""
        self.history: dict[str, list[float]] = self._kind()
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self.epoch = []
        self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keep the metrics."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def plot(self, metrics: Any = None) -> Any:
        """The curves as a matplotlib figure: one plot for each metric, the validation's dashed.

        Args:
            metrics: A name, or a list of names, such as "loss"; all when None.

        Returns:
            A `matplotlib.figure.Figure`: a notebook shows it, `savefig(path)` writes it.

        Raises:
            ImportError: if matplotlib is missing, with the line that installs it.
            ValueError: if there is nothing to plot, or a metric has no values.
        """
        return curves.figure(self.history, self.epoch, metrics)

    def _repr_html_(self) -> str:
        """What a notebook shows: the curves and the last values."""
        return curves.svg(self.history) or "<p>History of no epochs</p>"
