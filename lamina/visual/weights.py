"""The weights of a model as histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.callbacks.figures import grid


def plot_weights(model: Any, names: Any = None, bins: int = 50) -> Any:
    """One histogram for each weight, with its mean and standard deviation.

    Args:
        model: A built model or layer.
        names: Which weights, as parts of their paths, such as "kernel" or ["dense/kernel", "bias"]; all when None.
        bins: Into how many intervals values are counted.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if there are no weights, or none of these names.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3)])
        >>> len(lamina.visual.plot_weights(model, "kernel").axes)
        1
    """
    if not model.weights:
        raise ValueError(f"{model.name!r} has no weights yet: call it on data, or `build(input_shape)`.")
    wanted = [names] if isinstance(names, str) else names
    chosen = [v for v in model.weights if wanted is None or any(name in v.path for name in wanted)]
    if not chosen:
        raise ValueError(
            f"No weight is called {names!r}. Known: {', '.join(v.path for v in model.weights[:20])}."
        )
    figure, places = grid(len(chosen), None, 3.2, 2.4)
    for axes, v in zip(places, chosen, strict=True):
        values = np.asarray(v.numpy(), "float64").ravel()
        finite = values[np.isfinite(values)]
        axes.hist(finite, bins=bins)
        strange = "" if len(finite) == len(values) else f", {len(values) - len(finite)} not finite"
        mean, deviation = (finite.mean(), finite.std()) if len(finite) else (np.nan, np.nan)
        axes.set_title(
            f"{v.path} {tuple(v.shape)}\nmean {mean:.3g}, std {deviation:.3g}{strange}", fontsize=8
        )
    return figure
