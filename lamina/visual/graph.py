"""Pictures of models: `plot_model` and `model_to_dot`, on Graphviz."""

from __future__ import annotations

import pathlib
from typing import Any

from lamina.core.layer import Layer
from lamina.core.operation import OpCall
from lamina.kernel.trees import leaves
from lamina.models import Functional
from lamina.visual.summary import _rows


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """The graph of a model as a `graphviz.Digraph`.

    Args:
        model: A built model.
        show_shapes: Whether nodes say the shapes of their outputs.
        show_dtype: Whether they say their dtypes.
        show_layer_names: Whether they say their names.
        rankdir: "TB" from top to bottom, "LR" from left to right.
        expand_nested: Whether nested models are drawn as clusters of their layers.
        dpi: Dots per inch of a picture.
        subgraph: Whether to give a cluster, to be put into another graph.
        show_layer_activations: Whether nodes say their activation.
        show_trainable: Whether they say if they are trained.
        splines: How Graphviz draws edges.

    Returns:
        A `graphviz.Digraph`; its `source` is DOT text.

    Raises:
        ImportError: if the package `graphviz` is missing, with the line that installs it.
        ValueError: if the model is not built.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> "digraph" in lamina.utils.model_to_dot(model, show_shapes=True).source
        True
    """
    if kwargs:
        raise TypeError(f"model_to_dot got unknown arguments: {', '.join(kwargs)}.")
    try:
        import graphviz
    except ImportError:
        raise ImportError(
            "Pictures of models need the package graphviz: `pip install lamina[plot]`."
        ) from None
    if not model.built:
        raise ValueError(f"Model {model.name!r} is not built yet: call it on data, or `build(input_shape)`.")
    says = _Labels(show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable)
    dot = graphviz.Digraph(name=f"cluster_{model.name}" if subgraph else model.name)
    if subgraph:
        dot.attr(label=model.name, style="dashed")
    else:
        dot.attr("graph", rankdir=rankdir, dpi=str(dpi), splines=splines, ranksep="0.3")
        dot.attr(
            "node",
            shape="box",
            style="rounded,filled",
            fillcolor="#eef2f7",
            fontname="Helvetica",
            fontsize="11",
        )
    _draw(dot, model, says, expand_nested, "")
    return dot


class _Labels:
    """What a node says."""

    def __init__(self, shapes: bool, dtype: bool, names: bool, activations: bool, trainable: bool) -> None:
        self.shapes, self.dtype, self.names = shapes, dtype, names
        self.activations, self.trainable = activations, trainable

    def of(self, o: Any) -> str:
        kind = o.op.class_name if isinstance(o, OpCall) else type(o).__name__
        lines = [f"{o.name} ({kind})" if self.names else kind]
        outputs = list(leaves(o._inbound_nodes[-1].outputs)) if o._inbound_nodes else []
        if self.activations and (found := getattr(o, "activation", None)) is not None:
            lines.append(f"activation: {getattr(found, '__name__', found)}")
        if self.shapes:
            lines.append(f"shape: {', '.join(str(x.shape) for x in outputs) or '?'}")
        if self.dtype:
            lines.append(f"dtype: {', '.join(x.dtype for x in outputs) or '?'}")
        if self.trainable and isinstance(o, Layer) and o.weights:
            lines.append("trainable" if o.trainable else "frozen")
        return "\n".join(lines)


def _draw(dot: Any, model: Any, says: _Labels, nested: bool, prefix: str) -> None:
    rows = _rows(model)
    inside = {id(o) for o in rows}
    for o in rows:
        if nested and isinstance(o, Functional):
            with dot.subgraph(name=f"cluster_{prefix}{o.name}") as cluster:
                cluster.attr(label=o.name, style="dashed")
                _draw(cluster, o, says, nested, f"{prefix}{o.name}/")
        else:
            dot.node(prefix + o.name, says.of(o))
    if not isinstance(model, Functional):
        return  # a model with its own `call` has layers, but no graph that could be known
    for node in model._nodes:
        for x in node.input_tensors:
            source = x._keras_history.operation
            if id(source) in inside:
                dot.edge(
                    prefix + _end(source, nested, "last"), prefix + _end(node.operation, nested, "first")
                )


def _end(o: Any, nested: bool, side: str) -> str:
    """The node that an edge meets: inside an expanded model its first or last layer."""
    if not (nested and isinstance(o, Functional)):
        return o.name
    rows = _rows(o)
    return f"{o.name}/{_end(rows[0] if side == 'first' else rows[-1], nested, side)}"


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
    **kwargs: Any,
) -> Any:
    """Draw the graph of a model into a picture file.

    Args:
        model: A built model.
        to_file: The picture; its ending chooses the format (png, svg, pdf, or dot for the text).
        show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, show_layer_activations,
            show_trainable, splines: As for `model_to_dot`.

    Returns:
        The `graphviz.Digraph`, which a notebook shows.

    Raises:
        ImportError: if the package `graphviz`, or the program `dot`, is missing, with what installs it.

    Example:
        >>> import lamina
        >>> model = lamina.Sequential([lamina.Input((2,)), lamina.layers.Dense(1)])
        >>> "digraph" in lamina.utils.plot_model(model, "model.dot").source
        True
    """
    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, show_layer_activations,
        show_trainable, splines, **kwargs,
    )  # fmt: skip
    import graphviz

    path = pathlib.Path(to_file)
    if path.suffix in (".dot", ".gv"):
        path.write_text(dot.source)
        return dot
    try:
        data = dot.pipe(format=path.suffix.lstrip(".") or "png")
    except graphviz.ExecutableNotFound:
        raise ImportError(
            "Drawing needs Graphviz's program `dot` (apt install graphviz, brew install graphviz). Without it, write "
            "the text: plot_model(model, 'model.dot')."
        ) from None
    path.write_bytes(data)
    return dot
