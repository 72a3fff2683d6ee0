"""What the layers of a model give for some inputs: as arrays, and as pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.callbacks.figures import grid
from lamina.core.layer import Layer
from lamina.layers import InputLayer
from lamina.models import Functional, Model

_MOST = 16  # channels that are drawn of a layer


def activations(model: Any, x: Any, layers: Any = None, batch_size: int = 32) -> dict[str, np.ndarray]:
    """The outputs of layers for some inputs.

    Args:
        model: A model with a graph: Sequential or Functional.
        x: Inputs, as for `predict`.
        layers: The names of the layers; all that have one output when None.
        batch_size: Rows at a time.

    Returns:
        Name -> array.

    Raises:
        ValueError: if the model has no graph, or no layer of that name.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(3, name="first"), lamina.layers.Dense(1)])
        >>> lamina.visual.activations(model, np.ones((2, 4)), ["first"])["first"].shape
        (2, 3)
    """
    if not isinstance(model, Functional) or not model.built:
        raise ValueError(
            f"{model.name!r} has no graph that says what its layers give: activations are known of a built Sequential or "
            "Functional model. Of another one return them from its `call`."
        )
    made = [o for o in model.operations if isinstance(o, Layer) and not isinstance(o, InputLayer)]
    known = {o.name: o for o in made if len(o._inbound_nodes[-1].output_tensors) == 1}
    wanted = [layers] if isinstance(layers, str) else list(known if layers is None else layers)
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"{model.name!r} has no layer {name!r} with one output. Known: {', '.join(known)}."
            )
    tensors = {name: _output(known[name], model) for name in wanted}
    found = Model(model.inputs, tensors).predict(x, batch_size=batch_size, verbose=0)
    return {name: found[name] for name in wanted}


def _output(layer: Any, model: Any) -> Any:
    """What it gives in this model: it may stand in others as well."""
    for node in model._nodes:
        if node.operation is layer:
            return node.output_tensors[0]
    return layer.output


def plot_activations(model: Any, x: Any, layers: Any = None, row: int = 0) -> Any:
    """Draw what layers give for one row: feature maps as images, vectors as bars, sequences as maps of step and feature.

    Args:
        model: A model with a graph.
        x: Inputs, as for `predict`.
        layers: The names of the layers; all when None.
        row: Which row is drawn.

    Returns:
        A `matplotlib.figure.Figure`: one row of pictures for each layer, of 16 channels at most.

    Raises:
        ImportError: if matplotlib is missing, with the line that installs it.
        ValueError: if the model has no graph, or no layer of that name.

    Example:
        >>> import lamina, numpy as np
        >>> model = lamina.Sequential([lamina.Input((8, 8, 1)), lamina.layers.Conv2D(2, 3), lamina.layers.Flatten()])
        >>> figure = lamina.visual.plot_activations(model, np.ones((1, 8, 8, 1)))
        >>> sum(axes.axison for axes in figure.axes)
        3
    """
    found = {name: _pictures(value[row]) for name, value in activations(model, x, layers).items()}
    columns = max((len(pictures) for pictures in found.values()), default=0)
    if not columns:
        raise ValueError(f"{model.name!r} has no layers to draw.")
    figure, places = grid(len(found) * columns, columns, 1.6, 1.6)
    for i, (name, pictures) in enumerate(found.items()):
        for j, axes in enumerate(places[i * columns : (i + 1) * columns]):
            if j >= len(pictures):
                axes.set_axis_off()
                continue
            if pictures[j].ndim == 1:
                axes.bar(range(len(pictures[j])), pictures[j])
            else:
                axes.imshow(pictures[j], aspect="auto" if len(pictures) == 1 else "equal")
            axes.set_xticks([])
            axes.set_yticks([])
            if j == 0:
                axes.set_title(name, fontsize=8, loc="left")
    return figure


def _pictures(value: np.ndarray) -> list[np.ndarray]:
    """A feature map as one picture per channel; the rest as one of rank 1 or 2."""
    value = np.asarray(value, "float64")
    if value.ndim >= 3:
        value = value.reshape(*value.shape[:2], -1)
        return [value[..., i] for i in range(min(value.shape[-1], _MOST))]
    return [value.T if value.ndim == 2 else np.atleast_1d(value)]
