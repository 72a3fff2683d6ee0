"""The rows that a model is most wrong about."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina import losses, ops
from lamina.training.compile.losses import as_loss
from lamina.visual.show import show_results


def top_losses(
    model: Any, x: Any, y: Any, count: int = 9, batch_size: int = 32
) -> tuple[np.ndarray, np.ndarray]:
    """The largest losses of single rows, and the rows' numbers.

    Args:
        model: A compiled model with one output and one loss.
        x: Inputs (rows, ...), as for `predict`.
        y: Targets (rows, ...).
        count: How many rows.
        batch_size: Rows at a time.

    Returns:
        (losses, row numbers), the largest first.

    Raises:
        ValueError: if the model is not compiled with one loss, or the loss knows no single rows.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((1,)), lamina.layers.Rescaling(1.0)])
        >>> model.compile(loss="mse")
        >>> losses, rows = lamina.visual.top_losses(model, np.zeros((3, 1)), np.array([[1.0], [3.0], [2.0]]), count=2)
        >>> losses.tolist(), rows.tolist()
        ([9.0, 4.0], [1, 2])
    """
    predicted = model.predict(x, batch_size=batch_size, verbose=0)
    found = row_losses(model, y, predicted, batch_size)
    # what is no number counts as the worst; equal losses stay in the order of the rows
    rows = np.argsort(-np.where(np.isnan(found), np.inf, found), kind="stable")[:count]
    return found[rows], rows


def row_losses(model: Any, y: Any, predicted: Any, batch_size: int = 32) -> np.ndarray:
    """The loss of each row."""
    one = _loss_of(model)
    y, found = np.asarray(y), []
    for i in range(0, len(y), batch_size):
        # the loss's own formula, which is not averaged over rows
        values = one.call(
            ops.convert_to_tensor(y[i : i + batch_size]), ops.convert_to_tensor(predicted[i : i + batch_size])
        )
        values = ops.convert_to_numpy(values)
        if values.shape[:1] != y[i : i + batch_size].shape[:1]:
            raise ValueError(f"The loss {one.name!r} gives no number for each row, but shape {values.shape}.")
        found.append(values.reshape(len(values), -1).mean(-1))
    return np.concatenate(found) if found else np.zeros(0)


def _loss_of(model: Any) -> Any:
    given = model._model_state.given.get("loss")
    several = len(getattr(model, "outputs", None) or [None]) != 1
    if given is None or several or isinstance(given, dict | list | tuple):
        raise ValueError(
            f"Losses of rows are known of a model with one output, compiled with one loss; {model.name!r} has "
            f"{'several outputs' if several else f'the loss {given!r}'}."
        )
    return as_loss(losses.get(given))


def plot_top_losses(model: Any, x: Any, y: Any, count: int = 9, **options: Any) -> Any:
    """Show the rows with the largest losses, with label, prediction and loss.

    Args:
        model, x, y, count: As for `top_losses`.
        **options: As for `show_results`: `task`, `class_names`, `vocabulary`, ...

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: as `top_losses` and `show_results`.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((4, 4, 1)), lamina.layers.Flatten(), lamina.layers.Dense(2)])
        >>> model.compile(loss="mse")
        >>> figure = lamina.visual.plot_top_losses(model, np.ones((3, 4, 4, 1)), np.eye(2)[[0, 1, 1]], count=2)
        >>> len(figure.axes)
        2
    """
    worst, rows = top_losses(model, x, y, count)
    return show_results(
        model,
        np.asarray(x)[rows],
        np.asarray(y)[rows],
        count=count,
        notes=[f"loss {v:.3g}" for v in worst],
        **options,
    )
